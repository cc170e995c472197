//! A run over many files: progress bar, outcomes, journal, and the summary at the end.

use crate::context::Context;
use crate::error::{CommandError, message};
use crate::escape;
use crate::exit::Exit;
use crate::journal::Journal;
use crate::output::Unit;
use crate::wording::{self, MOST_NAMED, count};
use crate::worklist::{Reviewed, Worklist};
use mmx::api::bulk::{BulkResult, FileRef, Options, is_for_all};
use mmx::api::outcome::{Counts, Kind, Outcome, now_ms};
use mmx::error::{Error, Status};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::fmt;

pub(crate) struct Bulk<'a> {
    context: &'a Context<'a>,
    command: &'a str,
    work: Worklist,
    journal: Option<Journal>,
    counts: RefCell<Counts>,
    /// Files with an outcome from an earlier run.
    before: usize,
    /// Files without a line in the journal.
    open: Cell<usize>,
    named: Cell<usize>,
    exit: Cell<Exit>,
    /// Set once results can't be printed any more.
    unprinted: RefCell<Option<CommandError>>,
}

#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) concurrency: u32,
    pub(crate) verify: bool,
    /// Look each file up before its delete is sent, because an earlier run may have deleted it.
    pub(crate) lookup_first: bool,
}

impl<'a> Bulk<'a> {
    pub(crate) fn new(
        context: &'a Context<'a>,
        command: &'a str,
        work: Worklist,
        journal: Option<Journal>,
    ) -> Bulk<'a> {
        let mut counts = Counts { total: work.entries.len(), ..Counts::default() };
        work.settled.iter().flatten().for_each(|kind| counts.add(*kind));
        let exit = if work.has_errors { Exit::Failed } else { Exit::Done };
        Bulk {
            context,
            command,
            work,
            journal,
            before: counts.settled(),
            counts: RefCell::new(counts),
            open: Cell::new(0),
            named: Cell::new(0),
            exit: Cell::new(exit),
            unprinted: RefCell::new(None),
        }
    }

    /// Runs `call` over the open files and reports the outcomes.
    pub(crate) fn run(
        self,
        settings: Settings,
        call: impl FnOnce(&[FileRef<'_>], &Options<'_>) -> BulkResult,
    ) -> Result<Exit, CommandError> {
        let total = i64::try_from(self.work.entries.len()).unwrap_or(i64::MAX);
        let goes_on = self.work.decided().all(|(index, kind)| self.decided(index, kind))
            && self.work.reviewed().all(|(index, reviewed)| self.reviewed(index, reviewed));
        let places: Vec<_> = self.work.open().collect();
        let files: Vec<_> = places.iter().map(|&at| self.work.file(at)).collect();
        let before: Vec<_> = self.work.deleted().map(|at| self.work.file(at)).collect();
        let already = i64::try_from(self.work.entries.len() - files.len()).unwrap_or_default();
        let bar = self.context.output.bar_from(already, Unit::Files, self.command);
        bar.report(already, total);
        let report = |done: i64, _| bar.report(already + done, total);
        let on_outcome =
            |outcome: &Outcome<'_>| self.settled(&Outcome { index: places[outcome.index], ..outcome.clone() });
        let options = Options {
            concurrency: Some(settings.concurrency),
            verify: settings.verify,
            deleted_before: &before,
            lookup_first: settings.lookup_first,
            cancel: Some(self.context.signals.cancel()),
            progress: Some(&report),
            on_outcome: Some(&on_outcome),
            ..Options::default()
        };
        // Without open files there is nothing to send, unless earlier deletions are to be verified.
        let has_work = !files.is_empty() || settings.verify && !before.is_empty();
        let done = (goes_on && has_work).then(|| call(&files, &options));
        drop(bar);
        self.done(done.as_ref(), settings.verify)
    }

    /// Records a file for which no request is sent.
    fn decided(&self, index: usize, kind: Kind) -> bool {
        let FileRef { file_id, purpose } = self.work.file(index);
        let evidence = if kind == Kind::AlreadyAbsent { "list" } else { "" };
        let (trace_id, settled_at_ms) = (String::new(), now_ms());
        let outcome =
            Outcome { index, file_id, purpose, kind, attempts: 0, evidence, trace_id, settled_at_ms, error: None };
        self.settled(&outcome)
    }

    /// Records a file for which no delete is sent after a lookup or a backup.
    fn reviewed(&self, index: usize, reviewed: &Reviewed) -> bool {
        let FileRef { file_id, purpose } = self.work.file(index);
        let (kind, evidence, trace_id, error) = match reviewed {
            Reviewed::Gone { trace_id } => (Kind::Deleted, "retrieve", trace_id.clone(), None),
            Reviewed::Unclear(error) => (Kind::Unknown, "", error.trace_id.clone(), Some(error.clone())),
            Reviewed::Unsaved(error) => (Kind::Kept, "", error.trace_id.clone(), Some(error.clone())),
        };
        let settled_at_ms = now_ms();
        self.settled(&Outcome { index, file_id, purpose, kind, attempts: 0, evidence, trace_id, settled_at_ms, error })
    }

    /// Records and prints an outcome. Returns false to stop the run: nothing is deleted whose outcome can't be recorded.
    fn settled(&self, outcome: &Outcome<'_>) -> bool {
        if is_open(outcome) {
            self.open.set(self.open.get() + 1);
        } else if let Some(journal) = &self.journal {
            journal.write_outcome(outcome);
        }
        self.counts.borrow_mut().add(outcome.kind);
        self.exit.set(self.exit.get().and(Exit::of_outcome(outcome)));
        if self.context.output.json {
            if self.unprinted.borrow().is_none()
                && let Err(stop) = self.context.output.print_json(&outcome.to_json())
            {
                *self.unprinted.borrow_mut() = Some(stop);
            }
        } else if let Some(error) = &outcome.error {
            self.named.set(self.named.get() + 1);
            if self.named.get() <= MOST_NAMED {
                let kind = outcome.kind.name();
                self.say(&format!("{} {kind}: {}", outcome.file_id, message(error)));
            }
        }
        self.unprinted.borrow().is_none() && self.unwritten().is_none()
    }

    fn unwritten(&self) -> Option<String> {
        self.journal.as_ref().and_then(Journal::failure)
    }

    fn done(self, done: Option<&BulkResult>, verify: bool) -> Result<Exit, CommandError> {
        let result = done.map_or(Ok(()), |done| done.result.clone());
        if let (Some(BulkResult { json: None, .. }), Err(error)) = (done, &result) {
            // Nothing was sent.
            return Err(error.clone().into());
        }
        let more = self.named.get().saturating_sub(MOST_NAMED);
        if more > 0 {
            self.say(&format!("and {more} more; --json names them all"));
        }
        self.count_the_rest();
        let still_listed = done.filter(|_| verify).and_then(still_listed);
        if let Err(error) = &result {
            self.say_why(error);
        }
        let mut exit = match &result {
            Ok(()) => self.exit.get(),
            Err(error) if is_for_all(error) => Exit::of(error),
            Err(error) if error.status == Status::Partial => self.exit.get(),
            // Open files matter more than the reason why the run stopped.
            Err(error) => self.exit.get().and(Exit::of(error)),
        };
        if still_listed.as_ref().is_some_and(|listed| !listed.is_empty()) {
            exit = exit.and(Exit::Failed);
        }
        if let Some(journal) = &self.journal {
            exit = exit.and(self.end(journal));
        }
        let summary = Summary { counts: *self.counts.borrow(), before: self.before, still_listed };
        if let Some(stop) = self.unprinted.take() {
            return match stop.text() {
                None => Ok(exit),
                Some(why) => {
                    self.say(&why);
                    Ok(exit.and(stop.exit()))
                }
            };
        }
        print_summary(self.context, &summary).map(|()| exit)
    }

    /// Files without an outcome, because the run ended before they were reached, were not attempted.
    fn count_the_rest(&self) {
        let mut counts = self.counts.borrow_mut();
        let left = counts.total - counts.settled();
        if left > 0 {
            counts.not_attempted += left;
            self.open.set(self.open.get() + left);
            self.exit.set(self.exit.get().and(Exit::Unknown));
        }
    }

    /// Prints why the run was stopped. Failures of single files have been printed already.
    fn say_why(&self, error: &Error) {
        if error.status == Status::Partial || self.context.output.json {
            return;
        }
        match self.context.signals.name() {
            Some(signal) => self.say(&format!("stopped by {signal}")),
            None if self.unwritten().is_some() => {}
            None => self.say(&message(error)),
        }
    }

    /// Finishes the journal if no file is open.
    fn end(&self, journal: &Journal) -> Exit {
        let open = self.open.get();
        if open == 0 {
            journal.finish(&self.counts.borrow());
        }
        if let Some(why) = journal.failure() {
            self.say(&format!("{}; the same command again goes on behind its last line", escape::text(&why)));
            return Exit::Failed;
        }
        if open > 0 {
            let (path, open) = (escape::text(&journal.path().to_string_lossy()), count(open));
            self.say(&format!("open in the journal {path}: {open}; the same command again goes on with them"));
        }
        Exit::Done
    }

    fn say(&self, text: &str) {
        self.context.output.say(&format!("mmx-files {}: {text}", self.command));
    }
}

/// Whether a later run may have a different outcome. A failure of the key, the balance, the rate limit or the network is
/// not the file's own; any other would happen again.
fn is_open(outcome: &Outcome<'_>) -> bool {
    match outcome.kind {
        Kind::Unknown | Kind::NotAttempted => true,
        // One that is kept may have an error: that of its backup.
        Kind::Failed | Kind::Kept => {
            matches!(Exit::of_outcome(outcome), Exit::Key | Exit::RateOrQuota | Exit::Network | Exit::Unknown)
        }
        Kind::Deleted | Kind::AlreadyAbsent => false,
    }
}

/// The ids that the list at the end still has; `None` if nothing was listed.
fn still_listed(done: &BulkResult) -> Option<Vec<i64>> {
    let json: Value = serde_json::from_str(done.json.as_deref()?).ok()?;
    Some(json["still_listed"].as_array()?.iter().filter_map(Value::as_i64).collect())
}

#[derive(Default)]
struct Summary {
    counts: Counts,
    before: usize,
    still_listed: Option<Vec<i64>>,
}

/// Prints the summary of a run without files.
pub(crate) fn nothing(context: &Context<'_>) -> Result<Exit, CommandError> {
    print_summary(context, &Summary::default()).map(|()| Exit::Done)
}

/// Prints the summary of a run that kept no journal, with one more part of its JSON.
pub(crate) fn print_result(
    context: &Context<'_>,
    counts: Counts,
    (name, part): (&str, Value),
) -> Result<(), CommandError> {
    let summary = Summary { counts, ..Summary::default() };
    if !context.output.json {
        return print_summary(context, &summary);
    }
    let mut json = summary.to_json();
    json[name] = part;
    match context.output.print_json(&json) {
        Err(CommandError::Unread) => Ok(()),
        printed => printed,
    }
}

fn print_summary(context: &Context<'_>, summary: &Summary) -> Result<(), CommandError> {
    let printed = match context.output.json {
        true => context.output.print_json(&summary.to_json()),
        false => context.output.print(&summary.to_string()),
    };
    match printed {
        // The exit code still tells the result.
        Err(CommandError::Unread) => Ok(()),
        printed => printed,
    }
}

impl Summary {
    fn to_json(&self) -> Value {
        let mut json = serde_json::to_value(self.counts).unwrap_or_default();
        if self.before > 0 {
            json["settled_before"] = self.before.into();
        }
        if let Some(ids) = &self.still_listed {
            json["still_listed"] = json!(ids);
        }
        json
    }
}

/// `3 files: 2 deleted, 1 failed`
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let parts = [
            (counts.deleted, Kind::Deleted),
            (counts.already_absent, Kind::AlreadyAbsent),
            (counts.kept, Kind::Kept),
            (counts.failed, Kind::Failed),
            (counts.unknown, Kind::Unknown),
            (counts.not_attempted, Kind::NotAttempted),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<_> = parts.map(|(count, kind)| format!("{count} {}", kind.name().replace('_', " "))).collect();
        if parts.is_empty() {
            return f.write_str(&count(0));
        }
        let before = if self.before > 0 { format!(" ({} by an earlier run)", self.before) } else { String::new() };
        let listed = match &self.still_listed {
            None => String::new(),
            Some(ids) if ids.is_empty() => "\nverified: none of them is listed any more".into(),
            Some(ids) => {
                format!("\nstill listed: {}, namely {}", count(ids.len()), wording::ids(ids))
            }
        };
        write!(f, "{}: {}{before}{listed}", count(counts.total), parts.join(", "))
    }
}
