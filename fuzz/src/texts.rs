//! Texts of settings, headers and results, read without a connection.

use crate::check;
use http::header::{DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use mmx::api::download::redirect;
use mmx::api::filter::Filter;
use mmx::api::model::FileObject;
use mmx::api::response::headers;
use mmx::api::{contents, results};
use mmx::transport::client::Client;
use mmx::transport::no_proxy::NoProxy;
use mmx::transport::proxy::{ProxyEnv, ProxySetting};
use mmx::transport::setting::is_loopback;
use std::time::Duration;
use url::Url;

const KEY: &str = "sk-fuzz-0123456789";

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

pub(crate) fn location(value: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let headers = HeaderMap::from_iter([(LOCATION, value)]);
    for from in ["https://api.minimaxi.com/v1/files/retrieve_content?file_id=1", "http://127.0.0.1:80/v1/", "http://h/"]
    {
        let from = url(from);
        for is_local in [false, true] {
            let Ok(to) = redirect::target(&from, &headers, is_local) else { continue };
            assert!(matches!(to.scheme(), "http" | "https") && to.has_host(), "{from} to {to}");
            assert!(from.scheme() == "http" || to.scheme() == "https", "{from} to {to}");
            let is_here = to.scheme() == "http" && (is_loopback(&to) || redirect::is_this_machine(&to));
            assert!(is_local || !is_here, "{from} to {to}");
            if redirect::is_same_place(&from, &to) {
                let place = |url: &Url| {
                    (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default())
                };
                assert_eq!(place(&from), place(&to), "the key would go along");
            }
        }
    }
}

/// Retry-After, and other headers of a response, with and without a Date.
pub(crate) fn retry_after(value: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let mut map = HeaderMap::from_iter([(RETRY_AFTER, value.clone())]);
    map.insert("trace-id", value.clone());
    let wait = headers::retry_after(&map);
    map.insert(DATE, HeaderValue::from_static("Mon, 20 Nov 2023 08:36:38 GMT"));
    let text = value.to_str().unwrap_or_default().trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        assert!(wait.is_some() && wait == headers::retry_after(&map), "{text}: {wait:?}");
        assert!(text.len() > 19 || wait == text.parse().ok().map(Duration::from_secs), "{text}: {wait:?}");
    }
    map.insert(DATE, value);
    headers::retry_after(&map);
    let trace_id = headers::trace_id(&map, None);
    assert!(trace_id.len() <= 128 && trace_id.bytes().all(|byte| byte.is_ascii_graphic()), "{trace_id:?}");
}

pub(crate) fn base_url(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    for allow_insecure in [false, true] {
        let mut config = check::config();
        config.set_api_key(KEY).expect("a key");
        config.set_proxy(Some("none")).expect("no proxy");
        config.allow_insecure = allow_insecure;
        if let Err(error) = config.set_base_url(text) {
            return check::error(&error, KEY);
        }
        match Client::new(&config) {
            Err(error) => {
                check::error(&error, KEY);
                assert!(!allow_insecure, "refused late: {text}: {}", error.message);
            }
            Ok(client) => {
                let used = url(&client.base_url());
                assert!(used.has_host() && !client.host().is_empty(), "{text} is {used}");
                assert!(used.username().is_empty() && used.password().is_none() && used.query().is_none(), "{used}");
                assert!(used.path().ends_with('/'), "{used}");
                assert!(allow_insecure || used.scheme() == "https" || is_loopback(&used), "in the clear to {used}");
            }
        }
    }
}

pub(crate) fn proxy(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    match ProxySetting::parse(Some(text)) {
        Err(why) => assert!(!why.contains(['\n', '\r']), "{why}"),
        Ok(setting) => {
            let api = url("https://api.minimaxi.com/");
            let proxies = setting.proxies(&ProxyEnv::default(), &api).expect("it was read");
            let Some(proxy) = proxies.of(&api) else {
                return assert!(text.is_empty() || text == "none", "{text}: no proxy");
            };
            assert!(!proxy.host.is_empty() && proxy.address.ends_with(&proxy.port.to_string()), "{proxy:?}");
            if let Some((before, _)) = text.rsplit_once('@')
                && let Some((_, password)) = before.rsplit_once(':')
                && password.len() > 8
                && !proxy.host.contains(password)
            {
                assert!(!format!("{setting:?}{proxies:?}").contains(password), "a password is shown");
            }
        }
    }
}

pub(crate) fn no_proxy(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let exceptions = NoProxy::parse(text);
    let has_all = text.split([',', ' ', '\t']).any(|entry| entry == "*");
    for target in ["https://api.minimaxi.com/", "http://127.0.0.1:8080/", "https://[::1]/", "http://a.b.example:81/"] {
        let target = url(target);
        let matches = exceptions.matches(&target);
        assert!(matches || !has_all, "{text}: {target}");
        // A host that is named as it is.
        let host = target.host_str().expect("a host");
        let is_named = text.split([',', ' ', '\t']).any(|entry| entry == host && !host.starts_with('['));
        assert!(matches || !is_named, "{text}: {target}");
    }
    assert!(exceptions.unreadable().iter().all(|entry| !entry.is_empty() && text.contains(entry.as_str())));
}

/// The first line is a pattern, the rest a name.
pub(crate) fn glob(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let (pattern, name) = text.split_once('\n').unwrap_or((text, text));
    let filter = Filter { name_glob: Some(pattern), keep_globs: vec![pattern], ..Filter::default() };
    let matcher = match filter.check("prune_files") {
        Ok(matcher) => matcher,
        Err(error) => return check::error(&error, KEY),
    };
    let file = |filename: &str| FileObject { file_id: 1, filename: filename.into(), ..FileObject::default() };
    let now = mmx::api::filter::Now::of(None);
    let (matches, kept) = (matcher.matches(&file(name), &now), matcher.kept_by(&file(name)));
    assert_eq!(matches, kept.is_some(), "{pattern:?} and {name:?}");
    if !pattern.contains(['*', '?', '[']) {
        assert!(matcher.matches(&file(pattern), &now), "{pattern:?} is itself");
        assert!(!name.is_ascii() || !pattern.is_ascii() || matches == (name == pattern), "{pattern:?} and {name:?}");
    }
    if pattern == "*" {
        assert!(matches, "{name:?}");
    }
}

pub(crate) fn files_parse(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Ok(files) = contents::files(text) {
        assert!(files.iter().all(|file| file.file_id > 0), "a file without an id: {text}");
    }
    if let (Ok((entries, _)), Ok(files)) = (contents::entries(text), contents::files(text)) {
        assert!(entries.len() <= files.len(), "{text}");
    }
}

pub(crate) fn outcomes_parse(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let planned = results::planned_files(text);
    let Ok(found) = results::outcomes(text) else { return };
    check::json(text);
    let (counts, outcomes) = (found.counts, &found.outcomes);
    if !outcomes.is_empty() {
        assert_eq!(counts.total, outcomes.len(), "{text}");
        for kind in mmx::api::outcome::KINDS.map(|row| row.0) {
            assert_eq!(counts.of(kind), outcomes.iter().filter(|outcome| outcome.kind == kind).count(), "{text}");
        }
    }
    for outcome in outcomes {
        if let Some(error) = &outcome.error {
            check::json(&error.to_json());
        }
    }
    drop(planned);
}
