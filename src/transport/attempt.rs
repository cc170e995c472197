//! One request and its response, as a step-by-step future; and what an error on the way proves.

use super::body::{BodySender, BodySent, RequestBody};
use super::connect_error::refused;
use super::error::{TransportError, causes, root_cause};
use super::http_client::HttpClient;
use super::idle_timer::IdleTimer;
use super::link::Link;
use super::pool::{Connection, InUse};
use super::proxy_page::{LONGEST, PATIENCE};
use super::reactor::{Registration, Sleep};
use super::request::{Body, Request};
use super::response::{Head, HttpResponse};
use super::route::Route;
use crate::error::Status;
use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{Response, Uri, uri::Scheme};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub enum Event {
    Head(Head),
    Data(Bytes),
    End,
}

/// Ends with the request that waits for the connection.
type Connecting = dyn Future<Output = Result<((Box<Connection>, InUse), http::Request<RequestBody>), TransportError>>;
type Responding = dyn Future<Output = Result<Response<Incoming>, TrySendError<http::Request<RequestBody>>>>;

enum Stage {
    Connecting(Pin<Box<Connecting>>),
    Sending(Pin<Box<Responding>>),
    Reading(Incoming),
    /// The page of a proxy that refuses, with its HTTP status and when no more is waited for.
    ProxyPage(Incoming, u16, Sleep, Vec<u8>),
    Ended,
}

/// A request under way.
pub struct Attempt {
    stage: Stage,
    link: Option<Link>,
    http: HttpClient,
    pub body_sender: BodySender,
    /// Without one the slot does not tell how far the request got.
    has_body: bool,
    idle: IdleTimer,
    route: Arc<Route>,
    /// The head of a response that is read as a whole.
    head: Option<Head>,
    gathered: Vec<u8>,
}

impl Attempt {
    /// `idle` is the longest time without a byte.
    pub fn new(http: &HttpClient, request: Request, idle: Option<Duration>) -> Attempt {
        let Request { method, route, path, headers, body } = request;
        let (body_sender, has_body) = match body {
            Body::None => (BodySender::streamed(Some(0)), false),
            Body::Whole(body) => (BodySender::whole(body), true),
            Body::Streamed(length) => (BodySender::streamed(length), true),
        };
        let mut sent = http::Request::new(body_sender.body());
        *sent.method_mut() = method;
        *sent.headers_mut() = headers;
        sent.headers_mut().entry(HOST).or_insert_with(|| route.host_header.clone());
        *sent.uri_mut() = match route.forwarder() {
            None => Uri::from(path),
            Some(proxy) => {
                if let Some(credentials) = &proxy.credentials {
                    sent.headers_mut().insert(PROXY_AUTHORIZATION, credentials.clone());
                }
                let uri = Uri::builder().scheme(Scheme::HTTP).authority(route.host_header.as_bytes());
                uri.path_and_query(path.clone()).build().unwrap_or(Uri::from(path))
            }
        };
        let idle = IdleTimer { limit: idle, since: Instant::now(), timer: None };
        let (stage, link, http, head, gathered) = (Stage::Ended, None, http.clone(), None, Vec::new());
        let mut attempt = Attempt { stage, link, http, body_sender, has_body, idle, route, head, gathered };
        attempt.begin(sent);
        attempt
    }

    /// Takes an idle connection, or makes one.
    fn begin(&mut self, request: http::Request<RequestBody>) {
        self.stage = match self.http.take(&self.route) {
            Some(connection) => self.send(connection, request, true),
            None => {
                let (http, route) = (self.http.clone(), self.route.clone());
                Stage::Connecting(Box::pin(async move { Ok((http.connect(route).await?, request)) }))
            }
        };
    }

    fn send(
        &mut self,
        (mut connection, in_use): (Box<Connection>, InUse),
        request: http::Request<RequestBody>,
        is_reused: bool,
    ) -> Stage {
        let state = &connection.state;
        state.look_again();
        let (registration, sent_before) = (Registration::new(&self.http.reactor, &**state), state.sent());
        let responding = Box::pin(connection.sender.try_send_request(request));
        self.link = Some(Link { connection, registration, sent_before, is_reused, in_use });
        Stage::Sending(responding)
    }

    /// The next thing that happens to it.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, TransportError>> {
        if let Poll::Ready(event) = self.poll_event(cx) {
            return Poll::Ready(event);
        }
        let last_byte = self.link.as_ref().filter(|_| self.idle.limit.is_some());
        let last_byte = last_byte.map(|link| link.connection.state.last_byte());
        self.idle.poll(last_byte, &self.http, cx).map(|limit| {
            let text = format!("no byte came for {} ms (the idle limit) while {}", limit.as_millis(), self.phase());
            Err(TransportError::new(Status::Timeout, self.body_sent(), text))
        })
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, TransportError>> {
        loop {
            match &mut self.stage {
                Stage::Connecting(connecting) => match ready!(connecting.as_mut().poll(cx)) {
                    Ok((connection, request)) => self.stage = self.send(connection, request, false),
                    Err(failure) => {
                        self.end();
                        return Poll::Ready(Err(failure));
                    }
                },
                Stage::Sending(responding) => {
                    let link = self.link.as_mut().expect("a request goes out over a connection");
                    link.drive(cx);
                    match responding.as_mut().poll(cx) {
                        Poll::Pending => {
                            link.wait(cx);
                            return Poll::Pending;
                        }
                        Poll::Ready(Ok(response)) => match self.responded(response) {
                            Some(event) => return Poll::Ready(Ok(event)),
                            None => continue,
                        },
                        Poll::Ready(Err(mut error)) => match error.take_message() {
                            // The server has closed it in the meantime: the request goes out over another.
                            Some(request) if link.is_reused => {
                                self.link = None;
                                self.begin(request);
                            }
                            _ => return Poll::Ready(Err(self.fail(&error.into_error()))),
                        },
                    }
                }
                Stage::Reading(_) => return self.poll_body(cx),
                Stage::ProxyPage(..) => return self.poll_proxy_page(cx).map(Err),
                Stage::Ended => return Poll::Ready(Ok(Event::End)),
            }
        }
    }

    /// `None`: the proxy has answered itself.
    fn responded(&mut self, response: Response<Incoming>) -> Option<Event> {
        self.body_sender.close();
        let (parts, body) = response.into_parts();
        let http_status = parts.status.as_u16();
        if self.route.is_refused_by_proxy(http_status, &parts.headers) {
            let over = self.http.reactor.sleep_until(Instant::now() + PATIENCE);
            self.stage = Stage::ProxyPage(body, http_status, over, Vec::new());
            return None;
        }
        let is_reused = self.link.as_ref().is_some_and(|link| link.is_reused);
        self.stage = Stage::Reading(body);
        Some(Event::Head(Head { http_status, headers: parts.headers, is_reused }))
    }

    fn poll_proxy_page(&mut self, cx: &mut Context<'_>) -> Poll<TransportError> {
        let Stage::ProxyPage(body, http_status, over, page) = &mut self.stage else { return Poll::Pending };
        let mut is_driven = false;
        loop {
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) if page.len() < LONGEST => {
                    page.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
                }
                Poll::Pending if !is_driven => {
                    is_driven = true;
                    if let Some(link) = &mut self.link {
                        link.drive(cx);
                    }
                }
                Poll::Pending => {
                    self.link.as_ref().inspect(|link| link.wait(cx));
                    ready!(Pin::new(&mut *over).poll(cx));
                    break;
                }
                Poll::Ready(_) => break,
            }
        }
        let proxy = self.route.forwarder().expect("only a proxy that forwards has a page");
        let failure = refused(*http_status, page, &self.route, proxy);
        self.end();
        Poll::Ready(failure)
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, TransportError>> {
        let mut is_driven = false;
        loop {
            let Stage::Reading(body) = &mut self.stage else { return Poll::Ready(Ok(Event::End)) };
            match Pin::new(body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Ok(Event::Data(data))),
                    Err(_trailers) => continue,
                },
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(self.fail(&error))),
                Poll::Ready(None) => {
                    self.stage = Stage::Ended;
                    self.put_back(cx);
                    return Poll::Ready(Ok(Event::End));
                }
                Poll::Pending => {}
            }
            let Some(link) = &mut self.link else { return Poll::Pending };
            if is_driven {
                link.wait(cx);
                return Poll::Pending;
            }
            link.drive(cx);
            is_driven = true;
        }
    }

    /// The response was read to its end: the connection serves the next request if both ends keep it.
    fn put_back(&mut self, cx: &mut Context<'_>) {
        let Some(mut link) = self.link.take() else { return };
        if !link.connection.sender.is_ready() {
            link.drive(cx);
        }
        let Link { connection, registration, in_use, .. } = link;
        drop(registration);
        if connection.driver.is_some() && connection.sender.is_ready() {
            self.http.keep(connection, in_use);
        }
    }

    /// How much of the request can have reached the service.
    pub fn body_sent(&self) -> BodySent {
        match &self.link {
            Some(link) if link.connection.state.sent() == link.sent_before => BodySent::None,
            Some(_) if !self.has_body => BodySent::All,
            _ => self.body_sender.body_sent(),
        }
    }

    /// Closes the connection.
    fn end(&mut self) {
        self.stage = Stage::Ended;
        self.link = None;
    }

    /// Reads the response to its end, which must come within `longest` bytes: a piece a turn, so that the limits are looked
    /// at in between.
    pub fn poll_response(
        &mut self,
        longest: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<HttpResponse, TransportError>> {
        match ready!(self.poll_more(longest, cx)).transpose() {
            Some(response) => Poll::Ready(response),
            None => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    /// Reads the next piece of a response that is read as a whole: `None` as long as more is to come.
    pub fn poll_more(
        &mut self,
        longest: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<HttpResponse>, TransportError>> {
        let event = ready!(self.poll(cx));
        Poll::Ready(match event {
            Ok(Event::Head(head)) => {
                self.begin_with(head);
                Ok(None)
            }
            Ok(Event::Data(data)) if self.gathered.len() + data.len() > longest => {
                let text = format!("the answer is longer than {} MiB and was not read on", longest >> 20);
                Err(self.interrupted(Status::Protocol, text))
            }
            Ok(Event::Data(data)) => {
                self.gathered.extend_from_slice(&data);
                Ok(None)
            }
            Ok(Event::End) => match self.head.take() {
                Some(head) => Ok(Some(HttpResponse { head, body: std::mem::take(&mut self.gathered) })),
                None => Err(TransportError::new(Status::Internal, self.body_sent(), "an answer without a head")),
            },
            Err(failure) => Err(TransportError { head: self.head.take().map(Box::new), ..failure }),
        })
    }

    /// The head of a response that is read as a whole.
    pub fn begin_with(&mut self, head: Head) {
        self.head = Some(head);
    }

    /// The time that the caller takes between two turns is no silence. What has come meanwhile is looked for before more
    /// is sent.
    pub fn turn_begins(&mut self) {
        self.link.as_ref().inspect(|link| link.connection.state.look_again());
        self.idle.since = Instant::now();
    }

    /// A failure that comes from outside: what came of the response goes with it.
    pub fn interrupted(&mut self, status: Status, text: String) -> TransportError {
        let body_sent = self.body_sent();
        let status = if body_sent == BodySent::None { status } else { status.once_sent() };
        TransportError { head: self.head.take().map(Box::new), ..TransportError::new(status, body_sent, text) }
    }

    /// Describes what it is doing, for the message of an interruption.
    pub fn phase(&self) -> String {
        let server = &self.route;
        match (&self.stage, self.body_sent()) {
            (Stage::Reading(_) | Stage::ProxyPage(..) | Stage::Ended, _) => format!("reading the answer of {server}"),
            (Stage::Connecting(_), _) => format!("connecting to {server}"),
            (Stage::Sending(_), _) if !self.has_body => format!("asking {server}"),
            (Stage::Sending(_), BodySent::None | BodySent::Partial) => format!("sending the request to {server}"),
            (Stage::Sending(_), BodySent::All) => format!("waiting for the answer of {server}"),
        }
    }

    fn fail(&mut self, error: &hyper::Error) -> TransportError {
        let failure = self.failure(error);
        self.end();
        failure
    }

    fn failure(&self, error: &hyper::Error) -> TransportError {
        let body_sent = self.body_sent();
        let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
        // One of the system, such as EINVAL of a receive, says nothing about the answer.
        let garbled = io.is_some_and(|io| {
            io.raw_os_error().is_none() && matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
        });
        let server = &self.route;
        let cause = root_cause(error);
        if error.is_canceled() {
            TransportError::new(
                Status::Connect,
                BodySent::None,
                format!("the connection to {server} was lost before sending"),
            )
        } else if error.is_user() {
            TransportError::new(Status::File, body_sent, format!("the request's body failed: {cause}"))
        } else if error.is_parse() || garbled {
            TransportError::new(
                Status::Protocol,
                body_sent,
                format!("the answer of {server} is not valid HTTP: {cause}"),
            )
        } else {
            let status = if body_sent == BodySent::None { Status::Connect } else { Status::Network };
            TransportError::new(status, body_sent, format!("the connection broke while {}: {cause}", self.phase()))
        }
    }
}
