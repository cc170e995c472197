//! Upload: `POST /v1/files/upload`, the API's page "File Upload": a form of `purpose` first, then `file`.

pub mod reconcile;
mod recorded;

use crate::api::purpose;
use crate::api::response::envelope;
use crate::api::response::envelope::ApiResponse;
use crate::api::response::model::FileObject;
use crate::error::{Error, Status};
use crate::ledger::{self, Ledger};
use crate::transfer::local_file::{SpecialFile, is_a_folder};
use crate::transfer::run::Transfer;
use crate::transfer::upload_body::{MultipartFraming, ReadState, Source, unreadable};
use crate::transport::body::BodySent;
use crate::transport::call_state;
use crate::transport::client::{Call, CallKind, CallOptions, Client};
use crate::transport::effect::Effect;
use crate::transport::error::{TransportError, plain};
use crate::transport::exchange::Limits;
use http::Method;
use reconcile::Inconclusive;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

pub const FILE: &str = "upload_file";
pub const STREAM: &str = "upload_stream";

/// How an upload goes on where its result is in doubt, and what becomes of the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct UploadFlags {
    /// An upload whose response was lost is looked up.
    pub reconcile: bool,
    /// A file of the same bytes and purpose that the ledger knows will do.
    pub reuse: bool,
    /// The file is due when this process is gone.
    pub temporary: bool,
}

/// Uploads a local file under its own name.
pub fn upload_file(
    client: &Client,
    path: &str,
    purpose: &str,
    flags: UploadFlags,
    options: &CallOptions<'_>,
) -> Result<String, Error> {
    check(FILE, client, purpose, flags, options)?;
    let filename = Path::new(path).file_name().and_then(|name| name.to_str());
    let Some(filename) = filename else {
        return Err(Error::invalid_argument(FILE, "path", format!("names no file: \"{path}\"")));
    };
    let call = call(FILE);
    let limits = client.limits(call.name, CallKind::Transfer, options)?;
    let mut source = open(limits, Path::new(path)).map_err(|failure| client.error(&call, failure, 0).error)?;
    let transfer = Transfer::new(client, call, limits, options);
    let reconcile = flags.reconcile;
    make(Upload { transfer, source: &mut *source, filename, purpose, reconcile, ambiguous: None }, flags, options)
}

/// Uploads what a source gives.
pub fn upload_stream(
    client: &Client,
    source: &mut dyn Source,
    filename: &str,
    purpose: &str,
    flags: UploadFlags,
    options: &CallOptions<'_>,
) -> Result<String, Error> {
    check(STREAM, client, purpose, flags, options)?;
    if filename.is_empty() || filename.len() > 1024 {
        return Err(Error::invalid_argument(STREAM, "filename", "must be 1 to 1024 bytes"));
    }
    let call = call(STREAM);
    let limits = client.limits(call.name, CallKind::Transfer, options)?;
    let transfer = Transfer::new(client, call, limits, options);
    let reconcile = flags.reconcile;
    make(Upload { transfer, source, filename, purpose, reconcile, ambiguous: None }, flags, options)
}

fn check(
    name: &'static str,
    client: &Client,
    purpose: &str,
    flags: UploadFlags,
    options: &CallOptions<'_>,
) -> Result<(), Error> {
    purpose::check(name, "purpose", purpose)?;
    let UploadFlags { reuse, temporary, .. } = flags;
    if client.ledger().is_none() && (reuse || temporary || options.expires_after_s.is_some()) {
        let mut error = ledger::none(name);
        error.add("; MMX_CALL_REUSE, MMX_CALL_TEMPORARY and expires_after_s need one");
        return Err(error);
    }
    if reuse && temporary {
        let why = "can't be both MMX_CALL_REUSE and MMX_CALL_TEMPORARY: a file that others use is not temporary";
        return Err(Error::invalid_argument(name, "options.flags", why));
    }
    Ok(())
}

/// With a ledger, what is known of the file is in it.
fn make(upload: Upload<'_, '_>, flags: UploadFlags, options: &CallOptions<'_>) -> Result<String, Error> {
    match Ledger::of(upload.transfer.client, upload.transfer.call.name) {
        None => upload.make().map(|stored| stored.json),
        Some(ledger) => recorded::upload(upload, &ledger, flags, options),
    }
}

fn call(name: &'static str) -> Call {
    Call {
        name,
        method: Method::POST,
        path: "v1/files/upload",
        query: Vec::new(),
        json: None,
        max_response_len: envelope::MAX_RESPONSE_LEN,
        effect: Effect::Creates,
    }
}

/// A file that is stored.
struct Stored {
    /// The service's response as it came.
    json: String,
    file_id: i64,
    created_at: i64,
}

impl Stored {
    fn new(json: String, file: &FileObject) -> Stored {
        Stored { json, file_id: file.file_id, created_at: file.created_at }
    }
}

/// One upload over all its attempts.
struct Upload<'a, 's> {
    transfer: Transfer<'a>,
    source: &'s mut dyn Source,
    filename: &'s str,
    purpose: &'s str,
    reconcile: bool,
    /// An attempt may have been stored: of so many bytes.
    ambiguous: Option<u64>,
}

impl Upload<'_, '_> {
    fn make(mut self) -> Result<Stored, Error> {
        let result = self.run();
        let result = result.map_err(|error| self.explain(error));
        self.transfer.ended(result)
    }

    fn run(&mut self) -> Result<Stored, Error> {
        loop {
            let (result, read) = self.attempt();
            self.transfer.check_process()?;
            self.transfer.record(result.as_ref().map(|(response, _)| response.summary()));
            let mut error = match result {
                Ok((response, file)) => return Ok(Stored::new(response.json, &file)),
                Err(error) => error,
            };
            if error.ambiguous {
                self.ambiguous = Some(read.bytes);
            }
            let may_help = error.transient || error.ambiguous;
            if let Some(bytes) = self.ambiguous {
                let has_ended = self.transfer.limits.check().is_err();
                if !self.reconcile || has_ended || error.status == Status::Cancelled {
                    return Err(error);
                }
                match reconcile::find(&self.transfer, self.filename, self.purpose, bytes) {
                    Ok(Some(found)) => return Ok(found),
                    Ok(None) => {
                        // The list has settled it: this attempt created nothing, so it may be sent again.
                        error.ambiguous = false;
                        error.add("; the list does not show it");
                    }
                    Err(Inconclusive::Ended(status, why)) => return Err(self.after(error, status, why)),
                    Err(Inconclusive::Unclear(why)) => {
                        error.add(&format!("; {why}"));
                        return Err(error);
                    }
                }
            }
            if !may_help {
                return Err(error);
            }
            if read.begun && !self.source.can_rewind() {
                error.add("; not sent again, for what is uploaded can't go back to its start");
                return Err(error);
            }
            self.transfer.again(error.clone())?;
            if read.begun {
                let rewound = self.source.rewind();
                self.transfer.check_process()?;
                rewound.map_err(|why| self.after(error, Status::File, why))?;
            }
        }
    }

    fn attempt(&mut self) -> (Result<(ApiResponse, FileObject), Error>, ReadState) {
        let (sent, read) = self.transfer.send(form(self.purpose, self.filename), self.source);
        let (client, call) = (self.transfer.client, &self.transfer.call);
        let is_whole = sent.as_ref().is_ok_and(|response| response.body_sent == BodySent::All);
        let response = match sent {
            Ok(response) => envelope::read(client, call, response),
            Err(failed) => Err(envelope::call_error(client, failed)),
        };
        let checked = response.and_then(|mut response| {
            let file = response.take_file(client, call)?;
            if !is_whole {
                let text = "the answer reports success, but came before the file was sent whole";
                return Err(Error { ambiguous: true, ..response.error(client, call, text) });
            }
            Ok((response, file))
        });
        (checked, read)
    }

    /// The end of the call between two attempts.
    fn after(&self, last: Error, status: Status, why: String) -> Error {
        call_state::after(last, status, why, self.transfer.attempts())
    }

    fn explain(&self, error: Error) -> Error {
        let mut error = purpose::explain(error, Some(self.purpose));
        if matches!(error.api_code, 2013 | 2037 | 2048)
            && let Some(broken) = purpose::broken_limit(self.purpose, self.filename, self.source.size())
        {
            error.add(&format!("; the documents say of {}: {broken}", self.purpose));
        }
        // A later attempt that was refused takes nothing back.
        let ambiguous = error.ambiguous || self.ambiguous.is_some();
        error.set_ambiguous(ambiguous);
        if error.ambiguous {
            error.add("; the file may have been stored all the same");
        }
        error
    }
}

/// `multipart/form-data` as browsers send it.
fn form(purpose: &str, filename: &str) -> MultipartFraming {
    let boundary = boundary();
    let media_type = mime_guess::from_path(filename).first_or_octet_stream();
    let name = filename.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let before = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {media_type}\r\n\r\n"
    );
    MultipartFraming {
        content_type: format!("multipart/form-data; boundary={boundary}"),
        before: before.into_bytes(),
        after: format!("\r\n--{boundary}--\r\n").into_bytes(),
    }
}

/// 128 random bits: no file holds it by accident. The standard library's hasher is seeded by the system.
fn boundary() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let random = || RandomState::new().hash_one(std::time::SystemTime::now());
    format!("mmx-{:016x}{:016x}", random(), random())
}

/// Opens a path: a regular file or a special file.
fn open<'a>(limits: Limits<'a>, path: &Path) -> Result<Box<dyn Source + 'a>, TransportError> {
    let unreadable = |error: io::Error| unreadable(path.display(), plain(&error)).caused_by(&error);
    let there = fs::metadata(path).map_err(unreadable)?;
    if there.is_dir() {
        return Err(is_a_folder(path));
    }
    if !there.is_file() {
        return Ok(Box::new(SpecialFile::open_to_read(limits, path)?));
    }
    let file = File::open(path).map_err(unreadable)?;
    let size = size_of(&file).map_err(unreadable)?;
    Ok(Box::new(LocalFile { file, size, at: 0 }))
}

/// How much there is to read, where that is known: files of /proc say 0 and those of /sys a page, whatever they hold.
fn size_of(file: &File) -> io::Result<Option<u64>> {
    let meta = file.metadata()?;
    if meta.blocks() > 0 {
        return Ok(Some(meta.len()));
    }
    // Nothing is stored of it: it is empty, all holes, or made as it is read.
    let count = loop {
        match file.read_at(&mut [0], meta.len().saturating_sub(1)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            count => break count?,
        }
    };
    Ok(Some(meta.len()).filter(|&size| (count > 0) == (size > 0)))
}

/// Read by offset: a child after a fork shares the position, not this.
struct LocalFile {
    file: File,
    size: Option<u64>,
    at: u64,
}

impl Source for LocalFile {
    fn size(&self) -> Option<u64> {
        self.size
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        loop {
            match self.file.read_at(buffer, self.at) {
                Ok(count) => {
                    self.at += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable("what is uploaded", plain(&error)).caused_by(&error)),
            }
        }
    }

    fn can_rewind(&self) -> bool {
        true
    }

    fn rewind(&mut self) -> Result<(), String> {
        self.at = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_break_out_of_its_header() {
        let head = |name: &str| String::from_utf8(form("voice_clone", name).before).unwrap();
        assert!(head("a\"b\r\nX: y.mp3").contains("filename=\"a%22b%0D%0AX: y.mp3\"\r\nContent-Type: audio/mpeg\r\n"));
        assert!(head("声音.wav").contains("filename=\"声音.wav\"\r\nContent-Type: audio/wav\r\n"));
        assert!(head("odd").contains("Content-Type: application/octet-stream\r\n"));
        assert_ne!(form("a", "b").content_type, form("a", "b").content_type);
    }
}
