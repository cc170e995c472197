//! The tables of docs/retries.md for the C program that plays them: a line a cell, as heading, column, row and what the cell
//! says, between tabs.

use std::fs;
use std::path::PathBuf;

/// Writes them where the C programs find them.
pub(crate) fn write() -> PathBuf {
    let page = fs::read_to_string(super::root().join("docs/retries.md")).expect("docs/retries.md");
    let file = super::target().join("c/retries.tsv");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, cells(&page)).unwrap();
    file
}

fn cells(page: &str) -> String {
    let (mut lines, mut heading, mut columns) = (String::new(), "", Vec::new());
    for line in page.lines() {
        let Some(row) = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")) else {
            columns.clear();
            heading = line.strip_prefix("## ").unwrap_or(heading);
            continue;
        };
        let row: Vec<_> = row.split(" | ").collect();
        if columns.is_empty() {
            columns = row;
        } else if row.iter().any(|cell| *cell != "---") {
            assert_eq!(row.len(), columns.len(), "{line}");
            for (column, cell) in columns.iter().zip(&row).skip(1) {
                lines += &format!("{heading}\t{column}\t{}\t{cell}\n", row[0]).replace('`', "");
            }
        }
    }
    lines
}
