//! Standard output as the place where a download goes. A pipe that nobody empties must not hold up a signal, so it is
//! only written when it takes something.

use crate::signals::Signals;
use mmx::error::Status;
use mmx::transfer::sink::Sink;
use mmx::transport::body::BodySent;
use mmx::transport::error::TransportError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, write};
use rustix::stdio::stdout;
use std::io;

/// So much never blocks once a pipe takes anything (PIPE_BUF on Linux).
const AT_ONCE: usize = 4096;
const BETWEEN_LOOKS: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

pub(crate) struct Pipe<'a> {
    signals: &'a Signals,
    has_written: bool,
    is_unread: bool,
}

impl<'a> Pipe<'a> {
    pub(crate) fn new(signals: &'a Signals) -> Pipe<'a> {
        Pipe { signals, has_written: false, is_unread: false }
    }

    /// Its reader has gone.
    pub(crate) fn is_unread(&self) -> bool {
        self.is_unread
    }

    /// Waits until it takes something.
    fn wait(&self) -> Result<(), TransportError> {
        loop {
            if self.signals.have_come() {
                return Err(TransportError::new(Status::Cancelled, BodySent::None, "ended by a signal"));
            }
            match poll(&mut [PollFd::from_borrowed_fd(stdout(), PollFlags::OUT)], Some(&BETWEEN_LOOKS)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(unwritable(&error.into())),
            }
        }
    }
}

impl Sink for Pipe<'_> {
    fn write(&mut self, data: &[u8]) -> Result<(), TransportError> {
        let mut rest = data;
        while !rest.is_empty() {
            self.wait()?;
            let piece = &rest[..rest.len().min(AT_ONCE)];
            match write(stdout(), piece) {
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
