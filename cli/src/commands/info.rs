//! `info`: shows the metadata of files.

use crate::args;
use crate::batch::{Item, call_each};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::table;
use mmx::api::contents;
use mmx::api::model::FileObject;
use mmx::api::retrieve;

pub(crate) fn run(args: &args::Info, context: &Context<'_>) -> Result<Exit, CommandError> {
    let account = context.account()?;
    let items: Vec<_> = args.ids.iter().copied().map(Item::of_id).collect();
    let call = |at: usize| retrieve::retrieve(&account.client, args.ids[at], &context.call_options(None));
    let mut blocks = 0;
    let text = |_, json: &str| {
        // The library has parsed it already.
        let files = contents::files(json).unwrap_or_default();
        let text = files.iter().map(describe).collect::<String>();
        blocks += 1;
        if blocks == 1 { text } else { format!("\n{text}") }
    };
    call_each(context, "info", &items, 1, call, text)
}

fn describe(file: &FileObject) -> String {
    let mut lines = vec![
        format!("file id   {}", file.file_id),
        format!("name      {}", table::name(&file.filename)),
        format!("purpose   {}", table::name(&file.purpose)),
        format!("created   {}", table::time(file.created_at)),
        format!("size      {}", table::size(file.bytes)),
    ];
    if !file.download_url.is_empty() {
        lines.push(format!("link      {}", table::name(&file.download_url)));
    }
    lines.join("\n")
}
