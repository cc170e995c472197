//! An account: its files, fault script, journal and connections.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::http::Uri;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use crate::answer::Answer;
use crate::fault::Script;
use crate::file::File;
use crate::journal::{Entry, Journal};
use crate::link::Links;
use crate::purpose;
use crate::rate::{Rate, Window};
use crate::records::Connection;
use crate::rules::Rules;

/// The key that every account accepts; all others are refused with 1004.
pub const API_KEY: &str = "sk-api-sandbox";

/// The files a fresh account holds, as id and purpose. The last two ids do not survive a floating point number.
pub fn seeded_files() -> Vec<(i64, &'static str)> {
    let mut files: Vec<_> = (176_844_028_768_320..).zip(purpose::DELETE).collect();
    files.push((9_007_199_254_740_993, "t2a_async_input"));
    files.push((i64::MAX, "voice_clone"));
    files
}

const FIRST_UPLOAD: i64 = 276_844_028_768_000;

/// What an account does differently as long as it is not told otherwise.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Links to the store are http:// whatever the API is asked over.
    pub(crate) http_links: bool,
    /// So many are taken; the others are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requests_per_minute: Option<u32>,
    /// The time over which they are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) window_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<Window>,
    /// The code that refuses, or the HTTP status 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) throttle: Option<u16>,
    /// Uploads are only counted: a server that hashes them is slower than whoever is measured with it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) count_only: bool,
    /// Uploads are taken whatever their extension and size.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) any_file: bool,
    /// A GET is answered as it was answered before, unless it says no-cache.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) cache: bool,
    /// Refusals of what the service takes. Without these, as the server was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strict_order: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strict_part_type: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strict_purpose: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strict_query: Option<bool>,
}

pub(crate) struct Account {
    pub(crate) name: String,
    /// Where its settings say nothing of it.
    strict: bool,
    state: Mutex<State>,
    /// Told of each request and each connection that ends.
    pub(crate) changed: Notify,
    /// Counts the resets: what is being played for a request of this account then ends.
    resets: watch::Sender<u64>,
}

pub(crate) struct State {
    pub(crate) files: BTreeMap<i64, File>,
    /// Of the next upload.
    pub(crate) next_id: i64,
    pub(crate) links: Links,
    pub(crate) settings: Settings,
    pub(crate) cache: HashMap<Uri, Answer>,
    pub(crate) rate: Rate,
    pub(crate) script: Script,
    pub(crate) journal: Journal,
    pub(crate) connections: Vec<Arc<Connection>>,
}

impl State {
    fn seeded() -> State {
        State {
            files: seeded_files().into_iter().map(|(id, purpose)| (id, File::new(id, purpose))).collect(),
            next_id: FIRST_UPLOAD,
            links: Links::default(),
            settings: Settings::default(),
            cache: HashMap::new(),
            rate: Rate::default(),
            script: Script::default(),
            journal: Journal::default(),
            connections: Vec::new(),
        }
    }
}

impl Account {
    pub(crate) fn seeded(name: &str, strict: bool) -> Account {
        Account {
            name: name.to_owned(),
            strict,
            state: Mutex::new(State::seeded()),
            changed: Notify::new(),
            resets: watch::Sender::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The refusals beyond those of the service.
    pub(crate) fn rules(&self) -> Rules {
        self.state().settings.rules(self.strict)
    }

    pub(crate) fn reset(&self) {
        let old = std::mem::replace(&mut *self.state(), State::seeded());
        // A connection kept alive over the reset counts again from its next request on.
        for connection in old.connections {
            connection.forget(self);
        }
        self.resets.send_modify(|count| *count += 1);
        self.changed.notify_waiters();
    }

    /// Puts a request into the journal, unless that is off.
    pub(crate) fn note(&self, entry: impl FnOnce() -> Entry) {
        let mut state = self.state();
        if state.journal.is_on() {
            state.journal.push(entry());
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Changes at the next reset.
    pub(crate) fn resets(&self) -> watch::Receiver<u64> {
        self.resets.subscribe()
    }

    pub(crate) fn open_connections(&self) -> u64 {
        let connections = self.state().connections.clone();
        connections.iter().filter(|connection| connection.is_open()).count() as u64
    }
}
