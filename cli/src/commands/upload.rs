//! `upload`: uploads local files and standard input.

use crate::args;
use crate::batch::{Item, call_each};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Unit;
use crate::stdin::StdinSource;
use crate::table;
use mmx::api::upload::UploadFlags;
use mmx::api::{contents, upload};
use mmx::error::{Error, Status};
use mmx::transport::client::CallOptions;

/// Stands for standard input.
const INPUT: &str = "-";

pub(crate) fn run(args: &args::Upload, context: &Context<'_>) -> Result<Exit, CommandError> {
    let paths = args.paths.iter().map(|path| {
        path.to_str().ok_or_else(|| CommandError::Usage(format!("the path {} is not UTF-8", path.display())))
    });
    let paths = paths.collect::<Result<Vec<_>, _>>()?;
    check_input(&paths, args.filename.as_deref())?;
    let filename = args.filename.as_deref().unwrap_or_default();
    let name = |path: &str| table::name(if path == INPUT { filename } else { path });
    let account = context.account()?;
    let items: Vec<_> = paths.iter().map(|path| Item { label: name(path), key: ("path", (*path).into()) }).collect();
    let flags = UploadFlags { reconcile: args.reconcile, reuse: args.reuse, ..UploadFlags::default() };
    let expires_after_s = args.expires_after.map(|time| time.as_secs()).filter(|&seconds| seconds > 0);
    let call = |at: usize| {
        let bar = context.output.bar(Unit::Bytes, &items[at].label);
        let report = |done, total| bar.report(done, total);
        let options = CallOptions { expires_after_s, ..context.call_options(Some(&report)) };
        if paths[at] != INPUT {
            return upload::upload_file(&account.client, paths[at], &args.purpose, flags, &options);
        }
        let unreadable =
            |error| Error::new(Status::File, upload::STREAM, format!("standard input can't be read: {error}"));
        let mut source = StdinSource::new(context.signals).map_err(unreadable)?;
        upload::upload_stream(&account.client, &mut source, filename, &args.purpose, flags, &options)
    };
    let text = |at: usize, json: &str| {
        // The library has parsed it already.
        let files = contents::files(json).unwrap_or_default();
        files.iter().map(|file| format!("{}  {}", file.file_id, items[at].label)).collect()
    };
    call_each(context, "upload", &items, args.jobs, call, text)
}

fn check_input(paths: &[&str], filename: Option<&str>) -> Result<(), CommandError> {
    let why = match (paths.iter().filter(|path| **path == INPUT).count(), filename) {
        (0, None) | (1, Some(_)) => return Ok(()),
        (0, Some(_)) => "--filename is the name of standard input: give - as the path",
        (1, None) => "standard input has no name: add --filename",
        _ => "standard input can be uploaded only once",
    };
    Err(CommandError::Usage(format!("{why}; nothing was sent")))
}
