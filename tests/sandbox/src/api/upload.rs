//! `POST /v1/files/upload`: read as it comes, for it may be large, may be refused early, and may never end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, header};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Body as _;
use serde_json::{Map, json};

use super::Call;
use super::checks::malformed;
use super::exchange::{Arrived, Outcome};
use crate::answer::Answer;
use crate::connection::{Draining, Line};
use crate::content::Content;
use crate::fault::{Fault, Named};
use crate::file::File;
use crate::journal::Upload;
use crate::link::now;
use crate::multipart::{Form, Reader, plain_name};
use crate::{plan, purpose};

/// All that the uploads of an account may hold in memory.
const KEPT_IN_ALL: usize = 256 << 20;

/// Why the body is not read any further.
enum End {
    Whole,
    /// The closing boundary has come, and the fault asks for no more.
    Boundary,
    BrokenOff,
    Fault,
    Reset,
}

/// An upload on its way. Dropped on the way, as it is with its connection, it is noted as far as it came.
struct Reading {
    arrived: Option<Arrived>,
    line: Arc<Line>,
    call: Call,
    reader: Reader,
    body_bytes: u64,
}

impl Reading {
    fn upload(&mut self, whole: bool) -> (Upload, Form, Result<(), String>) {
        let at_boundary = self.call.fault.as_ref().is_some_and(|fault| fault.store_at_boundary);
        let (form, problem) = self.reader.finish(whole || at_boundary);
        let upload = Upload {
            purpose: form.purpose.clone(),
            filename: form.filename.clone(),
            content_type: form.content_type.clone(),
            bytes: form.bytes,
            body_bytes: self.body_bytes,
            content_length: self.call.one_header(&header::CONTENT_LENGTH).ok().and_then(|length| length.parse().ok()),
            chunked: self.call.headers.contains_key(header::TRANSFER_ENCODING),
            sha256: form.sha256.clone(),
            complete: whole,
            file_id: None,
        };
        (upload, form, problem)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(mut arrived) = self.arrived.take() {
            arrived.upload = Some(self.upload(false).0);
            arrived.note(&self.line, None, self.call.fault.as_ref(), false, None, Bytes::new());
        }
    }
}

pub(super) async fn exchange(arrived: Arrived, line: &Arc<Line>, mut body: Body) -> Response {
    let fault = arrived.take_fault(&Named::default());
    let until = fault.as_ref().and_then(Fault::body_limit);
    let call = arrived.call(fault.as_ref(), Bytes::new());
    let count_only = call.account.state().settings.count_only;
    let content_type = call.one_header(&header::CONTENT_TYPE).map_err(|_| "header content-type".into());
    let reader = Reader::new(content_type, count_only, call.rules);
    let mut reading = Reading { arrived: Some(arrived), line: line.clone(), call, reader, body_bytes: 0 };
    let end = loop {
        if until.is_some_and(|until| reading.body_bytes >= until) {
            break End::Fault;
        }
        let data = tokio::select! {
            data = next(&mut body) => data,
            () = line.reset() => break End::Reset,
        };
        match data {
            Some(Ok(data)) => {
                reading.body_bytes += data.len() as u64;
                reading.reader.feed(&data);
                if fault.as_ref().is_some_and(|fault| fault.store_at_boundary) && reading.reader.is_at_end() {
                    break End::Boundary;
                }
            }
            Some(Err(_)) => break End::BrokenOff,
            None if until.is_some() => break End::Fault,
            None => break End::Whole,
        }
    };
    if matches!(end, End::BrokenOff) {
        return Answer::text(400, "400 the body is incomplete").response();
    }
    let Some(mut arrived) = reading.arrived.take().filter(|_| !matches!(end, End::Reset)) else {
        return line.play(plan::close()).await;
    };
    let (mut upload, mut form, problem) = reading.upload(matches!(end, End::Whole));
    if let (End::Fault, Some(fault)) = (end, &fault) {
        arrived.upload = Some(upload);
        return early(arrived, line, fault, body).await;
    }
    line.record.request_was_whole();
    let kept = form.kept.take();
    let stored = accept(&reading.call, problem, form, kept);
    upload.file_id = stored.as_ref().ok().map(|(file_id, _)| *file_id);
    arrived.upload = Some(upload);
    let ordinary = stored.map_or_else(|refusal| refusal, |(_, answer)| answer);
    let performed = reading.call.perform && ordinary.performed;
    arrived.finish(line, Outcome { ordinary, fault, performed, file_id: None, body: Bytes::new() }).await
}

async fn next(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
    Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
}

/// What an upload meets before its body is read to the end.
async fn early(arrived: Arrived, line: &Arc<Line>, fault: &Fault, mut body: Body) -> Response {
    if fault.stop_reading_after.is_some() {
        arrived.note(line, None, Some(fault), false, None, Bytes::new());
        return line.play(plan::stall(fault)).await;
    }
    let answer = arrived.bend(Some(fault), Answer::text(200, ""), None);
    arrived.note(line, Some(&answer), Some(fault), false, None, Bytes::new());
    if !fault.keep {
        return line.play(plan::refusal(fault, answer)).await;
    }
    tokio::time::sleep(Duration::from_millis(fault.delay_ms.unwrap_or(0))).await;
    let line = line.clone();
    tokio::spawn(async move {
        while let Some(Ok(_)) = next(&mut body).await {}
        line.expect_head();
    });
    let mut response = answer.response();
    response.extensions_mut().insert(Draining);
    response
}

/// Stores the file, if everything is as it should be.
fn accept(
    call: &Call,
    problem: Result<(), String>,
    form: Form,
    kept: Option<Vec<u8>>,
) -> Result<(i64, Answer), Answer> {
    call.check_method(Method::POST)?;
    call.check_key()?;
    call.no_query()?;
    problem.map_err(malformed)?;
    let purpose = form.purpose.unwrap_or_default();
    let filename = plain_name(&form.filename.unwrap_or_default());
    let mut state = call.account.state();
    // New purposes come up every few months; those of what the service makes are not for uploads.
    let new = || !purpose::is_documented(&purpose) && state.files.values().any(|file| file.purpose == purpose);
    if !purpose::is_for_uploads(&purpose) && !new() {
        return Err(Answer::refusal(2013, "invalid file purpose"));
    }
    if !state.settings.any_file
        && let Some(refusal) = purpose::refusal(&purpose, &filename, form.bytes)
    {
        return Err(Answer::refusal(2013, &refusal));
    }
    let file_id = state.next_id;
    let room = || state.files.values().map(|file| file.content.weight()).sum::<usize>() < KEPT_IN_ALL;
    let kept = kept.filter(|_| room()).map(Bytes::from);
    let content = Content::uploaded(kept, form.bytes, form.sha256.unwrap_or_default());
    let file = File {
        file_id,
        bytes: form.bytes.cast_signed(),
        created_at: json!(now()),
        filename,
        purpose,
        more: Map::new(),
        content: Arc::new(content),
    };
    let mut json = String::from(r#"{"file":"#);
    file.write_to(&mut json, None);
    json.push_str(r#","base_resp":{"status_code":0,"status_msg":"success"}}"#);
    if call.perform {
        state.next_id += 1;
        state.files.insert(file_id, file);
    }
    let mut answer = Answer::json(json);
    answer.performed = true;
    Ok((file_id, answer))
}
