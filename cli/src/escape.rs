//! Escapes text from the service for a terminal: a file's name may have control characters or invisible ones.

use std::ops::RangeInclusive;

/// Invisible characters: the Unicode property Default_Ignorable_Code_Point, and the blank Braille pattern.
const INVISIBLE: [RangeInclusive<char>; 18] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fff8}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// Characters that could control a terminal, or make one text look like another. The wide space of CJK text is not one.
pub(crate) fn is_risky(c: char) -> bool {
    let is_odd_space = c.is_whitespace() && c != ' ' && c != '\u{3000}';
    c.is_control() || is_odd_space || mmx::error::is_bidi(c) || INVISIBLE.iter().any(|range| range.contains(&c))
}

/// Text on one line. `\` is doubled, so that different texts stay different.
pub(crate) fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            c if is_risky(c) => escaped.extend(c.escape_default()),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The same JSON on one line. Outside of strings only white space is affected.
pub(crate) fn json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' | '\r' | '\t' => escaped.push(' '),
            c if is_risky(c) => {
                let units = c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
                escaped.push_str(&units);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "\u{e0041}\u{3164}\u{ad}a\u{1b}]0;b\u{7}\u{9b}31m\u{202e}gpj\u{61c}\n\\ é 声音.mp3";

    #[test]
    fn no_control_character_is_left() {
        let escaped = text(NASTY);
        assert!(!escaped.chars().any(is_risky), "{escaped}");
        assert_eq!(escaped, r"\u{e0041}\u{3164}\u{ad}a\u{1b}]0;b\u{7}\u{9b}31m\u{202e}gpj\u{61c}\n\\ é 声音.mp3");
    }

    #[test]
    fn json_says_the_same() {
        let raw = serde_json::json!({ "filename": NASTY, "id": i64::MAX });
        let escaped = json(&serde_json::to_string_pretty(&raw).unwrap());
        assert!(!escaped.chars().any(is_risky), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), raw);
    }
}
