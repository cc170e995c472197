//! `prune --backup`: downloads files to a directory before they are deleted. They are named by their ids; the file
//! `backup.jsonl` has a line with the name and the purpose of each. A file with such a line is not downloaded again.

use crate::account::Account;
use crate::context::Context;
use crate::error::CommandError;
use crate::escape;
use crate::id_files::IdFiles;
use crate::output::Unit;
use crate::parallel::call_all;
use crate::wording::count;
use crate::worklist::Worklist;
use mmx::api::bulk::is_for_all;
use mmx::api::model::FileObject;
use mmx::api::outcome::now_ms;
use mmx::api::prune::CALL;
use mmx::api::{contents, retrieve};
use mmx::error::{Error, Status};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const RECORD: &str = "backup.jsonl";
/// Downloads at a time.
const MOST_JOBS: u32 = 16;

/// A line of the record: a file that is whole on disk.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    host: String,
    key_fingerprint: String,
    file_id: i64,
    purpose: String,
    filename: String,
    created_at: i64,
    /// The size on disk.
    bytes: i64,
    /// The name in the directory.
    path: String,
    saved_at_ms: i64,
}

pub(crate) struct Backup {
    directory: PathBuf,
    files: IdFiles,
    record: File,
    /// The files of this account that were saved before.
    saved: HashMap<i64, Saved>,
    /// Directories to flush: the names of those that were created are in others.
    folders: Vec<PathBuf>,
}

/// The files as they were listed, as far as they were.
pub(crate) type Listed = HashMap<i64, FileObject>;

impl Backup {
    /// Opens or creates the directory. Sends nothing.
    pub(crate) fn open(directory: &Path, account: &Account) -> Result<Backup, CommandError> {
        let new = directory.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).count();
        let files = IdFiles::of(directory, false)?;
        let folders = directory.ancestors().take(new + 1).map(|folder| match folder.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => folder.to_owned(),
        });
        let path = directory.join(RECORD);
        let opened = open_record(&path).map_err(|error| {
            CommandError::Usage(format!("the file {} can't be used: {error}; nothing was sent", path.display()))
        });
        let (record, lines) = opened?;
        let is_ours = |saved: &Saved| {
            saved.host == account.client.host() && saved.key_fingerprint == account.client.key_fingerprint()
        };
        let saved = lines.lines().filter_map(|line| serde_json::from_str::<Saved>(line).ok()).filter(is_ours);
        let saved = saved.map(|saved| (saved.file_id, saved)).collect();
        Ok(Backup { directory: directory.to_owned(), files, record, saved, folders: folders.collect() })
    }

    /// Saves the files that are to be deleted. Those that can't be saved are marked as kept. Fails if none may be deleted.
    pub(crate) fn save(
        &self,
        context: &Context<'_>,
        account: &Account,
        work: &mut Worklist,
        listed: &Listed,
        jobs: u32,
    ) -> Result<(), CommandError> {
        let places: Vec<_> = work.open().collect();
        let ids: Vec<_> = places.iter().map(|&at| work.file(at).file_id).collect();
        let (mut done, total) = (0, i64::try_from(ids.len()).unwrap_or(i64::MAX));
        let bar = context.output.bar(Unit::Files, "backup");
        bar.report(0, total);
        let (mut new, mut earlier, mut stopped, mut unwritten) = (0, 0, None, None);
        let call = |at: usize| match self.is_saved(ids[at]) {
            true => Ok(None),
            false => self.save_one(context, account, ids[at], listed.get(&ids[at])).map(Some),
        };
        call_all(jobs.min(MOST_JOBS), ids.len(), call, |at, result| {
            done += 1;
            bar.report(done, total);
            match result {
                Ok(Some(saved)) => {
                    new += 1;
                    // At once: a run that is killed goes on from there.
                    unwritten = self.write_line(&saved).err().or(unwritten.take());
                }
                Ok(None) => earlier += 1,
                Err(error) if is_for_all(&error) || context.signals.have_come() => stopped = Some(error),
                Err(error) => work.set_unsaved(places[at], explained(&error)),
            }
            stopped.is_none() && unwritten.is_none() && !context.signals.have_come()
        });
        drop(bar);
        unwritten.map_or_else(|| self.flush(), Err).map_err(|error| {
            let why = format!("the backup in {} can't be completed: {error}", self.directory.display());
            Error::new(Status::File, CALL, format!("{why}; no delete was sent"))
        })?;
        if let Some(mut error) = stopped {
            error.add("; no delete was sent");
            return Err(error.into());
        }
        if context.signals.have_come() {
            let why = "cancelled while files were backed up; no delete was sent";
            return Err(Error::new(Status::Cancelled, CALL, why).into());
        }
        if !context.output.json && new + earlier > 0 {
            let before = if earlier > 0 { format!(" ({earlier} by an earlier run)") } else { String::new() };
            let directory = escape::text(&self.directory.to_string_lossy());
            context.output.say(&format!("backed up to {directory}: {}{before}", count(new + earlier)));
        }
        Ok(())
    }

    fn write_line(&self, saved: &Saved) -> io::Result<()> {
        let line = serde_json::to_string(saved)? + "\n";
        (&self.record).write_all(line.as_bytes())
    }

    /// Brings the record and the names of the files to the disk. The files themselves are there already.
    fn flush(&self) -> io::Result<()> {
        self.record.sync_all()?;
        self.folders.iter().try_for_each(|folder| flush(folder))
    }

    fn save_one(
        &self,
        context: &Context<'_>,
        account: &Account,
        id: i64,
        listed: Option<&FileObject>,
    ) -> Result<Saved, Error> {
        let client = &account.client;
        let retrieved = match listed {
            Some(_) => None,
            None => {
                let json = retrieve::retrieve(client, id, &context.call_options(None))?;
                contents::files(&json).ok().and_then(|files| files.into_iter().next())
            }
        };
        let about = listed.or(retrieved.as_ref());
        let bar = context.output.bar(Unit::Bytes, &id.to_string());
        let report = |done, total| bar.report(done, total);
        let options = context.call_options(Some(&report));
        let json = self.files.download_to_keep(client, id, &self.files.free_stem(id), context, &options)?;
        let path = json["path"].as_str().unwrap_or_default();
        let bytes = whole(&json, about.map_or(0, |file| file.bytes)).map_err(|why| {
            // It must not be taken for a backup.
            let _ = fs::remove_file(path);
            Error::new(Status::File, CALL, why)
        })?;
        Ok(Saved {
            host: client.host().to_owned(),
            key_fingerprint: client.key_fingerprint(),
            file_id: id,
            purpose: about.map(|file| file.purpose.clone()).unwrap_or_default(),
            filename: about.map(|file| file.filename.clone()).unwrap_or_default(),
            created_at: about.map_or(0, |file| file.created_at),
            bytes,
            path: path.rsplit('/').next().unwrap_or_default().to_owned(),
            saved_at_ms: now_ms(),
        })
    }

    /// Whether the record has the file, and it is still whole on disk.
    fn is_saved(&self, id: i64) -> bool {
        let Some(saved) = self.saved.get(&id) else { return false };
        let is_name = !saved.path.is_empty() && !saved.path.contains('/');
        let about = fs::symlink_metadata(self.directory.join(&saved.path));
        is_name && about.is_ok_and(|about| about.is_file() && i64::try_from(about.len()) == Ok(saved.bytes))
    }
}

/// The record to append to, locked, and its lines.
fn open_record(path: &Path) -> io::Result<(File, String)> {
    let mut record = OpenOptions::new().append(true).create(true).open(path)?;
    flock(&record, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
        Errno::WOULDBLOCK => io::Error::other("it is used by another run"),
        error => error.into(),
    })?;
    let lines = String::from_utf8_lossy(&fs::read(path)?).into_owned();
    // A crash may have cut off the last line.
    if !lines.is_empty() && !lines.ends_with('\n') {
        record.write_all(b"\n")?;
    }
    Ok((record, lines))
}

/// The size of a downloaded file, checked against the response, the list and the disk.
fn whole(json: &Value, listed: i64) -> Result<i64, String> {
    let bytes = json["bytes"].as_i64().unwrap_or_default();
    let announced = json["length"].as_i64();
    let listed = Some(listed).filter(|listed| *listed > 0);
    match (announced, listed) {
        (None, None) => return Err("the service doesn't say how long it is, so it may have been cut off".into()),
        (_, Some(listed)) if listed != bytes => {
            return Err(format!("{bytes} bytes came of the {listed} that are listed"));
        }
        (Some(announced), _) if announced != bytes => return Err(format!("{bytes} bytes came of {announced}")),
        _ => {}
    }
    let path = json["path"].as_str().unwrap_or_default();
    match fs::metadata(path) {
        Ok(there) if i64::try_from(there.len()) == Ok(bytes) => Ok(bytes),
        Ok(there) => Err(format!("{path} has {} bytes instead of {bytes}", there.len())),
        Err(error) => Err(format!("{path} can't be read: {error}")),
    }
}

fn explained(error: &Error) -> Error {
    let text = format!("its backup failed: {}", error.without_call());
    Error { message: Error::new(error.status, error.call, text).message, ..error.clone() }
}

/// Brings the names in a directory to the disk, where the file system can do that.
fn flush(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(()),
        flushed => flushed,
    }
}
