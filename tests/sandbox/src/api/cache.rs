//! A cache in front of the API, as a gateway may have one: it answers a GET as it was answered before.

use axum::http::{HeaderMap, Method, header};

use super::Arrived;
use crate::answer::Answer;

fn is_for(arrived: &Arrived) -> bool {
    !arrived.store && arrived.parts.method == Method::GET && arrived.account.state().settings.cache
}

/// The answer that is kept, if the request lets itself be answered so.
pub(super) fn answer(arrived: &Arrived) -> Option<Answer> {
    if !is_for(arrived) || wants_the_origin(&arrived.parts.headers) {
        return None;
    }
    let mut answer = arrived.account.state().cache.get(&arrived.parts.uri).cloned()?;
    answer.set("Age", "1");
    answer.performed = false;
    Some(answer)
}

/// Keeps what is about to be sent, an error that calls itself 200 included.
pub(super) fn keep(arrived: &Arrived, answer: &Answer) {
    if is_for(arrived) && answer.status == 200 {
        arrived.account.state().cache.insert(arrived.parts.uri.clone(), answer.clone());
    }
}

fn wants_the_origin(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter().chain(headers.get_all(header::PRAGMA));
    let mut directives = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    directives.any(|word| ["no-cache", "no-store", "max-age=0"].contains(&&*word.trim().to_ascii_lowercase()))
}
