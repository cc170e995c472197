//! The schedule of retries: whether a call is sent again, and after which wait.

#[cfg(all(test, shuttle))]
mod schedules;

use super::sync::atomic::{AtomicI32, Ordering};
use crate::error::{Error, Status};
use std::hash::{BuildHasher as _, RandomState};
use std::process;
use std::time::{Duration, Instant};

/// A longer wait that the service asks for is the caller's to decide about.
const LONGEST_HINT: Duration = Duration::from_secs(60);

/// Retry budget: each client has so many tokens. A retry takes some, a success gives one back, and without
/// any there are no retries, so that a service in trouble isn't asked four times as often.
#[derive(Debug)]
pub struct Budget(AtomicI32);

impl Budget {
    const MOST: i32 = 500;

    pub fn new() -> Budget {
        Budget(AtomicI32::new(Budget::MOST))
    }

    fn take(&self, cost: i32) -> bool {
        let left = |tokens: i32| (tokens >= cost).then_some(tokens - cost);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok()
    }

    /// After a success.
    pub fn give_back(&self) {
        let more = |tokens: i32| (tokens < Budget::MOST).then_some(tokens + 1);
        // Full is as good.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::new()
    }
}

/// The reason why a call is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRetryReason {
    /// The maximum number of attempts was made.
    Attempts,
    /// The service asks for a wait that is longer than is waited here.
    HintTooLong,
    /// The wait would pass the call's deadline.
    Deadline,
    /// Too many have failed lately.
    Budget,
    /// The service may have carried it out, and twice would create two things.
    MayHaveCreated,
}

impl NoRetryReason {
    /// For the end of the message.
    pub fn describe(self, made: u32) -> String {
        match self {
            NoRetryReason::Attempts if made > 1 => format!(" (the last of {made} attempts)"),
            NoRetryReason::Attempts => String::new(),
            NoRetryReason::HintTooLong => "; that wait is left to the caller".into(),
            NoRetryReason::Deadline => "; the time limit leaves no room for another attempt".into(),
            NoRetryReason::MayHaveCreated => "; not sent again, for the service may have carried it out".into(),
            NoRetryReason::Budget => "; not sent again, too many calls of this client have failed lately".into(),
        }
    }
}

/// The waits of one call.
#[derive(Debug)]
pub struct Retry<'c> {
    budget: &'c Budget,
    most: u32,
    made: u32,
    throttled: u32,
    others: u32,
}

impl<'c> Retry<'c> {
    pub fn new(budget: &'c Budget, most: u32) -> Retry<'c> {
        Retry { budget, most, made: 0, throttled: 0, others: 0 }
    }

    /// A request of the call goes out.
    pub fn count(&mut self) {
        self.made += 1;
    }

    pub fn made(&self) -> u32 {
        self.made
    }

    /// Whether the call may send more than one request at all.
    pub fn is_allowed(&self) -> bool {
        self.most > 1
    }

    /// Records the result of the last request.
    pub fn record(&self, outcome: Result<(), &Error>) {
        if outcome.is_ok() {
            self.budget.give_back();
        }
    }

    /// The wait before another attempt after `error`, with so much time left.
    pub fn next(&mut self, error: &Error, left: Option<Duration>) -> Result<Duration, NoRetryReason> {
        if self.made >= self.most {
            return Err(NoRetryReason::Attempts);
        }
        let is_throttled = error.status == Status::RateLimited;
        let wait = match error.retry_after {
            Some(hint) if hint > LONGEST_HINT => return Err(NoRetryReason::HintTooLong),
            Some(hint) => hint,
            None if is_throttled => jittered(Duration::from_secs(2), Duration::from_secs(30), self.throttled, random()),
            None => jittered(Duration::from_millis(500), Duration::from_secs(8), self.others, random()),
        };
        if left.is_some_and(|left| wait >= left) {
            return Err(NoRetryReason::Deadline);
        }
        let cost = match error.status {
            // The limiter slows down for these.
            Status::RateLimited => 0,
            Status::Timeout | Status::ServerTimeout => 10,
            _ => 5,
        };
        if !self.budget.take(cost) {
            return Err(NoRetryReason::Budget);
        }
        *(if is_throttled { &mut self.throttled } else { &mut self.others }) += 1;
        Ok(wait)
    }
}

/// Full jitter: anything up to a bound that doubles.
fn jittered(base: Duration, longest: Duration, doublings: u32, random: f64) -> Duration {
    base.saturating_mul(1 << doublings.min(16)).min(longest).mul_f64(random)
}

/// From 0 to 1. Seeded anew each time: processes that were forked from one must not wait alike.
fn random() -> f64 {
    let bits = RandomState::new().hash_one((process::id(), Instant::now()));
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: Status) -> Error {
        Error::new(status, "x", "")
    }

    fn hinted(seconds: u64) -> Error {
        Error { retry_after: Some(Duration::from_secs(seconds)), ..error(Status::RateLimited) }
    }

    #[test]
    fn waits_double_up_to_a_bound_and_are_anything_below_it() {
        let (base, longest) = (Duration::from_millis(500), Duration::from_secs(8));
        let bounds: Vec<_> = (0..7).map(|n| jittered(base, longest, n, 1.0).as_millis()).collect();
        assert_eq!(bounds, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(jittered(base, longest, u32::MAX, 0.0), Duration::ZERO);
        assert_eq!(jittered(base, longest, 1, 0.25), Duration::from_millis(250));
        let drawn: Vec<_> = (0..1000).map(|_| random()).collect();
        assert!(drawn.iter().all(|x| (0.0..1.0).contains(x)));
        let mean = drawn.iter().sum::<f64>() / 1000.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
    }

    #[test]
    fn where_the_service_throttles_waits_are_longer() {
        let budget = Budget::new();
        let longest = |status, before| {
            let waits = (0..200).map(|_| {
                let mut retry = Retry::new(&budget, 9);
                (0..before).for_each(|_| assert_eq!(retry.next(&hinted(0), None), Ok(Duration::ZERO)));
                (retry.next(&error(status), None)).expect("these cost nothing")
            });
            waits.max().unwrap().as_secs_f64()
        };
        for (before, bound) in [2.0, 4.0, 8.0, 16.0, 30.0, 30.0].into_iter().enumerate() {
            let longest = longest(Status::RateLimited, before);
            assert!(longest <= bound && longest > 0.9 * bound, "{longest} after {before}");
        }
    }

    #[test]
    fn attempts_are_counted_from_the_first() {
        let budget = Budget::new();
        let mut retry = Retry::new(&budget, 3);
        for made in 1..=3 {
            retry.count();
            let next = retry.next(&error(Status::Network), None);
            assert_eq!(next.is_ok(), made < 3);
        }
        let mut once = Retry::new(&budget, 1);
        once.count();
        assert_eq!(once.next(&error(Status::Network), None), Err(NoRetryReason::Attempts));
        assert!(!once.is_allowed());
    }

    #[test]
    fn a_hint_of_the_service_is_obeyed_or_left_to_the_caller() {
        let budget = Budget::new();
        let mut retry = Retry::new(&budget, 9);
        assert_eq!(retry.next(&hinted(0), None), Ok(Duration::ZERO));
        assert_eq!(retry.next(&hinted(60), None), Ok(Duration::from_secs(60)));
        assert_eq!(retry.next(&hinted(61), None), Err(NoRetryReason::HintTooLong));
        let left = Some(Duration::from_secs(5));
        assert_eq!(retry.next(&hinted(4), left), Ok(Duration::from_secs(4)));
        assert_eq!(retry.next(&hinted(5), left), Err(NoRetryReason::Deadline));
    }

    #[test]
    fn an_outage_is_not_multiplied() {
        let budget = Budget::new();
        let mut sent_again = 0;
        for _ in 0..1000 {
            sent_again += u32::from(Retry::new(&budget, 4).next(&error(Status::Network), None).is_ok());
        }
        assert_eq!(sent_again, 100);
        assert_eq!(Retry::new(&budget, 4).next(&error(Status::Server), None), Err(NoRetryReason::Budget));
        // A rate limit has its own brake.
        assert!(Retry::new(&budget, 4).next(&hinted(0), None).is_ok());
        (0..9).for_each(|_| budget.give_back());
        assert_eq!(Retry::new(&budget, 4).next(&error(Status::Timeout), None), Err(NoRetryReason::Budget));
        budget.give_back();
        assert!(Retry::new(&budget, 4).next(&error(Status::Timeout), None).is_ok());
        (0..2000).for_each(|_| budget.give_back());
        assert_eq!(budget.0.load(Ordering::Relaxed), Budget::MOST);
    }
}
