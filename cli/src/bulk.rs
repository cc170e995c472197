//! A run over many files: the bar, what is said of each, and of all in the end.

use crate::context::Context;
use crate::each::is_for_all;
use crate::exit::Exit;
use crate::output::Unit;
use crate::stop::{Stop, in_words};
use mmx::api::bulk::{Done, Options};
use mmx::api::outcome::{Counts, Kind, Outcome};
use mmx::error::Status;
use std::cell::{Cell, RefCell};

/// So many files that did not come to their end are named to people; programs get all.
const NAMED: usize = 20;

pub(crate) struct Bulk<'a> {
    context: &'a Context<'a>,
    command: &'a str,
    total: usize,
    named: Cell<usize>,
    exit: Cell<Exit>,
    /// Why results can't be printed any more.
    unprinted: RefCell<Option<Stop>>,
}

impl<'a> Bulk<'a> {
    pub(crate) fn new(context: &'a Context<'a>, command: &'a str, total: usize) -> Bulk<'a> {
        let (named, exit, unprinted) = (Cell::new(0), Cell::new(Exit::Done), RefCell::new(None));
        Bulk { context, command, total, named, exit, unprinted }
    }

    /// Runs `call` and says what came of it.
    pub(crate) fn run(self, concurrency: u32, call: impl FnOnce(&Options<'_>) -> Done) -> Result<Exit, Stop> {
        let bar = self.context.output.bar(Unit::Files, self.command);
        bar.report(0, i64::try_from(self.total).unwrap_or(i64::MAX));
        let report = |done, total| bar.report(done, total);
        let told = |outcome: &Outcome<'_>| self.settled(outcome);
        let options = Options {
            concurrency: Some(concurrency),
            cancel: Some(self.context.signals.cancel()),
            progress: Some(&report),
            on_outcome: Some(&told),
            ..Options::default()
        };
        let done = call(&options);
        drop(bar);
        self.done(&done)
    }

    /// One file. `false` ends the run: where no receipt can be handed out any more, nothing more is deleted.
    fn settled(&self, outcome: &Outcome<'_>) -> bool {
        self.exit.set(self.exit.get().and(Exit::of_outcome(outcome)));
        if self.context.output.json {
            if self.unprinted.borrow().is_none()
                && let Err(stop) = self.context.output.print_json(&outcome.to_json())
            {
                *self.unprinted.borrow_mut() = Some(stop);
            }
        } else if let Some(error) = &outcome.error {
            self.named.set(self.named.get() + 1);
            if self.named.get() <= NAMED {
                let kind = outcome.kind.name();
                self.say(&format!("{} {kind}: {}", outcome.file_id, in_words(error)));
            }
        }
        self.unprinted.borrow().is_none()
    }

    fn done(self, done: &Done) -> Result<Exit, Stop> {
        if done.json.is_none() {
            // Nothing was begun.
            return done.result.clone().map(|()| Exit::Done).map_err(Stop::from);
        }
        let more = self.named.get().saturating_sub(NAMED);
        if more > 0 {
            self.say(&format!("and {more} more; --json names them all"));
        }
        match &done.result {
            Err(error) if error.status != Status::Partial && !self.context.output.json => {
                match self.context.signals.name() {
                    Some(signal) => self.say(&format!("stopped by {signal}")),
                    None => self.say(&in_words(error)),
                }
            }
            _ => {}
        }
        let exit = match &done.result {
            Ok(()) => Exit::Done,
            Err(error) if is_for_all(error) => Exit::of(error),
            Err(error) if error.status == Status::Partial => self.exit.get(),
            // Whatever stopped it, what is left open decides.
            Err(error) => self.exit.get().and(Exit::of(error)),
        };
        if let Some(stop) = self.unprinted.take() {
            return match stop.text() {
                None => Ok(exit),
                Some(why) => {
                    self.say(&why);
                    Ok(exit.and(stop.exit()))
                }
            };
        }
        print_counts(self.context, &done.counts).map(|()| exit)
    }

    fn say(&self, text: &str) {
        self.context.output.say(&format!("mmx-files {}: {text}", self.command));
    }
}

/// The end of a run over no files.
pub(crate) fn nothing(context: &Context<'_>) -> Result<Exit, Stop> {
    print_counts(context, &Counts::default()).map(|()| Exit::Done)
}

fn print_counts(context: &Context<'_>, counts: &Counts) -> Result<(), Stop> {
    let printed = match context.output.json {
        true => context.output.print_json(&serde_json::to_value(counts).unwrap_or_default()),
        false => context.output.print(&summary(counts)),
    };
    match printed {
        // The exit code says it all the same.
        Err(Stop::Unread) => Ok(()),
        printed => printed,
    }
}

/// `3 files: 2 deleted, 1 failed`
fn summary(counts: &Counts) -> String {
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
    if parts.is_empty() { count(0) } else { format!("{}: {}", count(counts.total), parts.join(", ")) }
}

/// `1 file`, `2 files`
pub(crate) fn count(files: usize) -> String {
    if files == 1 { "1 file".into() } else { format!("{files} files") }
}
