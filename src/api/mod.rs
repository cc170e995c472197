//! The service: one file a call. What a request says and how its response reads; how it travels is not known here.

pub mod bulk;
pub mod codes;
mod collector;
pub mod delete;
pub mod download;
pub mod envelope;
pub mod filter;
pub mod headers;
pub mod list;
pub mod mended;
pub mod model;
pub mod outcome;
mod pattern;
mod pending;
pub mod presigned;
pub mod prune;
pub mod purpose;
pub mod range;
mod reconcile;
pub mod redirect;
pub mod retrieve;
pub mod review;
pub mod sink;
pub mod upload;
