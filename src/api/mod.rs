//! The calls of the file API: what a request says, what its response means, and what may be sent again.

pub mod bulk;
pub mod delete;
pub mod download;
pub mod keep;
pub mod list;
pub mod purpose;
pub mod response;
pub mod results;
pub mod retrieve;
pub mod take;
pub mod upload;
pub mod wait;

pub use bulk::{filter, outcome, prune, review, sweep};
pub use response::{contents, listing, model};
