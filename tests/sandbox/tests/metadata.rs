//! The calls that tell of files: list and retrieve.

mod common;

use std::time::Instant;

use common::{Account, VOICE, account, account_over, strict_account};
use mmx_sandbox::seeded_files;
use serde_json::{Value, json};

fn success() -> Value {
    json!({"status_code": 0, "status_msg": "success"})
}

fn refused(account: &Account, call: &str, word: &str) {
    let json = account.get_json(call);
    assert_eq!(json["base_resp"]["status_code"], 2013, "{call}: {json}");
    let message = json["base_resp"]["status_msg"].as_str().unwrap();
    assert!(message.starts_with("invalid params, ") && message.contains(word), "{call}: {message}");
}

#[test]
fn files_are_listed_by_purpose() {
    for tls in [false, true] {
        let account = account_over(tls);
        let list = account.get_json("list");
        let ids = |list: &Value| -> Vec<i64> {
            list["files"].as_array().unwrap().iter().map(|file| file["file_id"].as_i64().unwrap()).collect()
        };
        let mut wanted: Vec<_> = seeded_files().into_iter().map(|(id, _)| id).collect();
        wanted.sort();
        assert_eq!((ids(&list), &list["base_resp"]), (wanted, &success()));
        let list = account.get_json("list?purpose=voice_clone");
        assert_eq!(ids(&list), [VOICE, i64::MAX]);
        let wanted = json!({"file_id": VOICE, "bytes": 1024, "created_at": 1_750_000_000,
                            "filename": format!("{VOICE}.mp3"), "purpose": "voice_clone"});
        assert_eq!(list["files"][0], wanted);
        assert_eq!(account.get("list?purpose=t2a_async").json::<Value>().unwrap()["files"][0]["bytes"], 0);
        let text = account.get("list?purpose=video_understanding").text().unwrap();
        assert_eq!(text, r#"{"files":[],"base_resp":{"status_code":0,"status_msg":"success"}}"#);
        assert_eq!(account.list("files").len(), 7);
    }
}

#[test]
fn a_list_is_strict() {
    let account = strict_account();
    refused(&account, "list?purpose=voice_clon", "purpose");
    refused(&account, "list?purpose=", "purpose");
    refused(&account, "list?purpose=voice_clone&purpose=voice_clone", "twice");
    refused(&account, "list?order=asc", "unknown parameter order");
    account.post("files", json!({"file_id": 5, "purpose": "new next/year", "filename": "a\"b\n", "x": [1]}));
    let list = account.get_json("list?purpose=new+next%2Fyear");
    let file = &list["files"][0];
    assert_eq!(
        (&file["filename"], &file["x"], &file["purpose"]),
        (&json!("a\"b\n"), &json!([1]), &json!("new next/year"))
    );

    let url = account.url() + "/v1/files/list";
    let bare: Value = account.client.get(&url).send().unwrap().json().unwrap();
    assert_eq!(bare["base_resp"]["status_code"], 1004);
    let request = account.client.post(&url).bearer_auth(mmx_sandbox::API_KEY);
    let post: Value = request.send().unwrap().json().unwrap();
    assert_eq!(post["base_resp"]["status_msg"], "invalid params, method POST: use GET");
    let request = account.client.get(&url).bearer_auth(mmx_sandbox::API_KEY);
    let body: Value = request.body("{}").send().unwrap().json().unwrap();
    assert_eq!(body["base_resp"]["status_msg"], "invalid params, body: this call takes none");
}

#[test]
fn lists_in_other_shapes() {
    let account = account();
    let list = |shape: &str| {
        account.fault(json!({"call": "list", "shape": shape}));
        account.get_json("list?purpose=prompt_audio")
    };
    assert_eq!(list("files_missing"), json!({"base_resp": success()}));
    assert_eq!(list("files_null"), json!({"files": null, "base_resp": success()}));
    assert!(list("files_not_array")["files"].is_object());
    assert_eq!(list("id_as_string")["files"][0]["file_id"], (VOICE + 1).to_string());
    assert!(list("id_missing")["files"][0].get("file_id").is_none());
    assert_eq!(list("other_id")["files"][0]["file_id"], VOICE);
    let json = list("unknown_fields");
    assert!(json["files"][0]["status"].is_object() && json["extra"].is_object());
    account.fault(json!([{"shape": "deep_nesting"}, {"shape": "invalid_utf8"}]));
    let deep = account.get("list").text().unwrap();
    assert!(deep.contains("\"extra\":[[[") && deep.starts_with(r#"{"files":[{"#));
    let bytes = account.get("list").bytes().unwrap();
    assert!(std::str::from_utf8(&bytes).is_err() && bytes.starts_with(b"{\"files\":[{"));
}

#[test]
fn a_hundred_thousand_files_are_listed_at_once() {
    let account = account();
    account.post("files", json!({"count": 100_000, "first_id": 1, "purpose": "video_generation"}));
    let start = Instant::now();
    let list = account.get_json("list");
    assert_eq!(list["files"].as_array().unwrap().len(), 100_007);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn a_file_is_retrieved_with_a_link() {
    for tls in [false, true] {
        let account = account_over(tls);
        let json = account.get_json(&format!("retrieve?file_id={}", i64::MAX));
        assert_eq!(json["base_resp"], success());
        let file = &json["file"];
        assert_eq!((&file["file_id"], &file["purpose"]), (&json!(i64::MAX), &json!("voice_clone")));
        let store = if tls { account.sandbox.https_store_url() } else { account.sandbox.store_url() };
        let url = file["download_url"].as_str().unwrap();
        assert!(url.starts_with(&format!("{store}/store/one/{}?Expires=", i64::MAX)), "{url}");
        assert!(url.contains("://127.0.0.2:") && url.contains("&Signature="), "{url}");
        let entry = account.entry();
        assert_eq!((&entry["performed"], &entry["path"]), (&json!(true), &json!("/v1/files/retrieve")));
        assert_eq!(account.number(&format!("count?file_id={}", i64::MAX)), 1);
    }
}

#[test]
fn a_retrieve_is_strict() {
    let account = strict_account();
    refused(&account, "retrieve?file_id=5", "file not found");
    refused(&account, "retrieve", "file_id is missing");
    refused(&account, "retrieve?file_id=", "int64");
    refused(&account, "retrieve?file_id=%2B5", "int64");
    refused(&account, "retrieve?file_id=9223372036854775808", "int64");
    refused(&account, "retrieve?file_id=5&purpose=voice_clone", "unknown parameter purpose");
    let shape = |shape: &str| {
        account.fault(json!({"file_id": VOICE, "shape": shape}));
        account.get_json(&format!("retrieve?file_id={VOICE}"))
    };
    let json = shape("other_id");
    assert_eq!((&json["file"]["file_id"], &json["file"]["purpose"]), (&json!(VOICE + 1), &json!("voice_clone")));
    assert_eq!(shape("id_as_string")["file"]["file_id"], VOICE.to_string());
    assert!(shape("id_missing")["file"].get("file_id").is_none());
}
