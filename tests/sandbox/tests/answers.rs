//! The faults that replace or bend the answer.

mod common;

use std::io::{Read, Write};

use common::{Account, VOICE, account, account_over, read_all, read_answer};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

struct Seen {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    performed: bool,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// One delete under one fault, on a fresh account.
fn under(account: &Account, fault: Value) -> Seen {
    account.post("reset", json!({}));
    account.fault(fault);
    let response = account.send(VOICE, "voice_clone").unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().unwrap().to_vec();
    let entry = account.entry();
    assert_eq!(entry["http_status"], status);
    assert_eq!(account.list("faults").len(), 0);
    let performed = entry["performed"] == true;
    assert_eq!(account.list("files").len(), if performed { 6 } else { 7 });
    assert!(headers.contains_key("date"));
    Seen { status, headers, body, performed }
}

#[test]
fn codes_statuses_headers_and_bodies() {
    let account = account();
    let under = |fault| under(&account, fault);

    let seen = under(json!({"code": 1002, "headers": {"Retry-After": 2, "X-Two": ["a", "b"]}}));
    let wanted = json!({"status_code": 1002, "status_msg": "rate limit exceeded(RPM)"});
    assert_eq!((seen.status, seen.json()), (200, json!({"base_resp": wanted})));
    assert_eq!((seen.header("retry-after"), seen.header("trace-id").len(), seen.performed), ("2", 32, false));
    assert_eq!(seen.headers.get_all("x-two").iter().count(), 2);

    let seen = under(json!({"code": 77, "message": "what", "http_status": 429, "perform": true}));
    assert_eq!((seen.status, seen.performed), (429, true));
    assert_eq!(seen.json(), json!({"base_resp": {"status_code": 77, "status_msg": "what"}}));

    let seen = under(json!({"http_status": 503}));
    assert_eq!((seen.status, &seen.body[..], seen.performed), (503, &b"Service Unavailable"[..], false));
    let seen = under(json!({"http_status": 204}));
    assert_eq!((seen.status, seen.header("content-length")), (204, ""));

    let seen = under(json!({"headers": {"trace-id": null, "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}}));
    assert_eq!((seen.header("trace-id"), seen.header("date")), ("", "Thu, 01 Jan 2026 00:00:00 GMT"));
    assert!(seen.performed && account.entry()["trace_id"].is_null());

    let seen = under(json!({"body": "{\"a\":1}", "content_type": "text/x"}));
    assert_eq!((seen.header("content-type"), seen.json()), ("text/x", json!({"a": 1})));
    let seen = under(json!({"body_base64": "/wD+"}));
    assert_eq!((seen.body, seen.performed), (vec![0xff, 0, 0xfe], false));

    let seen = under(json!({"perform": false}));
    assert_eq!(seen.json()["base_resp"]["status_code"], 0);
    assert!(!seen.performed);
}

#[test]
fn shapes() {
    let account = account();
    let shape = |shape: &str| under(&account, json!({"shape": shape}));
    let success = json!({"status_code": 0, "status_msg": "success"});

    let seen = shape("html_502");
    assert_eq!((seen.status, seen.header("content-type")), (502, "text/html"));
    let seen = shape("text_404");
    assert_eq!((seen.status, &seen.body[..]), (404, &b"404 page not found"[..]));
    assert_eq!((shape("empty").body.len(), shape("null").json()), (0, Value::Null));
    let seen = shape("truncated_json");
    assert!(serde_json::from_slice::<Value>(&seen.body).unwrap_err().is_eof() && !seen.performed);
    let seen = shape("deep_nesting");
    assert!(seen.body.len() > 200_000 && seen.body.ends_with(b"}}"));
    let seen = shape("invalid_utf8");
    assert!(std::str::from_utf8(&seen.body).is_err() && seen.body.starts_with(b"{\"file_id\":176844028768320,"));
    assert_eq!(shape("no_base_resp").json(), json!({"file_id": VOICE}));
    assert_eq!(shape("base_resp_not_object").json(), json!({"file_id": VOICE, "base_resp": "success"}));
    assert_eq!(shape("status_code_string").json()["base_resp"]["status_code"], "0");
    let seen = shape("other_id");
    assert_eq!((seen.json(), seen.performed), (json!({"file_id": VOICE + 1, "base_resp": success}), false));
    let seen = shape("id_as_string");
    assert_eq!((&seen.json()["file_id"], seen.performed), (&json!("176844028768320"), true));
    let seen = shape("id_missing");
    assert_eq!((seen.json(), seen.performed), (json!({"base_resp": success}), true));
    let seen = shape("unknown_fields");
    assert!(seen.json()["extra"].is_object() && seen.performed);
    assert_eq!(seen.json()["base_resp"]["status_code"], 0);
    let seen = shape("json_text_plain");
    assert_eq!((seen.header("content-type"), seen.performed), ("text/plain; charset=utf-8", true));
    let seen = shape("informational");
    assert_eq!((seen.status, seen.performed), (200, true));

    let seen = shape("new_error");
    assert_eq!((seen.status, &seen.json()["type"]), (401, &json!("error")));
    assert_eq!(seen.json()["error"]["message"], "invalid api key (2049)");
    let seen = under(&account, json!({"shape": "new_error", "code": 1002, "message": "slow", "http_status": 429}));
    assert_eq!(seen.status, 429);
    let wanted = json!({"type": "rate_limit_error", "message": "slow (1002)", "http_code": "429"});
    assert_eq!(seen.json()["error"], wanted);
    // A code and a shape together: the error in that shape.
    let seen = under(&account, json!({"shape": "status_code_string", "code": 1013}));
    assert_eq!(seen.json()["base_resp"]["status_code"], "1013");
}

#[test]
fn a_redirect_that_is_followed_deletes() {
    let account = account();
    account.fault(json!({"shape": "redirect"}));
    let response = account.send(VOICE, "voice_clone").unwrap();
    assert_eq!(response.url().path(), "/t/one/redirected/v1/files/delete");
    let journal = account.list("journal");
    assert_eq!((&journal[0]["http_status"], &journal[0]["performed"]), (&json!(307), &json!(false)));
    assert_eq!(journal[1]["performed"], true);
}

#[test]
fn endless_bodies_end_with_the_client_or_at_64_mib() {
    for tls in [false, true] {
        for shape in ["endless", "endless_length"] {
            let account = account_over(tls);
            account.fault(json!({"shape": shape}));
            let mut response = account.send(VOICE, "voice_clone").unwrap();
            response.read_exact(&mut vec![0; 1 << 20]).unwrap();
            assert_eq!(account.number("open"), 1);
            drop(response);
            assert_ne!(account.closed(), "server");
        }
    }
    let account = account();
    account.fault(json!({"shape": "endless_length"}));
    let mut wire = account.connect();
    wire.write_all(&account.request(VOICE, "voice_clone")).unwrap();
    let (bytes, end) = read_all(&mut *wire);
    end.unwrap();
    assert!((64 << 20..65 << 20).contains(&bytes.len()), "{}", bytes.len());
}

#[test]
fn garbage_and_early_answers_on_the_wire() {
    let account = account();
    account.fault(json!([{"shape": "garbage", "cut_after": 1000}, {"shape": "informational"}]));
    assert!(account.send(VOICE, "voice_clone").unwrap_err().is_request());
    assert_eq!(
        (&account.entry()["http_status"], &account.entry()["fault"]),
        (&Value::Null, &json!("cut_after 1000, garbage"))
    );
    assert_eq!(account.number(&format!("count?file_id={VOICE}")), 1);

    let mut wire = account.connect();
    wire.write_all(&account.request(VOICE, "voice_clone")).unwrap();
    let mut early = [0; 25];
    wire.read_exact(&mut early).unwrap();
    assert_eq!(&early, b"HTTP/1.1 100 Continue\r\n\r\n");
    let mut hints = [0; 70];
    wire.read_exact(&mut hints).unwrap();
    assert!(hints.starts_with(b"HTTP/1.1 103 Early Hints\r\n"));
    assert!(read_answer(&mut *wire).ends_with(r#""success"}}"#));
}

#[test]
fn which_requests_a_fault_takes() {
    let account = account();
    let code = |id: i64| account.delete(id, "voice_clone").unwrap()["base_resp"]["status_code"].as_i64().unwrap();
    account.fault(json!([
        {"call": "list", "code": 1},
        {"file_id": 5, "code": 1005},
        {"skip": 1, "times": 2, "code": 1002},
    ]));
    assert_eq!([code(4), code(5), code(6), code(7), code(8)], [2013, 1005, 1002, 1002, 2013]);
    assert_eq!(account.list("faults"), [json!({"call": "list", "code": 1, "times": 1, "skip": 0})]);
    account.fault(json!({"name": "always", "times": -1, "code": 1000}));
    assert_eq!([code(1), code(2), code(3)], [1000; 3]);
    assert_eq!(account.list("journal")[7]["fault"], "always");

    let url = account.sandbox.control_url("one") + "/faults";
    account.client.delete(&url).send().unwrap();
    for (wrong, word) in [
        (json!({"dela_ms": 1}), "unknown field `dela_ms`"),
        (json!({"shape": "round"}), "unknown variant `round`"),
        (json!({"hang": true, "cut_after": 1}), "only one of"),
        (json!({"close": "rst"}), "close goes with"),
        (json!({"times": 0}), "times"),
        (json!([{}, {"http_status": 100}]), "http_status"),
        (json!(1), "invalid type"),
    ] {
        let response = account.client.post(&url).json(&wrong).send().unwrap();
        assert_eq!(response.status(), 400);
        let text = response.text().unwrap();
        assert!(text.contains(word), "{text}");
    }
    assert_eq!(account.list("faults").len(), 0);
}
