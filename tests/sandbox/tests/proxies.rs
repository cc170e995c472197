//! The forward proxies.

mod common;

use std::io::Write;
use std::time::Duration;

use common::{Account, TIME, VOICE, account, account_over, client, read_all, tcp};
use mmx_sandbox::API_KEY;
use reqwest::blocking::Client;
use reqwest::{Certificate, Proxy};
use serde_json::{Value, json};

/// Makes a proxy and returns its URL.
fn proxy(account: &Account, settings: Value) -> String {
    let url = account.sandbox.http_url().to_owned() + "/control/proxies/one";
    let made: Value = client(&account.sandbox).post(url).json(&settings).send().unwrap().json().unwrap();
    made["url"].as_str().unwrap().to_owned()
}

fn journal(account: &Account) -> Value {
    let url = account.sandbox.http_url().to_owned() + "/control/proxies/one";
    client(&account.sandbox).get(url).send().unwrap().json().unwrap()
}

fn through(account: &mut Account, proxy: &str) {
    let ca = Certificate::from_pem(account.sandbox.ca_pem().as_bytes()).unwrap();
    let builder = Client::builder().proxy(Proxy::all(proxy).unwrap()).timeout(TIME).tls_certs_only([ca]);
    account.client = builder.build().unwrap();
}

#[test]
fn it_forwards_what_is_plain_and_tunnels_what_is_not() {
    for (tls, proxy_tls) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut account = account_over(tls);
        let url = proxy(&account, json!({"tls": proxy_tls}));
        assert!(url.starts_with(if proxy_tls { "https://127.0.0.1:" } else { "http://127.0.0.1:" }), "{url}");
        through(&mut account, &url);
        assert_eq!(account.delete(VOICE, "voice_clone").unwrap()["base_resp"]["status_code"], 0);
        assert_eq!(account.list("files").len(), 6);
        let address = account.sandbox.https_url().strip_prefix("https://").unwrap();
        let wanted = match tls {
            true => ("CONNECT", address.to_owned(), json!(true)),
            false => ("POST", account.url() + "/v1/files/delete", Value::Null),
        };
        let (method, target, is_tls) = wanted;
        let entry = json!({"method": method, "target": target, "status": 200, "proxy_authorization": null,
            "authorization": !tls, "tls": is_tls});
        assert_eq!(journal(&account), json!([entry]));
        // What the origin gets is a request as any other.
        assert_eq!(account.entry()["path"], "/v1/files/delete");
    }
}

#[test]
fn names_that_are_no_ones_lead_here_and_all_others_nowhere() {
    let mut account = account();
    let url = proxy(&account, json!({}));
    through(&mut account, &url);
    let port = account.sandbox.http_url().rsplit(':').next().unwrap().to_owned();
    let get =
        |host: &str| account.client.get(format!("http://{host}:{port}/control/one/count")).send().unwrap().status();
    for here in ["some.example", "localhost", "127.0.0.1"] {
        assert_eq!(get(here), 200, "{here}");
    }
    for elsewhere in ["10.0.0.1", "[2001:db8::1]", "minimax.io"] {
        assert_eq!(get(elsewhere), 403, "{elsewhere}");
    }
    let entries = journal(&account);
    assert_eq!(
        (&entries[0]["target"], &entries[3]["status"]),
        (&json!(format!("http://some.example:{port}/control/one/count")), &json!(403))
    );
    assert_eq!(account.client.get("http://127.0.0.1:1/").send().unwrap().status(), 502);
}

#[test]
fn credentials() {
    for tls in [false, true] {
        let mut account = account_over(tls);
        let url = proxy(&account, json!({"credentials": "ann:p@ss"}));
        let with = |credentials: &str| url.replace("http://", &format!("http://{credentials}"));
        through(&mut account, &url);
        if tls {
            assert!(format!("{:?}", account.send(VOICE, "voice_clone").unwrap_err()).contains("ProxyAuthRequired"));
        } else {
            assert_eq!(account.send(VOICE, "voice_clone").unwrap().status(), 407);
        }
        through(&mut account, &with("ann:wrong@"));
        assert!(account.send(VOICE, "voice_clone").map_or(true, |answer| answer.status() == 407));
        assert_eq!(account.number("count"), 0);
        through(&mut account, &with("ann:p%40ss@"));
        account.delete(VOICE, "voice_clone").unwrap();
        let entries = journal(&account);
        let statuses = [0, 1, 2].map(|at| entries[at]["status"].clone());
        assert_eq!(statuses, [json!(407), json!(407), json!(200)]);
        assert_eq!(entries[2]["proxy_authorization"], "Basic YW5uOnBAc3M=");
        // They are the proxy's alone.
        assert!(!account.entry().to_string().contains("YW5uOnBAc3M="));
    }
}

#[test]
fn it_refuses_hangs_and_closes() {
    let account = account();
    let ask = |settings: Value, wait: Duration| {
        let mut wire = tcp(&proxy(&account, settings));
        wire.set_read_timeout(Some(wait)).unwrap();
        wire.write_all(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let (bytes, end) = read_all(&mut wire);
        (String::from_utf8(bytes).unwrap(), end)
    };
    for status in [403, 502, 503] {
        let mut wire = tcp(&proxy(&account, json!({"refuse": status})));
        wire.write_all(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let (bytes, _) = read_all(&mut wire);
        assert!(bytes.starts_with(format!("HTTP/1.1 {status} ").as_bytes()));
        assert_eq!(journal(&account)[0]["status"], status);
    }
    let (text, end) = ask(json!({"close": true}), TIME);
    assert_eq!((text.as_str(), end.is_ok()), ("", true));
    let (text, end) = ask(json!({"hang": true}), Duration::from_millis(50));
    assert_eq!((text.as_str(), end.is_err()), ("", true));
    assert_eq!(journal(&account)[0]["status"], Value::Null);
    let none = account.sandbox.http_url().to_owned() + "/control/proxies/none";
    assert_eq!(client(&account.sandbox).get(none).send().unwrap().status(), 404);
}

#[test]
fn the_one_that_is_always_there_has_no_key() {
    let mut account = account_over(true);
    let url = account.sandbox.proxy_url().to_owned();
    through(&mut account, &url);
    account.delete(VOICE, "voice_clone").unwrap();
    let journal = account.sandbox.http_url().to_owned() + "/control/proxies/default";
    let text = client(&account.sandbox).get(journal).send().unwrap().text().unwrap();
    assert!(text.contains(r#""method":"CONNECT""#) && !text.contains(API_KEY), "{text}");
}

/// The answer of a proxy with these settings to one request.
fn asked(account: &Account, settings: &Value, line: &str) -> String {
    let mut wire = tcp(&proxy(account, settings.clone()));
    write!(wire, "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    String::from_utf8_lossy(&read_all(&mut wire).0).into_owned()
}

#[test]
fn proxies_that_speak_for_themselves() {
    let account = account();
    let get = format!("GET {}/control/one/count", account.sandbox.http_url());
    let settings = json!({"refuse": 403, "body": "<html>squid</html>", "headers": {"Content-Type": "text/html",
        "X-Squid-Error": "ERR_ACCESS_DENIED 0", "Via": ["1.1 a (squid/5.7)", "1.1 b"]}});
    for line in [&get, "CONNECT 127.0.0.1:1"] {
        let text = asked(&account, &settings, line);
        let lower = text.to_ascii_lowercase();
        assert!(text.starts_with("HTTP/1.1 403 ") && text.ends_with("<html>squid</html>"), "{text}");
        for word in
            ["x-squid-error: err_access_denied 0", "via: 1.1 a (squid/5.7)", "via: 1.1 b", "content-type: text/html"]
        {
            assert_eq!(lower.matches(word).count(), 1, "{word}: {text}");
        }
    }
    for (denial, wanted) in [(json!(null), "407"), (json!(401), "401")] {
        let mut settings = json!({"credentials": "ann:pass", "body": "who?"});
        if denial.is_number() {
            settings["denial"] = denial;
        }
        for line in [&get, "CONNECT 127.0.0.1:1"] {
            let text = asked(&account, &settings, line);
            let challenge = if wanted == "407" { "proxy-authenticate: basic" } else { "www-authenticate: basic" };
            assert!(text.starts_with(&format!("HTTP/1.1 {wanted} ")) && text.ends_with("who?"), "{text}");
            assert!(text.to_ascii_lowercase().contains(challenge), "{text}");
        }
    }
    // An answer that is passed on has the added headers, and none of the proxy's own.
    let settings = json!({"forwarded_headers": {"Via": "1.1 proxy"}, "headers": {"X-Own": "1"}, "body": "own"});
    let text = asked(&account, &settings, &get).to_ascii_lowercase();
    assert!(
        text.starts_with("http/1.1 200 ") && text.ends_with("\r\n\r\n0") && text.contains("via: 1.1 proxy\r\n"),
        "{text}"
    );
    assert!(!text.contains("x-own"), "{text}");
    let text = asked(&account, &settings, "GET http://127.0.0.1:1/");
    assert!(
        text.starts_with("HTTP/1.1 502 ") && text.ends_with("own") && text.to_lowercase().contains("x-own: 1"),
        "{text}"
    );
}

#[test]
fn a_socks_port() {
    let account = account();
    let mut wire = tcp(&proxy(&account, json!({"socks": true})));
    wire.write_all(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(read_all(&mut wire).0, b"\x05\xff");
    let journal = journal(&account);
    assert_eq!((journal.as_array().unwrap().len(), &journal[0]["target"]), (1, &json!("CONNECT 127.0.0.1:1 HTTP/1.1")));
}
