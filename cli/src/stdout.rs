//! Standard output as the target of a download.

use crate::signals::Signals;
use mmx::error::Status;
use mmx::transfer::sink::Sink;
use mmx::transport::body::BodySent;
use mmx::transport::error::TransportError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, write};
use rustix::stdio::stdout;
use std::io;

/// PIPE_BUF on Linux: a write of this size doesn't block once poll reports that a pipe is writable.
const PIECE: usize = 4096;
/// The interval at which signals are checked for.
const INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Writes only when standard output is ready, so that a full pipe doesn't delay the end by a signal.
pub(crate) struct StdoutSink<'a> {
    signals: &'a Signals,
    has_written: bool,
    is_unread: bool,
}

impl<'a> StdoutSink<'a> {
    pub(crate) fn new(signals: &'a Signals) -> StdoutSink<'a> {
        StdoutSink { signals, has_written: false, is_unread: false }
    }

    /// Whether the reader of the pipe has closed it.
    pub(crate) fn is_unread(&self) -> bool {
        self.is_unread
    }

    fn wait(&self) -> Result<(), TransportError> {
        loop {
            if self.signals.have_come() {
                return Err(TransportError::new(Status::Cancelled, BodySent::None, "ended by a signal"));
            }
            match poll(&mut [PollFd::from_borrowed_fd(stdout(), PollFlags::OUT)], Some(&INTERVAL)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(unwritable(&error.into())),
            }
        }
    }
}

impl Sink for StdoutSink<'_> {
    fn write(&mut self, data: &[u8]) -> Result<(), TransportError> {
        let mut rest = data;
        while !rest.is_empty() {
            self.wait()?;
            match write(stdout(), &rest[..rest.len().min(PIECE)]) {
                Ok(count) => {
                    self.has_written = true;
                    rest = &rest[count..];
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => {
                    self.is_unread = error == Errno::PIPE;
                    return Err(unwritable(&error.into()));
                }
            }
        }
        Ok(())
    }

    fn restart(&mut self) -> Result<(), String> {
        if self.has_written { Err("what was written to standard output can't be taken back".into()) } else { Ok(()) }
    }
}

fn unwritable(error: &io::Error) -> TransportError {
    TransportError::file(format!("standard output can't be written: {error}"))
}
