//! One bound over a whole call.

use super::reactor::Reactor;
use super::sync::now;
use super::time_limit::TimeLimit;
use std::future::pending;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A moment and the limit that led to it, or none: a call without a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<(Instant, Duration)>);

impl Deadline {
    pub const NONE: Deadline = Deadline(None);

    /// A limit so far away that the clock can't hold it is none.
    pub fn after(limit: Option<Duration>) -> Deadline {
        Deadline(limit.and_then(|limit| Some((now().checked_add(limit)?, limit))))
    }

    /// The limit, once it has passed.
    pub fn has_passed(self) -> Option<Duration> {
        self.0.filter(|(at, _)| *at <= now()).map(|(_, limit)| limit)
    }

    /// The time until it passes; `None` when there is none.
    pub fn left(self) -> Option<Duration> {
        self.0.map(|(at, _)| at.saturating_duration_since(now()))
    }

    /// The timeout of a call within the one that this bounds: the time that is left, or `limit` if there is no bound.
    pub fn left_or(self, limit: TimeLimit) -> TimeLimit {
        self.left().map_or(limit, TimeLimit::After)
    }

    /// The same, put off by so much.
    pub fn later_by(self, delay: Duration) -> Deadline {
        Deadline(self.0.and_then(|(at, limit)| Some((at.checked_add(delay)?, limit))))
    }

    pub fn at(self) -> Option<Instant> {
        self.0.map(|(at, _)| at)
    }

    /// Returns the limit when it passes.
    pub async fn passed(self, reactor: &Rc<Reactor>) -> Duration {
        match self.0 {
            Some((at, limit)) => {
                reactor.sleep_until(at).await;
                limit
            }
            None => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_beyond_the_clock_is_no_limit() {
        assert_eq!(Deadline::after(Some(Duration::MAX)), Deadline::NONE);
        assert_eq!(Deadline::after(None), Deadline::NONE);
        assert_eq!(Deadline::after(Some(Duration::ZERO)).has_passed(), Some(Duration::ZERO));
        assert_eq!(Deadline::after(Some(Duration::from_secs(3600))).has_passed(), None);
    }
}
