//! What the head and the first bytes of a response say of a file: whether it is one, and whether it is still the same.

use http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED};
use http::header::{HeaderMap, HeaderValue};

/// What proves that later bytes belong to the same file. A weak one doesn't.
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

/// The headers that come with files don't come with errors.
pub fn may_be_a_refusal(headers: &HeaderMap) -> bool {
    ![ETAG, LAST_MODIFIED, ACCEPT_RANGES, CONTENT_DISPOSITION].iter().any(|name| headers.contains_key(name))
}

pub fn is_json_so_far(held: &[u8], data: &[u8]) -> bool {
    let first = held.iter().chain(data).find(|byte| !byte.is_ascii_whitespace());
    first.is_none_or(|&byte| byte == b'{')
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
    fn what_begins_as_an_object_may_be_an_error() {
        assert!(is_json_so_far(b"", b" \n{\"a\""));
        assert!(is_json_so_far(b" ", b""));
        assert!(!is_json_so_far(b"", b"ID3"));
        assert!(!is_json_so_far(b"[", b"{"));
    }
}
