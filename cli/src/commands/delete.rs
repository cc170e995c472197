//! `delete`: files by their ids.

use crate::args;
use crate::bulk::{self, Bulk};
use crate::confirm::{check_answerable, confirm};
use crate::context::Context;
use crate::exit::Exit;
use crate::ids::{self, Named};
use crate::stop::Stop;
use mmx::api::bulk::FileRef;
use std::collections::BTreeSet;
use std::io;

pub(crate) fn run(args: &args::Delete, context: &Context<'_>) -> Result<Exit, Stop> {
    check_answerable(args.bulk.yes)?;
    let named = named(args, context)?;
    let account = context.account()?;
    if named.is_empty() {
        context.output.say("no ids were given, so nothing is deleted");
        return bulk::nothing(context);
    }
    confirm(context, &account, &in_words(&named), args.bulk.yes)?;
    let files: Vec<_> = named.iter().map(|file| FileRef { file_id: file.file_id, purpose: &file.purpose }).collect();
    let bulk = Bulk::new(context, "delete", files.len());
    bulk.run(args.bulk.concurrency, |options| mmx::api::bulk::delete_files(&account.client, &files, options))
}

/// All of them, from the arguments and from standard input.
fn named(args: &args::Delete, context: &Context<'_>) -> Result<Vec<Named>, Stop> {
    let mut files = Vec::new();
    for word in &args.ids {
        if word == "-" {
            files.extend(context.signals.idle(|| ids::read(io::stdin().lock(), args.purpose.as_deref()))?);
            continue;
        }
        let file_id = ids::id(word).map_err(|why| Stop::Usage(format!("\"{word}\" {why}; nothing was sent")))?;
        let purpose = args.purpose.clone().ok_or_else(|| {
            Stop::Usage(format!("what {word} was uploaded for is not said: add --purpose; nothing was sent"))
        })?;
        files.push(Named { file_id, purpose });
    }
    Ok(files)
}

/// `1 file of voice_clone`, `40 files of t2a_async, voice_clone`
fn in_words(files: &[Named]) -> String {
    let purposes: BTreeSet<_> = files.iter().map(|file| file.purpose.as_str()).collect();
    let purposes = purposes.into_iter().collect::<Vec<_>>().join(", ");
    format!("{} of {purposes}", bulk::count(files.len()))
}
