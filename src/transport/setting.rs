//! A value of the configuration: where it came from, and secrets that are wiped and never printed.

use sha2::{Digest as _, Sha256};
use std::fmt;
use url::Url;
use zeroize::Zeroizing;

/// An API key, or what may hold a password: wiped when dropped, never printed.
#[derive(Clone)]
pub struct Key(pub Zeroizing<String>);

impl Key {
    /// Tells one key from another without telling it: the beginning of its SHA-256.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        digest[..8].iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(hidden)")
    }
}

/// A value that came from the environment is checked when a client is made: reading it can't fail.
#[derive(Clone, Debug)]
pub struct Setting<T> {
    pub value: T,
    /// The variable it came from, for messages.
    pub variable: Option<&'static str>,
}

/// Whether `http://` to it stays on this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback() {
        let is = |url: &str| is_loopback(&Url::parse(url).unwrap());
        assert!(["http://localhost:1", "http://127.9.9.9", "http://[::1]"].into_iter().all(is));
        assert!(!["http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example"].into_iter().any(is));
    }
}
