//! Accounts that take so many requests a minute.

mod common;

use common::{VOICE, account, account_over, client};
use serde_json::{Value, json};

#[test]
fn what_comes_too_fast_is_refused() {
    for tls in [false, true] {
        let account = account_over(tls);
        account.post("settings", json!({"requests_per_minute": 2}));
        account.fault(json!({"skip": 1, "code": 1013}));
        let codes: Vec<_> = (0..4).map(|_| account.get_json("list")["base_resp"]["status_code"].clone()).collect();
        assert_eq!(codes, [0, 1013, 1002, 1002]);
        let refused = account.delete(VOICE, "voice_clone").unwrap();
        assert_eq!(refused, json!({"base_resp": {"status_code": 1002, "status_msg": "rate limit exceeded(RPM)"}}));
        assert_eq!((account.number("throttled"), account.list("files").len(), account.number("open")), (3, 7, 1));
        let journal = account.list("journal");
        let told: Vec<_> = journal.iter().map(|entry| (&entry["fault"], &entry["performed"])).collect();
        let (no, yes, throttled) = (json!(false), json!(true), json!("throttled"));
        assert_eq!(told[0], (&Value::Null, &yes));
        assert_eq!(told[2..], [(&throttled, &no); 3]);
        // As new: no limit, nothing counted.
        account.post("reset", json!({}));
        assert_eq!(
            (account.number("throttled"), account.get_json("list")["base_resp"]["status_code"].as_i64()),
            (0, Some(0))
        );
    }
}

#[test]
fn it_is_refused_by_any_of_the_codes_or_by_the_status() {
    let account = account();
    for code in [1002, 1039, 1041, 2045, 429] {
        account.post("settings", json!({"requests_per_minute": 1, "throttle": code}));
        account.get("list");
        let answer = account.get("list");
        match code {
            429 => assert_eq!((answer.status().as_u16(), answer.text().unwrap()), (429, "Too Many Requests".into())),
            _ => assert_eq!(answer.json::<Value>().unwrap()["base_resp"]["status_code"], code),
        }
    }
}

#[test]
fn requests_are_taken_again_as_the_time_passes() {
    for window in ["sliding", "fixed"] {
        let account = account();
        account.post("settings", json!({"requests_per_minute": 600, "window_ms": 200, "window": window}));
        let mut taken = 0;
        for _ in 0..100_000 {
            taken += u32::from(account.get_json("list")["base_resp"]["status_code"] == 0);
            if taken == 7 {
                break;
            }
        }
        assert_eq!(taken, 7);
        let times: Vec<_> = account.list("journal").iter().filter(|entry| entry["fault"].is_null()).map(at).collect();
        match window {
            // Two in each.
            "sliding" => assert!(times[6] - times[0] >= 600, "{times:?}"),
            _ => assert!(times[6] / 200 - times[0] / 200 >= 3, "{times:?}"),
        }
    }
}

fn at(entry: &Value) -> u64 {
    entry["at_ms"].as_u64().unwrap()
}

#[test]
fn settings_that_make_no_sense() {
    let account = account();
    let url = account.sandbox.control_url("one") + "/settings";
    for settings in [
        json!({"requests_per_minute": 0}),
        json!({"requests_per_minute": -1}),
        json!({"requests_per_minute": 1, "window_ms": 0}),
        json!({"requests_per_minute": 1, "window_ms": 60_001}),
        json!({"requests_per_minute": 1, "window": "round"}),
        json!({"requests_per_minute": 1, "throttle": 1004}),
        json!({"window_ms": 100}),
        json!({"throttle": 1002}),
        json!({"window": "fixed"}),
        json!({"requests": 1}),
    ] {
        let answer = client(&account.sandbox).post(&url).json(&settings).send().unwrap();
        assert_eq!(answer.status(), 400, "{settings}");
    }
    assert_eq!(serde_json::from_str::<Value>(&account.control("settings")).unwrap(), json!({"http_links": false}));
}
