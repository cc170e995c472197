//! `completions` and `man`, generated from the definition of the arguments.

use crate::args::{self, Args};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use clap::CommandFactory as _;
use clap_mangen::Man;
use mmx::error::{Error, Status};
use std::fs;
use std::io;
use std::path::Path;

pub(crate) fn completions(args: &args::Completions, context: &Context<'_>) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "mmx-files", &mut script);
    print(context, &script)
}

pub(crate) fn man(args: &args::Man, context: &Context<'_>) -> Result<Exit, CommandError> {
    let unwritable = |path: &Path, error: &io::Error| {
        Error::new(Status::File, "man", format!("{} can't be written: {error}", path.display()))
    };
    match &args.directory {
        None => {
            let mut page = Vec::new();
            Man::new(Args::command()).render(&mut page).map_err(CommandError::Output)?;
            print(context, &page)
        }
        Some(directory) => {
            let written = fs::create_dir_all(directory)
                .and_then(|()| clap_mangen::generate_to(Args::command().disable_help_subcommand(true), directory));
            written.map_err(|error| unwritable(directory, &error))?;
            Ok(Exit::Done)
        }
    }
}

fn print(context: &Context<'_>, text: &[u8]) -> Result<Exit, CommandError> {
    let text = String::from_utf8_lossy(text);
    context.output.print(text.trim_end())?;
    Ok(Exit::Done)
}
