//! The C boundary and nothing else: each function converts its arguments, makes one call of `api` and hands over the
//! result. `pointers.rs` has every rule about pointers, `boundary.rs` the frame of a call; then one file a chapter of the header, in the header's order.
#![allow(unsafe_code)]
// Types and functions have their C names, and C callers read no section on Rust's safety.
#![allow(non_camel_case_types, clippy::missing_safety_doc)]

mod boundary;
mod pointers;

pub mod status;

pub mod client;

pub mod config;

pub mod files;

pub mod transfers;

pub mod response;

pub mod bulk;

pub mod outcomes;

pub mod ledger;

pub mod cancel;

pub mod error;
