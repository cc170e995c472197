//! `keep`: strikes files out of the ledger, so that no sweep deletes them.

use crate::args;
use crate::batch::{Item, call_each};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use mmx::api::keep;
use serde_json::json;

pub(crate) fn run(args: &args::Keep, context: &Context<'_>) -> Result<Exit, CommandError> {
    let account = context.account()?;
    let items: Vec<_> = args.ids.iter().copied().map(Item::of_id).collect();
    let call = |at: usize| {
        let file_id = args.ids[at];
        keep::keep(&account.client, file_id).map(|()| json!({ "file_id": file_id }).to_string())
    };
    call_each(context, "keep", &items, 1, call, |at, _| format!("{}  kept", items[at].label))
}
