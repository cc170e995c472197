//! `prune --plan` and `--apply`: what was looked at is what goes, unless it has changed.

use crate::files::{LONG_AGO, file, folder, mixed, now, path, read};
use crate::harness::Account;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// Writes the plan of what is old.
fn plan(account: &Account, path: &str) -> Value {
    account.run(&["prune", "--purpose", "t2a_async", "--older-than", "7d", "--plan", path]).exits(0);
    serde_json::from_str(&read(path)).expect("JSON")
}

#[test]
fn a_plan_is_written_and_applied() {
    let (account, folder) = (mixed("cli-plan"), folder());
    let at = path(&folder, "plan.json");
    let written = plan(&account, &at);
    assert_eq!((account.ids().len(), account.sent("delete")), (9, 0), "a plan deletes nothing");
    assert_eq!((written["host"].as_str(), written["matched"].as_u64()), (Some("127.0.0.1"), Some(6)));
    assert!(written["key_fingerprint"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(fs::metadata(&at).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left there");
    account.run(&["prune", "--apply", &at]).exits(2).says(&["add --yes"]);
    let run = account.run(&["prune", "--apply", &at, "--dry-run"]).exits(0).says(&["would be 6 files"]);
    assert_eq!(run.out.lines().count(), 7);
    assert_eq!(account.run(&["prune", "--apply", &at, "--yes"]).exits(0).out, "6 files: 6 deleted\n");
    assert_eq!(account.ids(), [6, 7, 8]);
    // Again: they are gone, and that is no failure.
    let run = account.run(&["prune", "--apply", &at, "--yes"]).exits(0).says(&["gone since the plan was made"]);
    assert_eq!(run.out, "6 files: 6 already absent\n");
    assert_eq!(account.sent("delete"), 6);
}

#[test]
fn a_plan_whose_files_are_gone_says_so() {
    let (account, folder) = (mixed("cli-plan-stale"), folder());
    let at = path(&folder, "plan.json");
    plan(&account, &at);
    account.delete("files");
    account.post("files", json!([file(20, "t2a_async", LONG_AGO)]));
    let run = account.run(&["prune", "--apply", &at, "--yes"]).exits(0).says(&[
        "1 file listed, 0 match\n",
        "gone since the plan was made, and left alone: 6 files, namely 1, 2, 3, 4, 5, 9\n",
        "nothing to delete",
        "6 files: 6 already absent\n",
    ]);
    assert!(!run.err.contains("kept"), "{run:#?}");
    let run = account.run(&["prune", "--apply", &at, "--dry-run", "--json"]).exits(0);
    let counts = ["matched", "kept", "gone", "changed"].map(|name| run.json()[0][name].as_u64());
    assert_eq!(counts, [Some(0), Some(0), Some(6), Some(0)]);
    assert_eq!((account.ids(), account.sent("delete")), (vec![20], 0));
}

#[test]
fn what_has_changed_since_is_left_alone() {
    let (account, folder) = (mixed("cli-plan-changed"), folder());
    let at = path(&folder, "plan.json");
    account.run(&["prune", "--older-than", "7d", "--plan", &at]).exits(0);
    account.run(&["delete", "--yes", "--purpose", "t2a_async", "1"]).exits(0);
    let (mut size, mut master) = (file(3, "t2a_async", LONG_AGO), file(9, "t2a_async", LONG_AGO));
    size["bytes"] = 7.into();
    // Another name is no reason.
    master["filename"] = "renamed.tar".into();
    // Beside them a new one that is old enough, but in no plan.
    let changed =
        [file(2, "t2a_async", now()), size, file(4, "voice_clone", LONG_AGO), file(10, "t2a_async", LONG_AGO)];
    account.post("files", changed.into_iter().chain([master]).collect());
    let run = account.run(&["prune", "--apply", &at, "--yes"]).exits(0);
    assert_eq!(run.out, "7 files: 3 deleted, 1 already absent, 3 kept\n", "{run:#?}");
    run.says(&["gone since the plan was made, and left alone: 1 file, namely 1\n"])
        .says(&["changed since the plan was made, and left alone: 3 files, namely 2, 3, 4\n"]);
    assert_eq!(account.ids(), [2, 3, 4, 6, 8, 10]);
}

#[test]
fn what_is_given_beside_a_plan_must_hold_too() {
    let (account, folder) = (mixed("cli-plan-narrowed"), folder());
    let (at, keep) = (path(&folder, "plan.json"), path(&folder, "keep"));
    plan(&account, &at);
    fs::write(&keep, "1\n").unwrap();
    let apply = |more: &[&str]| account.run(&[&["prune", "--apply", &at, "--yes"], more].concat());
    apply(&["--at-most", "5"]).exits(6).says(&["6 files would be deleted, more than the 5 allowed"]);
    apply(&["--purpose", "voice_clone"]).exits(2).says(&["the plan is of t2a_async"]);
    apply(&["--keep-from", "/nowhere"]).exits(2);
    apply(&["--purpose", "t2a_async", "--older-than", "1000000d"]).exits(0).says(&["6 files: 6 kept"]);
    assert_eq!(account.sent("delete"), 0);
    let run = apply(&["--purpose", "t2a_async", "--older-than", "7d", "--keep", "master*", "--keep-from", &keep]);
    assert_eq!(run.exits(0).out, "6 files: 4 deleted, 2 kept\n");
    assert_eq!(account.ids(), [1, 6, 7, 8, 9]);
}

#[test]
fn another_account_s_plan_or_none_at_all_sends_nothing() {
    let (account, folder) = (mixed("cli-plan-foreign"), folder());
    let at = path(&folder, "plan.json");
    let written = plan(&account, &at);
    let with = |name: &str, value: Value| {
        let mut plan = written.clone();
        plan[name] = value;
        plan.to_string()
    };
    let cases = [
        (with("host", "api.minimax.io".into()), "is of another account, of api.minimax.io"),
        (with("key_fingerprint", "sha256:0000000000000000".into()), "is of another key's account"),
        (with("version", 2.into()), "of version 2"),
        (with("files", 7.into()), "is no plan"),
        (
            with("files", json!([{"file_id": 0, "purpose": "t2a_async", "filename": "", "bytes": 0, "created_at": 0}])),
            "right id",
        ),
        (written.to_string()[..300].to_owned(), "is no JSON"),
        ("{}".into(), "is no plan"),
        (String::new(), "is no JSON"),
    ];
    let requests = account.journal().len();
    for (text, says) in cases {
        fs::write(&at, text).unwrap();
        account.run(&["prune", "--apply", &at, "--yes"]).exits(2).says(&[says, "nothing was sent"]);
    }
    account.run(&["prune", "--apply", "/nowhere/plan", "--yes"]).exits(2).says(&["can't be read"]);
    assert_eq!(account.journal().len(), requests);
}

#[test]
fn a_plan_is_whole_or_not_there() {
    let (account, folder) = (mixed("cli-plan-whole"), folder());
    let at = path(&folder, "plan.json");
    let old = ["prune", "--older-than", "7d", "--plan"];
    account.run(&[&old[..], &["/nowhere/plan.json"]].concat()).exits(1).says(&["/nowhere/plan.json can't be written"]);
    // A guard stops the plan, too: nobody is to apply it.
    fs::write(&at, "as it was").unwrap();
    account.run(&[&old[..], &[&at, "--at-most", "1"]].concat()).exits(6);
    account.fault(json!({"call": "list", "shape": "truncated_json"}));
    account.run(&[&old[..], &[&at]].concat()).exits(1);
    assert_eq!(read(&at), "as it was");
    let run = account.run(&[&old[..], &[&at, "--json"]].concat()).exits(0);
    let written: Value = serde_json::from_str(&read(&at)).unwrap();
    assert_eq!(run.json(), [written]);
}
