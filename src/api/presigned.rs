//! The object store, or whatever else a download is sent on to: the link that leads there, and what it means when it has no
//! file to give.

use super::envelope::ResponseMeta;
use super::retrieve;
use crate::error::{Error, Status};
use crate::transport::client::CallOptions;
use crate::transport::config::is_loopback;
use crate::transport::transfer::Transfer;
use url::Url;

/// Its own words are in nobody's list, its HTTP status is. It never got the key, so it says nothing of that.
pub fn refusal(call: &'static str, meta: &ResponseMeta) -> Error {
    let (status, advice) = match meta.http_status {
        401 | 403 | 404 | 410 => (Status::Http, ": the file's content may have expired"),
        429 => (Status::RateLimited, ": slow down and try again later"),
        408 | 504 => (Status::ServerTimeout, ": try again later"),
        500.. => (Status::Server, ": try again later"),
        _ => (Status::Http, ""),
    };
    let mut error =
        Error::new(status, call, format!("the file store answered {}{}", meta.describe(), meta.advice(advice)));
    meta.apply_to(&mut error);
    error
}

/// The presigned link of retrieve. Whoever has it has the file: it is in no message.
pub fn ask_for_link(transfer: &Transfer<'_>, file_id: i64, options: &CallOptions<'_>) -> Result<Url, Error> {
    let (name, made, deadline) = (transfer.call.name, transfer.attempts(), transfer.limits.deadline);
    let failed = |error: Error| {
        let text = match deadline.has_passed().filter(|_| error.status == Status::Timeout) {
            // Not what was left of it.
            Some(limit) => format!("the time limit of {} ms passed while asking for the link", limit.as_millis()),
            None => error.message.clone(),
        };
        Error { call: name, message: format!("{name}: {text}"), attempts: made.max(error.attempts), ..error }
    };
    let timeout = deadline.left().map_or(options.timeout, |left| Some(Some(left)));
    let (call, response) =
        retrieve::ask(transfer.client, file_id, &CallOptions { timeout, http: Some(&transfer.http), ..*options })
            .map_err(failed)?;
    let link = response.file(transfer.client, &call).ok().map(|file| file.download_url.clone());
    let url = link.filter(|link| !link.is_empty()).and_then(|link| Url::parse(&link).ok());
    let Some(mut url) = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) else {
        return Err(failed(response.error(transfer.client, &call, "the answer has no download_url for this file")));
    };
    if url.scheme() == "http" && !is_loopback(&url) {
        // Only from or to a scheme that isn't a web one can this fail.
        let _ = url.set_scheme("https");
    }
    Ok(url)
}
