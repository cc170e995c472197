//! Text from elsewhere on its way to a terminal: a file's name may hold what clears the screen, or turns text around.

use std::fmt::Write as _;

/// What would steer a terminal, or make a text look like another.
fn is_risky(c: char) -> bool {
    let invisible = ['\u{61c}', '\u{200b}', '\u{2060}', '\u{feff}', '\u{2028}', '\u{2029}'];
    mmx::error::is_bidi(c) || c.is_control() || invisible.contains(&c)
}

/// For people, on one line. `\` is doubled, so that no two texts look alike.
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

/// JSON on one line that says the same. Outside its strings there are no such characters but white space.
pub(crate) fn json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' | '\r' | '\t' => escaped.push(' '),
            // All of them have four digits.
            c if is_risky(c) => drop(write!(escaped, "\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "a\u{1b}]0;b\u{7}\u{9b}31m\u{202e}gpj\u{61c}\n\\ é 声音.mp3";

    #[test]
    fn no_control_character_is_left() {
        let escaped = text(NASTY);
        assert!(!escaped.chars().any(is_risky), "{escaped}");
        assert_eq!(escaped, r"a\u{1b}]0;b\u{7}\u{9b}31m\u{202e}gpj\u{61c}\n\\ é 声音.mp3");
    }

    #[test]
    fn json_says_the_same() {
        let raw = serde_json::json!({ "filename": NASTY, "id": i64::MAX });
        let escaped = json(&serde_json::to_string_pretty(&raw).unwrap());
        assert!(!escaped.chars().any(is_risky), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), raw);
    }
}
