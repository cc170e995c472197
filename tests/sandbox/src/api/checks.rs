//! What the service checks of every request, and the words it refuses it with.

use axum::extract::Query;
use axum::http::{HeaderName, Method, Uri, header};
use serde_json::Value;

use super::Call;
use crate::account::API_KEY;
use crate::answer::{Answer, usual_message};
use crate::fault::Named;

/// The file and the purpose that a request names in its body or its query.
pub(super) fn named(body: &[u8], query: Option<&str>) -> Named {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
        let purpose = fields.get("purpose").and_then(Value::as_str).map(str::to_owned);
        return Named { file_id: fields.get("file_id").and_then(Value::as_i64), purpose };
    }
    let value = |name: &str| query?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    Named { file_id: value("file_id").and_then(|id| id.parse().ok()), purpose: value("purpose").map(str::to_owned) }
}

/// A refusal of what the request holds, saying what is off.
pub(super) fn malformed(what: impl std::fmt::Display) -> Answer {
    Answer::refusal(2013, &format!("invalid params, {what}"))
}

impl Call {
    pub(super) fn check_method(&self, wanted: Method) -> Result<(), Answer> {
        if self.method == wanted { Ok(()) } else { Err(malformed(format!("method {}: use {wanted}", self.method))) }
    }

    pub(super) fn check_key(&self) -> Result<(), Answer> {
        let refused = || Answer::refusal(1004, usual_message(1004));
        let value = self.one_header(&header::AUTHORIZATION).map_err(|_| refused())?;
        if value.strip_prefix("Bearer ") == Some(API_KEY) { Ok(()) } else { Err(refused()) }
    }

    pub(super) fn no_query(&self) -> Result<(), Answer> {
        if self.query.is_some() && self.rules.query {
            return Err(malformed("query: this call takes none"));
        }
        Ok(())
    }

    /// The body of a call that takes JSON: the headers must announce it.
    pub(super) fn json_body(&self) -> Result<&[u8], Answer> {
        self.no_query()?;
        let media_type = self.one_header(&header::CONTENT_TYPE)?.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(malformed(format!("Content-Type {media_type}: use application/json")));
        }
        if self.rules.rest {
            self.one_header(&header::CONTENT_LENGTH)?;
        }
        Ok(&self.body)
    }

    /// The one parameter that a call without a body knows; it may come once.
    pub(super) fn parameter(&self, known: &str) -> Result<Option<String>, Answer> {
        if !self.body.is_empty() && self.rules.rest {
            return Err(malformed("body: this call takes none"));
        }
        let Some(query) = &self.query else {
            return Ok(None);
        };
        let uri: Uri = format!("/?{query}").parse().map_err(malformed)?;
        let Query(pairs): Query<Vec<(String, String)>> = Query::try_from_uri(&uri).map_err(malformed)?;
        let mut found = None;
        for (name, value) in pairs {
            if name != known && self.rules.query {
                return Err(malformed(format!("query: unknown parameter {name}")));
            }
            if name == known && found.replace(value).is_some() {
                return Err(malformed(format!("query: {name} came twice")));
            }
        }
        Ok(found)
    }

    /// The file that a query names, by its id in plain digits.
    pub(super) fn file_id(&self) -> Result<i64, Answer> {
        let text = self.parameter("file_id")?.ok_or_else(|| malformed("query: file_id is missing"))?;
        let file_id = text.parse::<i64>().ok().filter(|id| id.to_string() == text);
        file_id.ok_or_else(|| malformed("file_id must be an int64"))
    }

    pub(super) fn one_header(&self, name: &HeaderName) -> Result<&str, Answer> {
        let mut values = self.headers.get_all(name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(malformed(format!("header {name} must come exactly once")));
        };
        value.to_str().map_err(|_| malformed(format!("header {name} is not text")))
    }
}
