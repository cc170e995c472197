//! A file of an account: what the API says about it.

use std::fmt::Write;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::content::Content;

/// Of a file whose content nobody has given.
const USUAL_SIZE: u64 = 1024;
const CREATED_AT: i64 = 1_750_000_000;

/// A file as the control plane is told of it. Fields beyond these are shown by the API as they are.
#[derive(Deserialize)]
pub(crate) struct Seed {
    file_id: i64,
    bytes: Option<i64>,
    created_at: Option<Value>,
    filename: Option<String>,
    purpose: String,
    content: Option<String>,
    content_base64: Option<String>,
    size: Option<u64>,
    seed: Option<u64>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[derive(Clone)]
pub(crate) struct File {
    pub(crate) file_id: i64,
    pub(crate) bytes: i64,
    pub(crate) created_at: Value,
    pub(crate) filename: String,
    pub(crate) purpose: String,
    pub(crate) more: Map<String, Value>,
    pub(crate) content: Arc<Content>,
}

impl Seed {
    pub(crate) fn file(self) -> Result<File, String> {
        let content = match (self.content, self.content_base64) {
            (Some(_), Some(_)) => return Err("content and content_base64 exclude each other".into()),
            (None, None) => {
                Content::made(self.size.unwrap_or(USUAL_SIZE), self.seed.unwrap_or(self.file_id.cast_unsigned()))
            }
            _ if self.seed.is_some() => return Err("seed is for made content".into()),
            (Some(text), None) if !text.is_empty() && self.size.is_some() => {
                Content::repeated(text.as_bytes(), self.size.unwrap_or_default())
            }
            _ if self.size.is_some() => return Err("size is for made content, or to repeat a text".into()),
            (Some(text), None) => Content::kept(text.into()),
            (None, Some(text)) => {
                Content::kept(BASE64_STANDARD.decode(text).map_err(|error| error.to_string())?.into())
            }
        };
        let mut file = File::new(self.file_id, &self.purpose);
        file.bytes = self.bytes.unwrap_or_else(|| usual_bytes(&self.purpose, content.length()));
        file.created_at = self.created_at.unwrap_or(file.created_at);
        file.filename = self.filename.unwrap_or(file.filename);
        file.more = self.more;
        file.content = Arc::new(content);
        Ok(file)
    }
}

/// The service says 0 of files it has made itself.
fn usual_bytes(purpose: &str, length: u64) -> i64 {
    if matches!(purpose, "t2a_async" | "video_generation") { 0 } else { length.cast_signed() }
}

impl File {
    pub(crate) fn new(file_id: i64, purpose: &str) -> File {
        let ending = match purpose {
            "voice_clone" | "prompt_audio" => "mp3",
            "t2a_async" => "tar",
            "t2a_async_input" => "txt",
            "video_generation" => "mp4",
            _ => "bin",
        };
        File {
            file_id,
            bytes: usual_bytes(purpose, USUAL_SIZE),
            created_at: json!(CREATED_AT),
            filename: format!("{file_id}.{ending}"),
            purpose: purpose.to_owned(),
            more: Map::new(),
            content: Arc::new(Content::made(USUAL_SIZE, file_id.cast_unsigned())),
        }
    }

    /// Appends the FileObject; by hand, as accounts of 100,000 files are listed in one go.
    pub(crate) fn write_to(&self, json: &mut String, download_url: Option<&str>) {
        let File { file_id, bytes, created_at, .. } = self;
        let (filename, purpose) = (text(&self.filename), text(&self.purpose));
        let _ = write!(json, r#"{{"file_id":{file_id},"bytes":{bytes},"created_at":{created_at},"#);
        let _ = write!(json, r#""filename":{filename},"purpose":{purpose}"#);
        for (name, value) in &self.more {
            let _ = write!(json, ",{}:{value}", text(name));
        }
        if let Some(url) = download_url {
            let _ = write!(json, r#","download_url":{}"#, text(url));
        }
        json.push('}');
    }

    /// As the control plane shows it: with the size of the content, which `bytes` need not be.
    pub(crate) fn control_json(&self) -> Value {
        let mut json = json!({
            "file_id": self.file_id,
            "bytes": self.bytes,
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "size": self.content.length(),
        });
        json.as_object_mut().into_iter().for_each(|fields| fields.extend(self.more.clone()));
        json
    }
}

fn text(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) { format!("\"{text}\"") } else { json!(text).to_string() }
}
