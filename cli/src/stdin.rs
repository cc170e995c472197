//! Standard input as the source of an upload.

use crate::signals::Signals;
use crate::streams;
use mmx::error::Status;
use mmx::transfer::upload_body::Source;
use mmx::transport::body::BodySent;
use mmx::transport::error::TransportError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, SeekFrom, fstat, seek};
use rustix::io::{Errno, read};
use rustix::stdio::stdin;
use std::io;

/// The interval at which signals are checked for.
const INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

pub(crate) struct StdinSource<'a> {
    signals: &'a Signals,
    /// If it is a file: the position at the start and the number of bytes from there.
    file: Option<(u64, u64)>,
}

impl<'a> StdinSource<'a> {
    pub(crate) fn new(signals: &'a Signals) -> io::Result<StdinSource<'a>> {
        streams::check_stdin()?;
        Ok(StdinSource { signals, file: file_at_start() })
    }
}

fn file_at_start() -> Option<(u64, u64)> {
    let stat = fstat(stdin()).ok().filter(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)?;
    let start = seek(stdin(), SeekFrom::Current(0)).ok()?;
    Some((start, u64::try_from(stat.st_size).ok()?.checked_sub(start)?))
}

impl Source for StdinSource<'_> {
    fn size(&self) -> Option<u64> {
        self.file.map(|(_, size)| size)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        loop {
            if self.signals.have_come() {
                return Err(TransportError::new(Status::Cancelled, BodySent::None, "ended by a signal"));
            }
            let ready = poll(&mut [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)], Some(&INTERVAL));
            match ready.and_then(|count| if count == 0 { Err(Errno::AGAIN) } else { read(stdin(), &mut *buffer) }) {
                Ok(count) => return Ok(count),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => {
                    let error = io::Error::from(error);
                    return Err(TransportError::file(format!("standard input can't be read: {error}")));
                }
            }
        }
    }

    fn can_rewind(&self) -> bool {
        self.file.is_some()
    }

    fn rewind(&mut self) -> Result<(), String> {
        let (start, _) = self.file.ok_or("standard input is not a file")?;
        seek(stdin(), SeekFrom::Start(start)).map(|_| ()).map_err(|error| io::Error::from(error).to_string())
    }
}
