//! The ledger: a file of JSON Lines that knows every upload of its clients until the file is deleted, so that
//! [`crate::api::sweep`] can settle what a crash left.
//!
//! [`fact`] has the lines, [`entries`] what they come to, [`storage`] reads and writes the file under its lock, and
//! [`process`] tells whether the process of an entry still runs.

mod entries;
mod fact;
mod process;
mod storage;

pub use entries::{Entries, Entry, StoredFile};
pub use fact::{Account, Fact, Struck, new_name};
pub use process::{ProcessId, unreadable};

use crate::error::Error;
use crate::transport::client::Client;
use crate::transport::deadline::Deadline;
use crate::transport::exchange::Limits;
use crate::transport::log::{Level, Log};
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;
use storage::Storage;

/// For what is written after a call's result is known: its own limits no longer count.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// Whether what is written has to survive a power failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    Yes,
    No,
}

/// The ledger of a client, within one call.
pub struct Ledger<'c> {
    client: &'c Client,
    call: &'static str,
    storage: Storage,
    pub account: Account,
}

impl<'c> Ledger<'c> {
    /// `None`: the client has none.
    pub fn of(client: &'c Client, call: &'static str) -> Option<Ledger<'c>> {
        let path = client.ledger()?;
        let account = Account { base_url: client.base_url(), key_fingerprint: client.key_fingerprint() };
        Some(Ledger { client, call, storage: Storage::new(path), account })
    }

    pub fn path(&self) -> &Path {
        self.storage.path()
    }

    /// Reads it as it is now.
    pub fn read<T>(&self, with: impl FnOnce(&Entries) -> T) -> Result<T, Error> {
        self.storage.read(with).map_err(|failure| failure.error(self.call, self.path()))
    }

    /// Writes what `decide` says of the entries as they are now. No other process or thread writes in between.
    pub fn change<T>(
        &self,
        limits: Limits<'_>,
        flush: Flush,
        decide: impl FnOnce(&Entries) -> (Vec<Fact>, T),
    ) -> Result<T, Error> {
        self.storage.change(limits, flush, decide).map_err(|failure| failure.error(self.call, self.path()))
    }

    /// The limits of what is written after a call's result is known.
    pub fn afterwards() -> Limits<'static> {
        let deadline = Deadline::after(Some(AFTERWARDS));
        Limits { deadline, cancel: None, interrupt: None, idle: None }
    }

    /// Writes facts of a call that has its result already: a failure is logged, and they are written with the next
    /// change of this process.
    pub fn record(&self, flush: Flush, facts: Vec<Fact>) {
        let kept = facts.clone();
        if let Err(error) = self.change(Ledger::afterwards(), flush, |_| (facts, ())) {
            self.storage.write_later(kept);
            self.log(&error);
        }
    }

    /// Strikes out what is known of a file that is gone.
    pub fn strike_out(&self, file_id: i64, why: Struck) {
        let entries: Vec<_> =
            self.read_if_possible(|entries| entries.of_file(&self.account, file_id).map(str::to_owned).collect());
        if !entries.is_empty() {
            self.record(Flush::No, entries.into_iter().map(|entry| Fact::Struck { entry, why }).collect());
        }
    }

    /// The ids of all files that it knows.
    pub fn files(&self) -> HashSet<i64> {
        self.read_if_possible(|entries| entries.files(&self.account).collect())
    }

    /// For calls that can do without: a failure is logged.
    fn read_if_possible<T: Default>(&self, with: impl FnOnce(&Entries) -> T) -> T {
        self.read(with).unwrap_or_else(|error| {
            self.log(&error);
            T::default()
        })
    }

    fn log(&self, error: &Error) {
        let log = Log::new(self.client.logger(), self.call, self.client.secrets());
        log.event(Level::Warn, "ledger", || {
            [("status_name", error.status.name().into()), ("message", error.message.as_str().into())]
        });
        log.flush();
    }
}

/// Strikes out a file that was deleted, or is not there, if the client has a ledger.
pub fn strike_out(client: &Client, call: &'static str, file_id: i64, why: Struck) {
    if let Some(ledger) = Ledger::of(client, call) {
        ledger.strike_out(file_id, why);
    }
}

/// The error of a call that needs a ledger.
pub fn none(call: &'static str) -> Error {
    let why = "has no ledger: set one with mmx_config_set_ledger() or MMX_LEDGER";
    Error::invalid_argument(call, "client", why)
}
