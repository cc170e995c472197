//! Patterns for file names: `*`, `?` and classes such as `[a-z]`.
//!
//! No crate has these rules: `*` matches `/` too, since a name isn't a path; `?` and classes match characters, not bytes;
//! and the matcher doesn't recurse, so that long patterns and names need no stack.

use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// The Unicode form NFC, in which patterns and names are compared: `ü` may be one character or two.
pub(super) fn normal(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfc().collect()),
    }
}

pub(super) struct Pattern(Vec<Token>);

enum Token {
    /// `*`
    Any,
    /// `?`
    One,
    Char(char),
    /// `[a-z]`, `[!a-z]`
    Class {
        ranges: Vec<(char, char)>,
        is_negated: bool,
    },
}

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Pattern, &'static str> {
        if text.is_empty() {
            return Err("it is empty");
        }
        let (text, mut tokens) = (normal(text), Vec::new());
        let chars: Vec<char> = text.chars().collect();
        let mut rest = chars.as_slice();
        while let [first, after @ ..] = rest {
            rest = after;
            tokens.push(match first {
                '*' if rest.first() == Some(&'*') => return Err("it has **; a single * matches any text"),
                '*' => Token::Any,
                '?' => Token::One,
                '[' => {
                    let (class, after) = class(rest)?;
                    rest = after;
                    class
                }
                other => Token::Char(*other),
            });
        }
        Ok(Pattern(tokens))
    }

    /// Whether the whole name matches. Backtracks to the last `*` only, which is sufficient.
    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = normal(name).chars().collect();
        let (mut token, mut at) = (0, 0);
        // The rest after the last `*`, and where in the name it was tried.
        let mut last: Option<(usize, usize)> = None;
        loop {
            match (self.0.get(token), name.get(at)) {
                (None, None) => return true,
                (Some(Token::Any), _) => {
                    token += 1;
                    last = Some((token, at));
                }
                (Some(one), Some(&c)) if one.matches(c) => (token, at) = (token + 1, at + 1),
                (_, None) => return false,
                _ => {
                    let Some((after, tried)) = last else { return false };
                    (token, at) = (after, tried + 1);
                    last = Some((after, at));
                }
            }
        }
    }
}

impl Token {
    fn matches(&self, c: char) -> bool {
        match self {
            Token::Any | Token::One => true,
            Token::Char(own) => *own == c,
            Token::Class { ranges, is_negated } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *is_negated
            }
        }
    }
}

/// Parses a class after its `[` and returns the rest after its `]`. A `]` at the beginning belongs to the class.
fn class(text: &[char]) -> Result<(Token, &[char]), &'static str> {
    let (is_negated, text) = match text {
        ['!', text @ ..] => (true, text),
        _ => (false, text),
    };
    let end = text.iter().skip(1).position(|c| *c == ']').ok_or("it has a [ without its ]; the class [[] is a [")? + 1;
    let (mut members, mut ranges) = (&text[..end], Vec::new());
    while let [first, after @ ..] = members {
        let (last, after) = match after {
            ['-', last, after @ ..] => (last, after),
            _ => (first, after),
        };
        if first > last {
            return Err("it has a class whose range goes backwards");
        }
        ranges.push((*first, *last));
        members = after;
    }
    Ok((Token::Class { ranges, is_negated }, &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, fitting: &[&str], others: &[&str]) {
        let read = Pattern::new(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
        for name in fitting {
            assert!(read.matches(name), "{pattern} fits {name}");
        }
        for name in others {
            assert!(!read.matches(name), "{pattern} doesn't fit {name}");
        }
    }

    #[test]
    fn the_whole_name_must_fit() {
        check("a.mp3", &["a.mp3"], &["A.mp3", "a.mp", "a.mp33", "xa.mp3", ""]);
        check("*", &["", "a", "a/b", ".hidden", "声音"], &[]);
        check("*.mp3", &[".mp3", "a.mp3", "a/b.mp3", ".mp3.mp3"], &["a.mp3x", "mp3"]);
        check("a*b*c", &["abc", "aXbYc", "abcbc", "abbc"], &["ab", "acb", "abcX", "Xabc"]);
        check("*a*", &["a", "bab", "aa"], &["", "b"]);
        check("?", &["a", "ü", "声", "/", "["], &["", "ab"]);
        check("???", &["abc", "üüü"], &["ab", "abcd"]);
        check("a?*z", &["abz", "abcz"], &["az"]);
    }

    #[test]
    fn classes_are_of_characters() {
        check("[a-c]x", &["ax", "cx"], &["dx", "Ax", "x", "[a-c]x"]);
        check("[!a-c]", &["d", "!", "声"], &["a", "c", ""]);
        check("[ä-ü]", &["ä", "ö", "ü"], &["a", "ý"]);
        check("[]]", &["]"], &["[", ""]);
        check("[!]]", &["["], &["]"]);
        check("[]-a]", &["]", "^", "a"], &["b", "-"]);
        check("[a-]", &["a", "-"], &["b"]);
        check("[-a]", &["a", "-"], &["b"]);
        check("[^a]", &["^", "a"], &["b"]);
        check("[*?[]", &["*", "?", "["], &["a"]);
        check("take[[]1].mp3", &["take[1].mp3"], &["take1.mp3"]);
        check("a]", &["a]"], &["a"]);
        // Characters that are special elsewhere stand for themselves here.
        check(r"\*{a,b}", &[r"\{a,b}", r"\x{a,b}"], &["*{a,b}", r"\a"]);
    }

    #[test]
    fn what_is_no_pattern() {
        for bad in ["", "[", "[a", "[]", "[!]", "a[", "**", "a**", "***", "[z-a]", "[a-c"] {
            assert!(Pattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn both_normal_forms_are_one_name() {
        let (composed, decomposed) = ("M\u{fc}ller", "Mu\u{308}ller");
        for pattern in [composed, decomposed, "M?ller", "M[\u{fc}]ller", "M[u\u{308}]ller"] {
            check(pattern, &[composed, decomposed], &["Muuller", "Mller"]);
        }
        assert_eq!(normal(decomposed), composed);
    }

    #[test]
    fn long_ones_end_soon() {
        let name = "a".repeat(6000);
        check(&("*a".repeat(600) + "b"), &[], &[&name]);
        check(&"*a".repeat(600), &[&name], &[&"b".repeat(6000)]);
        check(&("*".to_owned() + &"a".repeat(3000) + "b"), &[], &[&name]);
    }
}
