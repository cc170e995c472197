//! Texts that no message and no log event shows: the key, and the values of the caller's headers.

use crate::error::Error;
use http::{HeaderName, HeaderValue};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A shorter header value is no secret, and stands in too many texts.
const SHORTEST_VALUE: usize = 8;

/// Each with what stands in its place.
#[derive(Clone, Default)]
pub struct Secrets(Arc<[(Zeroizing<String>, &'static str)]>);

impl Secrets {
    pub fn new(key: &str, headers: &[(HeaderName, HeaderValue)]) -> Secrets {
        // Where it stands in the place of a host, a URL has it in lower case.
        let keys = [Zeroizing::new(key.to_owned()), Zeroizing::new(key.to_ascii_lowercase())];
        let keys = keys.into_iter().filter(|key| !key.is_empty()).map(|key| (key, "[the key]"));
        let values = headers.iter().filter_map(|(_, value)| value.to_str().ok());
        let values = values.filter(|value| value.len() >= SHORTEST_VALUE);
        let values = values.map(|value| (Zeroizing::new(value.to_owned()), "[a header]"));
        Secrets(keys.chain(values).collect())
    }

    /// The text without them.
    pub fn take_out<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for (secret, instead) in self.0.iter().filter(|(secret, _)| !secret.is_empty()) {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), instead));
            }
        }
        text
    }

    /// Takes them out of everything that came from outside.
    pub fn redact(&self, error: &mut Error) {
        for (secret, instead) in self.0.iter() {
            error.redact(secret, instead);
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    #[test]
    fn a_key_is_taken_out_as_a_host_has_it_too() {
        let secrets = Secrets::new("sk-Api-Key", &[]);
        let text = "no address found for sk-api-key: check sk-Api-Key";
        let mut error = Error::new(Status::Connect, "list_files", text);
        secrets.redact(&mut error);
        assert_eq!(error.without_call(), "no address found for [the key]: check [the key]");
        assert_eq!(secrets.take_out(text), error.without_call());
    }
}
