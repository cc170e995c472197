//! `upload`: local files, one after another.

use crate::args;
use crate::batch::{Item, call_each};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Unit;
use crate::table;
use mmx::api::{model, upload};
use std::borrow::Cow;

pub(crate) fn run(args: &args::Upload, context: &Context<'_>) -> Result<Exit, CommandError> {
    let paths = args.paths.iter().map(|path| match path.to_str() {
        Some(path) => Ok(Cow::Borrowed(path)),
        None => Err(CommandError::Usage(format!("the path {} is not UTF-8", path.display()))),
    });
    let paths = paths.collect::<Result<Vec<_>, _>>()?;
    let account = context.account()?;
    let items: Vec<_> =
        paths.iter().map(|path| Item { label: table::name(path), key: ("path", path.as_ref().into()) }).collect();
    let call = |at: usize| {
        let bar = context.output.bar(Unit::Bytes, &paths[at]);
        let report = |done, total| bar.report(done, total);
        let options = context.call_options(Some(&report));
        upload::upload_file(&account.client, &paths[at], &args.purpose, args.reconcile, &options)
    };
    let text = |at: usize, json: &str| {
        // It was read as a file before.
        let files = model::files(json).unwrap_or_default();
        files.iter().map(|file| format!("{}  {}", file.file_id, items[at].label)).collect()
    };
    call_each(context, "upload", &items, call, text)
}
