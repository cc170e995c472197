//! Many calls at once on one driver, all driven by the calling thread: it adds some, then takes what has settled.

use super::attempts::Attempts;
use super::call_policy::CallPolicy;
use super::call_state::CallState;
use super::client::{CallError, Client};
use super::exchange::{Interruption, Limits};
use super::http_client::HttpClient;
use super::log::Log;
use super::rate::Limiter;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The number that the caller gave, and what became of the call.
pub type Settled<T> = (usize, Result<T, CallError>);

struct Member<'c, T> {
    number: usize,
    call_state: CallState,
    work: Pin<Box<dyn Future<Output = T> + 'c>>,
}

impl<T> Future for Member<'_, T> {
    type Output = (usize, T);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(usize, T)> {
        let number = self.number;
        self.work.as_mut().poll(cx).map(|result| (number, result))
    }
}

pub struct ConcurrentCalls<'c, T> {
    client: &'c Client,
    name: &'static str,
    limits: Limits<'c>,
    /// Timeout of each call, waits for the rate limiter left out.
    call_timeout: Option<Duration>,
    max_attempts: Option<u32>,
    log: Log,
    limiter: Arc<Limiter>,
    running: FuturesUnordered<Member<'c, T>>,
    /// It gives no connections back: so many idle ones would be kept for nobody.
    http: HttpClient,
}

impl<'c, T> ConcurrentCalls<'c, T> {
    pub fn new(
        client: &'c Client,
        name: &'static str,
        limits: Limits<'c>,
        call_timeout: Option<Duration>,
        max_attempts: Option<u32>,
    ) -> ConcurrentCalls<'c, T> {
        let http = HttpClient::new(client.shares().pool().clone());
        let log = Log::new(client.logger(), name, client.secrets());
        let (limiter, running) = (client.shares().limiter().clone(), FuturesUnordered::new());
        ConcurrentCalls { client, name, limits, call_timeout, max_attempts, log, limiter, running, http }
    }

    /// Starts a call under a number of the caller's.
    pub fn add<F>(&mut self, number: usize, work: impl FnOnce(Attempts<'c>) -> F)
    where
        F: Future<Output = T> + 'c,
    {
        let (client, call_state, retry) = (self.client, CallState::default(), self.client.retry(self.max_attempts));
        let policy = CallPolicy::new(self.limiter.clone(), retry, self.log.clone());
        let attempts = Attempts::new(client, &self.http, policy, call_state.clone(), self.limits);
        let work = Box::pin(work(attempts.with_own_deadline(self.call_timeout)));
        self.running.push(Member { number, call_state, work });
    }

    /// Calls under way.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// A callback of the host's has forked, and this is the child.
    pub fn is_forked_child(&self) -> bool {
        self.http.is_forked_child()
    }

    /// Drives until a call has settled, and returns all that have. A cancel or the deadline settles every one of them, and
    /// comes with them; with none under way there is nothing to wait for.
    pub fn turn(&mut self) -> (Vec<Settled<T>>, Option<Interruption>) {
        let mut settled = Vec::new();
        while settled.is_empty() && !self.is_empty() {
            let ConcurrentCalls { http, limits, running, log, .. } = self;
            let turned = limits.check().and_then(|()| {
                limits.drive(&http.reactor, |cx| {
                    while let Poll::Ready(Some((number, result))) = running.poll_next_unpin(cx) {
                        settled.push((number, Ok(result)));
                    }
                    if settled.is_empty() && log.is_empty() { Poll::Pending } else { Poll::Ready(()) }
                })
            });
            self.log.flush();
            if let Err(why) = turned {
                settled.extend(self.abandon(&why));
                return (settled, Some(why));
            }
            if self.is_forked_child() {
                break;
            }
        }
        (settled, None)
    }

    /// Ends all that is under way.
    fn abandon(&mut self, why: &Interruption) -> impl Iterator<Item = Settled<T>> + use<T> {
        let members: Vec<_> = std::mem::take(&mut self.running).into_iter().collect();
        let end = |member: &Member<'c, T>| member.call_state.interrupted(self.client, self.name, why);
        let settled: Vec<_> = members.iter().map(|member| (member.number, Err(end(member)))).collect();
        settled.into_iter()
    }
}
