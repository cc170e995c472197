//! Delete: `POST /v1/files/delete`, the API's page "File Delete".

use super::{envelope, model, purpose};
use crate::error::{Error, Status};
use crate::transport::body::Reach;
use crate::transport::client::{Call, CallOptions, Client};
use reqwest::Method;
use serde::Serialize;

const CALL: &str = "delete_file";

#[derive(Serialize)]
struct Body<'a> {
    file_id: i64,
    purpose: &'a str,
}

/// Deletes one file and returns the service's answer as it came.
pub fn delete(client: &Client, file_id: i64, purpose: &str, options: &CallOptions<'_>) -> Result<String, Error> {
    model::check_id(CALL, file_id)?;
    purpose::check(CALL, purpose)?;
    let call = Call {
        name: CALL,
        method: Method::POST,
        path: "v1/files/delete",
        query: Vec::new(),
        json: Some(serde_json::to_vec(&Body { file_id, purpose }).expect("an integer and a word")),
        longest_answer: envelope::LONGEST_ANSWER,
        in_doubt_from: Some(Reach::Begun),
        is_transfer: false,
    };
    send(client, &call, file_id, options).map_err(|error| {
        let mut error = purpose::explain(error, purpose);
        if error.ambiguous {
            error.add("; the file may or may not be there still");
        }
        error
    })
}

fn send(client: &Client, call: &Call, file_id: i64, options: &CallOptions<'_>) -> Result<String, Error> {
    let reply = envelope::exchange(client, call, options)?;
    match reply.read::<serde_json::Map<_, _>>(call)?.get("file_id") {
        // The page doesn't promise the field; the success it does.
        None => Ok(reply.json),
        Some(answered) if model::id(answered) == Some(file_id) => Ok(reply.json),
        Some(answered) => {
            // What is no id is not shown: it can be anything, also the key.
            let other = model::id(answered).map_or("something that is no id".into(), |id| format!("file_id {id}"));
            Err(reply.error(call, Status::Protocol, &format!("the answer is about {other}, not about {file_id}")))
        }
    }
}
