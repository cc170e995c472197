//! The error that every layer returns, and the status table from which the C header is generated.

use serde::{Deserialize, Serialize};
use std::ffi::CStr;
use std::io;
use std::time::Duration;

/// The outcome of a call. The numbers are part of the C interface and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    Ok = 0,
    InvalidArgument = 1,
    File = 2,
    Connect = 3,
    Network = 4,
    Timeout = 5,
    Cancelled = 6,
    Protocol = 7,
    Http = 8,
    Partial = 9,
    Guard = 10,
    Authentication = 20,
    RateLimited = 21,
    Quota = 22,
    InvalidRequest = 23,
    ContentRejected = 24,
    NotFound = 25,
    Permission = 26,
    Server = 27,
    ServerTimeout = 28,
    Api = 29,
    Internal = 99,
}

/// One row a status: its C name and what it means, as the header says it.
pub const STATUSES: &[(Status, &CStr, &str)] = &[
    (Status::Ok, c"MMX_OK", "success"),
    (Status::InvalidArgument, c"MMX_ERROR_INVALID_ARGUMENT", "an argument or a setting is invalid; nothing was sent"),
    (
        Status::File,
        c"MMX_ERROR_FILE",
        "a local file or a callback of the caller: missing, unreadable, disk full, gave up",
    ),
    (Status::Connect, c"MMX_ERROR_CONNECT", "name lookup, TCP, TLS or proxy failed; nothing was sent"),
    (Status::Network, c"MMX_ERROR_NETWORK", "the connection broke after the request was begun"),
    (Status::Timeout, c"MMX_ERROR_TIMEOUT", "a timeout of the client or the call expired"),
    (Status::Cancelled, c"MMX_ERROR_CANCELLED", "cancelled by a token or a callback"),
    (Status::Protocol, c"MMX_ERROR_PROTOCOL", "the response is not one of this API"),
    (Status::Http, c"MMX_ERROR_HTTP", "an HTTP error without an API code"),
    (Status::Partial, c"MMX_ERROR_PARTIAL", "bulk: some files were not deleted; the outcomes say which"),
    (Status::Guard, c"MMX_ERROR_GUARD", "prune: a guard stopped it before a delete was sent"),
    (Status::Authentication, c"MMX_ERROR_AUTHENTICATION", "the key was refused: 1004, 2049, HTTP 401 and 403"),
    (Status::RateLimited, c"MMX_ERROR_RATE_LIMITED", "too many requests: 1002, 1039, 1041, 2045, HTTP 429"),
    (Status::Quota, c"MMX_ERROR_QUOTA", "no balance or quota: 1008, 1028, 1030, 2056, 2061, HTTP 402"),
    (
        Status::InvalidRequest,
        c"MMX_ERROR_INVALID_REQUEST",
        "2013, 1042, 1043, 1044, 2037, 2039, 2048, HTTP 400, 413 and 422",
    ),
    (Status::ContentRejected, c"MMX_ERROR_CONTENT_REJECTED", "the content was rejected: 1026, 1027"),
    (Status::NotFound, c"MMX_ERROR_NOT_FOUND", "delete: the service doesn't know the file; HTTP 404 with an API error"),
    (Status::Permission, c"MMX_ERROR_PERMISSION", "the account may not do this: 2038, 2042"),
    (Status::Server, c"MMX_ERROR_SERVER", "the service failed: 1000, 1013, 1024, 1033, HTTP 5xx"),
    (Status::ServerTimeout, c"MMX_ERROR_SERVER_TIMEOUT", "the service timed out: 1001, HTTP 408 and 504"),
    (Status::Api, c"MMX_ERROR_API", "any other API code"),
    (Status::Internal, c"MMX_ERROR_INTERNAL", "a bug in the library, or no file descriptor left"),
];

impl Status {
    /// The status where something was sent: the one that says that nothing was is another then.
    pub fn once_sent(self) -> Status {
        if self == Status::Connect { Status::Network } else { self }
    }

    /// The C name of a status value, also of one that this version doesn't know.
    pub fn name_of(value: i32) -> &'static CStr {
        STATUSES.iter().find(|(status, ..)| *status as i32 == value).map_or(c"MMX_ERROR_UNKNOWN", |(_, name, _)| name)
    }

    pub fn name(self) -> &'static str {
        Self::name_of(self as i32).to_str().unwrap_or("MMX_ERROR_UNKNOWN")
    }
}

/// Why a call failed, with all that is known about it.
#[derive(Clone, Debug)]
pub struct Error {
    pub status: Status,
    /// The C function without its prefix, e.g. `delete_file`.
    pub call: &'static str,
    /// One line that a person can act on. Begins with the call, never holds the key.
    pub message: String,
    /// The argument at fault.
    pub parameter: Option<&'static str>,
    /// `base_resp.status_code`; 0 when none came.
    pub api_code: i32,
    pub api_message: String,
    /// 0 when no response came.
    pub http_status: u16,
    pub trace_id: String,
    /// Requests sent, or tried to send.
    pub attempts: u32,
    pub retry_after: Option<Duration>,
    /// The service may have carried the call out.
    pub ambiguous: bool,
    /// Another attempt may come to another end.
    pub transient: bool,
    /// The errno of a local file's failure, or of what this machine refused; 0 = none.
    pub errno: i32,
}

impl Error {
    pub fn new(status: Status, call: &'static str, text: impl AsRef<str>) -> Error {
        Error {
            status,
            call,
            message: format!("{call}: {}", one_line(text.as_ref())),
            parameter: None,
            api_code: 0,
            api_message: String::new(),
            http_status: 0,
            trace_id: String::new(),
            attempts: 0,
            retry_after: None,
            ambiguous: false,
            transient: false,
            errno: 0,
        }
    }

    pub fn invalid_argument(call: &'static str, parameter: &'static str, text: impl AsRef<str>) -> Error {
        let text = format!("{parameter} {}", text.as_ref());
        Error { parameter: Some(parameter), ..Error::new(Status::InvalidArgument, call, text) }
    }

    /// The rate limiter gave no turn in time: the service has answered nothing.
    pub fn is_without_turn(&self) -> bool {
        self.status == Status::RateLimited && self.http_status == 0 && self.api_code == 0
    }

    /// Adds the errno of the local failure behind it.
    pub fn caused_by(self, error: &io::Error) -> Error {
        Error { errno: error.raw_os_error().unwrap_or_default(), ..self }
    }

    /// Sets whether the service may have carried out the call. The status is then not the one that says that nothing was
    /// sent: the last attempt may have found nobody.
    pub fn set_ambiguous(&mut self, ambiguous: bool) {
        self.ambiguous = ambiguous;
        if ambiguous {
            self.status = self.status.once_sent();
        }
    }

    /// Adds a sentence to the message.
    pub fn add(&mut self, text: &str) {
        self.message.push_str(&one_line(text));
    }

    /// The message without the call's name in front.
    pub fn without_call(&self) -> &str {
        self.message.strip_prefix(self.call).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&self.message)
    }

    /// Takes a secret out of everything that came from outside.
    pub fn redact(&mut self, secret: &str, instead: &str) {
        for text in [&mut self.message, &mut self.api_message, &mut self.trace_id] {
            if !secret.is_empty() && text.contains(secret) {
                *text = text.replace(secret, instead);
            }
        }
    }

    pub fn retry_after_ms(&self) -> i64 {
        self.retry_after.map_or(-1, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
    }

    /// All of it, in the shape that the wrappers read.
    pub fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    pub fn to_value(&self) -> serde_json::Value {
        ErrorRecord::from(self.clone()).to_value()
    }
}

/// An error as its JSON has it: of this library, or read from JSON that a later version may have written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorRecord {
    pub status: i32,
    pub status_name: String,
    pub call: String,
    pub message: String,
    pub parameter: Option<String>,
    pub api_code: i32,
    pub api_message: String,
    pub http_status: i32,
    pub trace_id: String,
    pub attempts: i32,
    pub retry_after_ms: i64,
    pub ambiguous: bool,
    pub errno: i32,
}

impl From<Error> for ErrorRecord {
    fn from(error: Error) -> ErrorRecord {
        ErrorRecord {
            status: error.status as i32,
            status_name: error.status.name().into(),
            call: error.call.into(),
            parameter: error.parameter.map(str::to_owned),
            api_code: error.api_code,
            http_status: error.http_status.into(),
            attempts: i32::try_from(error.attempts).unwrap_or(i32::MAX),
            retry_after_ms: error.retry_after_ms(),
            ambiguous: error.ambiguous,
            errno: error.errno,
            message: error.message,
            api_message: error.api_message,
            trace_id: error.trace_id,
        }
    }
}

impl ErrorRecord {
    pub fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    fn to_value(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Puts texts that were read on one line without control characters, as those of this library are.
    pub fn clean(&mut self) {
        for text in [&mut self.call, &mut self.message, &mut self.api_message, &mut self.trace_id] {
            *text = text.chars().map(on_one_line).collect();
        }
    }
}

/// Turns the text behind it around: a terminal shows another text than there is.
pub fn is_bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text from outside goes into messages on one line, without control characters, and cut where nobody reads on.
pub fn one_line(text: &str) -> String {
    const LONGEST: usize = 600;
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            line.push('…');
            break;
        }
        line.push(on_one_line(c));
    }
    line
}

fn on_one_line(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() || is_bidi(c) => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_one_row_and_one_name() {
        for (status, name, _) in STATUSES {
            assert_eq!(Status::name_of(*status as i32), *name);
            assert_eq!(STATUSES.iter().filter(|row| row.0 == *status || row.1 == *name).count(), 1);
        }
        assert_eq!(Status::name_of(12345), c"MMX_ERROR_UNKNOWN");
        assert_eq!(Status::name_of(-1), c"MMX_ERROR_UNKNOWN");
    }

    #[test]
    fn a_message_is_one_line_without_control_characters() {
        assert_eq!(one_line("a\r\nb\tc\u{1b}]0;x\u{7}\0\u{202e}d"), "a  b c\u{fffd}]0;x\u{fffd}\u{fffd}\u{fffd}d");
        assert_eq!(one_line(&"x".repeat(5000)).chars().count(), 601);
    }

    #[test]
    fn the_key_is_taken_out_wherever_the_service_echoes_it() {
        let mut error = Error::new(Status::Authentication, "delete_file", "bad key sk-secret!");
        error.api_message = "sk-secret".into();
        error.trace_id = "x-sk-secret".into();
        error.redact("sk-secret", "[the key]");
        assert!(!error.to_json().contains("sk-secret"), "{}", error.to_json());
    }
}
