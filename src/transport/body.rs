//! The body of a request: a slot that the connection takes from and the caller fills, one chunk at a time.

#[cfg(all(test, shuttle))]
mod schedules;

use super::sync::{Mutex, MutexGuard};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

/// How much of a request can have reached the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BodySent {
    /// The body was never asked for: nothing was sent.
    None,
    Partial,
    /// The body's last byte was taken.
    All,
}

#[derive(Debug)]
struct State {
    chunk: Option<Bytes>,
    /// The chunk is the last one: once it is taken the body counts as sent whole, whatever comes next.
    is_last: bool,
    /// No chunk comes after this one.
    ended: bool,
    /// The connection asked and there was nothing to give.
    wants_data: bool,
    /// The response has come: nothing more is wanted of the caller.
    closed: bool,
    body_sent: BodySent,
    /// Bytes still to be taken; `None` when the length is not known.
    left: Option<u64>,
    connection: Option<Waker>,
    caller: Option<Waker>,
}

/// The caller's end.
#[derive(Clone, Debug)]
pub struct BodySender(Arc<Mutex<State>>);

/// The connection's end.
pub struct RequestBody(BodySender);

impl BodySender {
    /// For a body that comes in chunks, of `length` bytes when that is known.
    pub fn streamed(length: Option<u64>) -> BodySender {
        BodySender(Arc::new(Mutex::new(State {
            chunk: None,
            is_last: false,
            ended: length == Some(0),
            wants_data: false,
            closed: false,
            body_sent: BodySent::None,
            left: length,
            connection: None,
            caller: None,
        })))
    }

    /// For a body that is all there.
    pub fn whole(body: Bytes) -> BodySender {
        let body_sender = BodySender::streamed(Some(body.len() as u64));
        body_sender.put(body, true);
        body_sender
    }

    pub fn body(&self) -> RequestBody {
        RequestBody(self.clone())
    }

    /// Releases a chunk to the connection.
    pub fn put(&self, chunk: Bytes, is_last: bool) {
        let mut state = self.state();
        state.chunk = Some(chunk);
        state.is_last = is_last;
        state.wants_data = false;
        if let Some(connection) = state.connection.take() {
            connection.wake();
        }
    }

    /// A response beats the wish for data.
    pub fn close(&self) {
        self.state().closed = true;
    }

    pub fn body_sent(&self) -> BodySent {
        self.state().body_sent
    }

    /// Ready when the connection waits for a chunk.
    pub fn poll_wants_data(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.wants_data && !state.ended && !state.closed {
            return Poll::Ready(());
        }
        state.caller = Some(cx.waker().clone());
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestBody {
    /// The body of a request that has none.
    pub fn empty() -> RequestBody {
        BodySender::streamed(Some(0)).body()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut state = self.0.state();
        state.body_sent = state.body_sent.max(BodySent::Partial);
        if let Some(chunk) = state.chunk.take() {
            state.left = state.left.map(|left| left.saturating_sub(chunk.len() as u64));
            if state.left == Some(0) || state.is_last {
                state.body_sent = BodySent::All;
                state.ended = true;
            }
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        if state.ended {
            state.body_sent = BodySent::All;
            return Poll::Ready(None);
        }
        state.wants_data = true;
        state.connection = Some(cx.waker().clone());
        if let Some(caller) = state.caller.take() {
            caller.wake();
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        let state = self.0.state();
        state.left == Some(0) || (state.ended && state.chunk.is_none())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.state().left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
