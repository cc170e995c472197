//! Signed links to the object store.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::server::Server;

/// How long a link is good, in seconds.
const LIFE: u64 = 3600;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Wrong,
    Expired,
}

struct Link {
    file_id: i64,
    expires: u64,
    revoked: bool,
}

/// The links an account has handed out, by their signature.
#[derive(Default)]
pub(crate) struct Links(HashMap<String, Link>);

impl Links {
    /// A new link: where it points, below the address of a store.
    pub(crate) fn add(&mut self, server: &Server, account: &str, file_id: i64, expired: bool) -> String {
        let now = now();
        let expires = if expired { now - 60 } else { now + LIFE };
        // Never the same twice, and not to be guessed.
        let signature = server.trace_id();
        self.0.insert(signature.clone(), Link { file_id, expires, revoked: false });
        format!("/store/{account}/{file_id}?Expires={expires}&Signature={signature}")
    }

    /// Expires all links of a file, or all there are; answers how many were good until now.
    pub(crate) fn expire(&mut self, file_id: Option<i64>) -> usize {
        let now = now();
        let named = |link: &Link| file_id.is_none_or(|id| id == link.file_id);
        let good = self.0.values_mut().filter(|link| named(link) && !link.revoked && link.expires > now);
        good.map(|link| link.revoked = true).count()
    }

    pub(crate) fn check(&self, file_id: i64, expires: &str, signature: &str) -> Verdict {
        match self.0.get(signature) {
            Some(link) if link.file_id == file_id && link.expires.to_string() == expires => {
                if link.revoked || link.expires <= now() { Verdict::Expired } else { Verdict::Good }
            }
            _ => Verdict::Wrong,
        }
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
