//! `GET /v1/files/list`

use axum::Extension;
use axum::http::Method;

use super::Call;
use super::checks::malformed;
use crate::account::{DELETE_PURPOSES, UPLOAD_PURPOSES};
use crate::answer::Answer;

pub(super) async fn handle(Extension(call): Extension<Call>) -> Answer {
    list(&call).unwrap_or_else(|refusal| refusal)
}

fn list(call: &Call) -> Result<Answer, Answer> {
    call.check_method(Method::GET)?;
    call.check_key()?;
    let pairs = call.query(&["purpose"])?;
    let purpose = pairs.first().map(|(_, purpose)| purpose.as_str());

    let state = call.account.state();
    let fits = |wanted: &str| state.files.values().any(|file| file.purpose == wanted);
    let known = |wanted: &str| DELETE_PURPOSES.contains(&wanted) || UPLOAD_PURPOSES.contains(&wanted) || fits(wanted);
    if purpose.is_some_and(|wanted| !known(wanted)) {
        return Err(malformed("purpose"));
    }
    let mut json = String::from(r#"{"files":["#);
    for file in state.files.values().filter(|file| purpose.is_none_or(|wanted| file.purpose == wanted)) {
        file.write_to(&mut json, None);
        json.push(',');
    }
    if json.ends_with(',') {
        json.pop();
    }
    json.push_str(r#"],"base_resp":{"status_code":0,"status_msg":"success"}}"#);
    let mut answer = Answer::json(json);
    answer.performed = true;
    Ok(answer)
}
