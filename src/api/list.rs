//! List: `GET /v1/files/list`, the API's page "File List". There is no paging: one response holds every file.

use crate::api::purpose;
use crate::api::response::envelope;
use crate::api::response::envelope::ApiResponse;
use crate::api::response::listing::{Keep, Listing};
use crate::api::response::model::FileObject;
use crate::error::Error;
use crate::transport::client::{Call, CallOptions, Client};
use crate::transport::effect::Effect;
use crate::transport::log::{Level, Log};
use http::Method;
use serde_json::Value;

pub const CALL: &str = "list_files";
/// 100,000 files are 13 to 33 MiB.
const MAX_RESPONSE_LEN: usize = 256 << 20;

/// Lists the files of one purpose, or of every one, and returns the service's response as it came.
pub fn list(client: &Client, purpose: Option<&str>, options: &CallOptions<'_>) -> Result<String, Error> {
    Ok(listing(client, CALL, purpose, Keep::Count, options)?.0.json)
}

/// The same within another call, with the files as far as they are kept.
pub fn listing(
    client: &Client,
    name: &'static str,
    purpose: Option<&str>,
    keep: Keep<'_>,
    options: &CallOptions<'_>,
) -> Result<(ApiResponse, Listing), Error> {
    let mut query = Vec::new();
    if let Some(purpose) = purpose {
        purpose::check(name, purpose)?;
        query.push(("purpose", purpose.to_owned()));
    }
    let call = Call {
        name,
        method: Method::GET,
        path: "v1/files/list",
        query,
        json: None,
        max_response_len: MAX_RESPONSE_LEN,
        effect: Effect::ReadOnly,
    };
    let result = envelope::exchange_list(client, &call, keep, options).and_then(|mut response| {
        let listing = response.listing(client, &call)?;
        if listing.unreadable > 0 {
            say(client, name, Level::Warn, "unreadable", || [("entries", listing.unreadable.into())]);
        }
        Ok((response, listing))
    });
    result.map_err(|error| match purpose {
        Some(purpose) => purpose::explain(error, purpose),
        None => error,
    })
}

/// The same for a call that looks for files of a purpose itself: where the service refuses to list by that purpose, it
/// lists all, and the others are left out. Those of [`Keep::Fitting`] are chosen by the caller.
pub fn listing_of(
    client: &Client,
    name: &'static str,
    purpose: Option<&str>,
    keep: Keep<'_>,
    options: &CallOptions<'_>,
) -> Result<(ApiResponse, Listing), Error> {
    let error = match listing(client, name, purpose, keep, options) {
        Err(error) if purpose.is_some() && error.api_code == 2013 => error,
        result => return result,
    };
    say(client, name, Level::Info, "listing_all", || {
        [("purpose", purpose.unwrap_or_default().into()), ("message", error.message.as_str().into())]
    });
    let kept = if let Keep::Fitting(_) = keep { keep } else { Keep::Files };
    let (response, mut listing) = self::listing(client, name, None, kept, options)?;
    let is_of_purpose = |file: &FileObject| Some(file.purpose.as_str()) == purpose;
    let is_there = listing.files.iter().any(is_of_purpose) || !listing.fitting.is_empty();
    if !is_there && !purpose.is_some_and(purpose::is_known) {
        // There is no such purpose, as far as anybody knows.
        return Err(error);
    }
    match keep {
        // What doesn't say its purpose may be of this one, and is there.
        Keep::Ids => {
            let of_purpose = listing.files.drain(..).filter(|file| file.purpose.is_empty() || is_of_purpose(file));
            listing.ids = of_purpose.map(|file| file.file_id).collect();
        }
        // That which the caller chose, also by the purpose.
        Keep::Fitting(_) => {}
        _ => listing.files.retain(is_of_purpose),
    }
    Ok((response, listing))
}

/// A line in the log.
fn say<const N: usize>(
    client: &Client,
    name: &'static str,
    level: Level,
    event: &str,
    data: impl FnOnce() -> [(&'static str, Value); N],
) {
    let log = Log::new(client.logger(), name, client.key());
    log.event(level, event, data);
    log.flush();
}
