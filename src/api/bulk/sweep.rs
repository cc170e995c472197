//! Sweep: settles what the ledger shows as left behind by processes that are gone, and deletes what is due.

use super::options::{FileRef, Options, limits};
use super::outcome::now_ms;
use super::reconcile::list_options;
use super::run::{BulkResult, Run};
use crate::api::list;
use crate::api::response::listing::{Keep, Listing};
use crate::api::response::model::FileObject;
use crate::api::upload::reconcile::is_name;
use crate::error::{Error, Status};
use crate::ledger::{self, Entries, Entry, Fact, Flush, Ledger, ProcessId, StoredFile, Struck};
use crate::transfer::wait;
use crate::transport::client::Client;
use crate::transport::exchange::Limits;
use crate::transport::process::Process;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, UNIX_EPOCH};
use std::{fs, io};

pub const CALL: &str = "sweep";

/// A file that was stored later is not of the upload.
const LONGEST_UPLOAD_S: i64 = 24 * 3600;
/// An upload that isn't listed is not given up for so long after its intent: the last bytes of a killed process may be
/// stored later.
const SETTLED_AFTER: Duration = Duration::from_secs(600);
/// The list is read again after this pause for uploads that were begun within [`FRESH`].
const PAUSE: Duration = Duration::from_secs(1);
const FRESH: Duration = Duration::from_secs(60);
/// Both clocks tell whole seconds.
const SLACK_S: i64 = 2;

/// Settles and deletes; says of each file what became of it.
pub fn sweep(client: &Client, options: &Options<'_>) -> BulkResult {
    let process = Process::current();
    let begun = begin(client, options);
    let sweep = match begun {
        Ok(sweep) => sweep,
        Err(error) => return error.into(),
    };
    let result = sweep.run(options).unwrap_or_else(BulkResult::from);
    if !process.is_forked_child() && sweep.has_taken_on {
        sweep.ledger.record(Flush::No, vec![Fact::Swept { sweep: sweep.name }]);
    }
    result
}

struct Sweep<'c> {
    client: &'c Client,
    ledger: Ledger<'c>,
    limits: Limits<'c>,
    name: String,
    /// The entries are marked as taken on by this sweep.
    has_taken_on: bool,
    /// By age.
    entries: Vec<(String, Entry)>,
    /// Files of which it is known whose they are.
    known: HashSet<i64>,
}

/// The decision of a sweep on an entry.
enum Decision {
    Delete(StoredFile),
    /// Its file was found, and is not due.
    Found(StoredFile),
    NotStored,
    /// It stays as it is.
    Waiting,
    Unsettled {
        file_ids: Vec<i64>,
        why: &'static str,
    },
}

fn begin<'c>(client: &'c Client, options: &Options<'c>) -> Result<Sweep<'c>, Error> {
    let ledger = Ledger::of(client, CALL).ok_or_else(|| ledger::none(CALL))?;
    let limits = limits(client, CALL, options)?;
    let unreadable = |error| {
        let mut error = ledger::unreadable(CALL, &error);
        error.add("; nothing was deleted");
        error
    };
    let (name, current) = (ledger::new_name(), ProcessId::current().map_err(unreadable)?);
    let (entries, known) = ledger
        .change(limits, Flush::No, |entries| match left_behind(entries, &ledger, &current) {
            Err(error) => (Vec::new(), Err(error)),
            Ok(left) => {
                let known = entries.files(&ledger.account).chain(entries.kept(&ledger.account)).collect();
                let facts = match options.dry_run || left.is_empty() {
                    true => Vec::new(),
                    false => {
                        let entries = left.iter().map(|(name, _)| name.clone()).collect();
                        vec![Fact::Sweep { sweep: name.clone(), entries, process: current.clone() }]
                    }
                };
                (facts, Ok((left, known)))
            }
        })?
        .map_err(unreadable)?;
    let has_taken_on = !options.dry_run && !entries.is_empty();
    Ok(Sweep { client, ledger, limits, name, has_taken_on, entries, known })
}

/// The entries that are to be settled, the oldest first.
fn left_behind(entries: &Entries, ledger: &Ledger<'_>, current: &ProcessId) -> io::Result<Vec<(String, Entry)>> {
    let mut left = Vec::new();
    for (name, entry) in entries.of(&ledger.account) {
        let may_be_due = entry.file.is_some() && is_due_here(entry);
        if !entry.is_being_swept(current)? && (is_left_behind(entry, current)? || may_be_due) {
            left.push((name.to_owned(), entry.clone()));
        }
    }
    left.sort_by(|a, b| (a.1.at_ms, &a.0).cmp(&(b.1.at_ms, &b.0)));
    Ok(left)
}

/// An entry that its process will not settle any more.
fn is_left_behind(entry: &Entry, current: &ProcessId) -> io::Result<bool> {
    let is_open = entry.file.is_none() || entry.temporary || entry.taken_to.is_some();
    Ok(is_open && (entry.is_unknown || entry.process.has_ended(current)?))
}

/// Since it was written, by this machine's clock.
fn age(entry: &Entry) -> Duration {
    Duration::from_millis(u64::try_from(now_ms().saturating_sub(entry.at_ms)).unwrap_or_default())
}

/// By this machine's clock.
fn is_due_here(entry: &Entry) -> bool {
    entry.expires_after_s.is_some_and(|after| age(entry).as_secs() >= after)
}

impl Sweep<'_> {
    fn run(&self, options: &Options<'_>) -> Result<BulkResult, Error> {
        let decisions = self.decide(options)?;
        let mut facts = Vec::new();
        let mut files: BTreeMap<i64, (&str, bool)> = BTreeMap::new();
        let (mut not_stored, mut waiting, mut unsettled) = (0, 0, Vec::new());
        for ((name, entry), decision) in self.entries.iter().zip(decisions) {
            let name = name.clone();
            let (file, is_kept) = match decision {
                Decision::Delete(file) => (file, false),
                // A dry run tells of what would be deleted.
                Decision::Found(_) if options.dry_run => continue,
                Decision::Found(file) => (file, true),
                Decision::NotStored => {
                    not_stored += 1;
                    facts.push(Fact::Struck { entry: name, why: Struck::NotStored });
                    continue;
                }
                Decision::Waiting => {
                    waiting += 1;
                    continue;
                }
                Decision::Unsettled { file_ids, why } => {
                    unsettled.push(unsettled_to_json(entry, file_ids, why));
                    continue;
                }
            };
            if entry.file.is_none() {
                let StoredFile { file_id, created_at } = file;
                let (bytes, sha256) = (entry.bytes, entry.sha256.clone());
                facts.push(Fact::Id { entry: name, file_id, created_at, bytes, sha256 });
            }
            let purpose = entry.purpose.as_deref().unwrap_or_default();
            files.entry(file.file_id).and_modify(|known| known.1 &= is_kept).or_insert((purpose, is_kept));
        }
        if !options.dry_run && !facts.is_empty() {
            self.ledger.change(self.limits, Flush::Yes, |_| (facts, ()))?;
        }
        let refs: Vec<_> = files.iter().map(|(&file_id, &(purpose, _))| FileRef { file_id, purpose }).collect();
        let kept = files.values().enumerate().filter(|(_, (_, is_kept))| *is_kept).map(|(index, _)| index).collect();
        let mut run = Run::new(self.client, CALL, &refs, kept, self.limits, options)?;
        run.run_all();
        let count = unsettled.len();
        let of_sweep = json!({ "not_stored": not_stored, "waiting": waiting, "unsettled": unsettled });
        let done = run.done_with([("plan", Value::Null), ("sweep", of_sweep)]);
        if count > 0 && done.result.is_ok() {
            let text = format!("{count} uploads in the ledger could not be settled: \"unsettled\" says why");
            return Ok(BulkResult { result: Err(Error::new(Status::Partial, CALL, text)), ..done });
        }
        Ok(done)
    }

    fn decide(&self, options: &Options<'_>) -> Result<Vec<Decision>, Error> {
        // Neither the list nor the service's clock has a say in a file that is due in any case.
        let without_list = |(_, entry): &(String, Entry)| {
            let file = entry.file.filter(|_| entry.temporary || entry.taken_to.is_some())?;
            Some(of_file(entry, file, None))
        };
        if let Some(decisions) = self.entries.iter().map(without_list).collect() {
            return Ok(decisions);
        }
        let first = self.list(options)?;
        let decisions = self.decide_by(&first);
        let mut open = self.entries.iter().zip(&decisions);
        if !open.any(|((_, entry), decision)| matches!(decision, Decision::Waiting) && age(entry) < FRESH) {
            return Ok(decisions);
        }
        // The last bytes of a killed process may be stored just now.
        wait::pause(self.limits, "looking for uploads of processes that are gone", PAUSE)
            .map_err(|failure| Error::new(failure.status, CALL, failure.text))?;
        Ok(self.decide_by(&self.list(options)?))
    }

    fn list(&self, options: &Options<'_>) -> Result<List, Error> {
        let options = list_options(&self.limits, options);
        let (response, Listing { files, unreadable, .. }) =
            list::listing_of(self.client, CALL, None, Keep::Files, &options)?;
        let clock = response.date().and_then(|now| now.duration_since(UNIX_EPOCH).ok());
        let Some(clock) = clock.and_then(|now| i64::try_from(now.as_secs()).ok()) else {
            let text = "the answer has no Date header, and without the service's clock no file can be called due";
            return Err(Error::new(Status::Protocol, CALL, text));
        };
        let created = files.iter().map(|file| (file.file_id, file.created_at)).collect();
        Ok(List { files, created, is_whole: unreadable == 0, clock, ahead_s: clock - now_ms() / 1000 })
    }

    fn decide_by(&self, list: &List) -> Vec<Decision> {
        let fitting: Vec<_> = self.entries.iter().map(|(_, entry)| self.fitting(entry, list)).collect();
        // Which entry is whose file doesn't matter where all of them are to come to the same.
        let mut wanted: HashMap<i64, Vec<(bool, Option<u64>)>> = HashMap::new();
        for ((_, entry), fitting) in self.entries.iter().zip(&fitting) {
            for file in &fitting.files {
                wanted.entry(file.file_id).or_default().push((entry.temporary, entry.expires_after_s));
            }
        }
        let mut taken = HashSet::new();
        let decide = |((_, entry), fitting): (&(String, Entry), Fitting<'_>)| {
            if let Some(file) = entry.file {
                return of_file(entry, file, Some(list));
            }
            let left: Vec<_> = fitting.files.into_iter().filter(|file| !taken.contains(&file.file_id)).collect();
            let unsettled = |why| Decision::Unsettled { file_ids: left.iter().map(|file| file.file_id).collect(), why };
            match &left[..] {
                _ if fitting.may_be_others => {
                    unsettled("the service doesn't say the time or purpose of files of this name")
                }
                [] if age(entry) >= SETTLED_AFTER && list.is_whole => Decision::NotStored,
                [] => Decision::Waiting,
                [file] => {
                    let wanted = &wanted[&file.file_id];
                    if wanted.iter().any(|other| *other != wanted[0]) {
                        return unsettled("several uploads fit this file");
                    }
                    taken.insert(file.file_id);
                    let file = StoredFile { file_id: file.file_id, created_at: file.created_at };
                    of_file(entry, file, Some(list))
                }
                _ => unsettled("several files fit this upload"),
            }
        };
        self.entries.iter().zip(fitting).map(decide).collect()
    }

    /// The listed files that an upload without a known id may have stored.
    fn fitting<'l>(&self, entry: &Entry, list: &'l List) -> Fitting<'l> {
        let mut fitting = Fitting { files: Vec::new(), may_be_others: false };
        if entry.file.is_some() {
            return fitting;
        }
        let began = entry.at_ms / 1000 + list.ahead_s - SLACK_S;
        for file in list.files.iter().filter(|file| !self.known.contains(&file.file_id)) {
            let is_of_size = entry.bytes.is_none_or(|bytes| u64::try_from(file.bytes) == Ok(bytes));
            if !is_of_size || !is_name(&file.filename, &entry.filename) {
                continue;
            }
            if file.purpose.is_empty() || file.created_at <= 0 {
                fitting.may_be_others = true;
            } else if Some(&file.purpose) == entry.purpose.as_ref()
                && (began..=began + LONGEST_UPLOAD_S).contains(&file.created_at)
            {
                fitting.files.push(file);
            }
        }
        fitting
    }
}

struct List {
    files: Vec<FileObject>,
    /// The time of each file, as it is listed.
    created: HashMap<i64, i64>,
    /// Every entry could be read.
    is_whole: bool,
    /// The service's, in Unix seconds.
    clock: i64,
    /// How far it is ahead of this machine's.
    ahead_s: i64,
}

struct Fitting<'l> {
    files: Vec<&'l FileObject>,
    /// Whether it can't be told of others.
    may_be_others: bool,
}

/// Decides on an entry whose file is known.
fn of_file(entry: &Entry, file: StoredFile, list: Option<&List>) -> Decision {
    if let Some(path) = &entry.taken_to {
        let is_there = fs::metadata(path).is_ok_and(|meta| meta.is_file() && Some(meta.len()) == entry.bytes);
        let why = "the file that it was taken to is not there as it was, so it is not deleted";
        return match is_there {
            true => Decision::Delete(file),
            false => Decision::Unsettled { file_ids: vec![file.file_id], why },
        };
    }
    let is_due_there = list.zip(entry.expires_after_s).is_some_and(|(list, after)| {
        let created_at = list.created.get(&file.file_id).copied().filter(|&at| at > 0).unwrap_or(file.created_at);
        created_at > 0 && i64::try_from(after).is_ok_and(|after| list.clock.saturating_sub(created_at) >= after)
    });
    if entry.temporary || is_due_there && is_due_here(entry) { Decision::Delete(file) } else { Decision::Found(file) }
}

fn unsettled_to_json(entry: &Entry, file_ids: Vec<i64>, why: &str) -> Value {
    json!({
        "filename": entry.filename,
        "purpose": entry.purpose,
        "bytes": entry.bytes,
        "at_ms": entry.at_ms,
        "path": entry.taken_to,
        "file_ids": file_ids,
        "why": why,
    })
}
