//! An upload whose answer was lost: is the file there?

use super::Stored;
use crate::api::list;
use crate::api::response::listing::Keep;
use crate::api::response::model::FileObject;
use crate::error::Status;
use crate::transfer::run::Transfer;
use crate::transport::client::CallOptions;
use crate::transport::exchange::Limits;
use crate::transport::log::Level;
use crate::transport::time_limit::TimeLimit;
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;
use std::time::UNIX_EPOCH;

/// Why it can't be told whether the file is there.
pub(super) enum Inconclusive {
    /// The call was cancelled or ran out of time while the list was asked.
    Ended(Status, String),
    Unclear(String),
}

impl From<&str> for Inconclusive {
    fn from(why: &str) -> Inconclusive {
        Inconclusive::Unclear(why.into())
    }
}

/// The response that was lost, as far as the list has it: of the one file that fits. `None`: there is none.
pub(super) fn find(
    transfer: &Transfer<'_>,
    filename: &str,
    purpose: &str,
    bytes: u64,
) -> Result<Option<Stored>, Inconclusive> {
    let log = transfer.log();
    log.event(Level::Warn, "settling", || [("filename", filename.into()), ("purpose", purpose.into())]);
    let result = look_up(transfer, filename, purpose, bytes);
    let found = result.as_ref().map_or("unknown", |found| if found.is_some() { "there" } else { "gone" });
    log.event(Level::Warn, "settled", || [("found", found.into()), ("evidence", "list".into())]);
    result
}

fn look_up(transfer: &Transfer<'_>, filename: &str, purpose: &str, bytes: u64) -> Result<Option<Stored>, Inconclusive> {
    let timeout = transfer.limits.deadline.left_or(TimeLimit::Default);
    let Limits { cancel, interrupt, .. } = transfer.limits;
    let (info, http) = (transfer.info(), Some(&transfer.http));
    let options = CallOptions { timeout, cancel, interrupt, info, http, ..CallOptions::default() };
    let fits = |file: &FileObject| file.purpose == purpose && u64::try_from(file.bytes) == Ok(bytes);
    let listing = list::listing_of(transfer.client, transfer.call.name, Some(purpose), Keep::Fitting(&fits), &options);
    let (response, listing) = listing.map_err(|error| match transfer.limits.check() {
        Ok(()) => Inconclusive::Unclear(format!("the list could not settle it: {}", error.without_call())),
        Err(ended) => {
            let (status, why) = ended.describe("looking for the file in the list");
            Inconclusive::Ended(status, why)
        }
    })?;
    let Some(now) = response.date().and_then(|now| now.duration_since(UNIX_EPOCH).ok()) else {
        return Err("the list has no Date header, without which it can't be told which files are new".into());
    };
    // Both are told in whole seconds.
    let began = now.saturating_sub(transfer.elapsed()).as_secs().saturating_sub(1);
    let made_since = |file: &FileObject| u64::try_from(file.created_at).is_ok_and(|made| made >= began);
    let files = listing.fitting.into_iter().filter(|(file, _)| made_since(file));
    let (found, others): (Vec<_>, Vec<_>) = files.partition(|(file, _)| is_name(&file.filename, filename));
    match &found[..] {
        [(file, raw)] => {
            let json = format!("{{\"file\":{},\"evidence\":\"list\"}}", raw.get());
            Ok(Some(Stored::new(json, file)))
        }
        [] if listing.unreadable > 0 => {
            Err("the list has entries that can't be read, of which one may be this file".into())
        }
        [] if others.is_empty() || is_plain(filename) => Ok(None),
        [] => Err(Inconclusive::Unclear(format!(
            "files of that size were made since, and one of them may be this one under another name: {}",
            ids(&others)
        ))),
        _ => {
            Err(Inconclusive::Unclear(format!("several files of that name and size were made since: {}", ids(&found))))
        }
    }
}

/// Whether a listed name is the one that was sent, of which the form holds some characters as %22: the service may list
/// it as it stood there, or decoded, or with more of it encoded.
pub fn is_name(listed: &str, sent: &str) -> bool {
    percent_decode_str(listed).eq(percent_decode_str(sent))
}

/// A name that every service keeps as it is.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._-".contains(&byte))
}

fn ids(files: &[(FileObject, Box<RawValue>)]) -> String {
    files.iter().map(|(file, _)| file.file_id.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_in_every_form_that_a_service_may_list() {
        let forms = [
            ("a b.mp3", &["a b.mp3", "a%20b.mp3"][..]),
            ("a\"b\r\n.mp3", &["a\"b\r\n.mp3", "a%22b%0D%0A.mp3", "a%22b%0d%0a.mp3"]),
            ("a%22b.mp3", &["a%22b.mp3", "a\"b.mp3"]),
            ("声.wav", &["声.wav", "%E5%A3%B0.wav", "%e5%a3%b0.wav"]),
            ("100%.mp3", &["100%.mp3", "100%25.mp3"]),
        ];
        for (sent, listed) in forms {
            listed.iter().for_each(|listed| assert!(is_name(listed, sent), "{listed} {sent}"));
        }
        for (listed, sent) in
            [("A.mp3", "a.mp3"), ("a.mp3", "b.mp3"), ("", "a"), ("a.mp3 ", "a.mp3"), ("?.wav", "声.wav")]
        {
            assert!(!is_name(listed, sent), "{listed} {sent}");
        }
        assert!(
            is_plain("a-b_c 1.mp3") && !is_plain("a\"b") && !is_plain("声.wav") && !is_plain("a/b") && !is_plain("a%b")
        );
    }
}
