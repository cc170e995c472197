//! `prune --backup`: a file is deleted once it is whole on disk, and kept if that fails.

use crate::files::{LONG_AGO, folder, lines, names_in, path, read};
use crate::harness::{Account, Run, end, run};
use crate::signals::{send, start};
use mmx_sandbox::API_KEY;
use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Ids 1 to 4. The service doesn't say the size of the first two, and all names are the same.
fn account(name: &'static str) -> Account {
    let file = |id: i64| {
        let purpose = if id <= 2 { "t2a_async" } else { "voice_clone" };
        json!({"file_id": id, "purpose": purpose, "content": format!("of {id}"), "filename": "../../x.mp3", "created_at": LONG_AGO})
    };
    Account::of(name, (1..=4).map(file).collect())
}

fn prune<'a>(to: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["prune", "--older-than", "7d", "--backup", to], more].concat()
}

/// The outcomes with an error, by id.
fn with_errors(run: &Run) -> Vec<(i64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = run.json();
    let wrong = lines.iter().filter(|line| line["error"].is_object());
    wrong
        .map(|line| (line["file_id"].as_i64().unwrap(), text(&line["outcome"]), text(&line["error"]["message"])))
        .collect()
}

#[test]
fn what_is_deleted_is_on_disk_before() {
    let (account, folder) = (account("cli-backup"), folder());
    let to = path(&folder, "new/backup");
    let run = account.run(&prune(&to, &["--yes", "--verify"])).exits(0);
    run.says(&[
        &format!("deleting 4 files, which frees at least 8 B, after a backup to {to} (127.0.0.1"),
        &format!("backed up to {to}: 4 files\n"),
        "4 files: 4 deleted\n",
    ]);
    assert_eq!(account.ids(), [0_i64; 0]);
    assert_eq!(names_in(&to), ["1.mp3", "2.mp3", "3.mp3", "4.mp3", "backup.jsonl"].map(str::to_owned).into());
    let record = lines(Path::new(&format!("{to}/backup.jsonl")));
    for line in &record {
        let content = format!("of {}", line["file_id"]);
        assert_eq!((read(&format!("{to}/{}", line["path"].as_str().unwrap())), &line["bytes"]), (content, &json!(4)));
        assert_eq!((&line["filename"], &line["created_at"]), (&json!("../../x.mp3"), &json!(LONG_AGO)));
    }
    assert_eq!(record.len(), 4);
    let requests = account.journal();
    let is_delete = |request: &&Value| request["method"] == "POST";
    let first = requests.iter().position(|request| is_delete(&request)).unwrap();
    let before = requests[..first].iter().filter(|request| request.to_string().contains("retrieve_content"));
    assert_eq!(before.count(), 4);
}

#[test]
fn a_file_whose_backup_fails_is_kept() {
    let (account, folder) = (account("cli-backup-fails"), folder());
    let to = path(&folder, "backup");
    // Refused, of unknown length, of another length than listed.
    account.fault(json!([
        {"call": "retrieve_content", "file_id": 1, "code": 2013, "times": -1},
        {"call": "retrieve_content", "file_id": 2, "no_length": true, "times": -1},
        {"call": "retrieve_content", "file_id": 3, "body": "of three", "content_type": "audio/mpeg", "times": -1},
    ]));
    let run = account.run(&prune(&to, &["--yes", "--json"])).exits(1);
    let mut wrong = with_errors(&run);
    wrong.sort();
    for ((id, outcome, message), (wanted, says)) in wrong.iter().zip([
        (1, "2013"),
        (2, "the service doesn't say how long it is"),
        (3, "8 bytes came of the 4 that are listed"),
    ]) {
        assert_eq!((*id, outcome.as_str()), (wanted, "kept"), "{run:#?}");
        assert!(message.contains("its backup failed: ") && message.contains(says), "{message}");
    }
    assert_eq!((wrong.len(), account.ids()), (3, vec![1, 2, 3]));
    assert_eq!(names_in(&to), ["4.mp3", "backup.jsonl"].map(str::to_owned).into());
    let run = account.run(&prune(&to, &["--yes"])).exits(1);
    run.says(&["3 files: 3 kept\n", "mmx-files prune: 1 kept: its backup failed: "]);
    assert_eq!(account.sent("delete"), 1);
}

#[test]
fn earlier_backups_are_not_overwritten() {
    let (account, folder) = (account("cli-backup-earlier"), folder());
    let to = path(&folder, "backup");
    fs::create_dir(&to).unwrap();
    for (name, text) in [("1.mp3", "mine"), ("2", "mine"), ("3.mp3", "of 3")] {
        fs::write(format!("{to}/{name}"), text).unwrap();
    }
    account.run(&prune(&to, &["--yes"])).exits(0);
    for (name, text) in [
        ("1.mp3", "mine"),
        ("2", "mine"),
        ("1-2.mp3", "of 1"),
        ("2-2.mp3", "of 2"),
        ("3-2.mp3", "of 3"),
        ("4.mp3", "of 4"),
    ] {
        assert_eq!(read(&format!("{to}/{name}")), text, "{name}");
    }
    assert_eq!((account.ids().len(), names_in(&to).len()), (0, 8));
}

#[test]
fn a_run_that_was_killed_goes_on_with_its_backup() {
    let (account, folder) = (account("cli-backup-killed"), folder());
    let (to, journal) = (path(&folder, "backup"), path(&folder, "journal"));
    let arguments = prune(&to, &["--yes", "--concurrency", "1", "--journal", &journal]);
    account.fault(json!({"call": "delete", "hang": true, "perform": false, "skip": 1, "times": -1}));
    let mut child = start(&mut account.command(&arguments));
    account.get("wait?call=delete&count=2");
    child.kill().unwrap();
    child.wait().unwrap();
    account.delete("faults");
    assert_eq!((account.ids().len(), account.sent("retrieve_content")), (3, 4));
    // One of them is damaged since.
    fs::write(format!("{to}/4.mp3"), "of").unwrap();
    let without = ["prune", "--older-than", "7d", "--yes", "--journal", &journal];
    account.run(&without).exits(2).says(&["is of a run with --backup"]);
    let run = account.run(&arguments).exits(0).says(&["3 files (2 by an earlier run)"]);
    assert_eq!(run.out, "4 files: 4 deleted (1 by an earlier run)\n");
    assert_eq!((account.ids().len(), account.sent("retrieve_content")), (0, 5));
    assert_eq!(read(&format!("{to}/4-2.mp3")), "of 4");
    assert_eq!(lines(Path::new(&format!("{to}/backup.jsonl"))).len(), 5);
}

#[test]
fn a_run_that_was_killed_in_its_backup_goes_on_from_there() {
    let (account, folder) = (account("cli-backup-killed-early"), folder());
    let to = path(&folder, "backup");
    let arguments = prune(&to, &["--yes", "--concurrency", "1"]);
    account.fault(json!({"call": "retrieve_content", "hang_after": 2, "skip": 2}));
    let mut child = start(&mut account.command(&arguments));
    account.get("wait?call=retrieve_content&count=3");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((account.ids().len(), lines(Path::new(&format!("{to}/backup.jsonl"))).len()), (4, 2));
    account.run(&arguments).exits(0).says(&[&format!("backed up to {to}: 4 files (2 by an earlier run)")]);
    assert_eq!((account.ids().len(), account.sent("retrieve_content")), (0, 5));
}

#[test]
fn a_failure_that_may_pass_leaves_the_journal_open() {
    let (account, folder) = (account("cli-backup-open"), folder());
    let (to, journal) = (path(&folder, "backup"), path(&folder, "journal"));
    let arguments = prune(&to, &["--yes", "--journal", &journal]);
    let busy =
        json!({"call": "retrieve_content", "file_id": 2, "code": 1002, "headers": {"Retry-After": "0"}, "times": -1});
    account.fault(busy);
    let run = account.run(&arguments).exits(4).says(&["4 files: 3 deleted, 1 kept", "open in the journal"]);
    assert_eq!(account.ids(), [2], "{run:#?}");
    account.delete("faults");
    account.run(&arguments).exits(0).says(&["4 files: 4 deleted (3 by an earlier run)"]);
    assert_eq!(account.ids(), [0_i64; 0]);
}

#[test]
fn a_failure_of_an_earlier_run_is_not_forgotten() {
    let (account, folder) = (account("cli-backup-earlier-failure"), folder());
    let (to, journal) = (path(&folder, "backup"), path(&folder, "journal"));
    let arguments = prune(&to, &["--yes", "--journal", &journal]);
    account.fault(json!([
        {"call": "retrieve_content", "file_id": 1, "code": 2013},
        {"call": "retrieve_content", "file_id": 2, "code": 1002, "headers": {"Retry-After": "0"}, "times": -1},
    ]));
    account.run(&arguments).exits(1).says(&["4 files: 2 deleted, 2 kept", "open in the journal"]);
    account.delete("faults");
    account.run(&arguments).exits(1).says(&["4 files: 3 deleted, 1 kept (3 by an earlier run)"]);
    assert_eq!(account.ids(), [1]);
}

#[test]
fn a_file_that_has_no_room_is_kept() {
    let (account, folder) = (account("cli-backup-room"), folder());
    let to = path(&folder, "backup");
    account.post("files", json!([{"file_id": 9, "purpose": "voice_clone", "size": 100_000, "created_at": LONG_AGO}]));
    let program = account.command(&[]).get_program().to_owned();
    // A limit on the size of files, whose signal is ignored, is like a disk that is full.
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", script]).arg(program).args(prune(&to, &["--yes"]));
    command.env_clear().env("MINIMAX_API_KEY", API_KEY).env("MINIMAX_BASE_URL", account.url());
    let run = run(&mut command, "").exits(1).says(&["9 kept: its backup failed: ", "5 files: 4 deleted, 1 kept"]);
    assert_eq!((account.ids(), names_in(&to).len()), (vec![9], 5), "{run:#?}");
}

#[test]
fn dry_runs_and_plans_save_nothing() {
    let (account, folder) = (account("cli-backup-plan"), folder());
    let (to, plan) = (path(&folder, "backup"), path(&folder, "plan"));
    account
        .run(&prune(&to, &["--dry-run"]))
        .exits(0)
        .says(&[&format!("would be 4 files, which frees at least 8 B, after a backup to {to}\n")]);
    account.run(&prune(&to, &["--plan", &plan, "--sort", "id", "--limit", "2"])).exits(0);
    account.run(&prune(&to, &["--max-files", "1", "--dry-run"])).exits(6);
    assert!(!Path::new(&to).exists() && account.sent("retrieve_content") == 0);
    account.run(&["prune", "--apply", &plan, "--backup", &to, "--yes"]).exits(0).says(&["2 files: 2 deleted"]);
    assert_eq!((account.ids(), names_in(&to).len()), (vec![3, 4], 3));
}

#[test]
fn a_refused_key_or_a_signal_deletes_nothing() {
    let (account, folder) = (account("cli-backup-stopped"), folder());
    let to = path(&folder, "backup");
    let arguments = prune(&to, &["--yes", "--concurrency", "1"]);
    account.fault(json!({"call": "retrieve_content", "code": 1004, "skip": 1}));
    account.run(&arguments).exits(3).says(&["no delete was sent"]);
    account.fault(json!({"call": "retrieve_content", "hang_after": 2}));
    let child = start(&mut account.command(&arguments));
    account.get("wait?call=retrieve_content&count=3");
    send(&child, Signal::INT);
    end(child).exits(130).says(&["cancelled", "no delete was sent"]);
    assert_eq!((account.ids().len(), account.sent("delete"), names_in(&to).len()), (4, 0, 2));
    // The first is saved already.
    account.run(&arguments).exits(0);
    assert_eq!(account.sent("retrieve_content"), 6);
}

#[test]
fn a_directory_that_can_t_be_used_sends_nothing() {
    let (account, folder) = (account("cli-backup-directory"), folder());
    let file = path(&folder, "file");
    fs::write(&file, "").unwrap();
    fs::create_dir_all(folder.path().join("odd/backup.jsonl")).unwrap();
    for wrong in [&file, &path(&folder, "odd"), "/dev/null/backup"] {
        account.run(&prune(wrong, &["--yes"])).exits(2).says(&["can't be used", "nothing was sent"]);
    }
    let to = path(&folder, "locked");
    fs::create_dir(&to).unwrap();
    let record = fs::File::create(format!("{to}/backup.jsonl")).unwrap();
    flock(&record, FlockOperation::LockExclusive).unwrap();
    account.run(&prune(&to, &["--yes"])).exits(2).says(&["is used by another run", "nothing was sent"]);
    assert_eq!(account.journal().len(), 0);
}
