//! Connect errors and their messages: nothing has reached the service.

use super::body::BodySent;
use super::error::{TransportError, plain};
use super::proxy::Proxy;
use super::proxy_page::excerpt;
use super::route::Route;
use crate::error::Status;
use rustls::{AlertDescription, CertificateError as Bad, InvalidMessage};
use std::io::{self, ErrorKind};

/// The advice where this machine refuses a descriptor, a connection or memory; "" for other errors.
pub fn advice_for(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => "; is the limit of open files (ulimit -n) reached?",
        Some(libc::EPERM | libc::EACCES) => "; a sandbox or firewall of this machine forbids it",
        Some(libc::ENOMEM | libc::ENOBUFS) => "; this machine is out of memory",
        _ => "",
    }
}

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

/// A proxy that leads nowhere, with the beginning of its page.
pub(super) fn refused(http_status: u16, page: &[u8], route: &Route, proxy: &Proxy) -> TransportError {
    if matches!(http_status, 401 | 407) {
        return no_connection(wants_credentials(proxy)).permanent();
    }
    let target = route.target();
    no_connection(format!(
        "the proxy {} made no connection to {target} (HTTP {http_status}{}): it may not be allowed to, or can't; ask \
         whoever runs it, or reach {target} without it ({})",
        proxy.address,
        excerpt(page, proxy),
        if proxy.is_set_by_call() { "mmx_config_set_proxy()" } else { "NO_PROXY or mmx_config_set_proxy()" }
    ))
}

/// A connection to `server`, whose address is `named` somewhere, failed on the way.
pub(super) fn failed(error: &io::Error, server: &str, named: &str) -> TransportError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(tls) = inner {
        let (text, is_permanent) = tls_text(tls, named);
        let failure = no_connection(format!("no secure connection to {server}: {text}"));
        return if is_permanent { failure.permanent() } else { failure };
    }
    let advice = advice_for(error);
    let failure = no_connection(format!("could not connect to {server}: {}{advice}", plain(error)));
    if advice.is_empty() { failure } else { failure.caused_by(error) }
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
    let (text, is_permanent) = match error {
        rustls::Error::InvalidCertificate(bad) => return (certificate_text(bad, named), true),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            ("the server does not speak TLS at this port; is it http://?", true)
        }
        rustls::Error::InvalidMessage(_) => ("the server sent an invalid TLS message; does it speak TLS here?", false),
        rustls::Error::PeerIncompatible(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13)
        | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            ("the server speaks neither TLS 1.2 nor 1.3, and nothing older is spoken here", true)
        }
        rustls::Error::PeerIncompatible(_) | rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            ("the server has no way of encryption in common with this library", true)
        }
        rustls::Error::AlertReceived(alert) => {
            return (format!("the server refused the TLS handshake: {}", words(alert)), false);
        }
        rustls::Error::NoCertificatesPresented => ("the server sent no certificate", true),
        rustls::Error::PeerMisbehaved(_) => ("the server does not keep to the TLS protocol", false),
        rustls::Error::DecryptError => ("a TLS record could not be decrypted", false),
        _ => ("the TLS handshake failed", false),
    };
    (text.into(), is_permanent)
}

/// The name of an alert, such as `BadRecordMac`, in lower-case words.
fn words(alert: &AlertDescription) -> String {
    let name = format!("{alert:?}");
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
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
            "its certificate is of an unknown CA; a private CA is made known with mmx_config_set_ca_file(); a server of a \
             public CA may send an incomplete chain, without the intermediate certificate"
        }
        Bad::BadEncoding => "its certificate can't be read: it is not valid DER",
        Bad::Revoked => "its certificate has been revoked",
        Bad::UnhandledCriticalExtension => "its certificate has a critical extension that is not known here",
        Bad::BadSignature => "the signature of its certificate, or of a CA's in its chain, is wrong",
        Bad::UnsupportedSignatureAlgorithmContext { .. }
        | Bad::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate is signed by an algorithm that is not accepted any more, such as SHA-1"
        }
        Bad::InvalidPurpose | Bad::InvalidPurposeContext { .. } => {
            "its certificate may not be used for a server: its extended key usage lacks serverAuth"
        }
        Bad::UnknownRevocationStatus | Bad::ExpiredRevocationList | Bad::ExpiredRevocationListContext { .. } => {
            "it is not known whether its certificate was revoked"
        }
        Bad::Other(other) => match other.0.downcast_ref() {
            Some(webpki::Error::CaUsedAsEndEntity) => {
                "its certificate is a CA's (CA:TRUE), which is not accepted for a server: have the CA sign a certificate for \
                 the server, or make a self-signed one with CA:FALSE, and name the CA's or the self-signed one with \
                 mmx_config_set_ca_file()"
            }
            Some(webpki::Error::EndEntityUsedAsCa) => "a certificate in its chain is used as a CA's and is not one",
            Some(webpki::Error::UnsupportedCertVersion) => {
                "its certificate is of X.509 version 1 or 2, and only version 3 is accepted"
            }
            Some(webpki::Error::NameConstraintViolation | webpki::Error::PathLenConstraintViolated) => {
                "its certificate breaks a constraint of its CA"
            }
            Some(
                webpki::Error::MaximumPathBuildCallsExceeded
                | webpki::Error::MaximumPathDepthExceeded
                | webpki::Error::MaximumSignatureChecksExceeded
                | webpki::Error::MaximumNameConstraintComparisonsExceeded,
            ) => "its chain of certificates is too long",
            _ => "its certificate is malformed",
        },
        _ => "its certificate is not accepted",
    };
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::OtherError;
    use std::sync::Arc;

    #[test]
    fn errors_of_tls_are_in_plain_words() {
        let other = |error| Bad::Other(OtherError(Arc::new(error)));
        let certificates = [
            Bad::BadEncoding,
            Bad::Expired,
            Bad::NotValidYet,
            Bad::Revoked,
            Bad::UnhandledCriticalExtension,
            Bad::UnknownIssuer,
            Bad::UnknownRevocationStatus,
            Bad::ExpiredRevocationList,
            Bad::BadSignature,
            Bad::NotValidForName,
            Bad::InvalidPurpose,
            Bad::InvalidOcspResponse,
            Bad::ApplicationVerificationFailure,
            other(webpki::Error::CaUsedAsEndEntity),
            other(webpki::Error::UnsupportedCertVersion),
            other(webpki::Error::EndEntityUsedAsCa),
            other(webpki::Error::PathLenConstraintViolated),
            other(webpki::Error::MaximumPathDepthExceeded),
            other(webpki::Error::MalformedExtensions),
        ];
        let certificates = certificates.map(rustls::Error::InvalidCertificate);
        let others = [
            rustls::Error::AlertReceived(AlertDescription::BadRecordMac),
            rustls::Error::AlertReceived(AlertDescription::InternalError),
            rustls::Error::InvalidMessage(InvalidMessage::MissingData("x")),
            rustls::Error::PeerMisbehaved(rustls::PeerMisbehaved::IllegalMiddleboxChangeCipherSpec),
            rustls::Error::PeerIncompatible(rustls::PeerIncompatible::NoCipherSuitesInCommon),
            rustls::Error::NoCertificatesPresented,
            rustls::Error::DecryptError,
            rustls::Error::General("Some(Debug)".into()),
        ];
        for error in certificates.iter().chain(&others) {
            let (text, _) = tls_text(error, "the base URL");
            let is_code = |word: &str| {
                let is_mixed = word.chars().skip(1).any(char::is_uppercase) && word.chars().any(char::is_lowercase);
                let is_plain = word.contains('\'') || word.starts_with("mmx_");
                !is_plain && (is_mixed || word.contains(['{', '}', '_']))
            };
            let words = text.replace(['(', ')', ',', ';', ':'], " ").replace("serverAuth", "");
            assert!(!words.split_whitespace().any(is_code), "{error:?}: {text}");
        }
        assert!(tls_text(&others[0], "").0.ends_with(": bad record mac"));
        assert!(tls_text(&certificates[5], "").0.contains("incomplete chain"));
    }
}
