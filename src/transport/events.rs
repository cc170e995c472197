//! The events of a call that the log tells of, whichever way it is driven.

use super::client::Call;
use super::log::{Level, Log};
use crate::error::{Error, Status};
use serde_json::Value;
use std::time::{Duration, Instant};

/// A response's HTTP status and trace id.
pub type ResponseSummary<'a> = (u16, &'a str);

pub fn attempt(log: &Log, number: u32, call: &Call) {
    log.event(Level::Debug, "attempt", || {
        [("attempt", number.into()), ("method", call.method.as_str().into()), ("path", call.path.into())]
    });
}

pub fn connection(log: &Log, number: u32, is_new: bool) {
    let how = if is_new { "made" } else { "reused" };
    log.event(Level::Debug, "connection", || [("attempt", number.into()), ("how", how.into())]);
}

pub fn response(log: &Log, number: u32, sent: Instant, outcome: Result<ResponseSummary<'_>, &Error>) {
    match outcome {
        Ok((http_status, trace_id)) => log.event(Level::Debug, "answer", || {
            [
                ("attempt", number.into()),
                ("http_status", http_status.into()),
                ("ms", millis(sent.elapsed())),
                ("trace_id", trace_id.into()),
            ]
        }),
        Err(error) => {
            let event = if error.http_status == 0 { "no_answer" } else { "answer" };
            log.event(Level::Debug, event, || {
                [
                    ("attempt", number.into()),
                    ("http_status", error.http_status.into()),
                    ("api_code", error.api_code.into()),
                    ("ms", millis(sent.elapsed())),
                    ("trace_id", error.trace_id.as_str().into()),
                    ("status_name", error.status.name().into()),
                    ("message", error.message.as_str().into()),
                ]
            });
        }
    }
}

pub fn waited(log: &Log, waited: Duration) {
    log.event(Level::Debug, "wait", || [("for", "rate_limiter".into()), ("ms", millis(waited))]);
}

/// `number` is that of the attempt that failed.
pub fn retry(log: &Log, number: u32, wait: Duration, after: &Error) {
    log.event(Level::Warn, "retry", || {
        [
            ("attempt", number.into()),
            ("wait_ms", millis(wait)),
            ("status_name", after.status.name().into()),
            ("api_code", after.api_code.into()),
            ("trace_id", after.trace_id.as_str().into()),
            ("message", after.message.as_str().into()),
        ]
    });
}

/// The end of a call that failed. That it was cancelled is what the caller wanted.
pub fn failed(log: &Log, error: &Error, began: Instant) {
    let level = if error.status == Status::Cancelled { Level::Info } else { Level::Error };
    log.event(level, "failed", || {
        [
            ("status_name", error.status.name().into()),
            ("api_code", error.api_code.into()),
            ("http_status", error.http_status.into()),
            ("trace_id", error.trace_id.as_str().into()),
            ("attempts", error.attempts.into()),
            ("ambiguous", error.ambiguous.into()),
            ("ms", millis(began.elapsed())),
            ("message", error.message.as_str().into()),
        ]
    });
}

fn millis(duration: Duration) -> Value {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).into()
}
