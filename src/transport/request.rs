//! A request before it is sent.

use super::route::Route;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method};
use std::sync::Arc;

pub enum Body {
    None,
    Whole(Bytes),
    /// Comes in chunks; of so many bytes in all, when that is known.
    Streamed(Option<u64>),
}

pub struct Request {
    pub method: Method,
    pub route: Arc<Route>,
    pub path: PathAndQuery,
    pub headers: HeaderMap,
    pub body: Body,
}
