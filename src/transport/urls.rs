//! The URLs of a client's calls: each is put together once and then copied.

use once_cell::race::OnceBox;
use reqwest::Url;

/// A chain without a lock, which a fork could find taken. It has as many links as the API has paths.
#[derive(Debug)]
pub struct Urls {
    base: Url,
    first: Next,
}

type Next = OnceBox<Place>;

#[derive(Debug)]
struct Place {
    path: &'static str,
    url: Url,
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
    pub fn of(&self, path: &'static str) -> &Url {
        let new = || {
            let mut url = self.base.clone();
            url.set_path(&format!("{}{path}", self.base.path()));
            Box::new(Place { path, url, next: Next::new() })
        };
        let mut place = self.first.get_or_init(new);
        // Another thread may have put another path there.
        while place.path != path {
            place = place.next.get_or_init(new);
        }
        &place.url
    }
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
                            assert_eq!(urls.of(path).as_str(), format!("https://host:8/below/{path}"));
                        }
                    });
                }
            });
            let links = std::iter::successors(urls.first.get(), |place| place.next.get()).count();
            assert_eq!(links, paths.len());
        }
    }
}
