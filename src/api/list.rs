//! List: `GET /v1/files/list`, the API's page "File List". There is no paging: one response holds every file.

use super::envelope::ApiResponse;
use super::model::FileObject;
use super::{envelope, model, purpose};
use crate::error::{Error, Status};
use crate::transport::client::{Call, CallOptions, Client};
use crate::transport::effect::Effect;
use http::Method;
use serde::Deserialize;
use std::collections::HashSet;

pub const CALL: &str = "list_files";
/// 100,000 files are 13 to 33 MiB.
const MAX_RESPONSE_LEN: usize = 256 << 20;

/// What a listing must be; null and nothing are no files.
#[derive(Deserialize)]
struct Listed {
    #[allow(dead_code)] // Reading it is the check.
    files: Option<Vec<FileObject>>,
}

/// Lists the files of one purpose, or of every one, and returns the service's response as it came.
pub fn list(client: &Client, purpose: Option<&str>, options: &CallOptions<'_>) -> Result<String, Error> {
    Ok(listing(client, CALL, purpose, options)?.json)
}

/// The same within another call, with what the response says beside its body.
pub fn listing(
    client: &Client,
    name: &'static str,
    purpose: Option<&str>,
    options: &CallOptions<'_>,
) -> Result<ApiResponse, Error> {
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
    let result = envelope::exchange(client, &call, options).and_then(|response| {
        response.read::<Listed>(client, &call)?;
        Ok(response)
    });
    result.map_err(|error| match purpose {
        Some(purpose) => purpose::explain(error, purpose),
        None => error,
    })
}

/// The ids that are listed.
pub(super) fn ids(
    client: &Client,
    name: &'static str,
    purpose: Option<&str>,
    options: &CallOptions<'_>,
) -> Result<HashSet<i64>, Error> {
    let response = listing(client, name, purpose, options)?;
    let ids = model::ids(&response.json);
    ids.map_err(|why| Error::new(Status::Protocol, name, format!("the answer is not a listing: {why}")))
}
