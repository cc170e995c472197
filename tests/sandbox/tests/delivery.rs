//! The faults between a carried out call and the client.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use common::{Account, PROMPT, VOICE, Wire, account, account_over, client, read_all, read_answer};
use serde_json::{Value, json};

/// A connection that has asked for a delete under this fault.
fn asked(account: &Account, fault: Value) -> Box<dyn Wire> {
    account.fault(fault);
    let mut wire = account.connect();
    wire.write_all(&account.request(VOICE, "voice_clone")).unwrap();
    wire
}

fn is(end: std::io::Result<()>, close: &str) {
    match end {
        // Over TLS this takes a close_notify: without it, it would be UnexpectedEof.
        Ok(()) => assert_eq!(close, "fin"),
        Err(error) => assert_eq!((error.kind(), close), (ErrorKind::ConnectionReset, "rst")),
    }
}

/// The request was seen once and carried out, the connection ended from this side.
fn once(account: &Account) {
    assert_eq!((account.number("count"), account.number("count?performed=1")), (1, 1));
    assert_eq!(account.list("files").len(), 6);
    assert_eq!(account.closed(), "server");
}

#[test]
fn closed_before_the_answer() {
    for tls in [false, true] {
        for close in ["fin", "rst"] {
            let account = account_over(tls);
            let mut wire = asked(&account, json!({"close_before_answer": close}));
            let (bytes, end) = read_all(&mut *wire);
            assert_eq!(bytes, b"");
            is(end, close);
            once(&account);
            assert_eq!((&account.entry()["http_status"], &account.entry()["tls"]), (&Value::Null, &json!(tls)));
        }
    }
}

#[test]
fn cut_within_the_answer() {
    for tls in [false, true] {
        for (close, after) in [("fin", 0), ("fin", 40), ("rst", 40), ("rst", 200), ("fin", 5000)] {
            let account = account_over(tls);
            let mut wire = asked(&account, json!({"cut_after": after, "close": close}));
            let (bytes, end) = read_all(&mut *wire);
            let text = String::from_utf8_lossy(&bytes);
            assert!(bytes.len() == after || after == 5000 && text.ends_with(r#""success"}}"#), "{text}");
            is(end, close);
            once(&account);
            assert_eq!(account.entry()["http_status"].is_null(), after == 0);
        }
    }
}

#[test]
fn closed_after_an_answer_that_promised_otherwise() {
    for tls in [false, true] {
        for close in ["fin", "rst"] {
            let account = account_over(tls);
            let mut wire = asked(&account, json!({"close_after_answer": close}));
            let text = read_answer(&mut *wire);
            assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with(r#""success"}}"#));
            assert!(!text.to_ascii_lowercase().contains("connection:"));
            let (more, end) = read_all(&mut *wire);
            assert_eq!(more, b"");
            is(end, close);
            once(&account);
        }
    }
}

#[test]
fn a_plain_client_meets_stale_connections() {
    for tls in [false, true] {
        for close in ["fin", "rst"] {
            let account = account_over(tls);
            account.fault(json!({"close_after_answer": close, "times": 20}));
            for _ in 0..20 {
                let answer = account.delete(VOICE, "voice_clone").unwrap();
                assert!(answer["base_resp"].is_object());
                account.number("wait?open=0");
            }
            assert_eq!(account.delete(PROMPT, "prompt_audio").unwrap()["base_resp"]["status_code"], 0);
            assert_eq!(account.number(&format!("count?file_id={VOICE}")), 20);
            assert_eq!(account.number("count?performed=1"), 2);
            assert_eq!(account.list("connections").len(), 21);
        }
    }
}

#[test]
fn closed_when_idle() {
    for tls in [false, true] {
        for close in ["fin", "rst"] {
            let account = account_over(tls);
            let mut wire =
                asked(&account, json!({"close_after_idle_ms": if close == "fin" { 30 } else { 0 }, "close": close}));
            read_answer(&mut *wire);
            let (more, end) = read_all(&mut *wire);
            assert_eq!(more, b"");
            is(end, close);
            once(&account);
        }
        // A request in time keeps it open.
        let account = account_over(tls);
        let mut wire = asked(&account, json!({"close_after_idle_ms": 60_000}));
        read_answer(&mut *wire);
        wire.write_all(&account.request(PROMPT, "prompt_audio")).unwrap();
        assert!(read_answer(&mut *wire).contains("success"));
        assert_eq!((account.number("open"), account.list("connections")[0]["requests"].clone()), (1, json!(2)));
    }
}

#[test]
fn hanging_until_the_client_leaves() {
    for tls in [false, true] {
        for (fault, length) in [(json!({"hang": true}), 0), (json!({"hang_after": 30}), 30)] {
            let account = account_over(tls);
            let mut wire = asked(&account, fault);
            let mut bytes = vec![0; length];
            wire.read_exact(&mut bytes).unwrap();
            assert_eq!(account.number("wait?count=1&performed=1"), 1);
            assert_eq!(account.number("open"), 1);
            wire.tcp().set_nonblocking(true).unwrap();
            assert_eq!(wire.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
            drop(wire);
            assert_eq!(account.closed(), "fin");
        }
    }
}

#[test]
fn how_a_client_ends_is_told_apart() {
    for tls in [false, true] {
        for fault in [json!({"delay_ms": 60_000}), json!({"hang": true}), json!({})] {
            for reset in [false, true] {
                let account = account_over(tls);
                let mut wire = asked(&account, fault.clone());
                account.number("wait?count=1");
                if fault == json!({}) {
                    read_answer(&mut *wire);
                }
                if reset {
                    socket2::SockRef::from(wire.tcp()).set_linger(Some(Duration::ZERO)).unwrap();
                    drop(wire);
                } else {
                    wire.tcp().shutdown(Shutdown::Write).unwrap();
                }
                assert_eq!(account.closed(), if reset { "rst" } else { "fin" });
            }
        }
    }
}

#[test]
fn a_client_that_times_out_leaves_at_once() {
    let account = account();
    account.fault(json!({"delay_ms": 60_000}));
    let url = account.url() + "/v1/files/delete";
    let request = account.client.post(url).timeout(Duration::from_millis(50)).bearer_auth(mmx_sandbox::API_KEY);
    let error = request.json(&json!({"file_id": VOICE, "purpose": "voice_clone"})).send().unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(account.closed(), "fin");
    assert_eq!(account.entry()["performed"], true);
}

#[test]
fn delayed_and_trickled() {
    for tls in [false, true] {
        let account = account_over(tls);
        let start = Instant::now();
        let mut wire = asked(&account, json!({"delay_ms": 100, "trickle_ms": 1}));
        let text = read_answer(&mut *wire);
        assert!(text.ends_with(r#""success"}}"#));
        assert!(start.elapsed() >= Duration::from_millis(100 + 240));
        // The connection is as good as new.
        wire.write_all(&account.request(PROMPT, "prompt_audio")).unwrap();
        assert!(read_answer(&mut *wire).contains("success"));
        drop(wire);
        assert_eq!(account.closed(), "fin");
        let journal = account.list("journal");
        let times: Vec<_> = journal.iter().map(|entry| entry["at_ms"].as_u64().unwrap()).collect();
        assert!(times[1] - times[0] >= 340);

        account.fault(json!([{"delay_ms": 50}, {"trickle_ms": 1}]));
        assert!(account.delete(VOICE + 2, "t2a_async").is_ok());
        assert!(account.delete(VOICE + 3, "t2a_async_input").is_ok());
        assert_eq!(account.number("count?performed=1"), 4);
    }
}

#[test]
fn pipelined_requests_and_connection_close() {
    let account = account();
    account.fault(json!([{"skip": 1, "delay_ms": 20}, {"file_id": 1, "code": 1000}]));
    let mut wire = account.connect();
    let mut requests = [account.request(VOICE, "voice_clone"), account.request(PROMPT, "prompt_audio")].concat();
    let last = String::from_utf8(account.request(1, "voice_clone")).unwrap();
    requests.extend_from_slice(last.replace("\r\nHost", "\r\nConnection: close\r\nHost").as_bytes());
    wire.write_all(&requests).unwrap();
    let (bytes, end) = read_all(&mut *wire);
    end.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!((text.matches("HTTP/1.1 200 OK").count(), text.matches("Connection: close").count()), (3, 1));
    assert_eq!((account.number("count"), account.closed()), (3, json!("server")));
}

#[test]
fn many_clients_at_once() {
    let account = account();
    let (threads, each) = (64, 20);
    account.post("files", json!({"count": threads * each, "first_id": 1, "purpose": "voice_clone"}));
    account.fault(json!({"times": 100, "close_after_answer": "fin"}));
    let client = client(&account.sandbox);
    let url = account.url() + "/v1/files/delete";
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (client, url) = (&client, &url);
            scope.spawn(move || {
                for file_id in thread * each + 1..=(thread + 1) * each {
                    let body = json!({"file_id": file_id, "purpose": "voice_clone"});
                    // A request on a connection that has just been closed may fail; it was not seen then.
                    let _ = client.post(url).bearer_auth(mmx_sandbox::API_KEY).json(&body).send();
                }
            });
        }
    });
    let performed = account.number("count?performed=1");
    assert!(performed >= (threads * each - 100) as u64);
    assert_eq!(account.list("files").len() as u64, 7 + (threads * each) as u64 - performed);
}
