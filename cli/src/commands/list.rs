//! `list`: prints a table of files, or JSON.

use crate::args;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::table::{self, Column, LEFT, RIGHT};
use crate::wording::count;
use mmx::api::contents::entries;
use mmx::api::filter::{Filter, Now};
use mmx::api::list::{CALL, list};
use mmx::api::model::FileObject;
use mmx::error::{Error, Status};

const COLUMNS: [Column; 5] = [
    Column("FILE ID", RIGHT),
    Column("PURPOSE", LEFT),
    Column("CREATED", LEFT),
    Column("SIZE", RIGHT),
    Column("NAME", LEFT),
];

pub(crate) fn run(args: &args::List, context: &Context<'_>) -> Result<Exit, CommandError> {
    let filter = Filter {
        name_glob: args.select.name.as_deref(),
        min_bytes: args.select.min_size,
        all: true,
        ..Filter::default()
    };
    let matcher = filter.check(CALL).map_err(CommandError::from_setting)?;
    let account = context.account()?;
    let json = list(&account.client, args.purpose.as_deref(), &context.call_options(None))?;
    let (mut files, unreadable) = entries(&json).map_err(|why| Error::new(Status::Protocol, CALL, why))?;
    let output = context.output;
    if unreadable > 0 {
        output.say(&format!("mmx-files list: left out {} whose entry in the list can't be read", count(unreadable)));
    }
    let now = Now::of(None);
    files.retain(|(file, _)| matcher.matches(file, &now));
    files.sort_by(|(one, _), (other, _)| args.order.compare(one, other));
    files.truncate(args.order.limit.unwrap_or(usize::MAX));
    if output.json {
        output.begin_results();
        return files.iter().try_for_each(|(_, json)| output.print_json_text(json.get())).map(|()| Exit::Done);
    }
    if files.is_empty() {
        output.say(&format!("no files ({account})"));
    } else {
        let rows = files.iter().map(|(file, _)| row(file)).collect();
        output.print(&table::table_of_names(&COLUMNS, rows, args.table.wide))?;
    }
    Ok(Exit::Done)
}

fn row(file: &FileObject) -> Vec<String> {
    vec![
        file.file_id.to_string(),
        table::name(&file.purpose),
        table::time(file.created_at),
        table::size(file.bytes),
        table::name(&file.filename),
    ]
}
