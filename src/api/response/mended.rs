//! A response's JSON as serde reads it: what is off in it but can be understood is mended on the way, without a copy, and
//! between two pieces cancel and deadline are heard.

use super::excerpt::without_bom;
use crate::transport::exchange::Interruption;
use std::io::{self, Read};

/// Asked now and then whether to go on.
pub type Watch<'a> = &'a dyn Fn() -> Result<(), Interruption>;

/// So much is read between two looks at the watch.
const PIECE: usize = 64 * 1024;
/// Other readers of the same JSON may not stand more, also where it is skipped here.
const DEEPEST: usize = 128;
/// Not as an escape: behind a stray backslash that would be another one.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// The reason why reading ended, besides the JSON itself.
#[derive(Debug)]
pub enum End {
    Interrupted(Interruption),
    TooDeep,
}

/// Reads as strict JSON in UTF-8. In strings, bytes that aren't UTF-8 and half of a surrogate pair become U+FFFD, and
/// control characters their escapes.
pub struct Mended<'a> {
    rest: &'a [u8],
    /// The start of `rest` that is known to be UTF-8, and the bytes behind it that are not.
    valid: usize,
    invalid: usize,
    /// Ready to be read, and what comes after it.
    run: &'a [u8],
    next: &'a [u8],
    in_string: bool,
    depth: usize,
    watch: Watch<'a>,
    pub end: Option<End>,
}

impl<'a> Mended<'a> {
    pub fn new(json: &'a [u8], watch: Watch<'a>) -> Mended<'a> {
        let rest = without_bom(json);
        Mended { rest, valid: 0, invalid: 0, run: &[], next: &[], in_string: false, depth: 0, watch, end: None }
    }

    /// Makes the next piece ready.
    fn fill(&mut self) -> io::Result<()> {
        if !self.next.is_empty() {
            self.run = std::mem::take(&mut self.next);
            return Ok(());
        }
        if let Err(why) = (self.watch)() {
            return Err(self.ends(End::Interrupted(why)));
        }
        if self.valid + self.invalid == 0 {
            self.validate();
        }
        let valid = &self.rest[..self.valid];
        let mut at = 0;
        while let Some(&byte) = valid.get(at) {
            let mut length = 1;
            match (self.in_string, byte) {
                (_, b'"') => self.in_string = !self.in_string,
                (true, b'\\') => {
                    let escape = escape(&self.rest[at..]);
                    length = escape.length();
                    if at + length > valid.len() {
                        // The piece ends within it: it begins the next one.
                        if self.invalid == 0 && valid.len() < self.rest.len() {
                            break;
                        }
                        length = valid.len() - at;
                    } else if escape == Escape::Lone {
                        self.take(at, REPLACEMENT, length);
                        return Ok(());
                    }
                }
                (true, 0..=0x1f) => {
                    self.take(at, &ESCAPED[usize::from(byte)], 1);
                    return Ok(());
                }
                (false, b'{' | b'[') => {
                    self.depth += 1;
                    if self.depth > DEEPEST {
                        return Err(self.ends(End::TooDeep));
                    }
                }
                (false, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            at += length;
        }
        let ends_early = at < self.valid;
        let (stand_in, skipped) = match self.invalid {
            0 => (&[][..], 0),
            _ if ends_early => (&[][..], 0),
            invalid => (REPLACEMENT, invalid),
        };
        self.take(at, stand_in, skipped);
        if ends_early {
            (self.valid, self.invalid) = (0, 0);
        }
        Ok(())
    }

    /// Hands out the rest up to `end` and then what stands in for so many bytes behind it.
    fn take(&mut self, end: usize, stand_in: &'a [u8], instead_of: usize) {
        (self.run, self.next) = (&self.rest[..end], stand_in);
        self.rest = &self.rest[end + instead_of..];
        match (end + instead_of).checked_sub(self.valid) {
            None | Some(0) => self.valid -= end + instead_of,
            Some(_) => (self.valid, self.invalid) = (0, 0),
        }
    }

    fn validate(&mut self) {
        let piece = &self.rest[..self.rest.len().min(PIECE)];
        (self.valid, self.invalid) = match std::str::from_utf8(piece) {
            Ok(_) => (piece.len(), 0),
            Err(error) => {
                let valid = error.valid_up_to();
                let is_last = piece.len() == self.rest.len();
                // A character that the piece cuts in two comes with the next one.
                let cut = if is_last { piece.len() - valid } else { 0 };
                (valid, error.error_len().unwrap_or(cut))
            }
        };
    }

    fn ends(&mut self, end: End) -> io::Error {
        self.end = Some(end);
        io::Error::other("ended")
    }
}

impl Read for Mended<'_> {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.run.is_empty() {
            if self.rest.is_empty() && self.next.is_empty() {
                return Ok(0);
            }
            self.fill()?;
        }
        let count = buffer.len().min(self.run.len());
        let (read, rest) = self.run.split_at(count);
        buffer[..count].copy_from_slice(read);
        self.run = rest;
        Ok(count)
    }
}

/// As text for a caller: as it came, but for what a C string of UTF-8 can't hold. Such bytes become U+FFFD.
pub fn text(json: Vec<u8>) -> String {
    let json = match without_bom(&json) {
        rest if rest.len() < json.len() => rest.to_vec(),
        _ => json,
    };
    let text = String::from_utf8(json).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// Whether JSON is nested more deeply than other readers stand.
pub fn is_too_deep(json: &[u8]) -> bool {
    let (mut rest, mut depth) = (json, 0_usize);
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'{' | b'[' if depth == DEEPEST => return true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => rest = behind_string(rest),
            _ => {}
        }
    }
    false
}

/// The text after a string, given from behind its opening quote.
fn behind_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        if rest[at] == b'"' {
            return &rest[at + 1..];
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    &[]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    Short,
    Character,
    Pair,
    /// Half of a surrogate pair.
    Lone,
}

impl Escape {
    fn length(self) -> usize {
        match self {
            Escape::Short => 2,
            Escape::Character | Escape::Lone => 6,
            Escape::Pair => 12,
        }
    }
}

/// The escape that a text begins with. What is none is for the parser to refuse.
fn escape(text: &[u8]) -> Escape {
    match unit(text) {
        None => Escape::Short,
        Some(0xd800..=0xdbff) if matches!(unit(&text[6..]), Some(0xdc00..=0xdfff)) => Escape::Pair,
        Some(0xd800..=0xdfff) => Escape::Lone,
        Some(_) => Escape::Character,
    }
}

/// That of a `\uXXXX`.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(text.strip_prefix(b"\\u")?.get(..4)?).ok()?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

/// The escapes of the control characters, by their code.
static ESCAPED: [[u8; 6]; 32] = {
    let mut escaped = [*b"\\u0000"; 32];
    let mut code = 0;
    while code < 32 {
        escaped[code][4] = b'0' + (code as u8 >> 4);
        escaped[code][5] = b"0123456789abcdef"[code & 15];
        code += 1;
    }
    escaped
};

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::time::Duration;

    fn mended(json: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Mended::new(json, &|| Ok(())).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn strict_json_stays_as_it_is() {
        let long = format!("[\"{}\\u00e9\\ud83d\\ude00\\\"\\\\\"]", "声\\n音 ".repeat(PIECE / 4));
        for json in ["{\"a\":[1,\"\\\"\"]} \n", "", "\"\\\\\"", "plain text", long.as_str()] {
            assert_eq!(mended(json.as_bytes()), json.as_bytes());
        }
        assert_eq!(mended(b"\xef\xbb\xbf{}"), b"{}");
    }

    #[test]
    fn what_is_off_is_mended_wherever_a_piece_ends() {
        let odd: [(&[u8], &str); 10] = [
            (b"a\\ud83d.mp3", "a\u{fffd}.mp3"),
            (b"\\ude00\\ud83d\\ude00", "\u{fffd}\u{1f600}"),
            (b"\\uD83D\\u0041", "\u{fffd}A"),
            (b"\\ud83d\\ud83d\\ude00", "\u{fffd}\u{1f600}"),
            (b"\xc9\xf9\xd2\xf4.mp3", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}.mp3"),
            (b"a\tb\x00\x1f\n", "a\tb\0\u{1f}\n"),
            (b"\xe5\xa3", "\u{fffd}"),
            (b"\xf0\x9f\x98\\n\\\\", "\u{fffd}\n\\"),
            (b"\\ud83d\xff", "\u{fffd}\u{fffd}"),
            ("声\\\"音".as_bytes(), "声\"音"),
        ];
        for (odd, meant) in odd {
            for before in (0..3).chain(PIECE - 20..PIECE + 3) {
                let json = [b"[\"", "x".repeat(before).as_bytes(), odd, b"\",[\"\\\"]\"]]"].concat();
                let read: Value = serde_json::from_slice(&mended(&json))
                    .unwrap_or_else(|error| panic!("{odd:?} behind {before}: {error}"));
                assert_eq!(read[0].as_str().unwrap()[before..], *meant, "{odd:?} behind {before}");
                assert_eq!(read[1][0], "\"]");
            }
        }
    }

    #[test]
    fn what_is_no_json_does_not_become_some() {
        for odd in [&b"\xff{}"[..], b"[\x01]", b"[\"\\x\"]", b"[\"\\u12\xff4\"]", b"[\"\\", b"[\"\\u00", b"\"\\\xff\""]
        {
            assert!(serde_json::from_reader::<_, Value>(Mended::new(odd, &|| Ok(()))).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn it_ends_where_it_is_too_deep_or_is_told_to() {
        let deep = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        let mut out = Vec::new();
        assert!(Mended::new(deep(DEEPEST).as_bytes(), &|| Ok(())).read_to_end(&mut out).is_ok());
        let too_deep = deep(DEEPEST + 1);
        let mut reader = Mended::new(too_deep.as_bytes(), &|| Ok(()));
        assert!(reader.read_to_end(&mut out).is_err() && matches!(reader.end, Some(End::TooDeep)));
        assert!(is_too_deep(too_deep.as_bytes()) && !is_too_deep(deep(DEEPEST).as_bytes()));
        let behind_text = format!("[\"]]\\\"]]\",{}]", deep(DEEPEST));
        assert!(is_too_deep(behind_text.as_bytes()));
        let within_text = format!("\"\\\"{too_deep}\\\\\"");
        assert!(!is_too_deep(within_text.as_bytes()));
        let in_text = format!("\"{too_deep}\"");
        assert_eq!(mended(in_text.as_bytes()), in_text.as_bytes());
        let mut reader = Mended::new(b"[]", &|| Err(Interruption::DeadlinePassed(Duration::ZERO)));
        assert!(reader.read_to_end(&mut out).is_err() && matches!(reader.end, Some(End::Interrupted(_))));
    }

    #[test]
    fn text_is_as_it_came_where_c_can_hold_it() {
        assert_eq!(text(b"{\"a\":\"\\ud83d\t\"}".to_vec()), "{\"a\":\"\\ud83d\t\"}");
        assert_eq!(text(b"\xef\xbb\xbf[\"\xd2\xf4\0\"]".to_vec()), "[\"\u{fffd}\u{fffd}\u{fffd}\"]");
    }
}
