//! The standard streams as they were inherited: one may be closed, or non-blocking because a process that shares it has
//! made it so. Reads and writes wait until a non-blocking stream is ready, so that nothing is lost.

use ctor::ctor;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, fcntl_getfd, read, write};
use rustix::stdio::{stderr, stdin, stdout};
use std::io::{self, BufReader, Read};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};

static STDIN_WAS_CLOSED: AtomicBool = AtomicBool::new(false);
static STDOUT_WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Runs before `main`: std replaces a closed stream by /dev/null, and after that it can't be detected.
#[ctor]
fn detect_closed_streams() {
    STDIN_WAS_CLOSED.store(fcntl_getfd(stdin()).is_err(), Ordering::Relaxed);
    STDOUT_WAS_CLOSED.store(fcntl_getfd(stdout()).is_err(), Ordering::Relaxed);
}

fn check_open(was_closed: &AtomicBool) -> io::Result<()> {
    if was_closed.load(Ordering::Relaxed) { Err(io::Error::other("it is closed")) } else { Ok(()) }
}

/// Fails if standard output was closed at the start.
pub(crate) fn check_stdout() -> io::Result<()> {
    check_open(&STDOUT_WAS_CLOSED)
}

/// Fails if standard input was closed at the start.
pub(crate) fn check_stdin() -> io::Result<()> {
    check_open(&STDIN_WAS_CLOSED)
}

/// Standard input.
pub(crate) fn input() -> io::Result<BufReader<impl Read>> {
    check_stdin()?;
    Ok(BufReader::new(Input))
}

/// Writes all bytes to standard output.
pub(crate) fn write_out(bytes: &[u8]) -> io::Result<()> {
    check_stdout()?;
    write_all(stdout(), bytes)
}

/// Writes all bytes to standard error.
pub(crate) fn write_err(bytes: &[u8]) -> io::Result<()> {
    write_all(stderr(), bytes)
}

struct Input;

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match read(stdin(), &mut *into) {
                Ok(count) => return Ok(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => wait(stdin(), PollFlags::IN)?,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match write(to, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait(to, PollFlags::OUT)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn wait(on: BorrowedFd<'_>, flags: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::from_borrowed_fd(on, flags)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
