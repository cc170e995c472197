//! The URLs of a client's calls: each is put together once and then copied.

use http::uri::PathAndQuery;
use once_cell::race::OnceBox;
use url::{Position, Url};

/// A chain without a lock, which a fork could find taken. It has as many links as the API has paths.
#[derive(Debug)]
pub struct Urls {
    base: Url,
    first: Next,
}

type Next = OnceBox<Entry>;
type Query = [(&'static str, String)];

#[derive(Debug)]
struct Entry {
    path: &'static str,
    url: Url,
    target: PathAndQuery,
    next: Next,
}

impl Urls {
    /// `base` ends with a slash.
    pub fn new(base: Url) -> Urls {
        Urls { base, first: Next::new() }
    }

    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The URL of a path below the base, which has no slash in front.
    pub fn url(&self, path: &'static str, query: &Query) -> Url {
        let mut url = self.entry(path).url.clone();
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The same as a request's target.
    pub fn target(&self, path: &'static str, query: &Query) -> PathAndQuery {
        match query {
            [] => self.entry(path).target.clone(),
            query => target(&self.url(path, query)),
        }
    }

    fn entry(&self, path: &'static str) -> &Entry {
        let new = || {
            let mut url = self.base.clone();
            url.set_path(&format!("{}{path}", self.base.path()));
            Box::new(Entry { path, target: target(&url), url, next: Next::new() })
        };
        let mut entry = self.first.get_or_init(new);
        // Another thread may have put another path there.
        while entry.path != path {
            entry = entry.next.get_or_init(new);
        }
        entry
    }
}

/// The path and query of a URL, as they stand in a request.
pub fn target(url: &Url) -> PathAndQuery {
    let target = PathAndQuery::try_from(&url[Position::BeforePath..Position::AfterQuery]);
    target.unwrap_or(PathAndQuery::from_static("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn each_path_has_its_url_whoever_asks_first() {
        let paths = ["v1/files/delete", "v1/files/list", "v1/files/retrieve"];
        for _ in 0..200 {
            let urls = Urls::new(Url::parse("https://host:8/below/").unwrap());
            let start = Barrier::new(paths.len());
            thread::scope(|scope| {
                for path in paths {
                    let (urls, start) = (&urls, &start);
                    scope.spawn(move || {
                        start.wait();
                        for path in [path, paths[0], path] {
                            assert_eq!(urls.url(path, &[]).as_str(), format!("https://host:8/below/{path}"));
                            assert_eq!(urls.target(path, &[]), format!("/below/{path}").as_str());
                        }
                    });
                }
            });
            let links = std::iter::successors(urls.first.get(), |entry| entry.next.get()).count();
            assert_eq!(links, paths.len());
        }
    }

    #[test]
    fn a_query_is_encoded() {
        let urls = Urls::new(Url::parse("https://host/").unwrap());
        assert_eq!(urls.target("list", &[("purpose", "a b&c".into())]), "/list?purpose=a+b%26c");
    }
}
