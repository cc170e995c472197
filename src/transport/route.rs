//! Where a request goes, and by which way.

use super::proxy::{Proxies, Proxy};
use super::proxy_page;
use http::{HeaderMap, HeaderValue};
use std::fmt;
use std::sync::Arc;
use url::Url;

/// An origin and the proxy that leads there, if one does.
#[derive(Debug)]
pub struct Route {
    pub is_https: bool,
    /// As URLs have it: an IPv6 address in brackets.
    pub host: String,
    pub port: u16,
    pub host_header: HeaderValue,
    pub proxy: Option<Arc<Proxy>>,
}

/// For messages.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)?;
        match &self.proxy {
            Some(proxy) => write!(f, " (through the proxy {})", proxy.address),
            None => Ok(()),
        }
    }
}

impl Route {
    pub fn new(url: &Url, proxies: &Proxies) -> Route {
        let host = url.host_str().unwrap_or_default().to_owned();
        let host_header = url.port().map_or(host.clone(), |port| format!("{host}:{port}"));
        Route {
            is_https: url.scheme() == "https",
            port: url.port_or_known_default().unwrap_or_default(),
            host_header: HeaderValue::from_str(&host_header).unwrap_or(HeaderValue::from_static("")),
            proxy: proxies.of(url).cloned(),
            host,
        }
    }

    /// A connection made for one serves the other.
    pub fn is_same(&self, other: &Route) -> bool {
        let is = |route: &Route| (route.is_https, route.port);
        is(self) == is(other) && self.host == other.host
    }

    /// `host:port`.
    pub fn target(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The proxy that gets requests to pass on, rather than a tunnel.
    pub fn forwarder(&self) -> Option<&Arc<Proxy>> {
        self.proxy.as_ref().filter(|_| !self.is_https)
    }

    /// Whether a response is the proxy's own refusal. In a tunnel that is an error of the connect.
    pub fn is_refused_by_proxy(&self, http_status: u16, headers: &HeaderMap) -> bool {
        self.forwarder().is_some() && (http_status == 407 || proxy_page::is_own(http_status, headers))
    }
}
