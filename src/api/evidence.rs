//! What the head and the first bytes of an answer say of a file: whether it is one, and whether it is still the same.

use reqwest::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED};

/// What proves that later bytes belong to the same file. A weak one doesn't.
pub fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    let strong = headers.get(ETAG).filter(|etag| !etag.as_bytes().starts_with(b"W/"));
    strong.or_else(|| headers.get(LAST_MODIFIED)).cloned()
}

pub fn range_start(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
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
    use reqwest::header::HeaderName;

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
    }

    #[test]
    fn what_begins_as_an_object_may_be_an_error() {
        assert!(is_json_so_far(b"", b" \n{\"a\""));
        assert!(is_json_so_far(b" ", b""));
        assert!(!is_json_so_far(b"", b"ID3"));
        assert!(!is_json_so_far(b"[", b"{"));
    }
}
