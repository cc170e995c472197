//! A byte stream as hyper's I/O traits: a socket, or TLS over one.

use super::stream::Stream;
use hyper::rt::{Read, ReadBufCursor, Write};
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A stream as hyper drives it. Where a write fails because the other end has closed, what it said before is read first.
pub struct HttpStream {
    stream: Stream,
    failed_write: Option<io::Error>,
    /// A read was tried since the write failed.
    is_read_out: bool,
}

impl HttpStream {
    pub fn new(stream: Stream) -> HttpStream {
        HttpStream { stream, failed_write: None, is_read_out: false }
    }

    pub fn into_inner(self) -> Stream {
        self.stream
    }

    fn written<T>(&mut self, result: io::Result<T>, cx: &Context<'_>) -> Poll<io::Result<T>> {
        match result {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                self.failed_write = Some(error);
                self.is_read_out = false;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            other => Poll::Ready(other),
        }
    }

    /// The failure of an earlier write, once there is nothing left to read.
    fn poll_failure(&mut self, cx: &Context<'_>) -> Poll<io::Error> {
        match &self.failed_write {
            Some(error) if self.is_read_out => Poll::Ready(same(error)),
            _ => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl Read for HttpStream {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, mut buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.stream.receive(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => match this.failed_write.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
            // After a failed write that says more than an end.
            Ok(0) if this.failed_write.is_some() => Poll::Ready(this.failed_write.take().map_or(Ok(()), Err)),
            result => {
                this.is_read_out = result.is_err();
                Poll::Ready(result.map(drop))
            }
        }
    }
}

impl Write for HttpStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buffer)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.failed_write.is_some() {
            return this.poll_failure(cx).map(Err);
        }
        let result = this.stream.send(buffers);
        this.written(result, cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.failed_write.is_some() {
            return this.poll_failure(cx).map(Err);
        }
        let result = this.stream.flush();
        this.written(result, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn same(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::socket::Socket;
    use crate::transport::sys::Descriptors;
    use hyper::rt::ReadBuf;
    use std::io::Write as _;
    use std::net::TcpListener;
    use std::task::Waker;
    use std::time::{Duration, Instant};

    static DESCRIPTORS: Descriptors = Descriptors::new();

    fn read(stream: &mut HttpStream, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        let mut buffer = [0; 64];
        let mut buffer = ReadBuf::new(&mut buffer);
        let polled = Pin::new(stream).poll_read(cx, buffer.unfilled());
        polled.map_ok(|()| buffer.filled().to_vec())
    }

    /// A server that refuses a body answers and closes: what is written next fails, but its answer is there to be read.
    #[test]
    fn what_came_before_a_failed_write_is_read_first() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = Socket::connect(listener.local_addr().unwrap(), &DESCRIPTORS).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"answer").unwrap();
        drop(server);
        let mut stream = HttpStream::new(Stream::Plain(socket));
        let cx = &mut Context::from_waker(Waker::noop());
        let limit = Instant::now() + Duration::from_secs(10);
        // The first writes go into the kernel's buffer; the server's kernel resets the connection.
        while stream.failed_write.is_none() {
            assert!(Instant::now() < limit);
            match Pin::new(&mut stream).poll_write(cx, b"body") {
                Poll::Ready(written) => assert_eq!(written.unwrap(), 4, "a failure is told before the answer is read"),
                Poll::Pending => assert!(stream.failed_write.is_some()),
            }
        }
        assert!(Pin::new(&mut stream).poll_flush(cx).is_pending());
        assert!(matches!(read(&mut stream, cx), Poll::Ready(Ok(found)) if found == b"answer"));
        // Nothing else comes, so the failure is what is left to say.
        let failure = loop {
            match read(&mut stream, cx) {
                Poll::Ready(Err(error)) => break error,
                other => assert!(Instant::now() < limit && other.is_pending()),
            }
        };
        assert!(matches!(failure.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{failure}");
    }
}
