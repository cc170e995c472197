//! Before anything is deleted: which account, how many files, and whether that is meant.

use crate::account::Account;
use crate::context::Context;
use crate::output::has_a_person;
use crate::stop::Stop;
use std::io::{self, Write as _};

/// Without a terminal there is nobody to ask: `yes` must have been said before. To be called before anything is sent.
pub(crate) fn check_answerable(yes: bool) -> Result<(), Stop> {
    if yes || has_a_person() {
        return Ok(());
    }
    Err(Stop::Usage("nobody can be asked, for this is no terminal: add --yes if the files are to be deleted".into()))
}

/// Says what is about to be deleted and, unless `yes`, asks. `what` is as in `3 files of voice_clone`.
pub(crate) fn confirm(context: &Context<'_>, account: &Account, what: &str, yes: bool) -> Result<(), Stop> {
    check_answerable(yes)?;
    if yes {
        context.output.say(&format!("deleting {what} ({account})"));
        return Ok(());
    }
    let asked = write!(io::stderr().lock(), "Delete {what} ({account})? [y/N] ");
    asked.and_then(|()| io::stderr().flush()).map_err(|_| Stop::Declined)?;
    let mut answer = String::new();
    context.signals.idle(|| io::stdin().read_line(&mut answer)).map_err(|_| Stop::Declined)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Stop::Declined),
    }
}
