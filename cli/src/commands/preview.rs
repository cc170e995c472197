//! Shows a plan before anything is deleted.

use super::usage::{COLUMNS as SUMS, rows, sums};
use crate::account::Account;
use crate::context::Context;
use crate::error::CommandError;
use crate::table::{self, Column, LEFT, RIGHT};
use crate::wording::{self, count};
use mmx::api::filter::{Keep, KeepRule, Now};
use mmx::api::model::FileObject;
use mmx::api::prune::{CHANGED, GONE, Plan};
use std::collections::BTreeMap;

const FILES: [Column; 6] = [
    Column("FILE ID", RIGHT),
    Column("PURPOSE", LEFT),
    Column("CREATED", LEFT),
    Column("SIZE", RIGHT),
    Column("KEPT", LEFT),
    Column("NAME", LEFT),
];

/// Counts and sizes of the files to delete, and what is kept. With `--json`, only warnings.
pub(super) fn summarize(context: &Context<'_>, account: &Account, plan: &Plan<'_>, left_out: usize) {
    let is_for_people = !context.output.json;
    let say = |text: &str| context.output.say(text);
    if is_for_people {
        let kept = if plan.kept() > 0 { format!(", {} of them kept", plan.kept()) } else { String::new() };
        say(&format!("{account}: {} listed, {} match{kept}", count(plan.listed), plan.matched() + left_out));
        if left_out > 0 {
            let taken: Vec<_> = plan.chosen().map(|file| file.file_id).collect();
            say(&format!("{left_out} more match, and are left out by --limit"));
            say(&format!("taken: {}, namely {}", count(taken.len()), wording::ids(&taken)));
        }
        for (why, is_said) in [(GONE, "gone"), (CHANGED, "changed")] {
            let ids: Vec<_> =
                plan.files.iter().filter(|(_, kept)| *kept == Some(why)).map(|(file, _)| file.file_id).collect();
            if !ids.is_empty() {
                let (count, named) = (count(ids.len()), wording::ids(&ids));
                say(&format!("{is_said} since the plan was made, and left alone: {count}, namely {named}"));
            }
        }
    }
    plan.keeps
        .iter()
        .filter(|keep| is_for_people || keep.kept == 0)
        .filter_map(describe_pattern)
        .for_each(|text| say(&text));
    describe_ids(&plan.keeps, is_for_people).iter().for_each(|text| say(text));
    let (groups, all) = sums(plan.chosen(), None, &Now::of(plan.clock));
    if is_for_people && all.files > 0 {
        say(&format!("\n{}\n", table::table(&SUMS, rows(&groups, all))));
    }
}

/// The effect of a pattern or a name; `None` for an id.
fn describe_pattern(keep: &Keep<'_>) -> Option<String> {
    let (option, text) = match keep.rule {
        KeepRule::Glob(glob) => ("--keep", glob),
        KeepRule::Name(name) => ("--keep-name", name),
        KeepRule::Id(_) => return None,
    };
    let keeps = format!("{option} \"{}\" keeps", table::name(text));
    let why = match (keep.kept, keep.listed, keep.rule) {
        (1.., ..) => return Some(format!("{keeps} {}", count(keep.kept))),
        (0, 0, KeepRule::Glob(glob)) if glob.contains('[') => {
            "no listed name matches it; for an exact name there is --keep-name".into()
        }
        (0, 0, KeepRule::Glob(_)) => "no listed name matches it".into(),
        (0, 0, _) => "no listed file has this name".into(),
        (0, 1, _) => "1 listed file matches it, but would not be deleted anyway".into(),
        (0, listed, _) => format!("{listed} listed files match it, but would not be deleted anyway"),
    };
    Some(format!("{keeps} no file: {why}"))
}

/// The effect of the ids together: each keeps one file or none.
fn describe_ids(keeps: &[Keep<'_>], is_for_people: bool) -> Vec<String> {
    let ids: Vec<_> = keeps
        .iter()
        .filter_map(|keep| if let KeepRule::Id(id) = keep.rule { Some((id, keep)) } else { None })
        .collect();
    let kept = ids.iter().filter(|(_, keep)| keep.kept > 0).count();
    let unlisted: Vec<_> = ids.iter().filter(|(_, keep)| keep.listed == 0).map(|(id, _)| *id).collect();
    let mut said = Vec::new();
    if !ids.is_empty() && (is_for_people || kept == 0) {
        let ids = if ids.len() == 1 { "1 id keeps".into() } else { format!("{} ids keep", ids.len()) };
        let kept = if kept == 0 { "no file".into() } else { count(kept) };
        said.push(format!("--keep-from: {ids} {kept}"));
    }
    match &unlisted[..] {
        [] => {}
        [id] => said.push(format!("--keep-from: 1 of them keeps nothing: no listed file has this id: {id}")),
        ids => {
            let (count, named) = (ids.len(), wording::ids(ids));
            said.push(format!("--keep-from: {count} of them keep nothing: no listed file has these ids: {named}"));
        }
    }
    said
}

/// Files in a journal that must not be deleted, by the reason.
pub(super) fn left_alone(context: &Context<'_>, stays: &BTreeMap<&str, Vec<i64>>) {
    for (why, ids) in stays {
        let (count, named, why) = (count(ids.len()), wording::ids(ids), why.replace('_', " "));
        context.output.say(&format!("in the journal, and left alone: {count}, namely {named} ({why})"));
    }
}

/// `348 files, which frees at least 1.50 MiB`
pub(super) fn describe(plan: &Plan<'_>) -> String {
    let (_, all) = sums(plan.chosen(), None, &Now::of(plan.clock));
    let size = all.size();
    match size.as_str() {
        _ if all.files == 0 => count(0),
        "unknown" => format!("{}, whose sizes the service doesn't say", count(all.files)),
        size if size.starts_with("at least") => format!("{}, which frees {size}", count(all.files)),
        size => format!("{}, which frees at least {size}", count(all.files)),
    }
}

/// A table of all files in the plan, for a dry run.
pub(super) fn files(context: &Context<'_>, plan: &Plan<'_>, is_wide: bool) -> Result<(), CommandError> {
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
    context.output.print(&table::table_of_names(&FILES, plan.files.iter().map(row).collect(), is_wide))
}
