//! The command as a person or a script meets it: the built program against the stand-in server, what it prints, its exit
//! code, and what the server then holds. Each test has an account of its own.

#![forbid(unsafe_code)]

mod delete;
mod delete_input;
mod download;
mod exit;
mod harness;
mod info;
mod list;
mod names;
mod settings;
mod signals;
mod terminal;
mod upload;
mod usage;
