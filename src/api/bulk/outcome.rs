//! Outcomes of many files, and their counts.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Kind {
    Deleted = 1,
    AlreadyAbsent = 2,
    Failed = 3,
    Unknown = 4,
    NotAttempted = 5,
    Kept = 6,
}

/// The kind, its name in C and its meaning as the header says it.
pub const KINDS: [(Kind, &str, &str); 6] = [
    (Kind::Deleted, "DELETED", "the service said so, or our request was lost and the file is seen to be gone since"),
    (Kind::AlreadyAbsent, "ALREADY_ABSENT", "it was not there before we asked, and we have seen that"),
    (Kind::Failed, "FAILED", "refused, or nothing could be sent: error says why"),
    (Kind::Unknown, "UNKNOWN", "sent, and what became of it could not be settled: error says why"),
    (Kind::NotAttempted, "NOT_ATTEMPTED", "cancelled, out of time, or a key that is refused"),
    (Kind::Kept, "KEPT", "prune: matched, but a guard or a dry run keeps it"),
];

impl Kind {
    /// As the JSON has it.
    pub fn name(self) -> String {
        KINDS.iter().find(|row| row.0 == self).map(|row| row.1.to_lowercase()).unwrap_or_default()
    }

    pub fn of_name(name: &str) -> Option<Kind> {
        KINDS.iter().map(|row| row.0).find(|kind| kind.name() == name)
    }
}

/// The outcome of one file.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// Its place in the input, or in the plan.
    pub index: usize,
    pub file_id: i64,
    pub purpose: &'a str,
    pub kind: Kind,
    /// Deletes that were sent for it.
    pub attempts: u32,
    /// Who says so: `answer`, `retrieve`, `list`, or nothing.
    pub evidence: &'static str,
    pub trace_id: String,
    pub settled_at_ms: i64,
    /// Set if the outcome is failed or unknown.
    pub error: Option<Error>,
}

impl Outcome<'_> {
    pub fn to_json(&self) -> Value {
        json!({
            "index": self.index,
            "file_id": self.file_id,
            "purpose": self.purpose,
            "outcome": self.kind.name(),
            "evidence": self.evidence,
            "attempts": self.attempts,
            "trace_id": self.trace_id,
            "settled_at_ms": self.settled_at_ms,
            "error": self.error.as_ref().map(Error::to_value),
        })
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub total: usize,
    pub deleted: usize,
    pub already_absent: usize,
    pub failed: usize,
    pub unknown: usize,
    pub not_attempted: usize,
    pub kept: usize,
}

impl Counts {
    pub fn add(&mut self, kind: Kind) {
        let count = match kind {
            Kind::Deleted => &mut self.deleted,
            Kind::AlreadyAbsent => &mut self.already_absent,
            Kind::Failed => &mut self.failed,
            Kind::Unknown => &mut self.unknown,
            Kind::NotAttempted => &mut self.not_attempted,
            Kind::Kept => &mut self.kept,
        };
        *count += 1;
    }

    /// Number of files with an outcome of this kind.
    pub fn of(&self, kind: Kind) -> usize {
        match kind {
            Kind::Deleted => self.deleted,
            Kind::AlreadyAbsent => self.already_absent,
            Kind::Failed => self.failed,
            Kind::Unknown => self.unknown,
            Kind::NotAttempted => self.not_attempted,
            Kind::Kept => self.kept,
        }
    }

    /// Files that have an outcome.
    pub fn settled(&self) -> usize {
        self.deleted + self.already_absent + self.failed + self.unknown + self.not_attempted + self.kept
    }

    pub fn all_succeeded(&self) -> bool {
        self.failed + self.unknown + self.not_attempted == 0
    }

    /// Describes those that are not deleted: `20 of 20 failed`, `of 20 files 2 failed, 1 unknown are not deleted`.
    pub fn describe(&self) -> String {
        let parts = [(self.failed, "failed"), (self.unknown, "unknown"), (self.not_attempted, "not attempted")];
        if let Some((count, what)) = parts.iter().find(|(count, _)| *count == self.total) {
            return format!("{count} of {} {what}", self.total);
        }
        let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        format!("of {} files {} are not deleted", self.total, parts.collect::<Vec<_>>().join(", "))
    }
}

pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
