//! One call for each of several items. A failure doesn't stop the others, unless it is a refused key, an account without
//! balance or a signal.

use crate::context::Context;
use crate::error::{CommandError, message};
use crate::exit::Exit;
use crate::output::Unit;
use crate::parallel::call_all;
use mmx::api::bulk::is_for_all;
use mmx::error::{Error, Status};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// An item, with its name in messages and its key in JSON.
pub(crate) struct Item {
    pub(crate) label: String,
    pub(crate) key: (&'static str, Value),
}

impl Item {
    pub(crate) fn of_id(id: i64) -> Item {
        Item { label: id.to_string(), key: ("file_id", id.into()) }
    }
}

/// Makes the calls, at most `jobs` at a time, and prints each result as it comes. `text` formats a response for people.
/// With `--json` each item is `{KEY, "answer": the response, "error": null}`.
pub(crate) fn call_each(
    context: &Context<'_>,
    command: &str,
    items: &[Item],
    jobs: u32,
    call: impl Fn(usize) -> Result<String, Error> + Sync,
    mut text: impl FnMut(usize, &str) -> String,
) -> Result<Exit, CommandError> {
    let (mut exit, mut stopped, mut unprinted, mut unreported) = (Exit::Done, None, None, 0);
    let mut print = |at: usize, result: &Result<String, Error>| match result {
        result if context.output.json => context.output.print_json_text(&line(&items[at], result)),
        Ok(json) => context.output.print(&text(at, json)),
        Err(error) => {
            context.output.say(&format!("mmx-files {command}: {}: {}", items[at].label, message(error)));
            Ok(())
        }
    };
    let all = (items.len() > 1).then(|| context.output.bar(Unit::Files, command));
    let (mut done, total) = (0, i64::try_from(items.len()).unwrap_or(i64::MAX));
    let report = |done: i64| all.as_ref().map(|bar| bar.report(done, total));
    report(0);
    let begun = call_all(jobs, items.len(), call, |at, result| {
        done += 1;
        report(done);
        exit = exit.and(result.as_ref().err().map_or(Exit::Done, Exit::of));
        match unprinted {
            None => unprinted = print(at, &result).err(),
            Some(_) => unreported += 1,
        }
        let has_ended = context.signals.have_come();
        if let (Err(error), None) = (&result, stopped)
            && (is_for_all(error) || has_ended)
        {
            stopped = Some(Exit::of(error));
        }
        unprinted.is_none() && stopped.is_none() && !has_ended
    });
    drop(all);
    let left = items.len() - begun;
    if left + unreported > 0 {
        exit = exit.and(Exit::Unknown);
    }
    match unprinted {
        None => {}
        // No message, but the exit code tells of items without a result.
        Some(CommandError::Unread) => return Ok(exit),
        Some(error) => return Err(error),
    }
    if left > 0 && !context.output.json {
        context.output.say(&format!("mmx-files {command}: {left} of {} not attempted", items.len()));
    }
    for at in begun..items.len() {
        if context.output.json {
            print(at, &Err(Error::new(Status::Cancelled, "arguments", "not attempted")))?;
        }
    }
    Ok(stopped.unwrap_or(exit))
}

fn line(item: &Item, result: &Result<String, Error>) -> String {
    let answer = result.as_ref().ok().and_then(|json| serde_json::from_str::<&RawValue>(json).ok());
    let (key, value) = &item.key;
    let key = json!({ *key: value }).to_string();
    let key = key.strip_suffix('}').unwrap_or(&key);
    let answer = answer.map_or("null", RawValue::get);
    let error = result.as_ref().err().map_or("null".into(), Error::to_json);
    format!("{key},\"answer\":{answer},\"error\":{error}}}")
}
