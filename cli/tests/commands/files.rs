//! Files for a prune, and what becomes of them.

use crate::harness::Account;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// June 2025.
pub(crate) const LONG_AGO: i64 = 1_750_000_000;

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    i64::try_from(since.as_secs()).expect("a time")
}

pub(crate) fn file(id: i64, purpose: &str, created_at: i64) -> Value {
    json!({ "file_id": id, "purpose": purpose, "created_at": created_at, "filename": format!("{id}.tar") })
}

/// Ids 1 to 5 of `t2a_async` are old, and 9 is old and called master-9.tar; 6 is new, 7 of another purpose, 8 of unknown
/// age.
pub(crate) fn mixed(name: &'static str) -> Account {
    let mut files: Vec<_> = (1..=5).map(|id| file(id, "t2a_async", LONG_AGO)).collect();
    let mut master = file(9, "t2a_async", LONG_AGO);
    master["filename"] = "master-9.tar".into();
    files.extend([
        file(6, "t2a_async", now() - 3600),
        file(7, "voice_clone", LONG_AGO),
        file(8, "t2a_async", 0),
        master,
    ]);
    Account::of(name, files.into())
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

pub(crate) fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().expect("UTF-8").to_owned()
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn names_in(folder: &str) -> BTreeSet<String> {
    let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name().into_string().expect("UTF-8");
    fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}")).map(name).collect()
}

/// The whole lines of a journal; without any, when there is none.
pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

impl Account {
    /// The number of requests of this kind.
    pub(crate) fn sent(&self, call: &str) -> usize {
        self.get(&format!("count?call={call}")).trim().parse().expect("a number")
    }
}
