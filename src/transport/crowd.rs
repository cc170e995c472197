//! Many calls at once on one driver, all driven by the calling thread: it adds some, then takes what has settled.

use super::attempts::Attempts;
use super::client::{Client, Unanswered};
use super::engine::Lease;
use super::exchange::{Interruption, Limits, lent};
use super::log::Log;
use super::rate::Limiter;
use super::track::Track;
use crate::error::Error;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The number that the caller gave, and what became of the call.
pub type Settled<T> = (usize, Result<T, Unanswered>);

struct Member<'c, T> {
    number: usize,
    track: Track,
    work: Pin<Box<dyn Future<Output = T> + Send + 'c>>,
}

impl<T> Future for Member<'_, T> {
    type Output = (usize, T);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(usize, T)> {
        let number = self.number;
        self.work.as_mut().poll(cx).map(|result| (number, result))
    }
}

pub struct Crowd<'c, T: Send> {
    client: &'c Client,
    name: &'static str,
    limits: Limits<'c>,
    /// Of each call, waits for the rate limiter left out.
    call_timeout: Option<Duration>,
    max_attempts: Option<u32>,
    log: Log,
    limiter: Arc<Limiter>,
    running: FuturesUnordered<Member<'c, T>>,
    /// `None` once it has ended.
    lease: Option<Lease>,
}

impl<'c, T: Send> Crowd<'c, T> {
    pub fn new(
        client: &'c Client,
        name: &'static str,
        limits: Limits<'c>,
        call_timeout: Option<Duration>,
        max_attempts: Option<u32>,
    ) -> Result<Crowd<'c, T>, Error> {
        let lease = client.lease(client.scheme()).map_err(|failure| client.error_of(name, failure, 0).error)?;
        let log = Log::new(client.logger(), name, client.key());
        let (limiter, running, lease) = (client.limiter().during(&lease), FuturesUnordered::new(), Some(lease));
        Ok(Crowd { client, name, limits, call_timeout, max_attempts, log, limiter, running, lease })
    }

    /// Starts a call under a number of the caller's.
    pub fn add<F>(&mut self, number: usize, work: impl FnOnce(Attempts<'c>) -> F)
    where
        F: Future<Output = T> + Send + 'c,
    {
        let (track, log, limiter) = (Track::default(), self.log.clone(), self.limiter.clone());
        let (client, retry, deadline) = (self.client, self.client.retry(self.max_attempts), self.limits.deadline);
        let attempts = Attempts::new(client, lent(&self.lease), limiter, track.clone(), log, retry, deadline);
        let work = Box::pin(work(attempts.with_own_deadline(self.call_timeout)));
        self.running.push(Member { number, track, work });
    }

    /// Calls under way.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// A callback of the host's has forked, and this is the child.
    pub fn is_of_a_parent(&self) -> bool {
        lent(&self.lease).is_of_a_parent()
    }

    /// Drives until a call has settled, and returns all that have. A cancel or the deadline settles every one of them, and
    /// comes with them; with none under way there is nothing to wait for.
    pub fn turn(&mut self) -> (Vec<Settled<T>>, Option<Interruption>) {
        let mut settled = Vec::new();
        while settled.is_empty() && !self.is_empty() {
            let Crowd { lease, limits, running, log, .. } = self;
            let turned = match limits.check() {
                Err(why) => Ok(Err(why)),
                Ok(()) => lent(lease).block_on(async {
                    let turned = limits.within(|cx| {
                        while let Poll::Ready(Some((number, result))) = running.poll_next_unpin(cx) {
                            settled.push((number, Ok(result)));
                        }
                        if settled.is_empty() && log.is_empty() { Poll::Pending } else { Poll::Ready(()) }
                    });
                    let turned = turned.await;
                    // A call that has just yielded is woken by the runtime's next turn, which would be lost on leaving.
                    tokio::task::yield_now().await;
                    turned
                }),
            };
            self.log.flush();
            match turned {
                Ok(Ok(())) => {}
                Ok(Err(why)) => {
                    settled.extend(self.abandon(|client, name, track| track.interrupted(client, name, &why)));
                    return (settled, Some(why));
                }
                Err(failure) => {
                    let (status, text) = (failure.status, failure.text);
                    let error = |name| Error::new(status, name, &text);
                    settled.extend(self.abandon(|_, name, _| error(name).into()));
                }
            }
            if self.is_of_a_parent() {
                break;
            }
        }
        (settled, None)
    }

    /// Ends all that is under way.
    fn abandon(
        &mut self,
        end: impl Fn(&Client, &'static str, &Track) -> Unanswered,
    ) -> impl Iterator<Item = Settled<T>> {
        let members: Vec<_> = std::mem::take(&mut self.running).into_iter().collect();
        let settled: Vec<_> =
            members.iter().map(|member| (member.number, Err(end(self.client, self.name, &member.track)))).collect();
        let left: Vec<_> = members.iter().map(|member| member.track.take()).collect();
        // Within the runtime, as in `Lease::end_with`.
        let _ = lent(&self.lease).block_on(async move { drop((members, left)) });
        settled.into_iter()
    }
}

impl<T: Send> Drop for Crowd<'_, T> {
    fn drop(&mut self) {
        // The connections are closed with it: so many idle ones would be kept for nobody.
        if let Some(lease) = self.lease.take() {
            let members: Vec<_> = std::mem::take(&mut self.running).into_iter().collect();
            let left: Vec<_> = members.iter().map(|member| member.track.take()).collect();
            lease.end_with((members, left));
        }
    }
}
