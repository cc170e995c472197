//! Review: looks up the files that an interrupted prune has recorded, and checks them against the filter before the rest
//! is deleted. The record may have been edited, so it is trusted no more than a plan.

use super::filter::{Filter, Matcher, Now};
use super::options::{FileRef, Options};
use super::prune::{CALL, CHANGED, UNFIT, clock, is_as_planned};
use super::reconcile::list_options;
use super::run::is_for_all;
use crate::api::list;
use crate::api::response::listing::Keep;
use crate::api::response::model::FileObject;
use crate::api::retrieve;
use crate::error::{Error, Status};
use crate::transport::client::Client;
use crate::transport::exchange::Limits;
use std::collections::HashMap;

/// With more files than this, a list is read first.
const MAX_LOOKUPS: usize = 20;

const OTHER_PURPOSE: &str = "has another purpose";
const UNPLANNED: &str = "is not in the plan";

/// The current state of a file.
#[derive(Debug)]
pub enum Standing {
    /// It is there and may be deleted.
    Fits,
    /// It is there and must not be deleted, for this reason.
    Stays(&'static str),
    /// The service doesn't know it: an earlier run has deleted it.
    Gone { trace_id: String },
    /// The lookup failed.
    Unclear(Error),
}

pub struct Review<'a> {
    pub matcher: Matcher<'a>,
    /// One for each file, in the same order.
    pub standings: Vec<Standing>,
    /// Number of listed files; `None` if no list was requested.
    pub listed: Option<usize>,
}

/// Looks up each file. Sends no delete. `planned` has the files of the plan that is applied.
pub fn review<'a>(
    client: &Client,
    files: &[FileRef<'_>],
    planned: Option<&[FileObject]>,
    filter: &'a Filter<'a>,
    limits: Limits<'_>,
    options: &Options<'_>,
) -> Result<Review<'a>, Error> {
    let matcher = filter.check(CALL)?;
    let planned: Option<HashMap<_, _>> = planned.map(|files| files.iter().map(|file| (file.file_id, file)).collect());
    let judge = |file: &FileRef<'_>, found: &FileObject, now: &Now| {
        let has_its_purpose = found.purpose.is_empty() || found.purpose == file.purpose;
        let planned = planned.as_ref().map(|planned| planned.get(&file.file_id));
        match (planned, matcher.kept_by(found)) {
            _ if !has_its_purpose => Standing::Stays(OTHER_PURPOSE),
            (Some(None), _) => Standing::Stays(UNPLANNED),
            (Some(Some(planned)), _) if !is_as_planned(found, planned) => Standing::Stays(CHANGED),
            _ if !matcher.matches(found, now) => Standing::Stays(UNFIT),
            (_, Some(why)) => Standing::Stays(why),
            (_, None) => Standing::Fits,
        }
    };
    let (mut listed, mut there) = (None, HashMap::new());
    if files.len() > MAX_LOOKUPS || filter.max_percent.is_some() {
        let options = list_options(&limits, options);
        let (response, found) = list::listing_of(client, CALL, filter.purpose, Keep::Files, &options)?;
        listed = Some(found.files.len());
        let now = Now::of(clock(&response, filter)?);
        there = found.files.into_iter().map(|file| (file.file_id, (file, now))).collect();
    }
    let look = |file_id: i64| {
        let (call, mut response) = retrieve::ask(client, file_id, &list_options(&limits, options))?;
        let found = response.take_file(client, &call)?;
        Ok::<_, Error>((found, Now::of(clock(&response, filter)?)))
    };
    let mut standings = Vec::with_capacity(files.len());
    for file in files {
        standings.push(match there.get(&file.file_id) {
            Some((found, now)) => judge(file, found, now),
            // Not proof that it is gone: the list has the files of one purpose.
            None => match look(file.file_id) {
                Ok((found, now)) => judge(file, &found, &now),
                Err(error) if error.api_code != 0 && retrieve::may_mean_absent(&error) => {
                    Standing::Gone { trace_id: error.trace_id }
                }
                Err(error) if is_for_all(&error) || matches!(error.status, Status::Cancelled | Status::Connect) => {
                    return Err(error);
                }
                Err(error) => Standing::Unclear(error),
            },
        });
    }
    Ok(Review { matcher, standings, listed })
}
