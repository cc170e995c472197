//! The confirmation before files are deleted.

use crate::account::Account;
use crate::context::Context;
use crate::error::CommandError;
use crate::output::is_interactive;
use crate::streams;
use std::io::BufRead as _;

const UNANSWERABLE: &str =
    "nobody can be asked, for this is no terminal: add --yes if the files are to be deleted; nothing was sent";

/// Fails if `yes` is missing and nobody can be asked. Call it before anything is sent.
pub(crate) fn check_answerable(yes: bool) -> Result<(), CommandError> {
    if yes || is_interactive() { Ok(()) } else { Err(CommandError::Usage(UNANSWERABLE.into())) }
}

/// Prints what will be deleted and asks unless `yes` is set. `what` is for example `3 files of voice_clone`.
pub(crate) fn confirm(context: &Context<'_>, account: &Account, what: &str, yes: bool) -> Result<(), CommandError> {
    check_answerable(yes)?;
    if yes {
        context.output.say(&format!("deleting {what} ({account})"));
        return Ok(());
    }
    let question = format!("Delete {what} ({account})? [y/N] ");
    let mut answer = String::new();
    let ask = || {
        streams::write_err(question.as_bytes())?;
        streams::input()?.read_line(&mut answer)
    };
    context.signals.idle(ask).map_err(|_| CommandError::Declined)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(CommandError::Declined),
    }
}
