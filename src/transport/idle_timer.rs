//! The idle timeout: the longest time without receiving or sending a byte.

use super::http_client::HttpClient;
use super::reactor::Sleep;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Ends an attempt after the longest time without a byte.
pub(super) struct IdleTimer {
    pub(super) limit: Option<Duration>,
    /// When the caller began to wait.
    pub(super) since: Instant,
    pub(super) timer: Option<Sleep>,
}

impl IdleTimer {
    /// Ready with the limit once it has passed since the last byte.
    pub(super) fn poll(
        &mut self,
        last_byte: Option<Instant>,
        http: &HttpClient,
        cx: &mut Context<'_>,
    ) -> Poll<Duration> {
        let Some(limit) = self.limit else { return Poll::Pending };
        let since = last_byte.map_or(self.since, |at| at.max(self.since));
        let Some(due) = since.checked_add(limit) else { return Poll::Pending };
        loop {
            // One that is early is left: bytes come more often than it rings.
            let timer = self.timer.get_or_insert_with(|| http.reactor.sleep_until(due));
            match Pin::new(&mut *timer).poll(cx) {
                Poll::Ready(()) if timer.at() >= due => return Poll::Ready(limit),
                Poll::Ready(()) => self.timer = None,
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
