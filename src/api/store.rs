//! The object store, or whatever else a download is sent on to: what it means when it has no file to give.

use super::envelope::About;
use crate::error::{Error, Status};

/// Its own words are in nobody's list, its HTTP status is. It never got the key, so it says nothing of that.
pub fn refusal(call: &'static str, about: &About) -> Error {
    let (status, advice) = match about.http_status {
        401 | 403 | 404 | 410 => (Status::Http, ": the file's content may have expired"),
        429 => (Status::RateLimited, ": slow down and try again later"),
        408 | 504 => (Status::ServerTimeout, ": try again later"),
        500.. => (Status::Server, ": try again later"),
        _ => (Status::Http, ""),
    };
    let mut error =
        Error::new(status, call, format!("the file store answered {}{}", about.in_words(), about.advice(advice)));
    about.put_on(&mut error);
    error
}
