//! `--journal`: a receipt a file, and a second run that goes on where the first was ended.

use crate::files::{LONG_AGO, file, folder, lines, mixed, path, read};
use crate::harness::{Account, end, run};
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

const OLD: [&str; 6] = ["prune", "--purpose", "t2a_async", "--older-than", "7d", "--yes"];

fn prune(journal: &str) -> Vec<&str> {
    [&OLD[..], &["--journal", journal]].concat()
}

/// Ids with what became of them, in the journal's order.
fn outcomes(journal: &str) -> Vec<(i64, String)> {
    let lines = lines(Path::new(journal));
    let outcome = |line: &Value| Some((line["file_id"].as_i64()?, line["outcome"].as_str()?.to_owned()));
    lines.iter().skip(1).filter_map(outcome).collect()
}

/// A journal that a run has left which was ended after so many lines, the next one torn.
fn cut(account: &Account, journal: &str, whole: usize) {
    account.run(&prune(journal)).exits(0);
    let text = read(journal);
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    fs::write(journal, lines[..whole].concat() + &lines[whole][..lines[whole].len() / 2]).unwrap();
}

#[test]
fn a_line_a_file_between_head_and_end() {
    let (account, folder) = (mixed("cli-journal"), folder());
    let at = path(&folder, "journal");
    account.run(&[&prune(&at)[..], &["--keep", "master-*"]].concat()).exits(0).says(&["6 files: 5 deleted, 1 kept"]);
    assert_eq!(fs::metadata(&at).unwrap().permissions().mode() & 0o777, 0o600);
    let lines = lines(Path::new(&at));
    let (head, last) = (&lines[0], lines.last().unwrap());
    assert_eq!((&head["journal"], &head["command"], &head["host"]), (&json!(1), &json!("prune"), &json!("127.0.0.1")));
    assert_eq!((&head["filter"]["older_than_s"], &head["total"]), (&json!(604_800), &json!(6)));
    assert_eq!(head["files"][5], json!({"file_id": 9, "purpose": "t2a_async", "outcome": "kept"}));
    assert!(head["key_fingerprint"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(
        (&last["finished"], &last["total"], &last["deleted"], &last["kept"]),
        (&json!(true), &json!(6), &json!(5), &json!(1))
    );
    let mut outcomes = outcomes(&at);
    outcomes.sort();
    let deleted = (1..=5).map(|id| (id, "deleted".to_owned()));
    assert_eq!(outcomes, deleted.chain([(9, "kept".into())]).collect::<Vec<_>>());
    assert!(lines[2]["trace_id"].as_str().is_some_and(|id| !id.is_empty()) && lines[2]["evidence"] == "answer");
}

#[test]
fn a_finished_one_is_never_resumed() {
    let (account, folder) = (mixed("cli-journal-finished"), folder());
    let at = path(&folder, "journal");
    account.run(&prune(&at)).exits(0);
    let (before, requests) = (read(&at), account.journal().len());
    account.run(&prune(&at)).exits(2).says(&["is finished", "nothing was sent"]);
    assert_eq!((read(&at), account.journal().len()), (before, requests));
}

#[test]
fn one_writer_at_a_time() {
    let (account, folder) = (mixed("cli-journal-locked"), folder());
    let at = path(&folder, "journal");
    let held = File::create(&at).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    account.run(&prune(&at)).exits(2).says(&["is being written by another run", "nothing was sent"]);
    assert_eq!((account.journal().len(), read(&at).as_str()), (0, ""));
    drop(held);
    // And a run locks it itself.
    account.fault(json!({"call": "delete", "hang": true, "times": -1}));
    let mut first = account.command(&prune(&at)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    account.get("wait?count=1&call=delete");
    account.run(&prune(&at)).exits(2).says(&["is being written by another run"]);
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn what_an_earlier_run_has_deleted_is_verified_too() {
    let (account, folder) = (mixed("cli-journal-verify"), folder());
    let at = path(&folder, "journal");
    // The service says that it has deleted 2, and hasn't.
    account.fault(json!({"call": "delete", "file_id": 2, "perform": false}));
    account.run(&prune(&at)).exits(0);
    let text = read(&at);
    let whole: Vec<_> = text.split_inclusive('\n').collect();
    let of_2 = whole[1..].iter().find(|line| line.contains("\"file_id\":2,")).unwrap();
    let verified = [&prune(&at)[..], &["--verify"]].concat();
    // With outcomes of all files, and with the outcome of that file alone.
    let journals = [whole[..7].concat(), whole[0].to_owned() + of_2];
    for journal in &journals {
        fs::write(&at, journal).unwrap();
        account.run(&verified).exits(1).says(&["6 files: 6 deleted (", "still listed: 1 file, namely 2"]);
    }
    account.run(&["delete", "--purpose", "t2a_async", "--yes", "2"]).exits(0);
    for journal in &journals {
        fs::write(&at, journal).unwrap();
        account.run(&verified).exits(0).says(&["none of them is listed any more"]);
    }
}

#[test]
fn a_second_run_goes_on() {
    let (account, folder) = (mixed("cli-journal-resume"), folder());
    let at = path(&folder, "journal");
    // The third file's request has arrived, and nobody knows what became of it.
    account.fault(json!({"call": "delete", "hang": true, "skip": 2, "times": -1}));
    let arguments = [&prune(&at)[..], &["--concurrency", "1"]].concat();
    let mut first = account.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    account.get("wait?count=3&call=delete");
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(outcomes(&at), [(1, "deleted".into()), (2, "deleted".into())]);
    account.delete("faults");
    account.run(&OLD).exits(0).says(&["3 files: 3 deleted"]);
    account.post("files", json!([file(4, "t2a_async", LONG_AGO)]));
    let (lists, deletes) = (account.sent("list"), account.sent("delete"));
    account.run(&[&arguments[..6], &["--journal", &at]].concat()).exits(0).says(&[
        "what it may have deleted is looked for first",
        "deleting 4 of 6 files of t2a_async (127.0.0.1, key …dbox)",
        "6 files: 6 deleted (2 by an earlier run)",
    ]);
    // 3, 5 and 9 are gone already; 4 alone is sent.
    assert_eq!((account.sent("list"), account.sent("delete")), (lists, deletes + 1));
    let told = outcomes(&at);
    let mut ids: Vec<_> = told.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, 4, 5, 9]);
    assert_eq!(lines(Path::new(&at)).last().unwrap()["finished"], true);
    assert_eq!(account.ids(), [6, 7, 8]);
}

#[test]
fn so_does_one_of_delete() {
    let (account, folder) = (Account::with("cli-journal-delete", 4), folder());
    let at = path(&folder, "journal");
    let arguments = ["delete", "--purpose", "voice_clone", "--yes", "--journal", &at, "1", "2", "3", "3"];
    account.fault(json!({"call": "delete", "hang": true, "skip": 1, "times": -1}));
    let alone = [&arguments[..], &["--concurrency", "1"]].concat();
    let mut first = account.command(&alone).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    account.get("wait?count=2&call=delete");
    first.kill().unwrap();
    first.wait().unwrap();
    account.delete("faults");
    account.run(&arguments[..9]).exits(2).says(&["is of a run with other files"]);
    account.run(&prune(&at)).exits(2).says(&["is of another command, delete"]);
    let run = account.run(&[&arguments[..], &["--json"]].concat()).exits(0);
    // Nothing is reported twice: three are new.
    assert_eq!((run.json().len(), &run.json()[3]["settled_before"]), (4, &json!(1)), "{run:#?}");
    assert_eq!((outcomes(&at).len(), account.ids()), (4, vec![4]));
    account.run(&arguments).exits(2).says(&["is finished"]);
}

#[test]
fn a_torn_last_line_is_cut_off() {
    let folder = folder();
    for whole in 1..=7 {
        let account = mixed(format!("cli-journal-torn-{whole}").leak());
        let at = path(&folder, &whole.to_string());
        cut(&account, &at, whole);
        let deletes = account.sent("delete");
        account.run(&prune(&at)).exits(0).says(&["6 files: 6 deleted"]);
        assert_eq!(account.sent("delete"), deletes, "all were gone");
        let mut ids: Vec<_> = outcomes(&at).into_iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        assert_eq!((ids, lines(Path::new(&at)).len()), (vec![1, 2, 3, 4, 5, 9], 8));
    }
}

#[test]
fn a_torn_first_line_is_none() {
    let (account, folder) = (mixed("cli-journal-torn-0"), folder());
    let at = path(&folder, "journal");
    cut(&account, &at, 0);
    account.run(&prune(&at)).exits(0).says(&["0 files"]);
    fs::write(&at, "{\"jour").unwrap();
    account.run(&prune(&at)).exits(0);
    assert_eq!(lines(Path::new(&at)).len(), 2);
}

#[test]
fn what_is_no_journal_of_this_run_is_left_alone() {
    let (account, folder) = (mixed("cli-journal-foreign"), folder());
    let at = path(&folder, "journal");
    cut(&account, &at, 3);
    let text = read(&at);
    let with = |name: &str, value: Value| {
        let (head, rest) = text.split_once('\n').unwrap();
        let mut head: Value = serde_json::from_str(head).unwrap();
        head[name] = value;
        format!("{head}\n{rest}")
    };
    let last = "{\"index\":0,\"file_id\":1,\"outcome\":\"deleted\"}\n";
    let cases = [
        (with("host", "api.minimax.io".into()), "is of another account, of api.minimax.io"),
        (with("key_fingerprint", "sha256:0000000000000000".into()), "is of another key's account"),
        (with("command", "delete".into()), "is of another command, delete"),
        (with("filter", json!({"older_than_s": 1})), "is of a run with other conditions"),
        (with("plan_made_at_ms", 7.into()), "is of a run of another plan"),
        (with("journal", 2.into()), "is of version 2"),
        (with("total", 7.into()), "is damaged in line 1"),
        (with("files", json!([])), "is damaged in line 1"),
        (text.replacen("\"outcome\":\"deleted\"", "\"outcome\":\"lost\"", 1), "is damaged in line 2"),
        (text.replacen("\"index\":", "\"index\":1", 1), "is damaged in line 2"),
        (format!("{}\n{last}{last}", text.lines().next().unwrap()), "is damaged in line 3"),
        ("a shopping list".into(), "is no journal"),
        ("a shopping list\n".into(), "is no journal"),
        ("{}\n".into(), "is no journal"),
    ];
    let requests = account.journal().len();
    for (text, says) in cases {
        fs::write(&at, &text).unwrap();
        account.run(&prune(&at)).exits(2).says(&[says, "nothing was sent"]);
        assert_eq!(read(&at), text, "{says}");
    }
    for (at, says) in [("/dev/null", "is no file"), ("/nowhere/journal", "can't be opened")] {
        account.run(&prune(at)).exits(2).says(&[says]);
    }
    // Other conditions than those that it was begun with.
    fs::write(&at, &text).unwrap();
    account.run(&[&prune(&at)[..], &["--at-most", "9"]].concat()).exits(2).says(&["other conditions"]);
    assert_eq!(account.journal().len(), requests);
    account.run(&prune(&at)).exits(0);
}

#[test]
fn what_failed_is_settled_and_what_is_unknown_is_open() {
    let (account, folder) = (mixed("cli-journal-open"), folder());
    let at = path(&folder, "journal");
    account.fault(json!([
        {"call": "delete", "file_id": 2, "code": 2013, "times": -1},
        {"call": "delete", "file_id": 4, "code": 2038, "times": -1},
        {"call": "delete", "file_id": 3, "close_before_answer": "rst", "times": -1},
        {"call": "retrieve", "file_id": 3, "http_status": 500, "times": -1},
    ]));
    let arguments = [&prune(&at)[..], &["--timeout", "1s"]].concat();
    let run = account.run(&arguments).exits(7).says(&["6 files: 3 deleted, 2 failed, 1 unknown"]);
    run.says(&["open in the journal", "2 files; the same command again goes on with them"]);
    let told = outcomes(&at);
    // That the account must be verified (2038) is no fault of the file's.
    assert!(told.contains(&(2, "failed".into())) && told.iter().all(|(id, _)| ![3, 4].contains(id)), "{told:?}");
    account.delete("faults");
    let sent = account.sent("delete");
    account.run(&arguments).exits(1).says(&["6 files: 5 deleted, 1 failed (4 by an earlier run)"]);
    // 3 is gone already.
    assert_eq!((account.sent("delete"), account.ids()), (sent + 1, vec![2, 6, 7, 8]));
    assert_eq!(outcomes(&at).len(), 6);
    account.run(&arguments).exits(2).says(&["is finished"]);
}

#[test]
fn what_a_refused_key_or_a_signal_left_is_open() {
    let (account, folder) = (mixed("cli-journal-key"), folder());
    let at = path(&folder, "journal");
    account.fault(json!({"call": "delete", "skip": 2, "code": 1008}));
    let arguments = [&prune(&at)[..], &["--concurrency", "1"]].concat();
    account.run(&arguments).exits(4).says(&["6 files: 2 deleted, 1 failed, 3 not attempted"]);
    assert_eq!(outcomes(&at).len(), 2);
    account.fault(json!({"call": "delete", "skip": 1, "hang": true}));
    let command = &mut account.command(&arguments);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    account.get("wait?count=5&call=delete");
    crate::signals::send(&child, rustix::process::Signal::TERM);
    end(child)
        .exits(143)
        .says(&["6 files: 3 deleted, 1 unknown, 2 not attempted (2 by an earlier run)", "3 files; the same"]);
    account.run(&arguments).exits(0).says(&["6 files: 6 deleted (3 by an earlier run)"]);
    assert_eq!((outcomes(&at).len(), account.ids()), (6, vec![6, 7, 8]));
}

#[test]
fn more_ids_to_keep_are_kept_when_it_goes_on() {
    let (account, folder) = (mixed("cli-journal-keep"), folder());
    let (at, keep) = (path(&folder, "journal"), path(&folder, "keep"));
    fs::write(&keep, "1\n").unwrap();
    account.fault(json!({"call": "delete", "skip": 1, "code": 1008}));
    let arguments = [&prune(&at)[..], &["--concurrency", "1", "--keep-from", &keep]].concat();
    account.run(&arguments).exits(4);
    fs::write(&keep, "1\n3\n4\n").unwrap();
    account.run(&arguments).exits(0).says(&["6 files: 3 deleted, 3 kept (2 by an earlier run)"]);
    assert_eq!((outcomes(&at).len(), account.ids()), (6, vec![1, 3, 4, 6, 7, 8]));
}

#[test]
fn a_plan_is_applied_with_one_too() {
    let (account, folder) = (mixed("cli-journal-plan"), folder());
    let (at, plan) = (path(&folder, "journal"), path(&folder, "plan"));
    account.run(&["prune", "--older-than", "7d", "--purpose", "t2a_async", "--plan", &plan]).exits(0);
    account.run(&["delete", "--yes", "--purpose", "t2a_async", "1"]).exits(0);
    account.post("files", json!([file(2, "t2a_async", 1)]));
    account.fault(json!({"call": "delete", "skip": 1, "code": 1008}));
    let arguments = ["prune", "--apply", &plan, "--yes", "--concurrency", "1", "--journal", &at];
    account.run(&arguments).exits(4).says(&["1 deleted, 1 already absent, 1 kept, 1 failed, 2 not attempted"]);
    account.run(&prune(&at)).exits(2).says(&["is of a run"]);
    account.run(&arguments).exits(0).says(&["6 files: 4 deleted, 1 already absent, 1 kept (3 by an earlier run)"]);
    assert_eq!((outcomes(&at).len(), account.ids()), (6, vec![2, 6, 7, 8]));
}

#[test]
fn a_disk_that_is_full_ends_it_and_loses_nothing() {
    let (account, folder) = (mixed("cli-journal-full"), folder());
    let at = path(&folder, "journal");
    // Files of at most 1 KiB: the first line fits, and some of the receipts.
    let mut limited = Command::new("bash");
    let program = env!("CARGO_BIN_EXE_mmx-files");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"", program]).args(prune(&at));
    let ours = account.command(&[]);
    limited.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let stopped = run(limited.args(["--concurrency", "1"]), "")
        .exits(7)
        .says(&["can't be written", "goes on behind its last line"]);
    assert!(read(&at).ends_with('\n'), "{stopped:#?}");
    let sent = account.sent("delete");
    assert!(sent < 6, "nothing more is deleted");
    account.run(&prune(&at)).exits(0).says(&["6 files: 6 deleted"]);
    assert_eq!((outcomes(&at).len(), account.ids()), (6, vec![6, 7, 8]));
}
