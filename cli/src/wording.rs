//! Wording that several messages share.

/// Messages name at most this many files; `--json` lists all.
pub(crate) const MOST_NAMED: usize = 20;

/// `1 file`, `2 files`
pub(crate) fn count(files: usize) -> String {
    if files == 1 { "1 file".into() } else { format!("{files} files") }
}

/// `1, 2, 3`, or the first of many.
pub(crate) fn ids(ids: &[i64]) -> String {
    let more = if ids.len() > MOST_NAMED { ", …" } else { "" };
    let ids: Vec<_> = ids.iter().take(MOST_NAMED).map(i64::to_string).collect();
    format!("{}{more}", ids.join(", "))
}
