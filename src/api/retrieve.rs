//! Retrieve: `GET /v1/files/retrieve`, the API's page "File Retrieve": a file's data and a link to its bytes.

use super::envelope::Reply;
use super::model::FileObject;
use super::{envelope, model};
use crate::error::{Error, Status};
use crate::transport::attempts::Attempts;
use crate::transport::client::{Call, CallOptions, Client};
use http::Method;
use serde::Deserialize;

const CALL: &str = "retrieve_file";

#[derive(Deserialize)]
struct Retrieved {
    file: FileObject,
}

/// What retrieve says of a file whose delete is in doubt.
#[derive(Debug)]
pub enum Presence {
    There,
    Gone {
        trace_id: String,
    },
    /// It could not say.
    Unknown(Error),
}

/// Returns the service's answer about one file, as it came.
pub fn retrieve(client: &Client, file_id: i64, options: &CallOptions<'_>) -> Result<String, Error> {
    Ok(ask(client, file_id, options)?.1.json)
}

/// The same with what else is known of the answer.
pub fn ask(client: &Client, file_id: i64, options: &CallOptions<'_>) -> Result<(Call, Reply), Error> {
    model::check_id(CALL, file_id)?;
    let call = call(CALL, file_id);
    let reply = checked(client, envelope::exchange(client, &call, options)?, &call, file_id)?;
    Ok((call, reply))
}

/// Whether the file is there, asked within another call.
pub async fn presence(attempts: &mut Attempts<'_>, name: &'static str, file_id: i64) -> Presence {
    let call = call(name, file_id);
    let client = attempts.client();
    let reply = envelope::repeat(attempts, &call).await;
    match reply.and_then(|reply| checked(client, reply, &call, file_id)) {
        Ok(_) => Presence::There,
        Err(error) if refuses_the_id(&error) => Presence::Gone { trace_id: error.trace_id },
        Err(error) => Presence::Unknown(error),
    }
}

/// An answer of the API that isn't about the service's state or the account. A bare 404 is a wrong path.
fn refuses_the_id(error: &Error) -> bool {
    let is_of_another_kind = matches!(
        error.status,
        Status::Server
            | Status::ServerTimeout
            | Status::Authentication
            | Status::RateLimited
            | Status::Quota
            | Status::Permission
    );
    error.api_code != 0 && !is_of_another_kind
}

/// A refusal that may be due to the file's not being there: the documents don't fix the code of that.
pub fn may_mean_absent(error: &Error) -> bool {
    refuses_the_id(error) || error.status == Status::NotFound
}

fn call(name: &'static str, file_id: i64) -> Call {
    Call {
        name,
        method: Method::GET,
        path: "v1/files/retrieve",
        query: vec![("file_id", file_id.to_string())],
        json: None,
        longest_answer: envelope::LONGEST_ANSWER,
        in_doubt_from: None,
    }
}

fn checked(client: &Client, reply: Reply, call: &Call, file_id: i64) -> Result<Reply, Error> {
    let answered = reply.read::<Retrieved>(client, call)?.file.file_id;
    if answered == file_id {
        return Ok(reply);
    }
    let text = format!("the answer is about file_id {answered}, not about {file_id}");
    Err(reply.error(client, call, &text))
}
