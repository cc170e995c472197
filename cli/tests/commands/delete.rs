//! `delete`: what it does to the files, and what it says of them.

use crate::files::{folder, path};
use crate::harness::{Account, command, end, run};
use mmx_sandbox::API_KEY;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::process::Stdio;

const DELETE: [&str; 4] = ["delete", "--yes", "--purpose", "voice_clone"];

fn delete<'a>(ids: &[&'a str]) -> Vec<&'a str> {
    DELETE.into_iter().chain(ids.iter().copied()).collect()
}

#[test]
fn files_are_gone_and_counted() {
    let account = Account::with("cli-delete", 5);
    let run = account.run(&delete(&["1", "3", "99"])).exits(0);
    assert_eq!(run.out, "3 files: 2 deleted, 1 already absent\n");
    assert_eq!(run.err, "deleting 3 files of voice_clone (127.0.0.1, key …dbox)\n");
    assert_eq!(account.ids(), [2, 4, 5]);
}

#[test]
fn without_a_terminal_it_must_have_been_said() {
    let account = Account::with("cli-delete-unasked", 1);
    let run = account.run(&["delete", "--purpose", "voice_clone", "1"]).exits(2).says(&["add --yes"]);
    assert_eq!((run.out.as_str(), account.journal().len()), ("", 0));
}

#[test]
fn what_is_missing_is_said_at_once() {
    let account = Account::with("cli-delete-bare", 1);
    let run = account.run(&["delete", "1", "2"]).exits(2).says(&["add --yes", "nothing was sent"]);
    assert_eq!((run.err.lines().count(), account.journal().len()), (1, 0));
}

/// Ids 1 and 2 of `voice_clone`, 3 of `t2a_async`.
fn of_two_purposes(name: &'static str) -> Account {
    let file = |id: i64, purpose: &str| json!({"file_id": id, "purpose": purpose});
    Account::of(name, json!([file(1, "voice_clone"), file(2, "voice_clone"), file(3, "t2a_async")]))
}

#[test]
fn purposes_that_are_not_given_are_looked_up() {
    let account = of_two_purposes("cli-delete-looked-up");
    let run = account.run(&["delete", "--yes", "--json", "1", "3", "99"]).exits(0);
    assert_eq!(run.err, "deleting 3 files, whose purposes are looked up (127.0.0.1, key …dbox)\n");
    let mut outcomes: Vec<_> =
        run.json().iter().map(|line| line.to_owned()).filter(|line| line["file_id"].is_i64()).collect();
    outcomes.sort_by_key(|outcome| outcome["file_id"].as_i64());
    let said: Vec<_> = outcomes.iter().map(|outcome| [&outcome["outcome"], &outcome["purpose"]]).collect();
    let wanted = [["deleted", "voice_clone"], ["deleted", "t2a_async"], ["already_absent", ""]];
    assert_eq!(json!(said), json!(wanted), "{run:#?}");
    assert_eq!(account.ids(), [2]);
    assert_eq!((account.sent("retrieve"), account.sent("delete"), account.sent("list")), (3, 2, 0));
    // A line of standard input may have its own.
    let account = of_two_purposes("cli-delete-looked-up-input");
    let run = account.run_with(&["delete", "--yes", "-"], "1 voice_clone\n3\n").exits(0);
    assert!(run.err.starts_with("deleting 2 files of voice_clone and of purposes that are looked up ("), "{run:#?}");
    assert_eq!((account.ids(), account.sent("retrieve")), (vec![2], 1));
}

#[test]
fn many_purposes_are_looked_up_by_one_list() {
    let account = Account::with("cli-delete-looked-up-many", 60);
    let lines: String = (1..=50).map(|id| format!("{id}\n")).collect();
    let run = account.run_with(&["delete", "--yes", "-"], &lines).exits(0);
    assert_eq!(run.out, "50 files: 50 deleted\n");
    assert_eq!((account.ids().len(), account.sent("list"), account.sent("retrieve")), (10, 1, 0));
}

#[test]
fn a_journal_of_purposes_that_were_looked_up_goes_on() {
    let (account, folder) = (of_two_purposes("cli-delete-looked-up-journal"), folder());
    let at = path(&folder, "journal");
    let arguments = ["delete", "--yes", "--concurrency", "1", "--journal", &at, "1", "2", "3"];
    account.fault(json!({"call": "delete", "skip": 1, "code": 1008}));
    account.run(&arguments).exits(4);
    assert_eq!(account.ids(), [2, 3]);
    let run = account.run(&arguments).exits(0);
    assert_eq!(run.out, "3 files: 3 deleted (1 by an earlier run)\n");
    assert_eq!(account.ids(), [0_i64; 0]);
}

#[test]
fn receipts_and_counts_for_programs() {
    let account = Account::with("cli-delete-json", 2);
    account.fault(json!({"file_id": 2, "code": 2013, "times": -1, "call": "delete"}));
    let run = account.run(&delete(&["--json", "1", "2", "99"])).exits(1);
    let lines = run.json();
    let of = |id: i64| lines.iter().find(|line| line["file_id"] == id).unwrap_or_else(|| panic!("{run:#?}"));
    assert_eq!(
        (&of(1)["outcome"], &of(1)["evidence"], &of(1)["index"]),
        (&json!("deleted"), &json!("answer"), &json!(0))
    );
    assert_eq!((&of(2)["outcome"], &of(2)["error"]["api_code"]), (&json!("failed"), &json!(2013)));
    assert_eq!(of(99)["outcome"], "already_absent");
    let counts = json!({"total": 3, "deleted": 1, "already_absent": 1, "failed": 1, "unknown": 0, "not_attempted": 0, "kept": 0});
    assert_eq!((lines.len(), lines.last()), (4, Some(&counts)));
}

#[test]
fn one_that_is_refused_stops_no_other() {
    let account = Account::with("cli-delete-refused", 40);
    account.fault(json!({"code": 2013, "times": 30, "skip": 5, "call": "delete"}));
    let ids: Vec<_> = (1..=40).map(|id| id.to_string()).collect();
    let run = account.run(&delete(&ids.iter().map(String::as_str).collect::<Vec<_>>())).exits(1);
    assert_eq!(run.out, "40 files: 10 deleted, 30 failed\n");
    assert_eq!(run.err.matches(" failed: ").count(), 20, "{run:#?}");
    run.says(&["and 10 more; --json names them all"]);
    assert_eq!(account.ids().len(), 30);
}

#[test]
fn what_can_not_be_settled_is_unknown() {
    let account = Account::with("cli-delete-unknown", 2);
    account.fault(json!([
        {"file_id": 1, "call": "delete", "close_before_answer": "rst", "times": -1},
        {"file_id": 1, "call": "retrieve", "shape": "html_502", "times": -1},
    ]));
    let run = account.run(&delete(&["--timeout", "2s", "1", "2"])).exits(7);
    assert_eq!(run.out, "2 files: 1 deleted, 1 unknown\n");
    run.says(&["1 unknown: ", "the file may or may not be there still"]);
}

#[test]
fn a_refused_key_ends_it() {
    let account = Account::with("cli-delete-key", 9);
    let ids: Vec<_> = (1..=9).map(|id| id.to_string()).collect();
    let mut command = account.command(&delete(&ids.iter().map(String::as_str).collect::<Vec<_>>()));
    let run = run(command.env("MINIMAX_API_KEY", "sk-api-of-another"), "").exits(3);
    assert!(run.out.contains("not attempted") && run.out.starts_with("9 files: "), "{run:#?}");
    run.says(&["(127.0.0.1, key …ther)", "api.minimax.io"]);
    assert_eq!(account.ids().len(), 9);
}

#[test]
fn an_empty_purse_ends_it() {
    let account = Account::with("cli-delete-purse", 3);
    account.fault(json!({"code": 1008, "times": -1}));
    let run = account.run(&delete(&["--json", "--concurrency", "1", "1", "2", "3"])).exits(4);
    assert_eq!(run.json().last().map(|counts| counts["not_attempted"].clone()), Some(json!(2)), "{run:#?}");
}

#[test]
fn a_service_that_is_away_is_the_network() {
    let mut command = command(&delete(&["1", "2"]));
    let run = run(command.env("MINIMAX_API_KEY", API_KEY).env("MINIMAX_BASE_URL", "http://127.0.0.1:9"), "").exits(5);
    assert_eq!(run.out, "2 files: 2 failed\n");
}

#[test]
fn a_short_key_is_not_shown() {
    let account = Account::with("cli-delete-short-key", 1);
    let run = run(account.command(&delete(&["1"])).env("MINIMAX_API_KEY", "short-key"), "").exits(3);
    assert!(run.err.contains("key …)") && !run.err.contains("-key"), "{run:#?}");
}

#[test]
fn no_more_at_once_than_is_said() {
    let account = Account::with("cli-delete-concurrency", 12);
    let ids: Vec<_> = (1..=12).map(|id| id.to_string()).collect();
    let mut arguments = delete(&["--concurrency", "3"]);
    arguments.extend(ids.iter().map(String::as_str));
    account.fault(json!({"delay_ms": 20, "times": -1}));
    account.run(&arguments).exits(0);
    let connections: Vec<Value> = serde_json::from_str(&account.get("connections")).unwrap();
    assert!((2..=3).contains(&connections.len()), "{connections:#?}");
    for wrong in ["0", "1001", "-1", "x"] {
        account.run(&["delete", "--yes", "--purpose", "voice_clone", &format!("--concurrency={wrong}"), "1"]).exits(2);
    }
}

#[test]
fn a_reader_that_leaves_ends_the_run_with_what_is_under_way() {
    let account = Account::with("cli-delete-head", 300);
    account.fault(json!({"delay_ms": 5, "times": -1}));
    let ids: Vec<_> = (1..=300).map(|id| id.to_string()).collect();
    let mut arguments = delete(&["--json"]);
    arguments.extend(ids.iter().map(String::as_str));
    let mut command = account.command(&arguments);
    let pipes = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = pipes.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let run = end(child).exits(7);
    assert_eq!(run.err, "deleting 300 files of voice_clone (127.0.0.1, key …dbox)\n");
    assert!(account.ids().len() > 200, "it went on without a reader");
}

#[test]
fn a_reader_that_leaves_an_array_hides_no_failure() {
    let account = Account::with("cli-delete-array-head", 2);
    account.fault(json!({"code": 2013, "times": -1, "call": "delete"}));
    let mut command = account.command(&delete(&["--json=array", "--concurrency", "1", "1", "2"]));
    let pipes = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = pipes.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let run = end(child);
    assert_ne!(run.code, Some(0), "{run:#?}");
}

#[test]
fn receipts_that_can_not_be_written_end_the_run() {
    let account = Account::with("cli-delete-full", 300);
    account.fault(json!({"delay_ms": 5, "times": -1}));
    let ids: Vec<_> = (1..=300).map(|id| id.to_string()).collect();
    let mut arguments = delete(&["--json"]);
    arguments.extend(ids.iter().map(String::as_str));
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = account.command(&arguments);
    let child = command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).spawn();
    end(child.unwrap()).exits(7).says(&["standard output can't be written"]);
    assert!(account.ids().len() > 200);
}
