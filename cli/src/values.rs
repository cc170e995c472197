//! Parsers for the values of arguments.

use crate::ids;
use bytesize::ByteSize;
use std::time::Duration;

/// A guard: a number of files, or a percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Most {
    Files(u64),
    Percent(u32),
}

/// `500`, `25%`
pub(crate) fn most(text: &str) -> Result<Most, String> {
    let most = match text.strip_suffix('%') {
        Some(_) => percent(text).ok().map(Most::Percent),
        None => number(text).map(Most::Files),
    };
    most.ok_or_else(|| "is neither a number of files nor a share such as 25%".into())
}

/// `80`, `80%`
pub(crate) fn percent(text: &str) -> Result<u32, String> {
    let percent = number(text.strip_suffix('%').unwrap_or(text)).filter(|percent| *percent <= 100);
    percent.and_then(|percent| percent.try_into().ok()).ok_or_else(|| "is not a percentage from 0 to 100".into())
}

/// Digits alone: std would accept a plus sign.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// `7d`, `12h`, `90m`
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(age) if age.as_secs() >= 1 && age.subsec_nanos() == 0 => Ok(age),
        Ok(_) => Err("must be a whole number of seconds, 1s or more".into()),
        Err(error) => Err(format!("is no age such as 7d, 12h or 90m: {error}")),
    }
}

/// `1024`, `500kB`, `10MiB`
pub(crate) fn bytes(text: &str) -> Result<i64, String> {
    let size = text.parse::<ByteSize>().ok().and_then(|size| i64::try_from(size.as_u64()).ok());
    size.filter(|size| *size >= 1).ok_or_else(|| "is no size such as 1024, 500kB or 10MiB".into())
}

pub(crate) fn purpose(text: &str) -> Result<String, String> {
    ids::check_purpose(text).map(|()| text.to_owned())
}

/// A time limit; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit(pub(crate) Option<Duration>);

/// `30s`, `1m 30s`, `none`
pub(crate) fn limit(text: &str) -> Result<Limit, String> {
    if text == "none" {
        return Ok(Limit(None));
    }
    match humantime::parse_duration(text) {
        Ok(limit) if limit >= Duration::from_millis(1) => Ok(Limit(Some(limit))),
        Ok(_) => Err("must be 1ms or more; \"none\" is no limit".into()),
        Err(_) => Err("is no time such as 30s, 2m or 1h 30m".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_caps() {
        let hours = |hours: u64| Ok(Duration::from_secs(hours * 3600));
        assert_eq!((age("7d"), age("12h"), age("90m")), (hours(7 * 24), hours(12), Ok(Duration::from_secs(5400))));
        for bad in ["", "7", "0d", "500ms", "1500ms", "-1d", "d"] {
            assert!(age(bad).is_err(), "{bad}");
        }
        assert_eq!(
            (most("0"), most("100%"), most("12")),
            (Ok(Most::Files(0)), Ok(Most::Percent(100)), Ok(Most::Files(12)))
        );
        for bad in ["", "%", "101%", "-1", "+1", "1.5%", "all", "99999999999999999999"] {
            assert!(most(bad).is_err(), "{bad}");
        }
        assert_eq!((percent("80"), percent("80%"), percent("0")), (Ok(80), Ok(80), Ok(0)));
        for bad in ["", "%", "101", "-1", "+1", "80%%", "4294967296"] {
            assert!(percent(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!((bytes("1"), bytes("500kB"), bytes("10MiB")), (Ok(1), Ok(500_000), Ok(10 << 20)));
        for bad in ["", "0", "-1", "big", "1 parsec", "9223372036854775808"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn time_limits() {
        assert_eq!(limit("none"), Ok(Limit(None)));
        assert_eq!(limit("1m 30s"), Ok(Limit(Some(Duration::from_secs(90)))));
        for bad in ["", "0s", "30", "-1s", "1 fortnight"] {
            assert!(limit(bad).is_err(), "{bad}");
        }
    }
}
