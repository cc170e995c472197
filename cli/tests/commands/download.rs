//! `download`

use crate::harness::{Account, until};
use serde_json::{Value, json};
use std::fs;
use std::io::Read as _;
use std::process::Stdio;
use tempfile::TempDir;

fn files() -> Value {
    json!([
        {"file_id": 11, "purpose": "voice_clone", "content": "what it holds", "filename": "../../etc/evil"},
        {"file_id": 12, "purpose": "voice_clone", "size": 5 << 20},
    ])
}

#[test]
fn to_a_file_named_by_the_id_or_by_the_caller() {
    let (account, folder) = (Account::of("cli-download", files()), TempDir::new().unwrap());
    let run = account.run_in(&folder, &["download", "11"]).exits(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("11\n", ""));
    let run = account.run_in(&folder, &["download", "11", "-o", "other"]).exits(0);
    assert_eq!(run.out, "other\n");
    for name in ["11", "other"] {
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"what it holds");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "the service's name steers nothing");
    let run = account.run_in(&folder, &["download", "--json", "12"]).exits(0);
    assert_eq!((&run.json()[0]["file_id"], &run.json()[0]["bytes"]), (&json!(12), &json!(5 << 20)));
}

#[test]
fn to_standard_output() {
    let account = Account::of("cli-download-stdout", files());
    let run = account.run(&["download", "11", "-o", "-"]).exits(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("what it holds", ""));
    let run = account.run(&["download", "--json", "11", "-o", "-"]).exits(0);
    assert_eq!(run.out, "what it holds");
    assert!(run.err.contains("\"bytes\":13"), "{run:#?}");
}

#[test]
fn what_fails_leaves_no_file() {
    let (account, folder) = (Account::of("cli-download-missing", files()), TempDir::new().unwrap());
    let run = account.run_in(&folder, &["download", "99"]).exits(1);
    assert!(run.err.starts_with("mmx-files download: ") && run.out.is_empty(), "{run:#?}");
    account.run_in(&folder, &["download", "11", "-o", "no/such/folder"]).exits(1).says(&["no/such/folder"]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let account = Account::of("cli-download-head", files());
    let mut command = account.command(&["download", "12", "-o", "-"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let run = crate::harness::end(child).exits(0);
    assert_eq!(run.err, "");
}

#[test]
fn a_pipe_that_nobody_empties_does_not_hold_up_a_signal() {
    let account = Account::of("cli-download-full", files());
    let mut command = account.command(&["download", "12", "-o", "-"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let unread = child.stdout.take().unwrap();
    until("the pipe has something", || rustix::io::ioctl_fionread(&unread).unwrap() > 0);
    crate::signals::send(&child, rustix::process::Signal::INT);
    let run = crate::harness::end(child).exits(130);
    assert!(run.err.starts_with("mmx-files download: "), "{run:#?}");
}
