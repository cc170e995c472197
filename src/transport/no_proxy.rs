//! NO_PROXY: hosts that are reached without the proxy, as curl reads it, with ports beside.

use ipnet::IpNet;
use std::net::IpAddr;
use url::{Host, Url};

/// The entries of NO_PROXY.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoProxy {
    all: bool,
    entries: Vec<Entry>,
    unreadable: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Entry {
    /// A name and all below it, at one port or at any.
    Name(String, Option<u16>),
    Address(IpAddr, Option<u16>),
    Network(IpNet),
}

impl NoProxy {
    /// Names, addresses and networks, separated by commas or spaces.
    pub fn parse(text: &str) -> NoProxy {
        let mut parsed = NoProxy::default();
        for entry in text.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()) {
            if entry == "*" {
                parsed.all = true;
            } else if let Some(entry) = parse(entry) {
                parsed.entries.push(entry);
            } else {
                parsed.unreadable.push(entry.to_owned());
            }
        }
        parsed
    }

    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    pub fn matches(&self, target: &Url) -> bool {
        let port = target.port_or_known_default();
        let is_port = |wanted: &Option<u16>| wanted.is_none() || *wanted == port;
        let address = match target.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        self.all
            || self.entries.iter().any(|entry| match (entry, address) {
                (Entry::Network(network), Some(address)) => network.contains(&address),
                (Entry::Address(wanted, port), Some(address)) => *wanted == address && is_port(port),
                (Entry::Name(name, port), None) => {
                    is_port(port) && is_below(target.host_str().unwrap_or_default(), name)
                }
                _ => false,
            })
    }
}

fn is_below(host: &str, name: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let Some(before) = host.len().checked_sub(name.len()) else { return false };
    let (front, end) = host.split_at_checked(before).unwrap_or((host, ""));
    end.eq_ignore_ascii_case(name) && (front.is_empty() || front.ends_with('.'))
}

fn parse(entry: &str) -> Option<Entry> {
    if let Ok(network) = entry.parse() {
        return Some(Entry::Network(network));
    }
    if let Ok(address) = entry.parse() {
        return Some(Entry::Address(address, None));
    }
    if let Some((literal, rest)) = entry.strip_prefix('[').and_then(|entry| entry.split_once(']')) {
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':')?.parse().ok()?),
        };
        return Some(Entry::Address(literal.parse().ok()?, port));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (entry, None),
    };
    if let Ok(address) = host.parse() {
        return Some(Entry::Address(address, port));
    }
    // A leading dot or star says no more than the name: all below it is meant in any case.
    let name = host.strip_prefix('*').unwrap_or(host).trim_start_matches('.').trim_end_matches('.');
    let name = if name.is_ascii() { name.to_owned() } else { idna(name)? };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!name.is_empty() && name.chars().all(is_name)).then_some(Entry::Name(name, port))
}

/// As URLs have a name in another script.
fn idna(name: &str) -> Option<String> {
    match Host::parse(name).ok()? {
        Host::Domain(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions() {
        let table = [
            ("", "https://a.example", true),
            ("a.example", "https://a.example:8443", false),
            ("a.example", "https://b.a.example", false),
            (".a.example", "https://a.example", false),
            ("*.a.example", "https://b.a.example", false),
            ("a.example", "https://nota.example", true),
            ("A.Example", "https://a.example", false),
            ("x.example, a.example", "https://a.example", false),
            ("x.example a.example", "https://a.example", false),
            ("10.0.0.0/8", "https://10.1.2.3", false),
            ("10.0.0.0/8", "https://11.1.2.3", true),
            ("10.1.2.3", "http://10.1.2.3:8080", false),
            ("[fd00::1]", "https://[fd00::1]", false),
            ("fd00::/8", "https://[fd00::1]:8443", false),
            ("a.example:443", "https://a.example", false),
            ("a.example:443", "https://a.example:8443", true),
            (".a.example:8443", "https://b.a.example:8443", false),
            ("10.1.2.3:80", "http://10.1.2.3", false),
            ("10.1.2.3:80", "http://10.1.2.3:81", true),
            ("[::1]", "https://[::1]:8443", false),
            ("[::1]:8443", "https://[::1]:8443", false),
            ("[::1]:443", "https://[::1]:8443", true),
            ("::1", "https://[::1]", false),
            ("a.example.", "https://a.example", false),
            ("bücher.example", "https://bücher.example", false),
            ("*", "https://a.example", false),
            ("*", "https://10.1.2.3", false),
            ("x.example,*", "https://10.1.2.3", false),
        ];
        for (except, target, is_proxied) in table {
            let target_url = Url::parse(target).unwrap();
            assert_eq!(!NoProxy::parse(except).matches(&target_url), is_proxied, "NO_PROXY={except} {target}");
        }
    }

    #[test]
    fn entries_that_cannot_be_read_are_kept_apart() {
        let parsed = NoProxy::parse("a.example, http://b, 10.0.0.0/99,c:port");
        assert_eq!(parsed.unreadable(), ["http://b", "10.0.0.0/99", "c:port"]);
        assert!(parsed.matches(&Url::parse("https://a.example").unwrap()));
    }
}
