//! The server's default: it takes what the service takes from clients that are not ours, and refuses what it refuses.

mod common;

use common::{Account, VOICE, account, account_over};
use mmx_sandbox::API_KEY;
use reqwest::blocking::Body;
use serde_json::{Value, json};

const PURPOSE: &str = "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nvoice_clone\r\n";
const FILE: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\nabc\r\n";
const END: &str = "--b--\r\n";

/// Posts a body to a call, which is named by its last part and may have a query.
fn send(account: &Account, call: &str, body: impl Into<Body>) -> Value {
    let request = account.client.post(format!("{}/v1/files/{call}", account.url())).bearer_auth(API_KEY);
    let request = request.header("Content-Type", "multipart/form-data; boundary=b");
    request.body(body).send().unwrap().json().unwrap()
}

fn form(purpose: &str, filename: &str) -> String {
    let (purpose, file) = (PURPOSE.replace("voice_clone", purpose), FILE.replace("a.mp3", filename));
    purpose + &file + END
}

/// Sends an upload that must be stored; returns the file and what the journal says of the upload.
fn stored(account: &Account, body: impl Into<Body>) -> (Value, Value) {
    let json = send(account, "upload", body);
    assert_eq!(json["base_resp"], json!({"status_code": 0, "status_msg": "success"}), "{json}");
    let entry = account.list("journal").pop().unwrap();
    assert_eq!((&entry["performed"], &entry["upload"]["complete"]), (&json!(true), &json!(true)));
    let id = &json["file"]["file_id"];
    assert_eq!(account.get(&format!("retrieve_content?file_id={id}")).text().unwrap(), "abc");
    (json["file"].clone(), entry["upload"].clone())
}

fn refused(account: &Account, body: impl Into<Body>, message: &str) {
    let files = account.list("files").len();
    let json = send(account, "upload", body);
    assert_eq!(json, json!({"base_resp": {"status_code": 2013, "status_msg": message}}));
    assert_eq!(account.list("files").len(), files);
}

fn delete(account: &Account, query: &str, body: Value) -> Value {
    let url = format!("{}/v1/files/delete{query}", account.url());
    account.client.post(url).bearer_auth(API_KEY).json(&body).send().unwrap().json().unwrap()
}

/// A whole form with one thing replaced.
fn with(from: &str, to: &str) -> String {
    let whole = format!("{PURPOSE}{FILE}{END}");
    assert!(whole.contains(from));
    whole.replace(from, to)
}

#[test]
fn the_file_part_may_come_first() {
    for tls in [false, true] {
        let account = account_over(tls);
        let (file, upload) = stored(&account, format!("{FILE}{PURPOSE}{END}"));
        assert_eq!((&file["purpose"], &file["filename"]), (&json!("voice_clone"), &json!("a.mp3")));
        assert_eq!((&upload["purpose"], &upload["content_type"]), (&json!("voice_clone"), &json!("audio/mpeg")));
    }
}

#[test]
fn the_file_part_may_have_no_content_type() {
    let account = account();
    let (_, upload) = stored(&account, with("Content-Type: audio/mpeg\r\n", ""));
    assert_eq!(upload["content_type"], Value::Null);
    stored(&account, format!("{FILE}{PURPOSE}{END}").replace("Content-Type: audio/mpeg\r\n", ""));
}

#[test]
fn every_call_may_name_a_group() {
    let account = account();
    for group in ["?GroupId=1", "?GroupId=", "?GroupId=1747179187841536150"] {
        let id = &send(&account, &format!("upload{group}"), form("prompt_audio", "a.wav"))["file"]["file_id"];
        assert!(id.is_i64(), "{group}");
        let more = group.replace('?', "&");
        let list = account.get_json(&format!("list{group}&purpose=prompt_audio"));
        assert_eq!(list["files"].as_array().unwrap().len(), 2, "{group}: {list}");
        assert_eq!(account.get_json(&format!("list{group}"))["base_resp"]["status_code"], 0);
        assert_eq!(account.get_json(&format!("retrieve?file_id={id}{more}"))["file"]["file_id"], *id);
        assert_eq!(account.get(&format!("retrieve_content{group}&file_id={id}")).text().unwrap(), "abc");
        let deleted = delete(&account, group, json!({"file_id": id, "purpose": "prompt_audio"}));
        assert_eq!((&deleted["file_id"], &deleted["base_resp"]["status_code"]), (id, &json!(0)), "{group}");
    }
    // Parameters that the call doesn't know are ignored, as servers do.
    assert_eq!(account.get_json("list?limit=20&limit=10")["base_resp"]["status_code"], 0);
}

#[test]
fn a_delete_may_name_no_purpose() {
    let account = account();
    let success = json!({"file_id": VOICE, "base_resp": {"status_code": 0, "status_msg": "success"}});
    assert_eq!(delete(&account, "", json!({"file_id": VOICE})), success);
    let gone = json!({"base_resp": {"status_code": 2013, "status_msg": "invalid params, file not exist"}});
    assert_eq!(delete(&account, "", json!({"file_id": VOICE})), gone);
    assert_eq!(account.list("files").len(), 6);
    // One that is named still has to be the file's own.
    assert_eq!(delete(&account, "", json!({"file_id": VOICE + 1, "purpose": "voice_clone"})), gone);
    let empty = delete(&account, "", json!({"file_id": VOICE + 1, "purpose": ""}));
    assert_eq!(empty["base_resp"]["status_code"], 2013);
    let text = delete(&account, "", json!({"file_id": (VOICE + 1).to_string()}));
    assert_eq!(text["base_resp"]["status_code"], 2013);
    assert_eq!(account.list("files").len(), 6);
}

#[test]
fn purposes_old_and_new() {
    let account = account();
    for purpose in ["retrieval", "fine-tune", "fine-tune-result", "role-recognition", "batch"] {
        assert_eq!(account.get_json(&format!("list?purpose={purpose}"))["files"], json!([]), "{purpose}");
        let (file, _) = stored(&account, form(purpose, "a.txt"));
        assert_eq!(file["purpose"], purpose);
        assert_eq!(account.get_json(&format!("list?purpose={purpose}"))["files"][0]["file_id"], file["file_id"]);
        let deleted = delete(&account, "", json!({"file_id": file["file_id"], "purpose": purpose}));
        assert_eq!(deleted["base_resp"]["status_code"], 0, "{purpose}");
    }
    for unknown in ["voice_clon", "", "vision", "t2a_async", "video_generation"] {
        refused(&account, form(unknown, "a.mp3"), "invalid file purpose");
    }
    // One that is new next year is known once the account has a file of it.
    account.post("files", json!({"file_id": 5, "purpose": "New-Next.Year"}));
    stored(&account, form("New-Next.Year", "anything"));
}

#[test]
fn the_extension_must_fit_the_purpose() {
    let account = account();
    for (purpose, word, good, bad) in [
        ("voice_clone", "voice clone", "a.mp3 a.m4a a.wav A.MP3 a.txt.wav", "a.txt a a.mp3.txt mp3 .mp3x a. a.ogg"),
        ("prompt_audio", "prompt audio", "a.mp3 a.m4a a.wav", "a.txt a a.mp4"),
        ("t2a_async_input", "t2a async input", "a.txt a.ZIP", "a.mp3 a a.pdf"),
        ("video_understanding", "video understanding", "a.mp4 a.avi a.mov a.mkv", "a.webm a a.png"),
        (
            "video_generation_input",
            "video generation input",
            "a.jpg a.jpeg a.png a.webp a.heic a.heif a.mp4 a.mov a.wav a.mp3",
            "a.gif a a.mkv",
        ),
    ] {
        for name in good.split(' ') {
            stored(&account, form(purpose, name));
        }
        for name in bad.split(' ') {
            refused(&account, form(purpose, name), &format!("invalid file ext for {word}"));
        }
    }
    for name in ["doc.txt", "doc.pdf", "doc"] {
        stored(&account, form("retrieval", name));
    }
    account.post("settings", json!({"any_file": true}));
    stored(&account, form("voice_clone", "a.txt"));
}

#[test]
fn a_file_may_be_too_large_for_its_purpose() {
    let account = account();
    let of = |purpose: &str, name: &str, size: usize| form(purpose, name).replace("abc", &"x".repeat(size));
    for (purpose, name, limit) in [
        ("voice_clone", "a.mp3", 20),
        ("video_generation_input", "a.png", 30),
        ("video_generation_input", "a.mov", 50),
        ("video_generation_input", "a.wav", 15),
    ] {
        let json = send(&account, "upload", of(purpose, name, limit << 20));
        assert_eq!(json["file"]["bytes"], limit << 20, "{purpose} {name}");
        let message = format!("invalid file size for {}", purpose.replace('_', " "));
        refused(&account, of(purpose, name, (limit << 20) + 1), &message);
    }
    assert_eq!(send(&account, "upload", of("retrieval", "a.txt", 21 << 20))["base_resp"]["status_code"], 0);
    account.post("settings", json!({"any_file": true}));
    assert_eq!(send(&account, "upload", of("voice_clone", "a.mp3", 21 << 20))["base_resp"]["status_code"], 0);
}

#[test]
fn a_file_that_is_not_there() {
    let account = account();
    for call in ["retrieve", "retrieve_content"] {
        let wanted = json!({"base_resp": {"status_code": 2013, "status_msg": "invalid params, file not found"}});
        assert_eq!(account.get_json(&format!("{call}?file_id=5")), wanted);
    }
}

#[test]
fn forms_as_other_clients_write_them() {
    let account = account();
    for (from, to) in [
        // A header more in a part.
        ("Content-Type: audio/mpeg\r\n", "Content-Length: 3\r\nContent-Transfer-Encoding: binary\r\n"),
        // A Content-Type for the part purpose.
        ("\"purpose\"\r\n", "\"purpose\"\r\nContent-Type: text/plain; charset=utf-8\r\n"),
        // A line break before the first boundary, and text after the last one.
        (PURPOSE, &format!("\r\n{PURPOSE}")),
        (END, "--b--\r\n\r\nbye"),
        (END, "--b--"),
        // A part that nobody asked for.
        (END, "--b\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nann\r\n--b--\r\n"),
        (PURPOSE, &format!("--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\n\r\n{PURPOSE}")),
        // Names without quotes, in any case and spacing.
        ("form-data; name=\"purpose\"", "Form-Data;name=purpose"),
        ("name=\"file\"; filename=\"a.mp3\"", "filename=a.mp3 ;  Name=file"),
        ("audio/mpeg\r\n", "audio/mpeg\r\ncontent-disposition-extra: x\r\n"),
    ] {
        let (file, _) = stored(&account, with(from, to));
        assert_eq!(file["filename"], "a.mp3", "{to}");
    }
    for (name, wanted) in [
        (r#"filename="a \"b\" \\ c.mp3""#, r#"a "b" \ c.mp3"#),
        ("filename*=UTF-8''%e5%a3%b0%20a.mp3", "声 a.mp3"),
        ("filename=\"x.mp3\"; filename*=utf-8'en'%e5%a3%b0.mp3", "声.mp3"),
        ("filename=\"声.mp3\"", "声.mp3"),
    ] {
        assert_eq!(stored(&account, with("filename=\"a.mp3\"", name)).0["filename"], wanted);
    }
    let bytes: Vec<u8> = with("a.mp3", "|.mp3").bytes().map(|byte| if byte == b'|' { 0xe4 } else { byte }).collect();
    assert_eq!(stored(&account, bytes).0["filename"], "\u{fffd}.mp3");
}

#[test]
fn a_delete_as_other_clients_write_it() {
    let account = account();
    let chunked = Body::new(std::io::Cursor::new(json!({"file_id": VOICE, "group": 1}).to_string()));
    let request = account.client.post(account.url() + "/v1/files/delete").bearer_auth(API_KEY);
    let json: Value = request.header("Content-Type", "application/json").body(chunked).send().unwrap().json().unwrap();
    assert_eq!((&json["file_id"], &json["base_resp"]["status_code"]), (&json!(VOICE), &json!(0)));
}

#[test]
fn what_no_client_may_send() {
    let account = account();
    let refused = |body: String, word: &str| {
        let json = send(&account, "upload", body);
        assert_eq!(json["base_resp"]["status_code"], 2013, "{word}: {json}");
        let message = json["base_resp"]["status_msg"].as_str().unwrap();
        assert!(message.contains(word), "{word}: {message}");
    };
    refused(format!("{PURPOSE}{END}"), "part file is missing");
    refused(format!("{FILE}{END}"), "invalid file purpose");
    refused(format!("{FILE}{PURPOSE}{FILE}{END}"), "part file is one too many");
    refused(format!("{PURPOSE}{FILE}{PURPOSE}{END}"), "part purpose is one too many");
    refused(with("; filename=\"a.mp3\"", ""), "no filename");
    refused(with("a.mp3", ""), "no filename");
    refused(with("a.mp3\"", "a.mp3"), "quote");
    refused(with("--b--\r\n", ""), "does not end");
    refused(with("--b--\r\n", "--b"), "does not end");
    refused(String::new(), "no part");
    refused(format!("{PURPOSE}{FILE}{END}").replace("--b", "--c"), "no part");
    assert_eq!(account.list("files").len(), 7);
}

type Try<'a> = (&'static str, Box<dyn Fn() -> Value + 'a>);

/// Each setting makes one of these a refusal, and `strict` all.
#[test]
fn what_is_strict_is_a_setting() {
    let account = account();
    let tries: [Try; 5] = [
        ("strict_order", Box::new(|| send(&account, "upload", format!("{FILE}{PURPOSE}{END}")))),
        ("strict_part_type", Box::new(|| send(&account, "upload", with("Content-Type: audio/mpeg\r\n", "")))),
        ("strict_purpose", Box::new(|| delete(&account, "", json!({"file_id": VOICE})))),
        ("strict_query", Box::new(|| account.get_json("list?GroupId=1"))),
        ("strict", Box::new(|| send(&account, "upload", with("audio/mpeg", "audio/mpeg\r\nContent-Length: 3")))),
    ];
    let refused = || -> Vec<&str> {
        account.post("files", json!({"file_id": VOICE, "purpose": "voice_clone"}));
        let refused = tries.iter().filter(|(_, call)| call()["base_resp"]["status_code"] == 2013);
        refused.map(|(name, _)| *name).collect()
    };
    assert_eq!(refused(), [""; 0]);
    for (name, _) in &tries[..4] {
        account.post("settings", json!({ *name: true }));
        assert_eq!(refused(), [*name]);
    }
    account.post("settings", json!({"strict": true}));
    let all: Vec<_> = tries.iter().map(|(name, _)| *name).collect();
    assert_eq!(refused(), all);
    account.post("settings", json!({"strict": true, "strict_order": false}));
    assert_eq!(refused(), all[1..]);
    account.post("settings", json!({}));
    assert_eq!(refused(), [""; 0]);

    // Where the account says nothing it is as the server was started, also after a reset.
    let account = common::strict_account();
    let bare = json!({"file_id": VOICE});
    let refused = |account: &Account| delete(account, "", bare.clone())["base_resp"]["status_code"] == 2013;
    assert!(refused(&account));
    account.post("settings", json!({"count_only": true}));
    assert!(refused(&account));
    account.post("reset", json!({}));
    assert!(refused(&account));
    account.post("settings", json!({"strict": false}));
    assert!(!refused(&account));
}
