//! Takes a file out of the ledger: it is never swept.

use crate::api::response::model;
use crate::error::{Error, Status};
use crate::ledger::{self, Fact, Flush, Ledger, Struck};
use crate::transport::client::Client;

pub const CALL: &str = "ledger_keep";

pub fn keep(client: &Client, file_id: i64) -> Result<(), Error> {
    model::check_id(CALL, file_id)?;
    let ledger = Ledger::of(client, CALL).ok_or_else(|| ledger::none(CALL))?;
    let account = &ledger.account;
    let is_known = ledger.change(Ledger::afterwards(), Flush::Yes, |entries| {
        let entries_of_file = entries.of_file(account, file_id);
        let mut facts: Vec<_> =
            entries_of_file.map(|entry| Fact::Struck { entry: entry.to_owned(), why: Struck::Kept }).collect();
        let is_known = !facts.is_empty() || entries.is_kept(account, file_id);
        if !facts.is_empty() {
            facts.push(Fact::Kept { account: account.clone(), file_id });
        }
        (facts, is_known)
    })?;
    if is_known {
        return Ok(());
    }
    let text = format!("the ledger {} has no entry of the file {file_id}", ledger.path().display());
    Err(Error::new(Status::NotFound, CALL, text))
}
