//! Special files, as a path may lead to: a FIFO or a device has nothing to give or no room for a while. That is waited
//! for so that a cancel and the deadline are heard; as with the caller's own functions, not the idle limit.

use super::upload_body::{Source, unreadable};
use super::wait;
use crate::transport::error::{TransportError, plain};
use crate::transport::exchange::Limits;
use crate::transport::reactor::{READ, Reactor, WRITE};
use crate::transport::sys::SigpipeGuard;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// Polling interval for a FIFO's reader: there is no event for it.
const LOOK: Duration = Duration::from_millis(10);

pub struct SpecialFile<'a> {
    file: File,
    path: PathBuf,
    limits: Limits<'a>,
}

impl<'a> SpecialFile<'a> {
    /// Opens it; of a FIFO there is something to read then, or its end.
    pub fn open_to_read(limits: Limits<'a>, path: &Path) -> Result<SpecialFile<'a>, TransportError> {
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
        let file = opened.map_err(|error| unreadable(path.display(), plain(&error)).caused_by(&error))?;
        let special = SpecialFile { file, path: path.to_owned(), limits };
        if is_fifo(path) {
            // As long as nobody has opened it to write, a read says that it has ended.
            special.wait(READ)?;
        }
        Ok(special)
    }

    /// Opens it; of a FIFO there is a reader then.
    pub fn open_to_write(limits: Limits<'a>, path: &Path) -> Result<SpecialFile<'a>, TransportError> {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(libc::O_NONBLOCK);
        let phase = format!("waiting for a reader of {}", path.display());
        let opened = wait::drive(limits, &phase, |reactor: Rc<Reactor>| async move {
            loop {
                match options.open(path) {
                    Err(error) if error.raw_os_error() == Some(libc::ENXIO) && is_fifo(path) => {
                        reactor.sleep(LOOK).await;
                    }
                    opened => return opened,
                }
            }
        })?;
        let file = opened.map_err(|error| unwritable(path, &error))?;
        Ok(SpecialFile { file, path: path.to_owned(), limits })
    }

    pub fn write_all(&mut self, mut data: &[u8]) -> Result<(), TransportError> {
        let _guard = SigpipeGuard::block();
        while !data.is_empty() {
            match self.file.write(data) {
                Ok(count) => data = &data[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(WRITE)?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unwritable(&self.path, &error)),
            }
        }
        Ok(())
    }

    fn wait(&self, interest: u8) -> Result<(), TransportError> {
        let wanted = if interest == READ { "bytes from" } else { "room in" };
        let phase = format!("waiting for {wanted} {}", self.path.display());
        wait::drive(
            self.limits,
            &phase,
            |reactor: Rc<Reactor>| async move { reactor.ready(&self.file, interest).await },
        )
    }
}

impl Source for SpecialFile<'_> {
    fn size(&self) -> Option<u64> {
        None
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(READ)?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read.map_err(|error| unreadable(self.path.display(), plain(&error)).caused_by(&error)),
            }
        }
    }

    /// Bytes that were read are gone.
    fn can_rewind(&self) -> bool {
        false
    }

    fn rewind(&mut self) -> Result<(), String> {
        Err(format!("{} can't go back to its start", self.path.display()))
    }
}

fn is_fifo(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| there.file_type().is_fifo())
}

/// A folder, which has no bytes to upload.
pub fn is_a_folder(path: &Path) -> TransportError {
    unreadable(path.display(), "it is a folder").caused_by(&io::Error::from_raw_os_error(libc::EISDIR))
}

pub fn unwritable(path: &Path, error: &io::Error) -> TransportError {
    TransportError::file(format!("{} can't be written: {}", path.display(), plain(error))).caused_by(error)
}
