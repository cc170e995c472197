//! The purposes, and which files they are for.

/// The purposes of the delete page.
pub(crate) const DELETE: [&str; 5] =
    ["voice_clone", "prompt_audio", "t2a_async", "t2a_async_input", "video_generation"];

/// The purposes of the upload page, the newer ones included.
const UPLOAD: [&str; 5] =
    ["voice_clone", "prompt_audio", "t2a_async_input", "video_understanding", "video_generation_input"];

/// Purposes documented before or elsewhere. Uploads were seen for `retrieval` alone; the others are taken because nothing
/// is known of a refusal.
const OTHER: [&str; 5] = ["retrieval", "batch", "fine-tune", "fine-tune-result", "role-recognition"];

/// Extensions that go together, and how large such a file may be.
type Limit = (&'static [&'static str], u64);

const MIB: u64 = 1 << 20;
const ANY: u64 = u64::MAX;
const AUDIO: [&str; 3] = ["mp3", "m4a", "wav"];

/// Returns none where any file will do.
fn limits(purpose: &str) -> Option<&'static [Limit]> {
    Some(match purpose {
        "voice_clone" => &[(&AUDIO, 20 * MIB)],
        "prompt_audio" => &[(&AUDIO, ANY)],
        "t2a_async_input" => &[(&["txt", "zip"], ANY)],
        "video_understanding" => &[(&["mp4", "avi", "mov", "mkv"], ANY)],
        "video_generation_input" => &[
            (&["jpg", "jpeg", "png", "webp", "heic", "heif"], 30 * MIB),
            (&["mp4", "mov"], 50 * MIB),
            (&["wav", "mp3"], 15 * MIB),
        ],
        _ => return None,
    })
}

pub(crate) fn is_documented(purpose: &str) -> bool {
    DELETE.contains(&purpose) || is_for_uploads(purpose)
}

/// Without those of what the service makes itself.
pub(crate) fn is_for_uploads(purpose: &str) -> bool {
    UPLOAD.contains(&purpose) || OTHER.contains(&purpose)
}

/// The refusal of a file that the purpose is not for. The words were seen for the extensions of voice_clone alone.
pub(crate) fn refusal(purpose: &str, filename: &str, bytes: u64) -> Option<String> {
    let limits = limits(purpose)?;
    let extension = filename.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let fits = |limit: &&Limit| extension.as_deref().is_some_and(|extension| limit.0.contains(&extension));
    let what = match limits.iter().find(fits) {
        None => "ext",
        Some((_, largest)) if bytes > *largest => "size",
        Some(_) => return None,
    };
    Some(format!("invalid file {what} for {}", purpose.replace('_', " ")))
}
