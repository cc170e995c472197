//! `tests/failures*.json`, the scripted failures that the tests of every language share, for C, which reads no JSON:
//! a line a failure, its fields between tabs, in the order of `CALL` and `EXPECT`.

use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// With what it is where a row doesn't say.
const CALL: [(&str, &str); 10] = [
    ("name", ""),
    ("call", "delete"),
    ("fault", ""),
    ("base", "account"),
    ("file_id", "7"),
    ("purpose", "voice_clone"),
    ("timeout_ms", "0"),
    ("max_attempts", "1"),
    ("filename", "a.mp3"),
    ("bytes", "1000"),
];
const EXPECT: [&str; 12] = [
    "status",
    "status_name",
    "api_code",
    "http_status",
    "trace_id",
    "ambiguous",
    "attempts",
    "retry_after_ms",
    "parameter",
    "api_message",
    "message",
    // That arrived, where that is not the number of attempts.
    "requests",
];

/// Writes the table where the C programs find it.
pub(crate) fn write() -> PathBuf {
    let mut lines = String::new();
    for failure in tables() {
        let call = CALL.iter().map(|(name, or)| field(&failure[name], or));
        let fields: Vec<_> = call.chain(EXPECT.iter().map(|name| field(&failure["expect"][name], ""))).collect();
        let line = fields.join("\t");
        assert_eq!(line.matches(['\t', '\n']).count(), fields.len() - 1, "a field holds a tab or a line break: {line}");
        lines += &line;
        lines.push('\n');
    }
    let file = super::target().join("c/failures.tsv");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, lines).unwrap();
    file
}

fn tables() -> Vec<Value> {
    let is_table = |name: &str| name.starts_with("failures") && name.ends_with(".json");
    let mut paths: Vec<_> = fs::read_dir(super::root().join("tests"))
        .expect("tests")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| is_table(&name.to_string_lossy())))
        .collect();
    paths.sort();
    let rows = paths.iter().flat_map(|path| {
        let json = fs::read_to_string(path).expect("a table");
        let rows: Vec<Value> = serde_json::from_str(&json).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        rows
    });
    rows.collect()
}

fn field(value: &Value, or: &str) -> String {
    match value {
        Value::Null => or.into(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => i32::from(*yes).to_string(),
        other => other.to_string(),
    }
}
