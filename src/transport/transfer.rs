//! A call that moves a file's bytes, over all its attempts: each is driven in turns, for callbacks run in between.

use super::attempt::{Request, TransportError};
use super::call_state;
use super::client::{Call, CallError, CallOptions, Client};
use super::events::{self, ResponseSummary};
use super::exchange::{Exchange, FORKED, Limits};
use super::http_client::HttpClient;
use super::log::Log;
use super::process::Process;
use super::progress::Progress;
use super::rate::Limiter;
use super::retry::Retry;
use super::wait;
use crate::error::{Error, Status};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct Transfer<'a> {
    pub client: &'a Client,
    pub call: Call,
    pub limits: Limits<'a>,
    pub progress: Progress<'a>,
    pub http: HttpClient,
    limiter: Arc<Limiter>,
    retry: Retry<'a>,
    log: Log,
    began: Instant,
    sent: Instant,
    /// It did: the limiter let it go.
    is_sent: bool,
    process: Process,
}

impl<'a> Transfer<'a> {
    pub fn new(client: &'a Client, call: Call, limits: Limits<'a>, options: &CallOptions<'a>) -> Transfer<'a> {
        Transfer {
            client,
            limits,
            progress: Progress::new(options.progress),
            http: client.http(),
            limiter: client.shares().limiter().clone(),
            retry: client.retry(options.max_attempts),
            log: Log::new(client.logger(), call.name, client.key()),
            call,
            began: Instant::now(),
            sent: Instant::now(),
            is_sent: false,
            process: Process::current(),
        }
    }

    pub fn attempts(&self) -> u32 {
        self.retry.made()
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Since the call began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Waits for the rate limiter and starts an attempt.
    pub fn begin(&mut self, request: Request) -> Result<Exchange<'a>, TransportError> {
        self.is_sent = false;
        self.wait_for_turn()?;
        self.count();
        Ok(self.exchange(request))
    }

    /// Starts an attempt at another place than the API, which has limits of its own.
    pub fn begin_elsewhere(&mut self, request: Request) -> Exchange<'a> {
        self.count();
        self.exchange(request)
    }

    /// Sends a request that isn't counted as an attempt.
    pub fn exchange(&self, request: Request) -> Exchange<'a> {
        Exchange::new(self.http.clone(), request, self.limits)
    }

    fn count(&mut self) {
        self.is_sent = true;
        self.retry.count();
        self.sent = Instant::now();
        events::attempt(&self.log, self.retry.made(), &self.call);
    }

    fn wait_for_turn(&mut self) -> Result<(), TransportError> {
        let ceiling = self.client.requests_per_minute();
        if self.limiter.try_acquire(ceiling) {
            return Ok(());
        }
        let began = Instant::now();
        let limiter = self.limiter.clone();
        let deadline = self.limits.deadline;
        wait::drive(self.limits, "waiting for the rate limiter", |reactor| async move {
            limiter.acquire(ceiling, &reactor, deadline).await
        })?
        .map_err(|wait| TransportError::no_turn(wait, deadline))?;
        events::waited(&self.log, began.elapsed());
        Ok(())
    }

    /// Tells the limiter, the budget and the host what an attempt came to.
    pub fn record(&mut self, outcome: Result<ResponseSummary<'_>, &Error>) {
        if self.is_sent {
            self.limiter.record(outcome.map(drop));
            self.retry.record(outcome.map(drop));
            events::response(&self.log, self.retry.made(), self.sent, outcome);
        }
        self.flush();
    }

    /// Waits until the call may go again, or gives the error back, which says why it may not.
    pub fn again(&mut self, mut error: Error) -> Result<(), Error> {
        let wait = match self.retry.next(&error, self.limits.deadline.left()) {
            Ok(wait) => wait,
            Err(why) => {
                error.add(&why.describe(self.retry.made()));
                return Err(error);
            }
        };
        events::retry(&self.log, self.retry.made(), wait, &error);
        self.flush();
        self.check_process()?;
        let waited = wait::drive(self.limits, call_state::PAUSE, |reactor| async move { reactor.sleep(wait).await });
        waited.map_err(|failure| call_state::after(error, failure.status, failure.text, self.retry.made()))
    }

    /// A callback may have forked: in the child nothing more is done.
    pub fn check_process(&self) -> Result<(), Error> {
        if !self.process.is_forked_child() {
            return Ok(());
        }
        Err(Error { attempts: self.attempts(), ..Error::new(Status::Cancelled, self.call.name, FORKED) })
    }

    /// A failure of the way as an error of the call.
    pub fn error(&self, failure: TransportError) -> CallError {
        self.client.error(&self.call, failure, self.attempts())
    }

    /// The end of the call.
    pub fn ended<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if !self.process.is_forked_child() {
            match &result {
                Ok(_) => self.http.give_back(),
                Err(error) => events::failed(&self.log, error, self.began),
            }
            self.flush();
        }
        result
    }

    pub fn flush(&self) {
        self.log.flush();
    }
}
