//! The commands, one in each file.

mod delete;
mod download;
mod help;
mod info;
mod keep;
mod list;
mod preview;
mod prune;
mod sweep;
mod take;
mod upload;
mod usage;

use crate::args::Command;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

pub(crate) fn run(command: &Command, context: &Context<'_>) -> Result<Exit, CommandError> {
    match command {
        Command::Upload(args) => upload::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Info(args) => info::run(args, context),
        Command::Download(args) => download::run(args, context),
        Command::Delete(args) => delete::run(args, context),
        Command::Prune(args) => prune::run(args, context),
        Command::Take(args) => take::run(args, context),
        Command::Sweep(args) => sweep::run(args, context),
        Command::Keep(args) => keep::run(args, context),
        Command::Usage(args) => usage::run(args, context),
        Command::Completions(args) => help::completions(args, context),
        Command::Man(args) => help::man(args, context),
    }
}
