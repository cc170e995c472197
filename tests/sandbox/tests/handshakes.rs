//! Handshakes that break off, and certificates that are odd.

mod common;

use std::io::{ErrorKind, Write};

use common::{VOICE, account, account_over, client, read_all, tcp};
use reqwest::Certificate;
use reqwest::blocking::Client;
use serde_json::{Value, json};

#[test]
fn cut_in_the_handshake() {
    let account = account_over(true);
    let url = account.sandbox.http_url().to_owned() + "/control/listener";
    for (accept, kind) in [("cut_tls", None), ("cut_tls_reset", Some(ErrorKind::ConnectionReset))] {
        let fault = json!({"accept": accept, "times": 2});
        assert_eq!(client(&account.sandbox).post(&url).json(&fault).send().unwrap().status(), 200);
        assert!(account.send(VOICE, "voice_clone").unwrap_err().is_connect());
        let mut wire = tcp(account.sandbox.https_url());
        // A ClientHello is a handshake record; the server only looks at its length.
        wire.write_all(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03").unwrap();
        let (bytes, end) = read_all(&mut wire);
        match kind {
            None => assert_eq!((&bytes[..3], end.is_ok()), (&b"\x16\x03\x03"[..], true)),
            Some(kind) => assert_eq!(end.unwrap_err().kind(), kind),
        }
    }
    assert_eq!(account.number("count"), 0);
    account.send(VOICE, "voice_clone").unwrap();
}

#[test]
fn certificates_that_are_odd() {
    let account = account();
    let sandbox = &account.sandbox;
    let error = |url: &str, pem: &str| {
        let ca = Certificate::from_pem(pem.as_bytes()).unwrap();
        let client = Client::builder().no_proxy().timeout(common::TIME).tls_certs_only([ca]).build().unwrap();
        match client.get(url).send() {
            Ok(answer) => format!("{}", answer.status()),
            Err(error) => format!("{error:?}"),
        }
    };
    let self_signed = std::fs::read_to_string(sandbox.self_signed_file()).unwrap();
    assert!(error(sandbox.https_self_signed_url(), &self_signed).contains("CaUsedAsEndEntity"));
    assert!(error(sandbox.https_self_signed_url(), sandbox.ca_pem()).contains("Certificate"));
    assert!(error(sandbox.https_no_intermediate_url(), sandbox.ca_pem()).contains("UnknownIssuer"));
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let listener = json!({"certificates": made.cert.pem(), "key": made.signing_key.serialize_pem()});
    let post = |name: &str, body: &Value| {
        let url = format!("{}/control/listeners/{name}", sandbox.http_url());
        client(sandbox).post(url).json(body).send().unwrap()
    };
    let answer: Value = post("mine", &listener).json().unwrap();
    let url = answer["url"].as_str().unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    assert_eq!(error(&format!("{url}/t/one/v1/files/list"), &made.cert.pem()), "200 OK");
    let entry = account.entry();
    assert_eq!((&entry["tls"], &entry["path"]), (&json!(true), &json!("/v1/files/list")));
    assert!(error(url, sandbox.ca_pem()).contains("UnknownIssuer"));
    // In place of the one before.
    let again: Value = post("mine", &listener).json().unwrap();
    assert_ne!(again["url"], answer["url"]);
    assert!(error(url, &made.cert.pem()).contains("refused"), "{}", error(url, &made.cert.pem()));
    for wrong in
        [json!({}), json!({"certificates": "x", "key": "y"}), json!({"certificates": made.cert.pem(), "key": ""})]
    {
        assert_eq!(post("mine", &wrong).status(), 400, "{wrong}");
    }
}
