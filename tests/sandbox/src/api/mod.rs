//! The calls of the API, a file each, and the way of every request through them.
//!
//! A new call: a file with one handler that makes an [`Answer`] of a [`Call`], and its line in [`router`].

mod cache;
mod checks;
mod contents;
mod delete;
mod exchange;
mod list;
mod redirect;
mod retrieve;
mod store;
mod upload;

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Uri};
use axum::routing::any;
use bytes::Bytes;
use tower_service::Service;

use crate::account::Account;
use crate::answer::Answer;
use crate::fault::Fault;
use crate::rules::Rules;
use crate::server::Server;

pub(crate) use exchange::{Arrived, exchange};
pub(crate) use store::{nothing_there, object_path};

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
    fault: Option<Fault>,
    rules: Rules,
    /// False: answer as ever, but leave the files as they are.
    perform: bool,
}

pub(crate) fn router() -> Router {
    Router::new()
        .route("/v1/files/delete", any(delete::handle))
        .route("/v1/files/list", any(list::handle))
        .route("/v1/files/retrieve", any(retrieve::handle))
        .route("/v1/files/retrieve_content", any(contents::handle))
        // Where the fault `redirect` points to: a client that follows it deletes.
        .route("/redirected/v1/files/delete", any(delete::handle))
        // Where `utf8` points to.
        .route("/redirected/{name}", any(contents::handle))
        .route("/ring/a", any(redirect::ring_a))
        .route("/ring/b", any(redirect::ring_b))
        .fallback(not_found)
}

async fn not_found(Extension(_): Extension<Call>) -> Answer {
    Answer::text(404, "404 page not found")
}

async fn route(path: &str, call: Call) -> Answer {
    let mut api = call.server.api.clone();
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    request.extensions_mut().insert(call);
    let mut response = match api.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    response.extensions_mut().remove().unwrap_or_else(|| Answer::text(500, "500 a handler without an answer"))
}
