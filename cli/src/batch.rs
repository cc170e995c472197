//! One call for each of several items. A failure doesn't stop the others, unless it is a refused key, an account without
//! balance or a signal.

use crate::context::Context;
use crate::error::{CommandError, message};
use crate::exit::Exit;
use mmx::api::bulk::is_for_all;
use mmx::error::{Error, Status};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// An item, with its name in messages and its key in JSON.
pub(crate) struct Item {
    pub(crate) label: String,
    pub(crate) key: (&'static str, Value),
}

/// Makes the calls one after another. `text` formats a response for people. With `--json` each item is
/// `{KEY, "answer": the response, "error": null}`.
pub(crate) fn call_each(
    context: &Context<'_>,
    command: &str,
    items: &[Item],
    mut call: impl FnMut(usize) -> Result<String, Error>,
    mut text: impl FnMut(usize, &str) -> String,
) -> Result<Exit, CommandError> {
    let (mut exit, mut stopped) = (Exit::Done, None);
    for (at, item) in items.iter().enumerate() {
        let left = items.len() - at - 1;
        let result = if stopped.is_none() { call(at) } else { Err(not_attempted()) };
        exit = exit.and(result.as_ref().err().map_or(Exit::Done, Exit::of));
        let printed = match &result {
            result if context.output.json => context.output.print_json_text(&line(item, result)),
            Ok(json) => context.output.print(&text(at, json)),
            Err(_) if stopped.is_some() => Ok(()),
            Err(error) => {
                context.output.say(&format!("mmx-files {command}: {}: {}", item.label, message(error)));
                Ok(())
            }
        };
        match printed {
            Ok(()) => {}
            // No message, but items are left that were asked for.
            Err(CommandError::Unread) => return Ok(if left > 0 { exit.and(Exit::Unknown) } else { exit }),
            Err(error) => return Err(error),
        }
        let Err(error) = result else { continue };
        if stopped.is_none() && (is_for_all(&error) || context.signals.have_come()) {
            stopped = Some(Exit::of(&error));
            if left > 0 && !context.output.json {
                context.output.say(&format!("mmx-files {command}: {left} of {} not attempted", items.len()));
            }
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

fn not_attempted() -> Error {
    Error::new(Status::Cancelled, "arguments", "not attempted")
}
