//! What responses hold: ids, whole to the last digit, and file objects.

use crate::error::Error;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::HashSet;

/// A file as the service tells of it. What it doesn't say is 0 or "".
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(expecting = "a file")]
pub struct FileObject {
    #[serde(deserialize_with = "required_id")]
    pub file_id: i64,
    /// 0 for generated files: not a length to rely on.
    #[serde(default, deserialize_with = "number")]
    pub bytes: i64,
    /// Unix seconds.
    #[serde(default, deserialize_with = "number")]
    pub created_at: i64,
    #[serde(default, deserialize_with = "text")]
    pub filename: String,
    #[serde(default, deserialize_with = "text")]
    pub purpose: String,
    #[serde(default, deserialize_with = "text")]
    pub download_url: String,
}

/// The files in the JSON of any call: those of a listing, the one of a retrieve or an upload, the id of a delete.
pub fn files(json: &str) -> Result<Vec<FileObject>, String> {
    #[derive(Deserialize)]
    struct AnyResponse {
        files: Option<Vec<FileObject>>,
        file: Option<FileObject>,
        file_id: Option<Value>,
    }
    let plain = |error: serde_json::Error| mismatch(&error);
    let response: AnyResponse = serde_json::from_str(json).map_err(plain)?;
    match (response.files, response.file, response.file_id) {
        (Some(files), ..) => Ok(files),
        (None, Some(file), _) => Ok(vec![file]),
        (None, None, Some(_)) => Ok(vec![serde_json::from_str(json).map_err(plain)?]),
        (None, None, None) => Ok(Vec::new()),
    }
}

/// The ids of a listing alone.
pub fn ids(json: &str) -> Result<HashSet<i64>, String> {
    #[derive(Deserialize)]
    struct File {
        #[serde(deserialize_with = "required_id")]
        file_id: i64,
    }
    #[derive(Deserialize)]
    struct Listing {
        files: Option<Vec<File>>,
    }
    let listing: Listing = serde_json::from_str(json).map_err(|error| mismatch(&error))?;
    Ok(listing.files.unwrap_or_default().into_iter().map(|file| file.file_id).collect())
}

/// What serde says of JSON of another shape, without the place in the text, which says nothing to a caller, and without
/// a text in quotes: that can be anything, also the key or a signed link.
pub fn mismatch(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let said = match (text.find('"'), text.rfind('"')) {
        (Some(start), Some(end)) if start < end => format!("{}{}", text[..start].trim_end(), &text[end + 1..]),
        _ => text,
    };
    said.split(" at line ").next().unwrap_or_default().to_owned()
}

fn required_id<'de, D: Deserializer<'de>>(value: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(value)?;
    id(&value).ok_or_else(|| D::Error::custom("a file_id is not a whole number of 64 bits"))
}

fn number<'de, D: Deserializer<'de>>(value: D) -> Result<i64, D::Error> {
    Ok(id(&Value::deserialize(value)?).unwrap_or_default())
}

fn text<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    match Value::deserialize(value)? {
        Value::String(text) => Ok(text),
        _ => Ok(String::new()),
    }
}

/// What the service can have given out: 1 and more.
pub fn check_id(call: &'static str, file_id: i64) -> Result<(), Error> {
    if file_id >= 1 {
        return Ok(());
    }
    Err(Error::invalid_argument(call, "file_id", format!("must be 1 or more, not {file_id}")))
}

/// An id as an integer or a decimal string; never by way of a floating point number.
pub fn id(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_from_any_answer() {
        let ids = |json: &str| files(json).map(|files| files.iter().map(|file| file.file_id).collect::<Vec<_>>());
        assert_eq!(ids(r#"{"base_resp":{}}"#), Ok(vec![]));
        assert_eq!(ids(r#"{"files":null}"#), Ok(vec![]));
        assert_eq!(
            ids(r#"{"files":[{"file_id":1},{"file_id":"9223372036854775807","new":[{}]}]}"#),
            Ok(vec![1, i64::MAX])
        );
        assert_eq!(ids(r#"{"file_id":"7","base_resp":{"status_code":0}}"#), Ok(vec![7]));
        assert!(ids(r#"{"files":[{"file_id":1.5}]}"#).is_err());
        assert!(ids(r#"{"files":[{"bytes":1}]}"#).is_err());
        assert!(ids("[]").is_err() && ids("").is_err());
        let json = r#"{"file":{"file_id":3,"bytes":null,"created_at":"1700469398","filename":7,"purpose":"x"}}"#;
        let file = FileObject { file_id: 3, created_at: 1700469398, purpose: "x".into(), ..FileObject::default() };
        assert_eq!(files(json), Ok(vec![file]));
    }

    #[test]
    fn a_mismatch_shows_no_text_of_the_answer() {
        for text in ["secret", "a \"secret\" at line 1", "\\\"secret", "\"", ""] {
            let json = serde_json::json!({ "files": text }).to_string();
            assert_eq!(files(&json), Err("invalid type: string, expected a sequence".into()), "{text}");
        }
        assert_eq!(files(r#"{"files":[7]}"#), Err("invalid type: integer `7`, expected a file".into()));
        assert_eq!(files(r#"{"file":{}}"#), Err("missing field `file_id`".into()));
    }

    #[test]
    fn ids_keep_every_digit() {
        let read = |json: &str| id(&serde_json::from_str(json).unwrap());
        assert_eq!(read("9223372036854775807"), Some(i64::MAX));
        assert_eq!(read("\"9223372036854775807\""), Some(i64::MAX));
        assert_eq!(read("9007199254740993"), Some(9007199254740993));
        let bad =
            ["9223372036854775808", "1.0", "1e3", "\"1.0\"", "\"\"", "\" 1\"", "\"+1\"", "\"-1\"", "true", "null"];
        for none in bad {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
