//! A proxy's own responses, instead of the server's: how to tell them, and their page in plain words.

use super::proxy::Proxy;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, PROXY_AUTHENTICATE, SERVER, VIA, WWW_AUTHENTICATE};
use std::time::Duration;
use zeroize::Zeroizing;

/// So much of a page is read, and so long is waited for it.
pub const LONGEST: usize = 16 << 10;
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Characters that are quoted.
const QUOTED: usize = 200;

/// Names of proxies in the header Server of their own pages.
const NAMES: [&str; 4] = ["squid", "tinyproxy", "privoxy", "ccproxy"];

/// A refusal of the proxy's own. JSON is the API's, whatever a proxy has added to its head.
pub fn is_own(http_status: u16, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    if http_status < 400 || text(CONTENT_TYPE).contains("json") {
        return false;
    }
    let server = text(SERVER);
    headers.contains_key("x-squid-error")
        || headers.contains_key("proxy-agent")
        || headers.contains_key(PROXY_AUTHENTICATE)
        || headers.get("proxy-status").is_some_and(|value| value.as_bytes().windows(6).any(|part| part == b"error="))
        || NAMES.iter().any(|name| server.starts_with(name))
        // The API asks for no password.
        || http_status == 401 && headers.contains_key(VIA) && text(WWW_AUTHENTICATE).starts_with("basic")
}

/// The beginning of a page as plain text for a message, or nothing. Whole words alone: half a key isn't known as one.
pub fn excerpt(page: &[u8], proxy: &Proxy) -> String {
    let text = without_secrets(plain_text(&String::from_utf8_lossy(page)), proxy);
    let mut quoted = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        // The signature of a link.
        let word = if word.contains("://") { word.split('?').next().unwrap_or_default() } else { word };
        if quoted.chars().count() + word.chars().count() >= QUOTED {
            quoted.push('…');
            break;
        }
        if !quoted.is_empty() {
            quoted.push(' ');
        }
        quoted.push_str(word);
    }
    if quoted.is_empty() { quoted } else { format!(": \"{quoted}\"") }
}

fn without_secrets(mut text: String, proxy: &Proxy) -> String {
    let encoded = proxy.credentials.as_ref().and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let Some(encoded) = encoded else { return text };
    let decoded = Zeroizing::new(BASE64_STANDARD.decode(encoded).unwrap_or_default());
    let pair = std::str::from_utf8(&decoded).unwrap_or_default();
    let password = pair.split_once(':').map_or("", |(_, password)| password);
    for secret in [encoded, pair, password] {
        if !secret.is_empty() && text.contains(secret) {
            text = text.replace(secret, "[the password]");
        }
    }
    text
}

/// Without tags, comments, scripts and styles.
fn plain_text(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        text.push(' ');
        rest = &rest[at..];
        let is = |name: &str| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        let end = if is("<!--") {
            "-->"
        } else if is("<script") {
            "</script>"
        } else if is("<style") {
            "</style>"
        } else {
            ">"
        };
        let end_at = rest.to_ascii_lowercase().find(end).map(|at| at + end.len());
        rest = end_at.map_or("", |at| &rest[at..]);
    }
    text.push_str(rest);
    let entities = [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(text, |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_quoted_as_text_without_secrets() {
        let proxy = Proxy::parse("http://ann:p%40ss@h:1", None).unwrap();
        let said = |page: &str| excerpt(page.as_bytes(), &proxy);
        assert_eq!(said("<style>a{}</style><H1>No</H1>\n<!-- > --><p>way &amp;\tout"), ": \"No way & out\"");
        assert_eq!(
            said("ann:p@ss http://a/b?Signature=x YW5uOnBAc3M="),
            ": \"[the password] http://a/b [the password]\""
        );
        assert_eq!(said(" <p> "), "");
        assert_eq!(said(&format!("a {}", "é".repeat(300))), ": \"a…\"");
        assert!(said(&"word ".repeat(200)).chars().count() < 210);
    }

    #[test]
    fn a_proxys_refusal_is_told_from_the_apis() {
        let own = |http_status, headers: &[(&'static str, &'static str)]| {
            let header = |(name, value): &(&'static str, &'static str)| (name.parse().unwrap(), value.parse().unwrap());
            is_own(http_status, &headers.iter().map(header).collect::<HeaderMap>())
        };
        assert!(own(403, &[("x-squid-error", "ERR_ACCESS_DENIED 0")]));
        assert!(own(502, &[("proxy-status", "gate; error=connection_refused")]));
        assert!(own(500, &[("server", "tinyproxy/1.11.1")]));
        assert!(own(401, &[("via", "1.1 gate"), ("www-authenticate", "Basic realm=x")]));
        assert!(!own(403, &[("via", "1.1 gate (squid/6.6)")]));
        assert!(!own(403, &[("x-squid-error", "x"), ("content-type", "application/json; charset=utf-8")]));
        assert!(!own(200, &[("server", "tinyproxy/1.11.1")]));
        assert!(!own(401, &[("www-authenticate", "Basic realm=x")]));
    }
}
