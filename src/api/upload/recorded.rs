//! An upload of a client with a ledger: the intent is on disk before the first byte is sent, and the id after the
//! response.

use super::{Stored, Upload, UploadFlags};
use crate::api::outcome::now_ms;
use crate::api::retrieve;
use crate::error::{Error, Status};
use crate::ledger::{self, Entries, Fact, Flush, Ledger, ProcessId, Struck};
use crate::transfer::run::Transfer;
use crate::transfer::upload_body::{ReadState, Source};
use crate::transfer::wait;
use crate::transport::client::CallOptions;
use crate::transport::error::TransportError;
use sha2::{Digest as _, Sha256};
use std::io;
use std::time::Duration;

/// How often the ledger is read while another process uploads the same bytes.
const LOOK: Duration = Duration::from_millis(50);
const PIECE: usize = 256 * 1024;

/// The size and hash of a source.
#[derive(Clone, Debug, Default)]
struct Contents {
    bytes: Option<u64>,
    sha256: Option<String>,
}

/// The ledger's knowledge of the same bytes.
enum Known {
    Nothing,
    File {
        entry: String,
        file_id: i64,
        at_ms: i64,
        expires_after_s: Option<u64>,
    },
    /// Another process uploads them.
    Upload(u32),
}

pub(super) fn upload(
    mut upload: Upload<'_, '_>,
    ledger: &Ledger<'_>,
    flags: UploadFlags,
    options: &CallOptions<'_>,
) -> Result<String, Error> {
    let begun = begin(&mut upload, ledger, flags, options);
    let entry = match begun {
        Ok(Begun::Entry(entry)) => entry,
        Ok(Begun::Reused(json)) => return upload.transfer.ended(Ok(json)),
        Err(error) => return upload.transfer.ended(Err(error)),
    };
    let process = crate::transport::process::Process::current();
    let mut source = Hashing::new(upload.source);
    let result = Upload { source: &mut source, ..upload }.make();
    if process.is_forked_child() {
        // The entry is the parent's.
        return result.map(|stored| stored.json);
    }
    ledger.record(Flush::Yes, vec![end(entry, &result, source)]);
    result.map(|stored| stored.json)
}

fn end(entry: String, result: &Result<Stored, Error>, source: Hashing<'_>) -> Fact {
    match result {
        Ok(stored) => {
            let Contents { bytes, sha256 } = source.contents();
            Fact::Id { entry, file_id: stored.file_id, created_at: stored.created_at, bytes, sha256 }
        }
        Err(error) if error.ambiguous => Fact::Unknown { entry },
        Err(_) => Fact::Struck { entry, why: Struck::NotStored },
    }
}

enum Begun {
    /// Its intent is on disk.
    Entry(String),
    /// The JSON of a file that is there.
    Reused(String),
}

fn begin(
    upload: &mut Upload<'_, '_>,
    ledger: &Ledger<'_>,
    flags: UploadFlags,
    options: &CallOptions<'_>,
) -> Result<Begun, Error> {
    let (call, limits) = (upload.transfer.call.name, upload.transfer.limits);
    if flags.reuse && !upload.source.can_rewind() {
        let why = "has MMX_CALL_REUSE, for which what is uploaded must be able to go back to its start";
        return Err(Error::invalid_argument(call, "options.flags", why));
    }
    let contents = match upload.source.can_rewind() {
        true => read_through(&upload.transfer, upload.source)?,
        false => Contents { bytes: upload.source.size(), sha256: None },
    };
    let unsent = |mut error: Error| {
        error.add("; nothing was sent");
        error
    };
    let unreadable = |error| unsent(ledger::unreadable(call, &error));
    let process = ProcessId::current().map_err(unreadable)?;
    loop {
        let entry = ledger::new_name();
        let intent = Fact::Intent {
            entry: entry.clone(),
            at_ms: now_ms(),
            account: ledger.account.clone(),
            purpose: upload.purpose.to_owned(),
            filename: upload.filename.to_owned(),
            bytes: contents.bytes,
            sha256: contents.sha256.clone(),
            process: process.clone(),
            temporary: flags.temporary,
            expires_after_s: options.expires_after_s,
        };
        let known = ledger
            .change(limits, Flush::Yes, |entries| {
                let known = match flags.reuse {
                    true => known(entries, ledger, upload.purpose, &contents, &process),
                    false => Ok(Known::Nothing),
                };
                (if let Ok(Known::Nothing) = known { vec![intent] } else { Vec::new() }, known)
            })
            .map_err(unsent)?
            .map_err(unreadable)?;
        match known {
            Known::Nothing => return Ok(Begun::Entry(entry)),
            Known::File { entry, file_id, at_ms, expires_after_s } => {
                if let Some(json) = look_up(&upload.transfer, file_id, options)? {
                    let age_s = u64::try_from(now_ms().saturating_sub(at_ms) / 1000).unwrap_or_default();
                    let wanted = options.expires_after_s.map(|after| after.saturating_add(age_s));
                    keep_for_longer(ledger, entry, expires_after_s, wanted);
                    return Ok(Begun::Reused(json));
                }
                ledger.strike_out(file_id, Struck::Absent);
            }
            Known::Upload(other) => {
                let phase = format!("waiting for process {other}, which uploads the same bytes");
                wait::pause(limits, &phase, LOOK).map_err(|failure| Error::new(failure.status, call, failure.text))?;
            }
        }
    }
}

fn known(
    entries: &Entries,
    ledger: &Ledger<'_>,
    purpose: &str,
    contents: &Contents,
    process: &ProcessId,
) -> io::Result<Known> {
    let same = entries.of(&ledger.account).filter(|(_, entry)| {
        let is_same = entry.sha256.is_some() && (&entry.sha256, entry.bytes) == (&contents.sha256, contents.bytes);
        is_same && entry.purpose.as_deref() == Some(purpose) && !entry.temporary && entry.taken_to.is_none()
    });
    let mut others = Known::Nothing;
    for (name, entry) in same {
        if let Some(file) = entry.file {
            let (name, at_ms, expires_after_s) = (name.to_owned(), entry.at_ms, entry.expires_after_s);
            return Ok(Known::File { entry: name, file_id: file.file_id, at_ms, expires_after_s });
        }
        if !entry.is_unknown && !entry.process.has_ended(process)? {
            others = Known::Upload(entry.process.id);
        }
    }
    Ok(others)
}

/// The file that both uploads share stays as long as either of them wants it; both times count from the first upload.
fn keep_for_longer(ledger: &Ledger<'_>, entry: String, before: Option<u64>, wanted: Option<u64>) {
    let Some(before) = before else { return };
    let expires_after_s = wanted.map(|wanted| wanted.max(before));
    if expires_after_s != Some(before) {
        ledger.record(Flush::Yes, vec![Fact::Expiry { entry, expires_after_s }]);
    }
}

/// The file's JSON, or `None` if the service doesn't know it any more.
fn look_up(transfer: &Transfer<'_>, file_id: i64, options: &CallOptions<'_>) -> Result<Option<String>, Error> {
    let timeout = transfer.limits.deadline.left_or(options.timeout);
    let options = CallOptions { timeout, http: Some(&transfer.http), progress: None, ..*options };
    match retrieve::ask(transfer.client, file_id, &options) {
        Ok((_, response)) => Ok(Some(response.json)),
        Err(error) if retrieve::is_not_there(&error) => Ok(None),
        Err(error) => {
            let call = transfer.call.name;
            let text = format!("whether the file {file_id} can be used again: {}", error.without_call());
            let message = Error::new(error.status, call, text).message;
            Err(Error { call, message, ..error })
        }
    }
}

/// Reads all of a source, and goes back to its start.
fn read_through(transfer: &Transfer<'_>, source: &mut dyn Source) -> Result<Contents, Error> {
    let call = transfer.call.name;
    let failed = |failure: TransportError| transfer.error(failure).error;
    let mut hash = Sha256::new();
    let mut read = ReadState::default();
    let mut buffer = vec![0; PIECE];
    loop {
        transfer.limits.check().map_err(|ended| {
            let (status, text) = ended.describe("reading what is uploaded");
            Error::new(status, call, text)
        })?;
        let count = source.read(&mut buffer);
        transfer.check_process()?;
        let count = count.map_err(failed)?;
        read.add(count, PIECE, source.size()).map_err(failed)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
    }
    let rewound = source.rewind();
    transfer.check_process()?;
    rewound.map_err(|why| Error::new(Status::File, call, why))?;
    Ok(Contents { bytes: Some(read.bytes), sha256: Some(hex(hash)) })
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::with_capacity(64), |text, byte| format!("{text}{byte:02x}"))
}

/// A source and the hash of what was read of it: the bytes may have changed since they were hashed first.
struct Hashing<'s> {
    source: &'s mut dyn Source,
    hash: Sha256,
    bytes: u64,
}

impl<'s> Hashing<'s> {
    fn new(source: &'s mut dyn Source) -> Hashing<'s> {
        Hashing { source, hash: Sha256::new(), bytes: 0 }
    }

    fn contents(self) -> Contents {
        Contents { bytes: Some(self.bytes), sha256: Some(hex(self.hash)) }
    }
}

impl Source for Hashing<'_> {
    fn size(&self) -> Option<u64> {
        self.source.size()
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        let count = self.source.read(buffer)?;
        if let Some(piece) = buffer.get(..count) {
            self.hash.update(piece);
            self.bytes += count as u64;
        }
        Ok(count)
    }

    fn can_rewind(&self) -> bool {
        self.source.can_rewind()
    }

    fn rewind(&mut self) -> Result<(), String> {
        (self.hash, self.bytes) = (Sha256::new(), 0);
        self.source.rewind()
    }
}
