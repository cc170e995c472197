//! `--name`, `--min-size`, `--sort`, `--limit` of `list` and `prune`.

use crate::files::{LONG_AGO, path};
use crate::harness::Account;
use serde_json::{Value, json};

/// Ids 1 to 5 with these sizes, times and names.
fn account(name: &'static str) -> Account {
    let file = |id: i64, name: &str, bytes: i64, age: i64| json!({"file_id": id, "purpose": "voice_clone", "filename": name, "bytes": bytes, "created_at": LONG_AGO - age});
    Account::of(
        name,
        json!([
            file(1, "b.mp3", 3000, 10),
            file(2, "a.mp3", 1024, 30),
            file(3, "c.wav", 5_000_000, 20),
            file(4, "d.mp3", 0, 50),
            file(5, "Ü.mp3", 2_000_000, 40),
        ]),
    )
}

/// The ids, in the order in which they are printed.
fn listed(account: &Account, more: &[&str]) -> Vec<i64> {
    let run = account.run(&[&["list", "--json"], more].concat()).exits(0);
    let ids: Vec<_> = run.json().iter().map(|file| file["file_id"].as_i64().unwrap()).collect();
    let table = account.run(&[&["list"], more].concat()).exits(0);
    let of_table = table.out.lines().skip(1).map(|line| line.split_whitespace().next().unwrap().parse().unwrap());
    assert_eq!(of_table.collect::<Vec<i64>>(), ids, "{table:#?}");
    ids
}

#[test]
fn a_list_of_some_in_order() {
    let account = account("cli-select-list");
    for (more, ids) in [
        (&["--name", "*.mp3", "--sort", "name"][..], &[2, 1, 4, 5][..]),
        (&["--name", "u\u{308}*"], &[]),
        (&["--name", "U\u{308}*"], &[5]),
        (&["--min-size", "1KiB", "--sort", "size"], &[2, 1, 5, 3]),
        (&["--min-size", "1025", "--sort", "size", "--reverse"], &[3, 5, 1]),
        (&["--min-size", "2MB", "--sort", "id"], &[3, 5]),
        (&["--sort", "created"], &[4, 5, 2, 3, 1]),
        (&["--sort", "created", "--limit", "2"], &[4, 5]),
        (&["--sort", "created", "--reverse", "--limit", "2"], &[1, 3]),
        (&["--limit", "0"], &[]),
    ] {
        assert_eq!(listed(&account, more), ids, "{more:?}");
    }
    let requests = account.journal().len();
    for wrong in [
        ["--sort", "colour"],
        ["--limit", "-1"],
        ["--min-size", "big"],
        ["--min-size", "-1"],
        ["--name", ""],
        ["--name", "[a"],
    ] {
        account.run(&[&["list"][..], &wrong].concat()).exits(2);
    }
    account.run(&["list", "--reverse"]).exits(2);
    assert_eq!(account.journal().len(), requests);
}

#[test]
fn a_prune_of_some_in_order() {
    let account = account("cli-select-prune");
    let run = account.run(&["prune", "--name", "*.mp3", "--sort", "created", "--limit", "2", "--yes"]).exits(0);
    run.says(&[
        "5 files listed, 4 match\n",
        "2 more match, and are left out by --limit\n",
        "taken: 2 files, namely 4, 5\n",
        "2 files: 2 deleted\n",
    ]);
    assert_eq!(account.ids(), [1, 2, 3]);
    // Files that are kept don't count towards the limit.
    let run = account.run(&["prune", "--all", "--sort", "id", "--limit", "1", "--keep", "b*", "--dry-run", "--json"]);
    let plan: Value = run.exits(0).json().remove(0);
    let files: Vec<_> =
        plan["files"].as_array().unwrap().iter().map(|file| (&file["file_id"], &file["kept"])).collect();
    assert_eq!(files, [(&json!(1), &json!("keep_glob")), (&json!(2), &Value::Null)]);
    account.run(&["prune", "--min-size", "1MB", "--yes"]).exits(0);
    assert_eq!(account.ids(), [1, 2]);
    account.run(&["prune", "--limit", "1", "--yes"]).exits(2).says(&["--all"]);
    account.run(&["prune", "--sort", "name", "--all", "--dry-run"]).exits(0);
}

#[test]
fn a_journal_that_names_more_than_the_limit_is_stopped() {
    let (account, folder) = (account("cli-select-journal"), tempfile::tempdir().unwrap());
    let at = path(&folder, "journal");
    let arguments = ["prune", "--all", "--limit", "4", "--yes", "--concurrency", "1", "--journal", &at];
    account.fault(json!({"call": "delete", "skip": 1, "code": 1008}));
    account.run(&arguments).exits(4);
    let fewer = arguments.map(|argument| if argument == "4" { "3" } else { argument });
    account.run(&fewer).exits(6).says(&["4 files would be deleted, more than the 3 of --limit", "no delete was sent"]);
    account.run(&arguments).exits(0);
    assert_eq!(account.ids().len(), 1);
}
