//! Many requests at once on one driver, all driven by the calling thread: it adds some, then takes what settles.

use super::attempt::{Answer, Attempt, Failure, Request};
use super::engine::Lease;
use super::exchange::{Limits, interrupted, lent};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The number that the caller gave, and what became of the request.
pub type Settled = (usize, Result<Answer, Failure>);

struct Running {
    number: usize,
    attempt: Attempt,
    longest: usize,
}

impl Future for Running {
    type Output = Settled;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Settled> {
        let (number, longest) = (self.number, self.longest);
        self.attempt.poll_answer(longest, cx).map(|answer| (number, answer))
    }
}

pub struct Batch<'a> {
    running: FuturesUnordered<Running>,
    /// `None` once it was given back.
    lease: Option<Lease>,
    limits: Limits<'a>,
}

impl<'a> Batch<'a> {
    pub fn new(lease: Lease, limits: Limits<'a>) -> Batch<'a> {
        Batch { running: FuturesUnordered::new(), lease: Some(lease), limits }
    }

    /// Starts a request under a number of the caller's; its answer must come within `longest` bytes.
    pub fn add(&mut self, number: usize, request: Request, longest: usize) {
        let attempt = Attempt::new(lent(&self.lease).wire(), request, self.limits.idle);
        self.running.push(Running { number, attempt, longest });
    }

    /// Requests under way.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Drives until at least one request has settled, and returns all that have. A cancel or a deadline settles every
    /// one of them; with none under way there is nothing to wait for.
    pub fn turn(&mut self) -> Result<Vec<Settled>, Failure> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let Batch { lease, limits, running } = self;
        let turned = match limits.check() {
            Err(why) => Err(why),
            Ok(()) => lent(lease).block_on(limits.within(|cx| {
                let mut settled = Vec::new();
                while let Poll::Ready(Some(one)) = running.poll_next_unpin(cx) {
                    settled.push(one);
                }
                if settled.is_empty() { Poll::Pending } else { Poll::Ready(settled) }
            }))?,
        };
        match turned {
            Ok(settled) => Ok(settled),
            Err(why) => {
                let abandoned = std::mem::take(running).into_iter();
                let settle = |mut one: Running| (one.number, Err(interrupted(&why, &mut one.attempt)));
                // Within the runtime, as in `Lease::end_with`.
                lent(lease).block_on(async { abandoned.map(settle).collect() })
            }
        }
    }

    /// Once nothing is under way: lets later calls use the connections.
    pub fn give_back(mut self) {
        if self.is_empty() {
            self.lease.take().into_iter().for_each(Lease::give_back);
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end_with(std::mem::take(&mut self.running));
        }
    }
}
