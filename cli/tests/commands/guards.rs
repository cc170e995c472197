//! The guards of `prune`: each fails closed.

use crate::files::{LONG_AGO, file, folder, mixed, path};
use crate::harness::{Account, run};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

const ALL: [&str; 3] = ["prune", "--all", "--yes"];

fn all<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&ALL[..], more].concat()
}

/// An account with files of these names and ids from 1 on.
fn named(account: &'static str, names: &[&str]) -> Account {
    let files = names.iter().zip(1..).map(|(name, id)| {
        let mut file = file(id, "voice_clone", LONG_AGO);
        file["filename"] = (*name).into();
        file
    });
    Account::of(account, files.collect())
}

/// An old file without a name, and one with.
fn nameless(name: &'static str) -> Account {
    let mut files = [file(1, "t2a_async", LONG_AGO), file(2, "t2a_async", LONG_AGO)];
    files[0]["filename"] = "".into();
    Account::of(name, files.into_iter().collect())
}

#[test]
fn a_name_that_the_service_does_not_say_stops_what_asks_for_it() {
    let account = nameless("cli-guards-nameless");
    for asks in [["--keep", "master-*"], ["--keep-name", "x.tar"], ["--name", "*"]] {
        let prune = [&["prune", "--older-than", "7d", "--yes"], &asks[..]].concat();
        account.run(&prune).exits(6).says(&["the names of 1 file, namely 1,", "no delete was sent", "--keep-from"]);
    }
    assert_eq!((account.ids(), account.sent("delete")), (vec![1, 2], 0));
    let keep = ["prune", "--older-than", "7d", "--yes", "--keep", "master-*", "--keep-from", "-"];
    account.run_with(&keep, "1\n").exits(0);
    account.run(&["prune", "--older-than", "7d", "--yes", "--name", "*.tar"]).exits(0);
    assert_eq!(account.ids(), [1]);
    account.run(&["prune", "--older-than", "7d", "--yes"]).exits(0);
    assert_eq!(account.ids(), [0_i64; 0]);
}

#[test]
fn an_empty_file_of_ids_to_keep_protects_nothing() {
    let (account, folder) = (mixed("cli-keep-empty"), folder());
    let keep = path(&folder, "precious.txt");
    for text in ["", "\n", " \n\t\n"] {
        fs::write(&keep, text).unwrap();
        let run = account.run(&all(&["--keep-from", &keep])).exits(2);
        run.says(&["precious.txt has no id in it", "--keep-from-may-be-empty", "nothing was sent"]);
        account.run(&all(&["--keep-from", &keep, "--dry-run"])).exits(2);
        account.run_with(&all(&["--keep-from", "-"]), text).exits(2).says(&["standard input has no id in it"]);
    }
    assert_eq!((account.journal().len(), account.ids().len()), (0, 9));
    account.run(&all(&["--keep-from-may-be-empty"])).exits(2);
    account.run(&all(&["--keep-from", &keep, "--keep-from-may-be-empty"])).exits(0).says(&["9 files: 9 deleted"]);
}

#[test]
fn a_producer_that_failed_protects_nothing() {
    let account = mixed("cli-keep-producer");
    let mut shell = Command::new("bash");
    let ours = account.command(&[]);
    shell.args(["-c", "false | \"$0\" \"$@\"", env!("CARGO_BIN_EXE_mmx-files")]).args(all(&["--keep-from", "-"]));
    shell.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(&mut shell, "").exits(2).says(&["standard input has no id in it", "nothing was sent"]);
    assert_eq!((account.journal().len(), account.ids().len()), (0, 9));
}

#[test]
fn an_empty_pattern_or_name_is_refused() {
    let account = mixed("cli-keep-pattern");
    for (more, says) in [
        (["--keep", ""], "--keep is no pattern such as"),
        (["--keep", "**"], "--keep is no pattern such as"),
        (["--keep-name", ""], "--keep-name"),
        (["--name", ""], "--name is no pattern such as"),
    ] {
        account.run(&all(&more)).exits(2).says(&[says]);
    }
    assert_eq!((account.journal().len(), account.ids().len()), (0, 9));
}

#[test]
fn a_name_in_either_normal_form_is_the_same() {
    let (composed, decomposed) = ("M\u{fc}ller", "Mu\u{308}ller");
    for (one, other) in [(composed, decomposed), (decomposed, composed)] {
        let account = named("cli-keep-normal", &[&format!("{one}.mp3"), "other.mp3", "third.mp3"]);
        let pattern = format!("{other}*");
        account.run(&all(&["--keep", &pattern, "--keep", "third*"])).exits(0).says(&["3 files: 1 deleted, 2 kept"]);
        assert_eq!(account.ids(), [1, 3]);
        account.run(&all(&["--keep-name", &format!("{other}.mp3")])).exits(0);
        assert_eq!(account.ids(), [1]);
        account.run(&["prune", "--yes", "--name", &pattern]).exits(0);
        assert_eq!(account.ids().len(), 0);
    }
}

#[test]
fn the_effect_of_each_is_reported() {
    let account = named("cli-keep-counts", &["take[1].mp3", "a-1.mp3", "a-2.mp3", "b.mp3"]);
    let keeps = ["--keep", "a-*", "--keep", "take[1].mp3", "--keep-name", "b.mp3", "--keep-name", "c.mp3"];
    let run =
        account.run_with(&[&["prune", "--all", "--dry-run", "--keep-from", "-"], &keeps[..]].concat(), "4\n42\n43\n");
    run.exits(0).says(&[
        "--keep \"a-*\" keeps 2 files\n",
        "--keep \"take[1].mp3\" keeps no file: no listed name matches it; for an exact name there is --keep-name\n",
        "--keep-name \"b.mp3\" keeps 1 file\n",
        "--keep-name \"c.mp3\" keeps no file: no listed file has this name\n",
        "--keep-from: 3 ids keep 1 file\n",
        "--keep-from: 2 of them keep nothing: no listed file has these ids: 42, 43\n",
    ]);
    // With --json a pattern that keeps nothing is reported, too.
    let run = account.run(&all(&["--keep", "nothing-*", "--json"])).exits(0);
    assert!(run.err.contains("--keep \"nothing-*\" keeps no file: no listed name matches it"), "{run:#?}");
}

#[test]
fn a_name_is_kept_that_is_no_pattern() {
    let account = named("cli-keep-name", &["take[1].mp3", "take1.mp3"]);
    let run = account.run(&all(&["--keep-name", "take[1].mp3"])).exits(0);
    run.says(&["--keep-name \"take[1].mp3\" keeps 1 file", "2 files: 1 deleted, 1 kept"]);
    assert_eq!(account.ids(), [1]);
}

#[test]
fn a_pattern_for_files_that_stay_anyway_is_reported() {
    let account = mixed("cli-keep-unneeded");
    // 6 is new, 7 of another purpose.
    let arguments = ["prune", "--purpose", "t2a_async", "--older-than", "7d", "--dry-run", "--keep", "6*"];
    let run = account.run_with(&[&arguments[..], &["--keep-from", "-"]].concat(), "6\n7\n").exits(0);
    run.says(&[
        "--keep \"6*\" keeps no file: 1 listed file matches it, but would not be deleted anyway\n",
        "--keep-from: 2 ids keep no file\n",
        "--keep-from: 1 of them keeps nothing: no listed file has this id: 7\n",
    ]);
}

#[test]
fn the_plan_for_programs_counts_them() {
    let account = named("cli-keep-json", &["a.mp3", "b.mp3"]);
    let arguments = ["prune", "--all", "--dry-run", "--json", "--keep", "a*", "--keep-name", "c", "--keep-from", "-"];
    let run = account.run_with(&arguments, "1\n42\n").exits(0);
    let [plan] = &run.json()[..] else { panic!("{run:#?}") };
    let keeps = json!([
        {"keep_glob": "a*", "kept": 1, "listed": 1},
        {"keep_name": "c", "kept": 0, "listed": 0},
        {"keep_id": 1, "kept": 1, "listed": 1},
        {"keep_id": 42, "kept": 0, "listed": 0},
    ]);
    assert_eq!((&plan["keeps"], &plan["kept"]), (&keeps, &json!(1)));
    assert_eq!((&plan["filter"]["keep_globs"], &plan["filter"]["keep_names"]), (&json!(["a*"]), &json!(["c"])));
}

#[test]
fn most_is_a_number_or_a_share() {
    let account = mixed("cli-most");
    let old = ["prune", "--purpose", "t2a_async", "--older-than", "7d", "--yes"];
    let with = |more: &[&str]| account.run(&[&old[..], more].concat());
    for more in [
        &["--max-files", "5"][..],
        &["--max-percent", "50"],
        &["--max-percent", "50%"],
        &["--at-most", "5"],
        &["--at-most", "50%"],
        &["--max-files", "6", "--max-percent", "74"],
        &["--max-files", "5", "--max-percent", "75"],
    ] {
        with(more).exits(6).says(&["would be deleted, more than the"]);
    }
    for more in [["--max-files", "5%"], ["--max-percent", "101"], ["--max-percent", "-1"], ["--max-files", ""]] {
        with(&more).exits(2);
    }
    with(&["--max-files", "5", "--at-most", "5"]).exits(2).says(&["cannot be used with"]);
    assert_eq!((account.ids().len(), account.sent("delete")), (9, 0));
    with(&["--max-files", "6", "--max-percent", "75%"]).exits(0).says(&["6 files: 6 deleted"]);
}

#[test]
fn a_pattern_of_many_stars_needs_no_stack() {
    let name = "a".repeat(6000);
    let account = named("cli-keep-stars", &[&name]);
    let pattern = "*a".repeat(600) + "b";
    let run = account.run(&["prune", "--name", &pattern, "--dry-run", "--json"]).exits(0);
    let plan: Value = run.json().remove(0);
    assert_eq!((&plan["listed"], &plan["matched"]), (&json!(1), &json!(0)));
}
