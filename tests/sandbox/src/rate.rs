//! How many requests a minute an account takes, and what it answers to more.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::account::Settings;
use crate::fault::Fault;

/// The codes that say that requests come too fast, and the HTTP status that does.
const CODES: [u16; 4] = [1002, 1039, 1041, 2045];
const TOO_MANY_REQUESTS: u16 = 429;
const MINUTE_MS: u64 = 60_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Window {
    /// Any so long a time.
    #[default]
    Sliding,
    /// From each multiple of it on, by the server's clock.
    Fixed,
}

/// What came lately.
#[derive(Default)]
pub(crate) struct Rate {
    /// When those were taken that still count, the oldest first.
    taken: VecDeque<u64>,
    /// Since the account is as new.
    pub(crate) refused: u64,
}

impl Rate {
    /// The refusal, if this request is one too many, by the time it arrived at. Those that are refused don't count.
    pub(crate) fn refusal(&mut self, settings: &Settings, now_ms: u64) -> Option<Fault> {
        let a_minute = u64::from(settings.requests_per_minute?);
        let window_ms = settings.window_ms.unwrap_or(MINUTE_MS);
        // Requests that come at once may be counted in another order than they arrived in.
        let now_ms = self.taken.back().map_or(now_ms, |last| now_ms.max(*last));
        let counts = |at: u64| match settings.window.unwrap_or_default() {
            Window::Sliding => now_ms < at + window_ms,
            Window::Fixed => now_ms / window_ms == at / window_ms,
        };
        while self.taken.front().is_some_and(|at| !counts(*at)) {
            self.taken.pop_front();
        }
        if (self.taken.len() as u64) < (a_minute * window_ms / MINUTE_MS).max(1) {
            self.taken.push_back(now_ms);
            return None;
        }
        self.refused += 1;
        Some(match settings.throttle.unwrap_or(CODES[0]) {
            TOO_MANY_REQUESTS => Fault::throttled(None, Some(TOO_MANY_REQUESTS)),
            code => Fault::throttled(Some(code.into()), None),
        })
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), String> {
        let rest = [self.window_ms.is_some(), self.window.is_some(), self.throttle.is_some()];
        if self.requests_per_minute.is_none() && rest.contains(&true) {
            return Err("window_ms, window and throttle go with requests_per_minute".into());
        }
        if self.requests_per_minute == Some(0) || self.window_ms.is_some_and(|time| !(1..=MINUTE_MS).contains(&time)) {
            return Err("requests_per_minute is 1 or more, window_ms 1 to 60000".into());
        }
        if self.throttle.is_some_and(|code| code != TOO_MANY_REQUESTS && !CODES.contains(&code)) {
            return Err("throttle is 1002, 1039, 1041, 2045 or 429".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the requests at these times are taken.
    fn taken(settings: Settings, times: &[u64]) -> Vec<u64> {
        let mut rate = Rate::default();
        let taken: Vec<_> = times.iter().copied().filter(|time| rate.refusal(&settings, *time).is_none()).collect();
        assert_eq!(rate.refused, (times.len() - taken.len()) as u64);
        taken
    }

    fn settings(requests: u32, window_ms: u64, window: Window) -> Settings {
        let (requests_per_minute, window_ms, window) = (Some(requests), Some(window_ms), Some(window));
        Settings { requests_per_minute, window_ms, window, ..Settings::default() }
    }

    #[test]
    fn a_sliding_window_counts_what_it_took_in_any_such_time() {
        let three_in_300 = settings(600, 300, Window::Sliding);
        assert_eq!(taken(three_in_300, &[10, 200, 300, 301, 309, 310, 499, 500, 501]), [10, 200, 300, 310, 500]);
    }

    #[test]
    fn a_fixed_one_begins_anew() {
        let three_in_300 = settings(600, 300, Window::Fixed);
        assert_eq!(taken(three_in_300, &[290, 295, 296, 297, 299, 300, 301, 302, 303]), [290, 295, 296, 300, 301, 302]);
    }

    #[test]
    fn one_at_least_is_taken() {
        assert_eq!(taken(settings(1, 1000, Window::Sliding), &[0, 999, 1000]), [0, 1000]);
        assert_eq!(taken(Settings::default(), &[0; 1000]).len(), 1000);
    }
}
