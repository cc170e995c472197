//! An upload whose answer was lost: is the file there?

use super::list;
use super::model::FileObject;
use crate::transport::client::CallOptions;
use crate::transport::log::Level;
use crate::transport::transfer::Transfer;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::UNIX_EPOCH;

#[derive(Deserialize)]
struct Listing<'a> {
    #[serde(borrow)]
    files: Option<Vec<&'a RawValue>>,
}

/// The answer that was lost, as far as the list has it: of the one file that fits. `None`: there is none. An error says
/// why it can't be told.
pub(super) fn find(
    transfer: &Transfer<'_>,
    filename: &str,
    purpose: &str,
    bytes: u64,
) -> Result<Option<String>, String> {
    let log = transfer.log();
    log.event(Level::Warn, "settling", || [("filename", filename.into()), ("purpose", purpose.into())]);
    let timeout = transfer.limits.deadline.left().map(Some);
    let options = CallOptions { timeout, cancel: transfer.limits.cancel, ..CallOptions::default() };
    let listing = list::listing(transfer.client, transfer.call.name, Some(purpose), &options);
    let listing = listing.map_err(|error| format!("the list could not settle it: {}", error.without_call()))?;
    let Some(now) = listing.date().and_then(|now| now.duration_since(UNIX_EPOCH).ok()) else {
        return Err("the list has no Date header, without which it can't be told which files are new".into());
    };
    // Both are told in whole seconds.
    let began = now.saturating_sub(transfer.elapsed()).as_secs().saturating_sub(1);
    let files: Listing<'_> = serde_json::from_str(&listing.json).map_err(|_| "the list can't be read")?;
    let fits = |raw: &&RawValue| {
        serde_json::from_str::<FileObject>(raw.get()).is_ok_and(|file| {
            file.filename == filename
                && file.purpose == purpose
                && u64::try_from(file.bytes) == Ok(bytes)
                && u64::try_from(file.created_at).is_ok_and(|made| made >= began)
        })
    };
    let found: Vec<_> = files.files.unwrap_or_default().into_iter().filter(fits).collect();
    let what = match found.len() {
        0 => "gone",
        1 => "there",
        _ => "unknown",
    };
    log.event(Level::Warn, "settled", || [("found", what.into()), ("evidence", "list".into())]);
    match found[..] {
        [] => Ok(None),
        [file] => Ok(Some(format!("{{\"file\":{},\"evidence\":\"list\"}}", file.get()))),
        _ => {
            let ids = found.iter().filter_map(|raw| serde_json::from_str::<FileObject>(raw.get()).ok());
            let ids = ids.map(|file| file.file_id.to_string()).collect::<Vec<_>>().join(", ");
            Err(format!("several files of that name and size were made since: {ids}"))
        }
    }
}
