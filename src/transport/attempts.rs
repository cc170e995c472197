//! One call over all its attempts: each waits for its turn at the rate limiter, is sent and read, and may be followed by
//! another. It is a future that the calling thread drives, so that many can run on one thread.

use super::attempt::Attempt;
use super::body::BodySent;
use super::call_policy::CallPolicy;
use super::call_state::{self, CallState, PAUSE};
use super::cancel::Cancel;
use super::client::{Call, CallError, CallResponse, Client};
use super::deadline::Deadline;
use super::error::TransportError;
use super::events::{self, ResponseSummary};
use super::exchange::{Interruption, Limits, interrupted};
use super::http_client::HttpClient;
use super::interrupt::InterruptCheck;
use super::log::Log;
use super::reactor;
use super::response::HttpResponse;
use super::retry::NoRetryReason;
use crate::error::Error;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

pub struct Attempts<'c> {
    client: &'c Client,
    http: HttpClient,
    policy: CallPolicy<'c>,
    call_state: CallState,
    deadline: Deadline,
    /// Waits for the rate limiter count towards it.
    whole_deadline: Deadline,
    cancel: Option<&'c Cancel>,
    interrupt: Option<&'c InterruptCheck>,
    /// The deadline is this call's own among others: who drives doesn't know of it.
    is_own_deadline: bool,
    /// It sends auxiliary requests of a call, which are not counted.
    is_auxiliary: bool,
}

impl<'c> Attempts<'c> {
    pub fn new(
        client: &'c Client,
        http: &HttpClient,
        policy: CallPolicy<'c>,
        call_state: CallState,
        limits: Limits<'c>,
    ) -> Attempts<'c> {
        let (http, is_own_deadline, is_auxiliary) = (http.clone(), false, false);
        let Limits { deadline, cancel, interrupt, .. } = limits;
        let whole_deadline = deadline;
        Attempts {
            client,
            http,
            policy,
            call_state,
            deadline,
            whole_deadline,
            cancel,
            interrupt,
            is_own_deadline,
            is_auxiliary,
        }
    }

    /// Checks whether the call is over, while a long response is read.
    pub fn check(&self) -> Result<(), Interruption> {
        Limits { deadline: self.deadline, cancel: self.cancel, interrupt: self.interrupt, idle: None }.check()
    }

    /// Holds the deadline itself, as one call among others: who drives them all doesn't know of it.
    pub fn with_own_deadline(self, limit: Option<Duration>) -> Attempts<'c> {
        Attempts { deadline: Deadline::after(limit), is_own_deadline: true, ..self }
    }

    /// Waits for the rate limiter, sends one request and reads its response.
    pub async fn send(&mut self, call: &Call) -> Result<CallResponse, CallError> {
        if let Err(wait) = self.wait_for_turn().await {
            return Err(self.no_turn(call, wait));
        }
        self.policy.begin_attempt(call);
        let number = self.policy.made();
        // A silence that would outlast the deadline needs no clock of its own.
        let idle = self.client.idle_timeout().filter(|idle| self.deadline.left().is_none_or(|left| *idle < left));
        {
            let mut state = self.call_state.state();
            state.made += u32::from(!self.is_auxiliary);
            state.ambiguous_from = call.effect.ambiguous_from();
            state.attempt = Some(Attempt::new(&self.http, self.client.request(call), idle));
        }
        let read = self.read(call.max_response_len);
        let read = match self.is_own_deadline {
            true => {
                let mut passed = pin!(self.deadline.passed(&self.http.reactor));
                let mut read = pin!(read);
                poll_fn(|cx| match read.as_mut().poll(cx) {
                    Poll::Ready(read) => Poll::Ready(Ok(read)),
                    Poll::Pending => passed.as_mut().poll(cx).map(|limit| Err(Interruption::DeadlinePassed(limit))),
                })
                .await
            }
            false => Ok(read.await),
        };
        let mut state = self.call_state.state();
        let mut attempt = state.attempt.take();
        let read = read.unwrap_or_else(|why| {
            let attempt = attempt.as_mut().expect("an attempt is under way until it is taken");
            Err(interrupted(&why, attempt))
        });
        if let Ok(response) = &read {
            events::connection(&self.policy.log, number, !response.head.is_reused);
        }
        let attempts = state.made;
        drop(state);
        drop(attempt);
        match read {
            Ok(response) => Ok(CallResponse { response, attempts, body_sent: BodySent::All }),
            Err(failure) => Err(self.client.error(call, failure, attempts)),
        }
    }

    async fn read(&self, longest: usize) -> Result<HttpResponse, TransportError> {
        poll_fn(|cx| {
            let mut state = self.call_state.state();
            let attempt = state.attempt.as_mut().expect("an attempt is under way until it is taken");
            attempt.poll_response(longest, cx)
        })
        .await
    }

    async fn wait_for_turn(&mut self) -> Result<(), Duration> {
        let ceiling = self.client.requests_per_minute();
        if self.policy.limiter.try_acquire(ceiling) {
            return Ok(());
        }
        let began = Instant::now();
        self.call_state.state().waiting = "waiting for the rate limiter";
        self.policy.limiter.acquire(ceiling, &self.http.reactor, self.whole_deadline).await?;
        let waited = began.elapsed();
        if self.is_own_deadline {
            self.deadline = self.deadline.later_by(waited);
        }
        events::waited(&self.policy.log, waited);
        Ok(())
    }

    fn no_turn(&self, call: &Call, wait: Duration) -> CallError {
        let mut state = self.call_state.state();
        let failure = TransportError::no_turn(wait, self.whole_deadline);
        match state.last.take() {
            Some(last) if !self.is_auxiliary => {
                let error = call_state::after(last, failure.status, failure.text, state.made);
                Error { retry_after: failure.retry_after, ..error }.into()
            }
            _ => self.client.error(call, failure, state.made),
        }
    }

    /// Records the result of an attempt.
    pub fn record(&mut self, outcome: Result<ResponseSummary<'_>, &Error>) {
        self.policy.record(outcome);
        if let Err(error) = outcome {
            self.call_state.state().last = Some(error.clone());
        }
    }

    /// Waits until the call may go again, or gives the error back, which says why it may not.
    pub async fn again(&mut self, error: Error) -> Result<(), Error> {
        match self.next(&error) {
            Ok(wait) => {
                self.pause(wait, &error).await;
                Ok(())
            }
            Err(why) => Err(self.given_up(error, why)),
        }
    }

    /// Whether the call may send more than one request.
    pub fn may_repeat(&self) -> bool {
        self.policy.may_repeat()
    }

    pub fn given_up(&self, error: Error, why: NoRetryReason) -> Error {
        self.policy.given_up(error, why)
    }

    /// The wait before another attempt, for a caller that decides on more than the error.
    pub fn next(&mut self, error: &Error) -> Result<Duration, NoRetryReason> {
        self.policy.next(error, self.deadline.left())
    }

    pub async fn pause(&mut self, wait: Duration, after: &Error) {
        self.call_state.state().waiting = PAUSE;
        events::retry(&self.policy.log, self.policy.made(), wait, after);
        reactor::yield_now().await;
        self.http.reactor.sleep(wait).await;
    }

    /// Requests of another kind that belong to this call: under its deadline, in its log, not counted as its attempts.
    pub fn auxiliary(&self) -> Attempts<'c> {
        Attempts {
            http: self.http.clone(),
            call_state: self.call_state.clone(),
            policy: self.policy.renewed(self.client.retry(None)).with_info(self.policy.info(), true),
            is_auxiliary: true,
            ..*self
        }
    }

    /// Another request of this call, with retries of its own: at most `most`, or as the client has it.
    pub fn renewed(&self, most: Option<u32>) -> Attempts<'c> {
        Attempts {
            http: self.http.clone(),
            call_state: self.call_state.clone(),
            policy: self.policy.renewed(self.client.retry(most)).with_info(self.policy.info(), self.is_auxiliary),
            ..*self
        }
    }

    /// Waits, which `phase` describes.
    pub async fn wait(&self, time: Duration, phase: &'static str) {
        self.call_state.state().waiting = phase;
        reactor::yield_now().await;
        self.http.reactor.sleep(time).await;
    }

    /// Whether an earlier attempt may have been carried out.
    pub fn ambiguous(&self) -> bool {
        self.call_state.state().ambiguous
    }

    pub fn set_ambiguous(&mut self, ambiguous: bool) {
        self.call_state.state().ambiguous = ambiguous;
    }

    pub fn made(&self) -> u32 {
        self.call_state.state().made
    }

    pub fn client(&self) -> &'c Client {
        self.client
    }

    /// For events of the call's own.
    pub fn log(&self) -> &Log {
        &self.policy.log
    }
}
