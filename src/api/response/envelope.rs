//! The envelope of every response: `base_resp` with its codes, the newer shape of an error, the trace id; and the meaning
//! of a response that has none of it.

use super::codes::{CODES, SLOW_DOWN, TRY_LATER};
use super::contents::Contents;
use super::excerpt::{self, clean};
use super::headers;
use super::listing::{Keep, Listing};
use super::mended::{self, Watch};
use super::model::FileObject;
use super::verdict::{NoContents, Verdict, parse, verdict};
use crate::api::download::redirect;
use crate::error::{Error, Status};
use crate::transport::attempts::Attempts;
use crate::transport::client::{Call, CallError, CallOptions, CallResponse, Client};
use crate::transport::events::ResponseSummary;
use crate::transport::response::{Head, HttpResponse};
use http::header::{DATE, HeaderMap, HeaderValue};
use std::future::Future;
use std::time::{Duration, SystemTime};

/// Maximum length of every response but lists, in bytes.
pub const MAX_RESPONSE_LEN: usize = 16 << 20;

/// A response that says success.
#[derive(Debug)]
pub struct ApiResponse {
    /// As it came.
    pub json: String,
    contents: Contents,
    meta: ResponseMeta,
}

/// Metadata of a response, for the errors about it.
#[derive(Clone, Debug, Default)]
pub struct ResponseMeta {
    pub http_status: u16,
    pub trace_id: String,
    pub retry_after: Option<Duration>,
    /// The service's clock, as it came.
    pub date: Option<HeaderValue>,
    pub attempts: u32,
    /// The request had got far enough to be carried out.
    pub ambiguous: bool,
}

/// Makes a call that only reads, as often as it takes, and reads what its response says of success.
pub fn exchange(client: &Client, call: &Call, options: &CallOptions<'_>) -> Result<ApiResponse, Error> {
    drive(client, call.name, options, |mut attempts| async move { repeat(&mut attempts, call, Keep::Files).await })
}

/// Makes a call of whatever `work` sends.
pub fn drive<'c, T, F: Future<Output = Result<T, Error>>>(
    client: &'c Client,
    name: &'static str,
    options: &CallOptions<'c>,
    work: impl FnOnce(Attempts<'c>) -> F,
) -> Result<T, Error> {
    client.drive(name, options, work).unwrap_or_else(|ended| Err(call_error(client, ended)))
}

/// Sends a request, and again as long as that may help: for calls that change nothing.
pub async fn repeat(attempts: &mut Attempts<'_>, call: &Call, keep: Keep<'_>) -> Result<ApiResponse, Error> {
    loop {
        match attempt(attempts, call, keep).await {
            Err(error) if error.transient => attempts.again(error).await?,
            result => return result,
        }
    }
}

/// Sends one request and reads what its response says of success.
pub async fn attempt(attempts: &mut Attempts<'_>, call: &Call, keep: Keep<'_>) -> Result<ApiResponse, Error> {
    let client = attempts.client();
    let result = match attempts.send(call).await {
        Ok(response) => read_within(client, call, response, keep, &|| attempts.check()),
        Err(failed) => Err(call_error(client, failed)),
    };
    attempts.record(result.as_ref().map(ApiResponse::summary));
    result
}

pub fn read(client: &Client, call: &Call, response: CallResponse) -> Result<ApiResponse, Error> {
    read_within(client, call, response, Keep::Files, &|| Ok(()))
}

/// The same within limits, since reading a long list takes time.
fn read_within(
    client: &Client,
    call: &Call,
    response: CallResponse,
    keep: Keep<'_>,
    watch: Watch<'_>,
) -> Result<ApiResponse, Error> {
    let CallResponse { response: HttpResponse { head, body }, attempts, body_sent } = response;
    let is_page = excerpt::is_page(&body);
    let parsed = match headers::encoding(&head.headers) {
        Some(encoding) => Err(NoContents::NotThisApi(excerpt::encoded(client, &encoding))),
        None => parse(client, &body, keep, watch),
    };
    let (verdict, contents, interruption) = match parsed {
        Ok(contents) => (verdict(&contents), contents, None),
        Err(NoContents::NotThisApi(why)) => (Verdict::NotThisApi(why), Contents::default(), None),
        Err(NoContents::Interrupted(why)) => (Verdict::Success, Contents::default(), Some(why)),
    };
    let mut meta = ResponseMeta {
        ambiguous: call.effect.is_ambiguous(body_sent),
        ..ResponseMeta::of(&head, contents.request_id.as_deref(), attempts)
    };
    meta.trace_id = excerpt::without_key(client, &meta.trace_id);
    if let Some(why) = interruption {
        let (status, text) = why.describe("reading the answer");
        let mut error = Error::new(status, call.name, text);
        meta.apply_to(&mut error);
        error.ambiguous = meta.ambiguous;
        client.redact(&mut error);
        return Err(error);
    }
    let mut error = match verdict {
        Verdict::Success if (200..300).contains(&head.http_status) => {
            return Ok(ApiResponse { json: mended::text(body), contents, meta });
        }
        Verdict::Success => {
            let why = "the answer is an HTTP error, though its body says success";
            by_http_status(client, call, &head, &meta, why, SaidBy::Anybody)
        }
        Verdict::Refused(code, message) => refused(client, call, code, &message, &meta),
        Verdict::RefusedWithoutCode(message) => {
            let message = clean(client, &message);
            let mut error =
                by_http_status(client, call, &head, &meta, &format!("the service says \"{message}\""), SaidBy::TheApi);
            error.api_message = message;
            error
        }
        Verdict::NotThisApi(why) if is_page => by_http_status(client, call, &head, &meta, &why, SaidBy::AGateway),
        Verdict::NotThisApi(why) => by_http_status(client, call, &head, &meta, &why, SaidBy::Anybody),
    };
    if error.status == Status::Authentication && !is_page {
        error.add(&other_region(client.host()));
    }
    if error.status == Status::Http && head.http_status == 404 && client.base_path().ends_with("/v1/") {
        error.add("; the base URL ends in /v1, leave that out");
    }
    meta.apply_to(&mut error);
    error.transient = matches!(error.status, Status::RateLimited | Status::Server | Status::ServerTimeout);
    client.redact(&mut error);
    Err(error)
}

/// Whether a body is an error of this API; anything else may be what was asked for.
pub fn is_refusal(client: &Client, body: &[u8]) -> bool {
    let refused =
        |contents: &Contents| matches!(verdict(contents), Verdict::Refused(..) | Verdict::RefusedWithoutCode(_));
    parse(client, body, Keep::Count, &|| Ok(())).is_ok_and(|contents| refused(&contents))
}

/// An error of the way, with what the service had said before it broke off.
pub fn call_error(client: &Client, call_error: CallError) -> Error {
    let CallError { mut error, head } = call_error;
    if let Some(head) = head {
        ResponseMeta::of(&head, None, error.attempts).apply_to(&mut error);
        client.redact(&mut error);
    }
    error
}

impl ApiResponse {
    pub fn trace_id(&self) -> &str {
        &self.meta.trace_id
    }

    /// For the log.
    pub fn summary(&self) -> ResponseSummary<'_> {
        (self.meta.http_status, &self.meta.trace_id)
    }

    /// The service's clock when it answered.
    pub fn date(&self) -> Option<SystemTime> {
        self.meta.date.as_ref().and_then(headers::date)
    }

    /// The files of a list.
    pub fn listing(&mut self, client: &Client, call: &Call) -> Result<Listing, Error> {
        self.contents.listing().map_err(|why| self.mismatch(client, call, &why))
    }

    /// The file of a retrieve or an upload.
    pub fn file(&self, client: &Client, call: &Call) -> Result<&FileObject, Error> {
        self.contents.file().map_err(|why| self.mismatch(client, call, &why))
    }

    /// The same, as the caller's own.
    pub fn take_file(&mut self, client: &Client, call: &Call) -> Result<FileObject, Error> {
        self.contents.take_file().map_err(|why| self.mismatch(client, call, &why))
    }

    /// The id at the top of the response, if it has one: `Err` if it is no id.
    pub fn file_id(&self) -> Option<Result<i64, ()>> {
        self.contents.file_id()
    }

    fn mismatch(&self, client: &Client, call: &Call, why: &str) -> Error {
        self.error(client, call, &format!("the answer is not what the API's documents say: {why}"))
    }

    /// For a success that can't be believed.
    pub fn error(&self, client: &Client, call: &Call, text: &str) -> Error {
        let mut error = Error::new(Status::Protocol, call.name, format!("{text} ({})", self.meta.describe()));
        error.ambiguous = self.meta.ambiguous;
        self.meta.apply_to(&mut error);
        client.redact(&mut error);
        error
    }
}

impl ResponseMeta {
    /// `request_id`: the one in the body, for want of one in the head.
    pub fn of(head: &Head, request_id: Option<&str>, attempts: u32) -> ResponseMeta {
        ResponseMeta {
            http_status: head.http_status,
            trace_id: headers::trace_id(&head.headers, request_id),
            retry_after: headers::retry_after(&head.headers),
            date: head.headers.get(DATE).cloned(),
            attempts,
            ambiguous: false,
        }
    }

    pub fn apply_to(&self, error: &mut Error) {
        error.http_status = self.http_status;
        error.trace_id = self.trace_id.clone();
        error.retry_after = self.retry_after;
        error.attempts = self.attempts;
    }

    /// `HTTP 200, trace id 0123…`.
    pub fn describe(&self) -> String {
        let trace = if self.trace_id.is_empty() { String::new() } else { format!(", trace id {}", self.trace_id) };
        format!("HTTP {}{trace}", self.http_status)
    }

    /// Advice to the caller, with the wait that the service asked for.
    pub fn advice(&self, advice: &str) -> String {
        match self.retry_after {
            Some(wait) if !wait.is_zero() && advice.contains(TRY_LATER) => {
                advice.replace(TRY_LATER, &format!("try again in {} s", wait.as_secs_f64()))
            }
            _ => advice.to_owned(),
        }
    }
}

fn refused(client: &Client, call: &Call, code: i64, message: &str, meta: &ResponseMeta) -> Error {
    let known = CODES.iter().find(|row| row.0 == code);
    let (status, meaning, advice) = known.map_or(
        (Status::Api, "a code not known here", "see the API's list of error codes"),
        |&(_, status, meaning, advice)| (status, meaning, advice),
    );
    let message = clean(client, message);
    let said = match message.strip_suffix(&format!("({code})")).unwrap_or(&message).trim_end() {
        "" => String::new(),
        said => format!(" \"{said}\""),
    };
    // The service's own words often are the meaning.
    let meaning = if message.to_lowercase().contains(&meaning.to_lowercase()) { "" } else { &format!("{meaning}; ") };
    let text = format!("the service answered {code}{said} ({meaning}{}): {}", meta.describe(), meta.advice(advice));
    let mut error = Error::new(status, call.name, text);
    error.api_code = i32::try_from(code).unwrap_or(if code < 0 { i32::MIN } else { i32::MAX });
    error.api_message = message;
    error.ambiguous = meta.ambiguous && matches!(status, Status::Server | Status::ServerTimeout);
    error
}

/// Who has answered without a code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SaidBy {
    /// The body is an error of this API.
    TheApi,
    /// It is a page, which the API never sends.
    AGateway,
    Anybody,
}

/// Where no code of the API decides.
fn by_http_status(client: &Client, call: &Call, head: &Head, meta: &ResponseMeta, why: &str, said: SaidBy) -> Error {
    let (status, advice) = match head.http_status {
        200..=299 => (Status::Protocol, "check that the base URL is the API's"),
        300..=399 => (Status::Http, "redirects are not followed for this call; check the base URL"),
        401 | 403 => (Status::Authentication, "check the key"),
        402 => (Status::Quota, "check the account's balance and plan"),
        404 if said == SaidBy::TheApi => (Status::NotFound, "check the parameters"),
        404 => (Status::Http, "check the base URL, its path included"),
        400 | 413 | 422 => (Status::InvalidRequest, "check the parameters"),
        429 => (Status::RateLimited, SLOW_DOWN),
        408 | 504 => (Status::ServerTimeout, TRY_LATER),
        500..=599 => (Status::Server, TRY_LATER),
        _ => (Status::Http, "check that the base URL is the API's"),
    };
    let advice = match excerpt::of_a_gateway(client, head.http_status).filter(|_| said == SaidBy::AGateway) {
        Some(advice) => advice,
        None => meta.advice(advice),
    };
    let redirect =
        if (300..400).contains(&head.http_status) { describe_redirect(client, &head.headers) } else { why.into() };
    let text = format!("{redirect} ({}): {advice}", meta.describe());
    let mut error = Error::new(status, call.name, text);
    let unsure = matches!(status, Status::Protocol | Status::Server | Status::ServerTimeout);
    error.ambiguous = meta.ambiguous && unsure;
    error
}

/// The host alone: the rest of a redirect may hold a signature.
fn describe_redirect(client: &Client, headers: &HeaderMap) -> String {
    let target = redirect::location(headers).and_then(|target| url::Url::parse(&target).ok());
    let Some(host) = target.as_ref().and_then(url::Url::host_str) else { return "the answer is a redirect".into() };
    let is_https = target.as_ref().is_some_and(|target| target.scheme() == "https");
    let is_upgrade = client.scheme() == "http" && host == client.host() && is_https;
    format!("the answer is a redirect to {}{host}", if is_upgrade { "https://" } else { "" })
}

/// The commonest support question there is.
fn other_region(host: &str) -> String {
    let other = match host {
        "api.minimaxi.com" | "api.minimax.cn" => "api.minimax.io",
        "api.minimax.io" => "api.minimaxi.com",
        _ => {
            let keys =
                "keys of api.minimaxi.com (China) and of api.minimax.io (global) do not work on each other's host";
            return format!("; it may belong to another region than the host {host}: {keys}");
        }
    };
    format!("; it may belong to the other region: this call went to {host}, the other host is https://{other}")
}
