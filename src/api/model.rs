//! What answers hold: ids, whole to the last digit.

use crate::error::Error;
use serde_json::Value;

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
