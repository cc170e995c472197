//! `list`: a table for people; a line of JSON for each file for programs.

use crate::args;
use crate::context::Context;
use crate::exit::Exit;
use crate::stop::Stop;
use crate::table::{self, Column, LEFT, RIGHT};
use crate::work::count;
use mmx::api::list::{CALL, list};
use mmx::api::model::FileObject;
use mmx::error::{Error, Status};
use serde::Deserialize;
use serde_json::value::RawValue;

const COLUMNS: [Column; 5] = [
    Column("FILE ID", RIGHT),
    Column("PURPOSE", LEFT),
    Column("CREATED", LEFT),
    Column("SIZE", RIGHT),
    Column("NAME", LEFT),
];

/// A file, and its JSON as it came.
struct Listed<'a> {
    file: FileObject,
    json: &'a RawValue,
}

pub(crate) fn run(args: &args::List, context: &Context<'_>) -> Result<Exit, Stop> {
    let account = context.account()?;
    let json = list(&account.client, args.purpose.as_deref(), &context.call_options(None))?;
    let (files, unreadable) = read(&json)?;
    let output = context.output;
    if unreadable > 0 {
        output.say(&format!("mmx-files list: {} in the service's list can't be read, and left out", count(unreadable)));
    }
    if output.json {
        output.begin_results();
        return files.iter().try_for_each(|file| output.print_json_text(file.json.get())).map(|()| Exit::Done);
    }
    if files.is_empty() {
        output.say(&format!("no files ({account})"));
    } else {
        let rows = files.iter().map(|listed| row(&listed.file)).collect();
        output.print(&table::table_of_names(&COLUMNS, rows, args.table.wide))?;
    }
    Ok(Exit::Done)
}

/// The files of the service's response, and how many entries are none.
fn read(json: &str) -> Result<(Vec<Listed<'_>>, usize), Stop> {
    #[derive(Deserialize)]
    struct Response<'a> {
        #[serde(borrow)]
        files: Option<&'a RawValue>,
    }
    let unreadable = |_| Error::new(Status::Protocol, CALL, "the answer is not a listing");
    let response: Response<'_> = serde_json::from_str(json).map_err(unreadable)?;
    let entries: Vec<&RawValue> = match response.files.map(RawValue::get) {
        Some(files) if files.starts_with('[') => serde_json::from_str(files).map_err(unreadable)?,
        // Null, or what stands for an empty list in some languages: the library lets nothing else through.
        _ => Vec::new(),
    };
    let total = entries.len();
    let read = |json: &'_ RawValue| serde_json::from_str(json.get()).ok();
    let files: Vec<_> = entries.into_iter().filter_map(|json| Some(Listed { file: read(json)?, json })).collect();
    let unreadable = total - files.len();
    Ok((files, unreadable))
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
