//! `delete`: deletes files by their ids.

use crate::args;
use crate::bulk::{self, Bulk, Settings};
use crate::confirm::{check_answerable, confirm};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::ids::{self, Named};
use crate::journal::{self, Head};
use crate::worklist::{Entry, Worklist};
use serde_json::Value;

pub(crate) fn run(args: &args::Delete, context: &Context<'_>) -> Result<Exit, CommandError> {
    check_answerable(args.bulk.yes)?;
    let named = named(args, context)?;
    let account = context.account()?;
    if named.is_empty() {
        context.output.say("no ids were given: nothing is deleted");
        return bulk::nothing(context);
    }
    let entries: Vec<_> = named.into_iter().map(|file| Entry::new(file.file_id, file.purpose, None)).collect();
    let head = Head::new("delete", &account, Value::Null, None);
    let (journal, past) = journal::open(args.bulk.journal.as_deref())?;
    let work = match past {
        Some(past) => past.resume(&head, Some(&entries))?,
        None => Worklist::new(entries),
    };
    confirm(context, &account, &work.describe(), args.bulk.yes)?;
    if let Some(journal) = &journal {
        journal.begin(head, &work)?;
    }
    let lookup_first = work.is_resumed;
    let settings = Settings { concurrency: args.bulk.concurrency, verify: false, lookup_first };
    let bulk = Bulk::new(context, "delete", work, journal);
    bulk.run(settings, |files, options| mmx::api::bulk::delete_files(&account.client, files, options))
}

/// The files in the arguments and in standard input. Those without a purpose have an empty one.
fn named(args: &args::Delete, context: &Context<'_>) -> Result<Vec<Named>, CommandError> {
    let mut files = Vec::new();
    for word in &args.ids {
        if word == "-" {
            files.extend(ids::read_input(context.signals, args.purpose.as_deref())?);
            continue;
        }
        let file_id =
            ids::id(word).map_err(|why| CommandError::Usage(format!("\"{word}\" {why}; nothing was sent")))?;
        files.push(Named { file_id, purpose: args.purpose.clone().unwrap_or_default() });
    }
    Ok(files)
}
