//! `info`

use crate::harness::Account;
use serde_json::{Value, json};

fn files() -> Value {
    json!([
        {"file_id": 11, "purpose": "voice_clone", "bytes": 1536, "created_at": 1700469398, "filename": "a.mp3"},
        {"file_id": 12, "purpose": "t2a_async", "created_at": 0, "filename": "b.tar"},
    ])
}

#[test]
fn a_block_of_lines_a_file() {
    let account = Account::of("cli-info", files());
    let run = account.run(&["info", "11", "12"]).exits(0);
    let begins = "file id   11\nname      a.mp3\npurpose   voice_clone\ncreated   2023-11-20 08:36:38Z\n\
                  size      1.50 KiB\nlink      http://127.0.0.2:";
    assert!(run.out.starts_with(begins), "{run:#?}");
    assert!(
        run.out.contains("\n\nfile id   12\nname      b.tar\n") && run.out.contains("size      unknown"),
        "{run:#?}"
    );
}

#[test]
fn one_that_is_missing_stops_no_other() {
    let account = Account::of("cli-info-missing", files());
    let run = account.run(&["info", "99", "11"]).exits(1).says(&["mmx-files info: 99: ", "file id   11", "trace id "]);
    assert!(run.out.starts_with("file id   11"), "{run:#?}");
    let run = account.run(&["info", "--json", "11", "99"]).exits(1);
    let [found, missing] = &run.json()[..] else { panic!("{run:#?}") };
    assert_eq!((&found["file_id"], &found["answer"]["file"]["filename"]), (&json!(11), &json!("a.mp3")));
    assert_eq!((&missing["file_id"], &missing["answer"]), (&json!(99), &json!(null)));
    assert!(missing["error"]["api_code"].as_i64() > Some(0) && found["error"].is_null(), "{run:#?}");
}

#[test]
fn what_is_no_id_is_refused() {
    let account = Account::empty("cli-info-wrong");
    for wrong in ["0", "-1", "1.5", "x", "9223372036854775808", ""] {
        account.run(&["info", "--", wrong]).exits(2).says(&["is no file id"]);
    }
    account.run(&["info"]).exits(2);
    assert_eq!(account.journal().len(), 0);
}
