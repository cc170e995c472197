//! Inherited standard streams and signals: non-blocking or closed streams, ignored signals.

use crate::files::{folder, mixed, path};
use crate::harness::{Account, Run, end, until};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{PipeWriter, Read as _, Write as _, pipe};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

/// As another process that shares the file may do.
fn do_not_block(file: impl AsFd) {
    let flags = fcntl_getfl(&file).unwrap();
    fcntl_setfl(&file, flags | OFlags::NONBLOCK).unwrap();
}

/// A run whose standard output is a small non-blocking pipe with a slow reader.
fn slowly(command: &mut Command) -> Run {
    let (mut reader, writer) = pipe().unwrap();
    fcntl_setpipe_size(&writer, 4096).unwrap();
    do_not_block(&writer);
    let mut child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    // The command still holds the other end.
    command.stdout(Stdio::null());
    until("the pipe is full, or it has ended", || {
        let is_full = rustix::io::ioctl_fionread(&reader).unwrap() > 3000 && is_asleep(&child);
        is_full || child.try_wait().unwrap().is_some()
    });
    let (mut out, mut some) = (Vec::new(), [0; 1000]);
    while let Ok(count @ 1..) = reader.read(&mut some) {
        out.extend_from_slice(&some[..count]);
        std::thread::yield_now();
    }
    Run { out: String::from_utf8(out).unwrap(), ..end(child) }
}

#[test]
fn all_of_it_arrives_where_standard_output_does_not_block() {
    let account = Account::with("cli-stdout-nonblock", 900);
    let ids: Vec<_> = (1..=300).map(|id| id.to_string()).collect();
    let info = [&["info"][..], &ids.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["usage"],
        &["prune", "--all", "--dry-run", "--json"],
        &["prune", "--all", "--plan", "-"],
        &info,
    ] {
        let whole = account.run(arguments).exits(0);
        let slow = slowly(&mut account.command(arguments)).exits(0);
        // Links and times differ between runs.
        assert_eq!(slow.out.lines().count(), whole.out.lines().count(), "{arguments:?}");
        assert!(slow.out.ends_with('\n') && slow.err == whole.err, "{arguments:?} {}", slow.err);
    }
}

#[test]
fn no_receipt_is_dropped_there() {
    let account = Account::with("cli-receipts-nonblock", 900);
    let run = slowly(&mut account.command(&["prune", "--all", "--yes", "--json"])).exits(0);
    let lines = run.json();
    let (summary, receipts) = lines.split_last().unwrap();
    assert_eq!((receipts.len(), &summary["deleted"]), (900, &json!(900)));
    let account = Account::with("cli-delete-nonblock", 900);
    let ids: Vec<_> = (1..=900).map(|id| id.to_string()).collect();
    let delete = ["delete", "--purpose", "voice_clone", "--yes", "--json"].into_iter();
    let run = slowly(&mut account.command(&delete.chain(ids.iter().map(String::as_str)).collect::<Vec<_>>())).exits(0);
    assert_eq!((run.json().len(), account.ids().len()), (901, 0));
    let account = Account::of(
        "cli-download-nonblock",
        json!([{"file_id": 1, "purpose": "voice_clone", "size": 1 << 20, "content": "0123456789abcdef"}]),
    );
    let run = slowly(&mut account.command(&["download", "1", "-o", "-"])).exits(0);
    assert_eq!(run.out.len(), 1 << 20);
}

/// Starts a run that reads from a non-blocking pipe.
fn start_reading(command: &mut Command) -> (Child, PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    do_not_block(&reader);
    let mut child = command.stdin(reader).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("it waits, or has ended", || is_asleep(&child) || child.try_wait().unwrap().is_some());
    (child, writer)
}

/// Whether the signals are watched and the process waits for something.
pub(crate) fn is_asleep(child: &Child) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    crate::signals::catches_sigint(child) && stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'))
}

#[test]
fn it_waits_where_standard_input_does_not_block() {
    let account = Account::with("cli-stdin-nonblock", 3);
    let (child, mut writer) = start_reading(&mut account.command(&["delete", "--yes", "-"]));
    writer.write_all(b"1 voice_clone\n2 voice_clone\n").unwrap();
    drop(writer);
    assert_eq!(end(child).exits(0).out, "2 files: 2 deleted\n");
    let account = mixed("cli-keep-nonblock");
    let arguments = ["prune", "--all", "--keep-from", "-", "--yes"];
    let (child, mut writer) = start_reading(&mut account.command(&arguments));
    writer.write_all(b"1\n2\n").unwrap();
    drop(writer);
    end(child).exits(0);
    assert_eq!(account.ids(), [1, 2]);
}

/// The command, run by a shell after `before`.
fn after(before: &str, account: &Account, arguments: &[&str]) -> Command {
    let mut shell = Command::new("bash");
    let ours = account.command(&[]);
    shell.args(["-c", &format!("{before}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_mmx-files")]).args(arguments);
    shell.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[test]
fn a_closed_standard_output_is_an_error_before_anything_is_sent() {
    let account = Account::with("cli-stdout-closed", 3);
    let (folder, delete) = (folder(), ["delete", "--yes", "--purpose", "voice_clone", "1"]);
    let plan = path(&folder, "plan");
    let prune = ["prune", "--all", "--plan", &plan];
    for arguments in [&["list"][..], &["list", "--json"], &["download", "1", "-o", "-"], &["usage"], &delete, &prune] {
        let run = crate::harness::run(&mut after("exec >&-", &account, arguments), "");
        run.exits(1).says(&["standard output can't be written: it is closed"]);
    }
    assert_eq!((account.journal().len(), account.ids().len()), (0, 3));
    for arguments in [["--help"], ["--version"]] {
        let run = crate::harness::run(&mut after("exec >&-", &account, &arguments), "");
        run.exits(1).says(&["standard output can't be written: it is closed"]);
    }
    // /dev/null is not a closed stream.
    let quiet = crate::harness::run(&mut after("exec 1<>/dev/null", &account, &["list"]), "").exits(0);
    assert_eq!(quiet.err, "");
}

#[test]
fn a_closed_standard_input_is_no_empty_one() {
    let account = Account::with("cli-stdin-closed", 3);
    for arguments in
        [&["delete", "--yes", "--purpose", "voice_clone", "-"][..], &["prune", "--all", "--yes", "--keep-from", "-"]]
    {
        let run = crate::harness::run(&mut after("exec <&-", &account, arguments), "");
        run.exits(2).says(&["standard input can't be read: it is closed", "nothing was sent"]);
    }
    assert_eq!((account.journal().len(), account.ids().len()), (0, 3));
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for (name, word, signal) in [
        ("cli-ignored-int", "INT", Signal::INT),
        ("cli-ignored-term", "TERM", Signal::TERM),
        ("cli-ignored-hup", "HUP", Signal::HUP),
    ] {
        let account = Account::with(name, 2);
        account.fault(json!({"call": "list", "delay_ms": 1000}));
        let mut command = after(&format!("trap '' {word}"), &account, &["list", "--json"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        account.get("wait?count=1");
        // A second signal would end the process at once.
        for _ in 0..2 {
            crate::signals::send(&child, signal);
        }
        let run = end(child).exits(0);
        let ids: Vec<Value> = run.json().into_iter().map(|file| file["file_id"].clone()).collect();
        assert_eq!((ids.len(), run.err.as_str()), (2, ""), "{word}");
    }
    // Other signals are handled as usual.
    let account = Account::with("cli-ignored-other", 1);
    account.fault(json!({"hang": true, "times": -1}));
    let mut command = after("trap '' INT", &account, &["list"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    account.get("wait?count=1");
    crate::signals::send(&child, Signal::TERM);
    end(child).exits(143);
}
