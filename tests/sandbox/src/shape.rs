//! Answers that are not what the API's documents promise.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{Answer, usual_message};
use crate::fault::Fault;

const DEEP: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    #[serde(rename = "html_502")]
    Html502,
    #[serde(rename = "text_404")]
    Text404,
    Empty,
    Null,
    TruncatedJson,
    DeepNesting,
    Endless,
    EndlessLength,
    InvalidUtf8,
    NoBaseResp,
    BaseRespNotObject,
    StatusCodeString,
    OtherId,
    IdAsString,
    IdMissing,
    NewError,
    Redirect,
    Garbage,
    Informational,
    JsonTextPlain,
    UnknownFields,
}

impl Shape {
    /// The answer still says that the call succeeded.
    pub(crate) fn reports_success(self) -> bool {
        use Shape::*;
        matches!(self, IdAsString | IdMissing | Informational | JsonTextPlain | UnknownFields)
    }

    /// The answer in this shape. `ordinary` is what would have been answered, `id` the file the request names,
    /// `base` the path of the account.
    pub(crate) fn apply(self, fault: &Fault, mut ordinary: Answer, id: i64, base: &str) -> Answer {
        let mut json: Value = serde_json::from_slice(&ordinary.body).unwrap_or_default();
        let success = json!({"status_code": 0, "status_msg": "success"});
        match self {
            Shape::Html502 => return Answer::new(502, "text/html", HTML_502),
            Shape::Text404 => return Answer::text(404, "404 page not found"),
            Shape::Empty => return Answer::json(""),
            Shape::Null => return Answer::json("null"),
            Shape::DeepNesting => return Answer::json(deep(id)),
            Shape::InvalidUtf8 => {
                let start = format!(r#"{{"file_id":{id},"base_resp":{{"status_code":0,"status_msg":""#);
                return Answer::json([start.as_bytes(), b"\xff\xfe\xc3\x28", br#""}}"#].concat());
            }
            Shape::NewError => return new_error(fault),
            Shape::Redirect => {
                let mut answer = Answer::text(307, "");
                answer.set("Location", &format!("{base}/redirected/v1/files/delete"));
                return answer;
            }
            Shape::TruncatedJson => {
                ordinary.body.truncate(ordinary.body.len() / 2);
                return ordinary;
            }
            Shape::JsonTextPlain => {
                ordinary.set("Content-Type", "text/plain; charset=utf-8");
                return ordinary;
            }
            // These are a matter of delivery.
            Shape::Endless | Shape::EndlessLength | Shape::Garbage | Shape::Informational => return ordinary,
            Shape::NoBaseResp => drop(json.as_object_mut().and_then(|fields| fields.remove("base_resp"))),
            Shape::BaseRespNotObject => json["base_resp"] = "success".into(),
            Shape::StatusCodeString => {
                let code = json["base_resp"]["status_code"].to_string();
                json["base_resp"]["status_code"] = code.into();
            }
            Shape::OtherId => json = json!({"file_id": id ^ 1, "base_resp": success}),
            Shape::IdAsString => json["file_id"] = id.to_string().into(),
            Shape::IdMissing => drop(json.as_object_mut().and_then(|fields| fields.remove("file_id"))),
            Shape::UnknownFields => {
                json["deleted_at"] = 1_750_000_000.into();
                json["extra"] =
                    json!({"nested": [1, 2.5, null, {"file_id": id ^ 1}], "base_resp": {"status_code": 1000}});
                json["base_resp"]["detail"] = json!({"hint": "new next year"});
            }
        }
        ordinary.body = json.to_string().into();
        ordinary
    }
}

fn deep(id: i64) -> String {
    let (open, close) = ("[".repeat(DEEP), "]".repeat(DEEP));
    format!(r#"{{"file_id":{id},"extra":{open}{close},"base_resp":{{"status_code":0,"status_msg":"success"}}}}"#)
}

/// The form of the newer endpoints: a real HTTP status, the code in parentheses.
fn new_error(fault: &Fault) -> Answer {
    let code = fault.code.unwrap_or(2049);
    let status = fault.http_status.unwrap_or(401);
    let message = fault.message.as_deref().unwrap_or(usual_message(code));
    let kind = match status {
        400 => "bad_request_error",
        401 => "authorized_error",
        429 => "rate_limit_error",
        _ => "server_error",
    };
    let error = json!({"type": kind, "message": format!("{message} ({code})"), "http_code": status.to_string()});
    let body = json!({"type": "error", "error": error, "request_id": "021750000000000000000000000000ab"});
    let mut answer = Answer::json(body.to_string());
    answer.status = status;
    answer
}

const HTML_502: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway\
                        </h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
