//! From a fault and the ordinary answer to the bytes to send and what happens around them.

use std::io::Write;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::Value;

use crate::answer::{Answer, usual_message};
use crate::content::{Content, Slice};
use crate::deliver::{Next, Script, Tail};
use crate::fault::{Encoding, Fault, SHORTEST_HEADER};
use crate::shape::Shape;
use crate::stream::Close;
use crate::wire::Wire;

/// The start of a body that does not end.
const ENDLESS_START: &[u8] = br#"{"base_resp":{"status_code":0,"status_msg":""#;
const ENDLESS_LENGTH: u64 = 1 << 40;
const EARLY: &[u8] =
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
const GARBAGE: &[u8] = b"SSH-2.0-OpenSSH_9.6\r\n\x00\x01\xff\xfe this is not HTTP \x80\x81\r\n\r\n";

/// The answer as the fault makes it, trace id included unless the fault takes it away.
pub(crate) fn answer(fault: &Fault, ordinary: Answer, id: i64, base: &str, trace_id: &str) -> Answer {
    let mut answer = ordinary;
    if let Some(code) = fault.code {
        let performed = answer.performed;
        answer = Answer::refusal(code, fault.message.as_deref().unwrap_or(usual_message(code)));
        answer.performed = performed;
    } else if let Some(status) = fault.http_status.filter(|_| fault.shape.is_none() && fault.redirect_to.is_none()) {
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        answer = Answer::text(status, reason.unwrap_or_default());
    }
    if let Some(shape) = fault.shape {
        answer = shape.apply(fault, answer, id, base);
    }
    if let Some(parts) = &fault.body_parts {
        answer.body = Bytes::new();
        answer.content = Some(Slice::whole(Content::joined(parts)));
        answer.set("Content-Type", "application/json; charset=utf-8");
    }
    if let Some(body) = &fault.body_base64 {
        answer.content = None;
        answer.body = BASE64_STANDARD.decode(body).unwrap_or_default().into();
    }
    if let Some(body) = &fault.body {
        answer.content = None;
        answer.body = body.clone().into();
        // Most bodies worth scripting are meant to be taken for JSON.
        answer.set("Content-Type", "application/json; charset=utf-8");
    }
    if let Some(status) = fault.http_status {
        answer.status = status;
    }
    if let Some(encoding) = fault.encoding {
        encode(&mut answer, encoding);
    }
    if let Some(content_type) = &fault.content_type {
        answer.set("Content-Type", content_type);
    }
    answer.set("Date", &httpdate::fmt_http_date(SystemTime::now()));
    answer.set("Trace-Id", trace_id);
    match fault.shape {
        Some(Shape::Endless) => answer.set("Transfer-Encoding", "chunked"),
        Some(Shape::EndlessLength) => answer.set("Content-Length", &ENDLESS_LENGTH.to_string()),
        _ if answer.status == 204 || answer.status == 304 => {}
        _ if fault.no_length => answer.set("Transfer-Encoding", "chunked"),
        _ if fault.until_close => answer.set("Connection", "close"),
        _ => {
            let length = answer.length().saturating_add_signed(fault.wrong_length.unwrap_or(0));
            answer.set("Content-Length", &length.to_string());
        }
    }
    for (name, value) in fault.headers.iter().flatten() {
        answer.remove(name);
        let values = if let Value::Array(values) = value { values.as_slice() } else { std::slice::from_ref(value) };
        for value in values {
            match value {
                Value::Null => {}
                Value::String(value) => answer.headers.push((name.clone(), value.clone())),
                other => answer.headers.push((name.clone(), other.to_string())),
            }
        }
    }
    add_headers(&mut answer, fault);
    answer
}

/// The body as no one has asked for it.
fn encode(answer: &mut Answer, encoding: Encoding) {
    let body = answer.content.take().map_or_else(|| answer.body.clone(), Slice::bytes);
    let encoded = match encoding {
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&body).and_then(|()| encoder.finish())
        }
        Encoding::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&body).and_then(|()| encoder.finish())
        }
    };
    let name = if encoding == Encoding::Gzip { "gzip" } else { "deflate" };
    answer.set("Content-Encoding", name);
    answer.body = encoded.unwrap_or_default().into();
}

/// So many more, all of the same length, but the last one takes what is left.
fn add_headers(answer: &mut Answer, fault: &Fault) {
    let count = fault.extra_headers.unwrap_or_default();
    let mut left = fault.extra_header_bytes.unwrap_or(count * SHORTEST_HEADER);
    for number in 1..=count {
        let length = if number == count { left } else { left / (count - number + 1) };
        left -= length;
        let name = format!("X-Extra-{number}");
        let value = "x".repeat(length.saturating_sub(name.len() + ": \r\n".len()));
        answer.headers.push((name, value));
    }
}

/// How the answer is sent. `keep_alive` is whether the client lets the connection live.
pub(crate) fn script(fault: &Fault, mut answer: Answer, keep_alive: bool) -> Script {
    let close = fault.close.unwrap_or(Close::Fin);
    let (limit, end) = if fault.hang {
        (Some(0), None)
    } else if let Some(after) = fault.hang_after {
        (Some(after), None)
    } else if let Some(after) = fault.cut_after {
        (Some(after), Some(Next::Close(close)))
    } else if let Some(close) = fault.close_before_answer {
        (Some(0), Some(Next::Close(close)))
    } else if let Some(close) = fault.close_after_answer {
        (None, Some(Next::Close(close)))
    } else if fault.ends_with_its_connection() && fault.close_after_idle_ms.is_none() {
        (None, Some(Next::Close(close)))
    } else if keep_alive || fault.close_after_idle_ms.is_some() {
        (None, Some(Next::Request))
    } else {
        answer.set("Connection", "close");
        (None, Some(Next::Close(Close::Fin)))
    };
    let head = match fault.shape {
        Some(Shape::Garbage) => GARBAGE.to_vec(),
        Some(Shape::Informational) => [EARLY, &render(&answer, true)].concat(),
        Some(Shape::Endless) => {
            let length = format!("{:x}\r\n", ENDLESS_START.len());
            [&render(&answer, false), length.as_bytes(), ENDLESS_START, b"\r\n"].concat()
        }
        Some(Shape::EndlessLength) => [&render(&answer, false), ENDLESS_START].concat(),
        _ => render(&answer, !fault.no_length),
    };
    // In one piece with the head, where that is possible.
    let body = match &answer.content {
        Some(content) => Some(content.clone()),
        None if fault.no_length => Some(Slice::whole(Content::kept(answer.body.clone()))),
        None => None,
    };
    let body = body.filter(|_| !matches!(fault.shape, Some(Shape::Garbage | Shape::Endless | Shape::EndlessLength)));
    let wire = Wire::new(head, body, fault.no_length, limit);
    let tail = match fault.shape {
        _ if limit.is_some() => None,
        Some(Shape::Endless) => Some(Tail::Chunks),
        Some(Shape::EndlessLength) => Some(Tail::Bytes),
        _ => None,
    };
    Script {
        reads: true,
        delay: Duration::from_millis(fault.delay_ms.unwrap_or(0)),
        trickle: fault.trickle_ms.map(|time| (Duration::from_millis(time), fault.trickle_bytes.unwrap_or(1).max(1))),
        wire,
        tail,
        idle: fault.close_after_idle_ms.map(|time| (Duration::from_millis(time), close)),
        end,
    }
}

/// The answer to an upload while its body is still coming, and the end: nothing more is read.
pub(crate) fn refusal(fault: &Fault, mut answer: Answer) -> Script {
    answer.set("Connection", "close");
    let mut script = script(fault, answer, false);
    script.reads = false;
    script.end = Some(Next::Close(fault.close.unwrap_or(Close::Fin)));
    script
}

/// The answer to an upload that was stored before its body was over: the rest is not read, the connection not kept.
pub(crate) fn at_boundary(fault: &Fault, answer: Answer) -> Script {
    let mut script = script(fault, answer, false);
    script.reads = false;
    script.idle = None;
    script.end = script.end.map(|end| if let Next::Request = end { Next::Close(Close::Fin) } else { end });
    script
}

/// No answer to an upload, whose body is not read any further.
pub(crate) fn stall(fault: &Fault) -> Script {
    Script {
        reads: false,
        delay: Duration::from_millis(fault.delay_ms.unwrap_or(0)),
        end: fault.then.map(Next::Close),
        ..close()
    }
}

pub(crate) fn close() -> Script {
    Script {
        reads: true,
        delay: Duration::ZERO,
        trickle: None,
        wire: Wire::nothing(),
        tail: None,
        idle: None,
        end: Some(Next::Close(Close::Fin)),
    }
}

/// Whether a status line goes out whole enough to speak of a status.
pub(crate) fn has_status(fault: &Fault) -> bool {
    // "HTTP/1.1 200"
    let enough = |length: Option<usize>| length.is_none_or(|length| length >= 12);
    let answered = !fault.hang && fault.close_before_answer.is_none();
    answered && enough(fault.hang_after) && enough(fault.cut_after) && fault.shape != Some(Shape::Garbage)
}

fn render(answer: &Answer, body: bool) -> Vec<u8> {
    let reason = StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason());
    let mut wire = format!("HTTP/1.1 {} {}\r\n", answer.status, reason.unwrap_or_default()).into_bytes();
    for (name, value) in &answer.headers {
        wire.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    wire.extend_from_slice(b"\r\n");
    if body {
        wire.extend_from_slice(&answer.body);
    }
    wire
}
