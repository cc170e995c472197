//! The object store behind `download_url`.

mod common;

use common::{Account, account_over};
use mmx_sandbox::API_KEY;
use reqwest::blocking::Response;
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

fn fetch(account: &Account, url: &str) -> Response {
    account.client.get(url).send().unwrap()
}

fn last(account: &Account) -> Value {
    account.list("journal").pop().unwrap()
}

#[test]
fn a_link_is_enough() {
    for tls in [false, true] {
        let account = stocked(tls);
        let url = link(&account);
        let whole = fetch(&account, &url);
        let etag = whole.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(
            (whole.headers()["content-type"].clone(), whole.text().unwrap().as_str()),
            ("video/mp4".parse().unwrap(), "0123456789")
        );
        let entry = last(&account);
        for (field, value) in [
            ("host", json!("store")),
            ("path", json!("/store/one/42")),
            ("performed", json!(true)),
            ("leaked_key", json!(false)),
            ("tls", json!(tls)),
        ] {
            assert_eq!(entry[field], value, "{field}");
        }
        let part = account.client.get(&url).header("Range", "bytes=7-").header("If-Range", etag).send().unwrap();
        assert_eq!((part.status().as_u16(), part.text().unwrap().as_str()), (206, "789"));
        let outside = account.client.get(&url).header("Range", "bytes=10-").send().unwrap();
        assert_eq!(
            (outside.status().as_u16(), &outside.headers()["content-range"]),
            (416, &"bytes */10".parse().unwrap())
        );
        assert_eq!((account.number("count?call=store"), account.number("count?file_id=42")), (3, 4));
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let account = stocked(false);
    let url = link(&account);
    let refused = |response: Response, status: u16, word: &str| {
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (status, &"application/xml".parse().unwrap())
        );
        let text = response.text().unwrap();
        assert!(text.contains(word), "{text}");
        assert_eq!(last(&account)["performed"], false);
    };
    refused(account.client.get(&url).bearer_auth("x").send().unwrap(), 403, "no key");
    assert_eq!(last(&account)["leaked_key"], true);
    refused(account.client.get(&url).header("X-Key", API_KEY).send().unwrap(), 403, "no key");
    refused(account.client.get(format!("{url}&k={API_KEY}")).send().unwrap(), 403, "no key");
    refused(account.client.post(&url).send().unwrap(), 405, "MethodNotAllowed");
    refused(fetch(&account, &format!("{url}0")), 403, "SignatureDoesNotMatch");
    refused(fetch(&account, &url.replace("/42?", "/43?")), 403, "SignatureDoesNotMatch");
    refused(fetch(&account, &url.replace("Expires=1", "Expires=2")), 403, "SignatureDoesNotMatch");
    refused(fetch(&account, url.split('?').next().unwrap()), 403, "not complete");
    assert_eq!(last(&account)["leaked_key"], false);
    // The API's paths are nothing here, and the store's nothing there.
    let base = account.sandbox.store_url();
    assert_eq!(fetch(&account, &format!("{base}/t/one/v1/files/list")).status(), 404);
    assert_eq!(fetch(&account, &url.replace(base, account.sandbox.http_url())).status(), 404);

    account.post("expire?file_id=7", json!({}));
    assert_eq!(fetch(&account, &url).status(), 200);
    assert_eq!(account.post("expire?file_id=42", json!({})), json!({"expired": 1}));
    refused(fetch(&account, &url), 403, "expired");
    account.fault(json!({"expired_url": true}));
    let old = link(&account);
    refused(fetch(&account, &old), 403, "expired");
    let fresh = link(&account);
    assert_eq!(fetch(&account, &fresh).status(), 200);
    account.post("reset", json!({}));
    refused(fetch(&account, &fresh), 403, "SignatureDoesNotMatch");
}

#[test]
fn links_over_http_whatever_the_api_is_asked_over() {
    let account = stocked(true);
    assert!(link(&account).starts_with(account.sandbox.https_store_url()));
    account.post("settings", json!({"http_links": true}));
    assert!(link(&account).starts_with(account.sandbox.store_url()));
    account.post("reset", json!({}));
    assert_eq!(serde_json::from_str::<Value>(&account.control("settings")).unwrap(), json!({"http_links": false}));
}

#[test]
fn the_store_has_faults_too() {
    let account = stocked(true);
    let url = link(&account);
    account.fault(json!([
        {"call": "store", "cut_after": 400},
        {"call": "store", "http_status": 503, "headers": {"Retry-After": 1}},
        {"call": "store", "file_id": ID, "no_range": true},
        {"call": "store", "redirect_to": "downgrade"},
    ]));
    let _ = account.client.get(&url).send().map(Response::text);
    assert_eq!(last(&account)["fault"], "cut_after 400");
    assert_eq!(fetch(&account, &url).status(), 503);
    let whole = account.client.get(&url).header("Range", "bytes=7-").send().unwrap();
    assert_eq!(whole.status(), 200);
    let redirected = fetch(&account, &url);
    assert_eq!(
        (redirected.url().scheme().to_owned(), redirected.text().unwrap().as_str()),
        ("http".to_owned(), "0123456789")
    );
}

#[test]
fn a_redirect_to_the_store_is_another_host() {
    let account = stocked(true);
    account.fault(json!({"call": "retrieve_content", "redirect_to": "store"}));
    let response = account.get(&format!("retrieve_content?file_id={ID}"));
    assert!(response.url().as_str().starts_with(account.sandbox.https_store_url()));
    assert_eq!(response.text().unwrap(), "0123456789");
    assert_eq!(last(&account)["leaked_key"], false);
}
