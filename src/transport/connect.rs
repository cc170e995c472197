//! Why no connection came to be: nothing was sent then.

use super::attempt::{Failure, causes, root_cause};
use super::body::Reach;
use super::resolve::NoAddress;
use crate::error::Status;
use rustls::{AlertDescription, CertificateError as Bad, InvalidMessage};
use std::io;
use std::time::Duration;

/// A failed connect to `server` in words; `limit` is the one that it had.
pub fn failure(error: &reqwest::Error, server: &str, limit: Option<Duration>) -> Failure {
    let failed = |text: String| Failure::new(Status::Connect, Reach::Nothing, text);
    // What the operating system gave up is no limit of ours.
    let is_ours =
        causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).all(|io| io.raw_os_error().is_none());
    if let (true, true, Some(limit)) = (error.is_timeout(), is_ours, limit) {
        let text = format!("connecting to {server} took longer than {} ms (the connect limit)", limit.as_millis());
        return Failure::new(Status::Timeout, Reach::Nothing, text);
    }
    if let Some(no_address) = causes(error).find_map(|cause| cause.downcast_ref::<NoAddress>()) {
        return failed(format!("{no_address}; check the base URL and the network"));
    }
    if let Some(tls) = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        let (text, is_permanent) = tls_text(tls);
        let failure = failed(format!("no secure connection to {server}: {text}"));
        return if is_permanent { failure.permanent() } else { failure };
    }
    failed(format!("could not connect to {server}: {}", root_cause(error)))
}

/// What a handshake failed by, and whether the next one would fail likewise.
fn tls_text(error: &rustls::Error) -> (String, bool) {
    let text = match error {
        rustls::Error::InvalidCertificate(bad) => return (certificate_text(bad), true),
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

fn certificate_text(bad: &Bad) -> String {
    let text = match bad {
        Bad::Expired | Bad::ExpiredContext { .. } => {
            "its certificate has expired; check this machine's clock, then tell whoever runs the server"
        }
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "its certificate is not valid yet; check this machine's clock"
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "its certificate is for another host; check the base URL"
        }
        Bad::UnknownIssuer => {
            "its certificate is of an unknown CA; a private CA is made known with mmx_config_set_ca_file()"
        }
        other => return format!("its certificate is not accepted: {other}"),
    };
    text.into()
}
