//! The policy of a call over its attempts: the rate limiter, the schedule of retries and the log, for calls of every kind.

use super::call_info::CallInfo;
use super::client::Call;
use super::effect::Effect;
use super::events::{self, ResponseSummary};
use super::log::Log;
use super::rate::Limiter;
use super::retry::{NoRetryReason, Retry};
use crate::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct CallPolicy<'c> {
    pub limiter: Arc<Limiter>,
    pub log: Log,
    retry: Retry<'c>,
    /// The effect of the last request.
    effect: Effect,
    /// When the last request went out.
    sent: Instant,
    /// A request went out whose result isn't recorded yet: what the limiter held back is no result.
    is_sent: bool,
    /// Filled in as the call goes on.
    info: Option<&'c CallInfo>,
    /// Its requests are not counted as attempts of the call.
    is_auxiliary: bool,
}

impl<'c> CallPolicy<'c> {
    pub fn new(limiter: Arc<Limiter>, retry: Retry<'c>, log: Log) -> CallPolicy<'c> {
        let (effect, sent) = (Effect::ReadOnly, Instant::now());
        CallPolicy { limiter, log, retry, effect, sent, is_sent: false, info: None, is_auxiliary: false }
    }

    /// Fills in what the caller wants to know; of auxiliary requests, only their responses.
    pub fn with_info(self, info: Option<&'c CallInfo>, is_auxiliary: bool) -> CallPolicy<'c> {
        CallPolicy { info, is_auxiliary, ..self }
    }

    pub fn info(&self) -> Option<&'c CallInfo> {
        self.info
    }

    /// The same limiter and log, with other retries.
    pub fn renewed(&self, retry: Retry<'c>) -> CallPolicy<'c> {
        CallPolicy::new(self.limiter.clone(), retry, self.log.clone())
    }

    /// Counts a request that goes out.
    pub fn begin_attempt(&mut self, call: &Call) {
        self.effect = call.effect;
        self.retry.count();
        self.sent = Instant::now();
        self.is_sent = true;
        self.info.filter(|_| !self.is_auxiliary).inspect(|info| info.count());
        events::attempt(&self.log, self.retry.made(), call);
    }

    /// Requests that went out.
    pub fn made(&self) -> u32 {
        self.retry.made()
    }

    /// Whether the call may send more than one request.
    pub fn may_repeat(&self) -> bool {
        self.retry.is_allowed()
    }

    /// Tells the limiter, the retry budget and the log the result of an attempt.
    pub fn record(&mut self, outcome: Result<ResponseSummary<'_>, &Error>) {
        if !std::mem::take(&mut self.is_sent) {
            return;
        }
        self.limiter.record(outcome.map(drop));
        if let Some(info) = self.info {
            match outcome {
                Ok((http_status, trace_id)) => info.responded(http_status, trace_id),
                Err(error) if error.http_status != 0 => info.responded(error.http_status, &error.trace_id),
                Err(_) => {}
            }
        }
        self.retry.record(outcome.map(drop));
        events::response(&self.log, self.retry.made(), self.sent, outcome);
    }

    /// The wait before another attempt, with so much time left; or why there is none. An error is ambiguous unless its
    /// caller has seen since that the call was not carried out.
    pub fn next(&mut self, error: &Error, left: Option<Duration>) -> Result<Duration, NoRetryReason> {
        if error.ambiguous && self.effect == Effect::Creates {
            return Err(NoRetryReason::MayHaveCreated);
        }
        self.retry.next(error, left)
    }

    /// The error of a call that is not sent again.
    pub fn given_up(&self, mut error: Error, why: NoRetryReason) -> Error {
        error.add(&why.describe(self.retry.made()));
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;
    use crate::transport::body::BodySent;
    use crate::transport::retry::Budget;
    use http::Method;

    fn call(effect: Effect) -> Call {
        let (name, method, path, query) = ("copy_file", Method::POST, "v1/files/copy", Vec::new());
        Call { name, method, path, query, json: None, max_response_len: 1, effect }
    }

    /// The decision after an attempt whose response was lost.
    fn after_a_lost_response(effect: Effect, body_sent: BodySent, status: Status) -> Result<Duration, NoRetryReason> {
        let (budget, call) = (Budget::new(), call(effect));
        let mut policy = CallPolicy::new(Arc::default(), Retry::new(&budget, 4), Log::default());
        policy.begin_attempt(&call);
        let error = Error {
            ambiguous: call.effect.is_ambiguous(body_sent),
            transient: true,
            ..Error::new(status, call.name, "lost")
        };
        policy.record(Err(&error));
        policy.next(&error, None)
    }

    #[test]
    fn a_call_that_creates_is_never_sent_again_after_its_body_was_sent_whole() {
        for status in [Status::Network, Status::Timeout, Status::Server, Status::ServerTimeout, Status::Protocol] {
            let next = after_a_lost_response(Effect::Creates, BodySent::All, status);
            assert_eq!(next, Err(NoRetryReason::MayHaveCreated), "{status:?}");
            for body_sent in [BodySent::None, BodySent::Partial] {
                assert!(after_a_lost_response(Effect::Creates, body_sent, status).is_ok(), "{status:?} {body_sent:?}");
            }
            for effect in [Effect::ReadOnly, Effect::Idempotent] {
                assert!(after_a_lost_response(effect, BodySent::All, status).is_ok(), "{effect:?} {status:?}");
            }
        }
    }
}
