//! Retrieve: `GET /v1/files/retrieve`, the API's page "File Retrieve": a file's data and a link to its bytes.

use super::model::FileObject;
use super::{envelope, model};
use crate::error::{Error, Status};
use crate::transport::client::{Call, CallOptions, Client};
use reqwest::Method;
use serde::Deserialize;

const CALL: &str = "retrieve_file";

#[derive(Deserialize)]
struct Retrieved {
    file: FileObject,
}

/// Returns the service's answer about one file, as it came.
pub fn retrieve(client: &Client, file_id: i64, options: &CallOptions<'_>) -> Result<String, Error> {
    model::check_id(CALL, file_id)?;
    let call = Call {
        name: CALL,
        method: Method::GET,
        path: "v1/files/retrieve",
        query: vec![("file_id", file_id.to_string())],
        json: None,
        longest_answer: envelope::LONGEST_ANSWER,
        in_doubt_from: None,
        is_transfer: false,
    };
    let reply = envelope::exchange(client, &call, options)?;
    let answered = reply.read::<Retrieved>(&call)?.file.file_id;
    if answered != file_id {
        let text = format!("the answer is about file_id {answered}, not about {file_id}");
        return Err(reply.error(&call, Status::Protocol, &text));
    }
    Ok(reply.json)
}
