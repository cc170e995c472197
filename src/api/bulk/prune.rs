//! Prune: a list, a filter, guards, and what remains is deleted.

use super::filter::{Filter, Keep, KeepRule, Matcher, Now};
use super::options::{FileRef, Options, limits};
use super::outcome;
use super::reconcile::list_options;
use super::run;
use super::run::{BulkResult, Run};
use crate::api::list;
use crate::api::purpose;
use crate::api::response::envelope::ApiResponse;
use crate::api::response::listing::{Keep as KeepOfList, Listing};
use crate::api::response::model::FileObject;
use crate::error::{Error, Status};
use crate::transport::client::Client;
use crate::transport::exchange::Limits;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

pub const CALL: &str = "prune_files";

/// Why a file of an earlier plan isn't deleted: it isn't listed any more.
pub const GONE: &str = "gone since the plan was made";
/// It is listed with another time, size or purpose.
pub const CHANGED: &str = "changed since the plan was made";

/// It doesn't match what is asked for now.
pub(super) const UNFIT: &str = "does not match";

/// A plan: the listed files, and those that are chosen.
pub struct Plan<'a> {
    filter: &'a Filter<'a>,
    host: String,
    key_fingerprint: String,
    made_at_ms: i64,
    /// The service's.
    pub clock: Option<SystemTime>,
    pub listed: usize,
    /// Entries of the list that can't be read; they are never deleted.
    pub unreadable: usize,
    /// The files that match, each with the reason if it is kept all the same.
    pub files: Vec<(FileObject, Option<&'static str>)>,
    /// Files that would go, whose names the conditions ask for and the service doesn't say.
    nameless: Vec<i64>,
    /// The effect of each pattern, name and id of files to keep.
    pub keeps: Vec<Keep<'a>>,
}

/// Lists, filters and deletes.
pub fn prune_files(client: &Client, filter: &Filter<'_>, options: &Options<'_>) -> BulkResult {
    let planned = limits(client, CALL, options).and_then(|limits| {
        let (plan, matcher) = Plan::make(client, filter, limits, options)?;
        Ok((plan, matcher, limits))
    });
    match planned {
        Ok((plan, matcher, limits)) => plan.run(client, &matcher, limits, options),
        Err(error) => error.into(),
    }
}

/// Deletes files that were just listed by `purpose`, or all: what the next list lacks is gone.
pub fn delete_listed(
    client: &Client,
    files: &[FileRef<'_>],
    purpose: Option<&str>,
    options: &Options<'_>,
) -> BulkResult {
    let run = run::begin(client, CALL, files, options).map(|run| run.after_a_list_of(purpose));
    run.map_or_else(BulkResult::from, Run::run)
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
        let (mut plan, files) = Plan::listed(client, filter, limits, options)?;
        let now = Now::of(plan.clock);
        let files: Vec<_> = files.into_iter().map(|file| (matcher.matches(&file, &now), file)).collect();
        plan.keeps = matcher.keeps(files.iter().map(|(matches, file)| (file, *matches)));
        let matching = files.into_iter().filter(|(matches, _)| *matches).map(|(_, mut file)| {
            if file.purpose.is_empty() {
                file.purpose = filter.purpose.unwrap_or_default().to_owned();
            }
            // Links are good for nothing here, and no one else's business.
            file.download_url = String::new();
            let is_nameable = file.file_id >= 1 && purpose::check(CALL, "purpose", &file.purpose).is_ok();
            let kept = if is_nameable { matcher.kept_by(&file) } else { Some("no id or purpose to delete it by") };
            (file, kept)
        });
        plan.files = matching.collect();
        plan.nameless = nameless(&matcher, plan.chosen().map(|file| (file.file_id, &*file.filename)));
        Ok((plan, matcher))
    }

    /// Lists, and says of the files of an earlier plan which may still go: those that are as they were, and match.
    pub fn again(
        client: &Client,
        earlier: Vec<FileObject>,
        filter: &'a Filter<'a>,
        limits: Limits<'_>,
        options: &Options<'_>,
    ) -> Result<(Plan<'a>, Matcher<'a>), Error> {
        let matcher = filter.check(CALL)?;
        let (mut plan, files) = Plan::listed(client, filter, limits, options)?;
        let now = Now::of(plan.clock);
        let files: HashMap<_, _> = files.into_iter().map(|file| (file.file_id, file)).collect();
        // Files that would be deleted if nothing kept them.
        let mut would_go = HashSet::new();
        let compared = earlier.into_iter().map(|file| {
            let kept = match files.get(&file.file_id) {
                // A list of one purpose says nothing of another's.
                _ if filter.purpose.is_some_and(|purpose| purpose != file.purpose) => Some(UNFIT),
                None => Some(GONE),
                Some(listed) if !is_as_planned(listed, &file) => Some(CHANGED),
                Some(listed) if !matcher.matches(listed, &now) => Some(UNFIT),
                Some(listed) => {
                    would_go.insert(file.file_id);
                    matcher.kept_by(listed)
                }
            };
            (file, kept)
        });
        plan.files = compared.collect();
        let listed = plan.chosen().filter_map(|file| Some((file.file_id, &*files.get(&file.file_id)?.filename)));
        plan.nameless = nameless(&matcher, listed);
        plan.keeps = matcher.keeps(files.values().map(|file| (file, would_go.contains(&file.file_id))));
        Ok((plan, matcher))
    }

    /// A plan without files, and what is listed.
    fn listed(
        client: &Client,
        filter: &'a Filter<'a>,
        limits: Limits<'_>,
        options: &Options<'_>,
    ) -> Result<(Plan<'a>, Vec<FileObject>), Error> {
        let options = list_options(&limits, options);
        let (response, Listing { files, unreadable, .. }) =
            list::listing_of(client, CALL, filter.purpose, KeepOfList::Files, &options)?;
        let clock = clock(&response, filter)?;
        let plan = Plan {
            filter,
            host: client.host().to_owned(),
            key_fingerprint: client.key_fingerprint(),
            made_at_ms: outcome::now_ms(),
            clock,
            listed: files.len(),
            unreadable,
            files: Vec::new(),
            nameless: Vec::new(),
            keeps: Vec::new(),
        };
        Ok((plan, files))
    }

    pub fn chosen(&self) -> impl Iterator<Item = &FileObject> {
        self.files.iter().filter(|(_, kept)| kept.is_none()).map(|(file, _)| file)
    }

    /// Files that would go, whose names the conditions ask for and the service doesn't say.
    pub fn nameless(&self) -> Vec<i64> {
        let chosen: HashSet<_> = self.chosen().map(|file| file.file_id).collect();
        self.nameless.iter().copied().filter(|file_id| chosen.contains(file_id)).collect()
    }

    /// Files that match. In an applied plan, files that are still listed.
    pub fn matched(&self) -> usize {
        self.files.len() - self.left_for(GONE)
    }

    /// Files that match and are kept.
    pub fn kept(&self) -> usize {
        self.files.iter().filter(|(_, kept)| kept.is_some()).count() - self.left_for(GONE)
    }

    /// Files that are kept for this reason.
    pub fn left_for(&self, why: &str) -> usize {
        self.files.iter().filter(|(_, kept)| *kept == Some(why)).count()
    }

    /// The guard that stops it.
    pub fn guard(&self, matcher: &Matcher<'_>) -> Option<Error> {
        let nameless = self.nameless();
        let nameless = nameless.first().map(|first| {
            format!(
                "the service doesn't say the names of {} files that would be deleted, such as {first}, and the \
                 conditions ask for names",
                nameless.len()
            )
        });
        let why = nameless.or_else(|| matcher.guard(self.chosen().count(), self.listed))?;
        Some(Error::new(Status::Guard, CALL, format!("{why}; no delete was sent, the plan says which they are")))
    }

    /// Deletes what is chosen, unless a guard stops it.
    pub fn run(&self, client: &Client, matcher: &Matcher<'_>, limits: Limits<'_>, options: &Options<'_>) -> BulkResult {
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
        run.run_all();
        let done = run.done(Some(&self.to_json()));
        match guard {
            Some(error) if done.result.is_ok() => BulkResult { result: Err(error), ..done },
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
            "unreadable": self.unreadable,
            "matched": self.matched(),
            "kept": self.kept(),
            "gone": self.left_for(GONE),
            "changed": self.left_for(CHANGED),
            "bytes_at_least": bytes,
            "sizes_unknown": unknown,
            "keeps": self.keeps.iter().map(keep_to_json).collect::<Vec<_>>(),
            "files": files,
        })
    }
}

fn nameless<'f>(matcher: &Matcher<'_>, files: impl Iterator<Item = (i64, &'f str)>) -> Vec<i64> {
    if !matcher.asks_for_names() {
        return Vec::new();
    }
    files.filter(|(_, name)| name.is_empty()).map(|(file_id, _)| file_id).collect()
}

/// Whether a file is unchanged. The name may differ: the service chooses it.
pub(super) fn is_as_planned(found: &FileObject, planned: &FileObject) -> bool {
    let has_its_purpose = found.purpose.is_empty() || found.purpose == planned.purpose;
    has_its_purpose && (found.created_at, found.bytes) == (planned.created_at, planned.bytes)
}

/// The service's clock, without which no file can be called old.
pub(super) fn clock(response: &ApiResponse, filter: &Filter<'_>) -> Result<Option<SystemTime>, Error> {
    let clock = response.date();
    if clock.is_none() && filter.older_than.is_some() {
        let text = "the answer has no Date header, and without the service's clock no file can be called old";
        return Err(Error::new(Status::Protocol, CALL, text));
    }
    Ok(clock)
}

/// `{"keep_glob": "master-*", "kept": 2, "listed": 3}`
fn keep_to_json(keep: &Keep<'_>) -> Value {
    let mut json = match keep.rule {
        KeepRule::Glob(glob) => json!({ "keep_glob": glob }),
        KeepRule::Name(name) => json!({ "keep_name": name }),
        KeepRule::Id(id) => json!({ "keep_id": id }),
    };
    json["kept"] = keep.kept.into();
    json["listed"] = keep.listed.into();
    json
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
