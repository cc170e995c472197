//! An answer, before it is known how it will be delivered.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::content::Slice;

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Content-Type and what a call adds; length, date and trace id are added on delivery.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// A file instead of the body.
    pub(crate) content: Option<Slice>,
    /// The call succeeded: what it asks for has been done.
    pub(crate) performed: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Answer { status, headers, body: body.into(), content: None, performed: false }
    }

    pub(crate) fn json(body: impl Into<Bytes>) -> Answer {
        Answer::new(200, "application/json; charset=utf-8", body)
    }

    pub(crate) fn text(status: u16, body: impl Into<Bytes>) -> Answer {
        Answer::new(status, "text/plain; charset=utf-8", body)
    }

    /// A refusal as the service words it: HTTP 200 and a code in `base_resp`.
    pub(crate) fn refusal(code: i64, message: &str) -> Answer {
        Answer::json(json!({"base_resp": base_resp(code, message)}).to_string())
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn length(&self) -> u64 {
        self.content.as_ref().map_or(self.body.len() as u64, Slice::length)
    }

    /// For hyper to deliver.
    pub(crate) fn response(self) -> Response {
        let mut response = Response::new(self.content.map_or_else(|| Body::from(self.body), Body::new));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// Travels through the router unrendered: how it is delivered is decided behind it.
impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

pub(crate) fn base_resp(code: i64, message: &str) -> Value {
    json!({"status_code": code, "status_msg": message})
}

/// What the service says with a code, near enough.
pub(crate) fn usual_message(code: i64) -> &'static str {
    match code {
        0 => "success",
        1000 => "unknown error",
        1001 => "request timeout",
        1002 => "rate limit exceeded(RPM)",
        1004 => "login fail: Please carry the API secret key in the 'Authorization' field of the request header",
        1008 => "insufficient balance",
        1013 => "internal service error",
        1024 => "internal error",
        1026 => "input new_sensitive",
        1027 => "output new_sensitive",
        1033 => "downstream service error",
        1039 => "rate limit exceeded(TPM)",
        1041 => "conn limit",
        2013 => "invalid params",
        2045 => "rate growth limit",
        2049 => "invalid api key",
        2056 => "usage limit exceeded",
        _ => "request failed",
    }
}
