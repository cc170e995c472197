//! `usage`

use crate::harness::Account;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 24 * 3600;

fn files() -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let file = |id: i64, purpose: &str, bytes: i64, created_at: i64| json!({"file_id": id, "purpose": purpose, "bytes": bytes, "created_at": created_at, "content": ""});
    json!([
        file(1, "voice_clone", 1024, now - 60),
        file(2, "voice_clone", 2048, now - 2 * DAY),
        file(3, "voice_clone", 1024, now - 3 * DAY),
        file(4, "voice_clone", 1024, now - 40 * DAY),
        file(5, "t2a_async", 0, now - 8 * DAY),
        file(6, "t2a_async", 4096, now - 9 * DAY),
        file(7, "t2a_async", 0, 0),
        file(8, "t2a_async", 0, now + 10 * DAY),
    ])
}

#[test]
fn purpose_by_age_by_size() {
    let account = Account::of("cli-usage", files());
    let run = account.run(&["usage"]).exits(0);
    let cells =
        |line: &str| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(String::from).collect();
    let lines: Vec<Vec<String>> = run.out.lines().map(cells).collect();
    let expected = [
        vec!["PURPOSE", "AGE", "FILES", "SIZE"],
        vec!["t2a_async", "7 to 30 days", "2", "at least 4.00 KiB"],
        vec!["t2a_async", "unknown", "2", "unknown"],
        vec!["voice_clone", "30 days or more", "1", "1.00 KiB"],
        vec!["voice_clone", "1 to 7 days", "2", "3.00 KiB"],
        vec!["voice_clone", "under a day", "1", "1.00 KiB"],
        vec!["all", "8", "at least 9.00 KiB"],
    ];
    assert_eq!(lines, expected, "{run:#?}");
    run.says(&["127.0.0.1, key …dbox", "doesn't say the size of 3 files"]);
}

#[test]
fn the_same_for_programs() {
    let account = Account::of("cli-usage-json", files());
    let run = account.run(&["usage", "--json"]).exits(0);
    let [usage] = &run.json()[..] else { panic!("{run:#?}") };
    assert_eq!(
        (&usage["files"], &usage["bytes_at_least"], &usage["sizes_unknown"]),
        (&json!(8), &json!(9216), &json!(3))
    );
    assert_eq!(usage["host"], "127.0.0.1");
    let group =
        json!({"purpose": "t2a_async", "older_than": "7d", "files": 2, "bytes_at_least": 4096, "sizes_unknown": 1});
    assert_eq!((usage["groups"].as_array().unwrap().len(), &usage["groups"][0]), (5, &group));
    assert_eq!(usage["groups"][1]["older_than"], json!(null));
    let one = account.run(&["usage", "--json", "--purpose", "voice_clone"]).exits(0);
    assert_eq!(one.json()[0]["files"], 4);
}

#[test]
fn an_empty_account() {
    let account = Account::empty("cli-usage-empty");
    let run = account.run(&["usage"]).exits(0);
    assert_eq!(run.out.lines().last().map(|line| line.split_whitespace().collect()), Some(vec!["all", "0", "0", "B"]));
}

/// Half of a surrogate pair in one name spoils no sum.
#[test]
fn an_odd_name_is_counted_like_any_other() {
    let account = Account::of("cli-usage-odd", json!([]));
    let file = |id: i64, name: &str| {
        format!(
            r#"{{"file_id":{id},"bytes":1024,"created_at":1700000000,"filename":"{name}","purpose":"voice_clone"}}"#
        )
    };
    let files = [file(1, r"a\ud83d.mp3"), file(2, "b.mp3"), file(3, r"\ude00")].join(",");
    account.fault(json!({"body": format!(r#"{{"files":[{files}],"base_resp":{{"status_code":0}}}}"#)}));
    let run = account.run(&["usage", "--json"]).exits(0);
    assert_eq!((&run.json()[0]["files"], &run.json()[0]["bytes_at_least"]), (&json!(3), &json!(3072)), "{run:#?}");
}
