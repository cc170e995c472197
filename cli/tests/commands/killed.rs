//! `kill -9` in the middle of a prune, at many points, and a second run with the same journal: the server ends as one
//! whole run would leave it, and every file is reported once.

use crate::files::{LONG_AGO, file, folder, lines, now, path};
use crate::harness::{Account, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const KILLS: u64 = 200;
/// At least so many of them come between a request and its receipt.
const BETWEEN: usize = 50;
const AT_ONCE: u64 = 8;
/// Ids from here on are kept, by name, by age and by purpose.
const KEPT: i64 = 100;

#[test]
fn wherever_it_is_killed_a_second_run_ends_it() {
    let (next, between, resumed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed) as u64;
                    if seed >= KILLS {
                        break;
                    }
                    let Came { was_between, was_resumed } = kill_and_go_on(seed);
                    between.fetch_add(usize::from(was_between), Ordering::Relaxed);
                    resumed.fetch_add(usize::from(was_resumed), Ordering::Relaxed);
                }
            });
        }
    });
    let (between, resumed) = (between.into_inner(), resumed.into_inner());
    assert!(between >= BETWEEN, "only {between} kills came between a request and its receipt");
    assert!(resumed >= between, "{resumed}");
}

struct Came {
    was_between: bool,
    was_resumed: bool,
}

fn kill_and_go_on(seed: u64) -> Came {
    let mut random = fastrand::Rng::with_seed(seed);
    let chosen = random.i64(10..=20);
    let mut files: Vec<_> = (1..=chosen).map(|id| file(id, "t2a_async", LONG_AGO)).collect();
    let mut master = file(KEPT, "t2a_async", LONG_AGO);
    master["filename"] = "master.tar".into();
    files.extend([master, file(KEPT + 1, "t2a_async", now()), file(KEPT + 2, "voice_clone", LONG_AGO)]);
    let account = Account::of(format!("cli-killed-{seed}").leak(), files.into());
    let folder = folder();
    let at = path(&folder, "journal");
    let journal = Path::new(&at);
    let arguments =
        ["prune", "--purpose", "t2a_async", "--older-than", "7d", "--keep", "master*", "--yes", "--journal", &at];

    let start = || {
        let command = &mut account.command(&arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command starts")
    };
    match seed % 4 {
        // Once the n-th request has arrived, whose answer never goes out, carried out or not.
        0 | 1 => {
            let skip = random.i64(0..chosen);
            account.fault(
                json!({"call": "delete", "skip": skip, "times": -1, "hang": true, "perform": seed.is_multiple_of(4)}),
            );
            let child = start();
            account.get(&format!("wait?call=delete&count={}", skip + 1));
            kill(child);
        }
        // Once so many lines are there.
        2 => {
            account.fault(json!({"call": "delete", "times": -1, "delay_ms": random.u64(0..=20)}));
            let (child, wanted) = (start(), random.usize(1..=usize::try_from(chosen).unwrap() + 2));
            until("the lines are there", || lines(journal).len() >= wanted);
            kill(child);
        }
        // Whenever.
        _ => {
            account.fault(json!({"times": -1, "delay_ms": random.u64(0..=10)}));
            let child = start();
            thread::sleep(Duration::from_micros(random.u64(0..=200_000)));
            kill(child);
        }
    }
    let receipts: BTreeSet<_> = lines(journal).iter().skip(1).filter_map(|line| line["file_id"].as_i64()).collect();
    let (has_begun, was_finished) =
        (!lines(journal).is_empty(), lines(journal).last().is_some_and(|line| line["finished"] == true));
    let before = deletes(&account);
    let was_between = before.iter().any(|id| !receipts.contains(id));
    assert!(has_begun || before.is_empty(), "seed {seed}: something was sent before it was written down");

    account.delete("faults");
    let second = account.run(&arguments);
    assert_eq!(second.code, Some(if was_finished { 2 } else { 0 }), "seed {seed}: {second:#?}");
    let sent_now = &deletes(&account)[before.len()..];
    assert!(sent_now.iter().all(|id| !receipts.contains(id)), "seed {seed}: sent again: {sent_now:?}, {receipts:?}");
    assert_eq!(account.ids(), [KEPT, KEPT + 1, KEPT + 2], "seed {seed}");
    check(journal, chosen, seed);
    Came { was_between, was_resumed: has_begun && !was_finished }
}

/// Nothing of it is caught, nothing tidied up.
fn kill(mut child: Child) {
    let _ = child.kill();
    child.wait().expect("a child of ours");
}

/// The ids whose delete arrived, in order.
fn deletes(account: &Account) -> Vec<i64> {
    let deletes = account.journal().into_iter().filter(|request| request["method"] == "POST");
    let id = |request: Value| {
        let body: Value = serde_json::from_str(request["body"].as_str()?).ok()?;
        body["file_id"].as_i64()
    };
    deletes.filter_map(id).collect()
}

/// Each file once, the counts as they are, and the end.
fn check(journal: &Path, chosen: i64, seed: u64) {
    let lines = lines(journal);
    let (Some(head), Some(last)) = (lines.first(), lines.last()) else { panic!("seed {seed}: no journal") };
    let receipts = &lines[1..lines.len() - 1];
    let total = usize::try_from(chosen).unwrap() + 1;
    assert_eq!((head["total"].as_u64(), receipts.len()), (Some(total as u64), total), "seed {seed}: {lines:#?}");
    let indexes: BTreeSet<_> = receipts.iter().filter_map(|line| line["index"].as_u64()).collect();
    assert_eq!(indexes.len(), total, "seed {seed}: a file is reported twice");
    let of = |kinds: &[&str]| {
        let is_of = |line: &&Value| kinds.iter().any(|kind| line["outcome"] == *kind);
        let mut ids: Vec<_> = receipts.iter().filter(is_of).filter_map(|line| line["file_id"].as_i64()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(of(&["deleted", "already_absent"]), (1..=chosen).collect::<Vec<_>>(), "seed {seed}: {lines:#?}");
    assert_eq!(of(&["kept"]), [KEPT], "seed {seed}");
    let gone = last["deleted"].as_i64().unwrap_or_default() + last["already_absent"].as_i64().unwrap_or_default();
    assert_eq!((&last["finished"], gone, &last["kept"]), (&json!(true), chosen, &json!(1)), "seed {seed}");
}
