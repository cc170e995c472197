//! `POST /v1/files/delete`

use axum::Extension;
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use super::checks::malformed;
use crate::answer::{Answer, base_resp};
use crate::purpose::is_documented;

#[derive(Deserialize)]
struct DeleteFileReq {
    file_id: Value,
    purpose: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    file_id: Value,
    purpose: Option<Value>,
}

impl From<Strict> for DeleteFileReq {
    fn from(Strict { file_id, purpose }: Strict) -> DeleteFileReq {
        DeleteFileReq { file_id, purpose }
    }
}

pub(super) async fn handle(Extension(call): Extension<Call>) -> Answer {
    delete(&call).unwrap_or_else(|refusal| refusal)
}

fn delete(call: &Call) -> Result<Answer, Answer> {
    call.check_method(Method::POST)?;
    call.check_key()?;
    let body = call.json_body()?;
    let request: DeleteFileReq = if call.rules.rest {
        serde_json::from_slice::<Strict>(body).map_err(malformed)?.into()
    } else {
        serde_json::from_slice(body).map_err(malformed)?
    };
    let file_id = request.file_id.as_i64().ok_or_else(|| malformed("file_id must be an int64"))?;
    let purpose = match &request.purpose {
        None if call.rules.purpose => return Err(malformed("missing field `purpose`")),
        None => None,
        Some(purpose) => {
            let named = purpose.as_str().filter(|purpose| !purpose.is_empty());
            Some(named.ok_or_else(|| malformed("purpose must be a string that is not empty"))?)
        }
    };

    let mut state = call.account.state();
    let file = state.files.get(&file_id);
    let fits = file.is_some_and(|file| purpose.is_none_or(|purpose| file.purpose == purpose));
    // A purpose that only a file of the account has is known too: new ones come up every few months.
    if !fits && purpose.is_some_and(|purpose| !is_documented(purpose)) {
        return Err(malformed("purpose"));
    }
    if !fits {
        return Err(malformed("file not exist"));
    }
    if call.perform {
        state.files.remove(&file_id);
    }
    let mut answer = Answer::json(format!(r#"{{"file_id":{file_id},"base_resp":{}}}"#, json!(base_resp(0, "success"))));
    answer.performed = true;
    Ok(answer)
}
