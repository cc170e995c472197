//! `list`: a table for people; for programs the service's answer.

use crate::args;
use crate::context::Context;
use crate::escape;
use crate::exit::Exit;
use crate::stop::Stop;
use crate::table::{self, Column, LEFT, RIGHT};
use mmx::api::list::{CALL, list};
use mmx::api::model::{self, FileObject};
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
    if context.output.json {
        context.output.print(&escape::json(&json))?;
        return Ok(Exit::Done);
    }
    let files = model::files(&json).map_err(|why| Error::new(Status::Protocol, CALL, why))?;
    if files.is_empty() {
        context.output.say(&format!("no files ({account})"));
    } else {
        context.output.print(&table::table(&COLUMNS, files.iter().map(row)))?;
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
