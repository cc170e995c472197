//! Names from the service, and texts of it, never steer a terminal.

use crate::harness::{Account, Run};
use serde_json::{Value, json};

/// Clears the screen, sets its title, in one byte too, and turns text around.
const NAME: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}3pm.gpj\u{2066}\u{61c}\u{7f}\n.mp3";
const ESCAPED: &str = r"\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}3pm.gpj\u{2066}\u{61c}\u{7f}\n.mp3";

fn file() -> Value {
    json!([{"file_id": 1, "purpose": "voice_clone", "filename": NAME}])
}

#[track_caller]
fn is_tame(run: &Run) {
    for text in [&run.out, &run.err] {
        let wild = |c: char| c != '\n' && (c.is_control() || mmx_bidi(c));
        assert!(!text.contains(wild), "{run:#?}");
    }
}

/// Of the Unicode standard's annex 9.
fn mmx_bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn for_people() {
    let account = Account::of("cli-names", file());
    for arguments in [&["list"][..], &["info", "1"]] {
        let run = account.run(arguments).exits(0).says(&[ESCAPED]);
        is_tame(&run);
    }
}

#[test]
fn for_programs_the_json_says_the_same() {
    let account = Account::of("cli-names-json", file());
    let run = account.run(&["list", "--json"]).exits(0);
    is_tame(&run);
    assert_eq!(run.json()[0]["filename"], NAME);
    let run = account.run(&["info", "--json", "1"]).exits(0);
    is_tame(&run);
    assert_eq!(run.json()[0]["answer"]["file"]["filename"], NAME);
}

#[test]
fn what_the_service_says_of_a_failure() {
    let account = Account::of("cli-names-message", file());
    let refused = |call| json!({"call": call, "code": 2013, "message": NAME, "headers": {"Trace-Id": "x\u{202e}"}});
    let delete = ["delete", "--yes", "--purpose", "voice_clone", "1"];
    for arguments in
        [&["list"][..], &["list", "--json"], &["list", "--verbose"], &["info", "1"], &["info", "--json", "1"]]
    {
        account.fault(refused(if arguments[0] == "list" { "list" } else { "retrieve" }));
        is_tame(&account.run(arguments).exits(1));
    }
    for arguments in [&delete[..], &["--json", "--verbose", "delete", "--yes", "--purpose", "voice_clone", "1"]] {
        account.fault(refused("delete"));
        is_tame(&account.run(arguments).exits(1));
    }
}

#[test]
fn what_was_typed() {
    let account = Account::empty("cli-names-typed");
    is_tame(&account.run(&["upload", "--purpose", "voice_clone", "\u{1b}[2J\u{202e}"]).exits(1));
    is_tame(&account.run(&["download", "1", "-o", "\u{1b}[2J/\u{202e}"]).exits(1));
    is_tame(&account.run(&["delete", "--yes", "--purpose", "voice_clone", "\u{1b}[2J"]).exits(2));
}
