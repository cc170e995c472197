//! Reconciles many files by a list: which ambiguous ones still exist, and at the end whether any does.

use super::options::Options;
use super::outcome::Kind;
use super::run::{Lookups, PendingLookup, Run, Task};
use crate::api::list;
use crate::api::response::listing::Keep;
use crate::error::Error;
use crate::transport::client::CallOptions;
use crate::transport::exchange::Limits;
use crate::transport::time_limit::TimeLimit;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

struct List<'a> {
    purpose: Option<Cow<'a, str>>,
    ids: HashSet<i64>,
    /// Every entry could be read: what it lacks is gone.
    is_whole: bool,
}

impl List<'_> {
    /// Whether a file of that purpose would be in it.
    fn covers(&self, purpose: &str) -> bool {
        self.purpose.as_deref().is_none_or(|listed| listed == purpose)
    }
}

impl<'a> Run<'a> {
    /// Resolves ambiguous files by a list: those that still exist are sent again. The others are gone if an earlier
    /// list of this call had them, or else looked up one by one.
    pub(super) fn resolve_pending(&mut self, is_last_round: bool) {
        let pending = std::mem::take(&mut self.pending);
        let purposes: BTreeSet<_> = pending.iter().map(|pending_lookup| self.query(pending_lookup.index)).collect();
        let lists = self.lists(purposes.into_iter().collect());
        let mut tasks = Vec::new();
        for PendingLookup { index, error, attempts } in pending {
            let file = self.files[index];
            let list = lists.iter().find(|list| list.covers(&self.purpose(index)));
            match list {
                Some(list) if list.ids.contains(&file.file_id) && error.ambiguous => {
                    tasks.push(Task { index, lookup_first: None, attempts });
                }
                Some(list) if list.ids.contains(&file.file_id) => self.record_error(index, error, attempts),
                Some(list) if self.listed == Some(list.purpose.as_deref()) && list.is_whole => {
                    let kind = if error.ambiguous { Kind::Deleted } else { Kind::AlreadyAbsent };
                    self.record_all(index, kind, attempts, "list", "", None);
                }
                _ => tasks.push(Task { index, lookup_first: Some(error), attempts }),
            }
        }
        let (lookups, again): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| task.lookup_first.is_some());
        self.send(lookups.into_iter(), Lookups::Unlimited);
        let lookups = if is_last_round { Lookups::Unlimited } else { Lookups::Limited };
        self.send(again.into_iter(), lookups);
    }

    /// One list of what was listed before, or one of each query; without those that failed.
    fn lists(&self, queries: Vec<Option<Cow<'a, str>>>) -> Vec<List<'a>> {
        let queries = match self.listed {
            Some(query) => vec![query.map(Cow::Borrowed)],
            None => queries,
        };
        queries.into_iter().filter_map(|purpose| self.list(purpose).ok()).collect()
    }

    fn list(&self, purpose: Option<Cow<'a, str>>) -> Result<List<'a>, Error> {
        let options = list_options(&self.limits, &self.options);
        let (_, listing) = list::listing_of(self.client, self.name, purpose.as_deref(), Keep::Ids, &options)?;
        Ok(List { purpose, ids: listing.ids, is_whole: listing.unreadable == 0 })
    }

    pub(super) fn verify(&mut self) {
        let before = self.options.deleted_before;
        let queries: BTreeSet<_> = match self.listed {
            Some(query) => BTreeSet::from([query.map(Cow::Borrowed)]),
            None => {
                let before = before.iter().map(|file| file.given_purpose().map(Cow::Borrowed));
                (0..self.files.len()).map(|index| self.query(index)).chain(before).collect()
            }
        };
        let mut there = BTreeSet::new();
        for purpose in queries {
            match self.list(purpose) {
                Ok(list) => {
                    let files = self.files.iter().enumerate();
                    let ours = files.filter(|(index, _)| self.collector.was_meant_to_go(*index));
                    let ours = ours.filter(|(index, _)| list.covers(&self.purpose(*index))).map(|(_, file)| file);
                    let ours = ours.chain(before.iter().filter(|file| list.covers(file.purpose)));
                    there.extend(ours.map(|file| file.file_id).filter(|id| list.ids.contains(id)));
                }
                Err(mut error) => {
                    error.add("; so what is still there could not be verified");
                    self.stopped = Some(error);
                    return;
                }
            }
        }
        self.still_listed = Some(there);
    }
}

/// Options of a list within the run, whose remaining time bounds it, too.
pub(super) fn list_options<'a>(limits: &Limits<'a>, options: &Options<'a>) -> CallOptions<'a> {
    let timeout = match (limits.deadline.left(), options.call_timeout) {
        (Some(left), TimeLimit::After(limit)) => TimeLimit::After(left.min(limit)),
        (Some(left), _) => TimeLimit::After(left),
        (None, limit) => limit,
    };
    let (max_attempts, cancel) = (options.max_attempts, options.cancel);
    CallOptions { timeout, max_attempts, cancel, ..CallOptions::default() }
}
