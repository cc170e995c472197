//! A response that was received: its head, and its body once that was read to the end.

use http::HeaderMap;

#[derive(Debug)]
pub struct Head {
    pub http_status: u16,
    pub headers: HeaderMap,
    /// It came over a connection that had been used before.
    pub is_reused: bool,
}

/// A response that was read to its end.
#[derive(Debug)]
pub struct HttpResponse {
    pub head: Head,
    pub body: Vec<u8>,
}
