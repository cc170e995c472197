//! Forward proxies, each of one test: hyper reads their requests and asks the targets.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, WWW_AUTHENTICATE,
};
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode, Uri, client, server};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::listen::HOST;

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 22;

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    credentials: Option<String>,
    tls: bool,
    /// The status for those without the credentials: 407, or 401 from those that think they are the origin.
    denial: Option<u16>,
    refuse: Option<u16>,
    hang: bool,
    close: bool,
    /// It speaks SOCKS alone, and says so to whoever doesn't.
    socks: bool,
    /// The body and headers of every answer of its own.
    body: Option<String>,
    headers: Map<String, Value>,
    /// Added to every answer that it passes on.
    forwarded_headers: Map<String, Value>,
}

#[derive(Clone, Default, Serialize)]
pub(crate) struct Entry {
    method: String,
    target: String,
    status: Option<u16>,
    proxy_authorization: Option<String>,
    authorization: bool,
    tls: Option<bool>,
}

struct Proxy {
    settings: Settings,
    journal: Mutex<Vec<Entry>>,
}

#[derive(Default)]
pub(crate) struct Proxies {
    running: Mutex<HashMap<String, (Arc<Proxy>, AbortHandle)>>,
    tls: OnceLock<Arc<ServerConfig>>,
}

impl Proxies {
    pub(crate) fn speak_tls_with(&self, config: Arc<ServerConfig>) {
        let _ = self.tls.set(config);
    }

    /// Starts one, and ends the one of that name before it.
    pub(crate) async fn make(&self, name: &str, settings: Settings) -> io::Result<String> {
        let listener = TcpListener::bind((HOST, 0)).await?;
        let (scheme, tls) = match settings.tls {
            true => ("https", self.tls.get().cloned().map(TlsAcceptor::from)),
            false => ("http", None),
        };
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let proxy = Arc::new(Proxy { settings, journal: Mutex::default() });
        let task = tokio::spawn(accept(listener, proxy.clone(), tls)).abort_handle();
        if let Some((_, before)) = self.running.lock().unwrap().insert(name.to_owned(), (proxy, task)) {
            before.abort();
        }
        Ok(url)
    }

    pub(crate) fn journal(&self, name: &str) -> Option<Vec<Entry>> {
        Some(self.running.lock().unwrap().get(name)?.0.journal.lock().unwrap().clone())
    }
}

async fn accept(listener: TcpListener, proxy: Arc<Proxy>, tls: Option<TlsAcceptor>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (proxy, tls) = (proxy.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(stream, proxy).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, proxy).await;
                    }
                }
            }
        });
    }
}

/// The answer of a SOCKS5 server to an HTTP request: it takes none of the methods offered.
const NO_METHOD: &[u8] = b"\x05\xff";

async fn serve_socks(mut stream: impl AsyncRead + AsyncWrite + Unpin, proxy: Arc<Proxy>) -> io::Result<()> {
    let mut asked = [0; 4096];
    let length = stream.read(&mut asked).await?;
    let text = String::from_utf8_lossy(&asked[..length]);
    let target = text.lines().next().unwrap_or_default().to_owned();
    proxy.journal.lock().unwrap().push(Entry { target, ..Entry::default() });
    stream.write_all(NO_METHOD).await?;
    stream.shutdown().await
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, proxy: Arc<Proxy>) {
    if proxy.settings.socks {
        return drop(serve_socks(stream, proxy).await);
    }
    let service = service_fn(|request| answer(proxy.clone(), request));
    let mut http = server::conn::http1::Builder::new();
    http.header_read_timeout(None).preserve_header_case(true);
    // An error is a connection that is closed without an answer.
    let _ = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

async fn answer(proxy: Arc<Proxy>, request: Request<Incoming>) -> io::Result<Response> {
    let text = |name: HeaderName| Some(request.headers().get(name)?.to_str().ok()?.to_owned());
    let entry = Entry {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        status: None,
        proxy_authorization: text(PROXY_AUTHORIZATION),
        authorization: text(AUTHORIZATION).is_some(),
        tls: None,
    };
    let settings = &proxy.settings;
    let wanted = settings.credentials.as_ref().map(|wanted| format!("Basic {}", BASE64_STANDARD.encode(wanted)));
    let is_let_in = wanted.is_none() || wanted == entry.proxy_authorization;
    let place = {
        let mut journal = proxy.journal.lock().unwrap();
        journal.push(entry);
        journal.len() - 1
    };
    if settings.hang {
        return pending().await;
    }
    if settings.close {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let mut passed_on = false;
    let mut response = match (settings.refuse.and_then(|code| StatusCode::from_u16(code).ok()), address(request.uri()))
    {
        (Some(refusal), _) => (refusal, "refused, as the test wants it\n").into_response(),
        _ if !is_let_in => {
            let denial = settings.denial.and_then(|code| StatusCode::from_u16(code).ok());
            let denial = denial.unwrap_or(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
            let of_origins = denial == StatusCode::UNAUTHORIZED;
            let name = if of_origins { WWW_AUTHENTICATE } else { PROXY_AUTHENTICATE };
            (denial, [(name, "Basic realm=\"mmx\"")], "who are you?\n").into_response()
        }
        (None, None) => (StatusCode::FORBIDDEN, "only to this machine\n").into_response(),
        (None, Some(address)) => match TcpStream::connect(address).await {
            Ok(target) if request.method() == Method::CONNECT => {
                tokio::spawn(tunnel(proxy.clone(), place, request, target));
                passed_on = true;
                StatusCode::OK.into_response()
            }
            Ok(target) => match forward(request, target).await {
                Ok(response) => {
                    passed_on = true;
                    response
                }
                Err(error) => bad_gateway(error),
            },
            Err(error) => bad_gateway(error),
        },
    };
    if let (Some(body), false) = (&settings.body, passed_on) {
        *response.body_mut() = Body::from(body.clone());
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    let headers = if passed_on { &settings.forwarded_headers } else { &settings.headers };
    for (name, value) in headers {
        let Ok(name) = HeaderName::try_from(name) else { continue };
        response.headers_mut().remove(&name);
        let values = if let Value::Array(values) = value { values.as_slice() } else { std::slice::from_ref(value) };
        for value in values.iter().filter_map(Value::as_str).filter_map(|value| HeaderValue::try_from(value).ok()) {
            response.headers_mut().append(&name, value);
        }
    }
    proxy.journal.lock().unwrap()[place].status = Some(response.status().as_u16());
    Ok(response)
}

fn bad_gateway(error: impl ToString) -> Response {
    (StatusCode::BAD_GATEWAY, error.to_string() + "\n").into_response()
}

fn address(uri: &Uri) -> Option<SocketAddr> {
    let host = uri.host()?.trim_matches(['[', ']']);
    let address = match host.parse() {
        _ if host == "localhost" || host.ends_with(".example") => IpAddr::V4(HOST),
        Ok(address) => address,
        Err(_) => return None,
    };
    address.is_loopback().then(|| SocketAddr::new(address, uri.port_u16().unwrap_or(80)))
}

async fn tunnel(proxy: Arc<Proxy>, place: usize, request: Request<Incoming>, mut target: TcpStream) -> io::Result<()> {
    let mut asking = TokioIo::new(hyper::upgrade::on(request).await.map_err(io::Error::other)?);
    let first = asking.read_u8().await?;
    proxy.journal.lock().unwrap()[place].tls = Some(first == HANDSHAKE);
    target.write_u8(first).await?;
    copy_bidirectional(&mut asking, &mut target).await.map(drop)
}

async fn forward(mut request: Request<Incoming>, target: TcpStream) -> hyper::Result<Response> {
    let (mut sender, connection) =
        client::conn::http1::Builder::new().preserve_header_case(true).handshake(TokioIo::new(target)).await?;
    tokio::spawn(connection);
    let uri = std::mem::take(request.uri_mut());
    *request.uri_mut() = uri.path_and_query().map_or_else(Uri::default, |path| Uri::from(path.clone()));
    request.headers_mut().remove(PROXY_AUTHORIZATION);
    Ok(sender.send_request(request).await?.map(Body::new))
}
