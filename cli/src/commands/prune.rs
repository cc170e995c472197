//! `prune`: what is old, and no longer wanted. A list, a filter, guards; a person says yes; then as `delete`.

use super::preview;
use crate::account::Account;
use crate::args;
use crate::bulk::{Bulk, Manner};
use crate::confirm::{check_answerable, confirm};
use crate::context::Context;
use crate::exit::Exit;
use crate::ids;
use crate::journal::{self, Head, Journal, Past};
use crate::plan_file::{PlanFile, Target};
use crate::stop::Stop;
use crate::work::{Entry, Reviewed, Work};
use mmx::api::bulk::{self, Options};
use mmx::api::filter::{Filter, Matcher};
use mmx::api::model::FileObject;
use mmx::api::outcome::Kind;
use mmx::api::prune::{self, CALL, GONE, Plan};
use mmx::api::review::{self, Standing};
use mmx::error::{Error, Status};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

pub(crate) fn run(args: &args::Prune, context: &Context<'_>) -> Result<Exit, Stop> {
    if args.deletes() {
        check_answerable(args.bulk.yes)?;
    }
    let keep_ids = keep_ids(args, context)?;
    let applied = args.apply.as_deref().map(PlanFile::read).transpose()?;
    let filter = filter(args, &keep_ids, applied.as_ref())?;
    filter.check(CALL).map_err(Stop::of_a_setting)?;
    let account = context.account()?;
    if let (Some(plan), Some(path)) = (&applied, &args.apply) {
        plan.check(&account, path)?;
    }
    let (journal, past) = journal::open(args.bulk.journal.as_deref())?;
    let head = Head::new("prune", &account, filter.to_json(), applied.as_ref().map(|plan| plan.made_at_ms));
    let run = Run { args, context, account, filter: &filter, applied: applied.as_ref() };
    match past {
        Some(past) => run.resume(past, head, journal),
        None => run.begin(head, journal),
    }
}

struct Run<'a> {
    args: &'a args::Prune,
    context: &'a Context<'a>,
    account: Account,
    filter: &'a Filter<'a>,
    applied: Option<&'a PlanFile>,
}

impl Run<'_> {
    fn begin(&self, head: Head, journal: Option<Journal>) -> Result<Exit, Stop> {
        let (plan, matcher) = self.plan()?;
        preview::sum_up(self.context, &self.account, &plan);
        let guard = plan.guard(&matcher);
        if !self.args.deletes() || guard.is_some() {
            return self.answer(&plan, guard.map(Stop::from));
        }
        let decided = |kept: Option<&str>| kept.map(|why| if why == GONE { Kind::AlreadyAbsent } else { Kind::Kept });
        let entry =
            |(file, kept): &(FileObject, Option<&str>)| Entry::new(file.file_id, file.purpose.clone(), decided(*kept));
        let work = Work::new(plan.files.iter().map(entry).collect());
        if plan.chosen().next().is_none() {
            self.context.output.say(&format!("nothing to delete ({})", self.account));
        } else {
            confirm(self.context, &self.account, &preview::in_words(&plan), self.args.bulk.yes)?;
        }
        drop(plan);
        self.delete(work, head, journal)
    }

    fn plan(&self) -> Result<(Plan<'_>, Matcher<'_>), Stop> {
        let options = self.options();
        let client = &self.account.client;
        let limits = bulk::limits(client, CALL, &options)?;
        let planned = match self.applied {
            None => Plan::make(client, self.filter, limits, &options),
            Some(plan) => Plan::again(client, plan.files(), self.filter, limits, &options),
        };
        planned.map_err(Stop::from)
    }

    /// Of what is asked before anything is deleted.
    fn options(&self) -> Options<'_> {
        Options { cancel: Some(self.context.signals.cancel()), ..Options::default() }
    }

    /// The plan itself, of which nothing is deleted.
    fn answer(&self, plan: &Plan<'_>, guard: Option<Stop>) -> Result<Exit, Stop> {
        let output = self.context.output;
        let target = self.args.plan.as_deref().map(Target::of).transpose()?;
        if let (Some(target), None) = (&target, &guard) {
            let json = plan.to_json();
            // Opening a pipe waits for its reader.
            self.context.signals.idle(|| target.write(&json, output))?;
        }
        let is_printed = guard.is_none() && matches!(target, Some(Target::Output));
        if output.json && !is_printed {
            output.print_json(&plan.to_json())?;
        } else if self.args.dry_run {
            preview::files(self.context, plan, self.args.table.wide)?;
        }
        if let Some(guard) = guard {
            return Err(guard);
        }
        if !output.json {
            let chosen = preview::in_words(plan);
            match &self.args.plan {
                Some(_) if is_printed => output.say(&format!("nothing was deleted; in the plan: {chosen}")),
                Some(path) => output.say(&format!("nothing was deleted; in the plan {}: {chosen}", path.display())),
                None => output.say(&format!("nothing was deleted; without --dry-run it would be {chosen}")),
            }
        }
        Ok(Exit::Done)
    }

    /// Goes on where an earlier run was ended: with what it had chosen, as far as that still holds. What it has deleted
    /// without a receipt is found to be gone.
    fn resume(&self, past: Past, head: Head, journal: Option<Journal>) -> Result<Exit, Stop> {
        let mut work = past.resume(&head, None)?;
        work.keep(|id| self.filter.keep_ids.contains(&id));
        self.context
            .output
            .say("an earlier run was ended before its end: what it may have deleted is looked for first");
        self.review(&mut work)?;
        confirm(self.context, &self.account, &work.in_words(), self.args.bulk.yes)?;
        self.delete(work, head, journal)
    }

    /// Holds what a journal names against the conditions, like a plan: anybody may have edited it.
    fn review(&self, work: &mut Work) -> Result<(), Stop> {
        let options = self.options();
        let client = &self.account.client;
        let limits = bulk::limits(client, CALL, &options)?;
        let places: Vec<_> = work.open().collect();
        let files: Vec<_> = places.iter().map(|&at| work.file(at)).collect();
        let planned = self.applied.map(PlanFile::files);
        let review = review::review(client, &files, planned.as_deref(), self.filter, limits, &options)?;
        let mut stays = BTreeMap::<_, Vec<_>>::new();
        for (at, standing) in places.into_iter().zip(review.standings) {
            match standing {
                Standing::Fits => {}
                Standing::Stays(why) => {
                    stays.entry(why).or_default().push(work.file(at).file_id);
                    work.set_kept(at);
                }
                Standing::Gone { trace_id } => work.set_reviewed(at, Reviewed::Gone { trace_id }),
                Standing::Unclear(error) => work.set_reviewed(at, Reviewed::Unclear(error)),
            }
        }
        preview::left_alone(self.context, &stays);
        let deleted = work.deleted().count();
        let guard = review.matcher.guard(deleted + work.open().count(), deleted + review.listed.unwrap_or_default());
        guard.map_or(Ok(()), |why| {
            let text = format!("with those that an earlier run has deleted, {why}; no delete was sent");
            Err(Error::new(Status::Guard, CALL, text).into())
        })
    }

    fn delete(&self, work: Work, head: Head, journal: Option<Journal>) -> Result<Exit, Stop> {
        if let Some(journal) = &journal {
            journal.begin(head, &work)?;
        }
        let (client, is_resumed) = (&self.account.client, work.is_resumed);
        let manner = Manner { concurrency: self.args.bulk.concurrency, verify: self.args.verify, lookup_first: false };
        Bulk::new(self.context, "prune", work, journal).run(manner, |files, options| match is_resumed {
            true => bulk::delete_files(client, files, options),
            false => prune::delete_listed(client, files, self.filter.purpose, options),
        })
    }
}

/// Ids that are kept; the lines may be those that `delete -` reads. That there are none is a mistake more often than not:
/// what should have written them has failed.
fn keep_ids(args: &args::Prune, context: &Context<'_>) -> Result<Vec<i64>, Stop> {
    /// What they are for doesn't matter.
    const ANY: Option<&str> = Some("any");
    let Some(path) = &args.keep_from else { return Ok(Vec::new()) };
    let is_input = path == Path::new("-");
    let source = if is_input { ids::INPUT.to_owned() } else { path.display().to_string() };
    let files = if is_input {
        ids::read_input(context.signals, ANY)?
    } else {
        let unreadable = |error| Stop::Usage(format!("{source} can't be read: {error}; nothing was sent"));
        ids::read(BufReader::new(File::open(path).map_err(unreadable)?), &source, ANY)?
    };
    if files.is_empty() && !args.keep_from_may_be_empty {
        let why = "has no id in it, so that it would keep nothing: add --keep-from-may-be-empty if that is meant";
        return Err(Stop::Usage(format!("{source} {why}; nothing was sent")));
    }
    Ok(files.into_iter().map(|file| file.file_id).collect())
}

fn filter<'a>(args: &'a args::Prune, keep_ids: &'a [i64], applied: Option<&'a PlanFile>) -> Result<Filter<'a>, Stop> {
    let planned = applied.and_then(PlanFile::purpose);
    if let (Some(purpose), Some(planned)) = (&args.purpose, planned)
        && purpose != planned
    {
        return Err(Stop::Usage(format!("the plan is of {planned}, not of {purpose}; nothing was sent")));
    }
    Ok(Filter {
        purpose: args.purpose.as_deref().or(planned),
        older_than: args.older_than,
        name_glob: args.name.as_deref(),
        keep_globs: args.keep.iter().map(String::as_str).collect(),
        keep_names: args.keep_name.iter().map(String::as_str).collect(),
        keep_ids,
        max_files: args.max_files(),
        max_percent: args.max_percent(),
        // A plan is a condition.
        all: args.all || applied.is_some(),
        ..Filter::default()
    })
}
