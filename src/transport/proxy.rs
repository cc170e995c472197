//! Which proxy a request goes through, if any.

use super::log::{Level, Log};
use super::no_proxy::NoProxy;
use super::setting::{Key, Setting, is_loopback};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use std::sync::Arc;
use std::{env, fmt};
use url::Url;
use zeroize::Zeroizing;

/// Where a proxy is set that no variable of the environment names.
const SETTER: &str = "mmx_config_set_proxy()";

/// A proxy. Its password is wiped when dropped, and in no message or debug print.
#[derive(Clone, PartialEq)]
pub struct Proxy {
    /// As URLs have it: an IPv6 address in brackets.
    pub host: String,
    pub port: u16,
    /// For messages: `host:port`.
    pub address: String,
    /// The value of Proxy-Authorization, if its URL has a user name or a password.
    pub credentials: Option<HeaderValue>,
    pub is_https: bool,
    is_loopback: bool,
    /// Where it was set, for messages.
    pub set_by: &'static str,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({} of {})", self.address, self.set_by)
    }
}

impl Proxy {
    /// Without a scheme it is http://. The reasons of a refusal never show the value.
    pub fn parse(text: &str, variable: Option<&'static str>) -> Result<Proxy, String> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("holds a space or a control character".into());
        }
        let with_scheme = Zeroizing::new(if text.contains("://") { text.to_owned() } else { format!("http://{text}") });
        let url = Url::parse(&with_scheme).map_err(|error| {
            format!("is not a URL such as http://host:port ({error}); what a password holds of @ : / ? # is written as %40 …")
        })?;
        if url.scheme().starts_with("socks") {
            return Err("is a SOCKS proxy, which can't be used: name an HTTP proxy, as http://host:port".into());
        }
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("must begin with http:// or https:// and name a host, as http://host:port does".into());
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err("must not hold a path, a query or a fragment, only http://user:password@host:port".into());
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or_default();
        Ok(Proxy {
            address: format!("{host}:{port}"),
            host,
            port,
            credentials: basic(url.username(), url.password()),
            is_https: url.scheme() == "https",
            is_loopback: is_loopback(&url),
            set_by: variable.unwrap_or(SETTER),
        })
    }

    pub fn is_set_by_call(&self) -> bool {
        self.set_by == SETTER
    }

    /// Whether traffic to it stays on this machine.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

/// Basic authentication (RFC 7617), marked sensitive and wiped when the last request that carries it is gone.
fn basic(username: &str, password: Option<&str>) -> Option<HeaderValue> {
    if username.is_empty() && password.is_none() {
        return None;
    }
    let mut plain = Zeroizing::new(percent_decode_str(username).collect::<Vec<u8>>());
    plain.push(b':');
    plain.extend(percent_decode_str(password.unwrap_or_default()));
    let text = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(&*plain)).into_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).expect("base64 fits a header");
    value.set_sensitive(true);
    Some(value)
}

/// Proxy variables of the environment when the configuration was made. Checked when a client is.
#[derive(Clone, Debug, Default)]
pub struct ProxyEnv {
    https: Option<Setting<Key>>,
    http: Option<Setting<Key>>,
    except: String,
}

impl ProxyEnv {
    /// Lower case counts before upper case, as with curl and Python.
    pub fn read() -> ProxyEnv {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = env::var_os(name).filter(|value| !value.is_empty())?;
                let value = Key(Zeroizing::new(value.to_string_lossy().into_owned()));
                Some(Setting { value, variable: Some(name) })
            })
        };
        // A web server that runs this by CGI puts a header of whoever asks into HTTP_PROXY.
        let is_cgi = env::var_os("REQUEST_METHOD").is_some();
        let http = if is_cgi { &["http_proxy"][..] } else { &["http_proxy", "HTTP_PROXY"] };
        let all = || first(&["all_proxy", "ALL_PROXY"]);
        let except = first(&["no_proxy", "NO_PROXY"]);
        ProxyEnv {
            https: first(&["https_proxy", "HTTPS_PROXY"]).or_else(all),
            http: first(http).or_else(all),
            except: except.map_or_else(String::new, |set| set.value.0.to_string()),
        }
    }
}

/// The proxy setting of a configuration.
#[derive(Clone, Debug, Default)]
pub enum ProxySetting {
    #[default]
    ProxyEnv,
    Never,
    Always(Proxy),
}

impl ProxySetting {
    pub fn parse(text: Option<&str>) -> Result<ProxySetting, String> {
        match text {
            None | Some("") => Ok(ProxySetting::ProxyEnv),
            Some("none") => Ok(ProxySetting::Never),
            Some(url) => Proxy::parse(url, None).map(ProxySetting::Always),
        }
    }

    /// The proxies of a client whose API is at `base_url`.
    pub fn proxies(&self, environment: &ProxyEnv, base_url: &Url) -> Result<Proxies, String> {
        let proxy = |setting: &Option<Setting<Key>>| {
            let parse = |set: &Setting<Key>| {
                let named = |why| format!("{why} (from {})", set.variable.unwrap_or_default());
                Proxy::parse(&set.value.0, set.variable).map(Arc::new).map_err(named)
            };
            setting.as_ref().map(parse).transpose()
        };
        Ok(match self {
            ProxySetting::Never => Proxies::default(),
            ProxySetting::Always(proxy) => {
                let proxy = Some(Arc::new(proxy.clone()));
                Proxies { https: proxy.clone(), http: proxy, ..Proxies::default() }
            }
            // Nothing leads from an API at https:// to http:// elsewhere.
            ProxySetting::ProxyEnv => Proxies {
                https: proxy(&environment.https)?,
                http: if base_url.scheme() == "http" { proxy(&environment.http)? } else { None },
                except: NoProxy::parse(&environment.except),
                spares_loopback: true,
            },
        })
    }
}

/// The proxies of a client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proxies {
    https: Option<Arc<Proxy>>,
    http: Option<Arc<Proxy>>,
    except: NoProxy,
    spares_loopback: bool,
}

impl Proxies {
    pub fn is_empty(&self) -> bool {
        self.https.is_none() && self.http.is_none()
    }

    /// Logs the entries of NO_PROXY that can't be read: their hosts are reached through the proxy.
    pub fn log_unreadable_exceptions(&self, log: &Log) {
        for entry in self.except.unreadable().iter().filter(|_| !self.is_empty()) {
            // Its password, if it has one, stays out of the log.
            let entry: String = if entry.contains('@') { "…".into() } else { entry.chars().take(200).collect() };
            log.event(Level::Warn, "no_proxy_unreadable", || [("entry", entry.into())]);
        }
    }

    /// The one that leads to a target.
    pub fn of(&self, target: &Url) -> Option<&Arc<Proxy>> {
        let proxy = if target.scheme() == "https" { &self.https } else { &self.http };
        let proxy = proxy.as_ref()?;
        let is_spared = self.spares_loopback && is_loopback(target);
        (!is_spared && !self.except.matches(target)).then_some(proxy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn set(value: &str, variable: &'static str) -> Option<Setting<Key>> {
        Some(Setting { value: Key(Zeroizing::new(value.into())), variable: Some(variable) })
    }

    #[test]
    fn a_proxy_is_a_url_or_a_host_and_a_port() {
        let good = [
            ("http://10.0.0.1:3128", "10.0.0.1:3128", false),
            ("http://proxy.example", "proxy.example:80", false),
            ("https://proxy.example/", "proxy.example:443", false),
            ("proxy.example:3128", "proxy.example:3128", false),
            ("user:secret@proxy.example:3128", "proxy.example:3128", true),
            ("http://user@proxy.example:3128", "proxy.example:3128", true),
            ("http://us%40er:s%2Fecret@[::1]:3128", "[::1]:3128", true),
            ("http://user:s@|^`{}\"secret@h:1", "h:1", true),
        ];
        for (text, address, has_credentials) in good {
            let proxy = Proxy::parse(text, None).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!((proxy.address.as_str(), proxy.credentials.is_some()), (address, has_credentials), "{text}");
            assert!(!format!("{proxy:?}").contains("secret"), "{proxy:?}");
        }
        let bad = [
            ("http://", "is not a URL"),
            ("http://user:se/cret@host:1", "is not a URL"),
            ("http://host:99999", "is not a URL"),
            ("://", "is not a URL"),
            ("socks5h://secret@host:1", "is a SOCKS proxy"),
            ("ftp://host", "must begin with http:// or https://"),
            ("file:///secret", "must begin with http:// or https://"),
            ("http://host:1/secret", "must not hold a path"),
            ("http://host:1?secret", "must not hold a path"),
            ("http://host :1", "space"),
            ("http://host\n", "control character"),
        ];
        for (text, why) in bad {
            let said = Proxy::parse(text, None).expect_err(text);
            assert!(said.contains(why) && !said.contains("secret") && !said.contains("cret"), "{text}: {said}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_encoded_as_basic() {
        let value =
            |text| Proxy::parse(text, None).unwrap().credentials.map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(value("http://h:1"), None);
        assert_eq!(value("http://ann:p%40ss@h:1").as_deref(), Some("Basic YW5uOnBAc3M="));
        assert_eq!(value("http://ann@h:1").as_deref(), Some("Basic YW5uOg=="));
    }

    #[test]
    fn the_environments_spare_this_machine_and_one_that_is_set_does_not() {
        let environment = ProxyEnv {
            https: set("https-proxy:1", "HTTPS_PROXY"),
            http: set("http-proxy:1", "HTTP_PROXY"),
            except: "b.example".into(),
        };
        let address = |proxies: &Proxies, target: &str| proxies.of(&url(target)).map(|proxy| proxy.address.clone());
        let of_environment = ProxySetting::default().proxies(&environment, &url("http://a.example")).unwrap();
        assert_eq!(address(&of_environment, "https://a.example").as_deref(), Some("https-proxy:1"));
        assert_eq!(address(&of_environment, "http://a.example").as_deref(), Some("http-proxy:1"));
        assert_eq!(address(&of_environment, "https://b.example"), None);
        for here in ["http://localhost:1", "https://127.9.9.9", "http://[::1]"] {
            assert_eq!(address(&of_environment, here), None, "{here}");
        }
        let always =
            ProxySetting::parse(Some("set:1")).unwrap().proxies(&environment, &url("http://a.example")).unwrap();
        for target in ["https://a.example", "http://b.example", "http://localhost:1", "http://[::1]"] {
            assert_eq!(address(&always, target).as_deref(), Some("set:1"), "{target}");
        }
        let never = ProxySetting::parse(Some("none")).unwrap().proxies(&environment, &url("http://a.example")).unwrap();
        assert!(never.is_empty() && address(&never, "https://a.example").is_none());
    }

    #[test]
    fn only_what_could_be_used_is_found_fault_with() {
        let bad = ProxyEnv {
            https: set("socks5://secret@a", "ALL_PROXY"),
            http: set("socks5://a", "ALL_PROXY"),
            except: String::new(),
        };
        let said = ProxySetting::default().proxies(&bad, &url("https://a.example")).unwrap_err();
        assert!(said.ends_with("(from ALL_PROXY)") && !said.contains("secret"), "{said}");
        let only_http = ProxyEnv { https: None, ..bad };
        assert!(ProxySetting::default().proxies(&only_http, &url("https://a.example")).unwrap().is_empty());
        assert!(ProxySetting::default().proxies(&only_http, &url("http://a.example")).is_err());
    }

    #[test]
    fn credentials_tell_two_proxies_apart() {
        let proxy = |text| Proxy::parse(text, None).unwrap();
        assert!(proxy("http://a:b@h:1") == proxy("http://a:b@h:1/"));
        assert!(proxy("http://a:b@h:1") != proxy("http://a:c@h:1"));
    }
}
