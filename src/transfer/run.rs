//! A call that moves a file's bytes, over all its attempts: each is driven in turns, for callbacks run in between.

use super::wait;
use crate::error::{Error, Status};
use crate::transport::call_info::CallInfo;
use crate::transport::call_policy::CallPolicy;
use crate::transport::call_state;
use crate::transport::client::{Call, CallError, CallOptions, Client};
use crate::transport::error::TransportError;
use crate::transport::events::{self, ResponseSummary};
use crate::transport::exchange::{Exchange, FORKED, Limits};
use crate::transport::http_client::HttpClient;
use crate::transport::log::Log;
use crate::transport::process::Process;
use crate::transport::progress::Progress;
use crate::transport::request::Request;
use std::time::{Duration, Instant};

pub struct Transfer<'a> {
    pub client: &'a Client,
    pub call: Call,
    pub limits: Limits<'a>,
    pub progress: Progress<'a>,
    pub http: HttpClient,
    policy: CallPolicy<'a>,
    began: Instant,
    process: Process,
}

impl<'a> Transfer<'a> {
    pub fn new(client: &'a Client, call: Call, limits: Limits<'a>, options: &CallOptions<'a>) -> Transfer<'a> {
        Transfer {
            client,
            limits,
            progress: Progress::new(options.progress),
            http: client.http(),
            policy: CallPolicy::new(
                client.shares().limiter().clone(),
                client.retry(options.max_attempts),
                Log::new(client.logger(), call.name, client.secrets()),
            )
            .with_info(options.info, false),
            call,
            began: Instant::now(),
            process: Process::current(),
        }
    }

    pub fn attempts(&self) -> u32 {
        self.policy.made()
    }

    pub fn log(&self) -> &Log {
        &self.policy.log
    }

    /// Filled in as the call goes on.
    pub fn info(&self) -> Option<&'a CallInfo> {
        self.policy.info()
    }

    /// Since the call began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Waits for the rate limiter and starts an attempt.
    pub fn begin(&mut self, request: Request) -> Result<Exchange<'a>, TransportError> {
        self.wait_for_turn()?;
        self.policy.begin_attempt(&self.call);
        Ok(self.exchange(request))
    }

    /// Starts an attempt at another place than the API, which has limits of its own.
    pub fn begin_elsewhere(&mut self, request: Request) -> Exchange<'a> {
        self.policy.begin_attempt(&self.call);
        self.exchange(request)
    }

    /// Sends a request that isn't counted as an attempt.
    pub fn exchange(&self, request: Request) -> Exchange<'a> {
        Exchange::new(self.http.clone(), request, self.limits)
    }

    fn wait_for_turn(&mut self) -> Result<(), TransportError> {
        let ceiling = self.client.requests_per_minute();
        if self.policy.limiter.try_acquire(ceiling) {
            return Ok(());
        }
        let began = Instant::now();
        let limiter = self.policy.limiter.clone();
        let deadline = self.limits.deadline;
        wait::drive(self.limits, "waiting for the rate limiter", |reactor| async move {
            limiter.acquire(ceiling, &reactor, deadline).await
        })?
        .map_err(|wait| TransportError::no_turn(wait, deadline))?;
        events::waited(&self.policy.log, began.elapsed());
        Ok(())
    }

    /// Records the result of an attempt.
    pub fn record(&mut self, outcome: Result<ResponseSummary<'_>, &Error>) {
        self.policy.record(outcome);
        self.flush();
    }

    /// Waits until the call may go again, or gives the error back, which says why it may not.
    pub fn again(&mut self, error: Error) -> Result<(), Error> {
        let wait = match self.policy.next(&error, self.limits.deadline.left()) {
            Ok(wait) => wait,
            Err(why) => return Err(self.policy.given_up(error, why)),
        };
        events::retry(&self.policy.log, self.policy.made(), wait, &error);
        self.flush();
        self.check_process()?;
        let waited = wait::drive(self.limits, call_state::PAUSE, |reactor| async move { reactor.sleep(wait).await });
        waited.map_err(|failure| call_state::after(error, failure.status, failure.text, self.policy.made()))
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
                Err(error) => events::failed(&self.policy.log, error, self.began),
            }
            self.flush();
        }
        result
    }

    pub fn flush(&self) {
        self.policy.log.flush();
    }
}
