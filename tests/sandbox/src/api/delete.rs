//! `POST /v1/files/delete`

use axum::Extension;
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use super::checks::malformed;
use crate::account::DELETE_PURPOSES;
use crate::answer::{Answer, base_resp};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteFileReq {
    file_id: Value,
    purpose: Value,
}

pub(super) async fn handle(Extension(call): Extension<Call>) -> Answer {
    delete(&call).unwrap_or_else(|refusal| refusal)
}

fn delete(call: &Call) -> Result<Answer, Answer> {
    call.check_method(Method::POST)?;
    call.check_key()?;
    let request: DeleteFileReq = serde_json::from_slice(call.json_body()?).map_err(malformed)?;
    let file_id = request.file_id.as_i64().ok_or_else(|| malformed("file_id must be an int64"))?;
    let purpose = request.purpose.as_str().filter(|purpose| !purpose.is_empty());
    let purpose = purpose.ok_or_else(|| malformed("purpose must be a string that is not empty"))?;

    let mut state = call.account.state();
    let file = state.files.get(&file_id);
    let fits = file.is_some_and(|file| file.purpose == purpose);
    // A purpose that only a file of the account has is known too: new ones come up every few months.
    if !fits && !DELETE_PURPOSES.contains(&purpose) {
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
