//! `download`: downloads a file to a file or to standard output, or several to a directory.

use crate::account::Account;
use crate::args;
use crate::batch::{Item, call_each};
use crate::context::Context;
use crate::error::CommandError;
use crate::escape;
use crate::exit::Exit;
use crate::id_files::IdFiles;
use crate::output::Unit;
use crate::stdout::StdoutSink;
use crate::table;
use mmx::api::download::{FILE, download_file, download_stream};
use mmx::api::wait;
use mmx::error::{Error, Status};
use mmx::transport::client::CallOptions;
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::io::{IsTerminal as _, stdout};
use std::path::Path;

pub(crate) fn run(args: &args::Download, context: &Context<'_>) -> Result<Exit, CommandError> {
    let id = match (&args.directory, &args.ids[..]) {
        (Some(directory), _) => return to_directory(args, context, directory),
        (None, [id]) => *id,
        (None, _) => {
            let why = "several files need a directory: add --directory DIR; nothing was sent";
            return Err(CommandError::Usage(why.into()));
        }
    };
    match args.output.as_deref() {
        Some(path) if path == Path::new("-") => to_stdout(id, args, context),
        Some(path) => {
            let text = path.to_str();
            let text = text.ok_or_else(|| CommandError::Usage(format!("the path {} is not UTF-8", path.display())))?;
            // A device is written, not replaced.
            if fs::metadata(path).is_ok_and(|there| there.is_file()) && !args.force {
                return Err(exists(text));
            }
            to_file(id, args, context, text)
        }
        None => by_id(id, args, context),
    }
}

fn exists(path: &str) -> CommandError {
    CommandError::Usage(format!(
        "{path} exists already: --force overwrites it, --output names another; nothing was sent"
    ))
}

fn by_id(id: i64, args: &args::Download, context: &Context<'_>) -> Result<Exit, CommandError> {
    let files = IdFiles::here(args.force);
    if let Some(there) = files.in_the_way(id) {
        return Err(exists(&there));
    }
    let account = context.account()?;
    wait(id, args, context, &account)?;
    let bar = context.output.bar(Unit::Bytes, &id.to_string());
    let report = |done, total| bar.report(done, total);
    let json = files.download(&account.client, id, &id.to_string(), context, &context.call_options(Some(&report)))?;
    drop(bar);
    done(context, &json)
}

/// Downloads several files to a directory, each id once.
fn to_directory(args: &args::Download, context: &Context<'_>, directory: &Path) -> Result<Exit, CommandError> {
    let mut seen = HashSet::new();
    let ids: Vec<_> = args.ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    let account = context.account()?;
    let files = IdFiles::of(directory, args.force)?;
    let items: Vec<_> = ids.iter().copied().map(Item::of_id).collect();
    let call = |at: usize| {
        let id = ids[at];
        if let Some(there) = files.in_the_way(id) {
            let why = format!("{there} exists already: --force overwrites it");
            return Err(Error::new(Status::File, FILE, why));
        }
        wait(id, args, context, &account)?;
        let bar = context.output.bar(Unit::Bytes, &items[at].label);
        let report = |done, total| bar.report(done, total);
        let options = context.call_options(Some(&report));
        files.download(&account.client, id, &items[at].label, context, &options).map(|json| json.to_string())
    };
    let text = |_, json: &str| table::name(path_of(&serde_json::from_str(json).unwrap_or_default()));
    call_each(context, "download", &items, args.jobs, call, text)
}

fn to_file(id: i64, args: &args::Download, context: &Context<'_>, path: &str) -> Result<Exit, CommandError> {
    let account = context.account()?;
    wait(id, args, context, &account)?;
    let bar = context.output.bar(Unit::Bytes, &id.to_string());
    let report = |done, total| bar.report(done, total);
    let json = download_file(&account.client, id, path, false, &context.call_options(Some(&report)))?;
    drop(bar);
    let mut json: Value = serde_json::from_str(&json).unwrap_or_default();
    json["path"] = path.into();
    done(context, &json)
}

/// With `--wait`, returns once the service has the file.
fn wait(id: i64, args: &args::Download, context: &Context<'_>, account: &Account) -> Result<(), Error> {
    if !args.wait {
        return Ok(());
    }
    let _spinner = context.output.spinner(&format!("waiting for {id}"));
    let limit = context.settings.timeout.and_then(|limit| limit.0);
    wait::wait(&account.client, id, &CallOptions { timeout: limit.into(), ..context.call_options(None) }).map(|_| ())
}

fn path_of(json: &Value) -> &str {
    json["path"].as_str().unwrap_or_default()
}

fn done(context: &Context<'_>, json: &Value) -> Result<Exit, CommandError> {
    match context.output.json {
        true => context.output.print_json(json)?,
        false => context.output.print(&table::name(path_of(json)))?,
    }
    Ok(Exit::Done)
}

fn to_stdout(id: i64, args: &args::Download, context: &Context<'_>) -> Result<Exit, CommandError> {
    if stdout().is_terminal() {
        return Err(CommandError::Usage("a file's bytes could drive the terminal: redirect standard output".into()));
    }
    let account = context.account()?;
    wait(id, args, context, &account)?;
    let bar = context.output.bar(Unit::Bytes, &id.to_string());
    let report = |done, total| bar.report(done, total);
    let mut pipe = StdoutSink::new(context.signals);
    let result = download_stream(&account.client, id, &mut pipe, false, &context.call_options(Some(&report)));
    drop(bar);
    if pipe.is_unread() {
        return Err(CommandError::Unread);
    }
    let json = result?;
    if context.output.json {
        // Standard output has the file.
        context.output.say(&escape::json(&json));
    }
    Ok(Exit::Done)
}
