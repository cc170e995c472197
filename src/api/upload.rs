//! Upload: `POST /v1/files/upload`, the API's page "File Upload": a form of `purpose` first, then `file`.

use super::model::FileObject;
use super::{envelope, purpose};
use crate::error::{Error, Status};
use crate::transport::body::Reach;
use crate::transport::client::{Call, CallOptions, Client};
use crate::transport::upload::{Frame, Source};
use reqwest::Method;
use serde::Deserialize;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

pub const FILE: &str = "upload_file";
pub const STREAM: &str = "upload_stream";

#[derive(Deserialize)]
struct Uploaded {
    #[allow(dead_code)] // Reading it is the check.
    file: FileObject,
}

/// Uploads a local file under its own name.
pub fn upload_file(client: &Client, path: &str, purpose: &str, options: &CallOptions<'_>) -> Result<String, Error> {
    purpose::check(FILE, purpose)?;
    let filename = Path::new(path).file_name().and_then(|name| name.to_str());
    let Some(filename) = filename else {
        return Err(Error::invalid_argument(FILE, "path", format!("names no file: \"{path}\"")));
    };
    let unreadable = |why: &str| Error::new(Status::File, FILE, format!("{path} can't be read: {why}"));
    let file = File::open(path).map_err(|error| unreadable(&crate::transport::attempt::plain(&error)))?;
    let metadata = file.metadata().map_err(|error| unreadable(&error.to_string()))?;
    if metadata.is_dir() {
        return Err(unreadable("it is a folder"));
    }
    // A pipe or a device has no size to go by.
    let size = metadata.is_file().then_some(metadata.len());
    let mut source = LocalFile { file, size, at: 0 };
    upload(client, FILE, &mut source, filename, purpose, options)
}

/// Uploads what a source gives.
pub fn upload_stream(
    client: &Client,
    source: &mut dyn Source,
    filename: &str,
    purpose: &str,
    options: &CallOptions<'_>,
) -> Result<String, Error> {
    purpose::check(STREAM, purpose)?;
    if filename.is_empty() || filename.len() > 1024 {
        return Err(Error::invalid_argument(STREAM, "filename", "must be 1 to 1024 bytes"));
    }
    upload(client, STREAM, source, filename, purpose, options)
}

fn upload(
    client: &Client,
    name: &'static str,
    source: &mut dyn Source,
    filename: &str,
    purpose: &str,
    options: &CallOptions<'_>,
) -> Result<String, Error> {
    let call = Call {
        name,
        method: Method::POST,
        path: "v1/files/upload",
        query: Vec::new(),
        json: None,
        longest_answer: envelope::LONGEST_ANSWER,
        // Before its last byte is taken nothing can have been stored.
        in_doubt_from: Some(Reach::Whole),
    };
    let size = source.size();
    let sent = client.send_upload(&call, options, form(purpose, filename), source);
    let reply = match sent {
        Ok(answered) => envelope::read(client, &call, answered),
        Err(failed) => Err(envelope::unanswered(client, failed)),
    };
    let read = reply.and_then(|reply| {
        reply.read::<Uploaded>(client, &call)?;
        Ok(reply.json)
    });
    read.map_err(|error| {
        let mut error = purpose::explain(error, purpose);
        if matches!(error.api_code, 2013 | 2037 | 2048)
            && let Some(broken) = purpose::broken_limit(purpose, filename, size)
        {
            error.add(&format!("; the documents say of {purpose}: {broken}"));
        }
        if error.ambiguous {
            error.add("; the file may have been stored all the same");
        }
        error
    })
}

/// `multipart/form-data` as browsers send it.
fn form(purpose: &str, filename: &str) -> Frame {
    let boundary = boundary();
    let media_type = mime_guess::from_path(filename).first_or_octet_stream();
    let name = filename.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let before = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {media_type}\r\n\r\n"
    );
    Frame {
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

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, String> {
        loop {
            let read = match self.size {
                Some(_) => self.file.read_at(buffer, self.at),
                None => std::io::Read::read(&mut self.file, buffer),
            };
            match read {
                Ok(count) => {
                    self.at += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(crate::transport::attempt::plain(&error)),
            }
        }
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
