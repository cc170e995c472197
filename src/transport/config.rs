//! Settings: checked as they are set, read from the environment at one place, put together by a client.

use super::api_key;
use super::error::plain;
use super::log::Logger;
use super::proxy::{ProxyEnv, ProxySetting};
use super::secrets::Secrets;
use super::setting::{Key, Setting, check_key};
use super::time_limit::TimeLimit;
use super::tls::{CertPaths, read_pem};
use crate::error::{Error, Status};
use http::header::{HeaderName, HeaderValue};
use rustls::pki_types::CertificateDer;
use std::fs;
use std::path::{self, PathBuf};
use std::time::Duration;
use url::Url;
use zeroize::Zeroizing;

pub const DEFAULT_BASE_URL: &str = "https://api.minimaxi.com";
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(60);
pub const DEFAULT_MAX_ATTEMPTS: u32 = 4;

#[derive(Clone, Debug)]
pub struct Config {
    pub api_key: Option<Setting<Key>>,
    /// Where there is no `api_key`.
    pub api_key_file: Option<Setting<PathBuf>>,
    /// The caller's own, marked sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub base_url: Setting<String>,
    pub allow_insecure: bool,
    pub proxy: ProxySetting,
    pub proxy_env: ProxyEnv,
    pub user_agent: Option<String>,
    pub timeout: TimeLimit,
    /// `None`: no limit.
    pub connect_timeout: Option<Duration>,
    pub idle_timeout: Option<Duration>,
    pub max_attempts: u32,
    pub requests_per_minute: Option<u32>,
    pub logger: Option<Logger>,
    pub cert_paths: CertPaths,
    pub extra_roots: Vec<CertificateDer<'static>>,
    pub ledger: Option<PathBuf>,
}

impl Config {
    /// The defaults, then what the environment says. The one place that reads it: a later `getenv` could meet another
    /// thread's `setenv`.
    pub fn from_environment() -> Config {
        // A value that isn't UTF-8 becomes one that the checks refuse.
        let variable = |name: &'static str| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
            Some(Setting { value: value.to_string_lossy().into_owned(), variable: Some(name) })
        };
        let api_key = variable("MINIMAX_API_KEY")
            .map(|set| Setting { value: Key(Zeroizing::new(set.value)), variable: set.variable });
        let default_url = Setting { value: DEFAULT_BASE_URL.to_owned(), variable: None };
        Config {
            api_key,
            api_key_file: variable("MINIMAX_API_KEY_FILE")
                .map(|set| Setting { value: absolute(&set.value), variable: set.variable }),
            headers: Vec::new(),
            base_url: variable("MINIMAX_BASE_URL").unwrap_or(default_url),
            allow_insecure: false,
            proxy: ProxySetting::default(),
            proxy_env: ProxyEnv::read(),
            user_agent: None,
            timeout: TimeLimit::Default,
            connect_timeout: Some(DEFAULT_CONNECT_TIMEOUT),
            idle_timeout: Some(DEFAULT_IDLE_TIMEOUT),
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            requests_per_minute: None,
            logger: None,
            cert_paths: CertPaths::from_environment(),
            extra_roots: Vec::new(),
            ledger: variable("MMX_LEDGER").map(|set| absolute(&set.value)),
        }
    }

    /// The error without the key and the values of headers, which may stand in the place of another setting.
    pub fn redacted(&self, mut error: Error) -> Error {
        let key = self.api_key.as_ref().map_or("", |key| key.value.0.as_str());
        Secrets::new(key, &self.headers).redact(&mut error);
        error
    }

    pub fn set_api_key(&mut self, api_key: &str) -> Result<(), Error> {
        let key = Key(Zeroizing::new(api_key.to_owned()));
        check_key(&key).map_err(|why| Error::invalid_argument("config_set_api_key", "api_key", why))?;
        self.api_key = Some(Setting { value: key, variable: None });
        Ok(())
    }

    /// Reads it, and takes the place of a key that was set.
    pub fn set_api_key_file(&mut self, path: &str) -> Result<(), Error> {
        let path = absolute(path);
        api_key::read("config_set_api_key_file", "path", &path)?;
        self.api_key = None;
        self.api_key_file = Some(Setting { value: path, variable: None });
        Ok(())
    }

    /// An empty path: none, whatever the environment says.
    pub fn set_ledger(&mut self, path: &str) {
        self.ledger = Some(path).filter(|path| !path.is_empty()).map(absolute);
    }

    /// The messages never show a value, nor what may be one in the wrong place.
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        const CALL: &str = "config_add_header";
        let why = "is not the name of a header, such as X-Team";
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::invalid_argument(CALL, "name", why))?;
        if is_reserved(name.as_str()) {
            let why = format!("{name} is not for a caller to set: the library or the connection decides on it");
            return Err(Error::invalid_argument(CALL, "name", why));
        }
        let is_printable = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if value.is_empty() || value.trim() != value || !is_printable {
            let why = "must be printable ASCII, not empty and without spaces around it";
            return Err(Error::invalid_argument(CALL, "value", why));
        }
        let mut value =
            HeaderValue::from_str(value).map_err(|_| Error::invalid_argument(CALL, "value", "is invalid"))?;
        value.set_sensitive(true);
        self.headers.push((name, value));
        Ok(())
    }

    pub fn set_base_url(&mut self, base_url: &str) -> Result<(), Error> {
        check_base_url(base_url).map_err(|why| Error::invalid_argument("config_set_base_url", "base_url", why))?;
        self.base_url = Setting { value: base_url.to_owned(), variable: None };
        Ok(())
    }

    pub fn set_ca_file(&mut self, path: &str) -> Result<(), Error> {
        const CALL: &str = "config_set_ca_file";
        let pem = fs::read(path).map_err(|error| {
            Error::new(Status::File, CALL, format!("{path} can't be read: {}", plain(&error))).caused_by(&error)
        })?;
        let why = |why| Error::invalid_argument(CALL, "pem_path", format!("is not a PEM file of certificates: {why}"));
        self.extra_roots = read_pem(&pem).map_err(why)?;
        Ok(())
    }

    /// `None` and an empty one: what the environment said.
    pub fn set_proxy(&mut self, url_or_none: Option<&str>) -> Result<(), Error> {
        let setting = ProxySetting::parse(url_or_none);
        self.proxy = setting.map_err(|why| Error::invalid_argument("config_set_proxy", "url_or_none", why))?;
        Ok(())
    }

    /// An empty one leaves our own alone.
    pub fn set_user_agent(&mut self, user_agent: &str) -> Result<(), Error> {
        if !user_agent.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            let why = "must be printable ASCII, for it becomes a header";
            return Err(Error::invalid_argument("config_set_user_agent", "user_agent", why));
        }
        self.user_agent = Some(user_agent.trim().to_owned()).filter(|agent| !agent.is_empty());
        Ok(())
    }

    pub fn set_timeout_ms(&mut self, timeout_ms: i64) -> Result<(), Error> {
        self.timeout = time_limit("config_set_timeout_ms", "timeout_ms", timeout_ms)?;
        Ok(())
    }

    pub fn set_connect_timeout_ms(&mut self, timeout_ms: i64) -> Result<(), Error> {
        let limit = time_limit("config_set_connect_timeout_ms", "timeout_ms", timeout_ms)?;
        self.connect_timeout = limit.or(Some(DEFAULT_CONNECT_TIMEOUT));
        Ok(())
    }

    pub fn set_idle_timeout_ms(&mut self, timeout_ms: i64) -> Result<(), Error> {
        let limit = time_limit("config_set_idle_timeout_ms", "timeout_ms", timeout_ms)?;
        self.idle_timeout = limit.or(Some(DEFAULT_IDLE_TIMEOUT));
        Ok(())
    }

    pub fn set_requests_per_minute(&mut self, requests: i32) -> Result<(), Error> {
        const CALL: &str = "config_set_requests_per_minute";
        let why = || format!("must be 1 or more, or 0 for the default, which is no limit, not {requests}");
        let requests = u32::try_from(requests).map_err(|_| Error::invalid_argument(CALL, "requests", why()))?;
        self.requests_per_minute = Some(requests).filter(|&requests| requests > 0);
        Ok(())
    }

    pub fn set_max_attempts(&mut self, max_attempts: i32) -> Result<(), Error> {
        self.max_attempts =
            attempts("config_set_max_attempts", "max_attempts", max_attempts)?.unwrap_or(DEFAULT_MAX_ATTEMPTS);
        Ok(())
    }
}

/// A later change of the working directory makes no other file of it.
fn absolute(path: &str) -> PathBuf {
    path::absolute(path).unwrap_or_else(|_| path.into())
}

/// Headers that the library sets, that frame the message, or that belong to one connection. In lower case.
fn is_reserved(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "accept",
        "accept-encoding",
        "authorization",
        "cache-control",
        "connection",
        "expect",
        "host",
        "keep-alive",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    ];
    NAMES.contains(&name) || ["content-", "if-", "proxy-"].iter().any(|prefix| name.starts_with(prefix))
}

/// A time in milliseconds as the C interface has it: 0 for the default, -1 for no limit.
pub fn time_limit(call: &'static str, name: &'static str, timeout_ms: i64) -> Result<TimeLimit, Error> {
    match timeout_ms {
        0 => Ok(TimeLimit::Default),
        -1 => Ok(TimeLimit::None),
        1.. => Ok(TimeLimit::After(Duration::from_millis(timeout_ms.unsigned_abs()))),
        _ => Err(Error::invalid_argument(
            call,
            name,
            format!("must be 1 or more milliseconds, 0 for the default or -1 for no limit, not {timeout_ms}"),
        )),
    }
}

/// `None` for 0, what is configured.
pub fn attempts(call: &'static str, name: &'static str, max_attempts: i32) -> Result<Option<u32>, Error> {
    let why = || format!("must be 1 or more, or 0 for the default, not {max_attempts}");
    let max_attempts = u32::try_from(max_attempts).map_err(|_| Error::invalid_argument(call, name, why()))?;
    Ok(Some(max_attempts).filter(|&attempts| attempts > 0))
}

/// The messages never show the URL: it may hold a password.
pub fn check_base_url(base_url: &str) -> Result<Url, String> {
    if base_url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("holds a space or a control character".into());
    }
    let url = Url::parse(base_url).map_err(|error| format!("is not a URL such as {DEFAULT_BASE_URL}: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(format!("must begin with https:// and name a host, as {DEFAULT_BASE_URL} does"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or a password; the API key is a setting of its own".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not hold a query or a fragment".into());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        for good in
            ["https://api.minimaxi.com", "https://api.minimax.io/", "http://127.0.0.1:80/t/a", "HTTPS://[::1]:1"]
        {
            assert!(check_base_url(good).is_ok(), "{good}");
        }
        let bad = [
            ("", "is not a URL"),
            ("api.minimaxi.com", "is not a URL"),
            ("ftp://api.minimaxi.com", "must begin with https://"),
            ("file:///etc", "must begin with https://"),
            ("https://", "is not a URL"),
            ("https://user@api.minimaxi.com", "user name or a password"),
            ("https://:secret@api.minimaxi.com", "user name or a password"),
            ("https://api.minimaxi.com?a=b", "query or a fragment"),
            ("https://api.minimaxi.com/#a", "query or a fragment"),
            ("https://api.minimaxi.com/\n", "control character"),
            (" https://api.minimaxi.com", "space"),
            ("https://a b", "space"),
            ("https://h:99999", "is not a URL"),
        ];
        for (url, why) in bad {
            let said = check_base_url(url).expect_err(url);
            assert!(said.contains(why) && !said.contains("secret"), "{url}: {said}");
        }
    }

    #[test]
    fn times_and_counts() {
        assert_eq!(time_limit("c", "t", 0).unwrap(), TimeLimit::Default);
        assert_eq!(time_limit("c", "t", -1).unwrap(), TimeLimit::None);
        assert_eq!(time_limit("c", "t", 5).unwrap(), TimeLimit::After(Duration::from_millis(5)));
        assert!(time_limit("c", "t", i64::MAX).is_ok());
        for bad in [-2, i64::MIN] {
            assert_eq!(time_limit("c", "t", bad).unwrap_err().parameter, Some("t"));
        }
        assert_eq!(attempts("c", "n", 0).unwrap(), None);
        assert_eq!(attempts("c", "n", 7).unwrap(), Some(7));
        for bad in [-1, i32::MIN] {
            assert_eq!(attempts("c", "n", bad).unwrap_err().parameter, Some("n"));
        }
    }

    #[test]
    fn a_key_or_a_password_is_in_no_debug_print() {
        let mut config = Config::from_environment();
        config.set_api_key("sk-api-secret").unwrap();
        config.set_proxy(Some("http://ann:secret@127.0.0.1:1")).unwrap();
        assert!(!format!("{config:?}").contains("secret"));
    }
}
