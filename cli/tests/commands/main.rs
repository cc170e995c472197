//! The command as a person or a script meets it: the built program against the stand-in server, what it prints, its exit
//! code, and what the server then holds. Each test has an account of its own.

#![forbid(unsafe_code)]

mod harness;
mod list;
