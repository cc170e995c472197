//! The rate limiter: one a key and host, shared by all threads and clients of the process. Every request takes its turn
//! here, first come, first served; [`pace`] decides how fast.
//!
//! Those who wait stand in a queue. Nobody works for them: the first one waits for the clock, in its own call, and
//! wakes the next one when it goes. A thread may be in a callback meanwhile, so
//! whoever doesn't come when it could go is passed over, and keeps its place.

mod limiters;
mod pace;
#[cfg(all(test, shuttle))]
mod schedules;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod width;

pub use limiters::{Account, Limiters};

use super::deadline::Deadline;
use super::reactor::{Reactor, RemoteWake, Sleep};
use super::sync::{Mutex, MutexGuard, now};
use crate::error::{Error, Status};
use pace::Pace;
use std::collections::VecDeque;
use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::mem;
use std::pin::Pin;
use std::process;
use std::rc::Rc;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use width::Width;

/// How long the one whose turn it is may take to come.
const PATIENCE: Duration = Duration::from_millis(100);

pub struct Limiter(Mutex<Inner>);

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Limiter({:?})", self.rate())
    }
}

struct Inner {
    pace: Pace,
    width: Width,
    queue: VecDeque<Waiter>,
    last_ticket: u64,
    /// Since when the one whose turn is next could know.
    called_at: Instant,
}

struct Waiter {
    /// Ever larger from front to back.
    ticket: u64,
    ceiling: Option<u32>,
    waker: Waker,
    /// It didn't come when it was its turn.
    is_away: bool,
}

impl Default for Limiter {
    fn default() -> Limiter {
        Limiter::new()
    }
}

impl Limiter {
    pub fn new() -> Limiter {
        // A child must not draw what its parent draws, nor what its siblings do.
        let random = fastrand::Rng::with_seed(RandomState::new().hash_one(process::id()));
        Limiter::drawing_from(random)
    }

    fn drawing_from(random: fastrand::Rng) -> Limiter {
        Limiter(Mutex::new(Inner {
            pace: Pace::new(now(), random),
            width: Width::default(),
            queue: VecDeque::new(),
            last_ticket: 0,
            called_at: now(),
        }))
    }

    /// Waits for a turn; dropping the future gives it up. `ceiling`: requests a minute that its client asked for. Fails,
    /// as soon as that is known, where no turn can come before the deadline: with the shortest time until one.
    pub async fn acquire(
        self: &Arc<Self>,
        ceiling: Option<u32>,
        reactor: &Rc<Reactor>,
        deadline: Deadline,
    ) -> Result<(), Duration> {
        if self.try_acquire(ceiling) {
            return Ok(());
        }
        let (ticket, wake) = (self.queue_up(ceiling), reactor.expect_wake());
        Turn { limiter: self, reactor, _wake: wake, ticket, deadline: deadline.at(), timer: None, came: false }.await
    }

    /// Takes a turn if that needs no waiting.
    pub fn try_acquire(self: &Arc<Self>, ceiling: Option<u32>) -> bool {
        let mut inner = self.inner();
        let nobody_waits = inner.queue.is_empty() || ceiling.is_none() && inner.pace.is_free(now());
        nobody_waits && inner.pace.admit(now(), ceiling, false).is_ok()
    }

    /// Records the result of a request.
    pub fn record(&self, outcome: Result<(), &Error>) {
        match outcome {
            // Nobody has answered: that says nothing of the rate.
            Err(error) if error.http_status == 0 => {}
            Err(error) if error.status == Status::RateLimited => self.throttled(error.retry_after),
            _ => self.succeeded(),
        }
    }

    /// The service refused a request because they come too fast, with its Retry-After if it sent one: all pause, then go
    /// slower.
    pub fn throttled(&self, retry_after: Option<Duration>) {
        // Those who wait find out when they come.
        let mut inner = self.inner();
        inner.width.refused();
        inner.pace.throttled(now(), retry_after);
    }

    /// A request was answered, and wasn't refused for coming too fast: the rate may grow.
    pub fn succeeded(&self) {
        let mut inner = self.inner();
        let next = if inner.pace.succeeded(now()) { inner.call_next() } else { None };
        drop(inner);
        next.into_iter().for_each(Waker::wake);
    }

    /// Requests a minute that the service was found to allow; `None`: no limit was met.
    pub fn rate(&self) -> Option<f64> {
        self.inner().pace.rate().map(|rate| rate * 60.0)
    }

    /// How many requests of one call may be under way at once to begin with.
    pub fn width(&self) -> usize {
        self.inner().width.now(now())
    }

    /// A request was taken, of so many of its call that were under way at once.
    pub fn on_success(&self, under_way: usize) {
        self.inner().width.on_success(now(), under_way);
    }

    fn is_blank(&self) -> bool {
        let (mut inner, now) = (self.inner(), now());
        inner.pace.is_blank(now) && inner.width.now(now) == width::NARROWEST
    }

    fn queue_up(&self, ceiling: Option<u32>) -> u64 {
        let mut inner = self.inner();
        inner.last_ticket += 1;
        let ticket = inner.last_ticket;
        inner.queue.push_back(Waiter { ticket, ceiling, waker: Waker::noop().clone(), is_away: false });
        ticket
    }

    /// A panic elsewhere leaves nothing half done in it.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn position_of(&self, ticket: u64) -> Option<usize> {
        self.queue.binary_search_by_key(&ticket, |waiter| waiter.ticket).ok()
    }

    /// The place of the one whose turn is next.
    fn next(&self) -> usize {
        self.queue.iter().position(|waiter| !waiter.is_away).unwrap_or(0)
    }

    /// The waker of the next waiter, which is to check the clock.
    fn call_next(&mut self) -> Option<Waker> {
        self.called_at = now();
        self.queue.get(self.next()).map(|waiter| waiter.waker.clone())
    }

    /// The one of this ticket asks whether it may go: it leaves the queue and gets the next one's waker, or learns when
    /// to ask again.
    fn ask(&mut self, ticket: u64) -> Result<Option<Waker>, Instant> {
        let now = now();
        let place = self.position_of(ticket).expect("who waits stands in the queue");
        self.queue[place].is_away = false;
        let next = self.next();
        if next < place {
            let could_go = self.pace.ready_at(now, self.queue[next].ceiling).max(self.called_at);
            if now < could_go + PATIENCE {
                return Err(could_go + PATIENCE);
            }
            self.queue.range_mut(..place).for_each(|waiter| waiter.is_away = true);
        }
        self.pace.admit(now, self.queue[place].ceiling, true)?;
        Ok(self.leave(place))
    }

    /// The moment before which the service takes none, if there is one.
    fn earliest(&mut self, ticket: u64) -> Option<Instant> {
        self.position_of(ticket).and_then(|_| self.pace.earliest(now()))
    }

    /// Takes one out of the queue; the next one's waker, if that was waiting for it.
    fn leave(&mut self, place: usize) -> Option<Waker> {
        let was_next = self.next() == place;
        self.queue.remove(place);
        if was_next { self.call_next() } else { None }
    }
}

/// A place in the queue.
struct Turn<'a> {
    limiter: &'a Limiter,
    reactor: &'a Rc<Reactor>,
    _wake: RemoteWake,
    ticket: u64,
    deadline: Option<Instant>,
    /// Made when there is something to wait for.
    timer: Option<Sleep>,
    came: bool,
}

impl Future for Turn<'_> {
    type Output = Result<(), Duration>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Duration>> {
        loop {
            let mut inner = self.limiter.inner();
            // The waker is dropped without the lock.
            let place = inner.position_of(self.ticket).expect("who waits stands in the queue");
            let old = mem::replace(&mut inner.queue[place].waker, cx.waker().clone());
            let asked = inner.ask(self.ticket);
            let earliest = self.deadline.filter(|_| asked.is_err()).and_then(|_| inner.earliest(self.ticket));
            drop(inner);
            drop(old);
            let until = match asked {
                Ok(next) => {
                    self.came = true;
                    next.into_iter().for_each(Waker::wake);
                    return Poll::Ready(Ok(()));
                }
                Err(until) => until,
            };
            if let (Some(earliest), Some(deadline)) = (earliest, self.deadline)
                && deadline < earliest
            {
                return Poll::Ready(Err(earliest.saturating_duration_since(now())));
            }
            if self.timer.as_ref().is_none_or(|timer| timer.at() != until) {
                self.timer = Some(self.reactor.sleep_until(until));
            }
            let timer = self.timer.as_mut().expect("it was set");
            if Pin::new(timer).poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.came {
            return;
        }
        let mut inner = self.limiter.inner();
        let next = inner.position_of(self.ticket).and_then(|place| inner.leave(place));
        drop(inner);
        next.into_iter().for_each(Waker::wake);
    }
}
