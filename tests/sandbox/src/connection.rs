//! One connection: hyper reads the requests and writes the ordinary answers.
//!
//! For a fault the connection is taken from hyper while the request waits for its answer, the fault's script is
//! played on the bare stream, and then, if it is still open, hyper gets it back.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tower_service::Service;

use crate::account::Account;
use crate::deliver::{Next, Script, deliver};
use crate::records::{Connection, End};
use crate::server::Server;
use crate::stream::{Close, Head, Io, Transport};
use crate::{answer::Answer, api};

/// What a connection shares with the request it carries.
pub(crate) struct Line {
    pub(crate) record: Arc<Connection>,
    head: Head,
    script: Mutex<Option<Script>>,
    /// Of the account whose request it carries.
    resets: Mutex<Option<watch::Receiver<u64>>>,
}

impl Line {
    /// The head of the request as it came, from request line to the last header; empty if it is not known.
    pub(crate) fn take_head(&self) -> Vec<u8> {
        let mut bytes = self.head.lock().unwrap().take().unwrap_or_default();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        bytes.truncate(end.map_or(0, |end| end + 2));
        bytes
    }

    /// The next bytes are the head of a request.
    pub(crate) fn expect_head(&self) {
        *self.head.lock().unwrap() = Some(Vec::new());
    }

    /// From here on a reset of this account ends what is going on.
    pub(crate) fn belongs_to(&self, account: &Account) {
        *self.resets.lock().unwrap() = Some(account.resets());
    }

    /// Waits for that reset.
    pub(crate) async fn reset(&self) {
        let resets = self.resets.lock().unwrap().clone();
        if let Some(mut resets) = resets
            && resets.changed().await.is_ok()
        {
            return;
        }
        pending().await
    }

    /// Hands the connection over to the script. Never returns: the request ends here.
    pub(crate) async fn play(&self, script: Script) -> Response {
        *self.script.lock().unwrap() = Some(script);
        pending().await
    }
}

/// Marks an answer that goes out while the body of its request is still coming.
#[derive(Clone)]
pub(crate) struct Draining;

pub(crate) fn head() -> Head {
    Arc::new(Mutex::new(Some(Vec::new())))
}

pub(crate) async fn serve(server: Arc<Server>, transport: Box<dyn Transport>, record: Arc<Connection>, head: Head) {
    let mut io = Io::new(transport, record.clone(), head.clone());
    let line = Arc::new(Line { record, head, script: Mutex::new(None), resets: Mutex::new(None) });
    loop {
        line.expect_head();
        let service = service_fn(|request| answer(server.clone(), line.clone(), request));
        let mut connection = http1::Builder::new()
            .header_read_timeout(None)
            .title_case_headers(true)
            .serve_connection(TokioIo::new(io), service);
        // The script is set while hyper is polled, so it is seen here before the task sleeps.
        let script = poll_fn(|cx| {
            let polled = Pin::new(&mut connection).poll(cx);
            match line.script.lock().unwrap().take() {
                Some(script) => Poll::Ready(Some(script)),
                None => polled.map(|_| None),
            }
        })
        .await;
        let Some(script) = script else {
            return line.record.ended(End::Server);
        };
        let parts = connection.into_parts();
        io = parts.io.into_inner();
        io.unread(parts.read_buf);
        let next = tokio::select! {
            next = deliver(&mut io, script) => next,
            () = line.reset() => Next::Close(Close::Fin),
        };
        match next {
            Next::Request => {}
            Next::Gone => return line.record.ended(End::Server),
            Next::Close(close) => return io.close(close).await,
        }
    }
}

async fn answer(server: Arc<Server>, line: Arc<Line>, request: Request<Incoming>) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    let path = request.uri().path();
    // hyper lets UTF-8 pass, which a request line may not hold.
    let is_ascii = path.is_ascii() && request.uri().query().is_none_or(str::is_ascii);
    let response = if !is_ascii {
        Answer::text(400, "400 the request line is not ASCII").response()
    } else if line.record.is_store() {
        match api::object_path(path).map(|(name, _)| server.account(name)) {
            Some(account) => api::exchange(&server, account, &line, request).await,
            None => api::nothing_there().response(),
        }
    } else if let Some((name, _)) = account_path(path) {
        let account = server.account(name);
        api::exchange(&server, account, &line, request).await
    } else if path.starts_with("/control/") {
        request.extensions_mut().insert(server.clone());
        server.control.clone().call(request).await?
    } else {
        Answer::text(404, "404 page not found; accounts are at /t/NAME, help at /control/help\n").response()
    };
    if response.extensions().get::<Draining>().is_none() {
        line.expect_head();
    }
    Ok(response)
}

/// `/t/NAME/v1/…` as the account's name and the path below it.
pub(crate) fn account_path(path: &str) -> Option<(&str, &str)> {
    let below = path.strip_prefix("/t/")?;
    let end = below.find('/').unwrap_or(below.len());
    let (name, path) = below.split_at(end);
    (!name.is_empty()).then_some((name, path))
}
