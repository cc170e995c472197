//! The outcomes as they come: told to the host or kept, counted, and put together in the end.

use super::bulk_options::{OnOutcome, Options};
use super::outcome::{Counts, Kind, Outcome};
use crate::error::Status;
use crate::transport::body::BodySent;
use crate::transport::error::TransportError;
use crate::transport::process::Process;
use crate::transport::progress::Progress;
use serde_json::Value;

pub(super) struct Collector<'a> {
    pub(super) counts: Counts,
    on_outcome: Option<OnOutcome<'a>>,
    progress: Progress<'a>,
    tells_progress: bool,
    /// In input order, unless they are streamed.
    kept: Vec<String>,
    kinds: Vec<Option<Kind>>,
    process: Process,
    is_forked_child: bool,
}

impl<'a> Collector<'a> {
    pub(super) fn new(total: usize, options: &Options<'a>) -> Collector<'a> {
        Collector {
            counts: Counts { total, ..Counts::default() },
            on_outcome: options.on_outcome,
            progress: Progress::new(options.progress),
            tells_progress: options.progress.is_some(),
            kept: if options.on_outcome.is_some() { Vec::new() } else { vec![String::new(); total] },
            kinds: vec![None; total],
            process: Process::current(),
            is_forked_child: false,
        }
    }

    pub(super) fn has(&self, index: usize) -> bool {
        self.kinds[index].is_some()
    }

    pub(super) fn was_meant_to_go(&self, index: usize) -> bool {
        self.kinds[index] != Some(Kind::Kept)
    }

    /// A callback of the host's has forked, and this is the child: it is told nothing more.
    pub(super) fn is_forked_child(&self) -> bool {
        self.is_forked_child
    }

    /// Each file's once. Fails when the host wants no more.
    pub(super) fn write(&mut self, outcome: Outcome<'_>) -> Result<(), TransportError> {
        self.counts.add(outcome.kind);
        self.kinds[outcome.index] = Some(outcome.kind);
        if self.is_forked_child {
            return Ok(());
        }
        let goes_on = match self.on_outcome {
            Some(on_outcome) => on_outcome(&outcome),
            None => {
                self.kept[outcome.index] = outcome.to_json().to_string();
                true
            }
        };
        if !goes_on {
            return Err(TransportError::new(Status::Cancelled, BodySent::None, "stopped by the outcome function"));
        }
        self.check_process();
        if self.is_forked_child {
            return Ok(());
        }
        let total = Some(self.counts.total as u64);
        let moved = self.progress.moved(self.counts.settled() as u64, total, BodySent::None);
        if self.tells_progress {
            self.check_process();
        }
        moved
    }

    /// After a callback, where the host may have forked.
    fn check_process(&mut self) {
        self.is_forked_child |= self.process.is_forked_child();
    }

    pub(super) fn tell_the_end(&mut self) -> Result<(), TransportError> {
        match self.is_forked_child {
            true => Ok(()),
            false => self.progress.finished(self.counts.settled() as u64),
        }
    }

    /// `summary` with the outcomes in it, unless they were streamed.
    pub(super) fn into_json(self, summary: Value) -> String {
        const OUTCOMES: &str = ",\"outcomes\":[";
        let mut json = summary.to_string();
        if self.on_outcome.is_some() {
            return json;
        }
        // Its brace comes back at the end.
        json.pop();
        // In one piece, with room for C's last byte: it may be tens of megabytes.
        let longest = self.kept.iter().map(|outcome| outcome.len() + 1).sum::<usize>();
        json.reserve_exact(OUTCOMES.len() + longest + "]}".len() + 1);
        json.push_str(OUTCOMES);
        for (at, outcome) in self.kept.into_iter().enumerate() {
            json.push_str(if at == 0 { "" } else { "," });
            json.push_str(&outcome);
        }
        json.push_str("]}");
        json
    }
}
