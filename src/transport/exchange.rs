//! One request and its response, driven in turns: file reads and callbacks run between the turns, outside the runtime,
//! on the caller's thread.

use super::attempt::{Attempt, Event};
use super::body::BodySent;
use super::cancel::Cancel;
use super::connect_error::advice_for;
use super::deadline::Deadline;
use super::error::{TransportError, plain};
use super::http_client::HttpClient;
use super::interrupt::InterruptCheck;
use super::reactor::{Reactor, WaitEnd};
use super::request::Request;
use super::response::{Head, HttpResponse};
use super::sync::now;
use crate::error::Status;
use bytes::{Bytes, BytesMut};
use std::future::Future as _;
use std::io;
use std::os::fd::AsRawFd as _;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// The message in a child process that returns from a callback.
pub const FORKED: &str = "this process was forked while the call ran, and the call is the parent's";

/// Data is handed out in pieces of so much, where so much is there.
const BATCH: usize = 256 * 1024;
/// Polling interval of a cancellation token whose event can't be trusted.
const LOOK: Duration = Duration::from_millis(20);

/// Limits of a wait: deadline, cancellation and idle timeout.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    pub deadline: Deadline,
    pub cancel: Option<&'a Cancel>,
    pub interrupt: Option<&'a InterruptCheck>,
    /// Idle timeout: longest time without sending or receiving a byte, while the caller waits.
    pub idle: Option<Duration>,
}

#[derive(Debug)]
pub enum Interruption {
    Cancelled,
    /// The host's function has forked, and this is the child.
    Forked,
    DeadlinePassed(Duration),
    Unwatchable(io::Error),
}

impl Interruption {
    /// The status and message of an interruption during `phase`.
    pub fn describe(&self, phase: &str) -> (Status, String) {
        match self {
            Interruption::Cancelled => (Status::Cancelled, format!("cancelled while {phase}")),
            Interruption::Forked => (Status::Cancelled, FORKED.into()),
            Interruption::DeadlinePassed(limit) => {
                (Status::Timeout, format!("the time limit of {} ms passed while {phase}", limit.as_millis()))
            }
            // Only a wrong call gives these.
            Interruption::Unwatchable(error) if matches!(error.raw_os_error(), Some(libc::EFAULT | libc::EINVAL)) => {
                (Status::Internal, format!("nothing can be waited for while {phase}: {}", plain(error)))
            }
            Interruption::Unwatchable(error) => {
                (Status::Connect, format!("{} while {phase}{}", plain(error), advice_for(error)))
            }
        }
    }

    /// The errno behind it; 0 if there is none.
    pub fn errno(&self) -> i32 {
        match self {
            Interruption::Unwatchable(error) => error.raw_os_error().unwrap_or_default(),
            _ => 0,
        }
    }
}

/// The result of a turn: what the caller has to do, or has received.
#[derive(Debug)]
pub enum Turn {
    /// Feed the next chunk of the request's body, then turn again.
    NeedData,
    Head(Head),
    HaveData(Bytes),
    /// The response was read to its end.
    Done,
}

pub struct Exchange<'a> {
    attempt: Attempt,
    http: HttpClient,
    limits: Limits<'a>,
    /// Handed over but not yet released to the connection; whether it is the last.
    fed: Option<(Bytes, bool)>,
    /// The turn after data that was handed out first.
    next: Option<Result<Turn, TransportError>>,
}

impl<'a> Exchange<'a> {
    pub fn new(http: HttpClient, request: Request, limits: Limits<'a>) -> Exchange<'a> {
        let attempt = Attempt::new(&http, request, limits.idle);
        Exchange { attempt, http, limits, fed: None, next: None }
    }

    /// The next chunk of a streamed body, after which there is more.
    pub fn feed(&mut self, chunk: Bytes) {
        self.fed = Some((chunk, false));
    }

    /// The last chunk of a streamed body.
    pub fn feed_last(&mut self, chunk: Bytes) {
        self.fed = Some((chunk, true));
    }

    pub fn body_sent(&self) -> BodySent {
        self.attempt.body_sent()
    }

    /// Drives until the caller is needed.
    pub fn turn(&mut self) -> Result<Turn, TransportError> {
        self.check()?;
        if let Some(turn) = self.next.take() {
            return turn;
        }
        let Exchange { http, attempt, limits, fed, next } = self;
        attempt.turn_begins();
        let turned = limits.drive(&http.reactor, |cx| {
            loop {
                match poll_turn(attempt, cx) {
                    // The socket was looked at before: a refusal that has arrived is seen before more is sent.
                    Poll::Pending => match fed.take() {
                        Some((chunk, is_last)) => attempt.body_sender.put(chunk, is_last),
                        None => return attempt.body_sender.poll_wants_data(cx).map(|()| Ok(Turn::NeedData)),
                    },
                    Poll::Ready(Ok(Turn::HaveData(data))) => {
                        return Poll::Ready(Ok(Turn::HaveData(with_more(data, attempt, next, cx))));
                    }
                    ready => return ready,
                }
            }
        });
        turned.unwrap_or_else(|why| Err(interrupted(&why, &mut self.attempt)))
    }

    /// The whole response that a head was the start of, within `longest` bytes.
    pub fn rest(&mut self, head: Head, longest: usize) -> Result<HttpResponse, TransportError> {
        self.attempt.begin_with(head);
        loop {
            self.check()?;
            let Exchange { http, attempt, limits, .. } = self;
            let turned = limits.drive(&http.reactor, |cx| attempt.poll_more(longest, cx));
            if let Some(response) = turned.unwrap_or_else(|why| Err(interrupted(&why, &mut self.attempt)))? {
                return Ok(response);
            }
        }
    }

    /// Waits a little for a response while the connection waits for data; `None` when there is none yet.
    pub fn turn_within(&mut self, grace: Duration) -> Result<Option<Turn>, TransportError> {
        self.check()?;
        let Exchange { http, attempt, limits, .. } = self;
        let mut over = pin!(http.reactor.sleep(grace));
        let turned = limits.drive(&http.reactor, |cx| match poll_turn(attempt, cx) {
            Poll::Ready(turn) => Poll::Ready(turn.map(Some)),
            Poll::Pending => over.as_mut().poll(cx).map(|()| Ok(None)),
        });
        turned.unwrap_or_else(|why| Err(interrupted(&why, &mut self.attempt)))
    }

    /// Checks process, cancellation and deadline: before it is driven on, and after the last callback.
    pub fn check(&mut self) -> Result<(), TransportError> {
        self.check_process()?;
        self.limits.check().map_err(|why| interrupted(&why, &mut self.attempt))
    }

    /// In a child that comes back from a callback there is no exchange.
    pub fn check_process(&self) -> Result<(), TransportError> {
        let forked = self.http.is_forked_child();
        if forked { Err(TransportError::new(Status::Cancelled, BodySent::None, FORKED)) } else { Ok(()) }
    }
}

impl Limits<'_> {
    /// Checks cancellation and deadline without waiting.
    pub fn check(&self) -> Result<(), Interruption> {
        self.check_cancel()?;
        self.deadline.has_passed().map_or(Ok(()), |limit| Err(Interruption::DeadlinePassed(limit)))
    }

    /// Checks the token, and asks the host if that is due: says whether it was asked.
    fn check_cancel(&self) -> Result<bool, Interruption> {
        let was_asked = self.interrupt.is_some_and(InterruptCheck::ask_if_due);
        if was_asked && self.interrupt.is_some_and(InterruptCheck::is_forked_child) {
            return Err(Interruption::Forked);
        }
        let has_ended = self.interrupt.is_some_and(InterruptCheck::has_ended);
        match has_ended || self.cancel.is_some_and(Cancel::is_triggered) {
            true => Err(Interruption::Cancelled),
            false => Ok(was_asked),
        }
    }

    /// Drives until `wanted` is ready, in this order: cancel, what is wanted, deadline.
    pub fn drive<T>(
        &self,
        reactor: &Reactor,
        mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, Interruption> {
        let mut event = self.cancel.map(Cancel::as_raw_fd);
        loop {
            if self.check_cancel()? {
                // The host took its time: bytes that came meanwhile end a silence.
                reactor.wait(None, Some(now())).map_err(Interruption::Unwatchable)?;
            }
            if let Poll::Ready(it) = reactor.poll(&mut wanted) {
                return Ok(it);
            }
            if let Some(limit) = self.deadline.has_passed() {
                return Err(Interruption::DeadlinePassed(limit));
            }
            if reactor.is_woken() {
                continue;
            }
            // An event that stays readable without the flag is another process's: the flag is looked at instead.
            let look = self.cancel.filter(|_| event.is_none()).map(|_| now() + LOOK);
            let due = self.interrupt.map(InterruptCheck::due);
            let until = [self.deadline.at(), look, due].into_iter().flatten().min();
            match reactor.wait(event, until).map_err(Interruption::Unwatchable)? {
                WaitEnd::Auxiliary if !self.cancel.is_some_and(Cancel::is_triggered) => event = None,
                WaitEnd::Signal => self.interrupt.into_iter().for_each(InterruptCheck::signalled),
                WaitEnd::Auxiliary | WaitEnd::Other => {}
            }
        }
    }
}

fn poll_turn(attempt: &mut Attempt, cx: &mut Context<'_>) -> Poll<Result<Turn, TransportError>> {
    attempt.poll(cx).map_ok(|event| match event {
        Event::Head(head) => Turn::Head(head),
        Event::Data(data) => Turn::HaveData(data),
        Event::End => Turn::Done,
    })
}

/// Data and what follows it at once: a turn, a write and a callback cost more than a copy. What comes after it is the next
/// turn's.
fn with_more(
    data: Bytes,
    attempt: &mut Attempt,
    next: &mut Option<Result<Turn, TransportError>>,
    cx: &mut Context<'_>,
) -> Bytes {
    if data.len() >= BATCH {
        return data;
    }
    let mut gathered = BytesMut::with_capacity(BATCH + data.len());
    gathered.extend_from_slice(&data);
    drop(data);
    while gathered.len() < BATCH && next.is_none() {
        match poll_turn(attempt, cx) {
            Poll::Ready(Ok(Turn::HaveData(data))) => gathered.extend_from_slice(&data),
            Poll::Ready(turn) => *next = Some(turn),
            Poll::Pending => break,
        }
    }
    gathered.freeze()
}

/// An interruption of an attempt, and what it came in the middle of.
pub fn interrupted(why: &Interruption, attempt: &mut Attempt) -> TransportError {
    let (status, text) = why.describe(&attempt.phase());
    TransportError { errno: why.errno(), ..attempt.interrupted(status, text).permanent() }
}
