//! The options for the way to the service, each by its effect.

use crate::files::{folder, path};
use crate::harness::{Account, command, run, sandbox};
use mmx_sandbox::API_KEY;
use serde_json::{Value, json};
use std::fs;

#[test]
fn base_url_goes_before_the_environment() {
    let (account, other) = (Account::with("cli-base-url", 1), Account::with("cli-base-url-other", 2));
    let run = account.run(&["list", "--base-url", &other.url(), "--json"]).exits(0);
    assert_eq!(run.json().len(), 2);
    assert_eq!((account.journal().len(), other.journal().len()), (0, 1));
    // The options of every command may also stand before it.
    account.run(&["--base-url", &other.url(), "list"]).exits(0);
    assert_eq!(other.journal().len(), 2);
}

#[test]
fn the_command_says_who_it_is() {
    let account = Account::empty("cli-user-agent");
    account.run(&["list"]).exits(0);
    let agent = concat!("mmx-files/", env!("CARGO_PKG_VERSION"), " libmmx/");
    assert!(account.get("journal").contains(agent), "{}", account.get("journal"));
}

#[test]
fn the_key_is_in_a_file() {
    let (account, folder) = (Account::empty("cli-key-file"), folder());
    let (at, none, odd) = (path(&folder, "key"), path(&folder, "none"), path(&folder, "odd"));
    fs::write(&at, format!("{API_KEY}\n")).unwrap();
    fs::write(&odd, "sk with space").unwrap();
    let with = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = command(arguments);
        command.env("MINIMAX_BASE_URL", account.url()).envs(variables.iter().copied());
        run(&mut command, "")
    };
    with(&["list", "--api-key-file", &at], &[]).exits(0).says(&["key …dbox"]);
    with(&["list"], &[("MINIMAX_API_KEY_FILE", &at)]).exits(0);
    // The option goes before the environment, and there the key before its file.
    with(&["list", "--api-key-file", &at], &[("MINIMAX_API_KEY", "sk-api-of-another")]).exits(0);
    with(&["list"], &[("MINIMAX_API_KEY", API_KEY), ("MINIMAX_API_KEY_FILE", &none)]).exits(0);
    let requests = account.journal().len();
    with(&["list", "--api-key-file", &none], &[]).exits(3).says(&["--api-key-file: ", &none, "no such file"]);
    with(&["list"], &[("MINIMAX_API_KEY_FILE", &none)]).exits(3).says(&[&none, "(from MINIMAX_API_KEY_FILE)"]);
    for (arguments, variable) in [(&["list", "--api-key-file", &odd][..], ""), (&["list"], odd.as_str())] {
        let refused = with(arguments, &[("MINIMAX_API_KEY_FILE", variable)]).exits(3).says(&[&odd]);
        assert!(!refused.err.contains("sk with"), "{refused:#?}");
    }
    with(&["list"], &[]).exits(3).says(&["MINIMAX_API_KEY_FILE", "--api-key-file"]);
    assert_eq!(account.journal().len(), requests);
}

#[test]
fn headers_of_one_s_own() {
    let account = Account::with("cli-header", 1);
    let more = ["--verbose", "--header", "X-Team: speech", "--header", "X-Gate:s3cr3t-value", "--header", "X-Team: b"];
    let run = account.run(&[&["info", "1"], &more[..]].concat()).exits(0);
    assert!(!run.err.contains("s3cr3t") && !run.err.contains("speech"), "{run:#?}");
    let sent = account.journal()[0]["headers"].to_string();
    for value in ["speech", "s3cr3t-value", "\"b\""] {
        assert!(sent.contains(value), "{sent}");
    }
    account.fault(json!({"code": 2013, "message": "no s3cr3t-value here"}));
    let run = account.run(&[&["list"], &more[1..]].concat()).exits(1);
    assert!(!run.err.contains("s3cr3t"), "{run:#?}");
    let requests = account.journal().len();
    for (wrong, says) in [
        ("Authorization: s3cr3t", "authorization is not for a caller to set"),
        ("Host: s3cr3t", "host is not for a caller to set"),
        ("Content-Type: s3cr3t", "content-type is not for a caller to set"),
        ("X Team: s3cr3t", "is not the name of a header"),
        ("X-Team: s3cr3t\u{e4}", "must be printable ASCII"),
        ("X-Team:", "must be printable ASCII, not empty"),
        ("s3cr3t", "'Name: value'"),
    ] {
        let run = account.run(&["list", "--header", wrong]).exits(2).says(&["--header: ", says, "nothing was sent"]);
        assert!(!run.err.contains("s3cr3t"), "{run:#?}");
    }
    assert_eq!(account.journal().len(), requests);
}

#[test]
fn timeout_bounds_a_call() {
    let account = Account::empty("cli-timeout");
    account.fault(json!({"hang": true, "times": -1}));
    account.run(&["list", "--timeout", "300ms"]).exits(5).says(&["300 ms"]);
    account.post("reset", json!({}));
    account.run(&["list", "--timeout", "none"]).exits(0);
}

#[test]
fn certificates_beside_the_system_s() {
    let account = Account::with("cli-ca-file", 1);
    let url = sandbox().https_account_url("cli-ca-file");
    account.run(&["list", "--base-url", &url]).exits(5).says(&["certificate"]);
    let ca_file = sandbox().ca_file().to_str().expect("a path");
    account.run(&["list", "--base-url", &url, "--ca-file", ca_file]).exits(0);
}

#[test]
fn a_proxy_and_none() {
    let account = Account::with("cli-proxy", 1);
    account.run(&["list", "--proxy", sandbox().proxy_url(), "--allow-insecure"]).exits(0);
    let seen = account.get("../proxies/default");
    assert!(seen.contains("/t/cli-proxy/"), "{seen}");
    // This machine in a shape that no rule for loopback knows, and a proxy of the environment that isn't there.
    let url = account.url().replace("127.0.0.1", "[::ffff:127.0.0.1]");
    let with = |more: &[&str]| {
        let arguments = [&["list", "--timeout", "5s", "--allow-insecure", "--base-url", &url], more].concat();
        run(account.command(&arguments).env("HTTP_PROXY", "http://127.0.0.1:9"), "")
    };
    with(&[]).exits(5);
    with(&["--proxy", "none"]).exits(0);
}

#[test]
fn requests_per_minute_hold_requests_back() {
    let account = Account::with("cli-rate", 3);
    // At one a minute the second of them has no time left.
    let arguments = ["info", "--requests-per-minute", "1", "--timeout", "200ms", "--verbose", "1", "2", "3"];
    let run = account.run(&arguments);
    assert!(account.journal().len() < 3, "{run:#?}");
    assert_ne!(run.code, Some(0));
}

#[test]
fn verbose_writes_an_event_a_line() {
    let account = Account::empty("cli-verbose");
    let run = account.run(&["list", "--verbose"]).exits(0);
    let events: Vec<Value> = run.err.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(events.len() >= 2 && events.iter().all(|event| event["call"] == "list_files"), "{run:#?}");
    assert!(!run.err.contains(API_KEY), "{run:#?}");
    assert_eq!(account.run(&["list"]).exits(0).err.lines().count(), 1);
}

#[test]
fn unencrypted_only_when_asked_for() {
    // Nothing listens there; it is our own check that must let it pass.
    let arguments = ["list", "--timeout", "300ms", "--base-url", "http://192.0.2.1", "--proxy", "http://127.0.0.1:9"];
    run(command(&arguments).env("MINIMAX_API_KEY", API_KEY), "").exits(2).says(&["--allow-insecure"]);
    let allowed = [&arguments[..], &["--allow-insecure"]].concat();
    run(command(&allowed).env("MINIMAX_API_KEY", API_KEY), "").exits(5);
}
