//! Uploads: what is stored and noted of them, and what is refused.

mod common;

use std::io::{Cursor, Read, Write, repeat};
use std::net::Shutdown;

use common::{Account, Wire, account, account_over, read_answer, strict_account};
use mmx_sandbox::API_KEY;
use reqwest::blocking::Body;
use serde_json::{Value, json};

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const PURPOSE: &str = "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nvoice_clone\r\n";
const FILE: &str =
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n";

fn form(purpose: &str, filename: &str, content: &str) -> String {
    let (purpose, file) = (PURPOSE.replace("voice_clone", purpose), FILE.replace("a.mp3", filename));
    format!("{purpose}{file}{content}\r\n--b--\r\n")
}

fn send(account: &Account, body: impl Into<Body>) -> Value {
    let request = account.client.post(account.url() + "/v1/files/upload").bearer_auth(API_KEY);
    let request = request.header("Content-Type", "multipart/form-data; boundary=b");
    request.body(body).send().unwrap().json().unwrap()
}

fn last(account: &Account) -> Value {
    account.list("journal").pop().unwrap()
}

/// The head of an upload on a bare connection.
fn start(account: &Account, length: &str) -> Box<dyn Wire> {
    let mut wire = account.connect();
    let head = format!("POST /t/one/v1/files/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n");
    let kind = "Content-Type: multipart/form-data; boundary=\"b\"";
    write!(wire, "{head}{kind}\r\n{length}\r\n\r\n").unwrap();
    wire
}

#[test]
fn a_file_may_be_counted_alone() {
    let account = account();
    account.post("settings", json!({"count_only": true}));
    let json = send(&account, form("prompt_audio", "a.wav", "abc\r\n--"));
    assert_eq!(json["file"]["bytes"], json!(7));
    let entry = account.entry();
    let upload = &entry["upload"];
    assert_eq!((&upload["bytes"], &upload["sha256"]), (&json!(7), &json!(null)));
    let id = json["file"]["file_id"].as_i64().unwrap();
    let kept = account.get_json(&format!("retrieve_content?file_id={id}"));
    assert_eq!(kept["base_resp"]["status_code"], json!(1013));
    let broken = form("prompt_audio", "a.wav", "abc").replace("--b--", "--b");
    assert_eq!(send(&account, broken)["base_resp"]["status_code"], json!(2013));
}

#[test]
fn a_file_is_stored_and_comes_back() {
    for tls in [false, true] {
        let account = account_over(tls);
        let json = send(&account, form("prompt_audio", "gr\u{fc}n %22x%22.wav", "abc"));
        let file = &json["file"];
        let id = file["file_id"].as_i64().unwrap();
        assert_eq!(json["base_resp"], json!({"status_code": 0, "status_msg": "success"}));
        assert_eq!((&file["bytes"], &file["purpose"]), (&json!(3), &json!("prompt_audio")));
        assert_eq!((&file["filename"], file["created_at"].is_i64()), (&json!("gr\u{fc}n \"x\".wav"), true));
        assert_eq!((id.to_string().len(), file.as_object().unwrap().len()), (15, 5));
        let length = form("prompt_audio", "gr\u{fc}n %22x%22.wav", "abc").len();
        let wanted = json!({
            "purpose": "prompt_audio", "filename": "gr\u{fc}n %22x%22.wav", "content_type": "audio/mpeg", "bytes": 3,
            "body_bytes": length, "content_length": length, "chunked": false, "sha256": ABC, "complete": true,
            "file_id": id,
        });
        let entry = account.entry();
        assert_eq!((&entry["upload"], &entry["performed"], &entry["body"]), (&wanted, &json!(true), &json!("")));
        assert_eq!(account.get(&format!("retrieve_content?file_id={id}")).text().unwrap(), "abc");
        assert_eq!(account.control(&format!("sha256?file_id={id}")), ABC);
        let again = send(&account, form("prompt_audio", "b.wav", "abc"));
        assert_eq!(again["file"]["file_id"], id + 1);
        assert_eq!(account.delete(id, "prompt_audio").unwrap()["base_resp"]["status_code"], 0);
    }
}

#[test]
fn in_pieces_of_any_size_and_in_chunks() {
    let account = account();
    let content = "\r\n--\r\r\n--c\r\n--\r\n-\r\n--a b--\r\n".repeat(20);
    let body = form("t2a_async_input", "a.txt", &content);
    for size in [1, 2, 3, 7, 1000] {
        let mut wire = start(&account, "Transfer-Encoding: chunked");
        for piece in body.as_bytes().chunks(size) {
            write!(wire, "{:x}\r\n", piece.len()).unwrap();
            wire.write_all(&[piece, b"\r\n"].concat()).unwrap();
        }
        wire.write_all(b"0\r\n\r\n").unwrap();
        let text = read_answer(&mut *wire);
        let json: Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
        let id = &json["file"]["file_id"];
        assert_eq!(account.get(&format!("retrieve_content?file_id={id}")).text().unwrap(), content);
        let upload = account.list("journal").swap_remove(account.number("count") as usize - 2)["upload"].clone();
        assert_eq!((&upload["chunked"], &upload["content_length"]), (&json!(true), &Value::Null));
        assert_eq!(upload["body_bytes"], body.len());
    }
}

#[test]
fn what_is_off_is_refused_and_named() {
    let account = strict_account();
    let refused = |body: String, word: &str| {
        let json = send(&account, body);
        assert_eq!(json["base_resp"]["status_code"], 2013, "{word}: {json}");
        let message = json["base_resp"]["status_msg"].as_str().unwrap();
        assert!(message.starts_with("invalid params, ") && message.contains(word), "{word}: {message}");
        assert_eq!(last(&account)["performed"], false);
    };
    let good = form("voice_clone", "a.mp3", "abc");
    let file = format!("{FILE}abc\r\n");
    refused(format!("{file}{PURPOSE}--b--\r\n"), "part file comes before part purpose");
    refused(format!("{PURPOSE}--b--\r\n"), "part file is missing");
    refused(format!("{PURPOSE}{file}{file}--b--\r\n"), "part file is one too many");
    refused(good.replace("; filename=\"a.mp3\"", ""), "no filename");
    refused(good.replace("a.mp3", ""), "no filename");
    refused(good.replace("a.mp3", "a\"b"), "not well-formed");
    refused(good.replace("filename=", "filename*="), "parameter filename*");
    refused(good.replace("Content-Type: audio/mpeg\r\n", ""), "no Content-Type");
    refused(good.replace("audio/mpeg", "audio/mpeg\r\nX-Y: z"), "header X-Y");
    refused(good.replace("\"file\"", "\"data\""), "part data");
    for purpose in ["voice_clon", "t2a_async"] {
        let wanted = json!({"base_resp": {"status_code": 2013, "status_msg": "invalid file purpose"}});
        assert_eq!(self::send(&account, good.replace("voice_clone", purpose)), wanted);
    }
    refused(good.replace("--b--", "--b-"), "line break");
    refused(good.replace("\r\n--b--\r\n", ""), "does not end");
    refused(good.clone() + "x", "follows");
    refused("x".to_owned() + &good, "start");
    refused(String::new(), "no part");
    refused(good.replace("--b\r\n", "--c\r\n"), "start");

    let url = account.url() + "/v1/files/upload";
    let send = |kind: &str, url: &str| -> Value {
        let request = account.client.post(url).bearer_auth(API_KEY).header("Content-Type", kind);
        request.body(good.clone()).send().unwrap().json::<Value>().unwrap()["base_resp"]["status_msg"].clone()
    };
    assert_eq!(send("multipart/form-data", &url), "invalid params, Content-Type has no boundary");
    assert_eq!(
        send("application/json", &url),
        "invalid params, Content-Type application/json: use multipart/form-data"
    );
    let kind = "multipart/form-data; boundary=b";
    assert_eq!(send(kind, &(url.clone() + "?a=b")), "invalid params, query: this call takes none");
    let bare: Value =
        account.client.post(&url).header("Content-Type", kind).body(good.clone()).send().unwrap().json().unwrap();
    assert_eq!(bare["base_resp"]["status_code"], 1004);
    assert_eq!((account.list("files").len(), account.number("count?performed=1")), (7, 0));

    account.post("files", json!({"file_id": 5, "purpose": "new_next_year"}));
    assert_eq!(self::send(&account, good.replace("voice_clone", "new_next_year"))["base_resp"]["status_code"], 0);
}

#[test]
fn an_upload_that_breaks_off_stores_nothing() {
    for tls in [false, true] {
        let account = account_over(tls);
        let body = form("voice_clone", "a.mp3", "abc");
        let mut wire = start(&account, &format!("Content-Length: {}", body.len()));
        wire.write_all(&body.as_bytes()[..body.len() - 20]).unwrap();
        wire.flush().unwrap();
        // Not by a drop: a TLS client that has left something unread ends with a reset, which overtakes its data.
        wire.tcp().shutdown(Shutdown::Write).unwrap();
        account.number("wait?count=1");
        let upload = &account.entry()["upload"];
        assert_eq!(
            (&upload["complete"], &upload["sha256"], &upload["file_id"]),
            (&json!(false), &Value::Null, &Value::Null)
        );
        assert_eq!((&upload["purpose"], &upload["body_bytes"]), (&json!("voice_clone"), &json!(body.len() - 20)));
        assert_eq!((account.list("files").len(), account.number("count?performed=1")), (7, 0));
        assert_eq!(account.entry()["http_status"], Value::Null);
    }
}

#[test]
fn answers_are_lost_after_the_file_is_stored() {
    for tls in [false, true] {
        let account = account_over(tls);
        account.fault(
            json!([{"close_before_answer": "rst"}, {"cut_after": 30}, {"code": 1002}, {"shape": "id_as_string"}]),
        );
        let url = account.url() + "/v1/files/upload";
        let upload = || {
            let request = account.client.post(&url).bearer_auth(API_KEY).body(form("voice_clone", "a.mp3", "abc"));
            request.header("Content-Type", "multipart/form-data; boundary=b").send()
        };
        assert!(upload().is_err() && upload().is_err());
        assert_eq!(account.list("files").len(), 9);
        assert_eq!(upload().unwrap().json::<Value>().unwrap()["base_resp"]["status_code"], 1002);
        assert_eq!(account.list("files").len(), 9);
        assert!(upload().unwrap().json::<Value>().unwrap()["file"]["file_id"].is_string());
        assert_eq!((account.list("files").len(), account.number("count?performed=1&call=upload")), (10, 3));
    }
}

#[test]
fn large_files_are_hashed_and_not_kept() {
    let account = account();
    let size = 80 << 20;
    let form = form("video_understanding", "a.mp4", "|");
    let (head, tail) = form.split_once('|').unwrap();
    let end = |text: &str| Cursor::new(text.to_owned());
    let body = end(head).chain(repeat(b'x').take(size)).chain(end(tail));
    let json = send(&account, Body::new(body));
    assert_eq!(json["file"]["bytes"], size, "{json}");
    let upload = &account.entry()["upload"];
    assert_eq!((&upload["bytes"], &upload["chunked"]), (&json!(size), &json!(true)));
    let id = &json["file"]["file_id"];
    assert_eq!(account.control(&format!("sha256?file_id={id}")), *upload["sha256"].as_str().unwrap());
    assert_eq!(account.get_json(&format!("retrieve_content?file_id={id}"))["base_resp"]["status_code"], 1013);
}
