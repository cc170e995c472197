//! Many files deleted by one call: each on its own way, a bounded number at once, and an outcome for every one.

use super::collector::Collector;
use super::ledger_files::LedgerFiles;
use super::options::{FileRef, Options, limits};
use super::outcome::{Counts, Kind, Outcome, now_ms};
use crate::api::delete::{self, DeletePolicy, End};
use crate::api::response::envelope;
use crate::api::retrieve;
use crate::error::{Error, Status};
use crate::transport::client::{CallError, Client};
use crate::transport::concurrent_calls::ConcurrentCalls;
use crate::transport::exchange::{FORKED, Limits};
use crate::transport::rate::Limiter;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub const CALL: &str = "delete_files";
pub const DEFAULT_CONCURRENCY: u32 = 16;
/// Maximum number of lookups in a round; for more ambiguous files, or unknown purposes, a list is read first.
pub(super) const MAX_LOOKUPS: usize = 20;
const MAYBE_SENT: &str = "an earlier run may have deleted it";
/// Rounds of sending again what a list still has; in the last one, each file is looked up by itself.
const ROUNDS: usize = 3;

/// All that is known at the end, and whether it is what was wanted.
#[derive(Debug)]
pub struct BulkResult {
    pub counts: Counts,
    /// `None` when nothing was sent.
    pub json: Option<String>,
    pub result: Result<(), Error>,
}

impl From<Error> for BulkResult {
    fn from(error: Error) -> BulkResult {
        BulkResult { counts: Counts::default(), json: None, result: Err(error) }
    }
}

/// Deletes files and says of each what became of it.
pub fn delete_files(client: &Client, files: &[FileRef<'_>], options: &Options<'_>) -> BulkResult {
    begin(client, CALL, files, options).map_or_else(BulkResult::from, Run::run)
}

/// A run of a call that has decided on its files.
pub(super) fn begin<'a>(
    client: &'a Client,
    name: &'static str,
    files: &'a [FileRef<'a>],
    options: &'a Options<'a>,
) -> Result<Run<'a>, Error> {
    let limits = limits(client, name, options)?;
    Run::new(client, name, files, HashSet::new(), limits, options)
}

/// A file whose outcome needs a lookup.
pub(super) struct PendingLookup {
    pub(super) index: usize,
    pub(super) error: Error,
    pub(super) attempts: u32,
}

/// How many lookups a round may make.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookups {
    /// [`MAX_LOOKUPS`]; the files beyond are left for a list.
    Limited,
    Unlimited,
}

/// A file to send, or to look for first, and the deletes that were sent for it before.
pub(super) struct Task {
    pub(super) index: usize,
    pub(super) lookup_first: Option<Error>,
    pub(super) attempts: u32,
}

pub(super) struct Run<'a> {
    pub(super) client: &'a Client,
    pub(super) name: &'static str,
    pub(super) files: &'a [FileRef<'a>],
    kept: HashSet<usize>,
    pub(super) options: Options<'a>,
    pub(super) limits: Limits<'a>,
    /// The query that this call has listed before, if any: a file that the next list of the same query lacks is gone.
    pub(super) listed: Option<Option<&'a str>>,
    /// Indexes of the same file further on in the input.
    duplicates: HashMap<usize, Vec<usize>>,
    /// Purposes of files that were given without one.
    pub(super) purposes: HashMap<i64, String>,
    /// Files in flight at once, as far as it has grown.
    window: usize,
    limiter: Arc<Limiter>,
    pub(super) collector: Collector<'a>,
    ledger: LedgerFiles<'a>,
    attempts: u32,
    pub(super) pending: Vec<PendingLookup>,
    /// Lookups that were begun in this round.
    lookups: Arc<AtomicUsize>,
    pub(super) still_listed: Option<BTreeSet<i64>>,
    pub(super) stopped: Option<Error>,
}

impl<'a> Run<'a> {
    /// Those of `kept` are left alone.
    pub(super) fn new(
        client: &'a Client,
        name: &'static str,
        files: &'a [FileRef<'a>],
        kept: HashSet<usize>,
        limits: Limits<'a>,
        options: &Options<'a>,
    ) -> Result<Run<'a>, Error> {
        for (index, file) in files.iter().enumerate().filter(|(index, _)| !kept.contains(index)) {
            delete::check(name, file.file_id, file.given_purpose()).map_err(|error| {
                let message = format!("{name}: files[{index}]: {}", error.without_call());
                Error { message, parameter: Some("files"), ..error }
            })?;
        }
        let limiter = client.shares().limiter().clone();
        Ok(Run {
            client,
            name,
            files,
            kept,
            options: *options,
            limits,
            listed: None,
            duplicates: HashMap::new(),
            purposes: HashMap::new(),
            window: limiter.width(),
            limiter,
            collector: Collector::new(files.len(), options),
            ledger: LedgerFiles::of(client, name),
            attempts: 0,
            pending: Vec::new(),
            lookups: Arc::default(),
            still_listed: None,
            stopped: None,
        })
    }

    /// This call has listed the files before, by this purpose or all.
    pub(super) fn after_a_list_of(self, purpose: Option<&'a str>) -> Run<'a> {
        Run { listed: Some(purpose), ..self }
    }

    pub(super) fn run(mut self) -> BulkResult {
        self.run_all();
        self.done(None)
    }

    pub(super) fn run_all(&mut self) {
        let maybe_sent = Error { ambiguous: true, ..Error::new(Status::Network, self.name, MAYBE_SENT) };
        let lookup_first = self.options.lookup_first.then_some(maybe_sent);
        let files = self.once_each();
        self.list_purposes(&files);
        let files = files.into_iter();
        // One by one: an error for each of a hundred thousand would take its room.
        self.send(files.map(|index| Task { index, lookup_first: lookup_first.clone(), attempts: 0 }), Lookups::Limited);
        for round in 1..=ROUNDS {
            if !self.pending.is_empty() && self.stopped.is_none() {
                self.resolve_pending(round == ROUNDS);
            }
        }
        for pending_lookup in std::mem::take(&mut self.pending) {
            self.record_error(pending_lookup.index, pending_lookup.error, pending_lookup.attempts);
        }
        for index in 0..self.files.len() {
            if !self.collector.has(index) {
                self.record(index, Kind::NotAttempted, 0, "", String::new(), None);
            }
        }
        if self.options.verify && self.stopped.is_none() {
            self.verify();
        }
        if let Err(failure) = self.collector.tell_the_end() {
            self.stop(failure.status, &failure.text);
        }
    }

    /// Each file where it stands first; those that are kept have settled.
    fn once_each(&mut self) -> Vec<usize> {
        let mut first: HashMap<FileRef<'a>, usize> = HashMap::with_capacity(self.files.len());
        let mut once = Vec::with_capacity(self.files.len());
        for (index, file) in self.files.iter().enumerate() {
            if self.options.dry_run || self.kept.contains(&index) {
                self.record(index, Kind::Kept, 0, "", String::new(), None);
            } else if let Some(&original) = first.get(file) {
                self.duplicates.entry(original).or_default().push(index);
            } else {
                first.insert(*file, index);
                once.push(index);
            }
        }
        once
    }

    /// Sends what the tasks say, a bounded number at once, until they have settled or are ambiguous, or all is stopped.
    pub(super) fn send(&mut self, mut tasks: impl Iterator<Item = Task>, lookups: Lookups) {
        let call_timeout = self.options.call_timeout.or(self.client.timeout());
        let mut calls: ConcurrentCalls<'a, Finished> =
            ConcurrentCalls::new(self.client, self.name, self.limits, call_timeout, self.options.max_attempts);
        let widest = self.options.concurrency.unwrap_or(DEFAULT_CONCURRENCY) as usize;
        self.lookups = Arc::default();
        let mut before = HashMap::new();
        loop {
            while self.stopped.is_none() && calls.len() < self.window.min(widest) {
                let Some(Task { index, lookup_first, attempts }) = tasks.next() else { break };
                if attempts > 0 {
                    before.insert(index, attempts);
                }
                let (name, file_id, begun) = (self.name, self.files[index].file_id, self.lookups.clone());
                let purpose = self.purpose(index);
                calls.add(index, move |mut attempts| async move {
                    let allow_lookup =
                        move || lookups == Lookups::Unlimited || begun.fetch_add(1, Ordering::Relaxed) < MAX_LOOKUPS;
                    let policy = DeletePolicy {
                        name,
                        lookup_first,
                        lookup_after: retrieve::may_mean_absent,
                        allow_lookup: &allow_lookup,
                    };
                    let (end, found) = match &*purpose {
                        "" => Box::pin(delete::find_out_and_delete(&mut attempts, file_id, &policy)).await,
                        purpose => (delete::delete_with(&mut attempts, file_id, purpose, &policy).await, None),
                    };
                    Finished { end, purpose: found, attempts: attempts.made() }
                });
            }
            if calls.is_empty() {
                break;
            }
            let under_way = calls.len();
            let (settled, interruption) = calls.turn();
            if let Some(why) = interruption
                && self.stopped.is_none()
            {
                let (status, text) = why.describe("deleting files");
                // A status that says that nothing was sent must be true of all.
                let is_sent = self.attempts > 0
                    || settled.iter().any(|(_, end)| end.as_ref().err().is_none_or(CallError::is_of_a_request));
                let status = if is_sent { status.once_sent() } else { status };
                self.stop_for(Error { errno: why.errno(), ..Error::new(status, self.name, text) });
            }
            for (index, finished) in settled {
                self.finished(index, finished, before.get(&index).copied().unwrap_or_default(), under_way);
            }
            if self.collector.is_forked_child() {
                self.stop(Status::Cancelled, FORKED);
                break;
            }
        }
        self.set_aside(tasks);
    }

    /// Keeps the tasks that were not begun: those that needed a lookup are as ambiguous as before.
    fn set_aside(&mut self, tasks: impl Iterator<Item = Task>) {
        let ambiguous = |task: Task| {
            let (index, attempts) = (task.index, task.attempts);
            task.lookup_first.filter(|_| attempts > 0).map(|error| PendingLookup { index, error, attempts })
        };
        self.pending.extend(tasks.filter_map(ambiguous));
    }

    fn finished(&mut self, index: usize, finished: Result<Finished, CallError>, before: u32, under_way: usize) {
        let Finished { end, purpose, attempts } = finished.unwrap_or_else(|ended| {
            let error = envelope::call_error(self.client, ended);
            Finished { attempts: error.attempts, purpose: None, end: End::Failed(error) }
        });
        if let Some(purpose) = purpose {
            self.purposes.insert(self.files[index].file_id, purpose);
        }
        self.attempts += attempts;
        let attempts = attempts + before;
        match end {
            End::Deleted(deleted) => {
                // Doubles with each round of responses: a sudden rise is what the service refuses with 2045.
                self.window += 1;
                self.limiter.on_success(under_way);
                let evidence = deleted.evidence.name();
                self.record_all(index, Kind::Deleted, attempts, evidence, &deleted.trace_id, None);
            }
            End::AlreadyAbsent { trace_id, .. } => {
                self.record_all(index, Kind::AlreadyAbsent, attempts, "retrieve", &trace_id, None);
            }
            End::Failed(error) => self.record_error(index, error, attempts),
            End::NeedsLookup(error) => self.pending.push(PendingLookup { index, error, attempts }),
        }
    }

    pub(super) fn record_error(&mut self, index: usize, error: Error, attempts: u32) {
        let error = delete::explain(error, self.files[index].given_purpose());
        let kind = match error.status {
            _ if error.ambiguous => Kind::Unknown,
            Status::Cancelled => Kind::NotAttempted,
            _ if attempts == 0 && error.is_without_turn() => Kind::NotAttempted,
            Status::Timeout if self.stopped.as_ref().is_some_and(|stop| stop.status == Status::Timeout) => {
                Kind::NotAttempted
            }
            _ => Kind::Failed,
        };
        if (is_for_all(&error) || error.is_without_turn()) && self.stopped.is_none() {
            self.stopped = Some(error.clone());
        }
        let trace_id = error.trace_id.clone();
        let error = (kind != Kind::NotAttempted).then_some(error);
        self.record_all(index, kind, attempts, "", &trace_id, error);
    }

    /// Records the outcome of a file and of its duplicates.
    pub(super) fn record_all(
        &mut self,
        index: usize,
        kind: Kind,
        attempts: u32,
        evidence: &'static str,
        trace_id: &str,
        error: Option<Error>,
    ) {
        let has_duplicates = !self.duplicates.is_empty();
        for index in has_duplicates.then(|| self.duplicates.remove(&index)).flatten().unwrap_or_default() {
            self.record(index, kind, attempts, evidence, trace_id.to_owned(), error.clone());
        }
        self.record(index, kind, attempts, evidence, trace_id.to_owned(), error);
    }

    fn record(
        &mut self,
        index: usize,
        kind: Kind,
        attempts: u32,
        evidence: &'static str,
        trace_id: String,
        error: Option<Error>,
    ) {
        let (file_id, purpose) = (self.files[index].file_id, self.purpose(index));
        self.ledger.strike_out(file_id, kind);
        let (purpose, settled_at_ms) = (&*purpose, now_ms());
        let outcome = Outcome { index, file_id, purpose, kind, attempts, evidence, trace_id, settled_at_ms, error };
        if let Err(failure) = self.collector.write(outcome) {
            self.stop(failure.status, &failure.text);
        }
    }

    pub(super) fn stop_for(&mut self, error: Error) {
        self.stopped.get_or_insert(error);
    }

    fn stop(&mut self, status: Status, text: &str) {
        self.stop_for(Error::new(status, self.name, text));
    }

    /// Builds the result, with the plan of a prune.
    pub(super) fn done(self, plan: Option<&Value>) -> BulkResult {
        self.done_with([("plan", json!(plan))])
    }

    /// The same with other parts.
    pub(super) fn done_with<const N: usize>(self, parts: [(&str, Value); N]) -> BulkResult {
        let counts = self.collector.counts;
        let mut json = serde_json::to_value(counts).unwrap_or_default();
        json["still_listed"] = json!(self.still_listed);
        for (name, part) in parts {
            json[name] = part;
        }
        let json = self.collector.into_json(json);
        let summary = counts.describe();
        let result = match self.stopped {
            Some(mut error) => {
                let end =
                    if counts.all_succeeded() { "; nothing was left to do".into() } else { format!("; {summary}") };
                error.add(&end);
                Err(Error { attempts: self.attempts, call: self.name, ..error })
            }
            None if counts.all_succeeded() => Ok(()),
            None => {
                let error = Error::new(Status::Partial, self.name, format!("{summary}; the outcomes say why"));
                Err(Error { attempts: self.attempts, ..error })
            }
        };
        BulkResult { counts, json: Some(json), result }
    }
}

/// The result of one file, and the delete requests that it took.
struct Finished {
    end: End,
    /// As it was found out.
    purpose: Option<String>,
    attempts: u32,
}

/// A key that is refused, or an empty purse, is so for every file.
pub fn is_for_all(error: &Error) -> bool {
    error.status == Status::Authentication || error.api_code == 1008 || error.http_status == 402
}
