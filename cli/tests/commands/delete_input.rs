//! `delete -`: the ids on standard input.

use crate::harness::Account;
use serde_json::json;

#[test]
fn lines_say_which_and_what_for() {
    let account = Account::of(
        "cli-delete-lines",
        json!([
            {"file_id": 1, "purpose": "voice_clone"}, {"file_id": 2, "purpose": "t2a_async"},
            {"file_id": 3, "purpose": "voice_clone"}, {"file_id": 4, "purpose": "voice_clone"},
        ]),
    );
    let run =
        account.run_with(&["delete", "--yes", "--purpose", "voice_clone", "4", "-"], "1\n\n2\tt2a_async\r\n").exits(0);
    assert_eq!(run.out, "3 files: 3 deleted\n");
    assert!(run.err.starts_with("deleting 3 files of t2a_async, voice_clone ("), "{run:#?}");
    assert_eq!(account.ids(), [3]);
    account.run_with(&["delete", "--yes", "-"], "3 voice_clone").exits(0);
    assert_eq!(account.ids().len(), 0);
}

#[test]
fn one_wrong_line_and_nothing_is_sent() {
    let account = Account::with("cli-delete-wrong-lines", 3);
    let wrong = [
        ("1 voice_clone\nx\n", "line 2 is no file id"),
        ("1 voice_clone\n2 /\n", "line 2 purpose must be"),
        ("1 voice_clone 7\n", "line 1 has more than an id and a purpose"),
        ("1 Voice!\n", "line 1 purpose must be"),
        ("1 voice_clone\n-2 voice_clone\n", "line 2 is no file id"),
        ("99999999999999999999 voice_clone\n", "line 1 is no file id"),
        ("1 voice_clone\n\u{1b}[2J\n", "line 2 is no file id"),
    ];
    for (input, why) in wrong {
        let run = account.run_with(&["delete", "--yes", "-"], input).exits(2).says(&[why, "nothing was sent"]);
        assert!(!run.err.contains('\u{1b}'), "{run:#?}");
    }
    account.run(&["delete", "--yes", "--purpose", "voice_clone", "1", "x"]).exits(2).says(&["\"x\" is no file id"]);
    account.run(&["delete", "--yes", "--purpose", "voice_clone", "-1"]).exits(2);
    account.run(&["delete", "--yes"]).exits(2);
    assert_eq!((account.ids().len(), account.journal().len()), (3, 0));
}

#[test]
fn no_lines_are_no_files() {
    let account = Account::with("cli-delete-no-lines", 1);
    let run = account.run_with(&["delete", "--yes", "--purpose", "voice_clone", "-"], "\n").exits(0);
    assert_eq!((run.out.as_str(), account.journal().len()), ("0 files\n", 0));
}
