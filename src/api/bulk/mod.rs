//! Calls over many files: a bulk delete, and a prune, which lists, filters and deletes.

mod collector;
pub mod filter;
mod options;
pub mod outcome;
mod pattern;
pub mod prune;
mod purposes;
mod reconcile;
pub mod review;
mod run;

pub use options::{FileRef, OnOutcome, Options};
pub use run::{BulkResult, CALL, DEFAULT_CONCURRENCY, delete_files, is_for_all, limits};
