//! Purposes as they are, and those that the service doesn't list by.

use crate::harness::Account;
use serde_json::json;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

const PURPOSES: [(&str, &str); 5] = [
    ("cli-purpose-1", "fine-tune"),
    ("cli-purpose-2", "fine-tune-result"),
    ("cli-purpose-3", "role-recognition"),
    ("cli-purpose-4", "Voice.Clone-2"),
    ("cli-purpose-5", "-x"),
];

#[test]
fn hyphens_dots_and_capitals_are_sent_on() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.jsonl"), "{}").unwrap();
    for (name, purpose) in PURPOSES {
        let account = Account::of(name, json!({ "count": 4, "first_id": 1, "purpose": purpose }));
        let given = format!("--purpose={purpose}");
        let stored = account.run_in(&folder, &["upload", "--json", &given, "a.jsonl"]).exits(0);
        assert_eq!(stored.json()[0]["answer"]["file"]["purpose"], purpose, "{stored:#?}");
        assert_eq!(account.run(&["list", "--json", &given]).exits(0).json().len(), 5);
        account.run(&["delete", "--yes", &given, "1"]).exits(0);
        let deleted = account.journal().pop().expect("a delete");
        assert_eq!(deleted["body"], json!({ "file_id": 1, "purpose": purpose }).to_string());
        account.run(&["prune", "--yes", "--verify", "--all", &given]).exits(0).says(&["4 deleted"]);
        assert_eq!(account.ids(), [0_i64; 0]);
    }
}

#[test]
fn what_no_purpose_can_be_is_refused() {
    let account = Account::with("cli-purpose-bad", 1);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.mp3"), "x").unwrap();
    let too_long = "a".repeat(65);
    for purpose in ["", "voice clone", "a/b", "a&b", "ä", "fine–tune", &too_long] {
        let given = format!("--purpose={purpose}");
        for arguments in [
            &["list", &given][..],
            &["usage", &given],
            &["upload", &given, "a.mp3"],
            &["delete", "--yes", &given, "1"],
            &["prune", "--yes", "--all", &given],
        ] {
            account.run_in(&folder, arguments).exits(2).says(&["purpose"]);
        }
    }
    assert!(account.journal().is_empty());
}

/// Two old files of `t2a_async` and a new one, and an old one of `voice_clone`.
fn aged(name: &'static str) -> Account {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let file = |id: i64, purpose: &str, days: u64| json!({ "file_id": id, "purpose": purpose, "created_at": now - days * 86_400, "filename": format!("{id}.mp3"), "bytes": 9 });
    let files =
        json!([file(1, "t2a_async", 9), file(2, "t2a_async", 8), file(3, "t2a_async", 1), file(4, "voice_clone", 9)]);
    let account = Account::of(name, files);
    account.fault(json!({"call": "list", "purpose": "t2a_async", "code": 2013, "times": -1}));
    account
}

const OLD: [&str; 5] = ["prune", "--purpose", "t2a_async", "--older-than", "7d"];

fn old<'a>(more: &[&'a str]) -> Vec<&'a str> {
    OLD.into_iter().chain(more.iter().copied()).collect()
}

#[test]
fn a_prune_chooses_from_all_files_where_a_purpose_is_not_listed() {
    let account = aged("cli-purpose-prune");
    let run = account.run(&old(&["--yes", "--verify", "--verbose"])).exits(0).says(&[
        "3 files listed",
        "2 deleted",
        "listing_all",
    ]);
    assert!(!run.err.contains("\"event\":\"failed\""), "{run:#?}");
    assert_eq!(account.ids(), [3, 4]);
}

#[test]
fn so_do_a_plan_and_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let account = aged("cli-purpose-plan");
    account.run_in(&folder, &old(&["--plan", "plan.json"])).exits(0).says(&["2 files"]);
    account.run_in(&folder, &["prune", "--apply", "plan.json", "--yes"]).exits(0).says(&["2 deleted"]);
    assert_eq!(account.ids(), [3, 4]);
    let account = aged("cli-purpose-journal");
    account.run_in(&folder, &old(&["--yes", "--journal", "prune.jsonl"])).exits(0).says(&["2 deleted"]);
    assert_eq!(account.ids(), [3, 4]);
}

#[test]
fn so_does_usage() {
    let account = aged("cli-purpose-usage");
    let run = account.run(&["usage", "--purpose", "t2a_async"]).exits(0);
    assert!(run.out.contains("t2a_async") && !run.out.contains("voice_clone"), "{run:#?}");
}

#[test]
fn a_purpose_that_no_file_has_stays_an_error() {
    let account = aged("cli-purpose-typo");
    account.fault(json!({"call": "list", "purpose": "t2a_asinc", "code": 2013, "times": -1}));
    account.run(&["prune", "--yes", "--all", "--purpose", "t2a_asinc"]).exits(1).says(&["did you mean t2a_async?"]);
    account.fault(json!({"call": "list", "code": 1004, "times": -1}));
    account.run(&old(&["--yes"])).exits(3);
    assert_eq!(account.ids().len(), 4);
}

#[test]
fn a_delete_says_which_purpose_a_file_has() {
    let account = aged("cli-purpose-wrong");
    let run = account.run(&["delete", "--yes", "--purpose", "voice_clone", "1", "4", "99"]).exits(1);
    assert_eq!(run.out, "3 files: 1 deleted, 1 already absent, 1 failed\n");
    run.says(&["the file is there, but its purpose is t2a_async, not voice_clone"]);
    assert_eq!(account.ids(), [1, 2, 3]);
}
