//! A response of each call as raw bytes on a socket, read by the whole client; and what an upload sends.

use crate::{check, server};
use mmx::api::upload::UploadFlags;
use mmx::api::{contents, delete, download, list, retrieve, upload};
use mmx::error::Error;
use mmx::transfer::sink::Sink;
use mmx::transfer::upload_body::Source;
use mmx::transport::client::{CallOptions, Client};
use mmx::transport::error::TransportError;
use std::sync::atomic::{AtomicU64, Ordering};

const FILE_ID: i64 = 1;
const PURPOSE: &str = "voice_clone";

/// Makes a call whose every response is `reply`. What may lead elsewhere goes through the server as a proxy, so that no
/// other host is ever asked.
fn call(reply: &[u8], run: impl FnOnce(&Client) -> Result<String, Error>) -> Option<String> {
    // Of its own for each: an account that is slowed down would slow down the next run.
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let key = format!("sk-fuzz-{:016x}", RUNS.fetch_add(1, Ordering::Relaxed));
    let leads_elsewhere = reply.to_ascii_lowercase().windows(8).any(|part| part == b"location");
    let result = server::with(reply, |server| {
        let client = check::client(&server.url, &key, |config| {
            if leads_elsewhere {
                config.set_proxy(Some(&server.url)).expect("a proxy");
            }
        });
        run(&client)
    });
    match result {
        Ok(json) => {
            check::response(&json);
            // Line breaks in front are skipped, as RFC 9112 has it.
            assert!(reply.trim_ascii_start().starts_with(b"HTTP/1."), "success without a response");
            Some(json)
        }
        Err(error) => {
            check::error(&error, &key);
            None
        }
    }
}

pub(crate) fn delete(reply: &[u8]) {
    let json = call(reply, |client| delete::delete(client, FILE_ID, Some(PURPOSE), false, &CallOptions::default()));
    if let Some(json) = json {
        // The same bytes are what a lookup reads: then a refusal says that the file is gone.
        let is_found_out = json == format!("{{\"file_id\":{FILE_ID},\"evidence\":\"retrieve\"}}");
        assert!(is_found_out || check::says_success(&json), "a refusal became a success: {json}");
    }
}

pub(crate) fn upload(reply: &[u8]) {
    let json = call(reply, |client| send(client, "a.mp3"));
    if let Some(json) = json {
        assert!(check::says_success(&json), "a refusal became a success: {json}");
        let files = contents::files(&json).expect("an upload's response has its file");
        assert!(files.len() == 1 && files[0].file_id > 0, "an upload without an id: {json}");
    }
}

pub(crate) fn list(reply: &[u8]) {
    let json = call(reply, |client| list::list(client, None, &CallOptions::default()));
    if let Some(json) = json {
        assert!(check::says_success(&json), "a refusal became a list: {json}");
        let files = contents::files(&json).expect("a list can be read again");
        assert!(files.iter().all(|file| file.file_id > 0), "a file without an id: {json}");
    }
}

pub(crate) fn retrieve(reply: &[u8]) {
    let json = call(reply, |client| retrieve::retrieve(client, FILE_ID, &CallOptions::default()));
    if let Some(json) = json {
        assert!(check::says_success(&json), "a refusal became a file: {json}");
        let files = contents::files(&json).expect("a file can be read again");
        assert!(files.len() == 1 && files[0].file_id == FILE_ID, "another file: {json}");
    }
}

#[derive(Default)]
struct Bytes(Vec<u8>);

impl Sink for Bytes {
    fn write(&mut self, data: &[u8]) -> Result<(), TransportError> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn restart(&mut self) -> Result<(), String> {
        self.0.clear();
        Ok(())
    }
}

pub(crate) fn download(reply: &[u8]) {
    let mut bytes = Bytes::default();
    let options = CallOptions::default();
    let json = call(reply, |client| download::download_stream(client, FILE_ID, &mut bytes, false, &options));
    if let Some(json) = json {
        let said: serde_json::Value = serde_json::from_str(&json).expect("strict JSON of our own");
        assert_eq!(said["bytes"].as_u64(), Some(bytes.0.len() as u64), "{json}");
        let Bytes(bytes) = bytes;
        let is_refusal = |text: &str| {
            let value = serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
            value["base_resp"]["status_code"].as_i64().is_some_and(|code| code != 0)
        };
        let is_all = std::str::from_utf8(&bytes).is_ok_and(is_refusal);
        assert!(!is_all, "an error became a file: {}", String::from_utf8_lossy(&bytes));
    }
}

struct Given(usize);

impl Source for Given {
    fn size(&self) -> Option<u64> {
        Some(3)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        let count = buffer.len().min(3 - self.0);
        buffer[..count].fill(b'x');
        self.0 += count;
        Ok(count)
    }

    fn can_rewind(&self) -> bool {
        true
    }

    fn rewind(&mut self) -> Result<(), String> {
        self.0 = 0;
        Ok(())
    }
}

fn send(client: &Client, filename: &str) -> Result<String, Error> {
    upload::upload_stream(client, &mut Given(0), filename, PURPOSE, UploadFlags::default(), &CallOptions::default())
}

/// A file's name in a multipart form: it ends no line, no quotes and no part.
pub(crate) fn multipart(name: &[u8]) {
    let Ok(name) = std::str::from_utf8(name) else { return };
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 71\r\n\r\n\
        {\"file\":{\"file_id\":1},\"base_resp\":{\"status_code\":0,\"status_msg\":\"ok\"}}  ";
    if call(reply, |client| send(client, name)).is_none() {
        assert!(name.is_empty() || name.len() > 1024, "a name was refused: {name:?}");
        return;
    }
    let request = server::with(reply, server::Server::request);
    let request = String::from_utf8(request).expect("a name in UTF-8 is sent as it is");
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let boundary = head.split_once("boundary=").expect("a boundary").1.split("\r\n").next().expect("a line");
    let parts: Vec<_> = body.split(&format!("--{boundary}")).collect();
    let [before, purpose, file, end] = parts[..] else { panic!("{} parts: {body:?}", parts.len()) };
    assert_eq!((before, end), ("", "--\r\n"), "{body:?}");
    assert_eq!(purpose, format!("\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{PURPOSE}\r\n"));
    let lines: Vec<_> = file.split("\r\n").collect();
    let ["", disposition, media_type, "", "xxx", ""] = lines[..] else { panic!("a part of other lines: {file:?}") };
    assert!(media_type.starts_with("Content-Type: "), "{media_type:?}");
    let sent = disposition.strip_prefix("Content-Disposition: form-data; name=\"file\"; filename=\"");
    let sent = sent.and_then(|rest| rest.strip_suffix('"')).expect("a name in quotes");
    assert!(!sent.contains(['"', '\r', '\n']), "{sent:?}");
    assert_eq!(sent, name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A"));
}
