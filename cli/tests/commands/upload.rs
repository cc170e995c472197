//! `upload`

use crate::harness::{Account, end, run, until};
use serde_json::json;
use std::fs;
use std::process::Stdio;
use tempfile::TempDir;

/// A folder with two files.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.mp3"), b"first").unwrap();
    fs::write(folder.path().join("b.mp3"), vec![7; 300_000]).unwrap();
    folder
}

#[test]
fn files_are_stored_and_told() {
    let (account, folder) = (Account::empty("cli-upload"), folder());
    let run = account.run_in(&folder, &["upload", "--purpose", "voice_clone", "a.mp3", "./b.mp3"]).exits(0);
    let lines: Vec<_> = run.out.lines().map(|line| line.split_once("  ").expect("an id and a path")).collect();
    assert_eq!((lines[0].1, lines[1].1, run.err.as_str()), ("a.mp3", "./b.mp3", ""));
    let stored = lines.iter().map(|line| line.0.parse().unwrap()).collect::<Vec<i64>>();
    assert_eq!(account.ids().len(), 2);
    assert!(stored.iter().all(|id| account.ids().contains(id)));
    let journal = account.journal();
    let upload = &journal[1]["upload"];
    assert_eq!(
        (&upload["bytes"], &upload["filename"], &upload["purpose"]),
        (&json!(300_000), &json!("b.mp3"), &json!("voice_clone"))
    );
}

#[test]
fn one_that_is_missing_stops_no_other() {
    let (account, folder) = (Account::empty("cli-upload-missing"), folder());
    let run = account.run_in(&folder, &["upload", "--purpose", "voice_clone", "none.mp3", "a.mp3"]).exits(1);
    assert!(run.err.starts_with("mmx-files upload: none.mp3: ") && run.err.contains("no such file"), "{run:#?}");
    assert_eq!((account.ids().len(), run.out.lines().count()), (1, 1));
}

#[test]
fn a_line_a_file_for_programs() {
    let (account, folder) = (Account::empty("cli-upload-json"), folder());
    let run = account.run_in(&folder, &["upload", "--json", "--purpose", "voice_clone", "a.mp3", "none.mp3"]).exits(1);
    let [stored, missing] = &run.json()[..] else { panic!("{run:#?}") };
    assert_eq!((&stored["path"], &stored["error"]), (&json!("a.mp3"), &json!(null)));
    assert_eq!(account.ids(), [stored["answer"]["file"]["file_id"].as_i64().unwrap()]);
    assert_eq!((&missing["path"], &missing["answer"]), (&json!("none.mp3"), &json!(null)));
    assert_eq!(missing["error"]["status_name"], "MMX_ERROR_FILE");
    assert_eq!(run.err, "");
}

#[test]
fn a_lost_answer_is_unknown_unless_it_is_looked_for() {
    let (account, folder) = (Account::empty("cli-upload-lost"), folder());
    account.fault(json!({"call": "upload", "close_before_answer": "rst", "times": 2}));
    let run = account.run_in(&folder, &["upload", "--purpose", "voice_clone", "a.mp3"]).exits(7);
    run.says(&["the file may have been stored all the same"]);
    let run = account.run_in(&folder, &["upload", "--reconcile", "--purpose", "voice_clone", "b.mp3"]).exits(0);
    assert!(run.out.ends_with("  b.mp3\n"), "{run:#?}");
    assert_eq!(account.ids().len(), 2);
}

#[test]
fn a_refused_key_ends_it() {
    let (account, folder) = (Account::empty("cli-upload-key"), folder());
    let arguments = ["upload", "--purpose", "voice_clone", "a.mp3", "b.mp3", "a.mp3"];
    let mut command = account.command(&arguments);
    let run = run(command.current_dir(&folder).env("MINIMAX_API_KEY", "sk-api-of-another"), "");
    let run = run.exits(3).says(&["a.mp3: ", "2 of 3 not attempted"]);
    assert!(!run.err.contains("sk-api-of-another"), "{run:#?}");
    assert_eq!((account.ids().len(), account.journal().len(), run.out.as_str()), (0, 1, ""));
}

#[test]
fn a_reader_that_leaves_ends_it_but_not_as_done() {
    let (account, folder) = (Account::empty("cli-upload-head"), folder());
    let mut command = account.command(&["upload", "--purpose", "voice_clone", "a.mp3", "b.mp3", "a.mp3"]);
    let pipes = command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    drop(child.stdout.take());
    let run = end(child).exits(7);
    assert_eq!((account.ids().len(), run.err.as_str()), (1, ""));
}

#[test]
fn from_standard_input() {
    let account = Account::empty("cli-upload-stdin");
    let upload = ["upload", "--purpose", "voice_clone", "-", "--filename", "a.mp3"];
    let text = "0123456789".repeat(30_000);
    let run = account.run_with(&upload, &text).exits(0);
    assert!(run.out.ends_with("  a.mp3\n") && run.err.is_empty(), "{run:#?}");
    let stored = &account.journal()[0]["upload"];
    assert_eq!((&stored["bytes"], &stored["filename"]), (&json!(300_000), &json!("a.mp3")));
    assert_eq!((&stored["content_type"], &stored["chunked"]), (&json!("audio/mpeg"), &json!(true)));
    // A file has a size, and can be sent again.
    let folder = folder();
    account.fault(json!({"call": "upload", "code": 1002, "headers": {"Retry-After": "0"}}));
    let mut command = account.command(&upload);
    command.stdin(fs::File::open(folder.path().join("b.mp3")).unwrap());
    let run = end(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).exits(0);
    let stored = account.journal().last().unwrap()["upload"].clone();
    assert_eq!((&stored["bytes"], &stored["chunked"]), (&json!(300_000), &json!(false)), "{run:#?}");
    assert_eq!(account.ids().len(), 2);
    let lines = account.run_with(&[&upload[..], &["--json"]].concat(), "abc").exits(0).json();
    assert_eq!((&lines[0]["path"], &lines[0]["error"]), (&json!("-"), &json!(null)));
}

#[test]
fn standard_input_has_a_name_and_comes_once() {
    let account = Account::empty("cli-upload-stdin-wrong");
    let upload = ["upload", "--purpose", "voice_clone"];
    for (more, says) in [
        (&["-"][..], "add --filename"),
        (&["-", "-", "--filename", "a.mp3"], "only once"),
        (&["a.mp3", "--filename", "a.mp3"], "--filename"),
        (&["-", "--filename", ""], "--filename"),
    ] {
        account.run_with(&[&upload[..], more].concat(), "abc").exits(2).says(&[says]);
    }
    assert_eq!(account.journal().len(), 0);
}

#[test]
fn a_signal_ends_what_is_read_from_a_pipe() {
    let account = Account::empty("cli-upload-stdin-signal");
    let mut command = account.command(&["upload", "--purpose", "voice_clone", "-", "--filename", "a.mp3"]);
    let (reader, writer) = std::io::pipe().unwrap();
    let child = command.stdin(reader).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("it waits", || crate::stdio::is_asleep(&child));
    crate::signals::send(&child, rustix::process::Signal::INT);
    end(child).exits(130);
    drop(writer);
    assert_eq!(account.ids().len(), 0);
}
