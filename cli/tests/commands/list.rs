//! `list`

use crate::harness::{Account, end};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::process::Stdio;

fn files() -> Value {
    json!([
        {"file_id": 176844028768320_i64, "purpose": "voice_clone", "bytes": 1536, "created_at": 1700469398,
         "filename": "a.mp3"},
        {"file_id": i64::MAX, "purpose": "t2a_async", "bytes": 0, "created_at": 0, "filename": "b.tar"},
    ])
}

#[test]
fn a_table_for_people() {
    let account = Account::of("cli-list-table", files());
    let run = account.run(&["list"]).exits(0);
    let lines: Vec<_> = run.out.lines().collect();
    let line = "    176844028768320  voice_clone  2023-11-20 08:36:38Z  1.50 KiB  a.mp3";
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["FILE", "ID", "PURPOSE", "CREATED", "SIZE", "NAME"]);
    assert!(lines.contains(&line), "{run:#?}");
    assert!(lines.iter().any(|line| line.starts_with("9223372036854775807  t2a_async    unknown")), "{run:#?}");
    assert_eq!((lines.len(), run.err.as_str()), (3, ""));
}

#[test]
fn by_purpose_and_nothing() {
    let account = Account::of("cli-list-purpose", files());
    let run = account.run(&["list", "--purpose", "t2a_async"]).exits(0);
    assert!(run.out.contains("b.tar") && !run.out.contains("a.mp3"), "{run:#?}");
    assert!(account.get("journal").contains("purpose=t2a_async"));
    let none = account.run(&["list", "--purpose", "prompt_audio"]).exits(0).says(&["no files (127.0.0.1, key …dbox)"]);
    assert_eq!(none.out, "");
    account.run(&["list", "--purpose", "Voice!"]).exits(2).says(&["must be 1 to 64 letters, digits"]);
}

#[test]
fn a_line_of_json_a_file_for_programs() {
    let account = Account::of("cli-list-json", files());
    account.fault(json!({"shape": "unknown_fields"}));
    let run = account.run(&["list", "--json"]).exits(0);
    let mut files = run.json();
    files.sort_by_key(|file| file["file_id"].as_i64());
    let ids: Vec<_> = files.iter().map(|file| file["file_id"].clone()).collect();
    assert_eq!(ids, [json!(176844028768320_i64), json!(i64::MAX)]);
    // As the service sent it, with unknown fields.
    assert_eq!((&files[0]["filename"], &files[0]["bytes"]), (&json!("a.mp3"), &json!(1536)));
    let unknown = files[0]
        .as_object()
        .unwrap()
        .keys()
        .any(|key| !["file_id", "purpose", "bytes", "created_at", "filename"].contains(&key.as_str()));
    assert!(unknown, "{run:#?}");
    assert_eq!(account.run(&["list", "--json=lines"]).exits(0).json().len(), 2);
    assert_eq!(account.run(&["list", "--json", "--purpose", "prompt_audio"]).exits(0).out, "");
    let large = Account::with("cli-list-json-large", 50_000);
    let run = large.run(&["list", "--json"]).exits(0);
    assert_eq!(run.out.lines().count(), 50_000);
    let last: Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    assert!(last["file_id"].as_i64() >= Some(1), "{last}");
}

#[test]
fn one_array_where_that_is_asked_for() {
    let account = Account::of("cli-list-array", files());
    let array = |arguments: &[&str], code| -> Value {
        let run = account.run(arguments).exits(code);
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:#?}"))
    };
    let ids = |array: &Value| {
        array.as_array().unwrap().iter().map(|file| file["file_id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let mut listed = ids(&array(&["list", "--json=array"], 0));
    listed.sort_unstable();
    assert_eq!(listed, [176844028768320, i64::MAX]);
    assert_eq!(array(&["list", "--json=array", "--purpose", "prompt_audio"], 0), json!([]));
    assert_eq!(ids(&array(&["info", "--json=array", "99", "176844028768320"], 1)), [99, 176844028768320]);
    let outcomes = array(&["delete", "--yes", "--json=array", "--purpose", "voice_clone", "176844028768320", "99"], 0);
    assert_eq!((outcomes.as_array().map(Vec::len), &outcomes[2]["total"]), (Some(3), &json!(2)));
    account.fault(json!({"code": 2013}));
    // A failure prints no empty array.
    let failed = account.run(&["list", "--json=array"]).exits(1);
    assert_eq!(failed.out, "");
    account.run(&["list", "--json=xml"]).exits(2).says(&["lines", "array"]);
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let account = Account::with("cli-list-head", 5000);
    for arguments in [&["list"][..], &["list", "--json"], &["usage"], &["--help"]] {
        let mut command = account.command(arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let run = end(child).exits(0);
        assert!(!run.err.contains("mmx-files"), "{run:#?}");
    }
}

#[test]
fn a_full_disk_is_said() {
    let account = Account::with("cli-list-full", 1);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = account.command(&["list"]);
    let child = command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    end(child).exits(1).says(&["standard output can't be written"]);
}
