//! Downloads: whole, in parts, and gone wrong.

mod common;

use std::io::{ErrorKind, Read, Write};

use common::{Account, VOICE, Wire, account, account_over, read_all, read_answer};
use mmx_sandbox::API_KEY;
use reqwest::blocking::{Client, Response};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

const ID: i64 = 42;

/// An account whose file 42 holds this text.
fn holding(text: &str, tls: bool) -> Account {
    let account = account_over(tls);
    account.post("files", json!({"file_id": ID, "purpose": "t2a_async", "filename": "a.JSON", "content": text}));
    account
}

#[test]
fn a_text_is_repeated_up_to_a_size() {
    for (text, size) in [("abc", 200_000), ("x", 65_536), ("abc", 2), ("abc", 0)] {
        let account = account();
        account.post("files", json!({"file_id": ID, "purpose": "t2a_async", "content": text, "size": size}));
        let wanted: String = text.chars().cycle().take(size).collect();
        assert!(ask(&account, &[]).text().unwrap() == wanted, "{text} {size}");
        if size > 100 {
            let part = ask(&account, &[("Range", "bytes=65535-65538")]).text().unwrap();
            assert_eq!(part, wanted[65535..size.min(65539)]);
        }
        let files = account.list("files");
        let file = files.iter().find(|file| file["file_id"] == json!(ID)).unwrap();
        assert_eq!(file["size"], json!(size));
    }
}

fn ask(account: &Account, headers: &[(&str, &str)]) -> Response {
    let url = format!("{}/v1/files/retrieve_content?file_id={ID}", account.url());
    let request = account.client.get(url).bearer_auth(API_KEY);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().unwrap()
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
}

/// A connection that has asked for the file under this fault.
fn asked(account: &Account, fault: Value) -> Box<dyn Wire> {
    account.fault(fault);
    let mut wire = account.connect();
    let path = format!("/t/one/v1/files/retrieve_content?file_id={ID}");
    write!(wire, "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n\r\n").unwrap();
    wire
}

#[test]
fn whole_files() {
    for tls in [false, true] {
        let account = holding(r#"{"base_resp":{"status_code":1004}}"#, tls);
        let response = ask(&account, &[]);
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), "application/json");
        assert_eq!(header(&response, "content-length") + &header(&response, "accept-ranges"), "34bytes");
        assert!(header(&response, "etag").starts_with('"') && header(&response, "trace-id").len() == 32);
        is_date(&header(&response, "last-modified"));
        assert_eq!(response.text().unwrap(), r#"{"base_resp":{"status_code":1004}}"#);
        let entry = account.entry();
        assert_eq!((&entry["performed"], &entry["host"]), (&json!(true), &json!("api")));

        account.post("files", json!({"file_id": ID, "purpose": "t2a_async", "content": ""}));
        let response = ask(&account, &[]);
        assert_eq!((header(&response, "content-length"), response.text().unwrap()), ("0".into(), "".into()));
        let missing = account.get_json("retrieve_content?file_id=1");
        let wanted = json!({"base_resp": {"status_code": 2013, "status_msg": "invalid params, file not found"}});
        assert_eq!(missing, wanted);
        let json = account.get_json("retrieve_content?id=1");
        assert_eq!(json["base_resp"]["status_msg"], "invalid params, query: file_id is missing");
        account.post("settings", json!({"strict": true}));
        let json = account.get_json("retrieve_content?id=1");
        assert_eq!(json["base_resp"]["status_msg"], "invalid params, query: unknown parameter id");
    }
}

fn is_date(text: &str) {
    assert!(text.len() == 29 && text.ends_with(" GMT"), "{text}");
}

#[test]
fn parts_of_files() {
    let account = holding("0123456789", false);
    let part = |range: &str| {
        let response = ask(&account, &[("Range", range)]);
        let (status, place) = (response.status().as_u16(), header(&response, "content-range"));
        (status, place, response.text().unwrap())
    };
    let sent = |place: &str, text: &str| (206, place.to_owned(), text.to_owned());
    assert_eq!(part("bytes=3-5"), sent("bytes 3-5/10", "345"));
    assert_eq!(part("bytes=8-"), sent("bytes 8-9/10", "89"));
    assert_eq!(part("bytes=8-100"), sent("bytes 8-9/10", "89"));
    assert_eq!(part("bytes=-3"), sent("bytes 7-9/10", "789"));
    assert_eq!(part("bytes=-30"), sent("bytes 0-9/10", "0123456789"));
    for ignored in ["bytes=5-3", "bytes=0-1,3-4", "lines=1-2", "bytes=", "bytes=a-", "bytes=+1-"] {
        assert_eq!(part(ignored), (200, String::new(), "0123456789".to_owned()), "{ignored}");
    }
    for outside in ["bytes=10-", "bytes=-0"] {
        assert_eq!((part(outside).0, part(outside).1), (416, "bytes */10".to_owned()));
    }

    let whole = ask(&account, &[]);
    let (etag, modified) = (header(&whole, "etag"), header(&whole, "last-modified"));
    let if_range = |known: &str| ask(&account, &[("Range", "bytes=4-"), ("If-Range", known)]).status().as_u16();
    assert_eq!((if_range(&etag), if_range(&modified), if_range("\"x\"")), (206, 206, 200));
    account.fault(json!([{"no_range": true}, {"no_etag": true, "times": 2}, {"range_shift": 2}]));
    let response = ask(&account, &[("Range", "bytes=4-")]);
    assert_eq!((response.status().as_u16(), header(&response, "accept-ranges")), (200, "".into()));
    assert_eq!(if_range(&etag), 200);
    assert_eq!(header(&ask(&account, &[]), "etag"), "");
    assert_eq!(part("bytes=4-"), sent("bytes 6-9/10", "6789"));

    // The file changes behind the client's back, right after an answer.
    account.fault(json!({"changed": true}));
    assert_eq!(ask(&account, &[]).text().unwrap(), "0123456789");
    assert_eq!((if_range(&etag), if_range(&modified)), (200, 200));
    let response = ask(&account, &[("Range", "bytes=4-")]);
    assert_eq!((response.status().as_u16(), header(&response, "content-range")), (206, "bytes 4-9/10".into()));
    assert_ne!(header(&response, "etag"), etag);
}

#[test]
fn made_content_is_the_same_wherever_it_is_read() {
    let account = account();
    let size = (3 << 20) + 13;
    let seed = |purpose: &str, seed: i64| {
        account.post("files", json!({"file_id": ID, "purpose": purpose, "size": size, "seed": seed}));
        account.control(&format!("sha256?file_id={ID}"))
    };
    let first = seed("video_generation", 1);
    assert_ne!(first, seed("video_generation", 2));
    assert_eq!(first, seed("video_understanding", 1));
    let files = account.list("files");
    assert_eq!((&files[0]["bytes"], &files[0]["size"]), (&json!(size), &json!(size)));
    let whole = ask(&account, &[]).bytes().unwrap();
    assert_eq!(whole.len(), size);
    for from in [1, 8, 65_537, 1 << 20, size - 1] {
        let part = ask(&account, &[("Range", &format!("bytes={from}-"))]).bytes().unwrap();
        assert_eq!(part, whole[from..]);
    }
    account.post("files", json!({"file_id": ID, "purpose": "t2a_async", "content": "abc"}));
    let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(account.control(&format!("sha256?file_id={ID}")), wanted);
    account.post("files", json!({"file_id": ID, "purpose": "t2a_async", "size": 5}));
    assert_eq!(account.list("files")[0]["bytes"], 0);
    // Big files need neither memory nor time.
    account.post("files", json!({"file_id": ID, "purpose": "t2a_async", "size": 1_u64 << 42}));
    let part = ask(&account, &[("Range", "bytes=4398046511100-")]);
    assert_eq!(
        (header(&part, "content-range"), part.bytes().unwrap().len()),
        ("bytes 4398046511100-4398046511103/4398046511104".into(), 4)
    );
}

#[test]
fn cut_and_gone_on_with() {
    for tls in [false, true] {
        for close in ["fin", "rst"] {
            let account = account_over(tls);
            account.post("files", json!({"file_id": ID, "purpose": "t2a_async", "size": 300_000, "seed": 3}));
            let mut wire = asked(&account, json!([{"cut_after": 200_000, "close": close, "times": 2}, {}]));
            let (bytes, end) = read_all(&mut *wire);
            if close == "fin" {
                end.unwrap();
                assert_eq!(bytes.len(), 200_000);
            } else {
                // A reset throws away what has not got through.
                assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
                assert!((1000..=200_000).contains(&bytes.len()), "{}", bytes.len());
            }
            let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
            assert!(String::from_utf8_lossy(&bytes[..head]).contains("Content-Length: 300000\r\n"));
            let again = ask(&account, &[]);
            assert!(again.bytes().is_err());
            let range = format!("bytes={}-", bytes.len() - head);
            let rest = ask(&account, &[("Range", &range)]).bytes().unwrap();
            assert_eq!([&bytes[head..], &rest].concat(), ask(&account, &[]).bytes().unwrap());
            let journal = account.list("journal");
            assert_eq!(journal[0]["fault"], format!("close {close}, cut_after 200000"));
        }
    }
}

#[test]
fn without_a_length_or_with_a_wrong_one() {
    for tls in [false, true] {
        let text = "x".repeat(70_000);
        let account = holding(&text, tls);
        account.fault(json!([{"no_length": true, "times": 2}, {"until_close": true}]));
        for _ in 0..3 {
            let response = ask(&account, &[]);
            assert_eq!(header(&response, "content-length"), "");
            assert_eq!(response.text().unwrap(), text);
        }
        account.fault(json!([{"wrong_length": 10}, {"wrong_length": -10}]));
        let response = ask(&account, &[]);
        assert_eq!(header(&response, "content-length"), "70010");
        assert!(response.text().is_err());
        assert_eq!(ask(&account, &[]).text().unwrap().len(), 69_990);

        // The cut counts what is on the wire; chunks are framed there.
        let (bytes, _) = read_all(&mut *asked(&account, json!({"no_length": true, "cut_after": 66_300})));
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("Transfer-Encoding: chunked\r\n") && text.contains("\r\n\r\n10000\r\nxxx"));
        assert_eq!(bytes.len(), 66_300);
        // Other calls can be chunked too.
        account.fault(json!({"no_length": true}));
        assert_eq!(account.get("list").json::<Value>().unwrap()["base_resp"]["status_code"], 0);
    }
}

#[test]
fn hung_and_trickled() {
    let account = holding("0123456789", true);
    let mut wire = asked(&account, json!({"trickle_ms": 1, "trickle_bytes": 100}));
    assert!(read_answer(&mut *wire).ends_with("0123456789"));
    drop(wire);
    let mut wire = asked(&account, json!({"hang_after": 50}));
    wire.read_exact(&mut [0; 50]).unwrap();
    account.number("wait?open=1");
    drop(wire);
    assert_eq!(account.number("wait?open=0"), 0);
}

#[test]
fn a_reset_of_the_account_ends_what_hangs() {
    for tls in [false, true] {
        for fault in [json!({"hang": true}), json!({"delay_ms": 600_000}), json!({"hang_after": 20})] {
            let account = holding("0123456789", tls);
            let mut wire = asked(&account, fault);
            account.number("wait?count=1");
            account.post("reset", json!({}));
            let (bytes, end) = read_all(&mut *wire);
            end.unwrap();
            assert!(bytes.len() <= 20);
            assert_eq!((account.number("count"), account.number("open")), (0, 0));
        }
    }
}

#[test]
fn a_reset_of_another_account_that_the_connection_carried_ends_nothing() {
    for tls in [false, true] {
        let mut account = holding("0123456789", tls);
        let mut wire = account.connect();
        account.name = "two";
        wire.write_all(&account.request(VOICE, "voice_clone")).unwrap();
        read_answer(&mut *wire);
        account.name = "one";
        account.fault(json!({"delay_ms": 300}));
        wire.write_all(&account.request(ID, "t2a_async")).unwrap();
        account.number("wait?count=1");
        account.name = "two";
        account.post("reset", json!({}));
        assert!(read_answer(&mut *wire).starts_with("HTTP/1.1 200 OK\r\n"));
    }
}

#[test]
fn redirects() {
    let mut account = holding("0123456789", true);
    let ca = reqwest::Certificate::from_pem(account.sandbox.ca_pem().as_bytes()).unwrap();
    account.client = Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only([ca]).build().unwrap();
    let to = |to: &str| {
        account.fault(json!({"redirect_to": to}));
        let response = ask(&account, &[]);
        assert_eq!((response.status().as_u16(), response.content_length()), (302, Some(0)));
        header(&response, "location")
    };
    let path = format!("/t/one/v1/files/retrieve_content?file_id={ID}");
    let store = format!("{}/store/one/{ID}?Expires=", account.sandbox.https_store_url());
    assert!(to("store").starts_with(&store));
    assert_eq!(to("other_scheme"), format!("ftp://127.0.0.2/one/{ID}"));
    assert_eq!(to("downgrade"), account.sandbox.http_url().to_owned() + &path);
    assert_eq!(to("self"), path);
    assert_eq!(to("/elsewhere"), "/elsewhere");
    assert_eq!(to("loop"), "/t/one/ring/a");
    let base = account.sandbox.https_url();
    let ring = |place: &str| account.client.get(format!("{base}/t/one/ring/{place}")).send().unwrap();
    assert_eq!(header(&ring("a"), "location"), "/t/one/ring/b");
    assert_eq!(header(&ring("b"), "location"), "/t/one/ring/a");
    account.fault(json!({"redirect_to": "self", "http_status": 307}));
    assert_eq!(ask(&account, &[]).status(), 307);
    assert_eq!(account.number("count?performed=0"), 9);
    // A code and HTTP 200, where a file is meant.
    account.fault(json!([{"code": 1002}, {"shape": "new_error"}, {"shape": "html_502"}]));
    assert_eq!(ask(&account, &[]).json::<Value>().unwrap()["base_resp"]["status_code"], 1002);
    assert_eq!((ask(&account, &[]).status().as_u16(), ask(&account, &[]).status().as_u16()), (401, 502));
    assert!(account.get("retrieve_content?file_id=176844028768320").bytes().unwrap().len() == 1024 && VOICE > 0);
}
