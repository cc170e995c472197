//! Connect errors and their messages: nothing has reached the service.

use super::body::BodySent;
use super::error::{TransportError, plain};
use super::proxy::Proxy;
use crate::error::Status;
use rustls::{AlertDescription, CertificateError as Bad, InvalidMessage};
use std::io::{self, ErrorKind};

pub(super) fn no_connection(text: String) -> TransportError {
    TransportError::new(Status::Connect, BodySent::None, text)
}

pub(super) fn wants_credentials(proxy: &Proxy) -> String {
    let Proxy { address, set_by, .. } = proxy;
    match proxy.credentials.is_some() {
        true => format!("the proxy {address} does not accept the user name and password in its URL: check {set_by}"),
        false => format!(
            "the proxy {address} wants a user name and a password: put them into its URL, as \
             http://user:password@{address}, in {set_by}"
        ),
    }
}

/// A connection to `server`, whose address is `named` somewhere, failed on the way.
pub(super) fn failed(error: &io::Error, server: &str, named: &str) -> TransportError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(tls) = inner {
        let (text, is_permanent) = tls_text(tls, named);
        let failure = no_connection(format!("no secure connection to {server}: {text}"));
        return if is_permanent { failure.permanent() } else { failure };
    }
    if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) {
        let text =
            format!("could not connect to {server}: {}; is the limit of open files (ulimit -n) reached?", plain(error));
        return no_connection(text);
    }
    no_connection(format!("could not connect to {server}: {}", plain(error)))
}

/// The same once TLS had begun.
pub(super) fn handshake_failed(error: &io::Error, server: &str, named: &str) -> TransportError {
    match error.kind() {
        ErrorKind::UnexpectedEof => {
            no_connection(format!("no secure connection to {server}: it was closed during the TLS handshake"))
        }
        _ => failed(error, server, named),
    }
}

/// The error of a handshake in words, and whether the next one would fail likewise.
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
