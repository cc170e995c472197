//! The files of a bulk call that the client's ledger knows: they are struck out of it as they are deleted.

use super::outcome::Kind;
use crate::ledger::{Ledger, Struck};
use crate::transport::client::Client;
use std::collections::HashSet;

pub(super) struct LedgerFiles<'c> {
    ledger: Option<Ledger<'c>>,
    ids: HashSet<i64>,
}

impl<'c> LedgerFiles<'c> {
    pub(super) fn of(client: &'c Client, call: &'static str) -> LedgerFiles<'c> {
        let ledger = Ledger::of(client, call);
        let ids = ledger.as_ref().map(Ledger::files).unwrap_or_default();
        LedgerFiles { ledger, ids }
    }

    pub(super) fn strike_out(&mut self, file_id: i64, kind: Kind) {
        let why = match kind {
            Kind::Deleted => Struck::Deleted,
            Kind::AlreadyAbsent => Struck::Absent,
            _ => return,
        };
        if self.ids.remove(&file_id)
            && let Some(ledger) = &self.ledger
        {
            ledger.strike_out(file_id, why);
        }
    }
}
