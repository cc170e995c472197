//! The way of a request: from its first byte to its answer or fault.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, Version, header};
use axum::response::Response;
use bytes::Bytes;

use super::{Call, cache, checks, redirect, route, store, upload};
use crate::account::{Account, State};
use crate::answer::Answer;
use crate::connection::{Line, account_path};
use crate::fault::{Fault, Named};
use crate::journal::{Entry, Upload};
use crate::plan;
use crate::server::Server;

/// The service documents no file above 512 MB.
const LARGEST_BODY: usize = 640 << 20;

/// What is known of a request once its head is there.
pub(crate) struct Arrived {
    pub(super) server: Arc<Server>,
    pub(super) account: Arc<Account>,
    pub(super) parts: Parts,
    /// At the object store, not the API.
    pub(super) store: bool,
    pub(super) tls: bool,
    /// Below the account.
    pub(super) path: String,
    at_ms: u64,
    trace_id: String,
    head: Vec<u8>,
    keep_alive: bool,
    pub(super) upload: Option<Upload>,
}

/// What becomes of it.
pub(super) struct Outcome {
    pub(super) ordinary: Answer,
    pub(super) fault: Option<Fault>,
    pub(super) performed: bool,
    pub(super) file_id: Option<i64>,
    pub(super) body: Bytes,
}

impl Arrived {
    fn new(server: &Arc<Server>, account: Arc<Account>, line: &Line, parts: Parts) -> Arrived {
        let store = line.record.is_store();
        let whole = parts.uri.path();
        let below = if store { whole } else { account_path(whole).unwrap_or_default().1 };
        Arrived {
            server: server.clone(),
            account,
            store,
            tls: line.record.tls(),
            path: if below.is_empty() { "/" } else { below }.to_owned(),
            at_ms: server.now_ms(),
            trace_id: server.trace_id(),
            head: line.take_head(),
            keep_alive: keeps_alive(&parts),
            upload: None,
            parts,
        }
    }

    /// How faults call it.
    pub(super) fn call_name(&self) -> &str {
        if self.store { "store" } else { self.path.rsplit('/').next().unwrap_or_default() }
    }

    /// A refusal for the rate, or else the fault that the script has for it.
    pub(super) fn take_fault(&self, named: &Named) -> Option<Fault> {
        let mut state = self.account.state();
        let State { rate, settings, script, .. } = &mut *state;
        let refusal = if self.store { None } else { rate.refusal(settings, self.at_ms) };
        refusal.or_else(|| script.take(self.call_name(), named))
    }

    pub(super) fn call(&self, fault: Option<&Fault>, body: Bytes) -> Call {
        Call {
            server: self.server.clone(),
            account: self.account.clone(),
            method: self.parts.method.clone(),
            query: self.parts.uri.query().map(str::to_owned),
            headers: self.parts.headers.clone(),
            tls: self.tls,
            body,
            fault: fault.cloned(),
            rules: self.account.rules(),
            perform: fault.is_none_or(|fault| fault.performs()),
        }
    }

    /// The answer as the fault makes it.
    pub(super) fn bend(&self, fault: Option<&Fault>, ordinary: Answer, file_id: Option<i64>) -> Answer {
        let Some(fault) = fault else {
            let mut answer = ordinary;
            answer.set("Trace-Id", &self.trace_id);
            return answer;
        };
        let id = file_id.unwrap_or(0);
        let location = fault.redirect_to.as_ref().map(|to| redirect::location(self, to, id));
        let ordinary = location.map_or(ordinary, |location| redirect::answer(&location));
        let base = format!("/t/{}", self.account.name);
        plan::answer(fault, ordinary, id, &base, &self.trace_id)
    }

    /// Into the journal, and out to the client.
    pub(super) async fn finish(self, line: &Line, outcome: Outcome) -> Response {
        let Outcome { ordinary, fault, performed, file_id, body } = outcome;
        let answer = self.bend(fault.as_ref(), ordinary, file_id);
        if fault.is_none() {
            cache::keep(&self, &answer);
        }
        if let (Some(file_id), true) = (file_id, fault.as_ref().is_some_and(|fault| fault.changed))
            && let Some(file) = self.account.state().files.get_mut(&file_id)
        {
            file.content = Arc::new(file.content.changed());
        }
        let keep_alive = self.keep_alive;
        let at_boundary = self.upload.as_ref().is_some_and(|upload| !upload.complete);
        self.note(line, Some(&answer), fault.as_ref(), performed, file_id, body);
        match fault {
            None => answer.response(),
            Some(fault) if at_boundary => line.play(plan::at_boundary(&fault, answer)).await,
            Some(fault) => line.play(plan::script(&fault, answer, keep_alive)).await,
        }
    }

    /// Into the journal; without an answer where none is meant to go out.
    pub(super) fn note(
        self,
        line: &Line,
        answer: Option<&Answer>,
        fault: Option<&Fault>,
        performed: bool,
        file_id: Option<i64>,
        body: Bytes,
    ) {
        let has_status = fault.is_none_or(plan::has_status);
        let account = self.account.clone();
        account.note(|| Entry {
            at_ms: self.at_ms,
            leaked_key: self.store && store::leaks_key(&self.parts.uri, &self.parts.headers),
            store: self.store,
            call: self.call_name().to_owned(),
            method: self.parts.method,
            uri: self.parts.uri,
            path: self.path,
            head: self.head,
            headers: self.parts.headers,
            body,
            connection: line.record.clone(),
            trace_id: answer.and_then(|answer| answer.header("Trace-Id")).map(str::to_owned),
            http_status: answer.filter(|_| has_status).map(|answer| answer.status),
            fault: fault.map(|fault| fault.label()),
            performed,
            file_id,
            upload: self.upload,
        });
    }
}

/// Takes a request of an account, at the API or at the store.
pub(crate) async fn exchange(
    server: &Arc<Server>,
    account: Arc<Account>,
    line: &Arc<Line>,
    request: Request<Body>,
) -> Response {
    line.belongs_to(&account);
    line.record.carries(&account);
    let (parts, body) = request.into_parts();
    let arrived = Arrived::new(server, account, line, parts);
    if !arrived.store && arrived.path == "/v1/files/upload" {
        return upload::exchange(arrived, line, body).await;
    }
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        // The client broke off, or its body is too large.
        return Answer::text(400, "400 the body is incomplete or too large").response();
    };
    line.record.request_was_whole();

    let named = match store::object_path(&arrived.path).filter(|_| arrived.store) {
        Some((_, file_id)) => Named { file_id: Some(file_id), purpose: None },
        None => checks::named(&body, arrived.parts.uri.query()),
    };
    let file_id = named.file_id;
    if let Some(answer) = cache::answer(&arrived) {
        arrived.note(line, Some(&answer), Some(&Fault::cached()), false, file_id, body);
        return answer.response();
    }
    let fault = arrived.take_fault(&named);
    let call = arrived.call(fault.as_ref(), body.clone());
    let perform = call.perform;
    let ordinary = if arrived.store {
        let leaked = store::leaks_key(&arrived.parts.uri, &arrived.parts.headers);
        store::get(&call, file_id.unwrap_or(0), leaked).unwrap_or_else(|refusal| refusal)
    } else {
        route(&arrived.path, call).await
    };
    let performed = perform && ordinary.performed;
    arrived.finish(line, Outcome { ordinary, fault, performed, file_id, body }).await
}

fn keeps_alive(parts: &Parts) -> bool {
    let closes = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"close");
    parts.version == Version::HTTP_11 && !parts.headers.get_all(header::CONNECTION).iter().any(closes)
}
