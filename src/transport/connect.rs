//! The way to a server, and why no connection came of it: nothing has reached the service then.

use super::attempt::{Failure, causes, root_cause};
use super::body::Reach;
use super::engine::Network;
use super::proxy::Proxy;
use super::resolve::NoAddress;
use crate::error::Status;
use reqwest::Url;
use rustls::{AlertDescription, CertificateError as Bad, InvalidMessage};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

/// What hyper-util's errors of a tunnel begin with; their type has no name outside it.
const TUNNEL: &str = "tunnel error: ";

pub struct Route {
    url: Url,
    proxy: Option<Arc<Proxy>>,
    connect_timeout: Option<Duration>,
}

/// For messages.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.proxy {
            Some(proxy) => write!(f, "{} (through the proxy {})", self.target(), proxy.address),
            None => f.write_str(&self.target()),
        }
    }
}

impl Route {
    pub fn new(url: &Url, network: &Network) -> Route {
        let proxy = network.proxies.of(url).cloned();
        Route { url: url.clone(), proxy, connect_timeout: network.connect_timeout }
    }

    /// `host:port`.
    fn target(&self) -> String {
        let host = self.url.host_str().unwrap_or("");
        self.url.port_or_known_default().map_or(host.to_owned(), |port| format!("{host}:{port}"))
    }

    fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// An answer that is the proxy's own, and no way to the server. In a tunnel it is an error of the connect.
    pub fn refused_by_proxy(&self, http_status: u16) -> Option<Failure> {
        let proxy = self.proxy.as_ref().filter(|_| !self.is_https() && http_status == 407)?;
        Some(no_connection(wants_credentials(proxy)).permanent())
    }

    /// A failed connect in words.
    pub fn failure(&self, error: &reqwest::Error) -> Failure {
        // What the operating system gave up is no limit of ours.
        let mut io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
        let is_ours = error.is_timeout() && io.all(|io| io.raw_os_error().is_none());
        match (&self.proxy, self.connect_timeout) {
            (_, Some(limit)) if is_ours => {
                let limit = limit.as_millis();
                let text = format!("connecting to {self} took longer than {limit} ms (the connect limit)");
                Failure::new(Status::Timeout, Reach::Nothing, text)
            }
            (Some(proxy), _) => self.failure_with_proxy(error, proxy),
            (None, _) => failure_with(error, &self.target(), "the base URL"),
        }
    }

    fn failure_with_proxy(&self, error: &reqwest::Error, proxy: &Proxy) -> Failure {
        let (target, address) = (self.target(), &proxy.address);
        let told = causes(error).map(ToString::to_string).find_map(|text| Some(text.strip_prefix(TUNNEL)?.to_owned()));
        match told.as_deref() {
            Some("proxy authorization required") => no_connection(wants_credentials(proxy)).permanent(),
            Some("unsuccessful") => no_connection(format!(
                "the proxy {address} made no connection to {target}: it may not be allowed to, or can't; ask whoever runs \
                 it, or reach {target} without it ({})",
                if proxy.is_set_by_call() { "mmx_config_set_proxy()" } else { "NO_PROXY or mmx_config_set_proxy()" }
            )),
            Some("unexpected end of file" | "proxy response headers too long") => no_connection(format!(
                "the proxy {address} gave no valid answer when asked to connect to {target}: is it an HTTP proxy? check {}",
                proxy.set_by
            )),
            // In a tunnel that stands, TLS is spoken with the server.
            None if self.is_https() => failure_with(error, &self.to_string(), "the base URL"),
            _ => failure_with(error, &format!("the proxy {address}"), proxy.set_by),
        }
    }
}

fn no_connection(text: String) -> Failure {
    Failure::new(Status::Connect, Reach::Nothing, text)
}

fn wants_credentials(proxy: &Proxy) -> String {
    let Proxy { address, set_by, .. } = proxy;
    match proxy.has_credentials {
        true => format!("the proxy {address} does not accept the user name and password in its URL: check {set_by}"),
        false => format!(
            "the proxy {address} wants a user name and a password: put them into its URL, as \
             http://user:password@{address}, in {set_by}"
        ),
    }
}

/// No connection to `server`, whose address is `named` somewhere.
fn failure_with(error: &reqwest::Error, server: &str, named: &str) -> Failure {
    if let Some(no_address) = causes(error).find_map(|cause| cause.downcast_ref::<NoAddress>()) {
        return no_connection(format!("{no_address}; check {named} and the network"));
    }
    if let Some(tls) = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        let (text, is_permanent) = tls_text(tls, named);
        let failure = no_connection(format!("no secure connection to {server}: {text}"));
        return if is_permanent { failure.permanent() } else { failure };
    }
    no_connection(format!("could not connect to {server}: {}", root_cause(error)))
}

/// What a handshake failed by, and whether the next one would fail likewise.
fn tls_text(error: &rustls::Error, named: &str) -> (String, bool) {
    let text = match error {
        rustls::Error::InvalidCertificate(bad) => return (certificate_text(bad, named), true),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not speak TLS at this port; is it http://?"
        }
        rustls::Error::PeerIncompatible(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13)
        | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "the server speaks neither TLS 1.2 nor 1.3, and nothing older is spoken here"
        }
        rustls::Error::PeerIncompatible(_) | rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            return (format!("the server has no way of encryption in common with this library ({error})"), true);
        }
        other => return (other.to_string(), false),
    };
    (text.into(), true)
}

fn certificate_text(bad: &Bad, named: &str) -> String {
    let text = match bad {
        Bad::Expired | Bad::ExpiredContext { .. } => {
            "its certificate has expired; check this machine's clock, then tell whoever runs the server"
        }
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "its certificate is not valid yet; check this machine's clock"
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            return format!("its certificate is for another host; check {named}");
        }
        Bad::UnknownIssuer => {
            "its certificate is of an unknown CA; a private CA is made known with mmx_config_set_ca_file()"
        }
        other => return format!("its certificate is not accepted: {other}"),
    };
    text.into()
}
