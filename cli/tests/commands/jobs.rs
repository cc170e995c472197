//! `upload --jobs` and `download --directory --jobs`: several at a time, a result for each, and nothing overwritten.

use crate::files::{folder, names_in, path, read};
use crate::harness::{Account, end, run};
use crate::signals::{send, start};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use tempfile::TempDir;

const UPLOAD: [&str; 5] = ["upload", "--jobs", "3", "--purpose", "voice_clone"];

/// A folder with so many files, 1.mp3 and so on.
fn with_files(count: usize) -> (TempDir, Vec<String>) {
    let folder = folder();
    let names: Vec<_> = (1..=count).map(|at| format!("{at}.mp3")).collect();
    names.iter().for_each(|name| fs::write(folder.path().join(name), name.repeat(1000)).unwrap());
    (folder, names)
}

fn with<'a>(arguments: &[&'a str], more: &'a [String]) -> Vec<&'a str> {
    arguments.iter().copied().chain(more.iter().map(String::as_str)).collect()
}

/// Files of one name, which tries to be a path.
fn account(name: &'static str) -> Account {
    let file = |id: i64| json!({"file_id": id, "purpose": "voice_clone", "content": format!("of {id}"), "filename": "../../x.mp3"});
    Account::of(name, (1..=4).map(file).collect())
}

#[test]
fn uploads_have_a_line_each() {
    let account = Account::empty("cli-jobs-upload");
    let (folder, mut names) = with_files(7);
    names.insert(3, "none.mp3".into());
    let run = account.run_in(&folder, &with(&UPLOAD, &names)).exits(1);
    let told: BTreeSet<_> = run.out.lines().map(|line| line.split_once("  ").expect("an id and a path").1).collect();
    assert_eq!(told.len(), 7, "{run:#?}");
    assert!(run.err.starts_with("mmx-files upload: none.mp3: ") && run.err.lines().count() == 1, "{run:#?}");
    let run = account.run_in(&folder, &with(&[&UPLOAD[..], &["--json=array"]].concat(), &names)).exits(1);
    let lines: Vec<Value> = serde_json::from_str(&run.out).unwrap();
    let failed: Vec<_> = lines.iter().filter(|line| !line["error"].is_null()).map(|line| &line["path"]).collect();
    assert_eq!((lines.len(), failed, account.ids().len()), (8, vec![&json!("none.mp3")], 14));
    for wrong in ["0", "65", "-1", "x"] {
        account.run_in(&folder, &["upload", "--purpose", "voice_clone", &format!("--jobs={wrong}"), "1.mp3"]).exits(2);
    }
}

#[test]
fn a_signal_ends_all_uploads_and_says_what_was_done() {
    let account = Account::empty("cli-jobs-upload-signal");
    let (folder, names) = with_files(6);
    account.fault(json!({"call": "upload", "hang": true, "perform": false, "skip": 2, "times": -1}));
    let mut command = account.command(&with(&UPLOAD, &names));
    let child = start(command.current_dir(&folder));
    // Two are answered, and three at a time hang.
    account.get("wait?call=upload&count=5");
    send(&child, Signal::INT);
    let run = end(child).exits(130).says(&["1 of 6 not attempted"]);
    assert_eq!((run.out.lines().count(), run.err.matches("cancelled").count()), (2, 3), "{run:#?}");
    assert_eq!((account.ids().len(), account.sent("upload")), (2, 5));
}

#[test]
fn a_refused_key_ends_all() {
    let account = Account::empty("cli-jobs-upload-key");
    let (folder, names) = with_files(9);
    let mut command = account.command(&with(&[&UPLOAD[..], &["--json"]].concat(), &names));
    let run = run(command.current_dir(&folder).env("MINIMAX_API_KEY", "sk-api-of-another"), "").exits(3);
    let lines = run.json();
    let not_attempted = lines.iter().filter(|line| line["error"]["status_name"] == "MMX_ERROR_CANCELLED").count();
    assert!(lines.len() == 9 && not_attempted >= 6 && account.journal().len() <= 3, "{run:#?}");
}

#[test]
fn downloads_are_named_by_their_ids() {
    let (account, folder) = (account("cli-jobs-download"), folder());
    let to = path(&folder, "new/copies");
    let download = ["download", "--directory", &to, "--jobs", "3", "1", "2", "99", "3", "2"];
    let run = account.run(&download).exits(1);
    let told: BTreeSet<_> = run.out.lines().map(str::to_owned).collect();
    assert_eq!(told, [1, 2, 3].map(|id| format!("{to}/{id}.mp3")).into());
    assert!(run.err.starts_with("mmx-files download: 99: ") && run.err.lines().count() == 1, "{run:#?}");
    assert_eq!(names_in(&to), [1, 2, 3].map(|id| format!("{id}.mp3")).into());
    for id in 1..=3 {
        assert_eq!(read(&format!("{to}/{id}.mp3")), format!("of {id}"));
    }
    assert_eq!((names_in(folder.path().to_str().unwrap()).len(), account.sent("retrieve_content")), (1, 4));
    let run = account.run(&["download", "--json", "-d", &format!("{to}/"), "4"]).exits(0);
    let [line] = &run.json()[..] else { panic!("{run:#?}") };
    assert_eq!((&line["file_id"], &line["error"], &line["answer"]["bytes"]), (&json!(4), &Value::Null, &json!(4)));
    assert_eq!(line["answer"]["path"], format!("{to}/4.mp3"));
}

#[test]
fn existing_files_are_left_alone_and_stop_no_other() {
    let (account, folder) = (account("cli-jobs-exists"), folder());
    let to = path(&folder, "copies");
    fs::create_dir(&to).unwrap();
    fs::write(format!("{to}/2.mp3"), "mine").unwrap();
    let download = ["download", "--directory", &to, "--jobs", "2", "1", "2", "3"];
    let run = account.run(&download).exits(1).says(&["2: ", "2.mp3 exists already: --force overwrites it"]);
    assert_eq!((run.out.lines().count(), read(&format!("{to}/2.mp3")).as_str()), (2, "mine"));
    assert_eq!(account.sent("retrieve_content"), 2);
    account.run(&[&download[..], &["--force"]].concat()).exits(0);
    assert_eq!((read(&format!("{to}/2.mp3")).as_str(), names_in(&to).len()), ("of 2", 3));
}

#[test]
fn a_signal_ends_all_downloads_and_leaves_nothing_half_done() {
    let (account, folder) = (account("cli-jobs-download-signal"), folder());
    let to = path(&folder, "copies");
    account.fault(json!({"call": "retrieve_content", "hang_after": 2, "skip": 1, "times": -1}));
    let mut command = account.command(&["download", "--directory", &to, "--jobs", "2", "1", "2", "3", "4"]);
    let child = start(&mut command);
    account.get("wait?call=retrieve_content&count=3");
    send(&child, Signal::TERM);
    let run = end(child).exits(143).says(&["1 of 4 not attempted"]);
    assert_eq!((run.out.lines().count(), names_in(&to).len()), (1, 1), "{run:#?}");
}

#[test]
fn what_can_t_be_right_sends_nothing() {
    let (account, folder) = (account("cli-jobs-usage"), folder());
    let file = path(&folder, "file");
    fs::write(&file, "").unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["1", "2"], "add --directory"),
        (&["1", "2", "-o", "-"], "add --directory"),
        (&["1", "-d", &file], "can't be used"),
        (&["1", "-d", "copies", "-o", "a"], "cannot be used with"),
        (&["1", "--jobs", "2"], "--directory"),
        (&["1", "-d", "copies", "--jobs", "0"], "0 is not in 1..=64"),
    ];
    for (more, says) in cases {
        account.run_in(&folder, &[&["download"], more].concat()).exits(2).says(&[says]);
    }
    assert_eq!(account.journal().len(), 0);
}
