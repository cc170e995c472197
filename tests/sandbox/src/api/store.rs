//! The object store: another host, which knows signed links and no keys.

use axum::extract::Query;
use axum::http::{HeaderMap, Method, Uri, header};

use super::{Call, contents};
use crate::account::API_KEY;
use crate::answer::Answer;
use crate::link::Verdict;

/// Whether the client has given the store what is the API's alone.
pub(super) fn leaks_key(uri: &Uri, headers: &HeaderMap) -> bool {
    let named = headers.contains_key(header::AUTHORIZATION);
    let holds = |text: &[u8]| text.windows(API_KEY.len()).any(|window| window == API_KEY.as_bytes());
    named || holds(uri.to_string().as_bytes()) || headers.values().any(|value| holds(value.as_bytes()))
}

/// `/store/NAME/ID` as the account's name and the file; a name of the file may follow.
pub(crate) fn object_path(path: &str) -> Option<(&str, i64)> {
    let (name, rest) = path.strip_prefix("/store/")?.split_once('/')?;
    let (id, _) = rest.split_once('/').unwrap_or((rest, ""));
    Some((name, id.parse().ok()?))
}

pub(crate) fn nothing_there() -> Answer {
    refusal(404, "NoSuchKey", "The specified key does not exist.")
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let xml = format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>\n");
    Answer::new(status, "application/xml", xml)
}

pub(super) fn get(call: &Call, file_id: i64, leaked: bool) -> Result<Answer, Answer> {
    if call.method != Method::GET {
        return Err(refusal(405, "MethodNotAllowed", "The specified method is not allowed."));
    }
    if leaked {
        return Err(refusal(403, "AccessDenied", "A link needs no key, and the store must never see one."));
    }
    let uri: Uri = format!("/?{}", call.query.as_deref().unwrap_or_default()).parse().unwrap_or_default();
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(&uri).map(|Query(pairs)| pairs).unwrap_or_default();
    let (expires, signature) = match pairs.as_slice() {
        [(first, expires), (second, signature)] if first == "Expires" && second == "Signature" => (expires, signature),
        _ => return Err(refusal(403, "AccessDenied", "The link is not complete.")),
    };
    let state = call.account.state();
    match state.links.check(file_id, expires, signature) {
        Verdict::Good => {}
        Verdict::Wrong => return Err(refusal(403, "SignatureDoesNotMatch", "The signature is not of this link.")),
        Verdict::Expired => return Err(refusal(403, "AccessDenied", "Request has expired.")),
    }
    let file = state.files.get(&file_id).filter(|file| file.content.is_there()).cloned();
    drop(state);
    let file = file.ok_or_else(nothing_there)?;
    contents::send(&file, &call.headers, call.fault.as_ref()).map_err(|length| {
        let mut answer = refusal(416, "InvalidRange", "The requested range cannot be satisfied.");
        answer.set("Content-Range", &format!("bytes */{length}"));
        answer
    })
}
