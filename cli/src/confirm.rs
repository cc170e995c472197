//! Before anything is deleted: which account, how many files, and whether that is meant.

use crate::account::Account;
use crate::context::Context;
use crate::error::CommandError;
use crate::output::has_a_person;
use crate::streams;
use std::io::BufRead as _;

const UNANSWERABLE: &str = "nobody can be asked, for this is no terminal: add --yes if the files are to be deleted";

/// Without a terminal there is nobody to ask: `yes` must have been said before. To be called before anything is sent.
pub(crate) fn check_answerable(yes: bool) -> Result<(), CommandError> {
    if yes || has_a_person() { Ok(()) } else { Err(CommandError::Usage(UNANSWERABLE.into())) }
}

/// Says what is about to be deleted and, unless `yes`, asks. `what` is as in `3 files of voice_clone`.
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
