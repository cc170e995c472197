//! File extensions of media types.

/// The usual extension of types that have several, and of unregistered types.
const USUAL: [(&str, &str); 18] = [
    ("application/xml", "xml"),
    ("audio/aac", "aac"),
    ("audio/mp4", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/vnd.wave", "wav"),
    ("audio/wav", "wav"),
    ("audio/wave", "wav"),
    ("audio/x-flac", "flac"),
    ("audio/x-m4a", "m4a"),
    ("audio/x-wav", "wav"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("video/mp4", "mp4"),
    ("video/quicktime", "mov"),
    ("video/x-matroska", "mkv"),
];

/// `mp3` for `audio/mpeg`; `None` for a type without an extension of its own, such as `application/octet-stream`.
pub(crate) fn extension(content_type: &str) -> Option<&'static str> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if let Some((_, extension)) = USUAL.iter().find(|(usual, _)| *usual == media_type) {
        return Some(extension);
    }
    match mime_guess::get_mime_extensions_str(&media_type) {
        Some([extension]) => Some(extension),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        for (media_type, wanted) in [
            ("audio/mpeg", Some("mp3")),
            ("Audio/MPEG; charset=binary", Some("mp3")),
            ("application/x-tar", Some("tar")),
            ("application/zip", Some("zip")),
            ("audio/flac", Some("flac")),
            ("text/plain;charset=utf-8", Some("txt")),
            ("application/octet-stream", None),
            ("application/x-made-up", None),
            ("../../x", None),
            ("audio/*", None),
            ("", None),
        ] {
            assert_eq!(extension(media_type), wanted, "{media_type}");
        }
    }
}
