//! `prune`: lists files, selects some by a filter and deletes them, unless a guard stops it.

use super::preview;
use crate::account::Account;
use crate::args;
use crate::backup::{Backup, Listed};
use crate::bulk::{Bulk, Settings};
use crate::confirm::{check_answerable, confirm};
use crate::context::Context;
use crate::error::CommandError;
use crate::escape;
use crate::exit::Exit;
use crate::ids;
use crate::journal::{self, Head, Journal, Past};
use crate::plan_file::{PlanFile, Target};
use crate::wording::{self, count};
use crate::worklist::{Entry, Reviewed, Worklist};
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

pub(crate) fn run(args: &args::Prune, context: &Context<'_>) -> Result<Exit, CommandError> {
    if args.deletes() {
        check_answerable(args.bulk.yes)?;
    }
    let keep_ids = keep_ids(args, context)?;
    let applied = args.apply.as_deref().map(PlanFile::read).transpose()?;
    let filter = filter(args, &keep_ids, applied.as_ref())?;
    filter.check(CALL).map_err(CommandError::from_setting)?;
    let account = context.account()?;
    if let (Some(plan), Some(path)) = (&applied, &args.apply) {
        plan.check(&account, path)?;
    }
    let backup = args.backup.as_deref().filter(|_| args.deletes());
    let backup = backup.map(|directory| Backup::open(directory, &account)).transpose()?;
    let (journal, past) = journal::open(args.bulk.journal.as_deref())?;
    let head = Head::new("prune", &account, filter.to_json(), applied.as_ref().map(|plan| plan.made_at_ms));
    let head = head.with_backup(args.backup.is_some());
    let run = Run { args, context, account, filter: &filter, applied: applied.as_ref(), backup };
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
    backup: Option<Backup>,
}

impl Run<'_> {
    fn begin(&self, head: Head, journal: Option<Journal>) -> Result<Exit, CommandError> {
        let (mut plan, matcher) = self.plan()?;
        let left_out = self.sort_and_limit(&mut plan);
        preview::summarize(self.context, &self.account, &plan, left_out);
        let guard = self.nameless(&plan).or_else(|| plan.guard(&matcher));
        if !self.args.deletes() || guard.is_some() {
            return self.report(&plan, guard.map(CommandError::from));
        }
        let decided = |kept: Option<&str>| kept.map(|why| if why == GONE { Kind::AlreadyAbsent } else { Kind::Kept });
        let entry =
            |(file, kept): &(FileObject, Option<&str>)| Entry::new(file.file_id, file.purpose.clone(), decided(*kept));
        let work = Worklist::new(plan.files.iter().map(entry).collect());
        if plan.chosen().next().is_none() {
            self.context.output.say(&format!("nothing to delete ({})", self.account));
        } else {
            let what = format!("{}{}", preview::describe(&plan), self.after_backup());
            confirm(self.context, &self.account, &what, self.args.bulk.yes)?;
        }
        let listed = plan.files.into_iter().map(|(file, _)| (file.file_id, file)).collect();
        self.delete(work, &listed, head, journal)
    }

    fn plan(&self) -> Result<(Plan<'_>, Matcher<'_>), CommandError> {
        let options = self.options();
        let client = &self.account.client;
        let limits = bulk::limits(client, CALL, &options)?;
        let planned = match self.applied {
            None => Plan::make(client, self.filter, limits, &options),
            Some(plan) => Plan::again(client, plan.files(), self.filter, limits, &options),
        };
        planned.map_err(CommandError::from)
    }

    /// The guard that stops the deletion of files whose names the conditions ask for and the service doesn't say.
    fn nameless(&self, plan: &Plan<'_>) -> Option<Error> {
        let ids = plan.nameless();
        if ids.is_empty() {
            return None;
        }
        let text = format!(
            "the service doesn't say the names of {}, namely {}, which the conditions ask for; no delete was sent. \
             --keep-from keeps files by their ids, and delete deletes them by these",
            count(ids.len()),
            wording::ids(&ids)
        );
        Some(Error::new(Status::Guard, CALL, text))
    }

    /// Options of the requests before the first delete.
    fn options(&self) -> Options<'_> {
        Options { cancel: Some(self.context.signals.cancel()), ..Options::default() }
    }

    /// Returns how many files `--limit` leaves out. Files that are kept don't count towards it.
    fn sort_and_limit(&self, plan: &mut Plan<'_>) -> usize {
        let order = &self.args.order;
        plan.files.sort_by(|(one, _), (other, _)| order.compare(one, other));
        let Some(limit) = order.limit else { return 0 };
        let (before, mut chosen) = (plan.files.len(), 0);
        plan.files.retain(|(_, kept)| {
            chosen += usize::from(kept.is_none());
            kept.is_some() || chosen <= limit
        });
        before - plan.files.len()
    }

    /// Shows or writes the plan of a dry run, or of a run that a guard has stopped.
    fn report(&self, plan: &Plan<'_>, guard: Option<CommandError>) -> Result<Exit, CommandError> {
        let output = self.context.output;
        let target = self.args.plan.as_deref().map(Target::of).transpose()?;
        if let (Some(target), None) = (&target, &guard) {
            let json = plan.to_json();
            // Opening a FIFO blocks until it has a reader; a signal ends that.
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
            let chosen = preview::describe(plan);
            match &self.args.plan {
                Some(_) if is_printed => output.say(&format!("nothing was deleted; in the plan: {chosen}")),
                Some(path) => output.say(&format!("nothing was deleted; in the plan {}: {chosen}", path.display())),
                None => {
                    let backup = self.after_backup();
                    output.say(&format!("nothing was deleted; without --dry-run it would be {chosen}{backup}"));
                }
            }
        }
        Ok(Exit::Done)
    }

    /// Continues an interrupted run with the files in its journal. No others are added.
    fn resume(&self, past: Past, head: Head, journal: Option<Journal>) -> Result<Exit, CommandError> {
        let mut work = past.resume(&head, None)?;
        work.keep(|id| self.filter.keep_ids.contains(&id));
        self.context.output.say("an earlier run was interrupted: what it may have deleted is looked for first");
        self.review(&mut work)?;
        let what = format!("{}{}", work.describe(), self.after_backup());
        confirm(self.context, &self.account, &what, self.args.bulk.yes)?;
        self.delete(work, &Listed::new(), head, journal)
    }

    /// Checks the files in the journal against the conditions and the guards: the journal may have been edited.
    fn review(&self, work: &mut Worklist) -> Result<(), CommandError> {
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
        let (total, listed) = (deleted + work.open().count(), deleted + review.listed.unwrap_or_default());
        let limit = self.args.order.limit.filter(|limit| total > *limit);
        let limit = limit.map(|limit| format!("{total} files would be deleted, more than the {limit} of --limit"));
        match review.matcher.guard(total, listed).or(limit) {
            None => Ok(()),
            Some(why) => {
                let text = format!("with those that an earlier run has deleted, {why}; no delete was sent");
                Err(Error::new(Status::Guard, CALL, text).into())
            }
        }
    }

    /// `, after a backup to DIR`
    fn after_backup(&self) -> String {
        let directory = self.args.backup.as_ref();
        let directory = directory.map(|directory| escape::text(&directory.to_string_lossy()));
        directory.map_or(String::new(), |directory| format!(", after a backup to {directory}"))
    }

    fn delete(
        &self,
        mut work: Worklist,
        listed: &Listed,
        head: Head,
        journal: Option<Journal>,
    ) -> Result<Exit, CommandError> {
        if let Some(journal) = &journal {
            journal.begin(head, &work)?;
        }
        if let Some(backup) = &self.backup {
            backup.save(self.context, &self.account, &mut work, listed, self.args.bulk.concurrency)?;
        }
        let (client, is_resumed) = (&self.account.client, work.is_resumed);
        let settings =
            Settings { concurrency: self.args.bulk.concurrency, verify: self.args.verify, lookup_first: false };
        Bulk::new(self.context, "prune", work, journal).run(settings, |files, options| match is_resumed {
            true => bulk::delete_files(client, files, options),
            false => prune::delete_listed(client, files, self.filter.purpose, options),
        })
    }
}

/// The ids of `--keep-from`, in lines as `delete -` reads them. A file without ids is refused: the command that should
/// have written it may have failed.
fn keep_ids(args: &args::Prune, context: &Context<'_>) -> Result<Vec<i64>, CommandError> {
    let Some(path) = &args.keep_from else { return Ok(Vec::new()) };
    let is_input = path == Path::new("-");
    let source = if is_input { ids::INPUT.to_owned() } else { path.display().to_string() };
    let files = if is_input {
        ids::read_input(context.signals, None)?
    } else {
        let unreadable = |error| CommandError::Usage(format!("{source} can't be read: {error}; nothing was sent"));
        ids::read(BufReader::new(File::open(path).map_err(unreadable)?), &source, None)?
    };
    if files.is_empty() && !args.keep_from_may_be_empty {
        let why = "has no id in it and would keep nothing: add --keep-from-may-be-empty if that is intended";
        return Err(CommandError::Usage(format!("{source} {why}; nothing was sent")));
    }
    Ok(files.into_iter().map(|file| file.file_id).collect())
}

fn filter<'a>(
    args: &'a args::Prune,
    keep_ids: &'a [i64],
    applied: Option<&'a PlanFile>,
) -> Result<Filter<'a>, CommandError> {
    let planned = applied.and_then(PlanFile::purpose);
    if let (Some(purpose), Some(planned)) = (&args.purpose, planned)
        && purpose != planned
    {
        return Err(CommandError::Usage(format!("the plan is of {planned}, not of {purpose}; nothing was sent")));
    }
    Ok(Filter {
        purpose: args.purpose.as_deref().or(planned),
        older_than: args.older_than,
        min_bytes: args.select.min_size,
        name_glob: args.select.name.as_deref(),
        keep_globs: args.keep.iter().map(String::as_str).collect(),
        keep_names: args.keep_name.iter().map(String::as_str).collect(),
        keep_ids,
        max_files: args.max_files(),
        max_percent: args.max_percent(),
        // A plan is a condition by itself.
        all: args.all || applied.is_some(),
    })
}
