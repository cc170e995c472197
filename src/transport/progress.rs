//! Progress reports: on the calling thread, between the turns, not too often.

use super::body::BodySent;
use super::error::TransportError;
use crate::error::Status;
use std::time::{Duration, Instant};

/// Progress callback: bytes done and bytes in total (-1: unknown); `false` cancels.
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

    /// An attempt starts from zero: that is reported at once, also right after another report.
    pub fn begins(&mut self) {
        self.last = None;
    }

    /// Reports progress, unless it was reported a moment ago.
    pub fn moved(&mut self, done: u64, total: Option<u64>, body_sent: BodySent) -> Result<(), TransportError> {
        if self.last.is_some_and(|(at, ..)| at.elapsed() < APART) { Ok(()) } else { self.tell(done, total, body_sent) }
    }

    /// Reports the end, once.
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
