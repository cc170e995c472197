//! Uploads that the server answers, or leaves alone, before they are over.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use common::{Account, Wire, account_over, read_all, read_answer};
use mmx_sandbox::API_KEY;
use serde_json::{Value, json};

const BODY: u64 = 64 << 20;

/// An upload that has announced 64 MiB.
fn started(account: &Account, fault: Value) -> Box<dyn Wire> {
    announced(account, fault, BODY)
}

fn announced(account: &Account, fault: Value, length: u64) -> Box<dyn Wire> {
    account.fault(fault);
    let mut wire = account.connect();
    let head = format!("POST /t/one/v1/files/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n");
    write!(wire, "{head}Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n").unwrap();
    wire.flush().unwrap();
    wire
}

/// Sends until the server takes no more, or to the end.
fn pour(wire: &mut dyn Wire, mut left: u64) -> std::io::Result<()> {
    let piece = vec![b'x'; 64 << 10];
    while left > 0 {
        let length = left.min(piece.len() as u64);
        wire.write_all(&piece[..length as usize])?;
        left -= length;
    }
    wire.flush()
}

#[test]
fn refused_at_the_head() {
    for tls in [false, true] {
        for close in [None, Some("fin"), Some("rst")] {
            let account = account_over(tls);
            let mut fault = json!({"refuse_after": 0, "code": 1004, "message": "no"});
            close.iter().for_each(|close| fault["close"] = json!(close));
            // Not a byte of the body: nothing is in the way of the answer then.
            let mut wire = started(&account, json!([fault]));
            let (bytes, end) = read_all(&mut *wire);
            let text = String::from_utf8_lossy(&bytes);
            assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("Connection: close\r\n"), "{text}");
            assert!(text.ends_with(r#"{"base_resp":{"status_code":1004,"status_msg":"no"}}"#), "{text}");
            match close {
                Some("rst") => assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset),
                _ => end.unwrap(),
            }
            let entry = account.entry();
            assert_eq!((&entry["http_status"], &entry["performed"]), (&json!(200), &json!(false)));
            assert_eq!((&entry["upload"]["body_bytes"], &entry["upload"]["complete"]), (&json!(0), &json!(false)));
            assert_eq!((account.closed(), account.list("files").len()), (json!("server"), 7));
        }
    }
}

#[test]
fn refused_in_the_middle() {
    for tls in [false, true] {
        let account = account_over(tls);
        let mut wire = started(&account, json!({"refuse_after": 3 << 20, "shape": "new_error", "code": 1008}));
        // Whoever sends on meets a reset.
        assert!(pour(&mut *wire, BODY).is_err());
        assert_eq!(account.closed(), "server");
        let entry = account.entry();
        let read = entry["upload"]["body_bytes"].as_u64().unwrap();
        assert!((3 << 20..5 << 20).contains(&read), "{read}");
        assert_eq!(entry["http_status"], 401);
        // Other calls leave it alone.
        account.fault(json!({"refuse_after": 0, "code": 1004}));
        assert_eq!(account.get_json("list")["base_resp"]["status_code"], 0);
        assert_eq!(account.list("faults").len(), 1);
    }
}

#[test]
fn refused_and_read_to_the_end() {
    for tls in [false, true] {
        let account = account_over(tls);
        let mut wire = announced(&account, json!({"refuse_after": 1000, "http_status": 413, "keep": true}), 10 << 20);
        pour(&mut *wire, 1000).unwrap();
        assert!(read_answer(&mut *wire).starts_with("HTTP/1.1 413 "));
        pour(&mut *wire, (10 << 20) - 1000).unwrap();
        // The connection lives on.
        wire.write_all(&account.request(common::VOICE, "voice_clone")).unwrap();
        assert!(read_answer(&mut *wire).ends_with(r#""success"}}"#));
        let journal = account.list("journal");
        assert_eq!(
            (journal[0]["connection"] == journal[1]["connection"], &journal[1]["path"]),
            (true, &json!("/v1/files/delete"))
        );
        assert_eq!(account.number("open"), 1);
    }
}

#[test]
fn not_read_any_further() {
    for tls in [false, true] {
        for (delay, then) in [(0, "rst"), (50, "rst"), (0, "fin")] {
            let account = account_over(tls);
            let fault = json!({"stop_reading_after": 1 << 20, "then": then, "delay_ms": delay});
            let mut wire = started(&account, fault);
            assert!(pour(&mut *wire, BODY).is_err());
            assert_eq!(account.closed(), "server");
            let entry = account.entry();
            let read = entry["upload"]["body_bytes"].as_u64().unwrap();
            assert!((1 << 20..3 << 20).contains(&read), "{read}");
            assert_eq!((&entry["http_status"], &entry["trace_id"]), (&Value::Null, &Value::Null));
        }
    }
}

#[test]
fn not_read_until_the_client_leaves_or_the_account_is_reset() {
    for tls in [false, true] {
        for leaves in [true, false] {
            let account = account_over(tls);
            let mut wire = started(&account, json!({"stop_reading_after": 1 << 20}));
            // What is not read still fits between the two sides.
            pour(&mut *wire, (1 << 20) + (64 << 10)).unwrap();
            assert_eq!(account.number("wait?count=1"), 1);
            assert_eq!(account.number("open"), 1);
            wire.tcp().set_nonblocking(true).unwrap();
            assert_eq!(wire.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
            wire.tcp().set_nonblocking(false).unwrap();
            if leaves {
                socket2::SockRef::from(wire.tcp()).set_linger(Some(Duration::ZERO)).unwrap();
                drop(wire);
                assert_eq!(account.closed(), "rst");
            } else {
                account.post("reset", json!({}));
                assert!(wire.read(&mut [0]).unwrap_or(0) == 0);
                assert_eq!(account.number("open"), 0);
            }
        }
    }
}

#[test]
fn a_reset_ends_an_upload_that_does_not_come_on() {
    let account = account_over(false);
    let mut wire = started(&account, json!([]));
    wire.write_all(b"--b\r\n").unwrap();
    while account.number("open") == 0 {}
    account.post("reset", json!({}));
    let (bytes, _) = read_all(&mut *wire);
    assert_eq!((bytes.len(), account.number("count"), account.list("files").len()), (0, 0, 7));
}

#[test]
fn scripts_that_make_no_sense() {
    let account = account_over(false);
    let url = account.sandbox.control_url("one") + "/faults";
    for fault in [
        json!({"refuse_after": 5}),
        json!({"keep": true}),
        json!({"then": "rst"}),
        json!({"refuse_after": 0, "code": 1, "hang": true}),
        json!({"refuse_after": 0, "code": 1, "keep": true, "close": "rst"}),
        json!({"no_length": true, "wrong_length": 5}),
    ] {
        assert_eq!(account.client.post(&url).json(&fault).send().unwrap().status(), 400, "{fault}");
    }
}
