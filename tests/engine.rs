//! The engine below the calls: many requests at once on one calling thread, bodies and answers in turns, and calls from
//! a thread that is inside a runtime of its own.

use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use mmx::api::delete::{DeletePolicy, End, delete_with};
use mmx::transport::attempts::Attempts;
use mmx::transport::body::BodySent;
use mmx::transport::cancel::Cancel;
use mmx::transport::client::{CallOptions, Client};
use mmx::transport::concurrent_calls::ConcurrentCalls;
use mmx::transport::config::Config;
use mmx::transport::deadline::Deadline;
use mmx::transport::exchange::{Exchange, Interruption, Limits, Turn};
use mmx::transport::http_client::HttpClient;
use mmx::transport::pool::{Network, Pool};
use mmx::transport::request::{Body, Request};
use mmx::transport::route::Route;
use mmx::transport::urls;
use mmx::{api, error::Status};
use mmx_sandbox::{API_KEY, Sandbox};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::start_strict().expect("the stand-in server starts"));

const NO_LIMITS: Limits<'static> = Limits { deadline: Deadline::NONE, cancel: None, interrupt: None, idle: None };

fn http() -> HttpClient {
    HttpClient::new(client_of("exchange").shares().pool().clone())
}

fn request(url: &str, body: Body) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {API_KEY}")).unwrap());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let url = url.parse().unwrap();
    let route = Arc::new(Route::new(&url, &Default::default()));
    Request { method: Method::POST, route, path: urls::target(&url), headers, body }
}

/// The control plane, by the plain client.
fn control(account: &str, what: &str, json: Option<&str>) -> String {
    // On a thread of its own: this client can't be used from inside a runtime.
    thread::scope(|scope| scope.spawn(|| control_here(account, what, json)).join().unwrap())
}

fn control_here(account: &str, what: &str, json: Option<&str>) -> String {
    static CLIENT: LazyLock<reqwest::blocking::Client> = LazyLock::new(|| {
        rustls::crypto::ring::default_provider().install_default().unwrap();
        reqwest::blocking::Client::builder().no_proxy().build().unwrap()
    });
    let url = format!("{}/{what}", SANDBOX.control_url(account));
    let request = match json {
        Some(json) => CLIENT.post(url).body(json.to_owned()),
        None => CLIENT.get(url),
    };
    request.send().unwrap().error_for_status().unwrap().text().unwrap()
}

fn client_of(account: &str) -> Client {
    let mut config = Config::from_environment();
    config.set_api_key(API_KEY).unwrap();
    config.set_base_url(&SANDBOX.account_url(account)).unwrap();
    Client::new(&config).unwrap()
}

/// A delete of one attempt, as one call among many.
async fn delete(mut attempts: Attempts<'_>, file_id: usize) -> End {
    let policy =
        DeletePolicy { name: "delete_files", lookup_first: None, lookup_after: |_| true, allow_lookup: &|| false };
    delete_with(&mut attempts, file_id as i64, "voice_clone", &policy).await
}

#[test]
fn sixteen_requests_are_under_way_at_once_on_one_thread() {
    const COUNT: usize = 64;
    const WIDE: usize = 16;
    control("batch", "files", Some(&format!(r#"{{"count": {COUNT}, "first_id": 1, "purpose": "voice_clone"}}"#)));
    control("batch", "faults", Some(r#"{"times": -1, "delay_ms": 50}"#));
    let client = client_of("batch");
    let mut calls = ConcurrentCalls::new(&client, "delete_files", NO_LIMITS, None, Some(1));
    let mut settled = [0; COUNT + 1];
    let mut next = 1;
    loop {
        while calls.len() < WIDE && next <= COUNT {
            let number = next;
            calls.add(number, move |attempts| delete(attempts, number));
            next += 1;
        }
        let (done, interruption) = calls.turn();
        assert!(interruption.is_none());
        if done.is_empty() {
            break;
        }
        for (number, end) in done {
            let End::Deleted(deleted) = end.unwrap() else { panic!("file {number} is not deleted") };
            assert!(deleted.json.starts_with(&format!(r#"{{"file_id":{number},"#)), "{}", deleted.json);
            settled[number] += 1;
        }
    }
    drop(calls);
    assert!(settled[1..].iter().all(|&times| times == 1), "{settled:?}");
    assert_eq!(control("batch", "count?performed=1", None), COUNT.to_string());
    // Sixteen connections carried them all: there were never more at once, and they were used again.
    let connections: Vec<serde_json::Value> = serde_json::from_str(&control("batch", "connections", None)).unwrap();
    assert_eq!(connections.len(), WIDE);
}

#[test]
fn a_cancel_settles_everything_that_is_under_way() {
    control("batch-cancel", "faults", Some(r#"{"times": -1, "hang": true}"#));
    let cancel = Cancel::new().unwrap();
    let client = client_of("batch-cancel");
    let limits = Limits { cancel: Some(&cancel), ..NO_LIMITS };
    let mut calls = ConcurrentCalls::new(&client, "delete_files", limits, None, None);
    for number in 1..=16 {
        calls.add(number, move |attempts| delete(attempts, number));
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            control("batch-cancel", "wait?count=16", None);
            cancel.trigger();
        });
        let (done, interruption) = calls.turn();
        assert!(matches!(interruption, Some(Interruption::Cancelled)));
        assert_eq!(done.len(), 16);
        for (_, end) in done {
            let error = end.unwrap_err().error;
            assert_eq!((error.status, error.ambiguous, error.attempts), (Status::Cancelled, true, 1));
        }
        assert!(calls.is_empty());
    });
}

/// A peer that reads a request of `length` body bytes and answers with them.
fn echo(listener: TcpListener, length: usize) -> Vec<u8> {
    let (mut stream, _) = listener.accept().unwrap();
    let mut got = Vec::new();
    let body_at = loop {
        let mut piece = [0; 65536];
        let count = stream.read(&mut piece).unwrap();
        got.extend_from_slice(&piece[..count]);
        if let Some(end) = got.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        assert!(count > 0);
    };
    let mut rest = vec![0; length - (got.len() - body_at)];
    stream.read_exact(&mut rest).unwrap();
    got.extend(rest);
    let body = got.split_off(body_at);
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").unwrap();
    stream.write_all(&body).unwrap();
    got
}

#[test]
fn a_body_goes_up_and_an_answer_comes_down_in_turns() {
    const CHUNK: usize = 512 * 1024;
    const CHUNKS: usize = 40;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/up", listener.local_addr().unwrap());
    let peer = thread::spawn(move || echo(listener, CHUNK * CHUNKS));

    let mut exchange = Exchange::new(http(), request(&url, Body::Streamed(Some((CHUNK * CHUNKS) as u64))), NO_LIMITS);
    let (mut fed, mut came, mut status) = (0, 0, 0);
    loop {
        match exchange.turn().unwrap() {
            // What runs here may call the library itself.
            Turn::NeedData => {
                if fed == 7 {
                    assert!(
                        api::delete::delete(
                            &client_of("turns"),
                            1,
                            Some("voice_clone"),
                            false,
                            &CallOptions::default()
                        )
                        .is_err()
                    );
                }
                assert!(exchange.body_sent() < BodySent::All);
                let chunk = Bytes::from(vec![fed as u8; CHUNK]);
                fed += 1;
                if fed == CHUNKS { exchange.feed_last(chunk) } else { exchange.feed(chunk) }
            }
            Turn::Head(head) => status = head.http_status,
            Turn::HaveData(data) => {
                assert!(data.iter().enumerate().all(|(at, &byte)| byte == ((came + at) / CHUNK) as u8));
                came += data.len();
            }
            Turn::Done => break,
        }
    }
    let head = String::from_utf8(peer.join().unwrap()).unwrap().to_ascii_lowercase();
    assert_eq!((fed, came, status), (CHUNKS, CHUNK * CHUNKS, 200));
    assert!(head.contains(&format!("content-length: {}", CHUNK * CHUNKS)), "{head}");
}

#[test]
fn a_refusal_in_the_middle_of_a_body_is_told_and_ends_the_sending() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/up", listener.local_addr().unwrap());
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut some = vec![0; 1 << 20];
        stream.read_exact(&mut some).unwrap();
        stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno").unwrap();
        stream
    });
    let mut exchange = Exchange::new(http(), request(&url, Body::Streamed(None)), NO_LIMITS);
    let (mut fed, mut answer) = (0, Vec::new());
    let status = loop {
        match exchange.turn().unwrap() {
            Turn::NeedData => {
                exchange.feed(Bytes::from(vec![0; 64 * 1024]));
                fed += 1;
                assert!(fed < 10_000, "it goes on sending");
            }
            Turn::Head(head) => break head.http_status,
            other => panic!("{other:?}"),
        }
    };
    while let Turn::HaveData(data) = exchange.turn().unwrap() {
        answer.extend_from_slice(&data);
    }
    assert_eq!((status, answer.as_slice()), (401, b"no".as_slice()));
    drop(exchange);
    drop(peer.join().unwrap());
}

#[test]
fn an_idle_limit_and_a_deadline_end_a_turn() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let bound = Some(Duration::from_millis(100));
    for idle in [true, false] {
        let limits = match idle {
            true => Limits { idle: bound, ..NO_LIMITS },
            false => Limits { deadline: Deadline::after(bound), ..NO_LIMITS },
        };
        let started = Instant::now();
        let mut exchange = Exchange::new(http(), request(&url, Body::Whole("{}".into())), limits);
        let failure = exchange.turn().unwrap_err();
        assert_eq!((failure.status, failure.body_sent), (Status::Timeout, BodySent::All));
        assert!((100..2000).contains(&started.elapsed().as_millis()));
    }
    // Dropping them closed their connections.
    for _ in 0..2 {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        read_to_the_end(&mut stream);
    }
}

/// Makes a proxy and returns its URL.
fn proxy(name: &str, settings: &str) -> String {
    let made: serde_json::Value = serde_json::from_str(&control("proxies", name, Some(settings))).unwrap();
    made["url"].as_str().unwrap().to_owned()
}

#[test]
fn what_would_fail_again_is_marked() {
    let closed = "127.0.0.1:1";
    let tls_at_http = SANDBOX.http_url().replace("http://", "https://");
    let wants_credentials = proxy("wants", r#"{"credentials": "ann:p"}"#);
    let refuses = proxy("refuses", r#"{"refuse": 502}"#);
    let table = [
        (SANDBOX.https_expired_url(), "none", true),
        (SANDBOX.https_wrong_host_url(), "none", true),
        (SANDBOX.https_unknown_ca_url(), "none", true),
        (&tls_at_http, "none", true),
        (&format!("http://{closed}"), "none", false),
        (&format!("https://{closed}"), "none", false),
        (SANDBOX.https_url(), &wants_credentials, true),
        (SANDBOX.http_url(), &wants_credentials, true),
        (SANDBOX.https_url(), &refuses, false),
        (SANDBOX.https_url(), &format!("http://{closed}"), false),
    ];
    for (url, proxy, permanent) in table {
        let mut config = Config::from_environment();
        config.set_api_key(API_KEY).unwrap();
        config.set_base_url(url).unwrap();
        config.set_ca_file(&SANDBOX.ca_file().to_string_lossy()).unwrap();
        config.set_proxy(Some(proxy)).unwrap();
        let client = Client::new(&config).unwrap();
        let request = client.request_to(&url.parse().unwrap(), false);
        let failure = Exchange::new(client.http(), request, NO_LIMITS).turn().unwrap_err();
        let found = (failure.status, failure.body_sent, failure.permanent);
        assert_eq!(found, (Status::Connect, BodySent::None, permanent), "{url} by {proxy}: {}", failure.text);
    }
    let pool = Pool::alone(Network::default());
    let mut without_roots = Exchange::new(HttpClient::new(pool), request(SANDBOX.https_url(), Body::None), NO_LIMITS);
    let failure = without_roots.turn().unwrap_err();
    assert!(failure.permanent && failure.text.contains("no root certificates"), "{failure:?}");
}

fn read_to_the_end(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // An end or a reset, but no wait without one.
    if let Err(error) = stream.read_to_end(&mut rest) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
}

#[test]
fn a_call_from_inside_a_runtime_works() {
    let client = client_of("inside");
    control("inside", "files", Some(r#"{"count": 4, "first_id": 1, "purpose": "voice_clone"}"#));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for file_id in 1..=2 {
            api::delete::delete(&client, file_id, Some("voice_clone"), false, &CallOptions::default()).unwrap();
        }
        control("inside", "faults", Some(r#"{"close_before_answer": "rst"}"#));
        let once = CallOptions { max_attempts: Some(1), ..CallOptions::default() };
        let error = api::delete::delete(&client, 3, Some("voice_clone"), false, &once).unwrap_err();
        assert_eq!((error.status, error.ambiguous), (Status::Network, true));
    });
    api::delete::delete(&client, 4, Some("voice_clone"), false, &CallOptions::default()).unwrap();
    assert_eq!(control("inside", "count?performed=1", None), "4");
}
