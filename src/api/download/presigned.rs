//! The object store, or whatever else a download is sent on to: the link that leads there, and what it means when it has no
//! file to give.

use super::redirect;
use crate::api::response::envelope::ResponseMeta;
use crate::api::response::model::FileObject;
use crate::api::retrieve;
use crate::error::{Error, Status};
use crate::transfer::run::Transfer;
use crate::transport::client::{CallOptions, Client};
use crate::transport::setting::is_loopback;
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

/// The presigned link of retrieve, and the file's name. Whoever has the link has the file: it is in no message.
pub fn ask_for_link(transfer: &Transfer<'_>, file_id: i64, options: &CallOptions<'_>) -> Result<(Url, String), Error> {
    let (name, made, deadline) = (transfer.call.name, transfer.attempts(), transfer.limits.deadline);
    let failed = |error: Error| {
        let text = match deadline.has_passed().filter(|_| error.status == Status::Timeout) {
            // Not what was left of it.
            Some(limit) => format!("the time limit of {} ms passed while asking for the link", limit.as_millis()),
            None => error.message.clone(),
        };
        Error { call: name, message: format!("{name}: {text}"), attempts: made.max(error.attempts), ..error }
    };
    let timeout = deadline.left_or(options.timeout);
    let (call, mut response) =
        retrieve::ask(transfer.client, file_id, &CallOptions { timeout, http: Some(&transfer.http), ..*options })
            .map_err(failed)?;
    let file = response.take_file(transfer.client, &call).unwrap_or_default();
    let url = Some(file.download_url).filter(|link| !link.is_empty()).and_then(|link| Url::parse(&link).ok());
    let Some(mut url) = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) else {
        return Err(failed(response.error(transfer.client, &call, "the answer has no download_url for this file")));
    };
    let is_local = is_local(transfer.client);
    if url.scheme() == "http" && redirect::is_this_machine(&url) && !is_local {
        let why = "the download_url leads to http:// on this machine, where the API is not, and is not followed there";
        return Err(failed(response.error(transfer.client, &call, why)));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        // Only from or to a scheme that isn't a web one can this fail.
        let _ = url.set_scheme("https");
    }
    Ok((url, file.filename))
}

/// Whether the API itself is http:// on this machine, as in tests: only then may a link or a redirect lead to such a place.
pub fn is_local(client: &Client) -> bool {
    client.scheme() == "http" && Url::parse(&format!("http://{}", client.host())).is_ok_and(|url| is_loopback(&url))
}

/// A file as retrieve has it; `None` where it can't be told.
pub fn ask_for_file(transfer: &Transfer<'_>, file_id: i64, options: &CallOptions<'_>) -> Option<FileObject> {
    let timeout = transfer.limits.deadline.left_or(options.timeout);
    let options = CallOptions { timeout, http: Some(&transfer.http), ..*options };
    let (call, mut response) = retrieve::ask(transfer.client, file_id, &options).ok()?;
    response.take_file(transfer.client, &call).ok()
}
