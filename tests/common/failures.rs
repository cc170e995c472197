//! `tests/failures.json`, the scripted failures that the tests of every language share, for C, which reads no JSON:
//! a line a failure, its fields between tabs, in the order of `CALL` and `EXPECT`.

use serde_json::Value;
use std::fs;
use std::path::PathBuf;

const CALL: [&str; 6] = ["name", "fault", "base", "file_id", "purpose", "timeout_ms"];
const EXPECT: [&str; 11] = [
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
];

/// Writes the table where the C programs find it.
pub(crate) fn write() -> PathBuf {
    let json = fs::read_to_string(super::root().join("tests/failures.json")).expect("tests/failures.json");
    let failures: Vec<Value> = serde_json::from_str(&json).expect("tests/failures.json is an array");
    let mut lines = String::new();
    for failure in &failures {
        let fields = CALL.iter().map(|name| &failure[name]).chain(EXPECT.iter().map(|name| &failure["expect"][name]));
        let fields: Vec<_> = fields.map(field).collect();
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

fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => i32::from(*yes).to_string(),
        other => other.to_string(),
    }
}
