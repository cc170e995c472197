//! Take: a file is downloaded, and deleted once it is whole on this disk.

use crate::api::delete;
use crate::api::download::{self, Downloaded};
use crate::api::outcome::now_ms;
use crate::api::purpose;
use crate::error::Error;
use crate::ledger::{self, Fact, Flush, Ledger, ProcessId};
use crate::transport::client::{CallKind, CallOptions, Client};
use serde_json::Value;
use std::path;

pub const CALL: &str = "take_file";

/// Returns what is known of the file on the disk, also where it could not be deleted.
pub fn take(
    client: &Client,
    file_id: i64,
    purpose: Option<&str>,
    path: &str,
    by_link: bool,
    options: &CallOptions<'_>,
) -> (Option<String>, Result<(), Error>) {
    let downloaded = (|| {
        purpose::check_given(CALL, purpose)?;
        // One bound over both parts.
        let limits = client.limits(CALL, CallKind::Transfer, options)?;
        Ok((download::download_to_keep(CALL, client, file_id, path, by_link, options, limits)?, limits))
    })();
    let (downloaded, limits) = match downloaded {
        Ok(downloaded) => downloaded,
        Err(error) => return (None, Err(error)),
    };
    let timeout = limits.deadline.left_or(options.timeout);
    let options = CallOptions { timeout, progress: None, ..*options };
    let result = record(client, file_id, purpose, path, &downloaded)
        .and_then(|()| delete::delete_within(CALL, client, file_id, purpose, true, &options));
    let mut json = downloaded.json;
    json["path"] = path.into();
    json["deleted"] = match &result {
        Ok(_) => true.into(),
        Err(error) if error.ambiguous => Value::Null,
        Err(_) => false.into(),
    };
    json["delete"] = result.as_ref().ok().and_then(|json| serde_json::from_str(json).ok()).unwrap_or(Value::Null);
    let result = result.map(drop).map_err(|mut error| {
        error.add(&format!("; the whole file is in {path}"));
        error
    });
    (Some(json.to_string()), result)
}

/// A sweep carries on where this process is killed.
fn record(
    client: &Client,
    file_id: i64,
    purpose: Option<&str>,
    path: &str,
    downloaded: &Downloaded,
) -> Result<(), Error> {
    let Some(ledger) = Ledger::of(client, CALL) else { return Ok(()) };
    let kept = |mut error: Error| {
        error.add("; the file was not deleted");
        error
    };
    let process = ProcessId::current().map_err(|error| kept(ledger::unreadable(CALL, &error)))?;
    let path = path::absolute(path).map_or_else(|_| path.to_owned(), |path| path.to_string_lossy().into_owned());
    let taken = Fact::Taken {
        entry: ledger::new_name(),
        at_ms: now_ms(),
        account: ledger.account.clone(),
        file_id,
        purpose: purpose.map(str::to_owned),
        path,
        bytes: downloaded.bytes,
        process,
    };
    ledger.change(Ledger::afterwards(), Flush::Yes, |_| (vec![taken], ())).map_err(kept)
}
