//! `GET /v1/files/retrieve_content`, and what it has in common with the store: sending a file or a part of it.

use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use axum::Extension;
use axum::http::{HeaderMap, Method, header};

use super::Call;
use super::checks::malformed;
use crate::answer::Answer;
use crate::content::Slice;
use crate::fault::Fault;
use crate::file::File;

/// When every file was changed last, as long as it has not been changed.
const MODIFIED: u64 = 1_750_000_000;

pub(super) async fn handle(Extension(call): Extension<Call>) -> Answer {
    content(&call).unwrap_or_else(|refusal| refusal)
}

fn content(call: &Call) -> Result<Answer, Answer> {
    call.check_method(Method::GET)?;
    call.check_key()?;
    let file_id = call.file_id()?;
    let file = call.account.state().files.get(&file_id).cloned();
    let file = file.ok_or_else(|| malformed("file not found"))?;
    if !file.content.is_there() {
        return Err(Answer::refusal(1013, "the sandbox has not kept this content: it was too large"));
    }
    let no_part = |length| {
        let mut answer = Answer::text(416, "416 the range is not in the file");
        answer.set("Content-Range", &format!("bytes */{length}"));
        answer
    };
    send(&file, &call.headers, call.fault.as_ref()).map_err(no_part)
}

/// The file, or the part that is asked for; the length of the file when that part is not in it.
pub(super) fn send(file: &File, headers: &HeaderMap, fault: Option<&Fault>) -> Result<Answer, u64> {
    let (content, length) = (&file.content, file.content.length());
    let etag = content.etag();
    let modified = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(MODIFIED + content.revision()));
    let (no_etag, no_range) = fault.map_or((false, false), |fault| (fault.no_etag, fault.no_range));

    // A part of what the client has the rest of: only if that is still the same.
    let unchanged =
        header_text(headers, header::IF_RANGE).is_none_or(|known| known == modified || known == etag && !no_etag);
    let wanted = header_text(headers, header::RANGE).filter(|_| unchanged && !no_range);
    let (mut range, partial) = match wanted.and_then(|range| parse(range, length)) {
        None => (0..length, false),
        Some(Part::Of(range)) => (range, true),
        Some(Part::Outside) => return Err(length),
    };

    let mut answer = Answer::new(200, media_type(&file.filename), "");
    if partial {
        answer.status = 206;
        if let Some(shift) = fault.and_then(|fault| fault.range_shift) {
            range.start = range.start.saturating_add_signed(shift).min(range.end.saturating_sub(1));
        }
        answer.set("Content-Range", &format!("bytes {}-{}/{length}", range.start, range.end - 1));
    }
    if !no_range {
        answer.set("Accept-Ranges", "bytes");
    }
    if !no_etag {
        answer.set("ETag", &etag);
    }
    answer.set("Last-Modified", &modified);
    answer.content = Some(Slice::new(content.clone(), range));
    answer.performed = true;
    Ok(answer)
}

enum Part {
    Of(Range<u64>),
    Outside,
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// One range of bytes; what is not understood, or several of them, is ignored, as the standard has it.
fn parse(range: &str, length: u64) -> Option<Part> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| !text.starts_with('+'));
    let range = if first.is_empty() {
        let count = number(last)?;
        length.saturating_sub(count)..length
    } else {
        let first = number(first)?;
        let end = if last.is_empty() { length } else { number(last)?.checked_add(1)?.min(length) };
        if !last.is_empty() && number(last)? < first {
            return None;
        }
        first..end
    };
    Some(if range.start < range.end { Part::Of(range) } else { Part::Outside })
}

fn media_type(filename: &str) -> &'static str {
    match filename.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase().as_str() {
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "txt" => "text/plain",
        "json" => "application/json",
        "zip" => "application/zip",
        "tar" => "application/x-tar",
        _ => "application/octet-stream",
    }
}
