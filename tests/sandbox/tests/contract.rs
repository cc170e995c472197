//! The API as its documents and measurements have it.

mod common;

use std::collections::HashSet;
use std::io::Write;

use common::{PROMPT, VOICE, account, account_over, client, read_all, strict_account, tcp};
use mmx_sandbox::{API_KEY, seeded_files};
use serde_json::{Value, json};

#[test]
fn every_seeded_file_can_be_deleted_once() {
    for tls in [false, true] {
        let account = account_over(tls);
        for (file_id, purpose) in seeded_files() {
            let response = account.send(file_id, purpose).unwrap();
            assert_eq!(response.status(), 200);
            assert!(response.headers().contains_key("date"));
            let text = response.text().unwrap();
            let wanted = format!(r#"{{"file_id":{file_id},"base_resp":{{"status_code":0,"status_msg":"success"}}}}"#);
            assert_eq!(text, wanted);
            let again = account.delete(file_id, purpose).unwrap();
            let wanted = json!({"status_code": 2013, "status_msg": "invalid params, file not exist"});
            assert_eq!(again, json!({"base_resp": wanted}));
        }
        assert_eq!(account.control("files"), "[]");
        assert_eq!(account.number("count?performed=1"), 7);
        assert_eq!(account.number("count?performed=0"), 7);
        assert_eq!(account.number(&format!("count?file_id={}", i64::MAX)), 2);
    }
}

#[test]
fn a_purpose_must_be_the_files_own() {
    let account = account();
    let message = |purpose: &str| account.delete(VOICE, purpose).unwrap()["base_resp"]["status_msg"].clone();
    assert_eq!(message("prompt_audio"), "invalid params, file not exist");
    assert_eq!(message("voice_clon"), "invalid params, purpose");
    assert_eq!(account.list("files").len(), 7);

    account.post("files", json!({"file_id": 5, "purpose": "new_next_year", "colour": "red"}));
    let file = &account.list("files")[0];
    assert_eq!((&file["file_id"], &file["colour"]), (&json!(5), &json!("red")));
    assert_eq!(account.delete(5, "new_next_year").unwrap()["base_resp"]["status_code"], 0);
}

#[test]
fn what_is_off_is_refused_and_named() {
    let account = strict_account();
    let good = format!(r#"{{"file_id":{VOICE},"purpose":"voice_clone"}}"#);
    let key = format!("Authorization: Bearer {API_KEY}");
    let (json_type, url) = ("Content-Type: application/json", "/v1/files/delete");
    let length = |body: &str| format!("Content-Length: {}", body.len());
    let send = |method: &str, path: &str, headers: &[&str], body: &str| -> (String, Value) {
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let mut wire = tcp(account.sandbox.http_url());
        let path = format!("/t/one{path}");
        write!(wire, "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n{body}").unwrap();
        let (bytes, end) = read_all(&mut wire);
        end.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), serde_json::from_str(body).unwrap_or_else(|_| body.into()))
    };
    let refused = |code: i64, word: &str, (head, body): (String, Value)| {
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(body["base_resp"]["status_code"], code, "{word}: {body}");
        let message = body["base_resp"]["status_msg"].as_str().unwrap();
        assert!(message.contains(word), "{message}");
    };

    let size = length(&good);
    refused(2013, "method GET", send("GET", url, &[&key], ""));
    refused(1004, "login fail", send("POST", url, &[json_type, &size], &good));
    refused(1004, "login fail", send("POST", url, &["Authorization: Bearer sk-api-other", json_type, &size], &good));
    let bare = format!("Authorization: {API_KEY}");
    refused(1004, "login fail", send("POST", url, &[&bare, json_type, &size], &good));
    refused(1004, "login fail", send("POST", url, &[&key, &key, json_type, &size], &good));
    refused(2013, "header content-type", send("POST", url, &[&key, &size], &good));
    let form = "Content-Type: multipart/form-data; boundary=x";
    refused(2013, "Content-Type multipart/form-data", send("POST", url, &[&key, form, &size], &good));
    let chunked = format!("{:x}\r\n{good}\r\n0\r\n\r\n", good.len());
    let headers = [&key, json_type, "Transfer-Encoding: chunked"];
    refused(2013, "header content-length", send("POST", url, &headers, &chunked));
    refused(2013, "query", send("POST", "/v1/files/delete?file_id=1", &[&key, json_type, &size], &good));

    for (body, word) in [
        ("", "EOF"),
        ("[]", "2 elements"),
        ("{}", "missing field `file_id`"),
        (r#"{"file_id":1}"#, "missing field `purpose`"),
        (r#"{"file_id":1,"purpose":"voice_clone","group":1}"#, "unknown field `group`"),
        (r#"{"file_id":1,"file_id":2,"purpose":"voice_clone"}"#, "duplicate field `file_id`"),
        (r#"{"file_id":"176844028768320","purpose":"voice_clone"}"#, "file_id must be an int64"),
        (r#"{"file_id":176844028768320.0,"purpose":"voice_clone"}"#, "file_id must be an int64"),
        (r#"{"file_id":1.76844028768320e14,"purpose":"voice_clone"}"#, "file_id must be an int64"),
        (r#"{"file_id":9223372036854775808,"purpose":"voice_clone"}"#, "file_id must be an int64"),
        (r#"{"file_id":null,"purpose":"voice_clone"}"#, "file_id must be an int64"),
        (r#"{"file_id":176844028768320,"purpose":""}"#, "not empty"),
        (r#"{"file_id":176844028768320,"purpose":1}"#, "must be a string"),
        (r#"{"file_id":-1,"purpose":"voice_clone"}"#, "file not exist"),
        (r#"{"file_id":176844028768320,"purpose":"voice_clone"} x"#, "trailing"),
    ] {
        refused(2013, word, send("POST", url, &[&key, json_type, &length(body)], body));
    }

    for path in ["/v1/files/delete/", "//v1/files/delete", "/v1/files/Delete", "/V1/files/delete", "/v1/files", ""] {
        let (head, body) = send("POST", path, &[&key, json_type, &size], &good);
        assert!(head.starts_with("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain"), "{head}");
        assert_eq!(body, "404 page not found");
    }
    assert_eq!(account.list("files").len(), 7);
    assert_eq!(account.number("count"), 9 + 15 + 6);

    let kind = "content-type: Application/JSON; charset=utf-8";
    let (_, body) = send("POST", url, &[&key, kind, &size], &good);
    assert_eq!(body["base_resp"]["status_code"], 0);
}

#[test]
fn trace_ids_are_unique_and_recorded() {
    let account = account();
    let mut sent = Vec::new();
    for _ in 0..50 {
        let response = account.send(1, "voice_clone").unwrap();
        sent.push(response.headers()["trace-id"].to_str().unwrap().to_owned());
    }
    assert!(sent.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    assert_eq!(sent.iter().collect::<HashSet<_>>().len(), 50);
    let journal = account.list("journal");
    let recorded: Vec<_> = journal.iter().map(|entry| entry["trace_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(recorded, sent);
}

#[test]
fn accounts_do_not_touch_each_other() {
    let mut account = account();
    account.fault(json!({"code": 1002}));
    account.name = "other";
    assert_eq!(account.delete(VOICE, "voice_clone").unwrap()["base_resp"]["status_code"], 0);
    assert_eq!(account.number("count"), 1);
    account.name = "one";
    assert_eq!(account.number("count"), 0);
    assert_eq!(account.list("files").len(), 7);
    assert_eq!(account.delete(VOICE, "voice_clone").unwrap()["base_resp"]["status_code"], 1002);
    account.tls = true;
    assert_eq!(account.delete(VOICE, "voice_clone").unwrap()["base_resp"]["status_code"], 0);
    assert_eq!(account.number("count"), 2);

    account.fault(json!({"code": 1002}));
    account.post("reset", json!({}));
    assert_eq!(account.number("count"), 0);
    assert_eq!(account.list("faults").len() + account.list("connections").len(), 0);
    assert_eq!(account.list("files").len(), 7);
    // The connection that is kept alive counts again.
    assert_eq!(account.delete(PROMPT, "prompt_audio").unwrap()["base_resp"]["status_code"], 0);
    assert_eq!(account.number("open"), 1);
}

#[test]
fn large_accounts() {
    let account = account();
    let url = account.sandbox.control_url("one") + "/files";
    client(&account.sandbox).delete(&url).send().unwrap();
    let added = account.post("files", json!({"count": 100_000, "first_id": 1000, "purpose": "t2a_async"}));
    assert_eq!(added["files"], 100_000);
    let many: Vec<_> = (0..50_000).map(|id| json!({"file_id": id, "purpose": "voice_clone"})).collect();
    assert_eq!(account.post("files", many.into())["added"], 50_000);
    assert_eq!(account.delete(100_999, "t2a_async").unwrap()["base_resp"]["status_code"], 0);
    account.post("journal_off", json!({}));
    account.delete(100_998, "t2a_async").unwrap();
    assert_eq!(account.number("count"), 1);
    account.post("journal_on", json!({}));
    account.delete(100_997, "t2a_async").unwrap();
    assert_eq!(account.number("count"), 2);
}
