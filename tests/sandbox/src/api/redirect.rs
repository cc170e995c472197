//! Where redirects lead, and the ring that has no end.

use axum::Extension;

use super::{Arrived, Call};
use crate::answer::Answer;

/// A name that a header may hold as it is, and a request line may not.
const UTF8_NAME: &str = "声音.mp3";

/// The Location of a fault's `redirect_to`.
pub(super) fn location(arrived: &Arrived, to: &str, file_id: i64) -> String {
    let Some(bases) = arrived.server.bases.get() else {
        return String::new();
    };
    let own = arrived.parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let account = &arrived.account;
    match to {
        "store" => arrived.server.link(account, file_id, arrived.tls, false),
        "store_utf8" => {
            arrived.server.link(account, file_id, arrived.tls, false).replace('?', &format!("/{UTF8_NAME}?"))
        }
        "utf8" => format!("/t/{}/redirected/{UTF8_NAME}?file_id={file_id}", account.name),
        "upgrade" if arrived.store => format!("{}{own}", bases.https_store),
        "upgrade" => format!("{}{own}", bases.https),
        "self" => own.to_owned(),
        "loop" if arrived.store => format!("{}/t/{}/ring/a", bases.http, account.name),
        "loop" => format!("/t/{}/ring/a", account.name),
        "downgrade" if arrived.store => format!("{}{own}", bases.store),
        "downgrade" => format!("{}{own}", bases.http),
        "other_scheme" => format!("ftp://127.0.0.2/{}/{file_id}", account.name),
        url => url.to_owned(),
    }
}

/// The answer that leads there.
pub(crate) fn answer(location: &str) -> Answer {
    let mut answer = Answer::text(302, "");
    answer.set("Location", location);
    answer
}

pub(super) async fn ring_a(Extension(call): Extension<Call>) -> Answer {
    answer(&format!("/t/{}/ring/b", call.account.name))
}

pub(super) async fn ring_b(Extension(call): Extension<Call>) -> Answer {
    answer(&format!("/t/{}/ring/a", call.account.name))
}
