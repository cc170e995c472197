//! Tables for people: columns under a header, no lines, so that they also read well through `grep`.

use crate::escape;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::BinaryBytes;
use std::time::{Duration, UNIX_EPOCH};

/// A column; numbers stand on the right.
pub(crate) struct Column(pub(crate) &'static str, pub(crate) CellAlignment);

pub(crate) const LEFT: CellAlignment = CellAlignment::Left;
pub(crate) const RIGHT: CellAlignment = CellAlignment::Right;

/// The rows hold text that is escaped already.
pub(crate) fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|column| column.0));
    table.add_rows(rows);
    for (at, column) in columns.iter().enumerate() {
        if let Some(set) = table.column_mut(at) {
            set.set_cell_alignment(column.1);
            set.set_padding((0, if at + 1 == columns.len() { 0 } else { 2 }));
        }
    }
    table.trim_fmt()
}

/// `1.50 MiB`; generated files say 0, which is no size.
pub(crate) fn size(bytes: i64) -> String {
    match u64::try_from(bytes) {
        Ok(0) | Err(_) => "unknown".into(),
        Ok(bytes) => BinaryBytes(bytes).to_string(),
    }
}

/// `2023-11-20 08:36:38Z`, or nothing where the service said nothing.
pub(crate) fn time(created_at: i64) -> String {
    let time = u64::try_from(created_at).ok().filter(|&seconds| seconds > 0);
    let time = time.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    // What lies beyond the year 9999 can't be written so.
    let time = time.filter(|_| created_at < 253_402_300_800);
    time.map_or("unknown".into(), |time| humantime::format_rfc3339_seconds(time).to_string().replace('T', " "))
}

pub(crate) fn name(text: &str) -> String {
    escape::text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        assert_eq!(size(0), "unknown");
        assert_eq!(size(-1), "unknown");
        assert_eq!(size(1536), "1.50 KiB");
        assert_eq!(time(1_700_469_398), "2023-11-20 08:36:38Z");
        for never in [0, -1, i64::MIN, i64::MAX, 253_402_300_800] {
            assert_eq!(time(never), "unknown");
        }
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [vec!["1".into(), "a".into()], vec!["100".into(), "b".into()]];
        assert_eq!(table(&[Column("id", RIGHT), Column("name", LEFT)], rows), " id  name\n  1  a\n100  b");
    }
}
