//! How many requests of one call may be under way at once: few at first, since the service refuses a sudden rise. What
//! has gone well is kept for the calls that follow soon, until the service refuses one. The time is always passed in.

use std::time::{Duration, Instant};

/// Where it begins.
pub(super) const NARROWEST: usize = 2;
/// After so long without a request, many at once are a sudden rise again.
const FORGOTTEN: Duration = Duration::from_secs(180);

#[derive(Default)]
pub(super) struct Width(Option<(usize, Instant)>);

impl Width {
    pub(super) fn now(&self, now: Instant) -> usize {
        let is_recent = |last: &Instant| now.saturating_duration_since(*last) < FORGOTTEN;
        self.0.filter(|(_, last)| is_recent(last)).map_or(NARROWEST, |(width, _)| width)
    }

    /// A request was taken, of so many of its call that were under way at once.
    pub(super) fn on_success(&mut self, now: Instant, under_way: usize) {
        let width = self.now(now);
        // One more for each: twice as many with each round of responses.
        self.0 = Some((width.max(under_way.min(width + 1)), now));
    }

    pub(super) fn refused(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_to_what_was_under_way_and_is_forgotten_in_time() {
        let (mut width, start) = (Width::default(), Instant::now());
        assert_eq!(width.now(start), NARROWEST);
        for (under_way, then) in [(1, 2), (2, 2), (5, 3), (5, 4), (5, 5), (5, 5), (2, 5)] {
            width.on_success(start, under_way);
            assert_eq!(width.now(start), then);
        }
        assert_eq!(width.now(start + FORGOTTEN / 2), 5);
        assert_eq!(width.now(start + FORGOTTEN), NARROWEST);
        width.on_success(start + FORGOTTEN, 5);
        assert_eq!(width.now(start + FORGOTTEN), 3);
        width.refused();
        assert_eq!(width.now(start + FORGOTTEN), NARROWEST);
    }
}
