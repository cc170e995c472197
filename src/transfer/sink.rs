//! Where a download is written: beside the target under a temporary name until it is whole, so that the target is whole
//! or untouched, whatever happens.

use super::file_system;
use super::local_file::{SpecialFile, unwritable};
use crate::error::{Error, Status};
use crate::transport::client::{Call, Client};
use crate::transport::error::{TransportError, plain};
use crate::transport::exchange::Limits;
use crate::transport::process::Process;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::mem;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Where a download's bytes go.
pub trait Sink {
    /// Takes all of it, or says why not.
    fn write(&mut self, data: &[u8]) -> Result<(), TransportError>;
    /// Forgets what was written, or says why it can't.
    fn restart(&mut self) -> Result<(), String>;
    /// The whole file was written.
    fn finish(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
    fn settle(&self) -> Settle {
        Settle::IfPossible
    }
}

/// Whether a file has to be on the disk before it counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// Not where the file system can't do that.
    IfPossible,
    /// Its folder, too.
    Surely,
}

enum Place<'a> {
    /// With the target as it is now.
    Beside(NamedTempFile, Option<Metadata>),
    /// A device or a pipe can't be replaced.
    Straight(SpecialFile<'a>),
    Gone,
}

pub struct Target<'a> {
    path: PathBuf,
    place: Place<'a>,
    written: u64,
    settle: Settle,
    process: Process,
}

impl<'a> Target<'a> {
    pub fn new(
        client: &'a Client,
        call: &Call,
        limits: Limits<'a>,
        path: &str,
        settle: Settle,
    ) -> Result<Target<'a>, Error> {
        let failed = |error: io::Error| {
            Error::new(Status::File, call.name, format!("{path} can't be written: {}", plain(&error))).caused_by(&error)
        };
        if path.is_empty() {
            return Err(Error::invalid_argument(call.name, "path", "is empty"));
        }
        let path_of_file = behind_links(Path::new(path)).map_err(failed)?;
        let place = match fs::metadata(&path_of_file) {
            Ok(there) if there.is_dir() => return Err(failed(io::Error::from_raw_os_error(libc::EISDIR))),
            Ok(there) if there.is_file() => {
                if file_system::is_mount_point(&path_of_file) {
                    // It can't be replaced, only written through.
                    OpenOptions::new().write(true).open(&path_of_file).map_err(failed)?;
                }
                // The temporary file is never more open than the target.
                let mode = there.permissions().mode() & 0o777;
                Place::Beside(temporary_file(&path_of_file, mode).map_err(failed)?, Some(there))
            }
            Ok(_) if settle == Settle::Surely => {
                let text = format!("{path} is no regular file, and would keep nothing: nothing was sent");
                return Err(Error::new(Status::File, call.name, text));
            }
            Ok(_) => Place::Straight(
                SpecialFile::open_to_write(limits, &path_of_file)
                    .map_err(|failure| client.error(call, failure, 0).error)?,
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = folder(&path_of_file);
                if let Err(error) = fs::metadata(folder) {
                    let why = format!("the folder {}: {}", folder.display(), plain(&error));
                    let text = format!("{path} can't be written: {why}");
                    return Err(Error::new(Status::File, call.name, text).caused_by(&error));
                }
                Place::Beside(temporary_file(&path_of_file, 0o666).map_err(failed)?, None)
            }
            Err(error) => return Err(failed(error)),
        };
        Ok(Target { path: path_of_file, place, written: 0, settle, process: Process::current() })
    }
}

impl Sink for Target<'_> {
    fn write(&mut self, data: &[u8]) -> Result<(), TransportError> {
        let written = match &mut self.place {
            // At an offset of ours: a child after a fork shares the file's own.
            Place::Beside(file, _) => file.as_file().write_all_at(data, self.written),
            Place::Straight(file) => return file.write_all(data),
            Place::Gone => Ok(()),
        };
        self.written += data.len() as u64;
        written.map_err(|error| unwritable(&self.path, &error))
    }

    fn restart(&mut self) -> Result<(), String> {
        match &self.place {
            Place::Beside(file, _) => {
                self.written = 0;
                file.as_file().set_len(0).map_err(|error| plain(&error))
            }
            _ => Err("what was written to a device or a pipe can't be taken back".into()),
        }
    }

    /// It takes the target's place, on the disk. What was received is not thrown away for a failure here.
    fn finish(&mut self) -> Result<(), TransportError> {
        let Place::Beside(file, before) = mem::replace(&mut self.place, Place::Gone) else { return Ok(()) };
        let settled = match self.settle {
            Settle::IfPossible => Ok(()),
            Settle::Surely => file.as_file().sync_all(),
        };
        if let Err(error) = settled.and_then(|()| file_system::settle(file.as_file(), before.as_ref())) {
            return Err(self.kept(file, &error));
        }
        match file.persist(&self.path) {
            Ok(_) => {}
            // A mount point.
            Err(failed) if file_system::is_busy(&failed.error) => {
                let written = file_system::write_through(failed.file.as_file(), &self.path);
                let settled = written.and_then(|()| match self.settle {
                    Settle::IfPossible => Ok(()),
                    Settle::Surely => File::open(&self.path)?.sync_all(),
                });
                if let Err(error) = settled {
                    return Err(self.kept(failed.file, &error));
                }
            }
            Err(failed) => return Err(self.kept(failed.file, &failed.error)),
        }
        // The name is on the disk once its folder is; where folders can't be synchronised, that is all there is.
        let flushed = File::open(folder(&self.path)).and_then(|folder| folder.sync_all());
        match (self.settle, flushed) {
            (Settle::Surely, Err(error)) => {
                let text = format!(
                    "{} is written, but its folder can't be brought to the disk: {}",
                    self.path.display(),
                    plain(&error)
                );
                Err(TransportError::file(text).caused_by(&error))
            }
            _ => Ok(()),
        }
    }

    fn settle(&self) -> Settle {
        self.settle
    }
}

impl Target<'_> {
    /// The error of a failure after the last byte: the temporary file stays.
    fn kept(&self, file: NamedTempFile, error: &io::Error) -> TransportError {
        let mut failure = unwritable(&self.path, error);
        failure.text += &match file.keep() {
            Ok((_, kept)) => format!("; what was received is in {}", kept.display()),
            Err(lost) => format!("; what was received can't be kept: {}", plain(&lost.error)),
        };
        failure
    }
}

impl Drop for Target<'_> {
    fn drop(&mut self) {
        if self.process.is_forked_child() {
            // The temporary file is the parent's: it is not deleted here.
            mem::forget(mem::replace(&mut self.place, Place::Gone));
        }
    }
}

fn temporary_file(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    // The umask takes from it what it takes of any new file. Opened here, for the crate's own errors have no errno.
    let open = |path: &Path| OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(path);
    tempfile::Builder::new().prefix(".mmx-").suffix(".part").make_in(folder(path), open)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The target of a symlink is written, also if it doesn't exist yet.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    const MOST: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST {
        match fs::read_link(&path) {
            Ok(target) => {
                file_system::check_link(&path)?;
                path = folder(&path).join(target);
            }
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::from_raw_os_error(libc::ELOOP))
}
