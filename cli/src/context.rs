//! The context of a command.

use crate::account::Account;
use crate::args;
use crate::error::CommandError;
use crate::output::Output;
use crate::signals::Signals;
use mmx::transport::client::CallOptions;
use mmx::transport::progress::Report;

pub(crate) struct Context<'a> {
    pub(crate) settings: &'a args::Client,
    pub(crate) output: &'a Output,
    pub(crate) signals: &'a Signals,
}

impl<'a> Context<'a> {
    /// Creates the client. Sends nothing.
    pub(crate) fn account(&self) -> Result<Account, CommandError> {
        Account::new(self.settings, self.output)
    }

    /// Options of a call that a signal cancels.
    pub(crate) fn call_options<'r>(&'r self, progress: Option<Report<'r>>) -> CallOptions<'r> {
        CallOptions { cancel: Some(self.signals.cancel()), progress, ..CallOptions::default() }
    }
}
