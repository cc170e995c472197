//! `prune`: what goes, what stays, and what stops it.

use crate::files::{LONG_AGO, file, folder, mixed, now, path};
use crate::harness::Account;
use serde_json::{Value, json};
use std::fs;

const OLD: [&str; 5] = ["prune", "--purpose", "t2a_async", "--older-than", "7d"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&OLD[..], more].concat()
}

#[test]
fn what_is_old_goes_and_the_rest_stays() {
    let (account, folder) = (mixed("cli-prune"), folder());
    let keep = path(&folder, "keep");
    fs::write(&keep, "5\n").unwrap();
    let run = account.run(&with(&["--keep", "master-*", "--keep-from", &keep, "--yes"])).exits(0);
    assert_eq!(run.out, "6 files: 4 deleted, 2 kept\n");
    assert_eq!(account.ids(), [5, 6, 7, 8, 9]);
    assert!(account.get("journal").contains("purpose=t2a_async"));
    // The account, the count and the sum stand before what is said of deleting.
    let said = [
        "127.0.0.1, key …dbox: 8 files listed, 6 match, 2 of them kept",
        "t2a_async  30 days or more  ",
        "deleting 4 files, whose sizes the service doesn't say (127.0.0.1, key …dbox)",
    ];
    let at = said.map(|text| run.err.find(text).unwrap_or_else(|| panic!("{text}\n{run:#?}")));
    assert!(at.is_sorted(), "{run:#?}");
}

#[test]
fn what_it_frees_is_at_least_so_much() {
    let mut files: Vec<_> = (1..=3).map(|id| file(id, "voice_clone", LONG_AGO)).collect();
    files.push(file(4, "t2a_async", LONG_AGO));
    let account = Account::of("cli-prune-sizes", files.into());
    let run = account.run(&["prune", "--older-than", "12h", "--dry-run"]).exits(0);
    run.says(&["would be 4 files, which frees at least 3.00 KiB"]);
    let run = account.run(&["prune", "--older-than", "90m", "--purpose", "voice_clone", "--yes"]).exits(0);
    run.says(&["deleting 3 files, which frees at least 3.00 KiB (127", "3 files: 3 deleted"]);
    assert_eq!(account.ids(), [4]);
}

#[test]
fn everything_needs_a_word() {
    let account = mixed("cli-prune-all");
    account.run(&["prune", "--purpose", "t2a_async", "--yes"]).exits(2).says(&["no condition", "--all"]);
    assert_eq!(account.journal().len(), 0);
    account.run(&["prune", "--purpose", "t2a_async", "--all", "--yes"]).exits(0).says(&["8 files: 8 deleted"]);
    assert_eq!(account.ids(), [7]);
}

#[test]
fn guards() {
    let account = mixed("cli-prune-guards");
    for (most, says) in [("5", "more than the 5 allowed"), ("50%", "6 of 8 files"), ("0", "more than the 0 allowed")] {
        account.run(&with(&["--at-most", most, "--yes"])).exits(6).says(&[says, "no delete was sent"]);
        account.run(&with(&["--at-most", most, "--dry-run"])).exits(6).says(&[says, "master-9.tar"]);
        let run = account.run(&with(&["--at-most", most, "--yes", "--json"])).exits(6);
        assert_eq!(run.json()[0]["matched"], 6);
        assert!(run.err.contains("MMX_ERROR_GUARD"), "{run:#?}");
    }
    assert_eq!((account.ids().len(), account.sent("delete")), (9, 0));
    account.run(&with(&["--at-most", "6", "--yes"])).exits(0);
    assert_eq!(account.ids(), [6, 7, 8]);
    account.run(&with(&["--at-most", "0%", "--yes"])).exits(0).says(&["nothing to delete", "0 files"]);
}

#[test]
fn a_dry_run_answers_the_plan() {
    let account = mixed("cli-prune-dry");
    let run = account.run(&with(&["--keep", "master-*", "--dry-run"])).exits(0);
    assert_eq!(run.out.lines().count(), 7, "{run:#?}");
    run.says(&["      1  t2a_async  2025-06-15 15:06:40Z  unknown             1.tar", "keep glob  master-9.tar"]);
    let run = account.run(&with(&["--dry-run", "--json"])).exits(0);
    let [plan] = &run.json()[..] else { panic!("{run:#?}") };
    assert_eq!((&plan["version"], &plan["listed"], &plan["matched"]), (&json!(1), &json!(8), &json!(6)));
    assert_eq!((&plan["filter"]["older_than_s"], &plan["files"][0]["file_id"]), (&json!(604_800), &json!(1)));
    assert_eq!((account.ids().len(), account.sent("delete")), (9, 0));
}

#[test]
fn what_can_t_be_right_sends_nothing() {
    let (account, folder) = (mixed("cli-prune-usage"), folder());
    let (missing, wrong) = (path(&folder, "missing"), path(&folder, "wrong"));
    fs::write(&wrong, "1\nall of them\n").unwrap();
    let cases: [(&[&str], &str); 10] = [
        (&["--yes", "--keep-from", &missing], "missing can't be read"),
        (&["--yes", "--keep-from", folder.path().to_str().unwrap()], "can't be read"),
        (&["--yes", "--keep-from", &wrong], "wrong, line 2 is no file id"),
        (&["--yes", "--keep", "[a"], "--keep is no pattern"),
        (&["--yes", "--at-most", "half"], "neither a number of files nor a share"),
        (&["--yes", "--older-than", "1d"], "cannot be used multiple times"),
        (&[], "add --yes"),
        (&["--dry-run", "--journal", &missing], "cannot be used with"),
        (&["--plan", &missing, "--apply", &wrong], "cannot be used with"),
        (&["--plan", &missing, "--journal", &wrong], "cannot be used with"),
    ];
    for (more, says) in cases {
        account.run(&with(more)).exits(2).says(&[says]);
    }
    account.run(&["prune", "--older-than", "7", "--yes"]).exits(2).says(&["no age such as 7d, 12h or 90m"]);
    assert_eq!(account.journal().len(), 0);
}

#[test]
fn ids_to_keep_come_from_standard_input_too() {
    let account = mixed("cli-prune-stdin");
    let run = account.run_with(&with(&["--keep-from", "-", "--yes"]), "1\n2 t2a_async\n\n3\n").exits(0);
    assert_eq!((run.out.as_str(), account.ids()), ("6 files: 3 deleted, 3 kept\n", vec![1, 2, 3, 6, 7, 8]));
}

#[test]
fn a_list_that_failed_is_no_empty_one() {
    let account = mixed("cli-prune-list");
    let faults = [
        (json!({"shape": "truncated_json"}), 1),
        (json!({"shape": "files_not_array"}), 1),
        (json!({"headers": {"Date": null}}), 1),
        (json!({"code": 1004}), 3),
        (json!({"code": 1008}), 4),
    ];
    for (fault, code) in faults {
        account.fault(fault);
        let run = account.run(&with(&["--yes"])).exits(code);
        assert_eq!(run.out, "", "{run:#?}");
    }
    assert_eq!((account.ids().len(), account.sent("delete")), (9, 0));
}

#[test]
fn what_became_of_each_for_programs() {
    let account = mixed("cli-prune-json");
    account.fault(json!({"call": "delete", "file_id": 2, "code": 2013, "times": -1}));
    let run = account.run(&with(&["--keep", "master-*", "--yes", "--json"])).exits(1);
    let lines = run.json();
    let (summary, outcomes) = lines.split_last().unwrap();
    let mut said: Vec<_> = outcomes.iter().map(|line| (line["file_id"].clone(), line["outcome"].clone())).collect();
    said.sort_by_key(|(id, _)| id.as_i64());
    let wanted: [(i64, &str); 6] =
        [(1, "deleted"), (2, "failed"), (3, "deleted"), (4, "deleted"), (5, "deleted"), (9, "kept")];
    assert_eq!(said, wanted.map(|(id, kind)| (json!(id), json!(kind))));
    let mut indexes: Vec<_> = outcomes.iter().filter_map(|line| line["index"].as_u64()).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, [0, 1, 2, 3, 4, 5]);
    let counts = ["total", "deleted", "kept", "failed", "unknown"].map(|name| summary[name].as_u64());
    assert_eq!(counts, [6, 4, 1, 1, 0].map(Some));
    assert_eq!(summary["still_listed"], Value::Null);
}

#[test]
fn one_refused_file_stops_nothing_and_a_refused_key_all() {
    let account = mixed("cli-prune-refused");
    account.fault(json!({"call": "delete", "file_id": 2, "code": 2013, "times": -1}));
    account.run(&with(&["--yes"])).exits(1).says(&["6 files: 5 deleted, 1 failed", "2 failed: "]);
    account.fault(json!({"call": "delete", "file_id": 2, "code": 1004}));
    account.run(&with(&["--yes"])).exits(1);
    let account = mixed("cli-prune-key");
    account.fault(json!({"call": "delete", "code": 1004, "times": -1}));
    account.run(&with(&["--concurrency", "1", "--yes"])).exits(3).says(&["6 files: 1 failed, 5 not attempted"]);
    assert_eq!(account.sent("delete"), 1);
}

#[test]
fn verifying_lists_again() {
    let account = mixed("cli-prune-verify");
    account
        .run(&with(&["--keep", "[1-3].tar", "--yes", "--verify"]))
        .exits(0)
        .says(&["none of them is listed any more"]);
    // A service that says so and does nothing.
    account.fault(json!({"call": "delete", "file_id": 2, "perform": false}));
    let run = account.run(&with(&["--yes", "--verify", "--json"])).exits(1);
    assert_eq!(run.json().last().unwrap()["still_listed"], json!([2]));
    account.fault(json!({"call": "delete", "file_id": 2, "perform": false}));
    account.run(&with(&["--yes", "--verify"])).exits(1).says(&["1 file: 1 deleted", "still listed: 1 file, namely 2"]);
}

#[test]
fn so_many_at_once() {
    let account = Account::of("cli-prune-one", (1..=8).map(|id| file(id, "t2a_async", LONG_AGO)).collect());
    account.run(&with(&["--yes", "--concurrency", "1"])).exits(0).says(&["8 files: 8 deleted"]);
    let connections: Vec<Value> = serde_json::from_str(&account.get("connections")).unwrap();
    assert_eq!(connections.len(), 1);
}

#[test]
fn names_are_escaped() {
    let mut nasty = file(1, "t2a_async", LONG_AGO);
    nasty["filename"] = "\u{1b}]0;x\u{7}\u{202e}.tar".into();
    let account = Account::of("cli-prune-names", json!([nasty, file(2, "t2a_async", now() + 3600)]));
    let run = account.run(&with(&["--dry-run"])).exits(0).says(&[r"\u{1b}]0;x\u{7}\u{202e}.tar"]);
    assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'));
}
