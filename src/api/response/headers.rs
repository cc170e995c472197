//! Reads headers of a response: trace id, Retry-After, Date.

use http::header::{CONTENT_ENCODING, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use std::time::{Duration, SystemTime};

/// The id of a request, for the vendor's support: of a header, or else as the body has it.
pub fn trace_id(headers: &HeaderMap, in_body: Option<&str>) -> String {
    const NAMES: [HeaderName; 3] = [
        HeaderName::from_static("trace-id"),
        HeaderName::from_static("minimax-request-id"),
        HeaderName::from_static("x-mm-request-id"),
    ];
    let header = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    NAMES
        .iter()
        .find_map(header)
        .or(in_body)
        .map(str::trim)
        .filter(|id| id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic()))
        .unwrap_or_default()
        .to_owned()
}

/// The encoding of a body, where it is another than identity.
pub fn encoding(headers: &HeaderMap) -> Option<String> {
    let names =
        headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let names: Vec<_> = names.filter(|value| !value.trim().is_empty()).collect();
    let is_none = |name: &str| name.trim().is_empty() || name.trim().eq_ignore_ascii_case("identity");
    if names.iter().flat_map(|value| value.split(',')).all(is_none) { None } else { Some(names.join(", ")) }
}

/// Seconds or an HTTP date; a date is measured by the service's own clock where it says it.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let value = header(RETRY_AFTER)?;
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that no clock holds is still a long time, as HTTP has it of such numbers.
        return Some(Duration::from_secs(value.parse().unwrap_or(1 << 31)));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = headers.get(DATE).and_then(date).unwrap_or_else(SystemTime::now);
    Some(until.duration_since(now).unwrap_or_default())
}

/// The service's clock.
pub fn date(header: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(header.to_str().ok()?.trim()).ok()
}
