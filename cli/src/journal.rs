//! Journals: the files of a run in the first line, then an outcome for each file, then the counts. A second run with the
//! same journal continues an interrupted one.
//!
//! An open file has no line. Open are files that are unknown or were not attempted, and those that failed because of the
//! key, the balance, the rate limit or the network. So each file has at most one line. The last line is written once no
//! file is open.
//!
//! An outcome is written before the file is counted, so that it survives the end of the process. The file is synced at
//! most once a second: outcomes that a power failure has lost are open again, and looked up before a request is sent.

use crate::account::Account;
use crate::error::CommandError;
use crate::worklist::{Entry, Worklist};
use mmx::api::outcome::{Counts, Kind, Outcome};
use mmx::error::one_line;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const VERSION: u32 = 1;
/// The beginning of every journal.
const START: &str = "{\"journal\":";
/// The minimum time between two syncs.
const APART: Duration = Duration::from_secs(1);

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    journal: u32,
    command: String,
    host: String,
    key_fingerprint: String,
    filter: Value,
    /// With `--apply`: when the plan was made.
    #[serde(default)]
    plan_made_at_ms: Option<i64>,
    /// Whether files are deleted only once they are backed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backup: Option<bool>,
    total: usize,
    files: Vec<Entry>,
}

impl Head {
    /// The first line of a run whose files are not known yet.
    pub(crate) fn new(command: &str, account: &Account, filter: Value, plan_made_at_ms: Option<i64>) -> Head {
        Head {
            journal: VERSION,
            command: command.into(),
            host: account.client.host().into(),
            key_fingerprint: account.client.key_fingerprint(),
            filter,
            plan_made_at_ms,
            backup: None,
            total: 0,
            files: Vec::new(),
        }
    }

    /// Files are deleted only once they are backed up, if `is_asked_for`.
    pub(crate) fn with_backup(self, is_asked_for: bool) -> Head {
        Head { backup: is_asked_for.then_some(true), ..self }
    }

    fn is_valid(&self) -> bool {
        // A prune knows the purpose of what it deletes.
        let may_lack_purposes = self.command == "delete";
        let is_valid = |entry: &Entry| {
            entry.is_valid() && (may_lack_purposes || entry.decided().is_some() || !entry.purpose.is_empty())
        };
        self.total == self.files.len() && self.files.iter().all(is_valid)
    }
}

/// The part of an outcome that is read again.
#[derive(Deserialize)]
struct Line {
    index: usize,
    file_id: i64,
    outcome: String,
    #[serde(default)]
    error: Value,
}

/// The journal of an interrupted run.
pub(crate) struct Past {
    path: PathBuf,
    head: Head,
    settled: Vec<Option<Kind>>,
    /// Whether a file has failed, or could not be backed up.
    has_errors: bool,
}

pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    state: RefCell<State>,
}

struct State {
    /// The position after the last complete line.
    end: u64,
    synced: Instant,
    /// Set once a write has failed.
    failure: Option<String>,
}

impl Journal {
    /// Opens or creates a journal and locks it. Doesn't change what is in it.
    pub(crate) fn open(path: &Path) -> Result<(Journal, Option<Past>), CommandError> {
        let usage =
            |why: String| CommandError::Usage(format!("the journal {} {why}; nothing was sent", path.display()));
        let open = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let file = open.map_err(|error| usage(format!("can't be opened: {error}")))?;
        let about = file.metadata().map_err(|error| usage(format!("can't be read: {error}")))?;
        if !about.is_file() {
            return Err(usage("is no file".into()));
        }
        // Another user who can write to it could choose the files that are deleted.
        if about.uid() != geteuid().as_raw() {
            return Err(usage("belongs to another user".into()));
        }
        if about.mode() & 0o022 != 0 {
            return Err(usage("can be written by others: check it, then run chmod go-w".into()));
        }
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            Errno::WOULDBLOCK => usage("is being written by another run".into()),
            error => usage(format!("can't be locked: {error}")),
        })?;
        let (end, past) = read(&file, path).map_err(usage)?;
        let state = RefCell::new(State { end, synced: Instant::now(), failure: None });
        Ok((Journal { path: path.to_owned(), file, state }, past))
    }

    /// Writes the first line, or cuts off an incomplete last one. Call it before anything is sent.
    pub(crate) fn begin(&self, head: Head, work: &Worklist) -> Result<(), CommandError> {
        let end = self.state.borrow().end;
        let begun = self.file.set_len(end).and_then(|()| {
            if work.is_resumed {
                return Ok(());
            }
            let head = Head { total: work.entries.len(), files: work.entries.clone(), ..head };
            self.append(&serde_json::to_string(&head)?)?;
            self.file.sync_all()?;
            // The directory has the name of a new file.
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        });
        begun.map_err(|error| {
            CommandError::Usage(format!(
                "the journal {} can't be written: {error}; nothing was sent",
                self.path.display()
            ))
        })
    }

    /// Writes an outcome. After a failure nothing more is written, so that only the last line can be incomplete.
    pub(crate) fn write_outcome(&self, outcome: &Outcome<'_>) {
        self.line(&outcome.to_json(), APART);
    }

    /// Writes the last line.
    pub(crate) fn finish(&self, counts: &Counts) {
        let mut json = serde_json::to_value(counts).unwrap_or_default();
        json["finished"] = true.into();
        self.line(&json, Duration::ZERO);
    }

    /// The reason why it can't be written any more.
    pub(crate) fn failure(&self) -> Option<String> {
        self.state.borrow().failure.clone()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn line(&self, json: &Value, apart: Duration) {
        if self.failure().is_some() {
            return;
        }
        let written = self.append(&json.to_string()).and_then(|()| {
            let mut state = self.state.borrow_mut();
            if state.synced.elapsed() < apart {
                return Ok(());
            }
            state.synced = Instant::now();
            self.file.sync_data()
        });
        if let Err(error) = written {
            let mut state = self.state.borrow_mut();
            // Removes a part of the line.
            let _ = self.file.set_len(state.end);
            state.failure = Some(format!("the journal {} can't be written: {error}", self.path.display()));
        }
    }

    fn append(&self, json: &str) -> io::Result<()> {
        let line = format!("{json}\n");
        (&self.file).write_all(line.as_bytes())?;
        self.state.borrow_mut().end += line.len() as u64;
        Ok(())
    }
}

impl Past {
    /// The files that are left, if the journal belongs to the run of `head` and, if given, `files`.
    pub(crate) fn resume(self, head: &Head, files: Option<&[Entry]>) -> Result<Worklist, CommandError> {
        let is_of = |what: &str| {
            Err(CommandError::Usage(format!("the journal {} is of {what}; nothing was sent", self.path.display())))
        };
        let theirs = &self.head;
        if theirs.command != head.command {
            return is_of(&format!("another command, {}", one_line(&theirs.command)));
        }
        if theirs.host != head.host {
            return is_of(&format!("another account, of {}", one_line(&theirs.host)));
        }
        if theirs.key_fingerprint != head.key_fingerprint {
            return is_of("another key's account");
        }
        if without_keep_ids(&theirs.filter) != without_keep_ids(&head.filter) {
            return is_of("a run with other conditions");
        }
        if theirs.plan_made_at_ms != head.plan_made_at_ms {
            return is_of("a run of another plan, or of none");
        }
        if theirs.backup == Some(true) && head.backup.is_none() {
            return is_of("a run with --backup, which this one must have, too");
        }
        if files.is_some_and(|files| files != theirs.files) {
            return is_of("a run with other files");
        }
        Ok(Worklist::left(self.head.files, self.settled, self.has_errors))
    }
}

/// The ids of `--keep-from` may differ: they are read again.
fn without_keep_ids(filter: &Value) -> Value {
    let mut filter = filter.clone();
    if let Some(filter) = filter.as_object_mut() {
        filter.remove("keep_ids");
    }
    filter
}

/// Reads a journal and returns the position after the last complete line. A last line without a line break is incomplete
/// and ignored.
fn read(file: &File, path: &Path) -> Result<(u64, Option<Past>), String> {
    let unreadable = |error: io::Error| format!("can't be read: {error}");
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    lines.read_until(b'\n', &mut line).map_err(unreadable)?;
    if line.last() != Some(&b'\n') {
        // A run that was interrupted while writing the first line had sent nothing.
        let is_ours = line.starts_with(START.as_bytes()) || START.as_bytes().starts_with(&line);
        return if is_ours { Ok((0, None)) } else { Err("is no journal".into()) };
    }
    let version: Value = serde_json::from_slice(&line).map_err(|_| "is no journal".to_owned())?;
    match version["journal"].as_u64() {
        Some(1) => {}
        Some(version) => return Err(format!("is of version {version}, which this mmx-files can't read")),
        None => return Err("is no journal".into()),
    }
    let head: Option<Head> = serde_json::from_slice(&line).ok().filter(Head::is_valid);
    let head = head.ok_or("is damaged in line 1")?;
    let mut end = line.len() as u64;
    let mut settled = vec![None; head.total];
    let mut has_errors = false;
    for number in 2.. {
        line.clear();
        lines.read_until(b'\n', &mut line).map_err(unreadable)?;
        if line.last() != Some(&b'\n') {
            break;
        }
        end += line.len() as u64;
        let damaged = || format!("is damaged in line {number}");
        let json: Value = serde_json::from_slice(&line).map_err(|_| damaged())?;
        if json["finished"] == true {
            return Err("is finished: every file has its receipt in it. Name another one for another run".into());
        }
        let Line { index, file_id, outcome, error } = serde_json::from_value(json).map_err(|_| damaged())?;
        let entry = head.files.get(index).filter(|entry| entry.file_id == file_id);
        let kind = Kind::of_name(&outcome);
        let (Some(_), Some(kind), None) = (entry, kind, settled.get(index).copied().flatten()) else {
            return Err(damaged());
        };
        if !matches!(kind, Kind::Unknown | Kind::NotAttempted) {
            settled[index] = Some(kind);
            has_errors |= kind == Kind::Failed || !error.is_null();
        }
    }
    Ok((end, Some(Past { path: path.to_owned(), head, settled, has_errors })))
}

/// Opens the journal, if there is one.
pub(crate) fn open(path: Option<&Path>) -> Result<(Option<Journal>, Option<Past>), CommandError> {
    let Some(path) = path else { return Ok((None, None)) };
    let (journal, past) = Journal::open(path)?;
    Ok((Some(journal), past))
}
