//! Arguments of the commands that end a file's life for sure.

use crate::ids;
use crate::values::purpose;
use clap::Args as Group;
use std::path::PathBuf;

#[derive(Debug, Group)]
pub(crate) struct Take {
    /// Id of the file
    #[arg(value_name = "ID", value_parser = ids::id)]
    pub(crate) id: i64,
    /// Where to write the file, a regular one
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Purpose of the file [default: it is looked up]
    #[arg(long, value_parser = purpose)]
    pub(crate) purpose: Option<String>,
    /// Overwrite an existing file
    #[arg(long, short)]
    pub(crate) force: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Sweep {
    /// Delete and record nothing; show the files that would be deleted
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Keep {
    /// Ids of the files
    #[arg(required = true, value_name = "ID", value_parser = ids::id)]
    pub(crate) ids: Vec<i64>,
}
