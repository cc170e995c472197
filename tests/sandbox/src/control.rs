//! The control plane: scripting and observing accounts, over plain HTTP.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{Account, Settings};
use crate::certificates;
use crate::file::{File, Seed};
use crate::journal::Wanted;
use crate::proxy;
use crate::server::Server;
use crate::wait::until;

/// How to script the server, with every fault there is.
pub const HELP: &str = include_str!("help.txt");

type Shared = Extension<Arc<Server>>;
type Refusal = (StatusCode, String);
type Reply<T> = Result<T, Refusal>;

pub(crate) fn router() -> Router {
    Router::new()
        .route("/control/help", get(async || HELP))
        .route("/control/listener", get(listener).post(add_listener_fault).delete(clear_listener_faults))
        .route("/control/connections", get(all_connections))
        .route("/control/wait", get(wait_for_connections))
        .route("/control/listeners/{name}", post(make_listener))
        .route("/control/proxies/{name}", get(proxied).post(make_proxy))
        .route("/control/{name}/reset", post(reset))
        .route("/control/{name}/files", get(files).post(add_files).delete(remove_files))
        .route("/control/{name}/sha256", get(sha256))
        .route("/control/{name}/expire", post(expire))
        .route("/control/{name}/settings", get(settings).post(change_settings))
        .route("/control/{name}/throttled", get(throttled))
        .route("/control/{name}/faults", get(faults).post(add_faults).delete(clear_faults))
        .route("/control/{name}/journal", get(journal))
        .route("/control/{name}/journal_off", post(journal_off))
        .route("/control/{name}/journal_on", post(journal_on))
        .route("/control/{name}/count", get(count))
        .route("/control/{name}/connections", get(connections))
        .route("/control/{name}/open", get(open))
        .route("/control/{name}/wait", get(wait))
        .fallback(async || (StatusCode::NOT_FOUND, "no such control call; see /control/help\n"))
        .method_not_allowed_fallback(async || (StatusCode::METHOD_NOT_ALLOWED, "see /control/help\n"))
        // Accounts of 100,000 files are filled in one go.
        .layer(DefaultBodyLimit::disable())
}

fn json(value: impl Serialize) -> Response {
    let body = serde_json::to_vec(&value).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn bad(error: impl ToString) -> Refusal {
    (StatusCode::BAD_REQUEST, error.to_string() + "\n")
}

#[derive(Default)]
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn of(Query(pairs): Query<Vec<(String, String)>>, known: &[&str]) -> Reply<Parameters> {
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(bad(format!("unknown parameter {name}; there are {}", known.join(", ")))),
            None => Ok(Parameters(pairs)),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn number<T: FromStr>(&self, name: &str) -> Reply<Option<T>> {
        let parse = |value: &str| value.parse().map_err(|_| bad(format!("{name}={value} is not a number")));
        self.text(name).map(parse).transpose()
    }

    fn flag(&self, name: &str) -> Reply<Option<bool>> {
        Ok(self.number::<u8>(name)?.map(|value| value != 0))
    }

    fn wanted(&self) -> Reply<Wanted> {
        let call = self.text("call").map(str::to_owned);
        Ok(Wanted { file_id: self.number("file_id")?, performed: self.flag("performed")?, call })
    }

    fn time(&self) -> Reply<Duration> {
        Ok(Duration::from_millis(self.number("timeout_ms")?.unwrap_or(10_000)))
    }
}

type Pairs = Query<Vec<(String, String)>>;

async fn reset(Extension(server): Shared, Path(name): Path<String>) -> Response {
    server.account(&name).reset();
    json(json!({"reset": name}))
}

async fn files(Extension(server): Shared, Path(name): Path<String>) -> Response {
    let account = server.account(&name);
    let state = account.state();
    json(state.files.values().map(File::control_json).collect::<Value>())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    count: i64,
    first_id: i64,
    purpose: String,
}

async fn add_files(Extension(server): Shared, Path(name): Path<String>, body: Bytes) -> Reply<Response> {
    let value: Value = serde_json::from_slice(&body).map_err(bad)?;
    let files: Vec<File> = if value.get("count").is_some() {
        let many: Many = serde_json::from_value(value).map_err(bad)?;
        let end = many.first_id.checked_add(many.count).ok_or_else(|| bad("the ids leave int64"))?;
        (many.first_id..end).map(|id| File::new(id, &many.purpose)).collect()
    } else {
        let value = if value.is_object() { Value::Array(vec![value]) } else { value };
        let seeds: Vec<Seed> = serde_json::from_value(value).map_err(bad)?;
        seeds.into_iter().map(Seed::file).collect::<Result<_, _>>().map_err(bad)?
    };
    let account = server.account(&name);
    let mut state = account.state();
    let added = files.len();
    state.files.extend(files.into_iter().map(|file| (file.file_id, file)));
    Ok(json(json!({"added": added, "files": state.files.len()})))
}

async fn remove_files(Extension(server): Shared, Path(name): Path<String>) -> Response {
    server.account(&name).state().files.clear();
    json(json!({"files": 0}))
}

async fn sha256(Extension(server): Shared, Path(name): Path<String>, pairs: Pairs) -> Reply<String> {
    let parameters = Parameters::of(pairs, &["file_id"])?;
    let file_id: i64 = parameters.number("file_id")?.ok_or_else(|| bad("file_id is missing"))?;
    let content = server.account(&name).state().files.get(&file_id).map(|file| file.content.clone());
    let content = content.ok_or_else(|| (StatusCode::NOT_FOUND, format!("there is no file {file_id}\n")))?;
    tokio::task::spawn_blocking(move || content.sha256().to_owned()).await.map_err(bad)
}

async fn expire(Extension(server): Shared, Path(name): Path<String>, pairs: Pairs) -> Reply<Response> {
    let file_id = Parameters::of(pairs, &["file_id"])?.number("file_id")?;
    Ok(json(json!({"expired": server.account(&name).state().links.expire(file_id)})))
}

async fn settings(Extension(server): Shared, Path(name): Path<String>) -> Response {
    json(server.account(&name).state().settings)
}

async fn change_settings(Extension(server): Shared, Path(name): Path<String>, body: Bytes) -> Reply<Response> {
    let settings: Settings = serde_json::from_slice(&body).map_err(bad)?;
    settings.check().map_err(bad)?;
    let account = server.account(&name);
    let mut state = account.state();
    state.settings = settings;
    state.cache.clear();
    Ok(json(settings))
}

async fn throttled(Extension(server): Shared, Path(name): Path<String>) -> String {
    server.account(&name).state().rate.refused.to_string()
}

async fn faults(Extension(server): Shared, Path(name): Path<String>) -> Response {
    json(server.account(&name).state().script.json())
}

async fn add_faults(Extension(server): Shared, Path(name): Path<String>, body: Bytes) -> Reply<Response> {
    let left = server.account(&name).state().script.append(&body).map_err(bad)?;
    Ok(json(json!({"faults": left})))
}

async fn clear_faults(Extension(server): Shared, Path(name): Path<String>) -> Response {
    server.account(&name).state().script.clear();
    json(json!({"faults": 0}))
}

async fn journal(Extension(server): Shared, Path(name): Path<String>) -> Response {
    json(server.account(&name).state().journal.json())
}

async fn journal_off(Extension(server): Shared, Path(name): Path<String>) -> Response {
    switch_journal(&server.account(&name), false)
}

async fn journal_on(Extension(server): Shared, Path(name): Path<String>) -> Response {
    switch_journal(&server.account(&name), true)
}

fn switch_journal(account: &Account, on: bool) -> Response {
    account.state().journal.switch(on);
    json(json!({"journal": on}))
}

async fn count(Extension(server): Shared, Path(name): Path<String>, pairs: Pairs) -> Reply<String> {
    let wanted = Parameters::of(pairs, &["file_id", "performed", "call"])?.wanted()?;
    Ok(server.account(&name).state().journal.count(&wanted).to_string())
}

async fn connections(Extension(server): Shared, Path(name): Path<String>) -> Response {
    let connections = server.account(&name).state().connections.clone();
    json(connections.iter().map(|connection| connection.json()).collect::<Value>())
}

async fn open(Extension(server): Shared, Path(name): Path<String>) -> String {
    server.account(&name).open_connections().to_string()
}

/// Answers the number waited for; the number so far, with status 408, when time is up.
fn waited(result: Result<u64, u64>) -> (StatusCode, String) {
    match result {
        Ok(number) => (StatusCode::OK, number.to_string()),
        Err(number) => (StatusCode::REQUEST_TIMEOUT, number.to_string()),
    }
}

async fn wait(Extension(server): Shared, Path(name): Path<String>, pairs: Pairs) -> Reply<(StatusCode, String)> {
    let parameters = Parameters::of(pairs, &["count", "open", "file_id", "performed", "call", "timeout_ms"])?;
    let entries = parameters.wanted()?;
    let (wanted, open): (Option<u64>, Option<u64>) = (parameters.number("count")?, parameters.number("open")?);
    let account = server.account(&name);
    let number = || match (wanted, open) {
        (Some(wanted), _) => {
            let count = account.state().journal.count(&entries);
            if count >= wanted { Ok(count) } else { Err(count) }
        }
        (None, open) => {
            let count = account.open_connections();
            if count <= open.unwrap_or(0) { Ok(count) } else { Err(count) }
        }
    };
    if wanted.is_some() == open.is_some() {
        return Err(bad("wait needs one of count and open"));
    }
    Ok(waited(until(&account.changed, parameters.time()?, number).await))
}

async fn wait_for_connections(Extension(server): Shared, pairs: Pairs) -> Reply<(StatusCode, String)> {
    let parameters = Parameters::of(pairs, &["listener", "accepted", "open", "timeout_ms"])?;
    let listener = parameters.text("listener");
    let (wanted, open): (Option<u64>, Option<u64>) = (parameters.number("accepted")?, parameters.number("open")?);
    let number = || match (wanted, open) {
        (Some(wanted), _) => {
            let count = server.connections.count_accepted(listener);
            if count >= wanted { Ok(count) } else { Err(count) }
        }
        (None, open) => {
            let all = server.connections.list(listener);
            let count = all.iter().filter(|connection| connection.is_open()).count() as u64;
            if count <= open.unwrap_or(0) { Ok(count) } else { Err(count) }
        }
    };
    if wanted.is_some() == open.is_some() {
        return Err(bad("wait needs one of accepted and open"));
    }
    Ok(waited(until(&server.connections.changed, parameters.time()?, number).await))
}

async fn all_connections(Extension(server): Shared, pairs: Pairs) -> Reply<Response> {
    let parameters = Parameters::of(pairs, &["listener"])?;
    let all = server.connections.list(parameters.text("listener"));
    Ok(json(all.iter().map(|connection| connection.json()).collect::<Value>()))
}

/// A certificate chain and its key as PEM.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenCertificate {
    certificates: String,
    key: String,
}

async fn make_listener(Extension(server): Shared, Path(name): Path<String>, body: Bytes) -> Reply<Response> {
    let given: GivenCertificate = serde_json::from_slice(&body).map_err(bad)?;
    let tls = certificates::given(&given.certificates, &given.key).map_err(bad)?;
    let url = server.given_listeners.make(&server, &name, tls).await.map_err(bad)?;
    Ok(json(json!({"url": url})))
}

async fn make_proxy(Extension(server): Shared, Path(name): Path<String>, body: Bytes) -> Reply<Response> {
    let settings: proxy::Settings = serde_json::from_slice(&body).map_err(bad)?;
    let url = server.proxies.make(&name, settings).await.map_err(bad)?;
    Ok(json(json!({"url": url})))
}

async fn proxied(Extension(server): Shared, Path(name): Path<String>) -> Reply<Response> {
    let journal = server.proxies.journal(&name);
    journal.map(json).ok_or_else(|| (StatusCode::NOT_FOUND, format!("there is no proxy {name}\n")))
}

async fn listener(Extension(server): Shared) -> Response {
    json(server.listener_faults.left())
}

async fn add_listener_fault(Extension(server): Shared, body: Bytes) -> Reply<Response> {
    server.listener_faults.add(serde_json::from_slice(&body).map_err(bad)?);
    Ok(json(server.listener_faults.left()))
}

async fn clear_listener_faults(Extension(server): Shared) -> Response {
    server.listener_faults.clear();
    json(server.listener_faults.left())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn the_help_names_every_field() {
        let settings = serde_json::to_value(Settings::default()).unwrap();
        // Fields that are left out of the JSON where they are not set.
        let more =
            ["requests_per_minute", "window_ms", "window", "throttle", "count_only", "any_file", "cache", "strict"];
        let finer = ["strict_order", "strict_part_type", "strict_purpose", "strict_query"];
        let fault = serde_json::to_value(Fault::default()).unwrap();
        let named = fault.as_object().unwrap().keys().chain(settings.as_object().unwrap().keys());
        for field in named.map(String::as_str).chain(more).chain(finer) {
            let is_there = HELP.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == field);
            assert!(is_there, "{field}");
        }
    }
}
