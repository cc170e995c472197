//! A client: settings put together once. One call of it is a request sent and its response read, within one deadline.

use super::api_key::{self, ApiKey};
use super::body::BodySent;
use super::call_info::CallInfo;
use super::cancel::Cancel;
use super::config::{self, Config, DEFAULT_TIMEOUT};
use super::deadline::Deadline;
use super::effect::Effect;
use super::error::TransportError;
use super::exchange::Limits;
use super::http_client::HttpClient;
use super::interrupt::InterruptCheck;
use super::log::{Log, Logger};
use super::pool::{Network, Shares};
use super::progress::Report;
use super::rate::Account;
use super::request::{Body, Request};
use super::response::{Head, HttpResponse};
use super::retry::{Budget, Retry};
use super::route::Route;
use super::secrets::Secrets;
use super::setting::{Key, check_key, is_loopback};
use super::time_limit::TimeLimit;
use super::tls::TrustStore;
use super::urls::{self, Urls};
use crate::error::{Error, Status};
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, HOST, HeaderMap, HeaderValue, USER_AGENT};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

#[derive(Debug)]
pub struct Client {
    urls: Urls,
    key: ApiKey,
    timeout: TimeLimit,
    idle_timeout: Option<Duration>,
    max_attempts: u32,
    budget: Budget,
    shares: Shares,
    requests_per_minute: Option<u32>,
    logger: Option<Logger>,
    ledger: Option<PathBuf>,
    network: Arc<Network>,
    route: Arc<Route>,
}

/// Options of one call that override its client's.
#[derive(Clone, Copy, Default)]
pub struct CallOptions<'a> {
    pub timeout: TimeLimit,
    pub max_attempts: Option<u32>,
    pub cancel: Option<&'a Cancel>,
    pub interrupt: Option<&'a InterruptCheck>,
    /// Filled in as the call goes on.
    pub info: Option<&'a CallInfo>,
    /// For uploads with a ledger: the file is due after so many seconds.
    pub expires_after_s: Option<u64>,
    /// For transfers.
    pub progress: Option<Report<'a>>,
    /// That of a call which this one is a part of.
    pub http: Option<&'a HttpClient>,
}

/// Decides the default timeout of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// One small request and response.
    Request,
    /// It moves a file or many of them, so it may take any time.
    Transfer,
}

/// One call in terms of HTTP.
#[derive(Debug)]
pub struct Call {
    /// Name of the C function, without its prefix.
    pub name: &'static str,
    pub method: Method,
    /// Below the base URL, without a slash in front.
    pub path: &'static str,
    pub query: Vec<(&'static str, String)>,
    pub json: Option<Bytes>,
    /// The longest answer that is read, in bytes.
    pub max_response_len: usize,
    pub effect: Effect,
}

/// The response to a call.
#[derive(Debug)]
pub struct CallResponse {
    pub response: HttpResponse,
    /// Requests that it took.
    pub attempts: u32,
    /// How much of the request was taken before the response came.
    pub body_sent: BodySent,
}

/// A call without a whole response.
#[derive(Debug)]
pub struct CallError {
    pub error: Error,
    /// The head of the response, if it was received.
    pub head: Option<Box<Head>>,
}

impl CallError {
    /// Whether the request had been begun when it was interrupted.
    pub fn is_of_a_request(&self) -> bool {
        self.error.status == Status::Network
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> CallError {
        CallError { error, head: None }
    }
}

impl Client {
    pub fn new(config: &Config) -> Result<Client, Error> {
        const CALL: &str = "client_new";
        let from = |variable: Option<&str>| variable.map_or(String::new(), |name| format!(" (from {name})"));
        let (key, key_file) = match (&config.api_key, &config.api_key_file) {
            (Some(api_key), _) => {
                let why = |why| format!("{why}{}", from(api_key.variable));
                check_key(&api_key.value).map_err(|reason| Error::invalid_argument(CALL, "api_key", why(reason)))?;
                (api_key.value.clone(), None)
            }
            (None, Some(file)) => {
                let read = api_key::read(CALL, "api_key_file", &file.value).map_err(|mut error| {
                    error.add(&from(file.variable));
                    error
                });
                let (key, stamp) = read?;
                (key, Some((file.value.clone(), stamp)))
            }
            (None, None) => {
                let why = "is missing: set MINIMAX_API_KEY or call mmx_config_set_api_key()";
                return Err(Error::invalid_argument(CALL, "api_key", why));
            }
        };
        let mut base_url = config::check_base_url(&config.base_url.value).map_err(|why| {
            Error::invalid_argument(CALL, "base_url", format!("{why}{}", from(config.base_url.variable)))
        })?;
        let proxies = config.proxy.proxies(&config.proxy_env, &base_url);
        let proxies = proxies.map_err(|why| Error::invalid_argument(CALL, "proxy", why))?;
        if base_url.scheme() == "http" && !config.allow_insecure && !is_loopback(&base_url) {
            let from = from(config.base_url.variable);
            let why = format!(
                "is http:// to another machine, which would show the key to the network{from}: use https://, or \
                 mmx_config_set_allow_insecure() if you must"
            );
            return Err(Error::invalid_argument(CALL, "base_url", why));
        }
        if let Some(proxy) = proxies.of(&base_url)
            && base_url.scheme() == "http"
            && !config.allow_insecure
            && !proxy.is_loopback()
        {
            let why = format!(
                "is http:// through the proxy {} ({}), which would see the key: use https://, or \
                 mmx_config_set_allow_insecure() if you must",
                proxy.address, proxy.set_by
            );
            return Err(Error::invalid_argument(CALL, "base_url", why));
        }
        if !base_url.path().ends_with('/') {
            base_url.set_path(&format!("{}/", base_url.path()));
        }
        let log = Log::new(config.logger.as_ref(), CALL, Secrets::new(&key.0, &config.headers));
        proxies.log_unreadable_exceptions(&log);
        log.flush();
        let route = Arc::new(Route::new(&base_url, &proxies));
        let common = headers(config.user_agent.as_deref(), &route);
        let network = Arc::new(Network {
            trust_store: TrustStore::new(config.cert_paths.clone(), config.extra_roots.clone()),
            proxies,
            connect_timeout: config.connect_timeout,
        });
        Ok(Client {
            shares: Shares::new(network.clone(), Account::new(&key, &base_url)),
            urls: Urls::new(base_url),
            key: ApiKey::new(key, key_file, common, config.headers.clone()),
            timeout: config.timeout,
            idle_timeout: config.idle_timeout,
            max_attempts: config.max_attempts,
            budget: Budget::new(),
            requests_per_minute: config.requests_per_minute,
            logger: config.logger.clone(),
            ledger: config.ledger.clone(),
            network,
            route,
        })
    }

    pub fn scheme(&self) -> &str {
        self.urls.base().scheme()
    }

    pub fn host(&self) -> &str {
        self.urls.base().host_str().unwrap_or_default()
    }

    pub fn base_path(&self) -> &str {
        self.urls.base().path()
    }

    /// It holds no user name and no password.
    pub fn base_url(&self) -> String {
        self.urls.base().to_string()
    }

    /// The file that knows the client's uploads, if it has one.
    pub fn ledger(&self) -> Option<&Path> {
        self.ledger.as_deref()
    }

    /// Fingerprint of the key, which tells one account from another.
    pub fn key_fingerprint(&self) -> String {
        self.key().fingerprint()
    }

    /// As it was read last, if it is in a file.
    pub fn key(&self) -> Key {
        self.key.credentials().key.clone()
    }

    /// For taking them out of what the service echoes.
    pub fn secrets(&self) -> Secrets {
        self.key.credentials().secrets.clone()
    }

    /// Takes the key and the like out of everything that came from outside.
    pub fn redact(&self, error: &mut Error) {
        self.key.credentials().secrets.redact(error);
    }

    pub fn logger(&self) -> Option<&Logger> {
        self.logger.as_ref()
    }

    /// The retries of one call; `most` requests, or as the client has it.
    pub fn retry(&self, most: Option<u32>) -> Retry<'_> {
        Retry::new(&self.budget, most.unwrap_or(self.max_attempts))
    }

    /// The state shared with other clients in this process: connections, and the limiter of its key.
    pub fn shares(&self) -> &Shares {
        &self.shares
    }

    /// The configured rate limit.
    pub fn requests_per_minute(&self) -> Option<u32> {
        self.requests_per_minute
    }

    /// The bound of a call that moves no file.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout.or(Some(DEFAULT_TIMEOUT))
    }

    /// Idle timeout: longest time without sending or receiving a byte.
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.idle_timeout
    }

    /// The limits of a call that begins now, with the key as it is now. A transfer has no deadline unless one is set.
    pub fn limits<'a>(
        &self,
        name: &'static str,
        kind: CallKind,
        options: &CallOptions<'a>,
    ) -> Result<Limits<'a>, Error> {
        let default = match kind {
            CallKind::Transfer => None,
            CallKind::Request => Some(DEFAULT_TIMEOUT),
        };
        let limit = options.timeout.or_else(self.timeout).or(default);
        let CallOptions { cancel, interrupt, .. } = *options;
        let limits = Limits { deadline: Deadline::after(limit), cancel, interrupt, idle: self.idle_timeout };
        if options.cancel.is_some_and(Cancel::is_triggered) {
            return Err(Error::new(Status::Cancelled, name, "cancelled before anything was sent"));
        }
        self.key.refresh(name)?;
        Ok(limits)
    }

    pub fn request(&self, call: &Call) -> Request {
        let credentials = self.key.credentials();
        let (headers, body) = match &call.json {
            Some(json) => (credentials.headers_with_json.clone(), Body::Whole(json.clone())),
            None => (credentials.headers.clone(), Body::None),
        };
        let path = self.urls.target(call.path, &call.query);
        Request { method: call.method.clone(), route: self.route.clone(), path, headers, body }
    }

    /// Where a call goes.
    pub fn url(&self, call: &Call) -> Url {
        self.urls.url(call.path, &call.query)
    }

    /// A GET of any place, with the key and the caller's headers only where that is part of the API's own.
    pub fn request_to(&self, url: &Url, with_key: bool) -> Request {
        let route = Arc::new(Route::new(url, &self.network.proxies));
        let mut headers = if with_key { self.key.credentials().headers.clone() } else { self.key.headers_elsewhere() };
        headers.insert(HOST, route.host_header.clone());
        Request { method: Method::GET, route, path: urls::target(url), headers, body: Body::None }
    }

    /// For a call.
    pub fn http(&self) -> HttpClient {
        HttpClient::new(self.shares.pool().clone())
    }

    /// A failure of the way as an error of the call.
    pub fn error(&self, call: &Call, failure: TransportError, attempts: u32) -> CallError {
        let ambiguous = call.effect.is_ambiguous(failure.body_sent);
        let mut call_error = self.error_of(call.name, failure, attempts);
        call_error.error.ambiguous = ambiguous;
        call_error
    }

    /// The same where nothing can have been carried out.
    pub fn error_of(&self, name: &'static str, failure: TransportError, attempts: u32) -> CallError {
        let mut error = Error::new(failure.status, name, failure.text);
        error.attempts = attempts;
        error.retry_after = failure.retry_after;
        error.errno = failure.errno;
        error.transient =
            !failure.permanent && matches!(failure.status, Status::Connect | Status::Network | Status::Timeout);
        self.redact(&mut error);
        CallError { error, head: failure.head }
    }
}

/// Those of every request, wherever it goes.
fn headers(user_agent_of_the_host: Option<&str>, route: &Route) -> HeaderMap {
    HeaderMap::from_iter([
        (HOST, route.host_header.clone()),
        (USER_AGENT, user_agent(user_agent_of_the_host)),
        (ACCEPT, HeaderValue::from_static("*/*")),
        // Bytes are handed out as they come.
        (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        // Whether a file is still there is not for a cache to say.
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ])
}

fn user_agent(of_the_host: Option<&str>) -> HeaderValue {
    let ours = concat!("libmmx/", env!("CARGO_PKG_VERSION"));
    let text = of_the_host.map_or(ours.to_owned(), |theirs| format!("{theirs} {ours}"));
    HeaderValue::from_str(&text).expect("a checked user agent fits a header")
}
