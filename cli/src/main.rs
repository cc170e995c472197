//! `mmx-files`: manages the files of a MiniMax account from the command line.
//!
//! It uses the library's safe interface, `mmx::api` and `mmx::transport`. [`args`] defines the arguments. Each command is a
//! file in [`commands`] and gets a [`context::Context`] with the account, the output and the signals. [`exit`] has the exit
//! codes.

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
mod order;
mod output;
mod plan_file;
mod signals;
mod stdin;
mod stdout;
mod streams;
mod table;
mod values;
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
    // Exits with 2 if the arguments are wrong.
    let args = Args::parse();
    let output = Output::new(args.client.json);
    let signals = match Signals::watch() {
        Ok(signals) => signals,
        Err(error) => {
            output.say(&format!("mmx-files: signal handlers can't be installed: {error}"));
            return Exit::Failed.into();
        }
    };
    let command = args.command.name();
    if let Err(error) = streams::check_stdout() {
        let error = CommandError::Output(error);
        output.fail(command, &error);
        return error.exit().into();
    }
    let context = Context { settings: &args.client, output: &output, signals: &signals };
    let result = commands::run(&args.command, &context);
    let ended = output.end_results();
    let exit = match result.and_then(|exit| ended.map(|()| exit)) {
        Ok(exit) => exit,
        Err(error) => {
            output.fail(command, &error);
            error.exit()
        }
    };
    signals.exit_code(exit)
}
