//! List: `GET /v1/files/list`, the API's page "File List". There is no paging: one response holds every file.

use crate::api::purpose;
use crate::api::response::envelope;
use crate::api::response::envelope::ApiResponse;
use crate::api::response::listing::{Keep, Listing};
use crate::api::response::model::FileObject;
use crate::error::Error;
use crate::transport::attempts::Attempts;
use crate::transport::client::{Call, CallOptions, Client};
use crate::transport::effect::Effect;
use crate::transport::log::Level;
use http::Method;

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
    purpose::check_given(name, purpose)?;
    envelope::drive(client, name, options, |mut attempts| async move { ask(&mut attempts, name, purpose, keep).await })
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
    purpose::check_given(name, purpose)?;
    envelope::drive(client, name, options, |mut attempts| async move {
        let (error, purpose) = match (ask(&mut attempts, name, purpose, keep).await, purpose) {
            (Err(error), Some(purpose)) if error.api_code == 2013 => (error, purpose),
            (result, _) => return result,
        };
        attempts.log().event(Level::Info, "listing_all", || {
            [("purpose", purpose.into()), ("message", error.message.as_str().into())]
        });
        let kept = if let Keep::Fitting(_) = keep { keep } else { Keep::Files };
        let (response, mut listing) = ask(&mut attempts.auxiliary(), name, None, kept).await?;
        let is_of_purpose = |file: &FileObject| file.purpose == purpose;
        match keep {
            // A file that doesn't say its purpose may be of this one, and is there.
            Keep::Ids => {
                let of_purpose = listing.files.drain(..).filter(|file| file.purpose.is_empty() || is_of_purpose(file));
                listing.ids = of_purpose.map(|file| file.file_id).collect();
                return Ok((response, listing));
            }
            // That which the caller chose, also by the purpose.
            Keep::Fitting(_) => {}
            _ => listing.files.retain(is_of_purpose),
        }
        let is_there = !listing.files.is_empty() || !listing.fitting.is_empty();
        // Else there is no such purpose, as far as anybody knows.
        if is_there || purpose::is_known(purpose) { Ok((response, listing)) } else { Err(error) }
    })
}

async fn ask(
    attempts: &mut Attempts<'_>,
    name: &'static str,
    purpose: Option<&str>,
    keep: Keep<'_>,
) -> Result<(ApiResponse, Listing), Error> {
    let call = Call {
        name,
        method: Method::GET,
        path: "v1/files/list",
        query: purpose.map(|purpose| ("purpose", purpose.to_owned())).into_iter().collect(),
        json: None,
        max_response_len: MAX_RESPONSE_LEN,
        effect: Effect::ReadOnly,
    };
    let explain = |error| purpose::explain(error, purpose);
    let mut response = envelope::repeat(attempts, &call, keep).await.map_err(explain)?;
    let listing = response.listing(attempts.client(), &call).map_err(explain)?;
    if listing.unreadable > 0 {
        attempts.log().event(Level::Warn, "unreadable", || [("entries", listing.unreadable.into())]);
    }
    Ok((response, listing))
}
