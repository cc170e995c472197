//! What a file is for: an open set of words. The service takes new ones every few months, so unknown ones are sent.

use crate::error::Error;

/// The known ones, as the API's documents have them, and what they mean.
pub const PURPOSES: &[(&str, &str)] = &[
    ("voice_clone", "audio to clone a voice from"),
    ("prompt_audio", "short audio that accompanies a clone"),
    ("t2a_async_input", "text for asynchronous speech"),
    ("t2a_async", "what asynchronous speech produced"),
    ("video_generation", "what video generation produced"),
    ("video_understanding", "video for chat requests"),
    ("video_generation_input", "material for video generation"),
];

/// What can be a purpose at all, known or not.
pub fn check(call: &'static str, purpose: &str) -> Result<(), Error> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=64).contains(&purpose.len()) && purpose.bytes().all(fits) {
        return Ok(());
    }
    let why = format!("must be 1 to 64 of a-z, 0-9 and _, as in voice_clone, not \"{purpose}\"");
    Err(Error::invalid_argument(call, "purpose", why))
}

/// Malformed input (2013) often is a purpose with a typo.
pub fn explain(mut error: Error, purpose: &str) -> Error {
    if error.api_code == 2013
        && let Some(hint) = hint(purpose)
    {
        error.add(&hint);
    }
    error
}

/// For a refusal: which are known, and which was probably meant. Nothing for a known one.
fn hint(purpose: &str) -> Option<String> {
    let known: Vec<_> = PURPOSES.iter().map(|(name, _)| *name).collect();
    if known.contains(&purpose) {
        return None;
    }
    let likeness = |name: &&&str| (strsim::normalized_damerau_levenshtein(purpose, name) * 1000.0) as u32;
    let nearest = known.iter().max_by_key(likeness).filter(|name| likeness(name) >= 600);
    let meant = nearest.map_or(String::new(), |name| format!(" (did you mean {name}?)"));
    Some(format!("; \"{purpose}\" is not a purpose known here{meant}: known are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_words_are_purposes() {
        let longest = "a".repeat(64);
        for good in ["voice_clone", "a", "new_in_2027", longest.as_str()] {
            assert!(check("c", good).is_ok(), "{good}");
        }
        let too_long = "a".repeat(65);
        for bad in ["", "Voice_clone", "voice clone", "voice-clone", "é", "a\nb", "\"", too_long.as_str()] {
            let error = check("c", bad).expect_err(bad);
            assert_eq!(error.parameter, Some("purpose"));
            assert!(!error.message.contains('\n'));
        }
    }

    #[test]
    fn a_typo_is_answered_with_what_was_meant() {
        assert_eq!(hint("voice_clone"), None);
        assert!(hint("voice_clon").unwrap().contains("did you mean voice_clone?"));
        assert!(hint("t2a_asinc").unwrap().contains("did you mean t2a_async?"));
        let far = hint("zzz").unwrap();
        assert!(!far.contains("did you mean") && far.contains("video_generation_input"), "{far}");
    }
}
