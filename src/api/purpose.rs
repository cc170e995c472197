//! Purposes of files: an open set of words. The service adds new ones every few months, so unknown ones are sent.

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

/// Whether the API's pages name this purpose.
pub fn is_known(purpose: &str) -> bool {
    PURPOSES.iter().any(|(name, _)| *name == purpose)
}

/// Checks that a word can be a purpose, known or not. `parameter`: where the caller gave it.
pub fn check(call: &'static str, parameter: &'static str, purpose: &str) -> Result<(), Error> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if (1..=64).contains(&purpose.len()) && purpose.bytes().all(fits) {
        return Ok(());
    }
    let why = format!("must be 1 to 64 letters, digits, _, - and ., as in voice_clone, not \"{purpose}\"");
    Err(Error::invalid_argument(call, parameter, why))
}

/// The same for a purpose that may be left out.
pub fn check_given(call: &'static str, purpose: Option<&str>) -> Result<(), Error> {
    purpose.map_or(Ok(()), |purpose| check(call, "purpose", purpose))
}

/// Malformed input (2013) often is a purpose with a typo.
pub fn explain(mut error: Error, purpose: Option<&str>) -> Error {
    if error.api_code == 2013
        && let Some(hint) = purpose.and_then(hint)
    {
        error.add(&hint);
    }
    error
}

/// Endings of names, and the most bytes.
type Format = (&'static [&'static str], u64);

/// Documented limits of uploads by purpose. They change: nothing is refused by them, but a refusal of the
/// service is explained.
const LIMITS: &[(&str, &[Format], &str)] = &[
    ("voice_clone", &[(&["mp3", "m4a", "wav"], 20 << 20)], "mp3, m4a or wav, 10 s to 5 min, at most 20 MB"),
    ("prompt_audio", &[(&["mp3", "m4a", "wav"], u64::MAX)], "mp3, m4a or wav, under 8 s"),
    ("t2a_async_input", &[(&["txt", "zip"], u64::MAX)], "txt or zip"),
    ("video_understanding", &[(&["mp4", "avi", "mov", "mkv"], u64::MAX)], "mp4, avi, mov or mkv"),
    (
        "video_generation_input",
        &[
            (&["jpg", "jpeg", "png", "webp", "heic", "heif"], 30 << 20),
            (&["mp4", "mov"], 50 << 20),
            (&["wav", "mp3"], 15 << 20),
        ],
        "jpg, png, webp, heic or heif to 30 MB, mp4 or mov to 50 MB, wav or mp3 to 15 MB",
    ),
];

/// The documented limit that an upload breaks, in words.
pub fn broken_limit(purpose: &str, filename: &str, size: Option<u64>) -> Option<&'static str> {
    let (_, formats, words) = LIMITS.iter().find(|row| row.0 == purpose)?;
    let ending = filename.rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_ascii_lowercase());
    let format = formats.iter().find(|(endings, _)| endings.contains(&ending.as_str()));
    let fits = format.is_some_and(|(_, most)| size.is_none_or(|size| size <= *most));
    if fits { None } else { Some(words) }
}

/// For a refusal: which are known, and which was probably meant. Nothing for a known one.
fn hint(purpose: &str) -> Option<String> {
    let known: Vec<_> = PURPOSES.iter().map(|(name, _)| *name).collect();
    if is_known(purpose) {
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
    fn only_words_are_purposes() {
        let longest = "a".repeat(64);
        for good in
            ["voice_clone", "a", "new_in_2027", "fine-tune", "role-recognition", "Voice.Clone-2", longest.as_str()]
        {
            assert!(check("c", "purpose", good).is_ok(), "{good}");
        }
        let too_long = "a".repeat(65);
        for bad in ["", "voice clone", "voice/clone", "voice&clone", "é", "a\nb", "\"", too_long.as_str()] {
            let error = check("c", "purpose", bad).expect_err(bad);
            assert_eq!(error.parameter, Some("purpose"));
            assert!(!error.message.contains('\n'));
        }
    }

    #[test]
    fn documented_limits_are_known() {
        assert_eq!(broken_limit("voice_clone", "a.MP3", Some(20 << 20)), None);
        assert!(broken_limit("voice_clone", "a.mp3", Some((20 << 20) + 1)).unwrap().contains("20 MB"));
        assert!(broken_limit("voice_clone", "a.ogg", None).unwrap().contains("m4a"));
        assert!(broken_limit("voice_clone", "mp3", None).is_some());
        assert_eq!(broken_limit("video_generation_input", "a.mov", Some(40 << 20)), None);
        assert!(broken_limit("video_generation_input", "a.wav", Some(40 << 20)).is_some());
        assert_eq!(broken_limit("new_in_2027", "a.xyz", Some(1 << 40)), None);
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
