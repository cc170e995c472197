//! `--ledger`, `sweep`, `keep` and `take`: nothing is left behind, and nothing is deleted that is not safe.

use crate::files::{folder, path, read};
use crate::harness::{Account, end};
use crate::signals::{send, start};
use rustix::process::Signal;
use serde_json::json;
use std::fs;
use tempfile::TempDir;

/// A folder with a file to upload and the path of a ledger.
fn with_ledger() -> (TempDir, String) {
    let folder = folder();
    fs::write(folder.path().join("a.mp3"), "a".repeat(1000)).unwrap();
    let ledger = path(&folder, "ledger.jsonl");
    (folder, ledger)
}

fn upload<'a>(ledger: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["upload", "--purpose", "voice_clone", "--ledger", ledger], more, &["a.mp3"]].concat()
}

#[test]
fn an_upload_that_was_killed_is_found_and_what_is_due_is_deleted() {
    let account = Account::empty("cli-ledger-killed");
    let (folder, ledger) = with_ledger();
    // Stored, and the response never comes.
    account.fault(json!({"call": "upload", "hang": true}));
    let mut command = account.command(&upload(&ledger, &["--expires-after", "1s"]));
    let child = start(command.current_dir(&folder));
    account.get("wait?call=upload&count=1");
    let sweep = ["sweep", "--ledger", &ledger];
    account.run_in(&folder, &sweep).exits(0).says(&["0 files\n"]);
    send(&child, Signal::KILL);
    end(child);
    account.run_in(&folder, &sweep).exits(0);
    assert!(read(&ledger).contains("\"fact\":\"id\""), "{}", read(&ledger));
    // Until its time is over by the service's clock, too.
    loop {
        let run = account.run_in(&folder, &[&sweep[..], &["--json"]].concat()).exits(0);
        let lines = run.json();
        let last = lines.last().unwrap();
        if last["deleted"] == 1 {
            assert_eq!((lines.len(), &lines[0]["outcome"]), (2, &json!("deleted")));
            assert_eq!(last["sweep"], json!({"not_stored": 0, "unsettled": [], "waiting": 0}));
            break;
        }
        assert!(account.journal().len() < 2000, "{run:#?}");
    }
    assert_eq!(account.ids(), [0; 0]);
    account.run_in(&folder, &sweep).exits(0).says(&["0 files\n"]);
}

#[test]
fn a_dry_run_deletes_nothing_and_keep_takes_a_file_out() {
    let account = Account::empty("cli-ledger-dry");
    let (folder, ledger) = with_ledger();
    for _ in 0..2 {
        account.run_in(&folder, &upload(&ledger, &["--expires-after", "1s"])).exits(0);
    }
    let ids = account.ids();
    let sweep = ["sweep", "--ledger", &ledger, "--dry-run"];
    let run = loop {
        let run = account.run_in(&folder, &sweep).exits(0);
        if run.out.lines().count() == 3 {
            break run;
        }
        assert!(account.journal().len() < 2000, "{run:#?}");
    };
    assert_eq!(run.out, format!("{}  voice_clone\n{}  voice_clone\n2 files: 2 kept\n", ids[0], ids[1]));
    account.run_in(&folder, &["keep", "--ledger", &ledger, &ids[0].to_string()]).exits(0);
    account.run_in(&folder, &sweep[..3]).exits(0).says(&["1 file: 1 deleted\n"]);
    assert_eq!(account.ids(), ids[..1]);
    let run = account.run_in(&folder, &["keep", "--ledger", &ledger, "4711"]).exits(1);
    assert!(run.err.contains("has no entry of the file 4711"), "{run:#?}");
}

#[test]
fn the_same_bytes_are_uploaded_once() {
    let account = Account::empty("cli-ledger-reuse");
    let (folder, ledger) = with_ledger();
    let first = account.run_in(&folder, &upload(&ledger, &["--reuse"])).exits(0);
    let second = account.run_in(&folder, &upload(&ledger, &["--reuse"])).exits(0);
    assert_eq!((first.out, account.sent("upload")), (second.out, 1));
    let mut command = account.command(&["upload", "--purpose", "voice_clone", "--reuse", "a.mp3"]);
    let run = end(start(command.current_dir(&folder).env("MMX_LEDGER", &ledger))).exits(0);
    assert_eq!((run.out.lines().count(), account.sent("upload")), (1, 1));
    for arguments in [&["upload", "--purpose", "voice_clone", "--reuse", "a.mp3"][..], &["sweep"], &["keep", "1"]] {
        let run = account.run_in(&folder, arguments).exits(2);
        assert!(run.err.contains("ledger"), "{run:#?}");
    }
}

#[test]
fn several_files_that_fit_are_told_and_none_is_chosen() {
    let account = Account::empty("cli-ledger-unsettled");
    let (folder, ledger) = with_ledger();
    account.fault(json!({"call": "upload", "close_before_answer": "fin"}));
    account.run_in(&folder, &upload(&ledger, &[])).exits(7);
    account.run_in(&folder, &["upload", "--purpose", "voice_clone", "a.mp3"]).exits(0);
    let run = account.run_in(&folder, &["sweep", "--ledger", &ledger]).exits(1);
    let ids = account.ids();
    let why = "a.mp3 (voice_clone, 1000 bytes): several files fit this upload: ";
    assert!(run.err.contains(why) && ids.iter().all(|id| run.err.contains(&id.to_string())), "{run:#?}");
    assert_eq!(ids.len(), 2);
}

#[test]
fn a_file_is_taken() {
    let file = json!({"file_id": 7, "purpose": "voice_clone", "content": "the bytes", "filename": "x.mp3"});
    let account = Account::of("cli-take", json!([file]));
    let folder = folder();
    let target = path(&folder, "x.mp3");
    account.run_in(&folder, &["take", "7", "-o", "x.mp3"]).exits(0).says(&["x.mp3\n"]);
    assert_eq!((read(&target), account.ids()), ("the bytes".to_owned(), vec![]));
    // What is there is not overwritten, and what can't be kept is not deleted.
    let account = Account::of("cli-take", json!([file]));
    account.run_in(&folder, &["take", "7", "-o", "x.mp3"]).exits(2);
    account.run_in(&folder, &["take", "7", "-o", "/dev/null"]).exits(1);
    account.run_in(&folder, &["take", "7", "-o", "none/x.mp3"]).exits(1);
    assert_eq!(account.ids(), [7]);
    account.fault(json!({"call": "delete", "code": 1004}));
    let run = account.run_in(&folder, &["take", "7", "--force", "-o", "x.mp3", "--json"]).exits(3);
    let error = run.err.lines().last().unwrap_or_default();
    assert!(error.contains("the whole file is in x.mp3"), "{run:#?}");
    assert_eq!(run.json()[0]["deleted"], false);
    let run = account.run_in(&folder, &["take", "7", "--force", "-o", "x.mp3", "--json"]).exits(0);
    assert_eq!((&run.json()[0]["deleted"], account.ids()), (&json!(true), vec![]));
}
