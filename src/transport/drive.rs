//! One call, driven on the calling thread to its end.

use super::attempts::Attempts;
use super::call_policy::CallPolicy;
use super::call_state::CallState;
use super::client::{CallError, CallKind, CallOptions, Client};
use super::events;
use super::exchange::FORKED;
use super::log::Log;
use crate::error::{Error, Status};
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

impl Client {
    /// Makes a call: drives `work` on the calling thread until it is done or a limit ends it. What it returns is the
    /// call's result; what comes instead is an end from outside.
    pub fn drive<'c, T, F>(
        &'c self,
        name: &'static str,
        options: &CallOptions<'c>,
        work: impl FnOnce(Attempts<'c>) -> F,
    ) -> Result<Result<T, Error>, CallError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let limits = self.limits(name, CallKind::Request, options)?;
        let http = options.http.cloned().unwrap_or_else(|| self.http());
        let (call_state, log) = (CallState::default(), Log::new(self.logger(), name, self.secrets()));
        let retry = self.retry(options.max_attempts);
        let policy = CallPolicy::new(self.shares().limiter().clone(), retry, log.clone());
        let policy = policy.with_info(options.info, options.http.is_some());
        let attempts = Attempts::new(self, &http, policy, call_state.clone(), limits);
        let began = Instant::now();
        let mut work = on_the_heap(work, attempts);
        let ended = loop {
            let polled = limits.drive(&http.reactor, |cx| match work.as_mut().poll(cx) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if !log.is_empty() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            match polled {
                Ok(Some(result)) => break Ok(result),
                Ok(None) => log.flush(),
                Err(why) => break Err(call_state.interrupted(self, name, &why)),
            }
            if http.is_forked_child() {
                // The host's log function has forked.
                break Err(Error::new(Status::Cancelled, name, FORKED).into());
            }
        };
        let failed = match &ended {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error),
            Err(call_error) => Some(&call_error.error),
        };
        if let Some(error) = failed {
            events::failed(&log, error, began);
        }
        if ended.is_ok() && options.http.is_none() {
            http.give_back();
        }
        log.flush();
        ended
    }
}

/// In a frame of its own, which is gone when the call is driven: hosts' threads may have little stack.
#[inline(never)]
fn on_the_heap<'c, F: Future>(work: impl FnOnce(Attempts<'c>) -> F, attempts: Attempts<'c>) -> Pin<Box<F>> {
    Box::pin(work(attempts))
}
