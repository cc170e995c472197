//! File ids from arguments and from lines of the form `ID[ PURPOSE]`.

use crate::error::CommandError;
use crate::signals::Signals;
use crate::streams;
use std::io::{self, BufRead};

/// A file with its purpose, which is empty if it was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) file_id: i64,
    pub(crate) purpose: String,
}

pub(crate) const INPUT: &str = "standard input";
/// Wrong lines in a message at most.
const SHOWN: usize = 5;

/// Parses an id.
pub(crate) fn id(text: &str) -> Result<i64, String> {
    match text.parse() {
        // std accepts a plus sign.
        Ok(id) if id >= 1 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(id),
        _ => Err("is no file id, a whole number of 1 to 9223372036854775807".into()),
    }
}

/// Reads all lines of standard input.
pub(crate) fn read_input(signals: &Signals, purpose: Option<&str>) -> Result<Vec<Named>, CommandError> {
    signals.idle(|| read(streams::input().map_err(|error| unreadable(INPUT, &error))?, INPUT, purpose))
}

fn unreadable(source: &str, error: &io::Error) -> CommandError {
    CommandError::Usage(format!("{source} can't be read: {error}; nothing was sent"))
}

/// Reads all lines; those without a purpose get `purpose`, or an empty one. Fails if any line is wrong.
pub(crate) fn read(lines: impl BufRead, source: &str, purpose: Option<&str>) -> Result<Vec<Named>, CommandError> {
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    for (at, line) in lines.split(b'\n').enumerate() {
        let line = line.map_err(|error| unreadable(source, &error))?;
        let read = String::from_utf8(line).map_err(|_| "is not UTF-8".into());
        match read.and_then(|line| named(&line, purpose)) {
            Ok(named) => files.extend(named),
            Err(why) => wrong.push(format!("line {} {why}", at + 1)),
        }
    }
    if wrong.is_empty() {
        return Ok(files);
    }
    let more = wrong.len().saturating_sub(SHOWN);
    wrong.truncate(SHOWN);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Err(CommandError::Usage(format!("of {source}, {}{more}; nothing was sent", wrong.join("; "))))
}

/// Parses a line; `None` if it is empty.
fn named(line: &str, purpose: Option<&str>) -> Result<Option<Named>, String> {
    let mut words = line.split_whitespace();
    let Some(first) = words.next() else { return Ok(None) };
    let file_id = id(first)?;
    let own = words.next();
    if words.next().is_some() {
        return Err("has more than an id and a purpose".into());
    }
    own.map_or(Ok(()), check_purpose)?;
    Ok(Some(Named { file_id, purpose: own.or(purpose).unwrap_or_default().to_owned() }))
}

/// Fails if the text can't be a purpose.
pub(crate) fn check_purpose(purpose: &str) -> Result<(), String> {
    mmx::api::purpose::check("", "purpose", purpose).map_err(|error| error.without_call().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str, purpose: Option<&str>) -> Result<Vec<(i64, String)>, String> {
        match read(text.as_bytes(), "standard input", purpose) {
            Ok(files) => Ok(files.into_iter().map(|file| (file.file_id, file.purpose)).collect()),
            Err(CommandError::Usage(why)) => Err(why),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn ids() {
        assert_eq!(id("9223372036854775807"), Ok(i64::MAX));
        for bad in ["", "0", "-1", "+1", "1.0", "1e3", " 1", "9223372036854775808", "a"] {
            assert!(id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lines() {
        let two = Ok(vec![(1, "voice_clone".into()), (2, "t2a_async".into())]);
        assert_eq!(read_text("1 voice_clone\n\n  2\tt2a_async\r\n", None), two);
        assert_eq!(read_text("1\n2 t2a_async", Some("voice_clone")), two);
        assert_eq!(read_text("1\n2 t2a_async", None), Ok(vec![(1, String::new()), (2, "t2a_async".into())]));
        assert_eq!(read_text("", None), Ok(vec![]));
    }

    #[test]
    fn one_wrong_line_fails_all() {
        let wrong = read_text("1 /\n1 voice_clone\n2 a b\nx voice_clone\n3 No!\n-4 a\n0 a\n", None).unwrap_err();
        for said in
            ["line 1 purpose must", "line 3 has more", "line 4 is no file id", "line 5 purpose must", "and 1 more"]
        {
            assert!(wrong.contains(said), "{said}: {wrong}");
        }
    }
}
