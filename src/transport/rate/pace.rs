//! When the next request may go. No clock, no lock, no waiting: the time is always passed in.
//!
//! Requests are spaced evenly, by the slower of two rates: what their client asked for, and what the service was found
//! to allow. The second is unknown, and no limit, until the service first says that requests come too fast. Then:
//!
//! * Everything pauses. After the pause one request goes alone; as long as such a one is refused, the pauses grow.
//!   Whatever was under way at the first refusal and is refused too changes nothing more.
//! * Once one is taken, requests go at half the rate that was refused, and faster from there: quickly back to what was
//!   taken before, slowly around it, ever faster well beyond it, on the curve by which CUBIC (RFC 9438) grows a window.
//!
//! Clients of one key share one clock. Each request moves it on by its own spacing: that of its client's ceiling or of
//! the limit found, whichever is longer. One without either doesn't heed the clock.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Seconds that a ceiling's requests are spread over: more than a minute, so that a server finds no more of them in any
/// minute of its own, although some take longer on their way than others.
const MINUTE: f64 = 61.5;
/// Longest delay of a waiter that is made up for. Nothing else is: there are no bursts.
const LATEST: Duration = Duration::from_millis(250);
/// Seconds from half of what was taken back to all of it.
const RECOVERY: f64 = 6.0;
/// Seconds from there to one and a half times as much: services count by the minute, so a rate shows within one whether
/// it is too fast.
const PROBING: f64 = 60.0;
/// Pauses double from here.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long a request that goes alone may stay without a response before another one goes.
pub(super) const ALONE: Duration = Duration::from_secs(2);
/// No Retry-After makes everybody wait longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);
/// A refusal this long ago says nothing any more.
const FORGOTTEN: Duration = Duration::from_secs(600);
/// Requests a second; where fewer are allowed, the pauses see to it.
const SLOWEST: f64 = 0.2;
/// So many requests make a rate.
const MANY: u32 = 10;

pub(super) struct Pace {
    /// From when on the next one may go.
    next: Instant,
    limit: Option<Limit>,
    throttled: Option<Throttled>,
    window: RateWindow,
    refused_at: Option<Instant>,
    /// When somebody last had to wait for the limit.
    waited_at: Option<Instant>,
    grown_at: Instant,
    random: fastrand::Rng,
}

/// The rate that the service was found to allow.
struct Limit {
    /// Requests a second that it took.
    w_max: f64,
    /// On the curve: -1 is half of it, 0 all of it, 1 one and a half times as much.
    curve_time: f64,
}

/// From a refusal until a request is taken again.
struct Throttled {
    /// The limit when it began.
    before: Before,
    pause: Duration,
    until: Instant,
    /// The pause is over, and a request has gone alone.
    alone: bool,
}

#[derive(Clone, Copy)]
enum Before {
    None,
    /// Requests a second, fewer than there were to send.
    Tried(f64),
    /// Requests a second, more than were asked for.
    Untried(f64),
}

impl Limit {
    fn rate(&self) -> f64 {
        self.w_max * (1.0 + self.curve_time.powi(3) / 2.0)
    }

    /// From few requests, which say little of what is allowed: others may have used it up. It grows quickly from there.
    fn unknown(rate: f64) -> Limit {
        Limit { w_max: rate / 1.5, curve_time: 1.0 }
    }

    fn new(rate: f64, w_max: f64) -> Limit {
        Limit { w_max, curve_time: (2.0 * (rate / w_max - 1.0)).cbrt().max(-1.0) }
    }
}

impl Pace {
    pub(super) fn new(now: Instant, random: fastrand::Rng) -> Pace {
        Pace {
            next: now,
            limit: None,
            throttled: None,
            window: RateWindow::default(),
            refused_at: None,
            waited_at: None,
            grown_at: now,
            random,
        }
    }

    /// Lets one request go, or says when to ask again. `ceiling`: requests a minute that its client asked for;
    /// `waited`: it has stood in the queue.
    pub(super) fn admit(&mut self, now: Instant, ceiling: Option<u32>, waited: bool) -> Result<(), Instant> {
        let ready = self.ready_at(now, ceiling);
        let spacing = self.spacing(ceiling);
        if now < ready {
            // It is the limit that keeps it waiting, not what its client asked for.
            if self.limit.is_some() && spacing == self.spacing(None) {
                self.waited_at = Some(now);
            }
            return Err(ready);
        }
        match &mut self.throttled {
            Some(throttled) => {
                throttled.alone = true;
                throttled.until = now + throttled.pause.max(ALONE);
            }
            None => self.window.now(now).admitted += 1,
        }
        if let Some(spacing) = spacing {
            let latest = if waited { now.checked_sub(LATEST).unwrap_or(now) } else { now };
            self.next = self.next.max(latest) + spacing;
        }
        Ok(())
    }

    /// From when on the next request may go.
    pub(super) fn ready_at(&mut self, now: Instant, ceiling: Option<u32>) -> Instant {
        self.forget(now);
        let next = if self.spacing(ceiling).is_some() { self.next } else { now };
        self.throttled.as_ref().map_or(next, |throttled| throttled.until.max(next))
    }

    /// The moment before which the service takes none, whatever becomes of those under way. The spacing that a client
    /// asked for is not the service's: its wait ends with the call's time limit.
    pub(super) fn earliest(&mut self, now: Instant) -> Option<Instant> {
        self.forget(now);
        // Once the one that goes alone is taken, the pause is over.
        self.throttled.as_ref().filter(|throttled| !throttled.alone).map(|throttled| throttled.until)
    }

    /// Nothing holds a request without a ceiling.
    pub(super) fn is_free(&mut self, now: Instant) -> bool {
        self.forget(now);
        self.limit.is_none() && self.throttled.is_none()
    }

    fn spacing(&self, ceiling: Option<u32>) -> Option<Duration> {
        let limit = self.limit.as_ref().map(|limit| limit.rate().recip());
        let asked = ceiling.map(|ceiling| MINUTE / f64::from(ceiling));
        limit.into_iter().chain(asked).reduce(f64::max).map(Duration::from_secs_f64)
    }

    /// The service refused a request because they come too fast.
    pub(super) fn throttled(&mut self, now: Instant, retry_after: Option<Duration>) {
        self.forget(now);
        let mut retry_after = retry_after.map(|time| time.min(LONGEST_RETRY_AFTER));
        self.refused_at = Some(now);
        let before = match &self.limit {
            None => Before::None,
            Some(limit) if self.tried_for(now).is_some() => Before::Tried(limit.rate()),
            Some(limit) => Before::Untried(limit.rate()),
        };
        let throttled = match &mut self.throttled {
            // It was under way before.
            Some(throttled) if !throttled.alone => {
                if let Some(time) = retry_after {
                    throttled.until = throttled.until.max(now + time);
                }
                return;
            }
            Some(throttled) => {
                // A Retry-After of 0 that is followed by another refusal isn't believed a second time.
                retry_after = retry_after.filter(|time| !time.is_zero());
                throttled.pause = (throttled.pause * 2).min(LONGEST_PAUSE);
                throttled.alone = false;
                throttled
            }
            none => none.insert(Throttled { before, pause: FIRST_PAUSE, until: now, alone: false }),
        };
        // Several processes with the same key must not come back in step.
        let pause = match retry_after {
            Some(time) => time.mul_f64(1.0 + 0.1 * self.random.f64()),
            None => throttled.pause.mul_f64(0.75 + 0.5 * self.random.f64()),
        };
        throttled.until = now + pause;
        let before = throttled.before;
        // Whole seconds may have been rounded up.
        let refused_for = retry_after.unwrap_or_default().saturating_sub(Duration::from_secs(1));
        self.slow_down(now + refused_for, before);
    }

    /// A request was taken. True: whoever is next needn't wait any longer for what became of the one that went alone.
    pub(super) fn succeeded(&mut self, now: Instant) -> bool {
        self.window.now(now).taken += 1;
        if self.throttled.as_ref().is_some_and(|throttled| throttled.alone) {
            self.throttled = None;
            self.window = RateWindow::default();
            // Nothing of the pause is made up for.
            self.next = self.next.max(now);
            self.grown_at = now;
            return true;
        }
        let tried_for = self.tried_for(now);
        if self.throttled.is_none()
            && let Some(limit) = &mut self.limit
        {
            if let Some(time) = tried_for {
                limit.curve_time +=
                    time.as_secs_f64() / if (0.0..1.0).contains(&limit.curve_time) { PROBING } else { RECOVERY };
            }
            self.grown_at = now;
        }
        false
    }

    /// For how long, since the limit last grew, somebody had to wait for it. A rate that nobody waits for isn't tried.
    fn tried_for(&self, now: Instant) -> Option<Duration> {
        let recent = Duration::from_secs_f64(f64::max(1.0, 2.0 / self.rate()?));
        let is_tried = now.saturating_duration_since(self.waited_at?) < recent;
        is_tried.then(|| now.saturating_duration_since(self.grown_at).min(recent))
    }

    /// Requests a second at present.
    pub(super) fn rate(&self) -> Option<f64> {
        self.limit.as_ref().map(Limit::rate)
    }

    /// As new: nothing is lost with it.
    pub(super) fn is_blank(&mut self, now: Instant) -> bool {
        self.is_free(now) && self.next <= now
    }

    fn forget(&mut self, now: Instant) {
        if self.refused_at.is_some_and(|at| now.saturating_duration_since(at) >= FORGOTTEN) {
            (self.refused_at, self.limit, self.throttled) = (None, None, None);
        }
    }

    /// From what went since the last trouble, knowing that the service refuses until a certain time.
    fn slow_down(&mut self, refused_until: Instant, before: Before) {
        let (refused, taken, is_known) = match (before, self.window.fastest(refused_until)) {
            // Nothing went since: this belongs to the trouble before.
            (_, None) => return,
            (Before::None, Some(window)) => (window.admitted, window.taken, window.are_many),
            (Before::Tried(rate), Some(window)) if window.is_enough => (window.admitted.min(rate), window.taken, true),
            (Before::Untried(rate), Some(window)) => (rate, rate, window.are_many),
            (Before::Tried(rate), _) => (rate, rate, true),
        };
        let half = (refused / 2.0).max(SLOWEST);
        self.limit = Some(match is_known {
            true => Limit::new(half, taken.clamp(half, half * 2.0)),
            false => Limit::unknown(half),
        });
    }
}

/// Requests since the last throttling, in the last minute, by second.
#[derive(Default)]
struct RateWindow(VecDeque<Second>);

struct Second {
    from: Instant,
    admitted: u32,
    taken: u32,
}

struct Window {
    /// Requests a second.
    admitted: f64,
    taken: f64,
    is_enough: bool,
    are_many: bool,
}

impl RateWindow {
    fn now(&mut self, now: Instant) -> &mut Second {
        let age = |second: &Second| now.saturating_duration_since(second.from);
        if self.0.back().is_none_or(|last| age(last) >= Duration::from_secs(1)) {
            let old = self.0.iter().take_while(|second| age(second) >= Duration::from_secs(60)).count();
            self.0.drain(..old);
            self.0.push_back(Second { from: now, admitted: 0, taken: 0 });
        }
        self.0.back_mut().expect("a second was just put there")
    }

    /// Over that stretch until `end` where most were admitted a second: of a second at least, and ten requests where
    /// there are as many. Of fewer, how often they came in the last minute says nothing, only how often when refused.
    fn fastest(&self, end: Instant) -> Option<Window> {
        let are_many = self.0.iter().map(|second| second.admitted).sum::<u32>() >= MANY;
        let (mut admitted, mut taken) = (0.0, 0.0);
        let mut fastest: Option<Window> = None;
        for second in self.0.iter().rev() {
            admitted += f64::from(second.admitted);
            taken += f64::from(second.taken);
            let time = end.saturating_duration_since(second.from).as_secs_f64();
            let is_enough = time >= 1.0;
            let window =
                Window { admitted: admitted / time.max(1.0), taken: taken / time.max(1.0), is_enough, are_many };
            if (admitted >= f64::from(MANY) || !are_many)
                && fastest.as_ref().is_none_or(|most| window.admitted > most.admitted)
            {
                fastest = Some(window);
            }
        }
        fastest.filter(|window| window.admitted > 0.0)
    }
}
