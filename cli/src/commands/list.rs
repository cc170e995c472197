//! `list`: a table for people; a line of JSON for each file for programs.

use crate::args;
use crate::bulk::count;
use crate::context::Context;
use crate::exit::Exit;
use crate::stop::Stop;
use crate::table::{self, Column, LEFT, RIGHT};
use mmx::api::list::{CALL, list};
use mmx::api::model::{FileObject, entries};
use mmx::error::{Error, Status};

const COLUMNS: [Column; 5] = [
    Column("FILE ID", RIGHT),
    Column("PURPOSE", LEFT),
    Column("CREATED", LEFT),
    Column("SIZE", RIGHT),
    Column("NAME", LEFT),
];

pub(crate) fn run(args: &args::List, context: &Context<'_>) -> Result<Exit, Stop> {
    let account = context.account()?;
    let json = list(&account.client, args.purpose.as_deref(), &context.call_options(None))?;
    let (files, unreadable) = entries(&json).map_err(|why| Error::new(Status::Protocol, CALL, why))?;
    let output = context.output;
    if unreadable > 0 {
        output.say(&format!("mmx-files list: {} in the service's list can't be read, and left out", count(unreadable)));
    }
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
