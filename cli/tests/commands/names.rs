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

/// Characters that change the direction of text, by Unicode annex 9.
fn mmx_bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Invisible characters: zero-width ones, soft hyphens, fillers, tags, and spaces that look like the usual one.
const INVISIBLE: [char; 24] = [
    '\u{ad}',
    '\u{34f}',
    '\u{115f}',
    '\u{17b4}',
    '\u{180e}',
    '\u{200b}',
    '\u{200c}',
    '\u{200d}',
    '\u{2060}',
    '\u{2061}',
    '\u{2062}',
    '\u{2063}',
    '\u{2064}',
    '\u{206a}',
    '\u{3164}',
    '\u{fe0f}',
    '\u{feff}',
    '\u{ffa0}',
    '\u{e0041}',
    '\u{e0100}',
    '\u{a0}',
    '\u{2003}',
    '\u{202f}',
    '\u{2800}',
];

#[test]
fn invisible_characters_are_escaped() {
    let names: Vec<_> = INVISIBLE.iter().map(|c| format!("in{c}voice.mp3")).collect();
    let files =
        names.iter().zip(1..).map(|(name, id)| json!({"file_id": id, "purpose": "voice_clone", "filename": name}));
    let account = Account::of("cli-names-invisible", files.collect());
    let run = account.run(&["list"]).exits(0);
    let dry = account.run(&["prune", "--all", "--dry-run"]).exits(0);
    let json = account.run(&["list", "--json"]).exits(0);
    for c in INVISIBLE {
        let escaped = format!("in{}voice.mp3", c.escape_unicode());
        assert!(run.out.contains(&escaped) && dry.out.contains(&escaped), "{escaped}: {run:#?}");
        for text in [&run.out, &dry.out, &json.out] {
            assert!(!text.contains(c), "{escaped}");
        }
    }
    let mut listed: Vec<_> = json.json().iter().map(|file| file["filename"].as_str().unwrap().to_owned()).collect();
    let mut names = names;
    listed.sort();
    names.sort();
    assert_eq!(listed, names);
    // Accents and other scripts are not escaped.
    let account = Account::of(
        "cli-names-seen",
        json!([{"file_id": 1, "purpose": "voice_clone", "filename": "é e\u{301} 声音 한 नमस्ते\u{3000}.mp3"}]),
    );
    account.run(&["list"]).exits(0).says(&["é e\u{301} 声音 한 नमस्ते\u{3000}.mp3"]);
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
