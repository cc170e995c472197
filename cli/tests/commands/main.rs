//! The command as a person or a script meets it: the built program against the stand-in server, what it prints, its exit
//! code, and what the server then holds. Each test has an account of its own.

#![forbid(unsafe_code)]

mod backup;
mod command_page;
mod delete;
mod delete_input;
mod download;
mod edited;
mod exit;
mod files;
mod guards;
mod guide;
mod harness;
mod help;
mod info;
mod jobs;
mod journal;
mod json;
mod killed;
mod ledger;
mod list;
mod names;
mod plan;
mod plan_target;
mod prune;
mod purposes;
#[allow(dead_code)] // The test of the library uses the rest.
#[path = "../../../tests/common/schema.rs"]
mod schema;
mod select;
mod settings;
mod signals;
mod stdio;
mod terminal;
mod upload;
mod usage;
