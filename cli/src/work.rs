//! The files of a run, and what is known of them before it begins: what an earlier run has settled, and what is kept.

use crate::ids::check_purpose;
use mmx::api::bulk::FileRef;
use mmx::api::outcome::Kind;
use mmx::error::Error;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) file_id: i64,
    pub(crate) purpose: String,
    /// Of a file that nothing is sent for, in the words of receipts: it is kept, or gone already.
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

    /// One that we have written.
    pub(crate) fn is_right(&self) -> bool {
        let decided = self.decided();
        let is_possible = match &self.outcome {
            None => true,
            Some(_) => matches!(decided, Some(Kind::Kept | Kind::AlreadyAbsent)),
        };
        self.file_id >= 1 && check_purpose(&self.purpose).is_ok() && is_possible
    }
}

#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) entries: Vec<Entry>,
    /// Of each entry, what an earlier run has settled.
    pub(crate) settled: Vec<Option<Kind>>,
    /// Of each entry that an earlier run left open, what was found when it was looked at again.
    reviewed: BTreeMap<usize, Reviewed>,
    /// An earlier run may have sent some of the others.
    pub(crate) is_resumed: bool,
}

/// Why nothing is sent for a file that an earlier run left open.
#[derive(Debug)]
pub(crate) enum Reviewed {
    /// The earlier run has deleted it.
    Gone { trace_id: String },
    /// It could not be looked at.
    Unclear(Error),
}

impl Work {
    pub(crate) fn new(entries: Vec<Entry>) -> Work {
        Work { settled: vec![None; entries.len()], entries, reviewed: BTreeMap::new(), is_resumed: false }
    }

    /// The work that an earlier run has left.
    pub(crate) fn left(entries: Vec<Entry>, settled: Vec<Option<Kind>>) -> Work {
        Work { settled, entries, reviewed: BTreeMap::new(), is_resumed: true }
    }

    /// What is neither settled nor kept, by its place.
    pub(crate) fn open(&self) -> impl Iterator<Item = usize> {
        self.unsettled().filter(|at| !self.reviewed.contains_key(at))
    }

    /// What is neither settled nor kept, whether something is sent for it or not.
    fn unsettled(&self) -> impl Iterator<Item = usize> {
        (0..self.entries.len()).filter(|&at| self.settled[at].is_none() && self.entries[at].decided().is_none())
    }

    /// What an earlier run has deleted.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = usize> {
        let is_gone = |at: usize| matches!(self.reviewed.get(&at), Some(Reviewed::Gone { .. }));
        (0..self.entries.len()).filter(move |&at| self.settled[at] == Some(Kind::Deleted) || is_gone(at))
    }

    /// What nothing is sent for, after a look at it.
    pub(crate) fn reviewed(&self) -> impl Iterator<Item = (usize, &Reviewed)> {
        self.reviewed.iter().map(|(at, reviewed)| (*at, reviewed))
    }

    pub(crate) fn set_reviewed(&mut self, at: usize, reviewed: Reviewed) {
        self.reviewed.insert(at, reviewed);
    }

    /// A file that is left alone.
    pub(crate) fn set_kept(&mut self, at: usize) {
        self.entries[at].outcome = Some(Kind::Kept.name());
    }

    /// What is decided and has no receipt yet.
    pub(crate) fn decided(&self) -> impl Iterator<Item = (usize, Kind)> {
        let unsettled = (0..self.entries.len()).filter(|&at| self.settled[at].is_none());
        unsettled.filter_map(|at| Some((at, self.entries[at].decided()?)))
    }

    pub(crate) fn file(&self, at: usize) -> FileRef<'_> {
        FileRef { file_id: self.entries[at].file_id, purpose: &self.entries[at].purpose }
    }

    /// Those in question are left alone, unless an earlier run has settled them.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(i64) -> bool) {
        for entry in self.entries.iter_mut().filter(|entry| entry.outcome.is_none() && is_kept(entry.file_id)) {
            entry.outcome = Some(Kind::Kept.name());
        }
    }

    /// What is to be deleted: `1 file of voice_clone`, `28 of 40 files of t2a_async, voice_clone`
    pub(crate) fn in_words(&self) -> String {
        let open: Vec<_> = self.unsettled().collect();
        let purposes: BTreeSet<_> = open.iter().map(|&at| self.entries[at].purpose.as_str()).collect();
        let purposes = purposes.into_iter().collect::<Vec<_>>().join(", ");
        let of_all = if self.is_resumed { format!("{} of ", open.len()) } else { String::new() };
        let files = count(if self.is_resumed { self.entries.len() } else { open.len() });
        if purposes.is_empty() { format!("{of_all}{files}") } else { format!("{of_all}{files} of {purposes}") }
    }
}

/// `1 file`, `2 files`
pub(crate) fn count(files: usize) -> String {
    if files == 1 { "1 file".into() } else { format!("{files} files") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_settled_or_kept_is_not_open() {
        let entry = |file_id, decided| Entry::new(file_id, "t2a_async".into(), decided);
        let mut work = Work::new(vec![entry(1, None), entry(2, Some(Kind::Kept)), entry(3, None), entry(4, None)]);
        assert_eq!(work.in_words(), "3 files of t2a_async");
        work.settled[0] = Some(Kind::Deleted);
        work.is_resumed = true;
        work.keep(|id| id == 1 || id == 4);
        assert_eq!(work.open().collect::<Vec<_>>(), [2]);
        assert_eq!(work.decided().collect::<Vec<_>>(), [(1, Kind::Kept), (3, Kind::Kept)]);
        assert_eq!(work.in_words(), "1 of 4 files of t2a_async");
    }

    #[test]
    fn entries_that_nobody_wrote() {
        let is_right = |json: &str| serde_json::from_str::<Entry>(json).unwrap().is_right();
        assert!(is_right(r#"{"file_id":1,"purpose":"t2a_async"}"#));
        assert!(is_right(r#"{"file_id":1,"purpose":"t2a_async","outcome":"already_absent"}"#));
        for bad in [
            r#"{"file_id":0,"purpose":"t2a_async"}"#,
            r#"{"file_id":1,"purpose":"No!"}"#,
            r#"{"file_id":1,"purpose":"t2a_async","outcome":"deleted"}"#,
            r#"{"file_id":1,"purpose":"t2a_async","outcome":"?"}"#,
        ] {
            assert!(!is_right(bad), "{bad}");
        }
    }
}
