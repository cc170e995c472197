//! A non-blocking TCP socket: one descriptor, no SIGPIPE, and what others must know of it while hyper owns it.

use super::reactor::{READ, WRITE};
use super::sys::{self, Descriptor, Descriptors};
use hyper::rt::ReadBufCursor;
use socket2::{Domain, Protocol, SockRef, Type};
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A socket. Its state is shared with whoever waits for it.
#[derive(Debug)]
pub struct Socket(Arc<State>);

#[derive(Debug)]
pub struct State {
    descriptor: Descriptor,
    /// What it would have blocked on, since it was ready last.
    blocked: AtomicU8,
    /// The last read took all that was there: the next one asks the kernel once the socket is ready.
    is_drained: AtomicBool,
    /// Bytes that the kernel took.
    sent: AtomicU64,
    made: Instant,
    /// When a byte was sent or received last, in nanoseconds since it was made.
    last_byte: AtomicU64,
}

impl AsFd for State {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Socket {
    /// Begins to connect. It is writable once that is over; [`Socket::connected`] says how it ended.
    pub fn connect(address: SocketAddr, descriptors: &'static Descriptors) -> io::Result<Socket> {
        let kind = Type::STREAM.nonblocking().cloexec();
        let socket = socket2::Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) && error.kind() != ErrorKind::Interrupted => {
                return Err(error);
            }
            _ => {}
        }
        Ok(Socket(Arc::new(State {
            descriptor: descriptors.add(socket.into()),
            blocked: AtomicU8::new(0),
            is_drained: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            made: Instant::now(),
            last_byte: AtomicU64::new(0),
        })))
    }

    /// How a connect ended, once it is writable.
    pub fn connected(&self) -> io::Result<()> {
        SockRef::from(&self.0.descriptor).take_error()?.map_or(Ok(()), Err)
    }

    pub fn state(&self) -> Arc<State> {
        self.0.clone()
    }

    /// Fails with [`ErrorKind::WouldBlock`] where there is nothing; 0 is the end.
    pub fn receive(&self, buffer: &mut ReadBufCursor<'_>) -> io::Result<usize> {
        let (state, room) = (&*self.0, buffer.remaining());
        if state.is_drained.load(Relaxed) {
            return Err(state.would_block(READ));
        }
        match sys::receive(state.as_fd(), buffer) {
            Ok(count) => {
                state.is_drained.store(0 < count && count < room, Relaxed);
                state.byte_passed();
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                state.is_drained.store(true, Relaxed);
                Err(state.would_block(READ))
            }
            Err(error) => Err(error),
        }
    }

    /// Fails with [`ErrorKind::WouldBlock`] where there is no room.
    pub fn send(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let state = &*self.0;
        match sys::send(state.as_fd(), buffers) {
            Ok(count) => {
                state.sent.fetch_add(count as u64, Relaxed);
                state.byte_passed();
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(state.would_block(WRITE)),
            Err(error) => Err(error),
        }
    }
}

impl State {
    fn would_block(&self, on: u8) -> io::Error {
        self.blocked.fetch_or(on, Relaxed);
        ErrorKind::WouldBlock.into()
    }

    fn byte_passed(&self) {
        let since = self.made.elapsed().as_nanos();
        self.last_byte.store(u64::try_from(since).unwrap_or(u64::MAX), Relaxed);
    }

    /// What it is to be waited for.
    pub fn blocked(&self) -> u8 {
        self.blocked.load(Relaxed)
    }

    /// It was found to be ready for so much.
    pub fn is_ready(&self, ready: u8) {
        self.blocked.fetch_and(!ready, Relaxed);
        if ready & READ != 0 {
            self.is_drained.store(false, Relaxed);
        }
    }

    /// The next read asks the kernel, whatever the last one found.
    pub fn look_again(&self) {
        self.is_drained.store(false, Relaxed);
    }

    /// Bytes that the kernel took so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// When a byte was sent or received last.
    pub fn last_byte(&self) -> Instant {
        self.made + Duration::from_nanos(self.last_byte.load(Relaxed))
    }
}
