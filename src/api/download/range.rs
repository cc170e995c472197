//! HTTP ranges and validators: whether a response holds a file, and whether it is still the same one.

use crate::api::response::excerpt;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED};
use http::header::{HeaderMap, HeaderValue};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// The validator that proves that later bytes belong to the same file. A weak one doesn't.
pub fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    let strong = headers.get(ETAG).filter(|etag| !etag.as_bytes().starts_with(b"W/"));
    strong.or_else(|| headers.get(LAST_MODIFIED)).cloned()
}

/// Whether a response goes on with the same file, of so many bytes where that is known, from a byte on. Not every service
/// that sends parts heeds If-Range.
pub fn is_the_rest(headers: &HeaderMap, from: u64, validator: Option<&HeaderValue>, length: Option<u64>) -> bool {
    let is_other = |name| headers.get(name).is_some_and(|value| Some(value) != validator);
    let is_tag = validator.is_some_and(|validator| validator.as_bytes().starts_with(b"\""));
    let of_another_length = length.zip(self::length(headers)).is_some_and(|(one, other)| one != other);
    range_start(headers) == Some(from) && !is_other(if is_tag { ETAG } else { LAST_MODIFIED }) && !of_another_length
}

fn range_start(headers: &HeaderMap) -> Option<u64> {
    range(headers)?.split('-').next()?.parse().ok()
}

/// How long the file is that a response holds, or a part of which it holds.
pub fn length(headers: &HeaderMap) -> Option<u64> {
    match range(headers) {
        Some(range) => range.rsplit('/').next()?.parse().ok(),
        None => headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok(),
    }
}

fn range(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")
}

/// The kind of a body by how it begins. Headers don't tell: gateways put those of files on errors, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// So far only what may stand before anything.
    Blank,
    /// A JSON object, as an error of this API is one.
    Json,
    /// HTML or XML, as gateways and stores send it.
    Markup,
    /// No error that is known.
    Bytes,
}

pub fn beginning(body: &[u8]) -> Beginning {
    if body.len() < BOM.len() && BOM.starts_with(body) {
        return Beginning::Blank;
    }
    let text = excerpt::without_bom(body).trim_ascii_start();
    match text.first() {
        None => Beginning::Blank,
        Some(b'{') => Beginning::Json,
        Some(b'<') if is_markup(text) => Beginning::Markup,
        Some(_) => Beginning::Bytes,
    }
}

/// Whether what begins with `<` is text, as HTML and XML are: a file of any kind may begin with that byte.
fn is_markup(text: &[u8]) -> bool {
    let opens = text.get(1).is_none_or(|second| second.is_ascii_alphabetic() || matches!(second, b'!' | b'?'));
    let is_text = |byte: &u8| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0c');
    opens && text.iter().take(512).all(is_text)
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The top level of a JSON body, with what stands in it several times.
struct TopLevel(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for TopLevel {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<TopLevel, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = TopLevel;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TopLevel, A::Error> {
                let mut fields = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        // Its own fields count as they stand, so that none hides another.
                        "base_resp" => match map.next_value::<&RawValue>() {
                            Ok(raw) => match serde_json::from_str::<Codes>(raw.get()) {
                                Ok(Codes(codes)) => {
                                    fields.extend(codes.into_iter().map(|code| ("code".to_owned(), code)))
                                }
                                Err(_) => fields.push(("code".to_owned(), Value::Null)),
                            },
                            Err(error) => return Err(error),
                        },
                        "type" | "error" => fields.push((name, map.next_value()?)),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(TopLevel(fields))
            }
        }
        json.deserialize_map(Fields)
    }
}

/// Every `status_code` of a base_resp.
struct Codes(Vec<Value>);

impl<'de> Deserialize<'de> for Codes {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Codes, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Codes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Codes, A::Error> {
                let mut codes = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "status_code" => codes.push(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Codes(codes))
            }
        }
        json.deserialize_map(Fields)
    }
}

/// Whether a whole body is an error of this API in either of its forms, at the top level; any other JSON is a file.
pub fn is_refusal(body: &[u8]) -> bool {
    let Ok(TopLevel(fields)) = serde_json::from_slice(excerpt::without_bom(body)) else { return false };
    let is_code = |value: &Value| match value {
        Value::Number(code) => code.as_f64() != Some(0.0),
        Value::String(code) => code.parse::<i64>().is_ok_and(|code| code != 0),
        _ => false,
    };
    let has = |name: &str, is: &dyn Fn(&Value) -> bool| fields.iter().any(|(field, value)| field == name && is(value));
    has("code", &is_code) || (has("type", &|value| value == "error") && has("error", &Value::is_object))
}

/// Whether a body in HTML or XML may be the file: its name decides where it tells, or else its Content-Type.
pub fn may_be_markup(headers: &HeaderMap, name: Option<&str>) -> bool {
    let media_type = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase());
    let media_type = media_type.as_deref().and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    let of_name = name.and_then(|name| mime_guess::from_path(name).first()).map(|guess| guess.essence_str().to_owned());
    let of_name = of_name.as_deref().unwrap_or_default();
    let is_markup = |of: &str| ["html", "xml"].iter().any(|kind| of.contains(kind)) && !of.contains("openxml");
    let is_binary = |of: &str| {
        let (kind, rest) = of.split_once('/').unwrap_or_default();
        const PACKED: [&str; 9] = ["zip", "tar", "compress", "rar", "7z", "pdf", "word", "office", "ogg"];
        matches!(kind, "audio" | "video" | "image" | "font")
            || (kind == "application" && PACKED.iter().any(|packed| rest.contains(packed)))
    };
    is_markup(of_name) || !(is_binary(of_name) || is_binary(media_type) || is_markup(media_type))
}

/// The name that a response gives its file: only what kind of file it is counts, never where it is written.
pub fn filename(headers: &HeaderMap) -> Option<String> {
    let disposition = String::from_utf8_lossy(headers.get(CONTENT_DISPOSITION)?.as_bytes()).into_owned();
    let name = disposition.split(';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let is_name = ["filename", "filename*"].iter().any(|known| name.trim().eq_ignore_ascii_case(known));
        is_name.then(|| value.trim().trim_matches('"').to_owned())
    });
    name.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::HeaderName;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_a_strong_validator_lets_bytes_be_added() {
        assert_eq!(validator(&headers(&[(ETAG, "\"a\""), (LAST_MODIFIED, "x")])).unwrap(), "\"a\"");
        assert_eq!(validator(&headers(&[(ETAG, "W/\"a\""), (LAST_MODIFIED, "x")])).unwrap(), "x");
        assert_eq!(validator(&headers(&[(ETAG, "W/\"a\"")])), None);
        assert_eq!(range_start(&headers(&[(CONTENT_RANGE, "bytes 7-9/10")])), Some(7));
        assert_eq!(range_start(&headers(&[(CONTENT_RANGE, "bytes */10")])), None);
        assert_eq!(length(&headers(&[(CONTENT_RANGE, "bytes 7-9/10"), (CONTENT_LENGTH, "3")])), Some(10));
        assert_eq!(length(&headers(&[(CONTENT_RANGE, "bytes 7-9/*"), (CONTENT_LENGTH, "3")])), None);
        assert_eq!(length(&headers(&[(CONTENT_LENGTH, "3")])), Some(3));
    }

    #[test]
    fn only_the_rest_of_the_same_file_is_added() {
        let (tag, date) = (HeaderValue::from_static("\"a\""), HeaderValue::from_static("x"));
        let range = (CONTENT_RANGE, "bytes 7-9/10");
        let is = |more: &[_], from, validator, length| {
            is_the_rest(&headers(&[std::slice::from_ref(&range), more].concat()), from, Some(validator), length)
        };
        assert!(is(&[], 7, &tag, None) && is(&[], 7, &date, Some(10)));
        assert!(is(&[(ETAG, "\"a\""), (LAST_MODIFIED, "y")], 7, &tag, None));
        assert!(is(&[(ETAG, "W/\"b\""), (LAST_MODIFIED, "x")], 7, &date, None));
        assert!(!is(&[], 6, &tag, None) && !is(&[], 7, &tag, Some(11)));
        assert!(!is(&[(ETAG, "\"b\"")], 7, &tag, None) && !is(&[(ETAG, "W/\"a\"")], 7, &tag, None));
        assert!(!is(&[(LAST_MODIFIED, "y")], 7, &date, None));
    }

    #[test]
    fn what_a_body_begins_as() {
        for (body, is) in [
            (&b""[..], Beginning::Blank),
            (b" \r\n", Beginning::Blank),
            (b"\xef\xbb", Beginning::Blank),
            (b"\xef\xbb\xbf\n", Beginning::Blank),
            (b"\xef\xbb\xbf {", Beginning::Json),
            (b" \n{\"a\"", Beginning::Json),
            (b"\xef\xbb\xbf<html", Beginning::Markup),
            (b"<?xml version='1.0'?>\n", Beginning::Markup),
            (b"<", Beginning::Markup),
            (b"<\xf1\x92", Beginning::Bytes),
            (b"<a\0\x01", Beginning::Bytes),
            (b"[{", Beginning::Bytes),
            (b"ID3", Beginning::Bytes),
            (b"\xef\xbbx", Beginning::Bytes),
        ] {
            assert_eq!(beginning(body), is, "{body:?}");
        }
    }

    #[test]
    fn only_the_top_level_is_an_error() {
        for error in [
            r#"{"base_resp":{"status_code":1004}}"#,
            r#"{"base_resp":{"status_code":"1004"}}"#,
            r#"{"base_resp":{"status_code":1004,"status_code":0}}"#,
            r#"{"base_resp":{"status_code":1004},"base_resp":{"status_code":0}}"#,
            r#"{"base_resp":{"status_msg":"x","status_code":99999999999999999999}}"#,
            r#"{"type":"error","error":{"message":"x"},"request_id":"y"}"#,
            "\u{feff} {\"base_resp\":{\"status_code\":1004}} \n",
        ] {
            assert!(is_refusal(error.as_bytes()), "{error}");
        }
        for file in [
            r#"{"log":[{"base_resp":{"status_code":1004}}]}"#,
            r#"[{"base_resp":{"status_code":1004}}]"#,
            r#"{"base_resp":{"status_code":0}}"#,
            r#"{"base_resp":{"inner":{"status_code":1004}}}"#,
            r#"{"base_resp":[1004]}"#,
            r#"{"base_resp":{"status_code":1004}} x"#,
            r#"{"error":{"message":"x"}}"#,
            r#"{"type":"error"}"#,
            "{",
            "",
        ] {
            assert!(!is_refusal(file.as_bytes()), "{file}");
        }
    }

    #[test]
    fn markup_is_a_file_where_nothing_speaks_against_it() {
        let may = |media_type, name| may_be_markup(&headers(&[(CONTENT_TYPE, media_type)]), name);
        assert!(may("text/html", Some("a.html")) && may("audio/mpeg", Some("a.xml")) && may("text/xml", Some("a.svg")));
        assert!(may("application/octet-stream", None) && may("text/plain; charset=utf-8", Some("a.txt")));
        assert!(may_be_markup(&HeaderMap::new(), None) && may("", Some("odd")));
        assert!(!may("text/html; charset=utf-8", None) && !may("application/xml", None) && !may("audio/mpeg", None));
        assert!(!may("application/octet-stream", Some("a.mp3")) && !may("text/html", Some("a.tar")));
        assert!(!may("text/html", Some("a.txt")) && !may("text/plain", Some("a.docx")));
    }

    #[test]
    fn the_name_in_a_content_disposition() {
        let name = |value| filename(&headers(&[(CONTENT_DISPOSITION, value)]));
        assert_eq!(name("attachment; filename=\"a.html\""), Some("a.html".into()));
        assert_eq!(name("inline;FILENAME*=UTF-8''a%20b.xml"), Some("UTF-8''a%20b.xml".into()));
        assert_eq!((name("attachment"), name("attachment; filename=")), (None, None));
    }
}
