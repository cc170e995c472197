//! A value of the configuration: where it came from, and secrets that are wiped and never printed.

use sha2::{Digest as _, Sha256};
use std::fmt;
use url::Url;
use zeroize::Zeroizing;

/// An API key, or what may hold a password: wiped when dropped, never printed.
#[derive(Clone)]
pub struct Key(pub Zeroizing<String>);

impl Key {
    /// Identifies a key without revealing it: the beginning of its SHA-256.
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

/// Checks that a key fits the Authorization header. Says what is wrong without showing the key.
pub fn check_key(key: &Key) -> Result<(), &'static str> {
    let key = key.0.as_bytes();
    if key.is_empty() {
        Err("is empty")
    } else if key.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        Err("holds a line break; was it read from a file without trimming?")
    } else if !key.is_ascii() {
        Err("holds characters that are not ASCII")
    } else if !key.iter().all(u8::is_ascii_graphic) {
        Err("holds a space or a control character")
    } else {
        Ok(())
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
