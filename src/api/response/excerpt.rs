//! Quotes of texts that others wrote: short, on one line, without the key and without what signs a link.

use crate::error::one_line;
use crate::transport::client::Client;

const LONGEST: usize = 200;
/// So much of a page is looked at for what it says.
const BEGINNING: usize = 64 * 1024;

/// A text from outside as a message quotes it.
pub fn clean(client: &Client, text: &str) -> String {
    one_line(&shortened(&without_queries(&without_key(client, text))))
}

/// The same of text that goes out in full.
pub fn without_key(client: &Client, text: &str) -> String {
    client.secrets().take_out(text).into_owned()
}

/// An HTML page or an XML document in words, with its beginning; `None` for any other body.
pub fn page(client: &Client, body: &[u8]) -> Option<String> {
    let text = text(body)?;
    // A page that was cut may end within a character.
    let text = String::from_utf8_lossy(&text[..text.len().min(BEGINNING)]);
    let quoted = clean(client, text.trim());
    if !is_xml(&text) {
        return Some(format!("an HTML page, as a gateway or a proxy sends it, \"{quoted}\""));
    }
    // A store's words beside its code may hold a signature.
    let between =
        |from: &str, to: &str| text.split_once(from)?.1.split_once(to).map(|(code, _)| code.trim().to_owned());
    let code = between("<Code>", "</Code>").filter(|code| !code.is_empty());
    Some(code.map_or_else(
        || format!("an XML document, \"{quoted}\""),
        |code| format!("an XML document that says \"{}\"", clean(client, &code)),
    ))
}

/// A body in an encoding that nobody asked for is read by nobody.
pub fn encoded(client: &Client, encoding: &str) -> String {
    format!("the answer is encoded as \"{}\", though only identity was asked for", clean(client, encoding))
}

/// The advice on a page that refuses a request: it knows nothing of keys and regions.
pub fn of_a_gateway(client: &Client, http_status: u16) -> Option<String> {
    let gateway = format!("a proxy or gateway at {}", client.host());
    match http_status {
        400 | 401 | 403 => Some(format!("{gateway} refused the request; check the base URL and the proxy's settings")),
        413 => Some(format!("the request is too large for {gateway}")),
        _ => None,
    }
}

/// Whether a body is markup, as gateways and stores send it in place of a response.
pub fn is_page(body: &[u8]) -> bool {
    text(body).is_some()
}

fn text(body: &[u8]) -> Option<&[u8]> {
    let body = without_bom(body).trim_ascii_start();
    body.starts_with(b"<").then_some(body)
}

fn is_xml(text: &str) -> bool {
    let text = text.trim_start().to_ascii_lowercase();
    (text.starts_with("<?xml") && !text.contains("<html")) || text.starts_with("<error>")
}

/// A body without the byte-order mark that some servers put in front of it.
pub fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Quotes of each URL only the part before its query: a signed link gives its holder the file.
fn without_queries(text: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`');
    let mut quoted = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_end).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        match secret_from(word) {
            Some(from) => {
                quoted.push_str(&word[..from]);
                quoted.push('…');
                // An escape of JSON belongs to the text around the URL.
                quoted.push_str(if word.ends_with('\\') { "\\" } else { "" });
            }
            None => quoted.push_str(word),
        }
        let next = after.chars().next().map_or(0, char::len_utf8);
        quoted.push_str(&after[..next]);
        rest = &after[next..];
    }
    quoted
}

/// Where in a word the query of a URL begins, or else a parameter that signs one.
fn secret_from(word: &str) -> Option<usize> {
    // As it stands, and as JSON, HTML and other URLs write it.
    const QUESTION: [&str; 6] = ["?", "\\u003f", "&#63;", "&#x3f;", "%3f", "%253f"];
    const EQUALS: [&str; 6] = ["=", "\\u003d", "&#61;", "&#x3d;", "%3d", "%253d"];
    const SIGNS: [&str; 4] = ["signature", "security-token", "credential", "accesskeyid"];
    let lower = word.to_ascii_lowercase();
    let has_value = |text: &str| EQUALS.iter().any(|sign| text.contains(sign));
    let first = QUESTION.iter().filter_map(|mark| lower.find(mark).map(|at| at + mark.len())).min();
    if let Some(from) = first
        && from < word.len()
        && (has_value(&lower[from..]) || lower[..from].contains("://") || lower[..from].contains(":\\/\\/"))
    {
        return Some(from);
    }
    let sign = SIGNS.iter().filter_map(|sign| lower.find(sign)).min()?;
    has_value(&lower[sign..]).then_some(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_query_of_a_url_is_quoted() {
        for (text, quoted) in [
            ("see https://a.example/f?Signature=S&b=c, or not", "see https://a.example/f?… or not"),
            ("{\"u\":\"https:\\/\\/a.example\\/f?sig\"}", "{\"u\":\"https:\\/\\/a.example\\/f?…\"}"),
            ("{\\\"u\\\":\\\"https://a/f?b=S\\\"}", "{\\\"u\\\":\\\"https://a/f?…\\\"}"),
            ("<a href='/f?Expires=1&amp;Signature=S'>", "<a href='/f?…'>"),
            ("https://a/f\\u003fSignature\\u003dS", "https://a/f\\u003f…"),
            ("to=https%3A%2F%2Fa%2Ff%3FSignature%3DS", "to=https%3A%2F%2Fa%2Ff%3F…"),
            ("GET\n/f&X-Amz-Signature=S", "GET\n/f&X-Amz-…"),
            ("why? https://a/b is what=you asked?", "why? https://a/b is what=you asked?"),
        ] {
            assert_eq!(without_queries(text), quoted);
        }
    }
}
