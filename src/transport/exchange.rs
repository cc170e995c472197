//! One request and its answer, driven in turns: file reads and callbacks run between the turns, outside the runtime,
//! on the caller's thread.

use super::attempt::{Answer, Attempt, Event, Failure, Head, Request};
use super::body::Reach;
use super::cancel::Cancel;
use super::deadline::Deadline;
use super::engine::Lease;
use crate::error::Status;
use bytes::{Bytes, BytesMut};
use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a child is told that comes back from a callback.
pub const FORKED: &str = "this process was forked while the call ran, and the call is the parent's";

/// Data is handed out in pieces of so much, where so much is there.
const BATCH: usize = 256 * 1024;

/// What ends a wait besides the event waited for.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    pub deadline: Deadline,
    pub cancel: Option<&'a Cancel>,
    /// The longest time without a byte, while the caller waits.
    pub idle: Option<Duration>,
}

#[derive(Debug)]
pub enum Interruption {
    Cancelled,
    DeadlinePassed(Duration),
    Unwatchable(io::Error),
}

impl Interruption {
    /// What it was, and what it came in the middle of.
    pub fn in_words(&self, phase: &str) -> (Status, String) {
        match self {
            Interruption::Cancelled => (Status::Cancelled, format!("cancelled while {phase}")),
            Interruption::DeadlinePassed(limit) => {
                (Status::Timeout, format!("the time limit of {} ms passed while {phase}", limit.as_millis()))
            }
            Interruption::Unwatchable(error) => {
                (Status::Internal, format!("the cancel token can't be watched: {error}"))
            }
        }
    }
}

/// What the caller has to do, or has got.
#[derive(Debug)]
pub enum Turn {
    /// Feed the next chunk of the request's body, then turn again.
    NeedData,
    Head(Head),
    HaveData(Bytes),
    /// The answer was read to its end: give the exchange back.
    Done,
}

pub struct Exchange<'a> {
    attempt: Attempt,
    /// `None` once it was given back.
    lease: Option<Lease>,
    limits: Limits<'a>,
    /// Handed over but not yet released to the connection.
    fed: Option<Option<Bytes>>,
    /// What came after data that was handed out first.
    next: Option<Result<Turn, Failure>>,
}

impl<'a> Exchange<'a> {
    pub fn new(lease: Lease, request: Request, limits: Limits<'a>) -> Exchange<'a> {
        let attempt = Attempt::new(lease.wire(), request, limits.idle);
        Exchange { attempt, lease: Some(lease), limits, fed: None, next: None }
    }

    /// The next chunk of a streamed body; `None` is its end.
    pub fn feed(&mut self, chunk: Option<Bytes>) {
        self.fed = Some(chunk);
    }

    pub fn reach(&self) -> Reach {
        self.attempt.slot.reach()
    }

    /// Drives until the caller is needed.
    pub fn turn(&mut self) -> Result<Turn, Failure> {
        self.check()?;
        if let Some(turn) = self.next.take() {
            return turn;
        }
        let Exchange { lease, attempt, limits, fed, next } = self;
        attempt.turn_begins();
        let turned = lent(lease).block_on(async {
            let turn = limits.within(|cx| {
                // Released only after the sockets were looked at: a refusal that has arrived is seen before more is sent.
                if let Some(chunk) = fed.take() {
                    attempt.slot.put(chunk);
                }
                match poll_turn(attempt, cx) {
                    Poll::Pending => attempt.slot.poll_hungry(cx).map(|()| Ok(Turn::NeedData)),
                    ready => ready,
                }
            });
            match turn.await {
                Ok(Ok(Turn::HaveData(data))) => Ok(Ok(Turn::HaveData(with_more(data, attempt, next).await))),
                turn => turn,
            }
        })?;
        turned.unwrap_or_else(|why| Err(interrupted(&why, &mut self.attempt)))
    }

    /// The whole answer that a head was the start of, within `longest` bytes. Give the exchange back if that is all.
    pub fn rest(&mut self, head: Head, longest: usize) -> Result<Answer, Failure> {
        self.attempt.begin_with(head);
        loop {
            self.check()?;
            let Exchange { lease, attempt, limits, .. } = self;
            let turned = lent(lease).block_on(limits.within(|cx| attempt.poll_more(longest, cx)))?;
            if let Some(answer) = turned.unwrap_or_else(|why| Err(interrupted(&why, &mut self.attempt)))? {
                return Ok(answer);
            }
        }
    }

    /// Waits a little for an answer while the connection waits for data; `None` when there is none yet.
    pub fn turn_within(&mut self, grace: Duration) -> Result<Option<Turn>, Failure> {
        self.check()?;
        let Exchange { lease, attempt, limits, .. } = self;
        let turned = lent(lease).block_on(async {
            let mut over = pin!(tokio::time::sleep(grace));
            let wanted = limits.within(|cx| match poll_turn(attempt, cx) {
                Poll::Ready(turn) => Poll::Ready(turn.map(Some)),
                Poll::Pending => over.as_mut().poll(cx).map(|()| Ok(None)),
            });
            wanted.await
        })?;
        turned.unwrap_or_else(|why| Err(interrupted(&why, &mut self.attempt)))
    }

    /// What ends an exchange before it is driven on, or after the last callback.
    pub fn check(&mut self) -> Result<(), Failure> {
        self.check_process()?;
        self.limits.check().map_err(|why| interrupted(&why, &mut self.attempt))
    }

    /// In a child that comes back from a callback there is no exchange.
    pub fn check_process(&self) -> Result<(), Failure> {
        let forked = self.lease().is_of_a_parent();
        if forked { Err(Failure::new(Status::Cancelled, Reach::Nothing, FORKED)) } else { Ok(()) }
    }

    /// After [`Turn::Done`]: lets the next call use the connection. Without it, dropping closes it at once.
    pub fn give_back(mut self) {
        self.lease.take().into_iter().for_each(Lease::give_back);
    }

    fn lease(&self) -> &Lease {
        lent(&self.lease)
    }
}

/// The lease of something that has not given it back.
pub(super) fn lent(lease: &Option<Lease>) -> &Lease {
    lease.as_ref().expect("a lease lasts until it is given back")
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end_with(self.attempt.take());
        }
    }
}

impl Limits<'_> {
    /// What can be told without waiting.
    pub fn check(&self) -> Result<(), Interruption> {
        if self.cancel.is_some_and(Cancel::is_triggered) {
            return Err(Interruption::Cancelled);
        }
        self.deadline.has_passed().map_or(Ok(()), |limit| Err(Interruption::DeadlinePassed(limit)))
    }

    /// Waits on a driver for `wanted`, in this order: cancel, what is wanted, deadline.
    pub async fn within<T>(&self, mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Result<T, Interruption> {
        // The sockets are looked at before anything is sent: of a connection that the server has closed in the
        // meantime, the end is seen in time and a new one made.
        tokio::task::yield_now().await;
        let mut cancelled = pin!(async {
            match self.cancel {
                Some(cancel) => cancel.triggered().await,
                None => pending().await,
            }
        });
        let mut deadline_passed = pin!(self.deadline.passed());
        poll_fn(|cx| {
            match cancelled.as_mut().poll(cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Err(Interruption::Cancelled)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Interruption::Unwatchable(error))),
                Poll::Pending => {}
            }
            if let Poll::Ready(it) = wanted(cx) {
                return Poll::Ready(Ok(it));
            }
            deadline_passed.as_mut().poll(cx).map(|limit| Err(Interruption::DeadlinePassed(limit)))
        })
        .await
    }
}

fn poll_turn(attempt: &mut Attempt, cx: &mut Context<'_>) -> Poll<Result<Turn, Failure>> {
    attempt.poll(cx).map_ok(|event| match event {
        Event::Head(head) => Turn::Head(head),
        Event::Data(data) => Turn::HaveData(data),
        Event::End => Turn::Done,
    })
}

/// Data and what follows it at once: a turn, a write and a callback cost more than a copy. What comes after it is the next
/// turn's.
async fn with_more(data: Bytes, attempt: &mut Attempt, next: &mut Option<Result<Turn, Failure>>) -> Bytes {
    if data.len() >= BATCH {
        return data;
    }
    let mut gathered = BytesMut::with_capacity(BATCH + data.len());
    gathered.extend_from_slice(&data);
    drop(data);
    let mut has_waited = false;
    while gathered.len() < BATCH && next.is_none() {
        match poll_fn(|cx| Poll::Ready(poll_turn(attempt, cx))).await {
            Poll::Ready(Ok(Turn::HaveData(data))) => {
                gathered.extend_from_slice(&data);
                has_waited = false;
            }
            Poll::Ready(turn) => *next = Some(turn),
            Poll::Pending if has_waited => break,
            Poll::Pending => {
                // The connection has its turn.
                tokio::task::yield_now().await;
                has_waited = true;
            }
        }
    }
    gathered.freeze()
}

/// An interruption of an attempt, and what it came in the middle of.
pub fn interrupted(why: &Interruption, attempt: &mut Attempt) -> Failure {
    let (status, text) = why.in_words(&attempt.phase());
    attempt.interrupted(status, text).permanent()
}
