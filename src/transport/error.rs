//! Why a request got no whole response, how much of it was sent by then, and the causes below an I/O or HTTP error.

use super::body::BodySent;
use super::deadline::Deadline;
use super::response::Head;
use crate::error::Status;
use std::error::Error as StdError;
use std::io;
use std::time::Duration;

/// Why a request got no whole response, and how far it got.
#[derive(Debug)]
pub struct TransportError {
    pub status: Status,
    pub body_sent: BodySent,
    pub text: String,
    /// Another attempt would fail likewise.
    pub permanent: bool,
    /// The head of the response, if it was received before the failure.
    pub head: Option<Box<Head>>,
    /// The shortest wait after which it may go.
    pub retry_after: Option<Duration>,
    /// The errno of a local file's failure, or of what this machine refused; 0 if there was none.
    pub errno: i32,
}

impl TransportError {
    pub fn new(status: Status, body_sent: BodySent, text: impl Into<String>) -> TransportError {
        TransportError {
            status,
            body_sent,
            text: text.into(),
            permanent: false,
            head: None,
            retry_after: None,
            errno: 0,
        }
    }

    /// The rate limiter gives no turn before the call's time is over.
    pub fn no_turn(wait: Duration, deadline: Deadline) -> TransportError {
        let left = deadline.left().unwrap_or_default().as_millis();
        let text = format!(
            "not sent: the rate limiter waits as long as the service asked; the next request may go in {} ms, and \
             {left} ms are left of the call's time limit",
            wait.as_millis()
        );
        let failure = TransportError::new(Status::RateLimited, BodySent::None, text);
        TransportError { retry_after: Some(wait), ..failure.permanent() }
    }

    /// An error of a local file or the caller's stream; the exchange adds how much of the body was sent.
    pub fn file(text: impl Into<String>) -> TransportError {
        TransportError::new(Status::File, BodySent::None, text)
    }

    /// Adds the errno of the local failure behind it.
    pub fn caused_by(self, error: &io::Error) -> TransportError {
        TransportError { errno: error.raw_os_error().unwrap_or_default(), ..self }
    }

    pub fn permanent(self) -> TransportError {
        TransportError { permanent: true, ..self }
    }
}

type Cause<'a> = &'a (dyn StdError + 'static);

/// An error and what lies under it, also inside an io::Error.
pub(super) fn causes<'a>(error: Cause<'a>) -> impl Iterator<Item = Cause<'a>> {
    fn under<'a>(error: Cause<'a>) -> Option<Cause<'a>> {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), |error| under(*error))
}

pub(super) fn root_cause(error: &hyper::Error) -> String {
    let io = || causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    let end_of_file = io().any(|io| io.kind() == io::ErrorKind::UnexpectedEof);
    if end_of_file || error.is_incomplete_message() {
        return "the server closed it before the answer was whole".into();
    }
    match io().last() {
        Some(io) if io.raw_os_error().is_some() => plain(io),
        _ => causes(error).last().map_or_else(String::new, ToString::to_string),
    }
}

/// `Connection reset by peer (os error 104)` says it without the number.
pub fn plain(error: &io::Error) -> String {
    error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase()
}
