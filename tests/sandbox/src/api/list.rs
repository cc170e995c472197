//! `GET /v1/files/list`

use axum::Extension;
use axum::http::Method;

use super::Call;
use super::checks::malformed;
use crate::answer::Answer;
use crate::purpose::is_documented;

pub(super) async fn handle(Extension(call): Extension<Call>) -> Answer {
    list(&call).unwrap_or_else(|refusal| refusal)
}

fn list(call: &Call) -> Result<Answer, Answer> {
    call.check_method(Method::GET)?;
    call.check_key()?;
    let purpose = call.parameter("purpose")?;
    let purpose = purpose.as_deref();

    let state = call.account.state();
    let fits = |wanted: &str| state.files.values().any(|file| file.purpose == wanted);
    if purpose.is_some_and(|wanted| !is_documented(wanted) && !fits(wanted)) {
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
