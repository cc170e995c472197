//! A request whose body is read piece by piece, on the caller's thread, between the turns of its exchange.

use super::run::Transfer;
use crate::error::Status;
use crate::transport::body::BodySent;
use crate::transport::client::{CallError, CallResponse};
use crate::transport::error::TransportError;
use crate::transport::exchange::{Exchange, Turn};
use crate::transport::process::Process;
use crate::transport::progress::Progress;
use crate::transport::request::Body;
use crate::transport::response::HttpResponse;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderValue};
use std::fmt::Display;
use std::time::Duration;

/// One rustls write; of larger pieces a refusal gets lost.
const TLS_PIECE: usize = 64 * 1024;
const PIECE: usize = 512 * 1024;
/// For a refusal that a server sends as soon as it has seen the head.
const GRACE: Duration = Duration::from_millis(3);

/// Where the bytes come from.
pub trait Source {
    /// Bytes to come, when that is known.
    fn size(&self) -> Option<u64>;
    /// Fills a part of the buffer and says how much; 0 is the end. A failure says why there is no more.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError>;
    /// Whether it can go back to its start.
    fn can_rewind(&self) -> bool;
    /// Goes back to its start, or says why not.
    fn rewind(&mut self) -> Result<(), String>;
}

/// A failure of what is uploaded.
pub fn unreadable(what: impl Display, why: impl Display) -> TransportError {
    TransportError::file(format!("{what} can't be read: {why}"))
}

/// The multipart form around the source's bytes.
pub struct MultipartFraming {
    pub content_type: String,
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

/// The body as it is fed: a piece is held back until the next is there, so that the last one goes out only when the
/// source has proved to have as much as it said. Until then the service can't have taken it for whole.
struct UploadBody<'a> {
    source: &'a mut dyn Source,
    piece: usize,
    buffer: BytesMut,
    before: Option<Vec<u8>>,
    held: Option<Bytes>,
    after: Option<Vec<u8>>,
    read: ReadState,
    process: Process,
}

impl UploadBody<'_> {
    /// The next piece, and whether it is the last one.
    fn next(&mut self) -> Result<(Bytes, bool), TransportError> {
        if let Some(before) = self.before.take() {
            return Ok((before.into(), false));
        }
        loop {
            self.buffer.resize(self.piece, 0);
            self.read.begun = true;
            let count = self.source.read(&mut self.buffer);
            if self.process.is_forked_child() {
                // In a child of the callback's: the next turn says so, and nothing more is read.
                return Ok((Bytes::new(), false));
            }
            let count = count?;
            self.read.add(count, self.piece, self.source.size())?;
            if count == 0 {
                let after = self.after.take().unwrap_or_default();
                let last = self.held.take().unwrap_or_default();
                return Ok(([&last[..], &after[..]].concat().into(), true));
            }
            let piece = self.buffer.split_to(count).freeze();
            if let Some(before_it) = self.held.replace(piece) {
                return Ok((before_it, false));
            }
        }
    }
}

/// How far the source was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadState {
    /// It was asked for bytes: to send them again it has to go back.
    pub begun: bool,
    pub bytes: u64,
}

impl ReadState {
    /// Counts what was read into a buffer of `capacity` bytes, 0 at the end; it must agree with the size announced.
    pub fn add(&mut self, count: usize, capacity: usize, size: Option<u64>) -> Result<(), TransportError> {
        let differs = |why: String| Err(unreadable("what is uploaded", why));
        if count > capacity {
            return differs(format!("the source says {count} bytes into a buffer of {capacity}"));
        }
        self.bytes += count as u64;
        match size {
            Some(size) if self.bytes > size => differs(format!("there is more than the {size} bytes announced")),
            Some(size) if count == 0 && self.bytes < size => {
                differs(format!("it ended after {} of the {size} bytes announced", self.bytes))
            }
            _ => Ok(()),
        }
    }
}

impl Transfer<'_> {
    /// Sends one request with a body of `framing` and `source`, and reads its response, also one that comes early.
    pub fn send(
        &mut self,
        framing: MultipartFraming,
        source: &mut dyn Source,
    ) -> (Result<CallResponse, CallError>, ReadState) {
        let mut request = self.client.request(&self.call);
        let content_type = HeaderValue::from_str(&framing.content_type).expect("a media type and a boundary of ours");
        request.headers.insert(CONTENT_TYPE, content_type);
        let around = (framing.before.len() + framing.after.len()) as u64;
        request.body = Body::Streamed(source.size().map(|size| size.saturating_add(around)));
        let mut upload_body = UploadBody {
            source,
            piece: if self.client.scheme() == "https" { TLS_PIECE } else { PIECE },
            buffer: BytesMut::new(),
            before: Some(framing.before),
            held: None,
            after: Some(framing.after),
            read: ReadState::default(),
            process: Process::current(),
        };
        self.progress.begins();
        let longest = self.call.max_response_len;
        let sent = match self.begin(request) {
            Ok(exchange) => drive(exchange, &mut upload_body, &mut self.progress, longest),
            Err(failure) => Err(failure),
        };
        let read = upload_body.read;
        let attempts = self.attempts();
        let response = sent.map(|(response, body_sent)| CallResponse { response, attempts, body_sent });
        (response.map_err(|failure| self.error(failure)), read)
    }
}

fn drive(
    mut exchange: Exchange<'_>,
    upload_body: &mut UploadBody<'_>,
    progress: &mut Progress<'_>,
    longest: usize,
) -> Result<(HttpResponse, BodySent), TransportError> {
    let size = upload_body.source.size();
    let mut turn = exchange.turn()?;
    if matches!(turn, Turn::NeedData) {
        turn = exchange.turn_within(GRACE)?.unwrap_or(turn);
    }
    loop {
        turn = match turn {
            Turn::NeedData => {
                // The end is told once the service has answered.
                if upload_body.read.bytes == 0 || size != Some(upload_body.read.bytes) {
                    progress.moved(upload_body.read.bytes, size, exchange.body_sent())?;
                }
                exchange.check()?;
                let chunk = upload_body
                    .next()
                    .map_err(|failure| TransportError { body_sent: exchange.body_sent(), ..failure })?;
                match chunk {
                    (chunk, false) => exchange.feed(chunk),
                    (chunk, true) => exchange.feed_last(chunk),
                }
                exchange.turn()?
            }
            Turn::Head(head) => {
                let body_sent = exchange.body_sent();
                let response = exchange.rest(head, longest)?;
                if body_sent == BodySent::All {
                    // There is nothing left to cancel, and the response is not to be lost.
                    let _ = progress.finished(upload_body.read.bytes);
                    exchange.check_process()?;
                }
                return Ok((response, body_sent));
            }
            Turn::HaveData(_) | Turn::Done => {
                return Err(TransportError::new(Status::Internal, exchange.body_sent(), "an answer without a head"));
            }
        }
    }
}
