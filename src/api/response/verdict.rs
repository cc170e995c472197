//! The result that the body of a response reports: success, a refusal, or nothing that this API sends.

use super::contents::{self, BaseResp, Code, Contents, ReadError};
use super::excerpt::{self, clean};
use super::listing::Keep;
use super::mended::Watch;
use crate::transport::client::Client;
use crate::transport::exchange::Interruption;

/// The result that the body reports.
pub(super) enum Verdict {
    Success,
    /// With the number and the service's message.
    Refused(i64, String),
    /// An error of this API without a number.
    RefusedWithoutCode(String),
    /// Not a response of this API; why not.
    NotThisApi(String),
}

/// Why a body could not be read as a response of this API.
pub(super) enum NoContents {
    Interrupted(Interruption),
    NotThisApi(String),
}

/// Reads the fields of a body.
pub(super) fn parse(client: &Client, body: &[u8], keep: Keep<'_>, watch: Watch<'_>) -> Result<Contents, NoContents> {
    let body = excerpt::without_bom(body).trim_ascii();
    let foreign = |why: &str| Err(NoContents::NotThisApi(why.into()));
    if let Some(page) = excerpt::page(client, body) {
        return foreign(&format!("the answer is {page}"));
    }
    if body.is_empty() {
        return foreign("the answer has an empty body");
    }
    match contents::contents(body, keep, watch) {
        Ok(Contents { is_object: false, .. }) => foreign("the answer is JSON, but not an object"),
        Ok(Contents { twice: Some(field), .. }) => {
            foreign(&format!("the answer is not what the API's documents say: duplicate field `{field}`"))
        }
        Ok(contents) => Ok(contents),
        Err(ReadError::Interrupted(why)) => Err(NoContents::Interrupted(why)),
        Err(ReadError::TooDeep) => foreign("the answer is JSON that is nested too deeply"),
        Err(ReadError::CutShort) => foreign("the answer is JSON that is cut short"),
        Err(ReadError::NoJson) if std::str::from_utf8(body).is_err() => foreign("the answer is not valid UTF-8"),
        Err(ReadError::NoJson) if body.starts_with(b"{") || body.starts_with(b"[") => {
            foreign("the answer is not valid JSON")
        }
        Err(ReadError::NoJson) => {
            let start = String::from_utf8_lossy(&body[..body.len().min(4096)]);
            foreign(&format!("the answer is plain text, \"{}\"", clean(client, &start)))
        }
    }
}

/// Reads what a body says of success.
pub(super) fn verdict(contents: &Contents) -> Verdict {
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
