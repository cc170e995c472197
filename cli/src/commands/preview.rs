//! What a plan says to people before anything is deleted.

use super::usage::{COLUMNS as SUMS, rows, sums};
use crate::account::Account;
use crate::bulk::{NAMED, count};
use crate::context::Context;
use crate::stop::Stop;
use crate::table::{self, Column, LEFT, RIGHT};
use mmx::api::filter::Now;
use mmx::api::model::FileObject;
use mmx::api::prune::{CHANGED, GONE, Plan};

const FILES: [Column; 6] = [
    Column("FILE ID", RIGHT),
    Column("PURPOSE", LEFT),
    Column("CREATED", LEFT),
    Column("SIZE", RIGHT),
    Column("KEPT", LEFT),
    Column("NAME", LEFT),
];

/// What is listed and chosen, in sums.
pub(super) fn sum_up(context: &Context<'_>, account: &Account, plan: &Plan<'_>) {
    let say = |text: &str| context.output.say(text);
    let kept = plan.files.iter().filter(|(_, kept)| kept.is_some()).count();
    let kept = if kept > 0 { format!(", {kept} of them kept") } else { String::new() };
    let (listed, matching) = (count(plan.listed), plan.files.len());
    say(&format!("{account}: {listed} listed, {matching} match{kept}"));
    for (why, is_said) in [(GONE, "gone"), (CHANGED, "changed")] {
        let ids: Vec<_> = plan
            .files
            .iter()
            .filter(|(_, kept)| *kept == Some(why))
            .map(|(file, _)| file.file_id.to_string())
            .collect();
        if !ids.is_empty() {
            let more = if ids.len() > NAMED { ", …" } else { "" };
            let (count, named) = (count(ids.len()), ids[..ids.len().min(NAMED)].join(", "));
            say(&format!("{is_said} since the plan was made, and left alone: {count}, namely {named}{more}"));
        }
    }
    let (groups, all) = sums(plan.chosen(), None, &Now::of(plan.clock));
    if all.files > 0 {
        say(&format!("\n{}\n", table::table(&SUMS, rows(&groups, all))));
    }
}

/// `348 files, which frees at least 1.50 MiB`
pub(super) fn in_words(plan: &Plan<'_>) -> String {
    let (_, all) = sums(plan.chosen(), None, &Now::of(plan.clock));
    let size = all.size();
    match size.as_str() {
        _ if all.files == 0 => count(0),
        "unknown" => format!("{}, whose sizes the service doesn't say", count(all.files)),
        size if size.starts_with("at least") => format!("{}, which frees {size}", count(all.files)),
        size => format!("{}, which frees at least {size}", count(all.files)),
    }
}

/// Every file: the answer to a dry run.
pub(super) fn files(context: &Context<'_>, plan: &Plan<'_>) -> Result<(), Stop> {
    if plan.files.is_empty() {
        return Ok(());
    }
    let row = |(file, kept): &(FileObject, Option<&'static str>)| {
        vec![
            file.file_id.to_string(),
            table::name(&file.purpose),
            table::time(file.created_at),
            table::size(file.bytes),
            kept.unwrap_or_default().replace('_', " "),
            table::name(&file.filename),
        ]
    };
    context.output.print(&table::table(&FILES, plan.files.iter().map(row)))
}
