//! Where a download may be sent on to.

use http::header::{HeaderMap, LOCATION};
use url::{Host, Url};

/// More are a ring, or as good as one.
pub const MOST: usize = 5;

/// The Location as it came. What is not ASCII may stand there as it is, and goes out percent-encoded.
pub fn location(headers: &HeaderMap) -> Option<String> {
    let bytes = headers.get(LOCATION)?.as_bytes();
    let encoded = || {
        bytes.iter().fold(String::new(), |text, &byte| match byte {
            0..0x80 => text + char::from(byte).encode_utf8(&mut [0; 4]),
            _ => text + &format!("%{byte:02X}"),
        })
    };
    Some(std::str::from_utf8(bytes).map_or_else(|_| encoded(), str::to_owned))
}

/// The place that a response leads to, or why nobody goes there. `is_local`: the API itself is http:// on this machine.
pub fn target(from: &Url, headers: &HeaderMap, is_local: bool) -> Result<Url, &'static str> {
    let to = location(headers).and_then(|location| from.join(&location).ok());
    match to {
        Some(to) if from.scheme() == "http" && to.scheme() == "http" && is_this_machine(&to) && !is_local => {
            Err("to http:// on this machine")
        }
        Some(to) if to.scheme() == "https" || (to.scheme() == "http" && from.scheme() == "http") => Ok(to),
        Some(to) if to.scheme() == "http" => Err("from https:// to http://"),
        Some(_) => Err("to something that is not the web"),
        None => Err("to no place"),
    }
}

/// Whether a link or a redirect leads to what listens on this machine alone, in any way to write that.
pub fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let mapped = address.to_ipv4();
            address.is_loopback()
                || address.is_unspecified()
                || mapped.is_some_and(|four| four.is_loopback() || four.is_unspecified())
        }
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

/// Whether a gateway sends the API's own request on from http:// to https://: the base URL is wrong then.
pub fn is_upgrade(from: &Url, to: &Url) -> bool {
    from.scheme() == "http" && to.scheme() == "https" && from.host() == to.host() && from.path() == to.path()
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
        let headers = HeaderMap::from_iter([(
            LOCATION,
            HeaderValue::from_str(location).unwrap_or_else(|_| HeaderValue::from_bytes(location.as_bytes()).unwrap()),
        )]);
        target(&Url::parse(from).unwrap(), &headers, false).map(String::from)
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
        assert_eq!(target(&Url::parse("https://a").unwrap(), &HeaderMap::new(), false), Err("to no place"));
    }

    #[test]
    fn what_is_not_ascii_is_encoded() {
        assert_eq!(from("https://a/b", "/声音.mp3"), Ok("https://a/%E5%A3%B0%E9%9F%B3.mp3".into()));
        let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_bytes(b"/\xe9?\xe8").unwrap())]);
        assert_eq!(target(&Url::parse("https://a").unwrap(), &headers, false).unwrap().as_str(), "https://a/%E9?%E8");
    }

    #[test]
    fn this_machine_is_for_an_api_on_this_machine() {
        for host in [
            "127.0.0.1",
            "127.9.9.9:1",
            "localhost",
            "a.localhost",
            "localhost.",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
        ] {
            let to = Url::parse(&format!("http://{host}/")).unwrap();
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_str(to.as_str()).unwrap())]);
            let goes = |is_local| target(&Url::parse("http://a/b").unwrap(), &headers, is_local);
            assert_eq!(goes(false), Err("to http:// on this machine"), "{host}");
            assert_eq!(goes(true), Ok(to));
        }
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
