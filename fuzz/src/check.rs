//! What holds of every result, whatever came in.

use mmx::error::{Error, Status};
use mmx::transport::client::Client;
use mmx::transport::config::Config;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::sync::OnceLock;

/// The settings that the environment gives, read once.
pub(crate) fn config() -> Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(Config::from_environment).clone()
}

/// A client of one attempt a call.
pub(crate) fn client(base_url: &str, key: &str, set: impl FnOnce(&mut Config)) -> Client {
    let mut config = config();
    config.set_api_key(key).expect("a key");
    config.set_base_url(base_url).expect("a base URL");
    config.set_proxy(Some("none")).expect("no proxy");
    config.set_timeout_ms(5_000).expect("a timeout");
    config.set_max_attempts(1).expect("one attempt");
    config.ledger = None;
    set(&mut config);
    Client::new(&config).expect("a client")
}

#[track_caller]
pub(crate) fn json(text: &str) {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        panic!("what goes out as JSON is none: {error}: {text:?}");
    }
}

/// The service's response, which goes out as it came: control characters in its strings stay (`mmx.h`, "JSON").
#[track_caller]
pub(crate) fn response(text: &str) {
    assert!(!text.contains('\0'), "a C string ends at NUL: {text:?}");
    json(&text.replace(|c: char| c.is_ascii_control(), " "));
}

/// An error of a call: complete, of one line, without the key, and no bug of the library's.
#[track_caller]
pub(crate) fn error(error: &Error, key: &str) {
    assert_ne!(error.status, Status::Internal, "{}", error.message);
    assert_ne!(error.status, Status::Ok, "a failure without a status: {}", error.message);
    assert!(!error.message.is_empty() && !error.message.contains(['\n', '\r', '\0', '\u{1b}']), "{:?}", error.message);
    let text = error.to_json();
    json(&text);
    assert!(!text.contains(key), "the key is in {text}");
}

/// Whether JSON that is strict says `base_resp.status_code` is 0. `true` where this can't tell, for the library reads more
/// than strict JSON.
pub(crate) fn says_success(json: &str) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(json) else { return true };
    match &value["base_resp"]["status_code"] {
        Value::Number(code) => code.as_f64() == Some(0.0),
        Value::String(code) => code.trim().parse::<f64>().is_ok_and(|code| code == 0.0),
        _ => false,
    }
}
