//! A call that moves a file's bytes, over all its attempts: each is driven in turns, for callbacks run in between.

use super::attempt::{Failure, Request};
use super::client::{Call, CallOptions, Client, Unanswered};
use super::events::{self, Told};
use super::exchange::{Exchange, FORKED, Limits};
use super::log::Log;
use super::progress::Progress;
use super::rate::Limiter;
use super::retry::Retry;
use super::track;
use super::wait;
use crate::error::{Error, Status};
use std::process;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct Transfer<'a> {
    pub client: &'a Client,
    pub call: Call,
    pub limits: Limits<'a>,
    pub progress: Progress<'a>,
    limiter: Arc<Limiter>,
    retry: Retry<'a>,
    log: Log,
    began: Instant,
    sent: Instant,
    process_id: u32,
}

impl<'a> Transfer<'a> {
    pub fn new(client: &'a Client, call: Call, limits: Limits<'a>, options: &CallOptions<'a>) -> Transfer<'a> {
        Transfer {
            client,
            limits,
            progress: Progress::new(options.progress),
            limiter: client.limiter().now(),
            retry: client.retry(options.max_attempts),
            log: Log::new(client.logger(), call.name, client.key()),
            call,
            began: Instant::now(),
            sent: Instant::now(),
            process_id: process::id(),
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
    pub fn begin(&mut self, request: Request) -> Result<Exchange<'a>, Failure> {
        self.wait_for_turn()?;
        self.count();
        self.client.begin(request, self.limits)
    }

    /// Starts an attempt at another place than the API, which has limits of its own.
    pub fn begin_elsewhere(&mut self, request: Request) -> Result<Exchange<'a>, Failure> {
        self.count();
        self.client.begin(request, self.limits)
    }

    fn count(&mut self) {
        self.retry.count();
        self.sent = Instant::now();
        events::attempt(&self.log, self.retry.made(), &self.call);
    }

    fn wait_for_turn(&mut self) -> Result<(), Failure> {
        let ceiling = self.client.requests_per_minute();
        if self.limiter.try_acquire(ceiling) {
            return Ok(());
        }
        let began = Instant::now();
        wait::drive(self.client, self.limits, "waiting for the rate limiter", self.limiter.acquire(ceiling))?;
        events::waited(&self.log, began.elapsed());
        Ok(())
    }

    /// Tells the limiter, the budget and the host what an attempt came to.
    pub fn came_to(&mut self, outcome: Result<Told<'_>, &Error>) {
        self.limiter.came_to(outcome.map(drop));
        self.retry.came_to(outcome.map(drop));
        events::answer(&self.log, self.retry.made(), self.sent, outcome);
        self.flush();
    }

    /// Waits until the call may go again, or gives the error back, which says why it may not.
    pub fn again(&mut self, mut error: Error) -> Result<(), Error> {
        let wait = match self.retry.next(&error, self.limits.deadline.left()) {
            Ok(wait) => wait,
            Err(why) => {
                error.add(&why.in_words(self.retry.made()));
                return Err(error);
            }
        };
        events::retry(&self.log, self.retry.made(), wait, &error);
        self.flush();
        self.check_process()?;
        // Made where it is driven: there is no clock outside.
        let pause = async move { tokio::time::sleep(wait).await };
        let waited = wait::drive(self.client, self.limits, track::PAUSE, pause);
        waited.map_err(|failure| track::after(error, failure.status, failure.text, self.retry.made()))
    }

    /// A callback may have forked: in the child nothing more is done.
    pub fn check_process(&self) -> Result<(), Error> {
        if self.process_id == process::id() {
            return Ok(());
        }
        Err(Error { attempts: self.attempts(), ..Error::new(Status::Cancelled, self.call.name, FORKED) })
    }

    /// A failure of the way as an error of the call.
    pub fn error(&self, failure: Failure) -> Unanswered {
        self.client.error(&self.call, failure, self.attempts())
    }

    /// The end of the call.
    pub fn ended<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if self.process_id == process::id() {
            if let Err(error) = &result {
                events::failed(&self.log, error, self.began);
            }
            self.flush();
        }
        result
    }

    pub fn flush(&self) {
        self.log.flush();
    }
}
