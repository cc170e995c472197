//! The files of a run, with outcomes that are known before it begins.

use crate::ids::check_purpose;
use crate::wording::count;
use mmx::api::bulk::FileRef;
use mmx::api::outcome::Kind;
use mmx::error::Error;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) file_id: i64,
    /// Empty if it was not given.
    pub(crate) purpose: String,
    /// Set if no request is sent for the file: `kept` or `already_absent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
}

impl Entry {
    pub(crate) fn new(file_id: i64, purpose: String, decided: Option<Kind>) -> Entry {
        Entry { file_id, purpose, outcome: decided.map(Kind::name) }
    }

    pub(crate) fn decided(&self) -> Option<Kind> {
        self.outcome.as_deref().and_then(Kind::of_name)
    }

    /// Whether this program can have written it.
    pub(crate) fn is_valid(&self) -> bool {
        let decided = self.decided();
        let is_possible = match &self.outcome {
            None => true,
            Some(_) => matches!(decided, Some(Kind::Kept | Kind::AlreadyAbsent)),
        };
        self.file_id >= 1 && (self.purpose.is_empty() || check_purpose(&self.purpose).is_ok()) && is_possible
    }
}

#[derive(Debug)]
pub(crate) struct Worklist {
    pub(crate) entries: Vec<Entry>,
    /// The outcome of each entry in an earlier run.
    pub(crate) settled: Vec<Option<Kind>>,
    /// Entries for which no delete is sent after a lookup or a backup, by position.
    reviewed: BTreeMap<usize, Reviewed>,
    /// In an earlier run a file has failed, or could not be backed up.
    pub(crate) has_errors: bool,
    /// An earlier run was interrupted.
    pub(crate) is_resumed: bool,
}

/// Why no delete is sent for a file, after a lookup or a backup.
#[derive(Debug)]
pub(crate) enum Reviewed {
    /// The earlier run has deleted the file.
    Gone { trace_id: String },
    /// The lookup failed.
    Unclear(Error),
    /// The backup failed, so the file is kept.
    Unsaved(Error),
}

impl Worklist {
    pub(crate) fn new(entries: Vec<Entry>) -> Worklist {
        Worklist {
            settled: vec![None; entries.len()],
            entries,
            reviewed: BTreeMap::new(),
            has_errors: false,
            is_resumed: false,
        }
    }

    /// The files of an interrupted run.
    pub(crate) fn left(entries: Vec<Entry>, settled: Vec<Option<Kind>>, has_errors: bool) -> Worklist {
        Worklist { settled, entries, reviewed: BTreeMap::new(), has_errors, is_resumed: true }
    }

    /// Positions of the files to send a request for.
    pub(crate) fn open(&self) -> impl Iterator<Item = usize> {
        self.unsettled().filter(|at| !self.reviewed.contains_key(at))
    }

    /// Positions of the files without an outcome.
    fn unsettled(&self) -> impl Iterator<Item = usize> {
        (0..self.entries.len()).filter(|&at| self.settled[at].is_none() && self.entries[at].decided().is_none())
    }

    /// Positions of the files that an earlier run has deleted.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = usize> {
        let is_gone = |at: usize| matches!(self.reviewed.get(&at), Some(Reviewed::Gone { .. }));
        (0..self.entries.len()).filter(move |&at| self.settled[at] == Some(Kind::Deleted) || is_gone(at))
    }

    /// The lookups and backups after which no delete is sent, by position.
    pub(crate) fn reviewed(&self) -> impl Iterator<Item = (usize, &Reviewed)> {
        self.reviewed.iter().map(|(at, reviewed)| (*at, reviewed))
    }

    pub(crate) fn set_reviewed(&mut self, at: usize, reviewed: Reviewed) {
        self.reviewed.insert(at, reviewed);
    }

    /// Marks a file as kept, because its backup failed.
    pub(crate) fn set_unsaved(&mut self, at: usize, why: Error) {
        self.set_reviewed(at, Reviewed::Unsaved(why));
    }

    /// Marks a file as kept.
    pub(crate) fn set_kept(&mut self, at: usize) {
        self.entries[at].outcome = Some(Kind::Kept.name());
    }

    /// Files that are kept or absent and have no outcome yet.
    pub(crate) fn decided(&self) -> impl Iterator<Item = (usize, Kind)> {
        let unsettled = (0..self.entries.len()).filter(|&at| self.settled[at].is_none());
        unsettled.filter_map(|at| Some((at, self.entries[at].decided()?)))
    }

    pub(crate) fn file(&self, at: usize) -> FileRef<'_> {
        FileRef { file_id: self.entries[at].file_id, purpose: &self.entries[at].purpose }
    }

    /// Marks the files as kept for which `is_kept` returns true.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(i64) -> bool) {
        for entry in self.entries.iter_mut().filter(|entry| entry.outcome.is_none() && is_kept(entry.file_id)) {
            entry.outcome = Some(Kind::Kept.name());
        }
    }

    /// The files to delete: `1 file of voice_clone`, `28 of 40 files of t2a_async, voice_clone`,
    /// `2 files, whose purposes are looked up`
    pub(crate) fn describe(&self) -> String {
        let open: Vec<_> = self.unsettled().collect();
        let purposes: BTreeSet<_> = open.iter().map(|&at| self.entries[at].purpose.as_str()).collect();
        let is_looked_up = purposes.contains("");
        let purposes = purposes.into_iter().filter(|purpose| !purpose.is_empty()).collect::<Vec<_>>().join(", ");
        let of_all = if self.is_resumed { format!("{} of ", open.len()) } else { String::new() };
        let files = count(if self.is_resumed { self.entries.len() } else { open.len() });
        let of = match (purposes.as_str(), is_looked_up) {
            ("", false) => String::new(),
            ("", true) => ", whose purposes are looked up".into(),
            (purposes, false) => format!(" of {purposes}"),
            (purposes, true) => format!(" of {purposes} and of purposes that are looked up"),
        };
        format!("{of_all}{files}{of}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settled_and_kept_files_are_not_open() {
        let entry = |file_id, decided| Entry::new(file_id, "t2a_async".into(), decided);
        let mut work = Worklist::new(vec![entry(1, None), entry(2, Some(Kind::Kept)), entry(3, None), entry(4, None)]);
        assert_eq!(work.describe(), "3 files of t2a_async");
        work.settled[0] = Some(Kind::Deleted);
        work.is_resumed = true;
        work.keep(|id| id == 1 || id == 4);
        assert_eq!(work.open().collect::<Vec<_>>(), [2]);
        assert_eq!(work.decided().collect::<Vec<_>>(), [(1, Kind::Kept), (3, Kind::Kept)]);
        assert_eq!(work.describe(), "1 of 4 files of t2a_async");
    }

    #[test]
    fn invalid_entries() {
        let is_valid = |json: &str| serde_json::from_str::<Entry>(json).unwrap().is_valid();
        assert!(is_valid(r#"{"file_id":1,"purpose":"t2a_async"}"#));
        assert!(is_valid(r#"{"file_id":1,"purpose":"t2a_async","outcome":"already_absent"}"#));
        assert!(is_valid(r#"{"file_id":1,"purpose":""}"#));
        for bad in [
            r#"{"file_id":0,"purpose":"t2a_async"}"#,
            r#"{"file_id":1,"purpose":"No!"}"#,
            r#"{"file_id":1,"purpose":"t2a_async","outcome":"deleted"}"#,
            r#"{"file_id":1,"purpose":"t2a_async","outcome":"?"}"#,
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
