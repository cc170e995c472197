//! Journals that were edited, or could have been: their files are checked against the conditions, like a plan.

use crate::files::{LONG_AGO, file, folder, lines, mixed, now, path, read};
use crate::harness::Account;
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

const OLD: [&str; 8] = ["prune", "--purpose", "t2a_async", "--older-than", "7d", "--yes", "--concurrency", "1"];

fn old<'a>(journal: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&OLD[..], &["--journal", journal], more].concat()
}

/// Leaves the journal of a run that was interrupted after some deletes.
fn ended(account: &Account, arguments: &[&str], deleted: usize) {
    account.fault(json!({"call": "delete", "skip": deleted, "code": 1008}));
    account.run(arguments).exits(4);
    account.delete("faults");
}

/// Adds files to the first line of a journal and removes all marks of files that are kept.
fn add(journal: &str, more: Value) {
    let text = read(journal);
    let (head, rest) = text.split_once('\n').unwrap();
    let mut head: Value = serde_json::from_str(head).unwrap();
    let files = head["files"].as_array_mut().unwrap();
    for file in files.iter_mut() {
        file.as_object_mut().unwrap().remove("outcome");
    }
    files.extend(more.as_array().unwrap().iter().cloned());
    head["total"] = files.len().into();
    let rest: String = rest.split_inclusive('\n').filter(|line| !line.contains("\"kept\"")).collect();
    fs::write(journal, format!("{head}\n{rest}")).unwrap();
}

/// The ids with this outcome in the journal.
fn with_outcome(journal: &str, outcome: &str) -> Vec<i64> {
    let lines = lines(Path::new(journal));
    let mut ids: Vec<_> =
        lines.iter().filter(|line| line["outcome"] == outcome).filter_map(|line| line["file_id"].as_i64()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_prune_deletes_nothing_without_a_purpose() {
    let (account, folder) = (mixed("cli-edited-purpose"), folder());
    let at = path(&folder, "journal");
    let arguments = old(&at, &[]);
    ended(&account, &arguments, 2);
    add(&at, json!([{"file_id": 7, "purpose": ""}]));
    account.run(&arguments).exits(2).says(&["is damaged in line 1", "nothing was sent"]);
    assert!(account.ids().contains(&7));
}

#[test]
fn files_that_do_not_match_are_kept_and_reported() {
    let (account, folder) = (mixed("cli-edited"), folder());
    let at = path(&folder, "journal");
    let arguments = old(&at, &["--keep", "master-*"]);
    ended(&account, &arguments, 2);
    add(
        &at,
        json!([
            {"file_id": 6, "purpose": "t2a_async"}, {"file_id": 7, "purpose": "voice_clone"},
            {"file_id": 7, "purpose": "t2a_async"}, {"file_id": 8, "purpose": "t2a_async"},
        ]),
    );
    account.run(&arguments).exits(0).says(&[
        "in the journal, and left alone: 1 file, namely 9 (keep glob)\n",
        "in the journal, and left alone: 3 files, namely 6, 7, 8 (does not match)\n",
        "in the journal, and left alone: 1 file, namely 7 (has another purpose)\n",
        "10 files: 5 deleted, 5 kept (2 by an earlier run)\n",
    ]);
    assert_eq!((account.ids(), with_outcome(&at, "kept")), (vec![6, 7, 8, 9], vec![6, 7, 7, 8, 9]));
}

#[test]
fn more_files_than_allowed_are_refused() {
    let (account, folder) = (mixed("cli-edited-cap"), folder());
    for (name, cap) in [("number", ["--max-files", "6"]), ("share", ["--max-percent", "75"])] {
        let account = if name == "number" { &account } else { &mixed("cli-edited-share") };
        let at = path(&folder, name);
        let arguments = old(&at, &cap);
        ended(account, &arguments, 2);
        account.post("files", json!([file(20, "t2a_async", LONG_AGO), file(21, "t2a_async", LONG_AGO)]));
        let unedited = read(&at);
        add(&at, json!([{"file_id": 20, "purpose": "t2a_async"}, {"file_id": 21, "purpose": "t2a_async"}]));
        let sent = account.sent("delete");
        account.run(&arguments).exits(6).says(&["8 ", "files would be deleted, more than the", "no delete was sent"]);
        assert_eq!(account.sent("delete"), sent);
        fs::write(&at, unedited).unwrap();
        account.run(&arguments).exits(0).says(&["6 files: 6 deleted (2 by an earlier run)"]);
        assert_eq!(account.ids(), [6, 7, 8, 20, 21]);
    }
}

#[test]
fn many_files_are_checked_by_a_list() {
    let folder = folder();
    let files = (1..=40).map(|id| file(id, "t2a_async", LONG_AGO));
    let others = [file(50, "t2a_async", now()), file(51, "voice_clone", LONG_AGO)];
    let account = Account::of("cli-edited-many", files.chain(others).collect());
    let at = path(&folder, "journal");
    let arguments = old(&at, &[]);
    ended(&account, &arguments, 10);
    // The last outcome is lost: that file is gone.
    let text = read(&at);
    let whole: Vec<_> = text.split_inclusive('\n').collect();
    fs::write(&at, whole[..10].concat()).unwrap();
    add(
        &at,
        json!([
            {"file_id": 50, "purpose": "t2a_async"}, {"file_id": 51, "purpose": "t2a_async"},
            {"file_id": 51, "purpose": "voice_clone"},
        ]),
    );
    let (lists, looks) = (account.sent("list"), account.sent("retrieve"));
    account.run(&arguments).exits(0).says(&["43 files: 40 deleted, 3 kept (9 by an earlier run)\n"]);
    // One list, and a lookup of each file that is not in it.
    assert_eq!((account.sent("list"), account.sent("retrieve")), (lists + 1, looks + 3));
    assert_eq!((account.ids(), account.sent("delete")), (vec![50, 51], 11 + 30));
    assert_eq!(with_outcome(&at, "kept"), [50, 51, 51]);
}

#[test]
fn a_plan_is_held_against_too() {
    let (account, folder) = (mixed("cli-edited-plan"), folder());
    let (at, plan) = (path(&folder, "journal"), path(&folder, "plan"));
    account.run(&["prune", "--older-than", "7d", "--purpose", "t2a_async", "--plan", &plan]).exits(0);
    let arguments = ["prune", "--apply", &plan, "--yes", "--concurrency", "1", "--journal", &at];
    ended(&account, &arguments, 2);
    account.post("files", json!([file(20, "t2a_async", LONG_AGO), file(3, "t2a_async", 1)]));
    add(&at, json!([{"file_id": 20, "purpose": "t2a_async"}]));
    account.run(&arguments).exits(0).says(&[
        "in the journal, and left alone: 1 file, namely 20 (is not in the plan)\n",
        "in the journal, and left alone: 1 file, namely 3 (changed since the plan was made)\n",
    ]);
    assert_eq!(account.ids(), [3, 6, 7, 8, 20]);
}

#[test]
fn a_file_whose_lookup_fails_stays_open() {
    let (account, folder) = (mixed("cli-edited-unclear"), folder());
    let at = path(&folder, "journal");
    let arguments = old(&at, &["--timeout", "2s"]);
    ended(&account, &arguments, 2);
    account.fault(json!({"call": "retrieve", "file_id": 4, "http_status": 500, "times": -1}));
    let run = account.run(&arguments).exits(7).says(&["6 files: 5 deleted, 1 unknown (2 by an earlier run)"]);
    run.says(&["4 unknown: ", "1 file; the same command again goes on with them"]);
    account.delete("faults");
    account.run(&arguments).exits(0).says(&["6 files: 6 deleted (5 by an earlier run)"]);
    assert_eq!(account.ids(), [6, 7, 8]);
}

#[test]
fn a_journal_that_others_can_write_is_refused() {
    let (account, folder) = (mixed("cli-journal-others"), folder());
    let at = path(&folder, "journal");
    ended(&account, &old(&at, &[]), 2);
    let requests = account.journal().len();
    let delete = ["delete", "--yes", "--purpose", "voice_clone", "7", "--journal", &at];
    for mode in [0o666, 0o620, 0o602] {
        fs::set_permissions(&at, Permissions::from_mode(mode)).unwrap();
        for arguments in [&old(&at, &[])[..], &delete] {
            account.run(arguments).exits(2).says(&["can be written by others", "nothing was sent"]);
        }
    }
    fs::set_permissions(&at, Permissions::from_mode(0o644)).unwrap();
    // Only root can change the owner of a file.
    if fs::metadata(&at).unwrap().uid() == 0 {
        chown(&at, Some(65534), None).unwrap();
        account.run(&old(&at, &[])).exits(2).says(&["belongs to another user", "nothing was sent"]);
        chown(&at, Some(0), None).unwrap();
    }
    assert_eq!(account.journal().len(), requests);
    account.run(&old(&at, &[])).exits(0);
}
