//! Every request that arrived whole, in order.

use std::sync::Arc;

use axum::http::{HeaderMap, Method, Uri};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::records::Connection;

/// One request. Kept as it came: most entries are never looked at, so reading them can wait.
pub(crate) struct Entry {
    pub(crate) at_ms: u64,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) path: String,
    pub(crate) head: Vec<u8>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What faults call it.
    pub(crate) call: String,
    pub(crate) store: bool,
    pub(crate) leaked_key: bool,
    pub(crate) connection: Arc<Connection>,
    pub(crate) trace_id: Option<String>,
    pub(crate) http_status: Option<u16>,
    pub(crate) fault: Option<String>,
    pub(crate) performed: bool,
    pub(crate) file_id: Option<i64>,
    pub(crate) upload: Option<Upload>,
}

/// What an upload brought, in place of its body. Also of one that was not read to its end.
pub(crate) struct Upload {
    pub(crate) purpose: Option<String>,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: u64,
    pub(crate) body_bytes: u64,
    pub(crate) content_length: Option<u64>,
    pub(crate) chunked: bool,
    pub(crate) sha256: Option<String>,
    pub(crate) complete: bool,
    pub(crate) file_id: Option<i64>,
}

impl Upload {
    fn json(&self) -> Value {
        json!({
            "purpose": self.purpose,
            "filename": self.filename,
            "content_type": self.content_type,
            "bytes": self.bytes,
            "body_bytes": self.body_bytes,
            "content_length": self.content_length,
            "chunked": self.chunked,
            "sha256": self.sha256,
            "complete": self.complete,
            "file_id": self.file_id,
        })
    }
}

/// Which entries are meant; by default all.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) file_id: Option<i64>,
    pub(crate) performed: Option<bool>,
    pub(crate) call: Option<String>,
}

impl Wanted {
    fn fits(&self, entry: &Entry) -> bool {
        self.file_id.is_none_or(|id| entry.file_id == Some(id))
            && self.performed.is_none_or(|wanted| entry.performed == wanted)
            && self.call.as_ref().is_none_or(|call| entry.call == *call)
    }
}

#[derive(Default)]
pub(crate) struct Journal {
    off: bool,
    entries: Vec<Entry>,
}

impl Journal {
    pub(crate) fn switch(&mut self, on: bool) {
        self.off = !on;
    }

    pub(crate) fn is_on(&self) -> bool {
        !self.off
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    pub(crate) fn count(&self, wanted: &Wanted) -> u64 {
        if wanted.file_id.is_none() && wanted.performed.is_none() && wanted.call.is_none() {
            return self.entries.len() as u64;
        }
        self.entries.iter().filter(|entry| wanted.fits(entry)).count() as u64
    }

    pub(crate) fn json(&self) -> Value {
        self.entries.iter().enumerate().map(|(at, entry)| entry.json(at + 1)).collect()
    }
}

impl Entry {
    fn json(&self, seq: usize) -> Value {
        let mut json = json!({
            "seq": seq,
            "at_ms": self.at_ms,
            "method": self.method.as_str(),
            "path": self.path,
            "query": self.uri.query(),
            "headers": self.header_list(),
            "body": String::from_utf8_lossy(&self.body),
            "connection": self.connection.id(),
            "host": if self.store { "store" } else { "api" },
            "leaked_key": self.leaked_key,
            "tls": self.connection.tls(),
            "peer_port": self.connection.peer_port,
            "trace_id": self.trace_id,
            "http_status": self.http_status,
            "fault": self.fault,
            "performed": self.performed,
        });
        if let Some(upload) = &self.upload {
            json["upload"] = upload.json();
        }
        if std::str::from_utf8(&self.body).is_err() {
            json["body_base64"] = BASE64_STANDARD.encode(&self.body).into();
        }
        json
    }

    /// Names in their original case, in order; in lower case where the head was read together with other bytes.
    fn header_list(&self) -> Vec<[String; 2]> {
        if self.head.is_empty() {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            return self.headers.iter().map(|(name, value)| [name.to_string(), text(value.as_bytes())]).collect();
        }
        let head = String::from_utf8_lossy(&self.head);
        let lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        lines.map(|(name, value)| [name.to_owned(), value.trim().to_owned()]).collect()
    }
}
