//! Telling the caller how far a transfer is: on its own thread, between the turns, not too often.

use super::body::BodySent;
use super::error::TransportError;
use crate::error::Status;
use std::time::{Duration, Instant};

/// Told bytes done and bytes in all (-1: not known); `false` cancels.
pub type Report<'a> = &'a dyn Fn(i64, i64) -> bool;

/// At most twenty times a second.
const APART: Duration = Duration::from_millis(50);

pub struct Progress<'a> {
    report: Option<Report<'a>>,
    /// When, how far, and of how much.
    last: Option<(Instant, u64, Option<u64>)>,
}

impl<'a> Progress<'a> {
    pub fn new(report: Option<Report<'a>>) -> Progress<'a> {
        Progress { report, last: None }
    }

    /// An attempt begins at the start: that is told at once, also after one that was told a moment ago.
    pub fn begins(&mut self) {
        self.last = None;
    }

    /// Tells it, unless it was told a moment ago.
    pub fn moved(&mut self, done: u64, total: Option<u64>, body_sent: BodySent) -> Result<(), TransportError> {
        if self.last.is_some_and(|(at, ..)| at.elapsed() < APART) { Ok(()) } else { self.tell(done, total, body_sent) }
    }

    /// Tells the end, once.
    pub fn finished(&mut self, done: u64) -> Result<(), TransportError> {
        if self.last.is_some_and(|(_, told, of)| told == done && of == Some(done)) {
            return Ok(());
        }
        self.tell(done, Some(done), BodySent::All)
    }

    fn tell(&mut self, done: u64, total: Option<u64>, body_sent: BodySent) -> Result<(), TransportError> {
        let Some(report) = self.report else { return Ok(()) };
        let whole = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let goes_on = report(whole(done), total.map_or(-1, whole));
        self.last = Some((Instant::now(), done, total));
        if goes_on {
            Ok(())
        } else {
            Err(TransportError::new(Status::Cancelled, body_sent, "cancelled by the progress callback"))
        }
    }
}
