//! One bound over a whole call.

use std::future::pending;
use std::time::{Duration, Instant};

/// A moment, or none: a call without a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    pub const NONE: Deadline = Deadline(None);

    /// A limit so far away that the clock can't hold it is none.
    pub fn after(limit: Option<Duration>) -> Deadline {
        Deadline(limit.and_then(|limit| Instant::now().checked_add(limit)))
    }

    pub fn has_passed(self) -> bool {
        self.0.is_some_and(|at| at <= Instant::now())
    }

    /// Returns when it passes. Runs on a driver.
    pub async fn passed(self) {
        match self.0 {
            Some(at) => tokio::time::sleep_until(at.into()).await,
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
        assert!(Deadline::after(Some(Duration::ZERO)).has_passed());
        assert!(!Deadline::after(Some(Duration::from_secs(3600))).has_passed());
    }
}
