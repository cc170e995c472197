//! `mmx-files`: manages the files of a MiniMax account from the command line.
//!
//! It uses the library's safe interface, `mmx::api` and `mmx::transport`. [`args`] defines the arguments. Each command is a
//! file in [`commands`] and gets a [`context::Context`] with the account, the output and the signals. [`exit`] has the exit
//! codes.

#![forbid(unsafe_code)]

mod account;
mod args;
mod backup;
mod batch;
mod bulk;
mod commands;
mod confirm;
mod context;
mod error;
mod escape;
mod examples;
mod exit;
mod id_files;
mod ids;
mod journal;
mod media_type;
mod order;
mod output;
mod parallel;
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
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Wrong arguments, or the text of --help or --version.
        Err(error) => match streams::check_stdout() {
            Err(closed) if !error.use_stderr() => return fail_closed(&Output::new(None), "help", closed),
            _ => error.exit(),
        },
    };
    let output = Output::new(args.client.json);
    let signals = match Signals::watch() {
        Ok(signals) => signals,
        Err(error) => {
            output.say(&format!("mmx-files: signal handlers can't be installed: {error}"));
            return Exit::Failed.into();
        }
    };
    let command = args.command.name();
    if let Err(closed) = streams::check_stdout() {
        return fail_closed(&output, command, closed);
    }
    let context = Context { settings: &args.client, output: &output, signals: &signals };
    let fail = |error: CommandError| {
        output.fail(command, &error);
        error.exit()
    };
    let exit = commands::run(&args.command, &context).unwrap_or_else(fail);
    let exit = output.end_results().map_or_else(|error| exit.and(fail(error)), |()| exit);
    signals.exit_code(exit)
}

fn fail_closed(output: &Output, command: &str, closed: io::Error) -> ExitCode {
    let error = CommandError::Output(closed);
    output.fail(command, &error);
    error.exit().into()
}
