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
    FilesMissing,
    FilesNull,
    FilesNotArray,
}

impl Shape {
    /// The answer still says that the call succeeded.
    pub(crate) fn reports_success(self) -> bool {
        use Shape::*;
        matches!(
            self,
            IdAsString | IdMissing | Informational | JsonTextPlain | UnknownFields | FilesMissing | FilesNull
        )
    }

    /// The answer in this shape. `ordinary` is what would have been answered, `id` the file the request names,
    /// `base` the path of the account.
    pub(crate) fn apply(self, fault: &Fault, mut ordinary: Answer, id: i64, base: &str) -> Answer {
        let mut json: Value = serde_json::from_slice(&ordinary.body).unwrap_or_default();
        match self {
            Shape::Html502 => return Answer::new(502, "text/html", HTML_502),
            Shape::Text404 => return Answer::text(404, "404 page not found"),
            Shape::Empty => return Answer::json(""),
            Shape::Null => return Answer::json("null"),
            Shape::NewError => return new_error(fault),
            Shape::Redirect => {
                let mut answer = Answer::text(307, "");
                answer.set("Location", &format!("{base}/redirected/v1/files/delete"));
                return answer;
            }
            Shape::JsonTextPlain => {
                ordinary.set("Content-Type", "text/plain; charset=utf-8");
                return ordinary;
            }
            // What is left bends JSON, and a file's content is what it is.
            _ if ordinary.content.is_some() => return ordinary,
            Shape::DeepNesting => return Answer::json(deep(&ordinary.body)),
            Shape::InvalidUtf8 => return Answer::json(invalid_utf8(&ordinary.body)),
            Shape::TruncatedJson => {
                ordinary.body.truncate(ordinary.body.len() / 2);
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
            Shape::OtherId => {
                // Also where the ordinary answer is an error.
                if file_objects(&mut json).next().is_none() {
                    json = json!({"file_id": id, "base_resp": {"status_code": 0, "status_msg": "success"}});
                }
                // 0 would be no id at all.
                let other = |id: i64| if id == 1 { 2 } else { id ^ 1 };
                file_objects(&mut json).for_each(|file| file["file_id"] = other(id_of(file)).into());
            }
            Shape::IdAsString => {
                file_objects(&mut json).for_each(|file| file["file_id"] = id_of(file).to_string().into());
            }
            Shape::IdMissing => file_objects(&mut json).for_each(|file| {
                file.as_object_mut().and_then(|fields| fields.remove("file_id"));
            }),
            Shape::FilesMissing => drop(json.as_object_mut().and_then(|fields| fields.remove("files"))),
            Shape::FilesNull => json["files"] = Value::Null,
            Shape::FilesNotArray => json["files"] = json!({"file_id": 1}),
            Shape::UnknownFields => {
                file_objects(&mut json)
                    .for_each(|file| file["status"] = json!({"state": "processed", "at": [1, null]}));
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

/// All that speak of a file in an answer: its own object, the one in `file`, those in `files`.
fn file_objects(json: &mut Value) -> Box<dyn Iterator<Item = &mut Value> + '_> {
    if json.get("file_id").is_some() {
        return Box::new(std::iter::once(json));
    }
    match json.as_object_mut() {
        Some(fields) => Box::new(fields.iter_mut().flat_map(|(name, value)| match (name.as_str(), value) {
            ("files", Value::Array(files)) => files.as_mut_slice(),
            ("file", file) => std::slice::from_mut(file),
            _ => &mut [],
        })),
        None => Box::new(std::iter::empty()),
    }
}

fn id_of(file: &Value) -> i64 {
    file["file_id"].as_i64().unwrap_or_default()
}

/// The ordinary answer with a field of arrays in one another.
fn deep(ordinary: &[u8]) -> String {
    let text = String::from_utf8_lossy(ordinary);
    let (start, end) = text.split_at(text.rfind(r#""base_resp":"#).unwrap_or(1).min(text.len()));
    let (open, close) = ("[".repeat(DEEP), "]".repeat(DEEP));
    format!(r#"{start}"extra":{open}{close},{end}"#)
}

/// The ordinary answer with a status_msg that is not UTF-8.
fn invalid_utf8(ordinary: &[u8]) -> Vec<u8> {
    let word = b"\"status_msg\":\"";
    let at = ordinary.windows(word.len()).rposition(|window| window == word).map_or(0, |at| at + word.len());
    [&ordinary[..at], b"\xff\xfe\xc3\x28", br#""}}"#].concat()
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
