//! Which limiter is whose: one a key and place.

use super::Limiter;
use crate::transport::setting::Key;
use crate::transport::sync::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use url::Url;

/// The account by which the service counts requests: a key, of which the fingerprint is kept, and an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    key_fingerprint: String,
    /// Host, port and path of the base URL.
    endpoint: String,
}

impl Account {
    pub fn new(key: &Key, base_url: &Url) -> Account {
        Account { key_fingerprint: key.fingerprint(), endpoint: base_url[url::Position::BeforeHost..].to_owned() }
    }
}

/// The limiters of one process.
#[derive(Default)]
pub struct Limiters(Mutex<HashMap<Account, Arc<Limiter>>>);

impl Limiters {
    pub fn get(&self, account: &Account) -> Arc<Limiter> {
        let mut limiters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limiter) = limiters.get(account) {
            return limiter.clone();
        }
        // Accounts that nobody uses any more must not pile up over months. What was found out is kept until it is old.
        limiters.retain(|_, limiter| Arc::strong_count(limiter) > 1 || !limiter.is_blank());
        limiters.entry(account.clone()).or_default().clone()
    }
}
