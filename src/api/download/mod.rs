//! Download: `GET /v1/files/retrieve_content`, the API's page "File Retrieve Content", or the link that retrieve gives.

pub mod presigned;
pub mod range;
mod receive;
pub mod redirect;

use crate::api::response::envelope::{self, ResponseMeta};
use crate::api::response::{excerpt, headers, model};
use crate::error::{Error, Status};
use crate::transfer::run::Transfer;
use crate::transfer::sink::{Settle, Sink, Target};
use crate::transport::body::BodySent;
use crate::transport::client::{Call, CallKind, CallOptions, CallResponse, Client};
use crate::transport::effect::Effect;
use crate::transport::error::TransportError;
use crate::transport::exchange::{Exchange, Limits, Turn};
use crate::transport::log::Level;
use crate::transport::response::{Head, HttpResponse};
use http::Method;
use http::header::{HeaderValue, IF_RANGE, RANGE};
use serde_json::Value;
use url::Url;

pub const FILE: &str = "download_file";
pub const STREAM: &str = "download_stream";

/// An error in JSON is shorter; a longer answer is a file.
const MAX_ERROR_LEN: usize = 64 << 10;
/// So much of HTML or XML tells whose it is.
const LONGEST_START: usize = 4 << 10;

/// Downloads to a path: the target is whole or untouched.
pub fn download_file(
    client: &Client,
    file_id: i64,
    path: &str,
    by_link: bool,
    options: &CallOptions<'_>,
) -> Result<String, Error> {
    model::check_id(FILE, file_id)?;
    let call = call(FILE, file_id);
    let limits = client.limits(call.name, CallKind::Transfer, options)?;
    let mut target = Target::new(client, &call, limits, path, Settle::IfPossible)?;
    Ok(download(client, call, limits, file_id, by_link, &mut target, options)?.json.to_string())
}

/// Downloads to a path within another call, after which this copy may be the only one: it is whole, and on the disk.
pub fn download_to_keep(
    name: &'static str,
    client: &Client,
    file_id: i64,
    path: &str,
    by_link: bool,
    options: &CallOptions<'_>,
    limits: Limits<'_>,
) -> Result<Downloaded, Error> {
    model::check_id(name, file_id)?;
    let call = call(name, file_id);
    let mut target = Target::new(client, &call, limits, path, Settle::Surely)?;
    download(client, call, limits, file_id, by_link, &mut target, options)
}

/// Downloads to a sink.
pub fn download_stream(
    client: &Client,
    file_id: i64,
    sink: &mut dyn Sink,
    by_link: bool,
    options: &CallOptions<'_>,
) -> Result<String, Error> {
    model::check_id(STREAM, file_id)?;
    let call = call(STREAM, file_id);
    let limits = client.limits(call.name, CallKind::Transfer, options)?;
    Ok(download(client, call, limits, file_id, by_link, sink, options)?.json.to_string())
}

/// A whole file.
pub struct Downloaded {
    pub bytes: u64,
    pub json: Value,
}

fn call(name: &'static str, file_id: i64) -> Call {
    Call {
        name,
        method: Method::GET,
        path: "v1/files/retrieve_content",
        query: vec![("file_id", file_id.to_string())],
        json: None,
        max_response_len: envelope::MAX_RESPONSE_LEN,
        effect: Effect::ReadOnly,
    }
}

/// One download over all its attempts.
struct Download<'a> {
    transfer: Transfer<'a>,
    sink: &'a mut dyn Sink,
    file_id: i64,
    options: CallOptions<'a>,
    /// Its name at the service, where that was asked for.
    filename: Option<String>,
    /// The presigned link, where that is the way.
    link: Option<Url>,
    written: u64,
    resumed: u32,
    /// Validator of the bytes so far: without one, no range can be added to them.
    validator: Option<HeaderValue>,
    /// How long the file is, where that was said.
    length: Option<u64>,
    /// The response said where it ends, by a length or chunks.
    has_end: bool,
    content_type: String,
    /// The last response; nothing when none came.
    meta: ResponseMeta,
}

/// Why an attempt ended early.
enum Ended {
    /// The connection was lost: another attempt may go on from there.
    Cut(TransportError),
    /// The link has expired.
    Expired(Error),
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Ended {
        Ended::Failed(error)
    }
}

fn download(
    client: &Client,
    call: Call,
    limits: Limits<'_>,
    file_id: i64,
    by_link: bool,
    sink: &mut dyn Sink,
    options: &CallOptions<'_>,
) -> Result<Downloaded, Error> {
    let transfer = Transfer::new(client, call, limits, options);
    let (filename, link, written, resumed, validator, length, has_end, content_type, meta) = Default::default();
    let options = *options;
    let mut download = Download {
        transfer,
        sink,
        file_id,
        options,
        filename,
        link,
        written,
        resumed,
        validator,
        length,
        has_end,
        content_type,
        meta,
    };
    let result = download.run(by_link);
    download.transfer.ended(result)
}

impl<'a> Download<'a> {
    fn run(&mut self, by_link: bool) -> Result<Downloaded, Error> {
        let mut refreshed = false;
        loop {
            if by_link && self.link.is_none() {
                let (link, filename) = presigned::ask_for_link(&self.transfer, self.file_id, &self.options)?;
                (self.link, self.filename) = (Some(link), Some(filename));
            }
            let (error, is_expired) = match self.attempt() {
                Ok(()) => break,
                Err(Ended::Cut(failure)) => (self.call_error(failure), false),
                Err(Ended::Expired(error)) => (error, true),
                Err(Ended::Failed(error)) => (error, false),
            };
            self.transfer.check_process()?;
            self.transfer.record(Err(&error));
            if is_expired && !refreshed {
                // A fresh one comes from retrieve, once.
                refreshed = true;
                self.link = None;
            } else if error.transient && self.can_go_on() {
                self.transfer.again(error)?;
            } else {
                return Err(error);
            }
        }
        self.transfer.record(Ok((self.meta.http_status, &self.meta.trace_id)));
        if self.sink.settle() == Settle::Surely && !self.has_end {
            self.check_length()?;
        }
        self.sink.finish().map_err(|failure| self.sink_error(&failure))?;
        let client = self.transfer.client;
        let json = serde_json::json!({
            "file_id": self.file_id,
            "bytes": self.written,
            "length": self.length,
            "content_type": excerpt::without_key(client, &self.content_type),
            "resumed": self.resumed,
            "via": if by_link { "download_url" } else { "retrieve_content" },
            "trace_id": excerpt::without_key(client, &self.meta.trace_id),
        });
        Ok(Downloaded { bytes: self.written, json })
    }

    fn can_go_on(&mut self) -> bool {
        self.written == 0 || self.validator.is_some() || self.restart().is_ok()
    }

    fn restart(&mut self) -> Result<(), String> {
        self.sink.restart()?;
        self.written = 0;
        self.validator = None;
        self.transfer.progress.begins();
        Ok(())
    }

    fn attempt(&mut self) -> Result<(), Ended> {
        self.check_process()?;
        let (exchange, head, is_away) = self.follow()?;
        let (status, asked_for) = (head.http_status, self.written);
        if let (200 | 206, Some(encoding)) = (status, headers::encoding(&head.headers)) {
            let why = excerpt::encoded(self.transfer.client, &encoding);
            return Err(self.error(Status::Protocol, &format!("{why} ({})", self.meta.describe())).into());
        }
        match status {
            206 if asked_for > 0
                && range::is_the_rest(&head.headers, asked_for, self.validator.as_ref(), self.length) =>
            {
                self.resumed += 1;
                self.transfer.log().event(Level::Info, "resumed", || [("bytes", asked_for.into())]);
            }
            200 if asked_for > 0 => self.again("the service sends the file from its start")?,
            200 => {}
            206 | 416 if asked_for > 0 => {
                self.again("the service can't send the rest of the file")?;
                return Err(cut("the service can't send the rest of the file"));
            }
            _ => return Err(self.refused(exchange, head, is_away)),
        }
        self.receive(exchange, head)
    }

    fn again(&mut self, why: &str) -> Result<(), Ended> {
        self.restart()
            .map_err(|cannot| self.error(Status::Network, &format!("the download was cut, {why}, and {cannot}")).into())
    }

    /// Sends a request, and again where it is sent to another place; says whether the response is of one.
    fn follow(&mut self) -> Result<(Exchange<'a>, Head, bool), Ended> {
        let client = self.transfer.client;
        let mut is_away = self.link.is_some();
        let (mut url, mut request) = match &self.link {
            Some(link) => (link.clone(), client.request_to(link, false)),
            None => (client.url(&self.transfer.call), client.request(&self.transfer.call)),
        };
        for hop in 0..=redirect::MOST {
            if self.written > 0
                && let Some(validator) = &self.validator
            {
                let range = HeaderValue::from_str(&format!("bytes={}-", self.written)).expect("digits");
                request.headers.insert(RANGE, range);
                request.headers.insert(IF_RANGE, validator.clone());
            }
            let begun = match (hop, is_away) {
                (0, false) => self.transfer.begin(request),
                (0, true) => Ok(self.transfer.begin_elsewhere(request)),
                (..) => Ok(self.transfer.exchange(request)),
            };
            self.meta = ResponseMeta { attempts: self.transfer.attempts(), ..ResponseMeta::default() };
            let mut exchange = begun.map_err(|failure| self.cut_or_failed(failure))?;
            let head = loop {
                match exchange.turn() {
                    Ok(Turn::Head(head)) => break head,
                    Ok(_) => {}
                    Err(failure) => return Err(self.cut_or_failed(failure)),
                }
            };
            self.meta = ResponseMeta::of(&head, None, self.transfer.attempts());
            if !matches!(head.http_status, 301 | 302 | 303 | 307 | 308) {
                return Ok((exchange, head, is_away));
            }
            let next = redirect::target(&url, &head.headers, presigned::is_local(client));
            let next = next.map_err(|why| self.redirect_error(&format!("{why}, and is not followed there")))?;
            if !is_away && redirect::is_upgrade(&url, &next) {
                let host = next.host_str().unwrap_or_default();
                let text = format!(
                    "the download was redirected to https://{host} ({}): check the base URL, which begins with http://",
                    self.meta.describe()
                );
                return Err(self.error(Status::Http, &text).into());
            }
            is_away = is_away || !redirect::is_same_place(&url, &next);
            self.transfer.log().event(Level::Debug, "redirect", || [("http_status", head.http_status.into())]);
            request = client.request_to(&next, !is_away);
            url = next;
        }
        Err(self.redirect_error("in a ring, or too often").into())
    }

    fn redirect_error(&self, to: &str) -> Error {
        let text = format!("the download was redirected {to} ({})", self.meta.describe());
        self.error(Status::Protocol, &text)
    }

    /// A callback may have forked: in the child nothing more is done.
    fn check_process(&self) -> Result<(), Ended> {
        Ok(self.transfer.check_process()?)
    }

    /// A response that holds no file.
    fn refused(&mut self, mut exchange: Exchange<'a>, head: Head, is_away: bool) -> Ended {
        let mut body = Vec::new();
        while body.len() < MAX_ERROR_LEN {
            match exchange.turn() {
                Ok(Turn::HaveData(data)) => body.extend_from_slice(&data[..data.len().min(MAX_ERROR_LEN - body.len())]),
                Ok(Turn::Done) => break,
                Ok(Turn::Head(_) | Turn::NeedData) => {}
                Err(failure) => return self.cut_or_failed(failure),
            }
        }
        if is_away && !envelope::is_refusal(self.transfer.client, &body) {
            let error = self.redacted(presigned::refusal(self.transfer.call.name, &self.meta));
            let has_expired = self.link.is_some() && matches!(head.http_status, 403 | 410);
            return if has_expired { Ended::Expired(error) } else { Ended::Failed(error) };
        }
        self.no_file(head, body)
    }

    fn no_file(&self, head: Head, body: Vec<u8>) -> Ended {
        let response = CallResponse {
            response: HttpResponse { head, body },
            attempts: self.transfer.attempts(),
            body_sent: BodySent::All,
        };
        Ended::Failed(match envelope::read(self.transfer.client, &self.transfer.call, response) {
            Ok(response) => response.error(self.transfer.client, &self.transfer.call, "the answer holds no file"),
            Err(error) => error,
        })
    }

    fn cut_or_failed(&self, failure: TransportError) -> Ended {
        match failure.status {
            Status::Network | Status::Connect => Ended::Cut(failure),
            _ => self.failed(failure),
        }
    }

    fn failed(&self, failure: TransportError) -> Ended {
        Ended::Failed(self.call_error(failure))
    }

    fn call_error(&self, failure: TransportError) -> Error {
        self.redacted(self.transfer.client.error(&self.transfer.call, failure, self.transfer.attempts()).error)
    }

    fn error(&self, status: Status, text: &str) -> Error {
        self.redacted(Error::new(status, self.transfer.call.name, text))
    }

    fn sink_error(&self, failure: &TransportError) -> Error {
        Error { errno: failure.errno, ..self.error(failure.status, &failure.text) }
    }

    /// With what is known of the response.
    fn redacted(&self, mut error: Error) -> Error {
        let retry_after = error.retry_after;
        self.meta.apply_to(&mut error);
        error.retry_after = retry_after.or(error.retry_after);
        self.transfer.client.redact(&mut error);
        error
    }
}

/// An attempt that went well and brought no whole file.
fn cut(why: &str) -> Ended {
    let text = format!("the download was cut, and {why}");
    Ended::Cut(TransportError::new(Status::Network, BodySent::All, text))
}
