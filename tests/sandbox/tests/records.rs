//! The journal, the connections, the listeners and the program.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use common::{Account, PROMPT, VOICE, account, account_over, client, read_all, read_answer, tcp};
use mmx_sandbox::Sandbox;
use serde_json::{Value, json};

#[test]
fn the_journal_has_requests_as_they_came() {
    for tls in [false, true] {
        let account = account_over(tls);
        let mut wire = account.connect();
        let request = String::from_utf8(account.request(VOICE, "voice_clone")).unwrap();
        wire.write_all(request.replace("Host:", "X-OdD:  a b \r\nhOST:").as_bytes()).unwrap();
        read_answer(&mut *wire);
        wire.write_all(request.replace("delete", "nothing?a=b").as_bytes()).unwrap();
        read_answer(&mut *wire);
        let journal = account.list("journal");
        let entry = &journal[0];
        let wanted = json!([
            ["X-OdD", "a b"],
            ["hOST", "localhost"],
            ["Authorization", "Bearer sk-api-sandbox"],
            ["Content-Type", "application/json"],
            ["Content-Length", "51"],
        ]);
        assert_eq!(entry["headers"], wanted);
        assert_eq!(entry["body"], format!(r#"{{"file_id":{VOICE},"purpose":"voice_clone"}}"#));
        let local_port = wire.tcp().local_addr().unwrap().port();
        for (field, value) in [
            ("seq", json!(1)),
            ("method", json!("POST")),
            ("path", json!("/v1/files/delete")),
            ("query", json!(null)),
            ("tls", json!(tls)),
            ("peer_port", json!(local_port)),
            ("http_status", json!(200)),
            ("fault", json!(null)),
            ("performed", json!(true)),
        ] {
            assert_eq!(entry[field], value, "{field}");
        }
        let entry = &journal[1];
        assert_eq!(
            (&entry["seq"], &entry["path"], &entry["query"]),
            (&json!(2), &json!("/v1/files/nothing"), &json!("a=b"))
        );
        assert_eq!((&entry["http_status"], &entry["headers"][0][0]), (&json!(404), &json!("Host")));

        let connections = account.list("connections");
        assert_eq!(connections.len(), 1);
        let connection = &connections[0];
        assert_eq!(connection["id"], journal[0]["connection"]);
        assert_eq!((&connection["requests"], &connection["peer_port"]), (&json!(2), &json!(local_port)));
        assert_eq!((&connection["closed"], &connection["closed_at_ms"]), (&Value::Null, &Value::Null));
        drop(wire);
        assert_eq!(account.closed(), "fin");
        let connection = &account.list("connections")[0];
        assert!(connection["closed_at_ms"].as_u64() >= connection["opened_at_ms"].as_u64());
    }
}

#[test]
fn a_request_that_breaks_off_is_not_in_the_journal() {
    let account = account();
    let mut wire = account.connect();
    let request = account.request(VOICE, "voice_clone");
    wire.write_all(&request[..request.len() - 1]).unwrap();
    drop(wire);
    let all = account.sandbox.http_url().to_owned() + "/control/wait?listener=http&open=1";
    assert_eq!(client(&account.sandbox).get(all).send().unwrap().status(), 200);
    assert_eq!((account.number("count"), account.list("files").len()), (0, 7));
    account.delete(PROMPT, "prompt_audio").unwrap();
    assert_eq!(account.entry()["seq"], 1);
}

#[test]
fn bytes_that_are_not_text_are_kept() {
    let account = account();
    let url = account.url() + "/v1/files/nothing";
    account.client.post(url).body(vec![0xff, 0x00]).send().unwrap();
    assert_eq!(account.entry()["body_base64"], "/wA=");
}

#[test]
fn waiting() {
    let account = account();
    let get = |call: &str| {
        let response = account.client.get(format!("{}/{call}", account.sandbox.control_url("one"))).send().unwrap();
        (response.status().as_u16(), response.text().unwrap())
    };
    assert_eq!(get("wait?count=1&timeout_ms=1"), (408, "0".to_owned()));
    assert_eq!(get("wait?open=0&timeout_ms=1"), (200, "0".to_owned()));
    assert_eq!(get("wait").0, 400);
    assert_eq!(get("wait?cuont=1").0, 400);
    assert_eq!(get("count?file_id=x").0, 400);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| account.number("wait?count=3"));
        for _ in 0..3 {
            account.delete(1, "voice_clone").unwrap();
        }
        assert_eq!(waiting.join().unwrap(), 3);
    });
}

#[test]
fn certificates() {
    let account = account();
    let sandbox = &account.sandbox;
    let url = sandbox.https_url().replace("127.0.0.1", "localhost");
    assert_eq!(account.client.get(url).send().unwrap().status(), 404);
    assert_eq!(std::fs::read_to_string(sandbox.ca_file()).unwrap(), sandbox.ca_pem());
    assert_eq!(account.client.get(sandbox.https_tls12_url()).send().unwrap().status(), 404);
    for (url, word) in [
        (sandbox.https_expired_url(), "Expired"),
        (sandbox.https_wrong_host_url(), "NotValidForName"),
        (sandbox.https_unknown_ca_url(), "UnknownIssuer"),
    ] {
        let error = format!("{:?}", account.client.get(url).send().unwrap_err());
        assert!(error.contains(word), "{error}");
    }
    let url = sandbox.http_url().to_owned() + "/control/connections?listener=https_expired";
    let connections: Value = account.client.get(url).send().unwrap().json().unwrap();
    assert_eq!(connections[0]["listener"], "https_expired");
}

fn listener(account: &Account, call: &str) -> (u16, Value) {
    let url = format!("{}/control/{call}", account.sandbox.http_url());
    let response = client(&account.sandbox).get(url).send().unwrap();
    (response.status().as_u16(), response.json().unwrap())
}

#[test]
fn faults_before_the_first_request() {
    let account = account_over(true);
    let url = account.sandbox.http_url().to_owned() + "/control/listener";
    let accept = |fault: Value| assert_eq!(account.client.post(&url).json(&fault).send().unwrap().status(), 200);

    accept(json!({"accept": "stall_tls", "times": 2}));
    let impatient = client(&account.sandbox);
    let stalled = tcp(account.sandbox.https_url());
    let error = impatient.get(account.url()).timeout(std::time::Duration::from_millis(50)).send().unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(listener(&account, "wait?listener=https&accepted=2"), (200, json!(2)));
    // The impatient client has closed its half-done connection; the bare socket is still there.
    assert_eq!(listener(&account, "wait?listener=https&open=1"), (200, json!(1)));
    let (_, connections) = listener(&account, "connections?listener=https");
    assert_eq!((&connections[0]["closed"], &connections[0]["handshake"]), (&Value::Null, &Value::Null));
    assert_eq!((&connections[1]["closed"], &connections[1]["requests"]), (&json!("fin"), &json!(0)));
    drop(stalled);
    assert_eq!(listener(&account, "wait?listener=https&open=0"), (200, json!(0)));
    assert!(account.delete(VOICE, "voice_clone").is_ok());

    accept(json!({"accept": "close", "times": -1}));
    let (bytes, _) = read_all(&mut tcp(account.sandbox.https_url()));
    assert_eq!(bytes, b"");
    accept(json!({"accept": "normal"}));
    assert_eq!(listener(&account, "listener"), (200, json!([])));
    accept(json!({"accept": "reset"}));
    let (_, end) = read_all(&mut tcp(account.sandbox.https_url()));
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn help_and_wrong_control_calls() {
    let account = account();
    let get = |path: &str| account.client.get(format!("{}{path}", account.sandbox.http_url())).send().unwrap();
    let help = get("/control/help").text().unwrap();
    for word in [
        "close_after_idle_ms",
        "deep_nesting",
        "stall_tls",
        "journal_off",
        "Retry-After",
        "refuse_after",
        "redirect_to",
        "leaked_key",
        "proxy_authorization",
    ] {
        assert!(help.contains(word), "{word}");
    }
    assert_eq!(get("/control/one/nothing").status(), 404);
    assert_eq!(get("/control/one/reset").status(), 405);
    assert_eq!(get("/v1/files/delete").status(), 404);
    let mut wire = tcp(account.sandbox.http_url());
    wire.write_all(b"GET /control/one/count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let (bytes, end) = read_all(&mut wire);
    end.unwrap();
    assert!(bytes.ends_with(b"\r\n\r\n0"));
}

#[test]
fn a_stopped_sandbox_is_gone() {
    let sandbox = Sandbox::start().unwrap();
    let (url, ca_file) = (sandbox.http_url().to_owned(), sandbox.ca_file().to_owned());
    let mut wire = tcp(&url);
    drop(sandbox);
    assert!(!ca_file.exists());
    assert_eq!(wire.read(&mut [0]).unwrap_or(0), 0);
    assert!(std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).is_err());
}

#[test]
fn the_program() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mmx-sandbox"));
    command.args(["--ready-json", "--stop-with-stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["api_key"], mmx_sandbox::API_KEY);
    let ca_file = ready["ca_file"].as_str().unwrap();
    assert!(std::path::Path::new(ca_file).exists());
    let mut wire = tcp(ready["http_url"].as_str().unwrap());
    wire.write_all(b"GET /control/one/count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    assert!(read_all(&mut wire).0.ends_with(b"0"));
    assert!(ready["proxy_url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert!(ready["store_url"].as_str().unwrap().starts_with("http://127.0.0.2:"));
    assert!(ready["https_store_url"].as_str().unwrap().starts_with("https://127.0.0.2:"));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(!std::path::Path::new(ca_file).exists());

    let wrong = Command::new(env!("CARGO_BIN_EXE_mmx-sandbox")).arg("--prot").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
