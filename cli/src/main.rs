//! `mmx-files`: the files of a MiniMax account from the command line.
//!
//! It stands on the library's safe interface, `mmx::api` and `mmx::transport`. From the outside in: [`args`] is what a
//! person types; a command is one file below [`commands`] and gets a [`context::Context`]: the account, the two output
//! streams, and the signals that may end it. [`exit`] says what the exit code is.

#![forbid(unsafe_code)]

mod account;
mod args;
mod batch;
mod bulk;
mod commands;
mod confirm;
mod context;
mod error;
mod escape;
mod exit;
mod ids;
mod journal;
mod media_type;
mod output;
mod plan_file;
mod signals;
mod stdout;
mod streams;
mod table;
mod wording;
mod worklist;

use args::Args;
use clap::Parser as _;
use context::Context;
use error::CommandError;
use exit::Exit;
use output::Output;
use signals::Signals;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Wrong arguments end it here with 2.
    let args = Args::parse();
    let output = Output::new(args.client.json);
    let signals = match Signals::watch() {
        Ok(signals) => signals,
        Err(error) => {
            output.say(&format!("mmx-files: signals can't be watched: {error}"));
            return Exit::Failed.into();
        }
    };
    let command = args.command.name();
    if let Err(error) = streams::check_stdout() {
        let stop = CommandError::Output(error);
        output.stopped(command, &stop);
        return stop.exit().into();
    }
    let context = Context { settings: &args.client, output: &output, signals: &signals };
    let result = commands::run(&args.command, &context);
    let ended = output.end_results();
    let exit = match result.and_then(|exit| ended.map(|()| exit)) {
        Ok(exit) => exit,
        Err(stop) => {
            output.stopped(command, &stop);
            stop.exit()
        }
    };
    signals.exit_code(exit)
}
