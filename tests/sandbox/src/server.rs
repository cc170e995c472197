//! What all listeners share.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Instant;

use axum::Router;

use crate::account::Account;
use crate::listen::{Given, ListenerFaults};
use crate::proxy::Proxies;
use crate::records::Registry;

/// The addresses of the API and of the object store.
#[derive(Clone)]
pub(crate) struct Bases {
    pub(crate) http: String,
    pub(crate) https: String,
    pub(crate) store: String,
    pub(crate) https_store: String,
}

pub(crate) struct Server {
    started: Instant,
    strict: bool,
    accounts: RwLock<HashMap<String, Arc<Account>>>,
    pub(crate) connections: Registry,
    pub(crate) listener_faults: ListenerFaults,
    pub(crate) given_listeners: Given,
    pub(crate) proxies: Proxies,
    /// Set once its listeners are bound.
    pub(crate) bases: OnceLock<Bases>,
    pub(crate) api: Router,
    pub(crate) control: Router,
    traces: AtomicU64,
    seed: u64,
}

impl Server {
    pub(crate) fn new(strict: bool) -> Arc<Server> {
        Arc::new(Server {
            started: Instant::now(),
            strict,
            accounts: RwLock::default(),
            connections: Registry::default(),
            listener_faults: ListenerFaults::default(),
            given_listeners: Given::default(),
            proxies: Proxies::default(),
            bases: OnceLock::new(),
            api: crate::api::router(),
            control: crate::control::router(),
            traces: AtomicU64::new(0),
            seed: RandomState::new().hash_one("trace ids"),
        })
    }

    /// Milliseconds since the start: the clock of all records.
    pub(crate) fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// The account of that name, made on first use.
    pub(crate) fn account(&self, name: &str) -> Arc<Account> {
        if let Some(account) = self.accounts.read().unwrap().get(name) {
            return account.clone();
        }
        let mut accounts = self.accounts.write().unwrap();
        accounts.entry(name.to_owned()).or_insert_with(|| Arc::new(Account::seeded(name, self.strict))).clone()
    }

    /// A new link to a file; of the scheme that the API was asked over.
    pub(crate) fn link(&self, account: &Account, file_id: i64, tls: bool, expired: bool) -> String {
        let mut state = account.state();
        let path = state.links.add(self, &account.name, file_id, expired);
        let tls = tls && !state.settings.http_links;
        let base = self.bases.get().map(|bases| if tls { &*bases.https_store } else { &*bases.store });
        format!("{}{path}", base.unwrap_or_default())
    }

    /// 32 hex digits, never the same twice: `mix` is one to one.
    pub(crate) fn trace_id(&self) -> String {
        let count = self.traces.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}{:016x}", mix(self.seed ^ count), mix(!self.seed ^ count))
    }
}

/// The finishing step of splitmix64.
pub(crate) fn mix(number: u64) -> u64 {
    let number = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
