//! `download`

use crate::harness::{Account, until};
use serde_json::{Value, json};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;
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

#[test]
fn an_existing_file_is_left_alone_unless_forced() {
    let (account, folder) = (Account::of("cli-download-exists", files()), TempDir::new().unwrap());
    let at = |name: &str| folder.path().join(name);
    for there in ["11", "11.mp3", "11.tar.gz"] {
        fs::write(at(there), "mine").unwrap();
        let run = account.run_in(&folder, &["download", "11"]).exits(2);
        run.says(&[&format!("{there} exists already"), "--force", "nothing was sent"]);
        assert_eq!(fs::read(at(there)).unwrap(), b"mine");
        fs::remove_file(at(there)).unwrap();
    }
    fs::write(at("other"), "mine").unwrap();
    symlink("other", at("link")).unwrap();
    for to in ["other", "./other", "link"] {
        account.run_in(&folder, &["download", "11", "-o", to]).exits(2).says(&["exists already", "--force"]);
    }
    assert_eq!((account.journal().len(), fs::read(at("other")).unwrap()), (0, b"mine".to_vec()));
    account.run_in(&folder, &["download", "11", "-o", "link", "--force"]).exits(0);
    assert_eq!(fs::read(at("other")).unwrap(), b"what it holds");
    // Other names don't matter, and a device is not overwritten.
    fs::write(at("110"), "").unwrap();
    fs::write(at("11-old.mp3"), "").unwrap();
    account.run_in(&folder, &["download", "11", "-o", "/dev/null"]).exits(0);
    account.run_in(&folder, &["download", "11"]).exits(0);
    account.run_in(&folder, &["download", "11"]).exits(2);
    account.run_in(&folder, &["download", "11", "--force"]).exits(0);
}

#[test]
fn a_file_that_is_not_ready_is_waited_for() {
    let (account, folder) = (Account::empty("cli-download-wait"), TempDir::new().unwrap());
    for target in ["a.tar", "-"] {
        let mut command = account.command(&["download", "--wait", "21", "-o", target]);
        let pipes = command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = pipes.spawn().unwrap();
        account.get("wait?call=retrieve&count=1");
        account.post("files", json!([{"file_id": 21, "purpose": "t2a_async", "content": "what it holds"}]));
        let run = crate::harness::end(child).exits(0);
        assert_eq!(run.out, if target == "-" { "what it holds" } else { "a.tar\n" });
        account.delete("files");
        account.post("reset", json!({}));
    }
    assert_eq!(fs::read(folder.path().join("a.tar")).unwrap(), b"what it holds");
    // The wait ends with its time, with a signal, and for any other failure.
    let run = account.run_in(&folder, &["download", "--wait", "--timeout", "300ms", "21"]).exits(5);
    run.says(&["300 ms", "waiting for the file to be there"]);
    let mut command = account.command(&["download", "--wait", "21"]);
    let child = command.current_dir(&folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    account.get("wait?call=retrieve&count=2");
    crate::signals::send(&child, rustix::process::Signal::INT);
    crate::harness::end(child).exits(130);
    account.fault(json!({"code": 1004}));
    account.run_in(&folder, &["download", "--wait", "21"]).exits(3);
    assert_eq!((account.sent("retrieve_content"), fs::read_dir(&folder).unwrap().count()), (0, 1));
}

#[test]
fn the_name_has_the_extension_of_the_media_type() {
    let file = |id: i64, filename: &str| json!({"file_id": id, "purpose": "voice_clone", "content": "abc", "filename": filename});
    let account = Account::of(
        "cli-download-ending",
        json!([
            file(1, "../x.mp3"),
            file(2, "b.tar"),
            file(3, "c.txt"),
            file(4, "d"),
            file(5, "e.jpg"),
            file(6, "f.m4a")
        ]),
    );
    let folder = TempDir::new().unwrap();
    for (id, name) in [("1", "1.mp3"), ("2", "2.tar"), ("3", "3.txt"), ("4", "4"), ("5", "5.jpg"), ("6", "6.m4a")] {
        let run = account.run_in(&folder, &["download", id]).exits(0);
        assert_eq!(run.out, format!("{name}\n"));
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"abc");
    }
    let refused = account.run_in(&folder, &["download", "1"]).exits(2);
    refused.says(&["1.mp3 exists already"]);
    let run = account.run_in(&folder, &["download", "1", "--force", "--json"]).exits(0);
    assert_eq!((&run.json()[0]["path"], &run.json()[0]["bytes"]), (&json!("1.mp3"), &json!(3)));
    // An odd media type adds no extension.
    for odd in ["audio/../../x", "AUDIO/MPEG; charset=x", "", "text", "application/x-made-up"] {
        fs::remove_file(folder.path().join("4")).or_else(|_| fs::remove_file(folder.path().join("4.mp3"))).unwrap();
        account.fault(json!({"call": "retrieve_content", "headers": {"Content-Type": odd}}));
        let run = account.run_in(&folder, &["download", "4"]).exits(0);
        assert_eq!(run.out, if odd.starts_with("AUDIO") { "4.mp3\n" } else { "4\n" }, "{odd}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 6);
}
