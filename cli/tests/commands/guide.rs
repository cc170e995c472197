//! The page on cleaning up an account: its commands work, and print what it shows.

use crate::files::{LONG_AGO, folder, now};
use crate::harness::Account;
use mmx_sandbox::API_KEY;
use serde_json::{Value, json};
use std::env;
use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../../docs/cleaning-up.md");
/// The stand-in server and its key, and their names on the page.
const AS_ON_THE_PAGE: [(&str, &str); 2] = [("127.0.0.1", "api.minimaxi.com"), ("…dbox", "…3f2a")];

/// Blocks of code with what they are in.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut blocks = Vec::new();
    let mut rest = PAGE;
    while let Some((_, after)) = rest.split_once("\n```") {
        let (language, after) = after.split_once('\n').expect("a line");
        let (text, after) = after.split_once("```\n").expect("the end of a block");
        blocks.push((language, text));
        rest = after;
    }
    blocks
}

/// An account that has been used for a while.
fn account() -> Account {
    let day = 24 * 3600;
    let file = |id: i64, purpose: &str, created_at: i64, bytes: i64, name: String| json!({"file_id": id, "purpose": purpose, "created_at": created_at, "bytes": bytes, "filename": name});
    let speech = |ids: std::ops::Range<i64>, days: i64| {
        let created_at = if days > 30 { LONG_AGO } else { now() - days * day - 7200 };
        ids.map(move |id| file(176_844_028_768_000 + id, "t2a_async", created_at, 0, format!("chapter-{id}.tar")))
    };
    let voices = (1..=8).map(|id| {
        let name = format!("{}-{id}.mp3", if id <= 2 { "master" } else { "voice" });
        file(
            176_844_028_769_000 + id,
            "voice_clone",
            now() - 12 * day,
            if id == 3 { 3_145_728 } else { 1_572_864 },
            name,
        )
    });
    let files: Value = speech(1..4, 40)
        .chain(speech(4..64, 9))
        .chain(speech(64..70, 3))
        .chain(speech(70..100, 0))
        .chain(voices)
        .collect();
    Account::of("cli-guide", files)
}

#[test]
fn the_page_on_cleaning_up_works() {
    let (account, folder) = (account(), folder());
    // One is refused, so that there is something to read in the receipts.
    account.fault(json!({"call": "delete", "file_id": 176_844_028_768_004_i64, "code": 2013}));
    let program = Path::new(env!("CARGO_BIN_EXE_mmx-files"));
    let path = format!("{}:{}", program.parent().unwrap().display(), env::var("PATH").unwrap());
    let (mut shown, mut run) = (String::new(), 0);
    for (language, text) in blocks() {
        match language {
            "sh" => {
                let mut shell = Command::new("bash");
                shell.args(["-u", "-o", "pipefail", "-c", &format!("{{ {text}\n}} 2>&1")]);
                shell.current_dir(&folder).env_clear().env("PATH", &path).env("PAUSE", "0");
                shell.env("MINIMAX_API_KEY", API_KEY).env("MINIMAX_BASE_URL", account.url());
                let output = shell.output().expect("a shell");
                shown = String::from_utf8(output.stdout).expect("UTF-8");
                let missing =
                    ["command not found", "error:", "wrong arguments"].iter().any(|text| shown.contains(text));
                assert!(
                    !missing && output.status.code().is_some_and(|code| code <= 1),
                    "{text}\n{shown}{:?}",
                    output.status
                );
                for (ours, on_the_page) in AS_ON_THE_PAGE {
                    shown = shown.replace(ours, on_the_page);
                }
                println!("$ {text}\n{shown}");
                run += 1;
            }
            "text" => {
                for line in text.lines().filter(|line| !line.is_empty()) {
                    assert!(shown.lines().any(|shown| shown == line), "not printed: {line}\n{shown}");
                }
            }
            "c" | "python" | "go" => {}
            other => panic!("a block of {other}"),
        }
    }
    assert_eq!(run, 10, "blocks of commands");
    // The page ends with what is kept.
    let voices: Vec<_> = account.ids().into_iter().filter(|id| *id > 176_844_028_769_000).collect();
    assert_eq!(voices, [1, 2, 3].map(|id| 176_844_028_769_000 + id));
    assert_eq!(account.ids().len(), 3 + 30);
}
