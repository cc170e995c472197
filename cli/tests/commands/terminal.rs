//! On a terminal: the bar, the question before a delete, and no colours where they are not wanted.

use crate::harness::{Account, LONGEST, until};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use unicode_width::UnicodeWidthStr as _;

/// A run whose three streams are one terminal.
struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
}

impl Terminal {
    fn start(command: &mut Command) -> Terminal {
        Terminal::of(command, 100, OFlags::empty())
    }

    /// A terminal with this many columns and additional flags.
    fn of(command: &mut Command, columns: u16, flags: OFlags) -> Terminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("its other end");
        let path = ptsname(&ours, Vec::new()).expect("a name").into_string().expect("UTF-8");
        let theirs = OpenOptions::new().read(true).write(true).open(path).expect("its other end");
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&theirs, size).expect("a size");
        fcntl_setfl(&theirs, fcntl_getfl(&theirs).expect("flags") | flags).expect("flags");
        let stream = || Stdio::from(theirs.try_clone().expect("a descriptor"));
        let streams = command.env("TERM", "xterm-256color").stdin(stream()).stdout(stream()).stderr(stream());
        let child = streams.spawn().expect("the command starts");
        let keyboard = File::from(ours);
        let (mut reads, screen) = (keyboard.try_clone().expect("a descriptor"), Arc::new(Mutex::new(String::new())));
        let seen = screen.clone();
        // Ends when the other end is closed everywhere.
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reads.read(&mut bytes) {
                seen.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        // Closes the descriptors that the command holds.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Terminal { child, keyboard, screen }
    }

    fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        until(text, || self.screen().contains(text));
    }

    fn enter(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("it takes what is typed");
    }

    #[track_caller]
    fn exits(&mut self, code: i32) -> String {
        let started = std::time::Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                break status;
            }
            assert!(started.elapsed() < LONGEST, "it never ended: {}", self.screen());
            thread::sleep(std::time::Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(code), "{}", self.screen());
        self.screen()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const QUESTION: &str = "Delete 2 files of voice_clone (127.0.0.1, key …dbox)? [y/N] ";

#[test]
fn yes_deletes_and_anything_else_does_not() {
    let account = Account::with("cli-question", 4);
    for (answer, code, says) in [
        ("\n", 7, "nothing was deleted"),
        ("no\n", 7, "nothing was deleted"),
        ("\u{4}", 7, "nothing"),
        ("Yes\n", 0, "2 deleted"),
    ] {
        let mut terminal = Terminal::start(&mut account.command(&["delete", "--purpose", "voice_clone", "1", "2"]));
        terminal.shows(QUESTION);
        assert_eq!(account.journal().len(), 0, "nothing is sent before the answer");
        terminal.enter(answer);
        terminal.shows(says);
        terminal.exits(code);
    }
    assert_eq!(account.ids(), [3, 4]);
}

#[test]
fn a_terminal_that_does_not_block_is_asked_like_any_other() {
    let account = Account::with("cli-question-nonblock", 2);
    let mut command = account.command(&["delete", "--purpose", "voice_clone", "1", "2"]);
    let mut terminal = Terminal::of(&mut command, 100, OFlags::NONBLOCK);
    terminal.shows(QUESTION);
    until("it waits, or has ended", || {
        crate::stdio::is_asleep(&terminal.child) || terminal.child.try_wait().unwrap().is_some()
    });
    terminal.enter("y\n");
    terminal.shows("2 deleted");
    terminal.exits(0);
}

#[test]
fn a_signal_is_an_answer_too() {
    let account = Account::with("cli-question-signal", 2);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut terminal = Terminal::start(&mut account.command(&["delete", "--purpose", "voice_clone", "1", "2"]));
        terminal.shows(QUESTION);
        crate::signals::send(&terminal.child, signal);
        terminal.shows("nothing was deleted");
        terminal.exits(code);
    }
    assert_eq!(account.journal().len(), 0);
}

#[test]
fn yes_beforehand_is_not_asked() {
    let account = Account::with("cli-no-question", 1);
    let mut terminal = Terminal::start(&mut account.command(&["delete", "-y", "--purpose", "voice_clone", "1"]));
    terminal.shows("1 file: 1 deleted");
    assert!(!terminal.exits(0).contains("[y/N]"));
}

#[test]
fn a_prune_shows_what_it_is_about_to_do_and_asks() {
    let old = |id: i64| json!({"file_id": id, "purpose": "voice_clone", "created_at": 1_750_000_000, "bytes": 2048});
    let account = Account::of("cli-prune-question", json!([old(1), old(2), old(3)]));
    let arguments = ["prune", "--older-than", "7d", "--keep", "3.*"];
    for (answer, code, says) in [("n\n", 7, "nothing was deleted"), ("y\n", 0, "3 files: 2 deleted, 1 kept")] {
        let mut terminal = Terminal::start(&mut account.command(&arguments));
        terminal.shows("voice_clone  30 days or more      2  4.00 KiB");
        terminal.shows("Delete 2 files, which frees at least 4.00 KiB (127.0.0.1, key …dbox)? [y/N] ");
        assert_eq!(account.ids(), [1, 2, 3], "nothing goes before the answer");
        terminal.enter(answer);
        terminal.shows(says);
        terminal.exits(code);
    }
    assert_eq!(account.ids(), [3]);
}

#[test]
fn a_bar_shows_how_far_it_is() {
    let account = Account::with("cli-bar", 60);
    account.fault(json!({"delay_ms": 20, "times": -1}));
    let ids: Vec<_> = (1..=60).map(|id| id.to_string()).collect();
    let mut arguments = vec!["delete", "--yes", "--purpose", "voice_clone", "--concurrency", "4"];
    arguments.extend(ids.iter().map(String::as_str));
    let mut terminal = Terminal::start(&mut account.command(&arguments));
    terminal.shows("/60");
    terminal.shows("\u{1b}[36m");
    terminal.shows("60 files: 60 deleted");
    let screen = terminal.exits(0);
    let last = screen.rsplit(['\r', '\n']).find(|line| !line.is_empty()).unwrap_or_default();
    assert!(last.contains("60 files: 60 deleted"), "the bar is gone in the end: {screen:?}");
}

#[test]
fn the_bar_of_a_second_run_tells_its_own_speed() {
    let (account, folder) = (Account::with("cli-bar-resumed", 200), tempfile::TempDir::new().unwrap());
    let journal = folder.path().join("journal").to_str().unwrap().to_owned();
    let arguments = ["prune", "--older-than", "7d", "--yes", "--journal", &journal];
    account.fault(json!({"call": "delete", "code": 1008, "skip": 140}));
    account.run(&[&arguments[..], &["--concurrency", "1"]].concat()).exits(4);
    account.fault(json!({"call": "delete", "delay_ms": 50, "times": -1}));
    let mut terminal = Terminal::start(&mut account.command(&arguments));
    terminal.shows("200 files: 200 deleted (140 by an earlier run)");
    let screen = terminal.exits(0);
    let speeds: Vec<u64> = screen
        .split("/s eta")
        .filter_map(|text| text.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .collect();
    // 16 at once, of 50 ms each.
    assert!(!speeds.is_empty() && speeds.iter().all(|speed| *speed <= 1000), "{speeds:?}");
}

#[test]
fn transfers_have_bars_of_bytes() {
    let (account, folder) = (Account::empty("cli-bar-bytes"), tempfile::TempDir::new().unwrap());
    std::fs::write(folder.path().join("a.mp3"), vec![1; 8 << 20]).unwrap();
    let mut command = account.command(&["upload", "--purpose", "voice_clone", "a.mp3"]);
    let mut terminal = Terminal::start(command.current_dir(&folder));
    terminal.shows("/8.00 MiB");
    terminal.exits(0);
    let id = account.ids()[0].to_string();
    let mut terminal = Terminal::start(account.command(&["download", &id]).current_dir(&folder));
    terminal.shows("/8.00 MiB");
    terminal.exits(0);
}

#[test]
fn several_transfers_have_a_bar_each_and_one_for_all() {
    let (account, folder) = (Account::empty("cli-bars"), tempfile::TempDir::new().unwrap());
    for name in ["a.mp3", "b.mp3", "c.mp3"] {
        std::fs::write(folder.path().join(name), vec![1; 4 << 20]).unwrap();
    }
    account.fault(json!({"call": "upload", "stop_reading_after": 1000, "times": 2}));
    let arguments = ["upload", "--jobs", "2", "--purpose", "voice_clone", "a.mp3", "b.mp3", "c.mp3"];
    let mut terminal = Terminal::start(account.command(&arguments).current_dir(&folder));
    // A drawing has the bars of those in flight below one another.
    until("three bars", || {
        let screen = terminal.screen();
        let drawn = screen.rsplit("upload ").next().unwrap_or_default();
        drawn.contains("0/3 ") && drawn.contains("a.mp3 ") && drawn.contains("b.mp3 ")
    });
    crate::signals::send(&terminal.child, Signal::INT);
    terminal.shows("1 of 3 not attempted");
    terminal.exits(130);
}

#[test]
fn a_wait_is_shown() {
    let account = Account::empty("cli-spinner");
    let mut terminal = Terminal::start(&mut account.command(&["download", "--wait", "21", "-o", "/dev/null"]));
    terminal.shows("waiting for 21");
    crate::signals::send(&terminal.child, Signal::INT);
    terminal.exits(130);
}

#[test]
fn no_colours_where_they_are_not_wanted() {
    let account = Account::with("cli-colours", 1);
    for arguments in [&["list"][..], &["--help"], &["lst"], &["delete", "-y", "--purpose", "voice_clone", "1"]] {
        let mut terminal = Terminal::start(account.command(arguments).env("NO_COLOR", "1"));
        until("it has ended", || terminal.child.try_wait().unwrap().is_some());
        let screen = terminal.screen();
        let is_painted = screen.split("\u{1b}[").skip(1).any(|rest| {
            rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m')
                && !rest.starts_with("0m")
                && !rest.starts_with('m')
        });
        assert!(!is_painted, "{screen:?}");
        let _ = terminal.child.wait();
    }
}

#[test]
fn a_file_s_bytes_never_reach_it() {
    let account = Account::with("cli-terminal-bytes", 1);
    let mut terminal = Terminal::start(&mut account.command(&["download", "1", "-o", "-"]));
    terminal.shows("could drive the terminal");
    terminal.exits(2);
    assert_eq!(account.journal().len(), 0);
}

#[test]
fn names_are_escaped_there_too() {
    let account = Account::of(
        "cli-terminal-names",
        json!([{"file_id": 1, "purpose": "voice_clone", "filename": "\u{1b}[2J.mp3"}]),
    );
    let mut terminal = Terminal::start(&mut account.command(&["list"]));
    terminal.shows(r"\u{1b}[2J.mp3");
    assert!(!terminal.exits(0).contains('\u{1b}'));
}

/// The lines that a run shows on 80 columns.
fn on_80_columns(account: &Account, arguments: &[&str]) -> Vec<String> {
    let mut terminal = Terminal::of(&mut account.command(arguments), 80, OFlags::empty());
    terminal.shows("3.mp3");
    let screen = terminal.exits(0);
    screen.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn long_names_are_shortened_in_the_middle() {
    let (long, wide) = (format!("begin-{}-end.mp3", "x".repeat(200)), "声".repeat(60) + ".mp3");
    let file = |id: i64, name: &str| json!({"file_id": id, "purpose": "voice_clone", "created_at": 1_750_000_000, "bytes": 2048, "filename": name});
    let account = Account::of("cli-long-names", json!([file(1, &long), file(2, &wide), file(3, "3.mp3")]));
    for arguments in [&["list"][..], &["prune", "--all", "--dry-run"]] {
        let lines = on_80_columns(&account, arguments);
        for line in lines.iter().filter(|line| line.contains("voice_clone")) {
            assert!(line.width() <= 80, "{} columns: {line}", line.width());
        }
        let of =
            |text: &str| lines.iter().find(|line| line.contains(text)).unwrap_or_else(|| panic!("{text} {lines:#?}"));
        assert!(of("begin-x").contains('…') && of("begin-x").ends_with("-end.mp3"), "{lines:#?}");
        assert!(of("声").contains("声…") && of("声").ends_with("声.mp3"), "{lines:#?}");
        assert!(of("begin-x").width() == 80 && !of("3.mp3").contains('…'), "{lines:#?}");
        let whole = on_80_columns(&account, &[arguments, &["--wide"]].concat());
        assert!(whole.iter().any(|line| line.ends_with(&long)) && whole.iter().any(|line| line.ends_with(&wide)));
        let piped = account.run(arguments).exits(0);
        assert!(piped.out.contains(&long) && piped.out.contains(&wide) && !piped.out.contains('…'));
    }
}
