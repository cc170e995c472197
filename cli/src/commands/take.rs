//! `take`: downloads a file, and deletes it once it is whole on this disk.

use crate::args;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Unit;
use crate::table;
use mmx::api::take;
use serde_json::Value;
use std::fs;

pub(crate) fn run(args: &args::Take, context: &Context<'_>) -> Result<Exit, CommandError> {
    let path = args.output.to_str();
    let path = path.ok_or_else(|| CommandError::Usage(format!("the path {} is not UTF-8", args.output.display())))?;
    if fs::metadata(path).is_ok_and(|there| there.is_file()) && !args.force {
        let why = "exists already: --force overwrites it, --output names another; nothing was sent";
        return Err(CommandError::Usage(format!("{path} {why}")));
    }
    let account = context.account()?;
    let bar = context.output.bar(Unit::Bytes, &args.id.to_string());
    let report = |done, total| bar.report(done, total);
    let options = context.call_options(Some(&report));
    let (json, result) = take::take(&account.client, args.id, args.purpose.as_deref(), path, false, &options);
    drop(bar);
    // It is on this disk, also where it could not be deleted.
    if let Some(json) = json {
        match context.output.json {
            true => context.output.print_json(&serde_json::from_str::<Value>(&json).unwrap_or_default())?,
            false => context.output.print(&table::name(path))?,
        }
    }
    result?;
    Ok(Exit::Done)
}
