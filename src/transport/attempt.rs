//! One request and its answer, as a step-by-step future; and what an error on the way proves.

use super::body::{Reach, Slot};
use super::connect::Route;
use super::driver::Wire;
use crate::error::Status;
use bytes::Bytes;
use http_body::Body as _;
use hyper_util::client::legacy::connect::HttpInfo;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

pub enum Body {
    None,
    Whole(Bytes),
    /// Comes in chunks; of so many bytes in all, when that is known.
    Streamed(Option<u64>),
}

pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Body,
}

#[derive(Debug)]
pub struct Head {
    pub http_status: u16,
    pub headers: HeaderMap,
    /// This end of the connection it came over, which tells one connection from another.
    pub local_address: Option<SocketAddr>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub head: Head,
    pub body: Vec<u8>,
}

#[derive(Debug)]
pub enum Event {
    Head(Head),
    Data(Bytes),
    End,
}

/// Why a request got no whole answer, and how far it got.
#[derive(Debug)]
pub struct Failure {
    pub status: Status,
    pub reach: Reach,
    pub text: String,
    /// Another attempt would fail likewise.
    pub permanent: bool,
    /// What came of the answer before it failed.
    pub head: Option<Box<Head>>,
}

impl Failure {
    pub fn new(status: Status, reach: Reach, text: impl Into<String>) -> Failure {
        Failure { status, reach, text: text.into(), permanent: false, head: None }
    }

    /// Of a local file or the caller's stream; how far the request got is for its exchange to add.
    pub fn of_file(text: impl Into<String>) -> Failure {
        Failure::new(Status::File, Reach::Nothing, text)
    }

    pub fn permanent(self) -> Failure {
        Failure { permanent: true, ..self }
    }
}

/// The longest time without a byte: a clock that starts anew with each that comes or is taken.
struct Silence {
    limit: Option<Duration>,
    clock: Option<Pin<Box<Sleep>>>,
    reach: Reach,
}

impl Silence {
    /// Ready with the limit once it has passed. Runs on a driver.
    fn poll(&mut self, reach: Reach, cx: &mut Context<'_>) -> Poll<Duration> {
        if reach > self.reach {
            self.reach = reach;
            self.clock = None;
        }
        match self.limit {
            Some(limit) => self.clock.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(cx).map(|()| limit),
            None => Poll::Pending,
        }
    }
}

enum Stage {
    Sending(Pin<Box<dyn Future<Output = reqwest::Result<reqwest::Response>> + Send>>),
    Reading(reqwest::Body),
    Ended,
}

/// A request under way.
pub struct Attempt {
    stage: Stage,
    pub slot: Slot,
    /// Without one the slot does not tell how far the request got.
    has_body: bool,
    silence: Silence,
    route: Route,
    /// What came of an answer that is read as a whole.
    head: Option<Head>,
    gathered: Vec<u8>,
}

impl Attempt {
    /// `idle` is the longest time without a byte.
    pub fn new(wire: &Wire, request: Request, idle: Option<Duration>) -> Attempt {
        let route = Route::new(&request.url, &wire.network);
        let (slot, body) = match request.body {
            Body::None => (Slot::streamed(Some(0)), None),
            Body::Whole(body) => with_body(Slot::whole(body)),
            Body::Streamed(length) => with_body(Slot::streamed(length)),
        };
        let has_body = body.is_some();
        let mut built = reqwest::Request::new(request.method, request.url);
        *built.headers_mut() = request.headers;
        *built.body_mut() = body;
        let stage = Stage::Sending(Box::pin(wire.http.execute(built)));
        let silence = Silence { limit: idle, clock: None, reach: Reach::Nothing };
        Attempt { stage, slot, has_body, silence, route, head: None, gathered: Vec::new() }
    }

    /// The next thing that happens to it.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Failure>> {
        if let Poll::Ready(event) = self.poll_event(cx) {
            self.silence.clock = None;
            return Poll::Ready(event);
        }
        self.silence.poll(self.slot.reach(), cx).map(|limit| {
            let text = format!("no byte came for {} ms (the idle limit) while {}", limit.as_millis(), self.phase());
            Err(Failure::new(Status::Timeout, self.slot.reach(), text))
        })
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Failure>> {
        match &mut self.stage {
            Stage::Sending(response) => match ready!(response.as_mut().poll(cx)) {
                Ok(response) => {
                    self.slot.close();
                    if let Some(refused) = self.route.refused_by_proxy(response.status().as_u16()) {
                        return Poll::Ready(Err(refused));
                    }
                    let (head, body) = http_parts(response);
                    self.stage = Stage::Reading(body);
                    Poll::Ready(Ok(Event::Head(head)))
                }
                Err(error) => Poll::Ready(Err(self.fail(&error))),
            },
            Stage::Reading(body) => loop {
                match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => return Poll::Ready(Ok(Event::Data(data))),
                        Err(_trailers) => continue,
                    },
                    Some(Err(error)) => return Poll::Ready(Err(self.fail(&error))),
                    None => {
                        self.stage = Stage::Ended;
                        return Poll::Ready(Ok(Event::End));
                    }
                }
            },
            Stage::Ended => Poll::Ready(Ok(Event::End)),
        }
    }

    /// Reads the answer to its end, which must come within `longest` bytes.
    pub fn poll_answer(&mut self, longest: usize, cx: &mut Context<'_>) -> Poll<Result<Answer, Failure>> {
        loop {
            if let Some(answer) = ready!(self.poll_more(longest, cx)).transpose() {
                return Poll::Ready(answer);
            }
        }
    }

    /// Reads the next piece of an answer that is read as a whole: `None` as long as more is to come.
    pub fn poll_more(&mut self, longest: usize, cx: &mut Context<'_>) -> Poll<Result<Option<Answer>, Failure>> {
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
                Some(head) => Ok(Some(Answer { head, body: std::mem::take(&mut self.gathered) })),
                None => Err(Failure::new(Status::Internal, self.slot.reach(), "an answer without a head")),
            },
            Err(failure) => Err(Failure { head: self.head.take().map(Box::new), ..failure }),
        })
    }

    /// The head of an answer that is read as a whole.
    pub fn begin_with(&mut self, head: Head) {
        self.head = Some(head);
    }

    /// What is left of it, to be dropped where it can be: see [`Lease::end_with`](super::engine::Lease::end_with).
    pub fn take(&mut self) -> impl Send + use<> {
        (std::mem::replace(&mut self.stage, Stage::Ended), self.silence.clock.take())
    }

    /// The time that the caller takes between two turns is no silence.
    pub fn turn_begins(&mut self) {
        self.silence.clock = None;
    }

    /// A failure that comes from outside: what came of the answer goes with it.
    pub fn interrupted(&mut self, status: Status, text: String) -> Failure {
        Failure { head: self.head.take().map(Box::new), ..Failure::new(status, self.slot.reach(), text) }
    }

    /// What it is doing, for the message of an interruption.
    pub fn phase(&self) -> String {
        let server = &self.route;
        match (&self.stage, self.slot.reach()) {
            (Stage::Reading(_) | Stage::Ended, _) => format!("reading the answer of {server}"),
            (Stage::Sending(_), _) if !self.has_body => format!("asking {server}"),
            (Stage::Sending(_), Reach::Nothing) => format!("connecting to {server}"),
            (Stage::Sending(_), Reach::Begun) => format!("sending the request to {server}"),
            (Stage::Sending(_), Reach::Whole) => format!("waiting for the answer of {server}"),
        }
    }

    fn fail(&mut self, error: &reqwest::Error) -> Failure {
        let failure = self.failure(error);
        self.stage = Stage::Ended;
        failure
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        let reach = self.slot.reach();
        let hyper = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
        let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
        let garbled =
            io.is_some_and(|io| matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput));
        let server = &self.route;
        let cause = root_cause(error);
        if error.is_builder() {
            Failure::new(Status::Internal, reach, format!("the request could not be built: {cause}")).permanent()
        } else if error.is_connect() {
            self.route.failure(error)
        } else if hyper.is_some_and(hyper::Error::is_canceled) {
            Failure::new(Status::Connect, Reach::Nothing, format!("the connection to {server} was lost before sending"))
        } else if hyper.is_some_and(hyper::Error::is_user) {
            Failure::new(Status::File, reach, format!("the request's body failed: {cause}"))
        } else if hyper.is_some_and(hyper::Error::is_parse) || garbled {
            Failure::new(Status::Protocol, reach, format!("the answer of {server} is not valid HTTP: {cause}"))
        } else {
            // A request without a body may have gone out as soon as there was a connection.
            let unsent = reach == Reach::Nothing && self.has_body;
            let status = if unsent { Status::Connect } else { Status::Network };
            Failure::new(status, reach, format!("the connection broke while {}: {cause}", self.phase()))
        }
    }
}

fn with_body(slot: Slot) -> (Slot, Option<reqwest::Body>) {
    let body = reqwest::Body::wrap(slot.body());
    (slot, Some(body))
}

fn http_parts(mut response: reqwest::Response) -> (Head, reqwest::Body) {
    let head = Head {
        http_status: response.status().as_u16(),
        headers: std::mem::take(response.headers_mut()),
        local_address: response.extensions().get::<HttpInfo>().map(HttpInfo::local_addr),
    };
    (head, response.into())
}

pub(super) type Cause<'a> = &'a (dyn StdError + 'static);

/// An error and what lies under it, also inside an io::Error.
pub(super) fn causes<'a>(error: Cause<'a>) -> impl Iterator<Item = Cause<'a>> {
    fn under<'a>(error: Cause<'a>) -> Option<Cause<'a>> {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), |error| under(*error))
}

pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut hyper = causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>());
    let io = || causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    let end_of_file = io().any(|io| io.kind() == io::ErrorKind::UnexpectedEof);
    if end_of_file || hyper.any(hyper::Error::is_incomplete_message) {
        return "the server closed it before the answer was whole".into();
    }
    match io().last() {
        Some(io) if io.raw_os_error().is_some() => plain(io),
        _ => causes(error).last().map_or_else(String::new, ToString::to_string),
    }
}

/// `Connection reset by peer (os error 104)` says it without the number.
pub fn plain(error: &io::Error) -> String {
    error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase()
}
