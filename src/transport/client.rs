//! A client: settings put together once. One call of it is a request sent and its answer read, within one deadline.

use super::attempt::{Answer, Body, Failure, Head, Request};
use super::body::Reach;
use super::cancel::Cancel;
use super::config::{self, Config, Key};
use super::deadline::Deadline;
use super::engine::{Lease, Network};
use super::exchange::{Exchange, Limits};
use super::tls::Trust;
use crate::error::{Error, Status};
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Method, Url};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

#[derive(Debug)]
pub struct Client {
    base_url: Url,
    key: Key,
    authorization: HeaderValue,
    user_agent: HeaderValue,
    timeout: Option<Duration>,
    max_attempts: u32,
    network: Arc<Network>,
}

/// What one call has different from its client.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallOptions<'a> {
    /// `None`: as the client has it; `Some(None)`: no limit.
    pub timeout: Option<Option<Duration>>,
    pub max_attempts: Option<u32>,
    pub cancel: Option<&'a Cancel>,
}

/// One call in terms of HTTP.
#[derive(Debug)]
pub struct Call {
    /// Of the C function, without its prefix.
    pub name: &'static str,
    pub method: Method,
    /// Below the base URL, without a slash in front.
    pub path: &'static str,
    pub json: Option<Vec<u8>>,
    /// The longest answer that is read, in bytes.
    pub longest_answer: usize,
    /// Whether a request whose answer was lost leaves something in doubt.
    pub changes: bool,
}

/// What a call came back with.
#[derive(Debug)]
pub struct Answered {
    pub answer: Answer,
    /// Requests that it took.
    pub attempts: u32,
}

/// A call without a whole answer.
#[derive(Debug)]
pub struct Unanswered {
    pub error: Error,
    /// What came of the answer.
    pub head: Option<Box<Head>>,
}

impl From<Error> for Unanswered {
    fn from(error: Error) -> Unanswered {
        Unanswered { error, head: None }
    }
}

impl Client {
    pub fn new(config: &Config) -> Result<Client, Error> {
        const CALL: &str = "client_new";
        let from = |variable: Option<&str>| variable.map_or(String::new(), |name| format!(" (from {name})"));
        let Some(api_key) = &config.api_key else {
            let why = "is missing: set MINIMAX_API_KEY or call mmx_config_set_api_key()";
            return Err(Error::invalid_argument(CALL, "api_key", why));
        };
        config::check_key(&api_key.value)
            .map_err(|why| Error::invalid_argument(CALL, "api_key", format!("{why}{}", from(api_key.variable))))?;
        let mut base_url = config::check_base_url(&config.base_url.value).map_err(|why| {
            Error::invalid_argument(CALL, "base_url", format!("{why}{}", from(config.base_url.variable)))
        })?;
        if base_url.scheme() == "http" && !config.allow_insecure && !config::is_loopback(&base_url) {
            let from = from(config.base_url.variable);
            let why = format!(
                "is http:// to another machine, which would show the key to the network{from}: use https://, or \
                 mmx_config_set_allow_insecure() if you must"
            );
            return Err(Error::invalid_argument(CALL, "base_url", why));
        }
        if !base_url.path().ends_with('/') {
            base_url.set_path(&format!("{}/", base_url.path()));
        }
        let key = api_key.value.clone();
        Ok(Client {
            base_url,
            authorization: authorization(&key),
            key,
            user_agent: user_agent(config.user_agent.as_deref()),
            timeout: config.timeout,
            max_attempts: config.max_attempts,
            network: Arc::new(Network { trust: Trust::new(config.places.clone(), config.extra_roots.clone()) }),
        })
    }

    pub fn host(&self) -> &str {
        self.base_url.host_str().unwrap_or_default()
    }

    pub fn base_path(&self) -> &str {
        self.base_url.path()
    }

    /// For taking it out of what the service echoes.
    pub fn key(&self) -> &str {
        &self.key.0
    }

    /// Requests a call of these options may send at most.
    pub fn max_attempts(&self, options: &CallOptions<'_>) -> u32 {
        options.max_attempts.unwrap_or(self.max_attempts)
    }

    /// Sends one request and reads its answer. Returns every answer that is HTTP; what it means is not known here.
    pub fn send(&self, call: &Call, options: &CallOptions<'_>) -> Result<Answered, Unanswered> {
        let limit = options.timeout.unwrap_or(self.timeout);
        let limits = Limits { deadline: Deadline::after(limit), cancel: options.cancel, idle: None };
        if options.cancel.is_some_and(Cancel::is_triggered) {
            return Err(Error::new(Status::Cancelled, call.name, "cancelled before anything was sent").into());
        }
        let lease = Lease::new(&self.network, self.base_url.scheme() == "https")
            .map_err(|failure| self.error(call, failure, 0))?;
        let attempts = 1;
        match Exchange::new(lease, self.request(call), limits).answer(call.longest_answer) {
            Ok(answer) => Ok(Answered { answer, attempts }),
            Err(failure) => Err(self.error(call, failure, attempts)),
        }
    }

    fn request(&self, call: &Call) -> Request {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(USER_AGENT, self.user_agent.clone());
        let body = match &call.json {
            Some(json) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Body::Whole(Bytes::from(json.clone()))
            }
            None => Body::None,
        };
        let mut url = self.base_url.clone();
        url.set_path(&format!("{}{}", self.base_url.path(), call.path));
        Request { method: call.method.clone(), url, headers, body }
    }

    fn error(&self, call: &Call, failure: Failure, attempts: u32) -> Unanswered {
        let mut error = Error::new(failure.status, call.name, failure.text);
        error.attempts = attempts;
        error.ambiguous = call.changes && failure.reach > Reach::Nothing;
        error.redact(self.key());
        Unanswered { error, head: failure.head }
    }
}

/// Marked sensitive, and wiped when the last request that carries it is gone.
fn authorization(key: &Key) -> HeaderValue {
    let text = Zeroizing::new(format!("Bearer {}", key.0.as_str()).into_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).expect("a checked key fits a header");
    value.set_sensitive(true);
    value
}

fn user_agent(of_the_host: Option<&str>) -> HeaderValue {
    let ours = concat!("libmmx/", env!("CARGO_PKG_VERSION"));
    let text = of_the_host.map_or(ours.to_owned(), |theirs| format!("{theirs} {ours}"));
    HeaderValue::from_str(&text).expect("a checked user agent fits a header")
}
