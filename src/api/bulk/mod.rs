//! Calls over many files: a bulk delete, and a prune, which lists, filters and deletes.

mod collector;
pub mod filter;
mod ledger_files;
mod options;
pub mod outcome;
mod pattern;
pub mod prune;
mod purposes;
mod reconcile;
pub mod review;
mod run;
pub mod sweep;

pub use options::{FileRef, OnOutcome, Options, limits};
pub use run::{BulkResult, CALL, DEFAULT_CONCURRENCY, delete_files, is_for_all};
