//! An account: its files, fault script, journal and connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use crate::fault::Script;
use crate::journal::{Entry, Journal};
use crate::records::Connection;

/// The key that every account accepts; all others are refused with 1004.
pub const API_KEY: &str = "sk-api-sandbox";

/// The purposes of the delete page.
pub(crate) const DELETE_PURPOSES: [&str; 5] =
    ["voice_clone", "prompt_audio", "t2a_async", "t2a_async_input", "video_generation"];

/// The files a fresh account holds, as id and purpose. The last two ids do not survive a floating point number.
pub fn seeded_files() -> Vec<(i64, &'static str)> {
    let mut files: Vec<_> = (176_844_028_768_320..).zip(DELETE_PURPOSES).collect();
    files.push((9_007_199_254_740_993, "t2a_async_input"));
    files.push((i64::MAX, "voice_clone"));
    files
}

/// A file object as the API shows it. Fields it has beyond these are kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) file_id: i64,
    #[serde(default = "bytes")]
    bytes: i64,
    #[serde(default = "created_at")]
    created_at: Value,
    #[serde(default)]
    filename: Option<String>,
    pub(crate) purpose: String,
    #[serde(flatten)]
    more: Map<String, Value>,
}

fn bytes() -> i64 {
    1024
}

fn created_at() -> Value {
    json!(1_750_000_000)
}

impl File {
    pub(crate) fn new(file_id: i64, purpose: &str) -> File {
        let (purpose, more) = (purpose.to_owned(), Map::new());
        File { file_id, bytes: bytes(), created_at: created_at(), filename: None, purpose, more }.named()
    }

    pub(crate) fn named(mut self) -> File {
        if self.filename.is_none() {
            let ending = match self.purpose.as_str() {
                "voice_clone" | "prompt_audio" => "mp3",
                "t2a_async" => "tar",
                "t2a_async_input" => "txt",
                "video_generation" => "mp4",
                _ => "bin",
            };
            self.filename = Some(format!("{}.{ending}", self.file_id));
        }
        self
    }
}

pub(crate) struct Account {
    state: Mutex<State>,
    /// Told of each request and each connection that ends.
    pub(crate) changed: Notify,
}

pub(crate) struct State {
    pub(crate) files: HashMap<i64, File>,
    pub(crate) script: Script,
    pub(crate) journal: Journal,
    pub(crate) connections: Vec<Arc<Connection>>,
}

impl State {
    fn seeded() -> State {
        State {
            files: seeded_files().into_iter().map(|(id, purpose)| (id, File::new(id, purpose))).collect(),
            script: Script::default(),
            journal: Journal::default(),
            connections: Vec::new(),
        }
    }
}

impl Account {
    pub(crate) fn seeded() -> Account {
        Account { state: Mutex::new(State::seeded()), changed: Notify::new() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn reset(&self) {
        let old = std::mem::replace(&mut *self.state(), State::seeded());
        // A connection kept alive over the reset counts again from its next request on.
        for connection in old.connections {
            connection.forget(self);
        }
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

    pub(crate) fn open_connections(&self) -> u64 {
        let connections = self.state().connections.clone();
        connections.iter().filter(|connection| connection.is_open()).count() as u64
    }
}
