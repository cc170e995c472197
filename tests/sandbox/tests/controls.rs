//! The controls that surroundings are played with: encodings, gateways, caches and stores.

mod common;

use std::io::{ErrorKind, Read, Write};

use common::{Account, PROMPT, VOICE, account, account_over, read_all, tcp};
use flate2::read::{GzDecoder, ZlibDecoder};
use mmx_sandbox::API_KEY;
use reqwest::Certificate;
use reqwest::blocking::{Client, Response};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

const ID: i64 = 42;

fn stocked(tls: bool) -> Account {
    let account = account_over(tls);
    account.post("files", json!({"file_id": ID, "purpose": "video_generation", "content": "0123456789"}));
    account
}

fn link(account: &Account) -> String {
    let json = account.get_json(&format!("retrieve?file_id={ID}"));
    json["file"]["download_url"].as_str().unwrap().to_owned()
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map_or(String::new(), |value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn last(account: &Account) -> Value {
    account.list("journal").pop().unwrap()
}

/// The same client, but it follows nothing.
fn stays(account: &mut Account) {
    let ca = Certificate::from_pem(account.sandbox.ca_pem().as_bytes()).unwrap();
    let builder = Client::builder().no_proxy().timeout(common::TIME).redirect(Policy::none()).tls_certs_only([ca]);
    account.client = builder.build().unwrap();
}

#[test]
fn a_fault_for_one_purpose() {
    let account = account();
    account.fault(json!({"purpose": "t2a_async", "times": -1, "code": 2013}));
    let code = |call: &str| account.get_json(call)["base_resp"]["status_code"].as_i64().unwrap();
    assert_eq!([code("list"), code("list?purpose=voice_clone"), code("list?purpose=t2a_async")], [0, 0, 2013]);
    let deleted = |id, purpose| account.delete(id, purpose).unwrap()["base_resp"]["status_code"].clone();
    assert_eq!((deleted(VOICE, "voice_clone"), deleted(VOICE + 2, "t2a_async")), (json!(0), json!(2013)));
    assert_eq!(account.list("files").len(), 6);
}

#[test]
fn an_answer_in_an_encoding_that_nobody_asked_for() {
    for tls in [false, true] {
        let account = stocked(tls);
        let decoded = |response: Response, encoding: &str| {
            assert_eq!((response.status().as_u16(), header(&response, "content-encoding")), (200, encoding.to_owned()));
            let bytes = response.bytes().unwrap();
            let mut text = String::new();
            match encoding {
                "gzip" => GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap(),
                _ => ZlibDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap(),
            };
            text
        };
        for encoding in ["gzip", "deflate"] {
            let url = link(&account);
            account.fault(json!({"times": 5, "encoding": encoding}));
            let list = decoded(account.get("list?purpose=video_generation"), encoding);
            assert_eq!(serde_json::from_str::<Value>(&list).unwrap()["files"].as_array().unwrap().len(), 2);
            assert_eq!(decoded(account.get(&format!("retrieve_content?file_id={ID}")), encoding), "0123456789");
            assert_eq!(decoded(account.client.get(&url).send().unwrap(), encoding), "0123456789");
            let part = account.client.get(&url).header("Range", "bytes=7-").send().unwrap();
            assert_eq!((part.status().as_u16(), header(&part, "content-encoding")), (206, encoding.to_owned()));
            let deleted = account.send(PROMPT, "prompt_audio").unwrap();
            assert!(decoded(deleted, encoding).starts_with(r#"{"#));
            assert_eq!(last(&account)["fault"], format!("encoding {encoding}"));
        }
        assert_eq!(account.number(&format!("count?file_id={PROMPT}&performed=1")), 1);
        // A body that the script gives is encoded, too.
        account.fault(json!({"encoding": "gzip", "body": "{}", "no_length": true}));
        assert_eq!(decoded(account.get("list"), "gzip"), "{}");
    }
}

#[test]
fn a_body_in_parts() {
    let account = account();
    let times = 300_000;
    let fault = json!({"body_parts": [["{\"files\":[", 1], ["[],", times], ["\u{e9}]}", 1]], "headers": {"X-A": "b"}});
    account.fault(json!([fault, fault, {"body_parts": [["ab", 3]], "perform": true}, {"body_parts": []}]));
    let whole = account.get("list");
    let wanted = format!("{{\"files\":[{}\u{e9}]}}", "[],".repeat(times));
    assert_eq!(
        (header(&whole, "content-type"), header(&whole, "x-a")),
        ("application/json; charset=utf-8".into(), "b".into())
    );
    assert_eq!(header(&whole, "content-length"), wanted.len().to_string());
    assert!(whole.text().unwrap() == wanted);
    assert_eq!(account.entry()["performed"], false);
    // A file that the fault stands in for has none of it left.
    assert!(account.get(&format!("retrieve_content?file_id={VOICE}")).text().unwrap() == wanted);
    assert_eq!(account.send(VOICE, "voice_clone").unwrap().text().unwrap(), "ababab");
    assert_eq!(account.number("count?performed=1"), 1);
    assert_eq!(account.get("list").text().unwrap(), "");
}

#[test]
fn many_headers() {
    let account = account();
    let mut wire = account.connect();
    account.fault(json!({"extra_headers": 120, "extra_header_bytes": 65_536, "close_after_answer": "fin"}));
    wire.write_all(&account.request(VOICE, "voice_clone")).unwrap();
    let text = String::from_utf8(read_all(&mut *wire).0).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(body.ends_with(r#""success"}}"#));
    let extra: Vec<_> = head.lines().filter(|line| line.starts_with("X-Extra-")).collect();
    assert_eq!((extra.len(), extra.iter().map(|line| line.len() + 2).sum::<usize>()), (120, 65_536));
    account.fault(json!({"extra_headers": 3}));
    let short = account.get("list");
    assert_eq!(short.headers().keys().filter(|name| name.as_str().starts_with("x-extra-")).count(), 3);
}

#[test]
fn redirects_in_utf_8_and_to_https() {
    for tls in [false, true] {
        let mut account = stocked(tls);
        let content = format!("retrieve_content?file_id={ID}");
        // The header is compared as it stands on the wire.
        stays(&mut account);
        account.fault(json!({"http_status": 302, "headers": {"Location": "/声音.mp3"}}));
        assert_eq!(header(&account.get(&content), "location"), "/声音.mp3");
        account.fault(json!({"redirect_to": "utf8"}));
        let wanted = format!("/t/one/redirected/声音.mp3?file_id={ID}");
        let answer = account.get(&content);
        assert_eq!((answer.status().as_u16(), header(&answer, "location")), (302, wanted.clone()));
        let encoded = wanted.replace("声音", "%E5%A3%B0%E9%9F%B3");
        let base = account.url().replace("/t/one", "");
        let there = account.client.get(format!("{base}{encoded}")).bearer_auth(API_KEY).send().unwrap();
        assert_eq!(there.text().unwrap(), "0123456789");
        assert_eq!(last(&account)["path"], "/redirected/%E5%A3%B0%E9%9F%B3.mp3");
        // Nobody may send it as it is.
        let mut wire = tcp(account.sandbox.http_url());
        write!(wire, "GET {wanted} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        assert!(read_all(&mut wire).0.starts_with(b"HTTP/1.1 400 "));

        account.fault(json!({"redirect_to": "store_utf8"}));
        let location = header(&account.get(&content), "location");
        let (store, rest) = location.split_once("/store/one/42/声音.mp3?Expires=").unwrap();
        let own = if tls { account.sandbox.https_store_url() } else { account.sandbox.store_url() };
        assert_eq!((store, rest.contains("&Signature=")), (own, true));
        let there = account.client.get(location.replace("声音", "%e5%a3%b0%e9%9f%b3")).send().unwrap();
        assert_eq!(there.text().unwrap(), "0123456789");

        account.fault(json!({"redirect_to": "upgrade", "http_status": 301}));
        let answer = account.get(&content);
        let https = format!("{}/t/one/v1/files/{content}", account.sandbox.https_url());
        assert_eq!((answer.status().as_u16(), header(&answer, "location")), (301, https));
    }
    // A link's, too.
    let mut account = stocked(false);
    let url = link(&account);
    stays(&mut account);
    account.fault(json!({"call": "store", "redirect_to": "upgrade"}));
    let location = header(&account.client.get(&url).send().unwrap(), "location");
    assert!(
        location.starts_with(&format!("{}/store/one/42?Expires=", account.sandbox.https_store_url())),
        "{location}"
    );
    assert_eq!(account.client.get(location).send().unwrap().text().unwrap(), "0123456789");
}

/// An upload in chunks up to its closing boundary: the last chunk, which ends the body, is not sent.
fn up_to_the_boundary(account: &Account) -> Box<dyn common::Wire> {
    let form = "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nvoice_clone\r\n--b\r\nContent-Disposition: \
                form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\nabc\r\n--b--\r\n";
    let mut wire = account.connect();
    let head = format!("POST /t/one/v1/files/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n");
    let kind = "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked";
    // In one write: the server may close the connection as soon as it has seen the boundary.
    wire.write_all(format!("{head}{kind}\r\n\r\n{:x}\r\n{form}\r\n", form.len()).as_bytes()).unwrap();
    wire.flush().unwrap();
    wire
}

#[test]
fn stored_at_the_closing_boundary() {
    for tls in [false, true] {
        for end in ["rst", "fin", "answer"] {
            let account = account_over(tls);
            let mut fault = json!({"store_at_boundary": true});
            if end != "answer" {
                fault["close_before_answer"] = json!(end);
            }
            account.fault(fault);
            // Other calls leave it alone.
            assert_eq!(account.get_json("list")["base_resp"]["status_code"], 0);
            let mut wire = up_to_the_boundary(&account);
            let (bytes, closed) = read_all(&mut *wire);
            match end {
                "rst" => assert_eq!((bytes.len(), closed.unwrap_err().kind()), (0, ErrorKind::ConnectionReset)),
                "fin" => assert_eq!((bytes.len(), closed.is_ok()), (0, true)),
                _ => assert!(String::from_utf8(bytes).unwrap().contains(r#""filename":"a.mp3""#) && closed.is_ok()),
            }
            assert_eq!(account.list("files").len(), 8);
            let entry = last(&account);
            let upload = &entry["upload"];
            assert_eq!(
                (&entry["performed"], &upload["complete"], &upload["bytes"]),
                (&json!(true), &json!(false), &json!(3))
            );
            assert!(upload["sha256"].is_string() && upload["file_id"].is_i64(), "{upload}");
        }
    }
    // Without the fault nothing is stored before the body ends.
    let account = account();
    let wire = up_to_the_boundary(&account);
    while account.number("open") == 0 {}
    drop(wire);
    account.number("wait?count=1");
    assert_eq!(account.list("files").len(), 7);
}

#[test]
fn a_cache_in_front() {
    for tls in [false, true] {
        let account = stocked(tls);
        account.post("settings", json!({"cache": true}));
        let retrieve = format!("retrieve?file_id={ID}");
        let first = account.get(&retrieve);
        let trace_id = header(&first, "trace-id");
        let first: Value = first.json().unwrap();
        account.delete(ID, "video_generation").unwrap();
        // Yesterday's answer, word for word, and a fault is for what reaches the service.
        account.fault(json!({"call": "retrieve", "code": 1002}));
        let again = account.get(&retrieve);
        assert_eq!((header(&again, "age"), header(&again, "trace-id")), ("1".into(), trace_id));
        assert_eq!(again.json::<Value>().unwrap(), first);
        let entry = last(&account);
        assert_eq!(
            (&entry["fault"], &entry["performed"], &entry["http_status"]),
            (&json!("cached"), &json!(false), &json!(200))
        );
        assert_eq!(account.list("faults").len(), 1);
        let fresh = |name: &str, value: &str| -> Value {
            let request = account.client.get(format!("{}/v1/files/{retrieve}", account.url())).bearer_auth(API_KEY);
            request.header(name, value).send().unwrap().json().unwrap()
        };
        assert_eq!(fresh("Cache-Control", "no-cache")["base_resp"]["status_code"], 1002);
        for (name, value) in [("cache-control", "x, No-Cache"), ("Cache-Control", "max-age=0"), ("Pragma", "no-cache")]
        {
            assert_eq!(
                fresh(name, value)["base_resp"]["status_msg"],
                "invalid params, file not found",
                "{name}: {value}"
            );
        }
        // The newest answer is kept. Each address has its own.
        assert_eq!(account.get_json(&retrieve)["base_resp"]["status_code"], 2013);
        assert_eq!(account.get_json("list")["files"].as_array().unwrap().len(), 7);
        account.post("files", json!({"file_id": 5, "purpose": "voice_clone"}));
        assert_eq!(account.get_json("list")["files"].as_array().unwrap().len(), 7);
        account.post("settings", json!({}));
        assert_eq!(account.get_json("list")["files"].as_array().unwrap().len(), 8);
    }
}

#[test]
fn controls_that_make_no_sense() {
    let account = account();
    let url = account.sandbox.control_url("one") + "/faults";
    for fault in [
        json!({"encoding": "br"}),
        json!({"extra_header_bytes": 10}),
        json!({"extra_headers": 10, "extra_header_bytes": 10}),
        json!({"store_at_boundary": true, "refuse_after": 0, "code": 1}),
        json!({"body": "a", "body_parts": [["a", 1]]}),
        json!({"body_parts": [["a", -1]]}),
    ] {
        assert_eq!(account.client.post(&url).json(&fault).send().unwrap().status(), 400, "{fault}");
    }
}
