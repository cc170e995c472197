//! Delete: `POST /v1/files/delete`, the API's page "File Delete".

use crate::api::purpose;
use crate::api::response::envelope;
use crate::api::response::listing::Keep;
use crate::api::response::model;
use crate::api::retrieve::{self, Presence};
use crate::error::{Error, Status};
use crate::ledger::{self, Struck};
use crate::transport::attempts::Attempts;
use crate::transport::client::{Call, CallOptions, Client};
use crate::transport::effect::Effect;
use crate::transport::log::Level;
use http::Method;
use serde::Serialize;
use std::cell::Cell;

pub const CALL: &str = "delete_file";

#[derive(Serialize)]
struct Body<'a> {
    file_id: i64,
    purpose: &'a str,
}

/// How it is known that a file is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The service said so.
    Response,
    /// No response came, and retrieve doesn't know the file any more.
    Retrieve,
}

impl Evidence {
    pub fn name(self) -> &'static str {
        match self {
            Evidence::Response => "answer",
            Evidence::Retrieve => "retrieve",
        }
    }
}

#[derive(Debug)]
pub struct Deleted {
    pub evidence: Evidence,
    /// The service's response as it came; of a lost one, what was found out instead.
    pub json: String,
    pub trace_id: String,
}

/// The result of deleting one file.
#[derive(Debug)]
pub enum End {
    Deleted(Deleted),
    /// Refused, and the file doesn't exist.
    AlreadyAbsent {
        trace_id: String,
        refusal: Error,
    },
    /// As the error says; it is unknown what became of the file if that is ambiguous.
    Failed(Error),
    /// Only a lookup can tell, which was not allowed.
    NeedsLookup(Error),
}

/// How a file is deleted, for one that is alone and for one of many.
pub struct DeletePolicy<'a> {
    pub name: &'static str,
    /// The error that makes a lookup come first: a file that is gone needs no request.
    pub lookup_first: Option<Error>,
    /// The refusals after which a lookup follows: the file may not be there.
    pub lookup_after: fn(&Error) -> bool,
    /// Whether a lookup is allowed: for many ambiguous files, one list replaces a retrieve each.
    pub allow_lookup: &'a (dyn Fn() -> bool + Sync),
}

/// Deletes one file and returns the service's response as it came. `purpose` is found out where it isn't given.
/// `missing_ok`: one that the service doesn't know is as good as deleted.
pub fn delete(
    client: &Client,
    file_id: i64,
    purpose: Option<&str>,
    missing_ok: bool,
    options: &CallOptions<'_>,
) -> Result<String, Error> {
    delete_within(CALL, client, file_id, purpose, missing_ok, options)
}

/// The same within another call.
pub fn delete_within(
    name: &'static str,
    client: &Client,
    file_id: i64,
    purpose: Option<&str>,
    missing_ok: bool,
    options: &CallOptions<'_>,
) -> Result<String, Error> {
    check(name, file_id, purpose)?;
    let lookup_after = if missing_ok { retrieve::may_mean_absent } else { retrieve::is_not_there };
    let policy = DeletePolicy { name, lookup_first: None, lookup_after, allow_lookup: &|| true };
    let info = options.info;
    let deleted = |deleted: Deleted| {
        info.inspect(|info| info.set_evidence(deleted.evidence.name()));
        Ok(deleted.json)
    };
    let gone = Cell::new(None);
    let gone_is = &gone;
    let work = |mut attempts| async move {
        let end = match purpose {
            Some(purpose) => delete_with(&mut attempts, file_id, purpose, &policy).await,
            None => Box::pin(find_out_and_delete(&mut attempts, file_id, &policy)).await.0,
        };
        gone_is.set(match end {
            End::Deleted(_) => Some(Struck::Deleted),
            End::AlreadyAbsent { .. } => Some(Struck::Absent),
            _ => None,
        });
        match end {
            End::Deleted(it) => deleted(it),
            End::AlreadyAbsent { trace_id, .. } if missing_ok => deleted(Deleted::seen(file_id, trace_id)),
            End::AlreadyAbsent { refusal, .. } => Err(absent(name, file_id, refusal)),
            End::Failed(error) | End::NeedsLookup(error) => Err(error),
        }
    };
    let result = envelope::drive(client, name, options, work);
    if let Some(why) = gone.get() {
        ledger::strike_out(client, name, file_id, why);
    }
    result.map_err(|error| explain(error, purpose))
}

/// The service refused the delete of a file, and retrieve doesn't know it.
fn absent(name: &'static str, file_id: i64, refusal: Error) -> Error {
    let said = refusal.without_call();
    // Its advice is about the parameters; here they are right.
    let said = said.rsplit_once("): ").map_or_else(|| said.to_owned(), |(said, _)| format!("{said})"));
    let text = format!(
        "the service doesn't know the file {file_id}, as retrieve shows; it was deleted before, or its id is of another \
         account; {said}"
    );
    let message = Error::new(Status::NotFound, name, text).message;
    Error { status: Status::NotFound, message, ..refusal }
}

/// The service refused the delete of a file that is there: mostly for its purpose.
fn refused_though_there(mut error: Error, client: &Client, found: &str, purpose: &str) -> Error {
    if found.is_empty() || found == purpose {
        return error;
    }
    let found: String = found.chars().take(64).collect();
    let text = format!("the file is there, but its purpose is {found}, not {purpose}; {}", error.without_call());
    error.message = Error::new(Status::InvalidRequest, error.call, text).message;
    error.status = Status::InvalidRequest;
    client.redact(&mut error);
    error
}

pub fn check(name: &'static str, file_id: i64, purpose: Option<&str>) -> Result<(), Error> {
    model::check_id(name, file_id)?;
    purpose::check_given(name, purpose)
}

/// Adds what a caller should know beside the error itself.
pub fn explain(error: Error, purpose: Option<&str>) -> Error {
    let mut error = purpose::explain(error, purpose);
    if error.ambiguous {
        error.add("; the file may or may not be there still");
    }
    error
}

/// Deletes a file whose purpose retrieve has to say; returns it, too, once it is known.
pub async fn find_out_and_delete(
    attempts: &mut Attempts<'_>,
    file_id: i64,
    policy: &DeletePolicy<'_>,
) -> (End, Option<String>) {
    let name = policy.name;
    let purpose = match retrieve::presence(&mut attempts.auxiliary(), name, file_id).await {
        Presence::There { purpose } if purpose::check(name, "purpose", &purpose).is_ok() => purpose,
        Presence::There { .. } => {
            let text = format!("retrieve doesn't say the purpose of the file {file_id}, which has to be given");
            return (End::Failed(Error::new(Status::Protocol, name, text)), None);
        }
        Presence::Gone(refusal) => {
            let trace_id = refusal.trace_id.clone();
            let end = match policy.lookup_first {
                // Sent before, as its caller says.
                Some(_) => End::Deleted(Deleted::seen(file_id, trace_id)),
                None => End::AlreadyAbsent { trace_id, refusal },
            };
            return (end, None);
        }
        Presence::Unknown(mut error) => {
            error.add("; its purpose was asked for, and nothing was deleted");
            return (End::Failed(error), None);
        }
    };
    let policy = DeletePolicy { lookup_first: None, ..*policy };
    (delete_with(attempts, file_id, &purpose, &policy).await, Some(purpose))
}

/// Deletes a file, over several attempts where it takes them. One whose answer was lost may have been carried out: then
/// an error is not believed before a lookup of the file.
pub async fn delete_with(attempts: &mut Attempts<'_>, file_id: i64, purpose: &str, policy: &DeletePolicy<'_>) -> End {
    let call = call(policy.name, file_id, purpose);
    let mut lookup_first = policy.lookup_first.clone();
    loop {
        let is_first = lookup_first.is_some();
        let mut error = match lookup_first.take() {
            Some(error) => error,
            None => match attempt(attempts, &call, file_id).await {
                Ok(deleted) => return End::Deleted(deleted),
                Err(error) => error,
            },
        };
        let ambiguous = attempts.ambiguous() || error.ambiguous;
        attempts.set_ambiguous(ambiguous);
        error.set_ambiguous(ambiguous);
        if error.transient && !is_first {
            match attempts.next(&error) {
                Ok(wait) => {
                    attempts.pause(wait, &error).await;
                    continue;
                }
                Err(why) => error = attempts.given_up(error, why),
            }
        }
        let needs_lookup = is_first
            || match ambiguous {
                true => attempts.may_repeat(),
                false => (policy.lookup_after)(&error),
            };
        if !needs_lookup {
            return End::Failed(error);
        }
        if !(policy.allow_lookup)() {
            return End::NeedsLookup(error);
        }
        // Rare and large, so boxed.
        match Box::pin(look_up(attempts, policy.name, file_id, &error, ambiguous)).await {
            Presence::Gone(seen) if ambiguous => return End::Deleted(Deleted::seen(file_id, seen.trace_id)),
            Presence::Gone(seen) => return End::AlreadyAbsent { trace_id: seen.trace_id, refusal: error },
            Presence::There { purpose: found } if !ambiguous => {
                return End::Failed(refused_though_there(error, attempts.client(), &found, purpose));
            }
            Presence::There { .. } if is_first => attempts.set_ambiguous(false),
            Presence::There { .. } => {
                attempts.set_ambiguous(false);
                error.ambiguous = false;
                match attempts.next(&error) {
                    Ok(wait) => attempts.pause(wait, &error).await,
                    Err(_) => {
                        error.add("; the file is still there");
                        return End::Failed(error);
                    }
                }
            }
            Presence::Unknown(why) => {
                error.add(&format!("; retrieve could not settle it: {}", why.without_call()));
                return End::Failed(error);
            }
        }
    }
}

impl Deleted {
    /// A file whose response was lost and that a lookup found gone.
    fn seen(file_id: i64, trace_id: String) -> Deleted {
        let json = serde_json::json!({ "file_id": file_id, "evidence": "retrieve" }).to_string();
        Deleted { evidence: Evidence::Retrieve, json, trace_id }
    }
}

fn call(name: &'static str, file_id: i64, purpose: &str) -> Call {
    Call {
        name,
        method: Method::POST,
        path: "v1/files/delete",
        query: Vec::new(),
        json: Some(serde_json::to_vec(&Body { file_id, purpose }).expect("an integer and a word").into()),
        max_response_len: envelope::MAX_RESPONSE_LEN,
        effect: Effect::Idempotent,
    }
}

async fn attempt(attempts: &mut Attempts<'_>, call: &Call, file_id: i64) -> Result<Deleted, Error> {
    let response = envelope::attempt(attempts, call, Keep::Count).await?;
    let trace_id = response.trace_id().to_owned();
    match response.file_id() {
        // The page doesn't promise the field; the success it does.
        None => {}
        Some(Ok(returned)) if returned == file_id => {}
        Some(returned) => {
            // A value that is no id is not shown: it can be anything, also the key.
            let other = returned.map_or("something that is no id".into(), |id| format!("file_id {id}"));
            let text = format!("the answer is about {other}, not about {file_id}");
            return Err(response.error(attempts.client(), call, &text));
        }
    }
    Ok(Deleted { evidence: Evidence::Response, json: response.json, trace_id })
}

/// Looks up a file whose delete may have been carried out, or was refused.
async fn look_up(
    attempts: &mut Attempts<'_>,
    name: &'static str,
    file_id: i64,
    after: &Error,
    ambiguous: bool,
) -> Presence {
    let log = attempts.log();
    // A plain refusal is the service's response; a lost one is a fault.
    let level = if ambiguous { Level::Warn } else { Level::Debug };
    log.event(level, "settling", || [("file_id", file_id.into()), ("status_name", after.status.name().into())]);
    let presence = retrieve::presence(&mut attempts.auxiliary(), name, file_id).await;
    let (found, trace_id) = match &presence {
        Presence::Gone(seen) => ("gone", seen.trace_id.as_str()),
        Presence::There { .. } => ("there", ""),
        Presence::Unknown(error) => ("unknown", error.trace_id.as_str()),
    };
    log.event(level, "settled", || {
        [
            ("file_id", file_id.into()),
            ("found", found.into()),
            ("evidence", "retrieve".into()),
            ("trace_id", trace_id.into()),
        ]
    });
    presence
}
