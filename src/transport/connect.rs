//! Makes connections: name lookup, addresses in a race (RFC 8305), the proxy's tunnel, TLS.

use super::body::{BodySent, RequestBody};
use super::connect_error::{failed, handshake_failed, no_connection, refused};
use super::error::TransportError;
use super::http_stream::HttpStream;
use super::pool::Pool;
use super::proxy::Proxy;
use super::proxy_page::{self, LONGEST, PATIENCE};
use super::reactor::{Reactor, Registration, Sleep, WRITE};
use super::resolve::DnsError;
use super::route::Route;
use super::socket::Socket;
use super::stream::{Stream, TlsStream};
use crate::error::Status;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{Method, Request, Uri};
use http_body::Body as _;
use hyper::client::conn::http1;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The next address is tried beside the one before after so long, as RFC 8305 recommends.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

const OUR_URL: &str = "the base URL";

/// Makes a connection within the connect limit.
pub async fn connect(pool: &Pool, reactor: &Rc<Reactor>, route: &Route) -> Result<Stream, TransportError> {
    let mut work = pin!(connect_unbounded(pool, reactor, route));
    let Some(limit) = pool.network.connect_timeout else { return work.await };
    let mut over = pin!(reactor.sleep(limit));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Pending => over.as_mut().poll(cx).map(|()| {
            let limit = limit.as_millis();
            let text = format!("connecting to {route} took longer than {limit} ms (the connect limit)");
            Err(TransportError::new(Status::Timeout, BodySent::None, text))
        }),
        ready => ready,
    })
    .await
}

async fn connect_unbounded(pool: &Pool, reactor: &Rc<Reactor>, route: &Route) -> Result<Stream, TransportError> {
    let stream = match &route.proxy {
        None => open(pool, reactor, &route.host, route.port, &route.target(), OUR_URL).await?,
        Some(proxy) => {
            let name = format!("the proxy {}", proxy.address);
            let mut stream = open(pool, reactor, &proxy.host, proxy.port, &name, proxy.set_by).await?;
            if proxy.is_https {
                stream = secure(stream, pool.tls()?, reactor, &proxy.host, &name, proxy.set_by).await?;
            }
            match route.is_https {
                true => tunnel(stream, reactor, route, proxy).await?,
                false => stream,
            }
        }
    };
    match route.is_https {
        true => secure(stream, pool.tls()?, reactor, &route.host, &route.to_string(), OUR_URL).await,
        false => Ok(stream),
    }
}

/// A connection to the first address of a host that takes one.
async fn open(
    pool: &Pool,
    reactor: &Rc<Reactor>,
    host: &str,
    port: u16,
    server: &str,
    named: &str,
) -> Result<Stream, TransportError> {
    let addresses = pool.dns.addresses(host, port, reactor).await;
    let addresses = addresses.map_err(|error: DnsError| {
        let advice =
            if error.advice.is_empty() { format!("; check {named} and the network") } else { error.advice.into() };
        TransportError { errno: error.errno, ..no_connection(format!("{error}{advice}")) }
    })?;
    let mut race =
        Race { pool, reactor, addresses: &addresses, begun: 0, running: Vec::new(), next: None, error: None };
    match poll_fn(|cx| race.poll(cx)).await {
        Ok((socket, winner)) => {
            let slower: Vec<_> = addresses[..race.begun].iter().filter(|at| **at != winner).copied().collect();
            pool.dns.connected(&winner, &slower);
            Ok(Stream::Plain(socket))
        }
        Err(error) => {
            pool.dns.failed(host, &addresses);
            Err(failed(&error, server, named))
        }
    }
}

/// Connects to several addresses, each begun when the one before has failed or takes long.
struct Race<'a> {
    pool: &'a Pool,
    reactor: &'a Rc<Reactor>,
    addresses: &'a [SocketAddr],
    begun: usize,
    running: Vec<(SocketAddr, Registration, Socket)>,
    /// When the next one is begun all the same.
    next: Option<Pin<Box<Sleep>>>,
    error: Option<io::Error>,
}

impl Race<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Socket, SocketAddr)>> {
        loop {
            let ready = self.running.iter().position(|(_, registration, _)| registration.take_ready() != 0);
            if let Some(ready) = ready {
                let (address, registration, socket) = self.running.swap_remove(ready);
                drop(registration);
                match socket.connected() {
                    Ok(()) => return Poll::Ready(Ok((socket, address))),
                    Err(error) => self.error = Some(error),
                }
                self.next = None;
            }
            let is_time = self.next.as_mut().is_none_or(|next| next.as_mut().poll(cx).is_ready());
            match self.addresses.get(self.begun) {
                Some(address) if is_time => {
                    self.begun += 1;
                    self.next = None;
                    match Socket::connect(*address, self.pool.descriptors) {
                        Ok(socket) => {
                            let registration = Registration::new(self.reactor, &*socket.state());
                            self.running.push((*address, registration, socket));
                            let at = Instant::now() + NEXT_ADDRESS_AFTER;
                            self.next = Some(Box::pin(self.reactor.sleep_until(at)));
                        }
                        Err(error) => self.error = Some(error),
                    }
                }
                _ if ready.is_some() => {}
                None if self.running.is_empty() => {
                    let none = || io::Error::new(ErrorKind::NotFound, "it has no address");
                    return Poll::Ready(Err(self.error.take().unwrap_or_else(none)));
                }
                _ => {
                    self.running.iter().for_each(|(_, registration, _)| registration.wait_for(WRITE, cx.waker()));
                    return Poll::Pending;
                }
            }
        }
    }
}

/// TLS over a stream with a host.
async fn secure(
    stream: Stream,
    config: Arc<ClientConfig>,
    reactor: &Rc<Reactor>,
    host: &str,
    server: &str,
    named: &str,
) -> Result<Stream, TransportError> {
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
    let name = name.map_err(|_| no_connection(format!("{host} is no name for TLS; check {named}")).permanent())?;
    let state = stream.state();
    let invalid = |error| io::Error::new(ErrorKind::InvalidData, error);
    let tls = TlsStream::new(stream, config, name).map_err(|error| failed(&invalid(error), server, named));
    let mut tls = Box::new(tls?);
    loop {
        match tls.handshake() {
            Ok(()) => return Ok(Stream::Tls(tls)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let blocked = state.blocked();
                reactor.ready(&*state, blocked).await;
                state.is_ready(blocked);
            }
            Err(error) => return Err(handshake_failed(&error, server, named)),
        }
    }
}

/// Has a proxy connect to the target.
async fn tunnel(stream: Stream, reactor: &Rc<Reactor>, route: &Route, proxy: &Proxy) -> Result<Stream, TransportError> {
    let (target, address) = (route.target(), &proxy.address);
    let is_none = |why: &str| {
        no_connection(format!(
            "the proxy {address} gave no valid answer when asked to connect to {target}{why}: is it an HTTP proxy? check {}",
            proxy.set_by
        ))
    };
    let uri: Uri =
        target.parse().map_err(|_| no_connection(format!("{target} is no address for a proxy")).permanent())?;
    let mut request = Request::new(RequestBody::empty());
    (*request.method_mut(), *request.uri_mut()) = (Method::CONNECT, uri);
    request.headers_mut().insert(HOST, target.parse().unwrap_or(route.host_header.clone()));
    if let Some(credentials) = &proxy.credentials {
        request.headers_mut().insert(PROXY_AUTHORIZATION, credentials.clone());
    }
    let state = stream.state();
    let registration = Registration::new(reactor, &*state);
    let (mut sender, mut connection) = http1::handshake(HttpStream::new(stream)).await.map_err(|_| is_none(""))?;
    let mut response = pin!(sender.send_request(request));
    let mut has_ended = false;
    let response = poll_fn(|cx| {
        state.is_ready(registration.take_ready());
        has_ended = has_ended || connection.poll_without_shutdown(cx).is_ready();
        let response = response.as_mut().poll(cx);
        registration.wait_for(if response.is_ready() { 0 } else { state.blocked() }, cx.waker());
        response
    })
    .await;
    // A server of another protocol speaks it the next time, too.
    let response = response.map_err(|error| {
        let failure = is_none("");
        if error.is_parse() { failure.permanent() } else { failure }
    })?;
    let status = response.status();
    if !status.is_success() {
        let http_status = status.as_u16();
        if matches!(http_status, 400 | 404 | 405 | 501) && !proxy_page::is_own(http_status, response.headers()) {
            return Err(is_none(&format!(" (HTTP {http_status})")).permanent());
        }
        let (mut body, mut page) = (response.into_body(), Vec::new());
        let mut over = pin!(reactor.sleep(PATIENCE));
        poll_fn(|cx| {
            state.is_ready(registration.take_ready());
            let mut is_driven = false;
            loop {
                match Pin::new(&mut body).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) if page.len() < LONGEST => {
                        page.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
                    }
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending if is_driven => break,
                    Poll::Pending => {
                        is_driven = true;
                        has_ended = has_ended || connection.poll_without_shutdown(cx).is_ready();
                    }
                }
            }
            registration.wait_for(state.blocked(), cx.waker());
            over.as_mut().poll(cx)
        })
        .await;
        return Err(refused(http_status, &page, route, proxy));
    }
    if !has_ended {
        poll_fn(|cx| connection.poll_without_shutdown(cx).map(drop)).await;
    }
    let parts = connection.into_parts();
    if !parts.read_buf.is_empty() {
        return Err(is_none(""));
    }
    Ok(parts.io.into_inner())
}
