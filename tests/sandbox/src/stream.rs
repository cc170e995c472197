//! The bytes of a connection: who ended it is noted here, and the head of each request is kept as it came.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_timer::Delay;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::records::{Connection, End};

/// How the server closes: in order (over TLS with close_notify first), or by a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Close {
    Fin,
    Rst,
}

/// A TCP stream that notes how the client ends it.
pub(crate) struct Tcp {
    stream: TcpStream,
    record: Arc<Connection>,
}

impl Tcp {
    pub(crate) fn new(stream: TcpStream, record: Arc<Connection>) -> Tcp {
        Tcp { stream, record }
    }
}

/// Notes what a read or write says about the client's end of the connection.
fn note<T>(record: &Connection, result: &io::Result<T>) {
    if let Err(error) = result {
        // rustls reports an end without close_notify so: still an orderly end of the TCP stream.
        let orderly = error.kind() == io::ErrorKind::UnexpectedEof;
        record.ended(if orderly { End::ClientFin } else { End::ClientRst });
    }
}

impl AsyncRead for Tcp {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        note(&self.record, &result);
        if result.is_ok() && buf.filled().len() == before && buf.remaining() > 0 {
            self.record.ended(End::ClientFin);
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        note(&self.record, &result);
        Poll::Ready(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        note(&self.record, &result);
        Poll::Ready(result)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A plain or an encrypted stream.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &Tcp;
}

impl Transport for Tcp {
    fn tcp(&self) -> &Tcp {
        self
    }
}

impl Transport for TlsStream<Tcp> {
    fn tcp(&self) -> &Tcp {
        self.get_ref().0
    }
}

/// Keeps the head of the next request as it comes; `None` while a request is being answered.
pub(crate) type Head = Arc<Mutex<Option<Vec<u8>>>>;

/// What hyper reads from and the faults write to.
pub(crate) struct Io {
    transport: Box<dyn Transport>,
    record: Arc<Connection>,
    head: Head,
    unread: Bytes,
}

/// Why a pause ended.
#[derive(PartialEq, Eq)]
pub(crate) enum Pause {
    Over,
    Request,
    Gone,
}

impl Io {
    pub(crate) fn new(transport: Box<dyn Transport>, record: Arc<Connection>, head: Head) -> Io {
        Io { transport, record, head, unread: Bytes::new() }
    }

    /// Gives back bytes that were read too early.
    pub(crate) fn unread(&mut self, bytes: Bytes) {
        self.unread = if self.unread.is_empty() { bytes } else { [bytes, self.unread.split_off(0)].concat().into() };
    }

    /// Writes and flushes; false when the client is gone.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.transport.write_all(bytes).await.is_ok() && self.transport.flush().await.is_ok()
    }

    /// Waits while watching the client, so that its leaving is noted at once.
    pub(crate) async fn pause(&mut self, time: Duration, until_request: bool) -> Pause {
        // The runtime's own clock counts in whole milliseconds and rings late, which a benchmark would find in every answer.
        let mut over = Delay::new(time);
        let mut buffer = [0; 4096];
        loop {
            if until_request && !self.unread.is_empty() {
                return Pause::Request;
            }
            tokio::select! {
                () = &mut over => return Pause::Over,
                read = self.transport.read(&mut buffer) => match read {
                    Ok(length) if length > 0 => self.unread = [&self.unread, &buffer[..length]].concat().into(),
                    other => return self.left(other),
                },
            }
        }
    }

    /// Waits for some bytes, which are thrown away; false when the client is gone.
    pub(crate) async fn read_some(&mut self) -> bool {
        match self.transport.read(&mut [0; 4096]).await {
            Ok(length) if length > 0 => true,
            other => {
                self.left(other);
                false
            }
        }
    }

    /// Says nothing more until the client leaves.
    pub(crate) async fn hang(&mut self) -> Pause {
        let mut buffer = [0; 4096];
        loop {
            match self.transport.read(&mut buffer).await {
                Ok(length) if length > 0 => {}
                other => break self.left(other),
            }
        }
    }

    /// Waits without reading, so that the client can't send on. Its end is seen once that has got through.
    pub(crate) async fn stall(&mut self, time: Option<Duration>) -> Pause {
        let stream = &self.transport.tcp().stream;
        // Of all interests the one that is also told of the end, and not of bytes to read.
        let gone = async { while stream.ready(Interest::PRIORITY).await.is_ok_and(|ready| !ready.is_read_closed()) {} };
        match time {
            Some(time) => tokio::select! {
                () = gone => {}
                () = tokio::time::sleep(time) => return Pause::Over,
            },
            None => gone.await,
        }
        let failed = stream.take_error().ok().flatten();
        self.record.ended(if failed.is_some() { End::ClientRst } else { End::ClientFin });
        Pause::Gone
    }

    // Over TLS the client's close_notify may come before TCP tells.
    fn left(&self, read: io::Result<usize>) -> Pause {
        note(&self.record, &read);
        self.record.ended(End::ClientFin);
        Pause::Gone
    }

    /// Ends the connection from this side.
    pub(crate) async fn close(mut self, close: Close) {
        match close {
            Close::Fin => drop(timeout(Duration::from_secs(1), self.transport.shutdown()).await),
            Close::Rst => drop(self.transport.tcp().stream.set_zero_linger()),
        }
        let record = self.record.clone();
        drop(self);
        // Only now: whoever waits for the end may rely on it.
        record.ended(End::Server);
    }
}

impl AsyncRead for Io {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if self.unread.is_empty() {
            let result = ready!(Pin::new(&mut self.transport).poll_read(cx, buf));
            note(&self.record, &result);
            result?;
            if buf.filled().len() == before && buf.remaining() > 0 {
                self.record.ended(End::ClientFin);
            }
        } else {
            let length = self.unread.len().min(buf.remaining());
            buf.put_slice(&self.unread[..length]);
            self.unread.advance(length);
        }
        if let Some(head) = &mut *self.head.lock().unwrap() {
            head.extend_from_slice(&buf.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.record.ended(End::Server);
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}
