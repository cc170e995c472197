//! docs/json.md holds for the command, too: its results, its errors, plans and journals.

use crate::files::{folder, lines, mixed, path, read};
use crate::harness::{Account, Run};
use crate::schema::Part;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../../docs/json.md");
const OLD: [&str; 5] = ["prune", "--json", "--purpose", "t2a_async", "--older-than"];

/// An outcome for each file, then the summary.
#[track_caller]
fn check_bulk(page: &mut Part, run: &Run) {
    let lines = run.json();
    let (summary, outcomes) = lines.split_last().expect("a summary");
    outcomes.iter().for_each(|outcome| page.check("outcome", outcome));
    page.check("summary", summary);
}

fn check_journal(page: &mut Part, journal: &str) {
    let lines = lines(Path::new(journal));
    let [first, outcomes @ .., last] = &lines[..] else { panic!("{journal} is empty") };
    page.check("journal-first-line", first);
    outcomes.iter().for_each(|outcome| page.check("outcome", outcome));
    page.check("journal-last-line", last);
}

fn each_file(page: &mut Part) {
    let (account, folder) = (Account::with("cli-json", 9), folder());
    let (file, copy) = (path(&folder, "a.mp3"), path(&folder, "copy.mp3"));
    fs::write(&file, "abc").unwrap();
    let run = account.run(&["upload", "--json", "--purpose", "voice_clone", &file, &path(&folder, "none")]);
    run.json().iter().for_each(|line| page.check("upload-line", line));
    let run = account.run(&["info", "--json", "1", "999"]);
    run.json().iter().for_each(|line| page.check("info-line", line));
    let run = account.run(&["download", "--json", "1", "-o", &copy]).exits(0);
    page.check("download", &run.json()[0]);
    let run = account.run(&["download", "--json", "1", "999", "--directory", &path(&folder, "copies")]).exits(1);
    run.json().iter().for_each(|line| page.check("download-line", line));
    let uploaded = account.ids().last().expect("a file").to_string();
    let run = account.run(&["download", "--json", &uploaded, "-o", "-"]).exits(0);
    page.check("download", &serde_json::from_str(run.err.trim()).expect("a download"));
    // Without a Content-Length the length is null.
    account.fault(json!({ "no_length": true }));
    let run = account.run(&["download", "--json", &uploaded, "-o", &path(&folder, "no-length.mp3")]).exits(0);
    page.check("download", &run.json()[0]);
    let stopped = account.run(&["delete", "--json", "1"]).exits(2);
    page.check("error", &serde_json::from_str(stopped.err.trim()).expect("an error"));
    let usage = mixed("cli-json-usage").run(&["usage", "--json"]).exits(0);
    page.check("usage", &usage.json()[0]);
}

fn ledgers(page: &mut Part) {
    let (account, folder) = (Account::with("cli-json-ledger", 2), folder());
    let (file, ledger) = (path(&folder, "a.mp3"), path(&folder, "ledger.jsonl"));
    fs::write(&file, "abc").unwrap();
    let upload = ["upload", "--ledger", &ledger, "--purpose", "voice_clone", &file];
    account.run(&upload).exits(0);
    let kept = account.ids().last().expect("a file").to_string();
    let run = account.run(&["keep", "--json", "--ledger", &ledger, &kept, "999"]).exits(1);
    run.json().iter().for_each(|line| page.check("keep-line", line));
    // Two files fit an upload whose response is lost, and one a file that was taken.
    account.fault(json!({"call": "upload", "close_before_answer": "fin"}));
    account.run(&upload).exits(7);
    account.run(&["upload", "--purpose", "voice_clone", &file]).exits(0);
    account.fault(json!({"call": "delete", "code": 1004}));
    let take = ["take", "--json", "--ledger", &ledger, "-o", &path(&folder, "taken.mp3"), "--force"];
    page.check("take", &account.run(&[&take[..], &["1"]].concat()).exits(3).json()[0]);
    account.fault(json!([{"call": "retrieve_content", "no_length": true},
        {"call": "delete", "times": 4, "perform": false, "http_status": 503}]));
    account.fault(json!({"call": "retrieve", "skip": 1, "times": -1, "http_status": 503}));
    page.check("take", &account.run(&[&take[..], &["2"]].concat()).exits(7).json()[0]);
    account.delete("faults");
    page.check("take", &account.run(&[&take[..], &["2"]].concat()).exits(0).json()[0]);
    check_bulk(page, &account.run(&["sweep", "--json", "--ledger", &ledger]).exits(1));
}

fn many_files(page: &mut Part) {
    let (account, folder) = (mixed("cli-json-many"), folder());
    let (journal, plan, second) = (path(&folder, "journal"), path(&folder, "plan.json"), path(&folder, "second"));
    let run = account.run(&["delete", "--json", "--yes", "--purpose", "voice_clone", "7", "--journal", &journal]);
    check_bulk(page, &run.exits(0));
    check_journal(page, &journal);

    account.run(&[&OLD[..], &["7d", "--keep", "master*", "--plan", &plan]].concat()).exits(0);
    let written: Value = serde_json::from_str(&read(&plan)).expect("JSON");
    page.check("plan", &written);
    page.check("plan", &account.run(&[&OLD[..], &["7d", "--dry-run"]].concat()).exits(0).json()[0]);

    // Reported as deleted, and listed afterwards.
    account.fault(json!({"call": "delete", "file_id": 1, "perform": false}));
    let apply = ["prune", "--json", "--yes", "--apply", &plan, "--keep", "3*", "--verify", "--journal", &second];
    let run = account.run(&apply);
    check_bulk(page, &run);
    check_journal(page, &second);

    // A backup, of which one fails.
    let (to, fourth) = (path(&folder, "backup"), path(&folder, "fourth"));
    let saving = mixed("cli-json-backup");
    saving.fault(json!({"call": "retrieve_content", "file_id": 2, "code": 2013}));
    let run = saving.run(&[&OLD[..], &["7d", "--yes", "--backup", &to, "--journal", &fourth]].concat());
    check_bulk(page, &run.exits(1));
    check_journal(page, &fourth);
    lines(&Path::new(&to).join("backup.jsonl")).iter().for_each(|line| page.check("backup-line", line));

    // Every condition.
    let all = ["--name", "*", "--min-size", "1", "--keep", "1*", "--keep-name", "2.tar", "--keep-from", "-"];
    let more = ["--max-files", "99", "--max-percent", "99", "--all", "--dry-run"];
    let run = account.run_with(&[&["prune", "--json"], &all[..], &more].concat(), "3\n").exits(0);
    page.check("plan", &run.json()[0]);
    page.check("plan", &account.run(&["prune", "--json", "--all", "--dry-run"]).exits(0).json()[0]);

    // A run that was ended before its last line.
    let (account, third) = (mixed("cli-json-resumed"), path(&folder, "third"));
    let prune = [&OLD[..], &["7d", "--yes", "--journal", &third]].concat();
    account.run(&prune).exits(0);
    let text = read(&third);
    let whole: Vec<_> = text.split_inclusive('\n').take(3).collect();
    fs::write(&third, whole.concat()).unwrap();
    check_bulk(page, &account.run(&prune).exits(0));
    check_journal(page, &third);
}

#[test]
fn the_command_writes_what_the_page_says() {
    let mut page = Part::of(PAGE, "The command");
    each_file(&mut page);
    many_files(&mut page);
    ledgers(&mut page);
    assert_eq!(page.unseen(), [""; 0], "nothing printed has these");
}
