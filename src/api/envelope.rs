//! What every answer has in common: `base_resp` with its codes, the newer shape of an error, the trace id; and what an
//! answer means that has none of it.

use super::codes::{CODES, SLOW_DOWN, TRY_LATER};
use super::mended::{Watch, without_byte_order_mark};
use super::model::{BaseResp, Code, Contents, FileObject, Keep, Listing, Unread};
use super::{headers, mended, model};
use crate::error::{Error, Status, one_line};
use crate::transport::attempt::{Head, HttpResponse};
use crate::transport::attempts::Attempts;
use crate::transport::client::{Call, CallError, CallOptions, CallResponse, Client};
use crate::transport::events::ResponseSummary;
use crate::transport::exchange::Interruption;
use http::header::{DATE, HeaderMap, HeaderValue, LOCATION};
use std::future::Future;
use std::time::{Duration, SystemTime};

/// Of everything but lists, in bytes.
pub const MAX_RESPONSE_LEN: usize = 16 << 20;

/// A response that says success.
#[derive(Debug)]
pub struct ApiResponse {
    /// As it came.
    pub json: String,
    contents: Contents,
    meta: ResponseMeta,
}

/// What goes on every error about a response.
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

/// What the body says of success.
enum Verdict {
    Success,
    /// With the number and the service's message.
    Refused(i64, String),
    /// An error of this API without a number.
    RefusedWithoutCode(String),
    /// Not this API's; why not.
    NotThisApi(String),
}

/// Makes a call that only reads, as often as it takes, and reads what its response says of success.
pub fn exchange(client: &Client, call: &Call, options: &CallOptions<'_>) -> Result<ApiResponse, Error> {
    exchange_list(client, call, Keep::Files, options)
}

/// The same of a list, of whose files so much is kept.
pub fn exchange_list(
    client: &Client,
    call: &Call,
    keep: Keep<'_>,
    options: &CallOptions<'_>,
) -> Result<ApiResponse, Error> {
    drive(client, call.name, options, |mut attempts| async move { repeat(&mut attempts, call, keep).await })
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

/// The same within limits, for reading much takes time.
fn read_within(
    client: &Client,
    call: &Call,
    response: CallResponse,
    keep: Keep<'_>,
    watch: Watch<'_>,
) -> Result<ApiResponse, Error> {
    let CallResponse { response: HttpResponse { head, body }, attempts, body_sent } = response;
    let meta = |request_id: Option<&str>| ResponseMeta {
        ambiguous: call.is_ambiguous(body_sent),
        ..ResponseMeta::of(&head, request_id, attempts)
    };
    let (verdict, meta, contents) = match parse(client, &body, keep, watch) {
        Ok(contents) => (verdict(&contents), meta(contents.request_id.as_deref()), contents),
        Err(NoContents::NotThisApi(why)) => (Verdict::NotThisApi(why), meta(None), Contents::default()),
        Err(NoContents::Interrupted(why)) => {
            let (status, text) = why.describe("reading the answer");
            let mut error = Error::new(status, call.name, text);
            let meta = meta(None);
            meta.apply_to(&mut error);
            error.ambiguous = meta.ambiguous;
            error.redact(client.key());
            return Err(error);
        }
    };
    let mut error = match verdict {
        Verdict::Success if (200..300).contains(&head.http_status) => {
            return Ok(ApiResponse { json: mended::text(body), contents, meta });
        }
        Verdict::Success => {
            by_http_status(call, &head, &meta, "the answer is an HTTP error, though its body says success", false)
        }
        Verdict::Refused(code, message) => refused(client, call, code, &message, &meta),
        Verdict::RefusedWithoutCode(message) => {
            let message = clean(client, &message);
            let mut error = by_http_status(call, &head, &meta, &format!("the service says \"{message}\""), true);
            error.api_message = message;
            error
        }
        Verdict::NotThisApi(why) => by_http_status(call, &head, &meta, &why, false),
    };
    if error.status == Status::Authentication {
        error.add(&other_region(client.host()));
    }
    if error.status == Status::Http && head.http_status == 404 && client.base_path().ends_with("/v1/") {
        error.add("; the base URL ends in /v1, leave that out");
    }
    meta.apply_to(&mut error);
    error.transient = matches!(error.status, Status::RateLimited | Status::Server | Status::ServerTimeout);
    error.redact(client.key());
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
        error.redact(client.key());
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

    /// The list in it.
    pub fn listing(&mut self, client: &Client, call: &Call) -> Result<Listing, Error> {
        self.contents.listing().map_err(|why| self.mismatch(client, call, &why))
    }

    /// The one file that it is about.
    pub fn file(&self, client: &Client, call: &Call) -> Result<&FileObject, Error> {
        self.contents.file().map_err(|why| self.mismatch(client, call, &why))
    }

    /// The same, handed over.
    pub fn take_file(&mut self, client: &Client, call: &Call) -> Result<FileObject, Error> {
        self.contents.take_file().map_err(|why| self.mismatch(client, call, &why))
    }

    /// The id in the response itself, if it has one: `Err` for what is no id.
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
        error.redact(client.key());
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

    /// What a caller can do, with the wait that the service asked for.
    pub fn advice(&self, advice: &str) -> String {
        match self.retry_after {
            Some(wait) if !wait.is_zero() && advice.contains(TRY_LATER) => {
                advice.replace(TRY_LATER, &format!("try again in {} s", wait.as_secs_f64()))
            }
            _ => advice.to_owned(),
        }
    }
}

/// Why a body has nothing to read.
enum NoContents {
    Interrupted(Interruption),
    NotThisApi(String),
}

fn parse(client: &Client, body: &[u8], keep: Keep<'_>, watch: Watch<'_>) -> Result<Contents, NoContents> {
    let body = without_byte_order_mark(body).trim_ascii();
    let foreign = |why: &str| Err(NoContents::NotThisApi(why.into()));
    if body.is_empty() {
        return foreign("the answer has an empty body");
    }
    if body.starts_with(b"<") {
        return foreign("the answer is an HTML page, as a gateway or a proxy sends it");
    }
    match model::contents(body, keep, watch) {
        Ok(Contents { is_object: false, .. }) => foreign("the answer is JSON, but not an object"),
        Ok(Contents { twice: Some(field), .. }) => {
            foreign(&format!("the answer is not what the API's documents say: duplicate field `{field}`"))
        }
        Ok(contents) => Ok(contents),
        Err(Unread::Interrupted(why)) => Err(NoContents::Interrupted(why)),
        Err(Unread::TooDeep) => foreign("the answer is JSON that is nested too deeply"),
        Err(Unread::CutShort) => foreign("the answer is JSON that is cut short"),
        Err(Unread::NoJson) if std::str::from_utf8(body).is_err() => foreign("the answer is not valid UTF-8"),
        Err(Unread::NoJson) if body.starts_with(b"{") || body.starts_with(b"[") => {
            foreign("the answer is not valid JSON")
        }
        Err(Unread::NoJson) => {
            let start = String::from_utf8_lossy(&body[..body.len().min(4096)]);
            foreign(&format!("the answer is plain text, \"{}\"", clean(client, &start)))
        }
    }
}

fn verdict(contents: &Contents) -> Verdict {
    match (&contents.base_resp, &contents.error) {
        (Some(BaseResp::NotAnObject), _) => Verdict::NotThisApi("base_resp in the answer is not an object".into()),
        (Some(BaseResp::Object { code, message }), _) => match code {
            Code::Of(0) => Verdict::Success,
            Code::Of(code) => Verdict::Refused(*code, message.clone()),
            Code::NoInteger => Verdict::NotThisApi("base_resp.status_code in the answer is not an integer".into()),
            Code::Missing => Verdict::NotThisApi("base_resp in the answer has no status_code".into()),
        },
        // The newer shape: {"type":"error","error":{"type","message","http_code"},"request_id"}.
        (None, Some(message)) => match code_in_parentheses(message) {
            Some(code) => Verdict::Refused(code, message.clone()),
            None => Verdict::RefusedWithoutCode(message.clone()),
        },
        (None, None) => Verdict::NotThisApi("the answer has no base_resp".into()),
    }
}

/// `invalid api key (2049)` is 2049.
fn code_in_parentheses(message: &str) -> Option<i64> {
    let (_, code) = message.trim_end().strip_suffix(')')?.rsplit_once('(')?;
    code.parse().ok().filter(|&code| code > 0)
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

/// Where no code of the API decides. `of_this_api`: the body is an error of this API.
fn by_http_status(call: &Call, head: &Head, meta: &ResponseMeta, why: &str, of_this_api: bool) -> Error {
    let (status, advice) = match head.http_status {
        200..=299 => (Status::Protocol, "check that the base URL is the API's"),
        300..=399 => (Status::Http, "redirects are not followed for this call; check the base URL"),
        401 | 403 => (Status::Authentication, "check the key"),
        402 => (Status::Quota, "check the account's balance and plan"),
        404 if of_this_api => (Status::NotFound, "check the parameters"),
        404 => (Status::Http, "check the base URL, its path included"),
        400 | 413 | 422 => (Status::InvalidRequest, "check the parameters"),
        429 => (Status::RateLimited, SLOW_DOWN),
        408 | 504 => (Status::ServerTimeout, TRY_LATER),
        500..=599 => (Status::Server, TRY_LATER),
        _ => (Status::Http, "check that the base URL is the API's"),
    };
    let redirect = if (300..400).contains(&head.http_status) { describe_redirect(&head.headers) } else { why.into() };
    let text = format!("{redirect} ({}): {}", meta.describe(), meta.advice(advice));
    let mut error = Error::new(status, call.name, text);
    let unsure = matches!(status, Status::Protocol | Status::Server | Status::ServerTimeout);
    error.ambiguous = meta.ambiguous && unsure;
    error
}

/// The host alone: the rest of a redirect may hold a signature.
fn describe_redirect(headers: &HeaderMap) -> String {
    let target = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let host = target.and_then(|target| url::Url::parse(target).ok()?.host_str().map(str::to_owned));
    format!("the answer is a redirect{}", host.map_or(String::new(), |host| format!(" to {host}")))
}

/// The service's own words, on one line, without the key.
fn clean(client: &Client, message: &str) -> String {
    one_line(&excerpt(&message.replace(client.key(), "[the key]")))
}

fn excerpt(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The commonest support question there is.
fn other_region(host: &str) -> String {
    let other = match host {
        "api.minimaxi.com" | "api.minimax.cn" => "api.minimax.io",
        "api.minimax.io" => "api.minimaxi.com",
        _ => {
            return format!(
                "; it may belong to another region than the host {host}: keys of api.minimaxi.com (China) and of \
                 api.minimax.io (global) do not work on each other's host"
            );
        }
    };
    format!("; it may belong to the other region: this call went to {host}, the other host is https://{other}")
}
