//! Retrieve: `GET /v1/files/retrieve`, the API's page "File Retrieve": a file's data and a link to its bytes.

use crate::api::response::envelope;
use crate::api::response::envelope::ApiResponse;
use crate::api::response::listing::Keep;
use crate::api::response::model;
use crate::error::{Error, Status};
use crate::transport::attempts::Attempts;
use crate::transport::client::{Call, CallOptions, Client};
use crate::transport::effect::Effect;
use http::Method;

pub const CALL: &str = "retrieve_file";

/// The result of looking up a file whose delete is ambiguous.
#[derive(Debug)]
pub enum Presence {
    /// "": its purpose isn't said.
    There { purpose: String },
    /// As its response says.
    Gone(Error),
    /// It could not say.
    Unknown(Error),
}

/// Returns the service's response about one file, as it came.
pub fn retrieve(client: &Client, file_id: i64, options: &CallOptions<'_>) -> Result<String, Error> {
    Ok(ask(client, file_id, options)?.1.json)
}

/// The same with what else is known of the response.
pub fn ask(client: &Client, file_id: i64, options: &CallOptions<'_>) -> Result<(Call, ApiResponse), Error> {
    model::check_id(CALL, file_id)?;
    let call = call(CALL, file_id);
    let response = checked(client, envelope::exchange(client, &call, options)?, &call, file_id)?;
    Ok((call, response))
}

/// Whether the file is there, asked within another call.
pub async fn presence(attempts: &mut Attempts<'_>, name: &'static str, file_id: i64) -> Presence {
    let call = call(name, file_id);
    let client = attempts.client();
    let response = envelope::repeat(attempts, &call, Keep::Files).await;
    match response.and_then(|response| checked(client, response, &call, file_id)) {
        Ok(response) => {
            let file = response.file(client, &call);
            Presence::There { purpose: file.map(|file| file.purpose.clone()).unwrap_or_default() }
        }
        Err(error) if refuses_the_id(&error) => Presence::Gone(error),
        Err(error) => Presence::Unknown(error),
    }
}

/// A response of the API that isn't about the service's state, the account or a file's content. A bare 404 is a wrong
/// path.
fn refuses_the_id(error: &Error) -> bool {
    error.api_code != 0 && may_mean_absent(error) && error.status != Status::ContentRejected
}

/// How the service is known to refuse a file that isn't there. Other refusals are looked into as well where it
/// matters which files are gone.
pub fn is_not_there(error: &Error) -> bool {
    error.api_code == 2013 || error.status == Status::NotFound
}

/// A refusal that may be due to the file's not being there: the documents don't fix the code of that.
pub fn may_mean_absent(error: &Error) -> bool {
    let is_of_another_kind = matches!(
        error.status,
        Status::Server
            | Status::ServerTimeout
            | Status::Authentication
            | Status::RateLimited
            | Status::Quota
            | Status::Permission
    );
    error.status == Status::NotFound || error.api_code != 0 && !is_of_another_kind
}

pub fn call(name: &'static str, file_id: i64) -> Call {
    Call {
        name,
        method: Method::GET,
        path: "v1/files/retrieve",
        query: vec![("file_id", file_id.to_string())],
        json: None,
        max_response_len: envelope::MAX_RESPONSE_LEN,
        effect: Effect::ReadOnly,
    }
}

/// The response, if it is about this file.
pub fn checked(client: &Client, response: ApiResponse, call: &Call, file_id: i64) -> Result<ApiResponse, Error> {
    let returned = response.file(client, call)?.file_id;
    if returned == file_id {
        return Ok(response);
    }
    let text = format!("the answer is about file_id {returned}, not about {file_id}");
    Err(response.error(client, call, &text))
}
