//! The options for the way to the service, each by its effect.

use crate::harness::{Account, command, run, sandbox};
use mmx_sandbox::API_KEY;
use serde_json::{Value, json};

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
