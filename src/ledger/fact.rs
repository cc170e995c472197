//! The lines of a ledger: one fact each, after a first line with the version.

use super::process::ProcessId;
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u64 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) ledger: u64,
}

/// Whose files they are: lines of another account are left alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Account {
    pub base_url: String,
    pub key_fingerprint: String,
}

/// Why an entry counts no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Struck {
    Deleted,
    /// The service doesn't know the file.
    Absent,
    /// The upload stored nothing.
    NotStored,
    Kept,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// An upload is about to begin.
    Intent {
        entry: String,
        at_ms: i64,
        #[serde(flatten)]
        account: Account,
        purpose: String,
        filename: String,
        /// `None`: not known before it is sent.
        bytes: Option<u64>,
        sha256: Option<String>,
        process: ProcessId,
        temporary: bool,
        expires_after_s: Option<u64>,
    },
    /// The upload's file.
    Id {
        entry: String,
        file_id: i64,
        created_at: i64,
        bytes: Option<u64>,
        sha256: Option<String>,
    },
    /// The upload ended, and may have stored the file.
    Unknown {
        entry: String,
    },
    /// Another upload of the same bytes shares the file.
    Expiry {
        entry: String,
        expires_after_s: Option<u64>,
    },
    /// A file that is whole on this disk is about to be deleted.
    Taken {
        entry: String,
        at_ms: i64,
        #[serde(flatten)]
        account: Account,
        file_id: i64,
        purpose: Option<String>,
        path: String,
        bytes: u64,
        process: ProcessId,
    },
    /// A sweep has taken on entries.
    Sweep {
        sweep: String,
        entries: Vec<String>,
        process: ProcessId,
    },
    /// It has ended.
    Swept {
        sweep: String,
    },
    Struck {
        entry: String,
        why: Struck,
    },
    /// A file that no lookup may take for another upload's.
    Kept {
        #[serde(flatten)]
        account: Account,
        file_id: i64,
    },
}

impl Fact {
    /// The entry that the line belongs to.
    pub fn entry(&self) -> Option<&str> {
        match self {
            Fact::Intent { entry, .. }
            | Fact::Id { entry, .. }
            | Fact::Unknown { entry }
            | Fact::Expiry { entry, .. }
            | Fact::Taken { entry, .. }
            | Fact::Struck { entry, .. } => Some(entry),
            Fact::Sweep { .. } | Fact::Swept { .. } | Fact::Kept { .. } => None,
        }
    }

    pub(super) fn to_line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("texts and numbers");
        line.push('\n');
        line
    }
}

/// The name of an entry or a sweep: no two processes come to the same.
pub fn new_name() -> String {
    let mut random = [0_u8; 8];
    let mut filled = 0;
    while filled < random.len() {
        // It fails where the kernel lacks the call: then time and process have to do.
        match rustix::rand::getrandom(&mut random[filled..], rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    random
        .iter()
        .fold(format!("{:x}-{:x}-", std::process::id(), now.as_micros()), |name, byte| format!("{name}{byte:02x}"))
}
