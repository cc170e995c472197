//! `sweep`: settles what crashed processes left in the ledger, and deletes what is due.

use crate::args;
use crate::bulk;
use crate::context::Context;
use crate::error::{CommandError, message};
use crate::exit::Exit;
use crate::table;
use crate::wording;
use mmx::api::bulk::{Options, is_for_all};
use mmx::api::outcome::Outcome;
use mmx::api::sweep::sweep;
use mmx::error::Status;
use serde_json::Value;
use std::cell::{Cell, RefCell};

pub(crate) fn run(args: &args::Sweep, context: &Context<'_>) -> Result<Exit, CommandError> {
    let account = context.account()?;
    let exit = Cell::new(Exit::Done);
    let unprinted = RefCell::new(None);
    let on_outcome = |outcome: &Outcome<'_>| {
        exit.set(exit.get().and(Exit::of_outcome(outcome)));
        let printed = match &outcome.error {
            _ if context.output.json => context.output.print_json(&outcome.to_json()),
            Some(error) => {
                let kind = outcome.kind.name();
                context.output.say(&format!("mmx-files sweep: {} {kind}: {}", outcome.file_id, message(error)));
                Ok(())
            }
            None if args.dry_run => {
                context.output.print(&format!("{}  {}", outcome.file_id, table::name(outcome.purpose)))
            }
            None => Ok(()),
        };
        // No file is deleted whose outcome can't be printed.
        printed.map_err(|error| *unprinted.borrow_mut() = Some(error)).is_ok()
    };
    let (cancel, on_outcome) = (Some(context.signals.cancel()), Some(&on_outcome as _));
    let timeout = context.settings.timeout.and_then(|limit| limit.0);
    let done =
        sweep(&account.client, &Options { timeout, dry_run: args.dry_run, cancel, on_outcome, ..Options::default() });
    let Some(json) = done.json.as_deref() else { return done.result.map(|()| Exit::Done).map_err(Into::into) };
    if let Some(error) = unprinted.take() {
        return match error {
            CommandError::Unread => Ok(exit.get().and(Exit::Unknown)),
            error => Err(error),
        };
    }
    let json: Value = serde_json::from_str(json).unwrap_or_default();
    let of_sweep = &json["sweep"];
    let unsettled = of_sweep["unsettled"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !unsettled.is_empty() {
        exit.set(exit.get().and(Exit::Failed));
    }
    if let Err(error) = &done.result
        && error.status != Status::Partial
    {
        context.output.say(&format!("mmx-files sweep: {}", message(error)));
        exit.set(if is_for_all(error) { Exit::of(error) } else { exit.get().and(Exit::of(error)) });
    }
    if !context.output.json {
        unsettled.iter().for_each(|upload| context.output.say(&describe(upload)));
        let waiting = of_sweep["waiting"].as_u64().unwrap_or_default();
        if waiting > 0 {
            let text = "not listed yet: the next sweep looks again, and gives them up after ten minutes";
            context.output.say(&format!("mmx-files sweep: uploads of processes that are gone, {text}: {waiting}"));
        }
    }
    bulk::print_result(context, done.counts, ("sweep", of_sweep.clone())).map(|()| exit.get())
}

/// `a.mp3 (voice_clone, 3000 bytes): several files fit this upload: 1, 2`
fn describe(upload: &Value) -> String {
    let text = |name: &str| upload[name].as_str().unwrap_or_default();
    let name = [text("path"), text("filename")].into_iter().find(|name| !name.is_empty()).unwrap_or("a file");
    let purpose = [text("purpose"), "purpose not known"].into_iter().find(|purpose| !purpose.is_empty());
    let bytes = upload["bytes"].as_u64().map_or(String::new(), |bytes| format!(", {bytes} bytes"));
    let ids: Vec<_> = upload["file_ids"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
    let ids = if ids.is_empty() { String::new() } else { format!(": {}", wording::ids(&ids)) };
    let (name, purpose) = (table::name(name), table::name(purpose.unwrap_or_default()));
    format!("mmx-files sweep: {name} ({purpose}{bytes}): {}{ids}", text("why"))
}
