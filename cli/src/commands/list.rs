//! `list`: prints a table of files, or JSON.

use crate::args;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::table::{self, Column, LEFT, RIGHT};
use crate::wording::count;
use mmx::api::filter::{Filter, Now};
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

/// A file, and its JSON in the response.
struct Listed<'a> {
    file: FileObject,
    json: &'a RawValue,
}

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
    let (mut files, unreadable) = read(&json)?;
    let output = context.output;
    if unreadable > 0 {
        output.say(&format!("mmx-files list: left out {} whose entry in the list can't be read", count(unreadable)));
    }
    let now = Now::of(None);
    files.retain(|listed| matcher.matches(&listed.file, &now));
    files.sort_by(|one, other| args.order.compare(&one.file, &other.file));
    files.truncate(args.order.limit.unwrap_or(usize::MAX));
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

/// The files in the response, and the number of entries that can't be read.
fn read(json: &str) -> Result<(Vec<Listed<'_>>, usize), CommandError> {
    #[derive(Deserialize)]
    struct Response<'a> {
        #[serde(borrow)]
        files: Option<&'a RawValue>,
    }
    let unreadable = |_| Error::new(Status::Protocol, CALL, "the response is not a list of files");
    let response: Response<'_> = serde_json::from_str(json).map_err(unreadable)?;
    let entries: Vec<&RawValue> = match response.files.map(RawValue::get) {
        Some(files) if files.starts_with('[') => serde_json::from_str(files).map_err(unreadable)?,
        // Null, or an empty object: some languages write an empty list so.
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
