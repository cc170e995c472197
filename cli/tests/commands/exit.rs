//! The exit code says what a script can do about it; the text says what a person can.

use crate::harness::{Account, command, run};
use mmx_sandbox::API_KEY;
use serde_json::{Value, json};

#[test]
fn by_what_the_service_says() {
    let account = Account::empty("cli-exit");
    let cases = [
        (json!({"code": 1004}), 3, "it may belong to another region"),
        (json!({"code": 2049}), 3, "it may belong to another region"),
        (json!({"http_status": 403, "body": "no"}), 3, ""),
        (json!({"code": 2042}), 3, ""),
        (json!({"code": 1008}), 4, ""),
        (json!({"code": 2056}), 4, ""),
        (json!({"code": 2013}), 1, "2013"),
        (json!({"code": 4711}), 1, "4711"),
        (json!({"shape": "html_502", "times": 4}), 1, ""),
        (json!({"shape": "no_base_resp"}), 1, ""),
        (json!({"shape": "files_not_array"}), 1, ""),
        (json!({"close_before_answer": "rst", "times": 4}), 5, ""),
    ];
    for (fault, code, says) in cases {
        account.fault(fault);
        let run = account.run(&["list"]).exits(code).says(&[says]);
        assert!(
            run.err.starts_with("mmx-files list: ") && run.err.lines().count() == 1 && run.out.is_empty(),
            "{run:#?}"
        );
    }
    account.run(&["list"]).exits(0);
}

#[test]
fn the_rate() {
    let account = Account::empty("cli-exit-rate");
    account.fault(json!({"code": 1002, "times": -1, "headers": {"Retry-After": "0"}}));
    account.run(&["list"]).exits(4).says(&["1002"]);
}

#[test]
fn without_a_key_or_with_one_that_can_not_be() {
    for (key, says) in [("", "set MINIMAX_API_KEY"), ("sk with space", "(from MINIMAX_API_KEY)")] {
        let run = run(command(&["list"]).env("MINIMAX_API_KEY", key), "").exits(3).says(&[says]);
        assert!(!run.err.contains("sk with"), "{run:#?}");
    }
    run(&mut command(&["list"]), "").exits(3).says(&["set MINIMAX_API_KEY"]);
}

#[test]
fn wrong_arguments() {
    let wrong: [&[&str]; 9] = [
        &[],
        &["lst"],
        &["list", "more"],
        &["list", "--api-key", "sk-api-sandbox"],
        &["list", "--timeout", "soon"],
        &["list", "--requests-per-minute", "0"],
        &["upload", "a.mp3"],
        &["download"],
        &["download", "1", "2"],
    ];
    for arguments in wrong {
        let run = run(&mut command(arguments), "").exits(2);
        assert!(run.out.is_empty() && !run.err.is_empty(), "{run:#?}");
    }
    let settings: [(&[&str], &str); 5] = [
        (&["list", "--base-url", "api.minimax.io"], "--base-url is not a URL"),
        (&["list", "--base-url", "http://192.0.2.1"], "--allow-insecure"),
        (&["list", "--proxy", "ftp://127.0.0.1"], "--proxy"),
        (&["list", "--ca-file", "no/such/file"], "no/such/file can't be read"),
        (&["list", "--ca-file", "/dev/null"], "--ca-file is not a PEM file"),
    ];
    for (arguments, says) in settings {
        run(command(arguments).env("MINIMAX_API_KEY", API_KEY), "").exits(2).says(&[says]);
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let help = run(&mut command(&["--help"]), "").exits(0);
    for says in ["upload", "list", "info", "download", "delete", "usage", "MINIMAX_API_KEY", "Exit codes: 0 all done"] {
        assert!(help.out.contains(says), "{says}: {help:#?}");
    }
    let version = run(&mut command(&["--version"]), "").exits(0);
    assert_eq!(version.out, concat!("mmx-files ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn an_error_for_programs_is_a_line_of_json() {
    let account = Account::empty("cli-exit-json");
    account.fault(json!({"code": 2013, "headers": {"Trace-Id": "0123"}}));
    let of =
        |run: &crate::harness::Run| -> Value { serde_json::from_str(&run.err).unwrap_or_else(|_| panic!("{run:#?}")) };
    let error = of(&account.run(&["list", "--json"]).exits(1));
    assert_eq!((&error["status_name"], &error["api_code"]), (&json!("MMX_ERROR_INVALID_REQUEST"), &json!(2013)));
    assert_eq!((&error["trace_id"], &error["call"]), (&json!("0123"), &json!("list_files")));
    let error = of(&account.run(&["delete", "--json", "--purpose", "voice_clone", "1"]).exits(2));
    assert_eq!(error["status_name"], "MMX_ERROR_INVALID_ARGUMENT");
    let error = of(&run(&mut command(&["list", "--json"]), "").exits(3));
    assert_eq!(error["status_name"], "MMX_ERROR_AUTHENTICATION");
}
