//! The calls of the API, a file each, and the way of every request through them.
//!
//! A new call: a file with one handler that makes an [`Answer`] of a [`Call`], and its line in [`router`].

mod checks;
mod delete;
mod list;
mod retrieve;

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, Uri, Version, header};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use tower_service::Service;

use crate::account::Account;
use crate::answer::Answer;
use crate::connection::{Line, account_path};
use crate::journal::Entry;
use crate::plan;
use crate::server::Server;

/// The service documents no file above 512 MB.
const LARGEST_BODY: usize = 640 << 20;

/// A request that arrived whole.
#[derive(Clone)]
pub(crate) struct Call {
    server: Arc<Server>,
    account: Arc<Account>,
    method: Method,
    query: Option<String>,
    headers: HeaderMap,
    tls: bool,
    body: Bytes,
    /// False: answer as ever, but leave the files as they are.
    perform: bool,
}

pub(crate) fn router() -> Router {
    Router::new()
        .route("/v1/files/delete", any(delete::handle))
        .route("/v1/files/list", any(list::handle))
        .route("/v1/files/retrieve", any(retrieve::handle))
        // Where the fault `redirect` points to: a client that follows it deletes.
        .route("/redirected/v1/files/delete", any(delete::handle))
        .fallback(not_found)
}

async fn not_found(Extension(_): Extension<Call>) -> Answer {
    Answer::text(404, "404 page not found")
}

/// Takes a request of an account from its first byte to its answer or fault.
pub(crate) async fn exchange(
    server: &Arc<Server>,
    account: Arc<Account>,
    line: &Line,
    request: Request<Body>,
) -> Response {
    let head = line.take_head();
    line.record.carries(&account);
    let keep_alive = keeps_alive(&request);
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        // The client broke off, or its body is too large.
        return Answer::text(400, "400 the body is incomplete or too large").response();
    };
    line.record.request_was_whole();

    let (name, path) = account_path(parts.uri.path()).unwrap_or_default();
    let base = format!("/t/{name}");
    let path = if path.is_empty() { "/" } else { path }.to_owned();
    let trace_id = server.trace_id();
    let at_ms = server.now_ms();
    let file_id = checks::named_file(&body, parts.uri.query());
    let call_name = path.rsplit('/').next().unwrap_or_default();
    let fault = account.state().script.take(call_name, file_id);

    let call = Call {
        server: server.clone(),
        tls: line.record.tls(),
        account: account.clone(),
        method: parts.method.clone(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers.clone(),
        body: body.clone(),
        perform: fault.as_ref().is_none_or(|fault| fault.performs()),
    };
    let perform = call.perform;
    let ordinary = route(server, &path, call).await;
    let performed = perform && ordinary.performed;
    let mut answer = match &fault {
        Some(fault) => plan::answer(fault, ordinary, file_id.unwrap_or(0), &base, &trace_id),
        None => ordinary,
    };
    if fault.is_none() {
        answer.set("Trace-Id", &trace_id);
    }

    let has_status = fault.as_ref().is_none_or(plan::has_status);
    account.note(|| Entry {
        at_ms,
        method: parts.method,
        uri: parts.uri,
        path,
        head,
        headers: parts.headers,
        body,
        connection: line.record.clone(),
        trace_id: answer.header("Trace-Id").map(str::to_owned),
        http_status: has_status.then_some(answer.status),
        fault: fault.as_ref().map(|fault| fault.label()),
        performed,
        file_id,
    });

    match fault {
        None => answer.response(),
        Some(fault) => line.play(plan::script(&fault, answer, keep_alive)).await,
    }
}

async fn route(server: &Server, path: &str, call: Call) -> Answer {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    request.extensions_mut().insert(call);
    let mut response = match server.api.clone().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    response.extensions_mut().remove().unwrap_or_else(|| Answer::text(500, "500 a handler without an answer"))
}

fn keeps_alive(request: &Request<Body>) -> bool {
    let closes = |value: &axum::http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"close");
    request.version() == Version::HTTP_11 && !request.headers().get_all(header::CONNECTION).iter().any(closes)
}
