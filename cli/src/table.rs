//! Tables without rules, which also work with `grep`.

use crate::escape;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::BinaryBytes;
use rustix::stdio::stdout;
use rustix::termios::tcgetwinsize;
use std::time::{Duration, UNIX_EPOCH};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The header and the alignment of a column.
pub(crate) struct Column(pub(crate) &'static str, pub(crate) CellAlignment);

pub(crate) const LEFT: CellAlignment = CellAlignment::Left;
pub(crate) const RIGHT: CellAlignment = CellAlignment::Right;

/// The minimum width of names.
const NARROWEST: usize = 12;

/// A table whose last column has names, which are shortened to fit the terminal unless `is_wide`.
pub(crate) fn table_of_names(columns: &[Column], mut rows: Vec<Vec<String>>, is_wide: bool) -> String {
    if let (Some(room), false) = (columns_of_the_terminal(), is_wide) {
        let width = |at: usize| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
            cells.chain([columns[at].0.width()]).max().unwrap_or_default() + 2
        };
        let others: usize = (0..columns.len() - 1).map(width).sum();
        let most = room.saturating_sub(others).max(NARROWEST);
        rows.iter_mut().filter_map(|row| row.last_mut()).for_each(|name| *name = shortened(name, most));
    }
    table(columns, rows)
}

fn columns_of_the_terminal() -> Option<usize> {
    // Fails if standard output is not a terminal.
    let size = tcgetwinsize(stdout()).ok()?;
    Some(size.ws_col.into()).filter(|columns| *columns > 0)
}

/// `begin…end`
fn shortened(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let room = most - 1;
    let fitting = |chars: &mut dyn Iterator<Item = (usize, char)>, room: usize| {
        let mut width = 0;
        let fits = |(_, c): &(usize, char)| {
            width += c.width().unwrap_or_default();
            width <= room
        };
        chars.take_while(fits).last()
    };
    let start = fitting(&mut text.char_indices(), room.div_ceil(2)).map_or(0, |(at, c)| at + c.len_utf8());
    let end = fitting(&mut text.char_indices().rev(), room / 2).map_or(text.len(), |(at, _)| at);
    // A combining character belongs to the one before it.
    let end = text[end..].char_indices().find(|(_, c)| c.width() != Some(0)).map_or(text.len(), |(at, _)| end + at);
    format!("{}…{}", &text[..start], &text[end..])
}

/// The cells must be escaped already.
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

/// `1.50 MiB`; a size of 0 is unknown.
pub(crate) fn size(bytes: i64) -> String {
    match u64::try_from(bytes) {
        Ok(0) | Err(_) => "unknown".into(),
        Ok(bytes) => BinaryBytes(bytes).to_string(),
    }
}

/// `2023-11-20 08:36:38Z`, or `unknown`.
pub(crate) fn time(created_at: i64) -> String {
    let time = u64::try_from(created_at).ok().filter(|&seconds| seconds > 0);
    let time = time.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    // The format has four digits for the year.
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
    fn the_middle_is_cut_out() {
        assert_eq!(shortened("abcdefghij.mp3", 14), "abcdefghij.mp3");
        assert_eq!(shortened("abcdefghij.mp3", 13), "abcdef…ij.mp3");
        assert_eq!(shortened("abcdefghij.mp3", 4), "ab…3");
        assert_eq!(shortened("声音声音声音", 8), "声音…音");
        assert_eq!(shortened("e\u{301}e\u{301}e\u{301}e\u{301}", 3), "e\u{301}…e\u{301}");
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["1".into(), "a".into()], vec!["100".into(), "b".into()]];
        assert_eq!(table(&[Column("id", RIGHT), Column("name", LEFT)], rows), " id  name\n  1  a\n100  b");
    }
}
