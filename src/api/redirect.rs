//! Where a download may be sent on to.

use http::header::{HeaderMap, LOCATION};
use url::Url;

/// More are a ring, or as good as one.
pub const MOST: usize = 5;

/// The place that a response leads to, or why nobody goes there.
pub fn target(from: &Url, headers: &HeaderMap) -> Result<Url, &'static str> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let to = location.and_then(|location| from.join(location).ok());
    match to {
        Some(to) if to.scheme() == "https" || (to.scheme() == "http" && from.scheme() == "http") => Ok(to),
        Some(to) if to.scheme() == "http" => Err("from https:// to http://"),
        Some(_) => Err("to something that is not the web"),
        None => Err("to no place"),
    }
}

/// Whether the key may go along.
pub fn is_same_place(one: &Url, other: &Url) -> bool {
    let place = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default());
    place(one) == place(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::HeaderValue;

    fn from(from: &str, location: &'static str) -> Result<String, &'static str> {
        let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
        target(&Url::parse(from).unwrap(), &headers).map(String::from)
    }

    #[test]
    fn only_the_web_is_gone_to_and_never_into_the_open() {
        assert_eq!(from("https://a/b/c", "d"), Ok("https://a/b/d".into()));
        assert_eq!(from("http://a/b", "https://c/"), Ok("https://c/".into()));
        assert_eq!(from("http://a/b", "//c/d"), Ok("http://c/d".into()));
        assert_eq!(from("https://a/b", "http://a/b"), Err("from https:// to http://"));
        for elsewhere in ["ftp://a/", "file:///etc/passwd", "data:,x", "javascript:x"] {
            assert_eq!(from("https://a/b", elsewhere), Err("to something that is not the web"), "{elsewhere}");
        }
        assert_eq!(from("https://a/b", "https://:7"), Err("to no place"));
        assert_eq!(target(&Url::parse("https://a").unwrap(), &HeaderMap::new()), Err("to no place"));
    }

    #[test]
    fn the_key_stays_at_its_place() {
        let same = |one, other| is_same_place(&Url::parse(one).unwrap(), &Url::parse(other).unwrap());
        assert!(same("https://a/b", "https://A:443/c?d"));
        assert!(!same("https://a/b", "https://a:8443/b"));
        assert!(!same("http://a/b", "https://a/b"));
        assert!(!same("https://a/b", "https://b.a/b"));
    }
}
