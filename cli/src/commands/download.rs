//! `download`: downloads a file to a file or to standard output.

use crate::args;
use crate::context::Context;
use crate::error::CommandError;
use crate::escape;
use crate::exit::Exit;
use crate::media_type;
use crate::output::Unit;
use crate::stdout::StdoutSink;
use crate::table;
use mmx::api::download::{download_file, download_stream};
use serde_json::Value;
use std::fs;
use std::io::{self, IsTerminal as _, stdout};
use std::path::Path;
use tempfile::TempPath;

pub(crate) fn run(args: &args::Download, context: &Context<'_>) -> Result<Exit, CommandError> {
    match args.output.as_deref() {
        Some(path) if path == Path::new("-") => to_stdout(args, context),
        Some(path) => {
            let text = path.to_str();
            let text = text.ok_or_else(|| CommandError::Usage(format!("the path {} is not UTF-8", path.display())))?;
            // A device is written, not replaced.
            if fs::metadata(path).is_ok_and(|there| there.is_file()) && !args.force {
                return Err(exists(text));
            }
            let json = to_file(args, context, text)?;
            done(context, json, text)
        }
        None => by_id(args, context),
    }
}

fn exists(path: &str) -> CommandError {
    CommandError::Usage(format!(
        "{path} exists already: --force overwrites it, --output names another; nothing was sent"
    ))
}

/// Downloads to a file named by the id, since the service's name must not determine where a file is written. The extension
/// is added afterwards, when the media type is known.
fn by_id(args: &args::Download, context: &Context<'_>) -> Result<Exit, CommandError> {
    let id = args.id.to_string();
    if let (Some(there), false) = (named_by(&id), args.force) {
        return Err(exists(&there));
    }
    let json = to_file(args, context, &id)?;
    let Some(extension) = json["content_type"].as_str().and_then(media_type::extension) else {
        return done(context, json, &id);
    };
    let name = format!("{id}.{extension}");
    let renamed = match args.force {
        true => fs::rename(&id, &name),
        false => rename_to_new(&id, &name),
    };
    match renamed {
        Ok(()) => done(context, json, &name),
        Err(error) => {
            context.output.say(&format!("mmx-files download: {id} can't be renamed to {name}: {error}"));
            done(context, json, &id)
        }
    }
}

/// The name of a file in this directory that is the id, with any extension.
fn named_by(id: &str) -> Option<String> {
    let names = fs::read_dir(".").into_iter().flatten().flatten().map(|entry| entry.file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))).min()
}

/// Fails if a file of that name was created in the meantime.
fn rename_to_new(from: &str, to: &str) -> io::Result<()> {
    let from = TempPath::try_from_path(from)?;
    from.persist_noclobber(to).map_err(|error| {
        // The downloaded file must not be removed.
        let _ = error.path.keep();
        error.error
    })
}

fn to_file(args: &args::Download, context: &Context<'_>, path: &str) -> Result<Value, CommandError> {
    let account = context.account()?;
    let bar = context.output.bar(Unit::Bytes, &args.id.to_string());
    let report = |done, total| bar.report(done, total);
    let json = download_file(&account.client, args.id, path, false, &context.call_options(Some(&report)))?;
    drop(bar);
    Ok(serde_json::from_str(&json).unwrap_or_default())
}

fn done(context: &Context<'_>, mut json: Value, path: &str) -> Result<Exit, CommandError> {
    match context.output.json {
        true => {
            json["path"] = path.into();
            context.output.print_json(&json)?;
        }
        false => context.output.print(&table::name(path))?,
    }
    Ok(Exit::Done)
}

fn to_stdout(args: &args::Download, context: &Context<'_>) -> Result<Exit, CommandError> {
    if stdout().is_terminal() {
        return Err(CommandError::Usage("a file's bytes could drive the terminal: redirect standard output".into()));
    }
    let account = context.account()?;
    let bar = context.output.bar(Unit::Bytes, &args.id.to_string());
    let report = |done, total| bar.report(done, total);
    let mut pipe = StdoutSink::new(context.signals);
    let result = download_stream(&account.client, args.id, &mut pipe, false, &context.call_options(Some(&report)));
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
