//! Many files deleted by one call: each on its own way, a bounded number at once, and an outcome for every one.

use super::delete::{self, End, Evidence, Manner};
use super::envelope;
use super::outcome::{Counts, Kind, Outcome, now_ms};
use super::receipts::Receipts;
use crate::error::{Error, Status};
use crate::transport::cancel::Cancel;
use crate::transport::client::{CallError, CallOptions, Client};
use crate::transport::crowd::Crowd;
use crate::transport::exchange::{FORKED, Limits};
use crate::transport::progress::Report;
use crate::transport::rate::Limiter;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub const CALL: &str = "delete_files";
pub const DEFAULT_CONCURRENCY: u32 = 16;
/// So many files in doubt are looked for one by one; of more, a list is read first.
const FEW: usize = 20;
const MAYBE_SENT: &str = "an earlier run may have deleted it";
/// After so many rounds of sending again what a list still has, each is settled by itself.
const ROUNDS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileRef<'a> {
    pub file_id: i64,
    pub purpose: &'a str,
}

/// Told of each file as it settles; `false` stops.
pub type OnOutcome<'a> = &'a dyn Fn(&Outcome<'_>) -> bool;

#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Over the whole.
    pub timeout: Option<Duration>,
    /// Of each call; `None`: as the client has it, `Some(None)`: no limit.
    pub call_timeout: Option<Option<Duration>>,
    pub max_attempts: Option<u32>,
    /// `None`: the default.
    pub concurrency: Option<u32>,
    pub dry_run: bool,
    pub verify: bool,
    /// By an earlier run: verified, too.
    pub deleted_before: &'a [FileRef<'a>],
    /// An earlier run may have deleted some: each is looked for before it is sent.
    pub looks_first: bool,
    pub cancel: Option<&'a Cancel>,
    pub progress: Option<Report<'a>>,
    pub on_outcome: Option<OnOutcome<'a>>,
}

/// All that is known at the end, and whether it is what was wanted.
#[derive(Debug)]
pub struct Done {
    pub counts: Counts,
    /// `None` when nothing was sent.
    pub json: Option<String>,
    pub result: Result<(), Error>,
}

impl From<Error> for Done {
    fn from(error: Error) -> Done {
        Done { counts: Counts::default(), json: None, result: Err(error) }
    }
}

/// Deletes files and says of each what became of it.
pub fn delete_files(client: &Client, files: &[FileRef<'_>], options: &Options<'_>) -> Done {
    begin(client, CALL, files, options).map_or_else(Done::from, Run::carry_out)
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

/// A file that takes a look to settle.
pub(super) struct Doubt {
    pub(super) index: usize,
    pub(super) error: Error,
    pub(super) attempts: u32,
}

/// A file to send, or to look for first, and the deletes that were sent for it before.
pub(super) struct Task {
    pub(super) index: usize,
    pub(super) looks_first: Option<Error>,
    pub(super) attempts: u32,
}

pub(super) struct Run<'a> {
    pub(super) client: &'a Client,
    pub(super) name: &'static str,
    pub(super) files: &'a [FileRef<'a>],
    kept: HashSet<usize>,
    pub(super) options: Options<'a>,
    pub(super) limits: Limits<'a>,
    /// What this call has listed before, if anything: what is missing in the next list of the same is gone.
    pub(super) listed: Option<Option<&'a str>>,
    /// Where the same file stands again.
    twins: HashMap<usize, Vec<usize>>,
    /// Files in flight at once, as far as it has grown.
    window: usize,
    limiter: Arc<Limiter>,
    pub(super) receipts: Receipts<'a>,
    attempts: u32,
    pub(super) doubtful: Vec<Doubt>,
    /// Looks that were begun in this round.
    looks: Arc<AtomicUsize>,
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
            delete::check(name, file.file_id, file.purpose).map_err(|error| {
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
            twins: HashMap::new(),
            window: limiter.width(),
            limiter,
            receipts: Receipts::new(files.len(), options),
            attempts: 0,
            doubtful: Vec::new(),
            looks: Arc::default(),
            still_listed: None,
            stopped: None,
        })
    }

    /// This call has listed the files before, by this purpose or all.
    pub(super) fn after_a_list_of(self, purpose: Option<&'a str>) -> Run<'a> {
        Run { listed: Some(purpose), ..self }
    }

    pub(super) fn carry_out(mut self) -> Done {
        self.go();
        self.done(None)
    }

    pub(super) fn go(&mut self) {
        let maybe_sent = Error { ambiguous: true, ..Error::new(Status::Network, self.name, MAYBE_SENT) };
        let looks_first = self.options.looks_first.then_some(maybe_sent);
        let files = self.once_each().into_iter();
        // One by one: an error for each of a hundred thousand would take its room.
        self.send(files.map(|index| Task { index, looks_first: looks_first.clone(), attempts: 0 }), false);
        for round in 1..=ROUNDS {
            if !self.doubtful.is_empty() && self.stopped.is_none() {
                self.settle_doubtful(round == ROUNDS);
            }
        }
        for doubt in std::mem::take(&mut self.doubtful) {
            self.settle_by_error(doubt.index, doubt.error, doubt.attempts);
        }
        for index in 0..self.files.len() {
            if !self.receipts.has(index) {
                self.settle(index, Kind::NotAttempted, 0, "", String::new(), None);
            }
        }
        if self.options.verify && self.stopped.is_none() {
            self.verify();
        }
        if let Err(failure) = self.receipts.tell_the_end() {
            self.stop(failure.status, &failure.text);
        }
    }

    /// Each file where it stands first; those that are kept have settled.
    fn once_each(&mut self) -> Vec<usize> {
        let mut first: HashMap<FileRef<'a>, usize> = HashMap::with_capacity(self.files.len());
        let mut once = Vec::with_capacity(self.files.len());
        for (index, file) in self.files.iter().enumerate() {
            if self.options.dry_run || self.kept.contains(&index) {
                self.settle(index, Kind::Kept, 0, "", String::new(), None);
            } else if let Some(&twin) = first.get(file) {
                self.twins.entry(twin).or_default().push(index);
            } else {
                first.insert(*file, index);
                once.push(index);
            }
        }
        once
    }

    /// Sends what the tasks say, a bounded number at once, until they have settled or are in doubt, or all is stopped.
    pub(super) fn send(&mut self, mut tasks: impl Iterator<Item = Task>, may_always_look: bool) {
        let call_timeout = self.options.call_timeout.unwrap_or_else(|| self.client.timeout());
        let mut crowd: Crowd<'a, Came> =
            Crowd::new(self.client, self.name, self.limits, call_timeout, self.options.max_attempts);
        let widest = self.options.concurrency.unwrap_or(DEFAULT_CONCURRENCY) as usize;
        self.looks = Arc::default();
        let mut before = HashMap::new();
        loop {
            while self.stopped.is_none() && crowd.len() < self.window.min(widest) {
                let Some(Task { index, looks_first, attempts }) = tasks.next() else { break };
                if attempts > 0 {
                    before.insert(index, attempts);
                }
                let (name, file, looks) = (self.name, self.files[index], self.looks.clone());
                crowd.add(index, move |mut attempts| async move {
                    let may_look = move || may_always_look || looks.fetch_add(1, Ordering::Relaxed) < FEW;
                    let manner = Manner { name, looks_first, looks_after_refusal: true, may_look: &may_look };
                    let end = delete::delete_with(&mut attempts, file.file_id, file.purpose, &manner).await;
                    Came { end, attempts: attempts.made() }
                });
            }
            if crowd.is_empty() {
                break;
            }
            let under_way = crowd.len();
            let (settled, interruption) = crowd.turn();
            if let Some(why) = interruption
                && self.stopped.is_none()
            {
                let (status, text) = why.in_words("deleting files");
                self.stop(status, &text);
            }
            for (index, came) in settled {
                self.came(index, came, before.get(&index).copied().unwrap_or_default(), under_way);
            }
            if self.receipts.is_of_a_parent() {
                self.stop(Status::Cancelled, FORKED);
                break;
            }
        }
        self.leave(tasks);
    }

    /// What was not begun: those that a look was to settle are as much in doubt as before.
    fn leave(&mut self, tasks: impl Iterator<Item = Task>) {
        let in_doubt = |task: Task| {
            let (index, attempts) = (task.index, task.attempts);
            task.looks_first.filter(|_| attempts > 0).map(|error| Doubt { index, error, attempts })
        };
        self.doubtful.extend(tasks.filter_map(in_doubt));
    }

    fn came(&mut self, index: usize, came: Result<Came, CallError>, before: u32, under_way: usize) {
        let Came { end, attempts } = came.unwrap_or_else(|ended| {
            let error = envelope::call_error(self.client, ended);
            Came { attempts: error.attempts, end: End::Failed(error) }
        });
        self.attempts += attempts;
        let attempts = attempts + before;
        match end {
            End::Deleted(deleted) => {
                // Doubles with each round of responses: a sudden rise is what the service refuses with 2045.
                self.window += 1;
                self.limiter.went_well(under_way);
                let evidence = match deleted.evidence {
                    Evidence::Response => "answer",
                    Evidence::Retrieve => "retrieve",
                };
                self.settle_all(index, Kind::Deleted, attempts, evidence, &deleted.trace_id, None);
            }
            End::Absent { trace_id } => {
                self.settle_all(index, Kind::AlreadyAbsent, attempts, "retrieve", &trace_id, None);
            }
            End::Failed(error) => self.settle_by_error(index, error, attempts),
            End::Open(error) => self.doubtful.push(Doubt { index, error, attempts }),
        }
    }

    pub(super) fn settle_by_error(&mut self, index: usize, error: Error, attempts: u32) {
        let error = delete::explain(error, self.files[index].purpose);
        let kind = match error.status {
            _ if error.ambiguous => Kind::Unknown,
            Status::Cancelled => Kind::NotAttempted,
            Status::Timeout if self.stopped.as_ref().is_some_and(|stop| stop.status == Status::Timeout) => {
                Kind::NotAttempted
            }
            _ => Kind::Failed,
        };
        if is_for_all(&error) && self.stopped.is_none() {
            self.stopped = Some(error.clone());
        }
        let trace_id = error.trace_id.clone();
        let error = (kind != Kind::NotAttempted).then_some(error);
        self.settle_all(index, kind, attempts, "", &trace_id, error);
    }

    /// Of a file and of where it stands again.
    pub(super) fn settle_all(
        &mut self,
        index: usize,
        kind: Kind,
        attempts: u32,
        evidence: &'static str,
        trace_id: &str,
        error: Option<Error>,
    ) {
        let has_twins = !self.twins.is_empty();
        for index in has_twins.then(|| self.twins.remove(&index)).flatten().unwrap_or_default() {
            self.settle(index, kind, attempts, evidence, trace_id.to_owned(), error.clone());
        }
        self.settle(index, kind, attempts, evidence, trace_id.to_owned(), error);
    }

    fn settle(
        &mut self,
        index: usize,
        kind: Kind,
        attempts: u32,
        evidence: &'static str,
        trace_id: String,
        error: Option<Error>,
    ) {
        let FileRef { file_id, purpose } = self.files[index];
        let settled_at_ms = now_ms();
        let outcome = Outcome { index, file_id, purpose, kind, attempts, evidence, trace_id, settled_at_ms, error };
        if let Err(failure) = self.receipts.write(outcome) {
            self.stop(failure.status, &failure.text);
        }
    }

    fn stop(&mut self, status: Status, text: &str) {
        if self.stopped.is_none() {
            self.stopped = Some(Error::new(status, self.name, text));
        }
    }

    /// The end of it all, with the plan of a prune.
    pub(super) fn done(self, plan: Option<&Value>) -> Done {
        let counts = self.receipts.counts;
        let mut json = serde_json::to_value(counts).unwrap_or_default();
        json["still_listed"] = json!(self.still_listed);
        json["plan"] = json!(plan);
        let json = self.receipts.into_json(json);
        let summary = counts.in_words();
        let result = match self.stopped {
            Some(mut error) => {
                let end =
                    if counts.all_went_well() { "; nothing was left to do".into() } else { format!("; {summary}") };
                error.add(&end);
                Err(Error { attempts: self.attempts, call: self.name, ..error })
            }
            None if counts.all_went_well() => Ok(()),
            None => {
                let error = Error::new(Status::Partial, self.name, format!("{summary}; the outcomes say why"));
                Err(Error { attempts: self.attempts, ..error })
            }
        };
        Done { counts, json: Some(json), result }
    }
}

/// One file's end, and the deletes that it took.
struct Came {
    end: End,
    attempts: u32,
}

/// A key that is refused, or an empty purse, is so for every file.
pub fn is_for_all(error: &Error) -> bool {
    error.status == Status::Authentication || error.api_code == 1008 || error.http_status == 402
}

/// Over the whole; a call of many files has no time limit unless one is set.
pub fn limits<'a>(client: &Client, name: &'static str, options: &Options<'a>) -> Result<Limits<'a>, Error> {
    let options = CallOptions { timeout: Some(options.timeout), cancel: options.cancel, ..CallOptions::default() };
    client.limits(name, true, &options)
}
