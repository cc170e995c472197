//! Prune: a list, a filter, guards, and what remains is deleted.

use super::bulk::{Done, FileRef, Options, Run};
use super::doubtful::list_options;
use super::filter::{Filter, Matcher, Now};
use super::model::FileObject;
use super::{bulk, list, model, outcome, purpose};
use crate::error::{Error, Status};
use crate::transport::client::Client;
use crate::transport::exchange::Limits;
use serde_json::{Value, json};
use std::time::SystemTime;

pub const CALL: &str = "prune_files";

/// What was listed, and what of it is chosen.
pub struct Plan<'a> {
    filter: &'a Filter<'a>,
    host: String,
    key_fingerprint: String,
    made_at_ms: i64,
    clock: Option<SystemTime>,
    pub listed: usize,
    /// What matches, with the reason why it is kept all the same.
    pub files: Vec<(FileObject, Option<&'static str>)>,
}

/// Lists, filters and deletes.
pub fn prune_files(client: &Client, filter: &Filter<'_>, options: &Options<'_>) -> Done {
    let planned = bulk::limits(client, CALL, options).and_then(|limits| {
        let (plan, matcher) = Plan::make(client, filter, limits, options)?;
        Ok((plan, matcher, limits))
    });
    match planned {
        Ok((plan, matcher, limits)) => plan.carry_out(client, &matcher, limits, options),
        Err(error) => error.into(),
    }
}

impl<'a> Plan<'a> {
    /// Lists and filters; sends no delete.
    pub fn make(
        client: &Client,
        filter: &'a Filter<'a>,
        limits: Limits<'_>,
        options: &Options<'_>,
    ) -> Result<(Plan<'a>, Matcher<'a>), Error> {
        let matcher = filter.check(CALL)?;
        let reply = list::listing(client, CALL, filter.purpose, &list_options(&limits, options))?;
        let clock = reply.date();
        if clock.is_none() && filter.older_than.is_some() {
            let text = "the answer has no Date header, and without the service's clock no file can be called old";
            return Err(Error::new(Status::Protocol, CALL, text));
        }
        let now = Now::of(clock);
        let files = model::files(&reply.json)
            .map_err(|why| Error::new(Status::Protocol, CALL, format!("the answer is not a listing: {why}")))?;
        let listed = files.len();
        let matching = files.into_iter().filter(|file| matcher.matches(file, &now)).map(|mut file| {
            if file.purpose.is_empty() {
                file.purpose = filter.purpose.unwrap_or_default().to_owned();
            }
            // Links are good for nothing here, and no one else's business.
            file.download_url = String::new();
            let is_nameable = file.file_id >= 1 && purpose::check(CALL, &file.purpose).is_ok();
            let kept = if is_nameable { matcher.keeps(&file) } else { Some("no id or purpose to delete it by") };
            (file, kept)
        });
        let plan = Plan {
            filter,
            host: client.host().to_owned(),
            key_fingerprint: client.key_fingerprint(),
            made_at_ms: outcome::now_ms(),
            clock,
            listed,
            files: matching.collect(),
        };
        Ok((plan, matcher))
    }

    pub fn chosen(&self) -> impl Iterator<Item = &FileObject> {
        self.files.iter().filter(|(_, kept)| kept.is_none()).map(|(file, _)| file)
    }

    /// The guard that stops it.
    pub fn guard(&self, matcher: &Matcher<'_>) -> Option<Error> {
        let why = matcher.guard(self.chosen().count(), self.listed)?;
        Some(Error::new(Status::Guard, CALL, format!("{why}; no delete was sent, the plan says which they are")))
    }

    /// Deletes what is chosen, unless a guard stops it.
    pub fn carry_out(&self, client: &Client, matcher: &Matcher<'_>, limits: Limits<'_>, options: &Options<'_>) -> Done {
        let files: Vec<_> =
            self.files.iter().map(|(file, _)| FileRef { file_id: file.file_id, purpose: &file.purpose }).collect();
        let kept = self.files.iter().enumerate().filter(|(_, (_, kept))| kept.is_some());
        let kept = kept.map(|(index, _)| index).collect();
        let guard = self.guard(matcher);
        let options = Options { dry_run: options.dry_run || guard.is_some(), ..*options };
        let mut run = match Run::new(client, CALL, &files, kept, limits, &options) {
            Ok(run) => run.after_a_list_of(self.filter.purpose),
            Err(error) => return error.into(),
        };
        run.go();
        let done = run.done(Some(&self.to_json()));
        match guard {
            Some(error) if done.result.is_ok() => Done { result: Err(error), ..done },
            _ => done,
        }
    }

    pub fn to_json(&self) -> Value {
        let chosen = self.chosen();
        let (bytes, unknown) = chosen.fold((0_i64, 0_usize), |(bytes, unknown), file| {
            (bytes.saturating_add(file.bytes.max(0)), unknown + usize::from(file.bytes <= 0))
        });
        let files: Vec<_> = self.files.iter().map(|(file, kept)| file_to_json(file, *kept)).collect();
        json!({
            "version": 1,
            "host": self.host,
            "key_fingerprint": self.key_fingerprint,
            "made_at_ms": self.made_at_ms,
            "clock": self.clock.map(httpdate::fmt_http_date),
            "filter": self.filter.to_json(),
            "listed": self.listed,
            "matched": self.files.len(),
            "kept": self.files.iter().filter(|(_, kept)| kept.is_some()).count(),
            "bytes_at_least": bytes,
            "sizes_unknown": unknown,
            "files": files,
        })
    }
}

/// `kept` only where it is.
fn file_to_json(file: &FileObject, kept: Option<&str>) -> Value {
    let mut json = json!({
        "file_id": file.file_id,
        "purpose": file.purpose,
        "filename": file.filename,
        "bytes": file.bytes,
        "created_at": file.created_at,
    });
    if let Some(why) = kept {
        json["kept"] = why.into();
    }
    json
}
