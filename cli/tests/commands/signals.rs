//! Ctrl-C and SIGTERM: what is under way is cancelled, and what is settled is said.

use crate::harness::{Account, end, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::process::{Child, Command, Stdio};

pub(crate) fn send(child: &Child, signal: Signal) {
    // One that has ended already is not there any more.
    let _ = kill_process(Pid::from_child(child), signal);
}

pub(crate) fn start(command: &mut Command) -> Child {
    let pipes = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    pipes.spawn().expect("the command starts")
}

#[test]
fn a_call_is_cancelled() {
    for (name, signal, code) in [("cli-int", Signal::INT, 130), ("cli-term", Signal::TERM, 143)] {
        let account = Account::empty(name);
        account.fault(json!({"hang": true, "times": -1}));
        let child = start(&mut account.command(&["list"]));
        account.get("wait?count=1");
        send(&child, signal);
        let run = end(child).exits(code).says(&["mmx-files list: ", "cancelled"]);
        assert_eq!(run.out, "");
    }
}

#[test]
fn a_run_over_many_files_says_what_is_settled() {
    for (name, signal, code, called) in
        [("cli-int-bulk", Signal::INT, 130, "Ctrl-C"), ("cli-term-bulk", Signal::TERM, 143, "SIGTERM")]
    {
        let account = Account::with(name, 6);
        // Two are answered, two hang, two are not begun.
        account.fault(json!({"call": "delete", "hang": true, "skip": 2, "times": -1}));
        let arguments =
            ["delete", "--yes", "--purpose", "voice_clone", "--concurrency", "2", "1", "2", "3", "4", "5", "6"];
        let child = start(&mut account.command(&arguments));
        account.get("wait?count=4");
        send(&child, signal);
        let run = end(child).exits(code);
        assert_eq!(run.out, "6 files: 2 deleted, 2 unknown, 2 not attempted\n", "{run:#?}");
        run.says(&[&format!("stopped by {called}"), " unknown: "]);
    }
}

#[test]
fn several_calls_end_with_the_one_under_way() {
    let account = Account::with("cli-int-info", 3);
    account.fault(json!({"hang": true, "skip": 1, "times": -1}));
    let child = start(&mut account.command(&["info", "1", "2", "3"]));
    account.get("wait?count=2");
    send(&child, Signal::INT);
    let run = end(child).exits(130).says(&["file id   1", "1 of 3 not attempted"]);
    assert_eq!(account.journal().len(), 2, "{run:#?}");
}

#[test]
fn an_upload_and_a_download_leave_nothing_half_done() {
    let (account, folder) = (Account::with("cli-int-transfer", 1), tempfile::TempDir::new().unwrap());
    account.fault(json!({"call": "retrieve_content", "hang_after": 500, "times": -1}));
    let child = start(account.command(&["download", "1"]).current_dir(&folder));
    account.get("wait?count=1");
    send(&child, Signal::INT);
    end(child).exits(130);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);

    account.fault(json!({"call": "upload", "stop_reading_after": 1000}));
    std::fs::write(folder.path().join("big"), vec![1; 32 << 20]).unwrap();
    let child = start(account.command(&["upload", "--purpose", "voice_clone", "big"]).current_dir(&folder));
    until("an upload has begun", || account.get("open") != "0");
    send(&child, Signal::TERM);
    end(child).exits(143);
    assert_eq!(account.ids(), [1]);
}

#[test]
fn what_is_read_from_a_pipe_that_stays_open_holds_nothing_up() {
    let account = Account::with("cli-int-stdin", 1);
    let mut command = account.command(&["delete", "--yes", "--purpose", "voice_clone", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (read, kept_open) = (child.stderr.as_ref().map(|_| ()), child.stdin.take());
    assert!(read.is_some());
    // Handlers are in place once the process no longer has those it began with.
    until("the signals are watched", || catches_sigint(&child));
    send(&child, Signal::INT);
    end(child).exits(130);
    drop(kept_open);
    assert_eq!(account.journal().len(), 0);
}

pub(crate) fn catches_sigint(child: &Child) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).map(str::trim);
    caught.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_some_and(|mask| mask & 0b10 != 0)
}

#[test]
fn a_second_one_ends_it_at_once() {
    let account = Account::with("cli-int-twice", 2000);
    let lines: String = (1..=2000).map(|id| format!("{id} voice_clone\n")).collect();
    let input = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(input.path(), lines).unwrap();
    let mut command = account.command(&["delete", "--yes", "--json", "-"]);
    let pipes = command.stdin(input.reopen().unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // Nobody reads the receipts: once the pipe is full, it waits, and a signal can't change that.
    let unread = child.stdout.take().unwrap();
    let mut before = 0;
    until("the pipe is full", || {
        let held = rustix::io::ioctl_fionread(&unread).unwrap();
        let is_full = held > 40_000 && held == before;
        before = held;
        std::thread::sleep(std::time::Duration::from_millis(50));
        is_full
    });
    send(&child, Signal::INT);
    until("the first was seen", || !catches_second(&child));
    send(&child, Signal::INT);
    end(child).exits(130);
    assert!(account.ids().len() > 500);
}

/// Whether a first signal is still on its way to the process.
fn catches_second(child: &Child) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let pending = status.lines().filter_map(|line| line.strip_prefix("SigPnd:").or(line.strip_prefix("ShdPnd:")));
    pending.map(str::trim).any(|mask| mask.bytes().any(|digit| digit != b'0'))
}
