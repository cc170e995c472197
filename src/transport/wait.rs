//! Waits of a call that is driven in turns: on a driver, so that a cancel and the deadline are heard.

use super::attempt::Failure;
use super::body::Reach;
use super::client::Client;
use super::exchange::Limits;
use std::future::Future;
use std::pin::pin;

/// Drives until `work` is done. As with the caller's own functions, the idle limit plays no part.
pub fn drive<T: Send>(
    client: &Client,
    limits: Limits<'_>,
    phase: &str,
    work: impl Future<Output = T> + Send,
) -> Result<T, Failure> {
    // A driver of its own: that of a transfer has its exchange.
    let lease = client.lease("http")?;
    let driven = lease.block_on(async {
        let mut work = pin!(work);
        limits.within(|cx| work.as_mut().poll(cx)).await
    })?;
    lease.give_back();
    driven.map_err(|why| {
        let (status, text) = why.in_words(phase);
        Failure::new(status, Reach::Nothing, text).permanent()
    })
}
