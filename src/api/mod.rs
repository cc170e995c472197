//! The service: one file a call. What a request says and how its answer reads; how it travels is not known here.

pub mod codes;
pub mod delete;
pub mod download;
pub mod envelope;
pub mod evidence;
pub mod headers;
pub mod list;
pub mod model;
pub mod purpose;
pub mod redirect;
pub mod retrieve;
pub mod store;
pub mod target;
pub mod upload;
