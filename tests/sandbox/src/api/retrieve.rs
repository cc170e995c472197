//! `GET /v1/files/retrieve`

use axum::Extension;
use axum::http::Method;

use super::Call;
use super::checks::malformed;
use crate::answer::Answer;

pub(super) async fn handle(Extension(call): Extension<Call>) -> Answer {
    retrieve(&call).unwrap_or_else(|refusal| refusal)
}

fn retrieve(call: &Call) -> Result<Answer, Answer> {
    call.check_method(Method::GET)?;
    call.check_key()?;
    let file_id = call.file_id()?;
    let file = call.account.state().files.get(&file_id).cloned();
    let file = file.ok_or_else(|| malformed("file not found"))?;
    let expired = call.fault.as_ref().is_some_and(|fault| fault.expired_url);
    let url = call.server.link(&call.account, file_id, call.tls, expired);
    let mut json = String::from(r#"{"file":"#);
    file.write_to(&mut json, Some(&url));
    json.push_str(r#","base_resp":{"status_code":0,"status_msg":"success"}}"#);
    let mut answer = Answer::json(json);
    answer.performed = true;
    Ok(answer)
}
