//! The file of a ledger: read as it grows, appended to under a lock (`flock`), rewritten whole when more than half of it
//! is struck out.

use super::Flush;
use super::entries::Entries;
use super::fact::{Fact, Head, VERSION};
use crate::error::{Error, Status};
use crate::transfer::wait;
use crate::transport::error::{TransportError, plain};
use crate::transport::exchange::Limits;
use crate::transport::process::{PerProcess, Process};
use crate::transport::sys;
use rustix::fs::{FlockOperation, flock};
use std::collections::HashMap;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest wait for another process that has the lock: it holds it for a few milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// A shorter file is not worth rewriting.
const MIN_LEN_TO_REWRITE: u64 = 16 << 10;

/// Why a ledger can't be used.
#[derive(Debug)]
pub(super) enum Failure {
    Io(&'static str, io::Error),
    Unusable(String),
    /// The call ended while the lock was waited for.
    Ended(TransportError),
}

impl Failure {
    pub(super) fn error(self, call: &'static str, path: &Path) -> Error {
        let path = path.display();
        match self {
            Failure::Io(what, error) => {
                Error::new(Status::File, call, format!("the ledger {path} can't be {what}: {}", plain(&error)))
                    .caused_by(&error)
            }
            Failure::Unusable(why) => Error::new(Status::File, call, format!("the ledger {path} {why}")),
            Failure::Ended(failure) => Error::new(failure.status, call, failure.text),
        }
    }
}

/// The part of a ledger that this process has read.
#[derive(Default)]
struct Cache {
    /// Device and inode.
    file: (u64, u64),
    /// The position after the last complete line that was read.
    end: u64,
    line: usize,
    entries: Entries,
    /// Facts that could not be written when they came.
    late: Vec<Fact>,
    /// After a failure: the length at which rewriting is tried again.
    rewrite_from: u64,
}

type Caches = Mutex<HashMap<PathBuf, Arc<Mutex<Cache>>>>;

/// One for each process, for a child may inherit a lock that is held.
static CACHES: PerProcess<Caches> = PerProcess::new();

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct Storage {
    path: PathBuf,
    cache: Arc<Mutex<Cache>>,
}

impl Storage {
    pub(super) fn new(path: &Path) -> Storage {
        let caches = CACHES.get_or_init(Process::current(), |_| Caches::default());
        let cache = lock(caches).entry(path.to_owned()).or_default().clone();
        Storage { path: path.to_owned(), cache }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A line that is being written is not complete, and left out.
    pub(super) fn read<T>(&self, with: impl FnOnce(&Entries) -> T) -> Result<T, Failure> {
        let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(with(&Entries::default())),
            Err(error) => return Err(Failure::Io("opened", error)),
        };
        check(&file)?;
        let mut cache = lock(&self.cache);
        cache.refresh(&file)?;
        Ok(with(&cache.entries))
    }

    pub(super) fn change<T>(
        &self,
        limits: Limits<'_>,
        flush: Flush,
        decide: impl FnOnce(&Entries) -> (Vec<Fact>, T),
    ) -> Result<T, Failure> {
        let file = self.lock(limits)?;
        let mut cache = lock(&self.cache);
        cache.refresh(&file)?;
        let (facts, result) = decide(&cache.entries);
        let late = cache.late.len();
        let facts: Vec<_> = cache.late.iter().cloned().chain(facts).collect();
        if facts.is_empty() {
            return Ok(result);
        }
        cache.append(&file, &self.path, facts)?;
        cache.late.drain(..late);
        cache.rewrite_if_worth_it(&file, &self.path);
        drop(cache);
        // Others may go on while it is flushed. If one of them rewrites the file meanwhile, it flushes the new one.
        let _ = flock(&file, FlockOperation::Unlock);
        if flush == Flush::Yes {
            file.sync_data().map_err(|error| Failure::Io("flushed", error))?;
        }
        Ok(result)
    }

    /// For the next change.
    pub(super) fn write_later(&self, facts: Vec<Fact>) {
        lock(&self.cache).late.extend(facts);
    }

    /// Opens it, makes it if it isn't there, and locks it.
    fn lock(&self, limits: Limits<'_>) -> Result<File, Failure> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            let file = open(&self.path)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    // It may have been rewritten since it was opened.
                    let there = fs::metadata(&self.path).ok().map(|meta| identity(&meta));
                    let opened = file.metadata().map_err(|error| Failure::Io("read", error))?;
                    if there == Some(identity(&opened)) {
                        return Ok(file);
                    }
                    continue;
                }
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(error) => return Err(Failure::Io("locked", error.into())),
            }
            if began.elapsed() >= LOCK_WAIT {
                let why = format!("has been locked by another process for {} s", LOCK_WAIT.as_secs());
                return Err(Failure::Unusable(why));
            }
            drop(file);
            let phase = format!("waiting for the lock of the ledger {}", self.path.display());
            wait::pause(limits, &phase, pause).map_err(Failure::Ended)?;
            pause = (pause * 2).min(Duration::from_millis(16));
        }
    }
}

fn identity(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

fn open(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let opened = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => options.create(true).open(path),
        opened => opened,
    };
    let file = opened.map_err(|error| Failure::Io("opened", error))?;
    check(&file)?;
    if file.metadata().map_err(|error| Failure::Io("read", error))?.mode() & 0o222 == 0 {
        // To the superuser the kernel would let it pass.
        return Err(Failure::Io("opened", io::Error::from_raw_os_error(libc::EACCES)));
    }
    Ok(file)
}

/// Another user who can write to it could choose the files that are deleted.
fn check(file: &File) -> Result<(), Failure> {
    let meta = file.metadata().map_err(|error| Failure::Io("read", error))?;
    let why = if !meta.is_file() {
        "is no file"
    } else if meta.uid() != sys::effective_user() {
        "belongs to another user"
    } else if meta.mode() & 0o022 != 0 {
        "can be written by others: check it, then run chmod go-w"
    } else {
        return Ok(());
    };
    Err(Failure::Unusable(why.into()))
}

impl Cache {
    /// Reads what was added since, or all of a new file.
    fn refresh(&mut self, file: &File) -> Result<(), Failure> {
        let meta = file.metadata().map_err(|error| Failure::Io("read", error))?;
        if self.file != identity(&meta) || meta.len() < self.end {
            *self = Cache { file: identity(&meta), late: std::mem::take(&mut self.late), ..Cache::default() };
        }
        let mut text = vec![0; usize::try_from(meta.len() - self.end).unwrap_or(usize::MAX)];
        let mut filled = 0;
        while filled < text.len() {
            match file.read_at(&mut text[filled..], self.end + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::Io("read", error)),
            }
        }
        text.truncate(filled);
        // A line without its end was cut off by a crash, and counts for nothing.
        let complete = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
        let result = text[..complete].split_inclusive(|&byte| byte == b'\n').try_for_each(|line| self.take_in(line));
        if result.is_err() {
            // Read again from the start: it may be mended by then.
            self.file = (0, 0);
        }
        result
    }

    fn take_in(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.line += 1;
        if self.line == 1 {
            let head: Option<Head> = serde_json::from_slice(line).ok();
            match head.map(|head| head.ledger) {
                Some(VERSION) => {}
                Some(version) => {
                    let why = format!("is of version {version}, which this version of libmmx can't read");
                    return Err(Failure::Unusable(why));
                }
                None => return Err(Failure::Unusable("is no ledger: its first line isn't that of one".into())),
            }
        } else {
            let fact = serde_json::from_slice(line)
                .map_err(|_| Failure::Unusable(format!("is damaged in line {}", self.line)))?;
            self.entries.apply(fact, line.len() as u64);
        }
        self.end += line.len() as u64;
        Ok(())
    }

    /// All of it, or nothing.
    fn append(&mut self, file: &File, path: &Path, facts: Vec<Fact>) -> Result<(), Failure> {
        let written = |error| Failure::Io("written", error);
        let is_new = self.end == 0;
        let mut text = String::new();
        if is_new {
            text.push_str(&head());
        }
        facts.iter().for_each(|fact| text.push_str(&fact.to_line()));
        // Without the part of a line that a crash left.
        if file.metadata().map_err(written)?.len() > self.end {
            file.set_len(self.end).map_err(written)?;
        }
        let mut to = file;
        if let Err(error) = to.write_all(text.as_bytes()) {
            let _ = file.set_len(self.end);
            return Err(written(error));
        }
        if is_new {
            // Its name is on the disk once its folder is.
            let flushed = file.sync_all().and_then(|()| File::open(folder(path))?.sync_all());
            let unsupported = |error: &io::Error| error.raw_os_error() == Some(libc::EINVAL);
            if let Err(error) = flushed
                && !unsupported(&error)
            {
                let _ = file.set_len(0);
                return Err(Failure::Io("flushed", error));
            }
        }
        text.as_bytes().split_inclusive(|&byte| byte == b'\n').try_for_each(|line| self.take_in(line))
    }

    /// A failure changes nothing: the file stays as it is.
    fn rewrite_if_worth_it(&mut self, file: &File, path: &Path) {
        let is_worth_it = self.end >= MIN_LEN_TO_REWRITE.max(self.rewrite_from) && self.entries.len() < self.end / 2;
        if is_worth_it && self.rewrite(file, path).is_err() {
            self.rewrite_from = self.end * 2;
        }
    }

    fn rewrite(&mut self, before: &File, path: &Path) -> io::Result<()> {
        // The target of a symbolic link, not the link.
        let path = fs::canonicalize(path)?;
        let mut text = head();
        self.entries.facts().iter().for_each(|fact| text.push_str(&fact.to_line()));
        let permissions = before.metadata()?.permissions();
        let new = tempfile::Builder::new().prefix(".mmx-").suffix(".ledger").tempfile_in(folder(&path))?;
        new.as_file().set_permissions(permissions)?;
        new.as_file().write_all_at(text.as_bytes(), 0)?;
        new.as_file().sync_all()?;
        // Locked, so that others wait until this change is over: the new file is not complete without it.
        flock(new.as_file(), FlockOperation::NonBlockingLockExclusive)?;
        let new = new.persist(&path).map_err(|failed| failed.error)?;
        let _ = File::open(folder(&path)).and_then(|folder| folder.sync_all());
        *self = Cache { file: (0, 0), late: std::mem::take(&mut self.late), ..Cache::default() };
        self.refresh(&new).map_err(|_| io::Error::from_raw_os_error(libc::EIO))
    }
}

fn head() -> String {
    let mut line = serde_json::to_string(&Head { ledger: VERSION }).expect("a number");
    line.push('\n');
    line
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
