//! Command-line arguments.

mod ledger;

pub(crate) use ledger::{Keep, Sweep, Take};

use crate::examples::{DELETE, DOWNLOAD, GENERAL, LIST, PRUNE, SWEEP, TAKE, UPLOAD, with_exit_codes};
use crate::ids;
use crate::values::{Limit, Most, age, bytes, limit, most, percent, purpose};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args as Group, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use std::path::PathBuf;
use std::time::Duration;

/// Manage the files of a MiniMax account.
///
/// The API key is read from the environment variable MINIMAX_API_KEY, or from the file that MINIMAX_API_KEY_FILE or
/// --api-key-file names; the base URL is read from MINIMAX_BASE_URL.
#[derive(Debug, Parser)]
#[command(name = "mmx-files", version, after_help = with_exit_codes(GENERAL), max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) client: Client,
}

/// Options of every command. The key is not one of them: other users can see the arguments of a process. Its file is.
#[derive(Debug, Group)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Client {
    /// File with the API key, read again when it changes [default: MINIMAX_API_KEY_FILE, unless MINIMAX_API_KEY is set]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// Header of every request to the service, such as 'X-Team: speech'; may be repeated. Other users of this machine can
    /// see it in the list of processes
    #[arg(long, global = true, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// Base URL of the service, such as https://api.minimax.io [default: MINIMAX_BASE_URL, or https://api.minimaxi.com]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Allow http:// to another machine, where the key is sent unencrypted
    #[arg(long, global = true)]
    pub(crate) allow_insecure: bool,
    /// Ledger: a file that knows every upload until it is deleted, see sweep [default: MMX_LEDGER, or none]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// Send at most this many requests a minute
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) requests_per_minute: Option<i32>,
    /// Time limit of a call, such as 30s or 2m; "none" for no limit
    #[arg(long, global = true, value_name = "TIME", value_parser = limit)]
    pub(crate) timeout: Option<Limit>,
    /// Proxy, such as http://127.0.0.1:3128, or "none" [default: from the environment]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// PEM file with certificates to trust in addition to those of the system
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Print JSON: one line for each file, or one array; an error is a line on standard error
    #[arg(
        long,
        global = true,
        value_name = "FORM",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "lines"
    )]
    pub(crate) json: Option<Json>,
    /// Log requests, responses and retries to standard error, one event a line
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Json {
    Lines,
    Array,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Upload files
    #[command(after_help = with_exit_codes(UPLOAD))]
    Upload(Upload),
    /// List files
    #[command(after_help = with_exit_codes(LIST))]
    List(List),
    /// Show the metadata of files
    Info(Info),
    /// Download files
    #[command(after_help = with_exit_codes(DOWNLOAD))]
    Download(Download),
    /// Delete files by their ids
    #[command(after_help = with_exit_codes(DELETE))]
    Delete(Delete),
    /// Delete files by age, name, size or purpose
    #[command(after_help = with_exit_codes(PRUNE))]
    Prune(Box<Prune>),
    /// Download a file, and delete it once it is whole on this disk
    #[command(after_help = with_exit_codes(TAKE))]
    Take(Take),
    /// Settle the uploads that crashed processes left in the ledger, and delete what is due
    #[command(after_help = with_exit_codes(SWEEP))]
    Sweep(Sweep),
    /// Strike files out of the ledger, so that no sweep deletes them
    Keep(Keep),
    /// Show how many files there are and what they take, by purpose and age
    Usage(Usage),
    /// Print a script of completions for a shell
    Completions(Completions),
    /// Print the manual page
    Man(Man),
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Command::Upload(_) => "upload",
            Command::List(_) => "list",
            Command::Info(_) => "info",
            Command::Download(_) => "download",
            Command::Delete(_) => "delete",
            Command::Prune(_) => "prune",
            Command::Take(_) => "take",
            Command::Sweep(_) => "sweep",
            Command::Keep(_) => "keep",
            Command::Usage(_) => "usage",
            Command::Completions(_) => "completions",
            Command::Man(_) => "man",
        }
    }
}

#[derive(Debug, Group)]
pub(crate) struct Upload {
    /// Purpose of the files, such as voice_clone
    #[arg(long, value_parser = purpose)]
    pub(crate) purpose: String,
    /// If a response is lost, look in the list whether the file was stored
    #[arg(long)]
    pub(crate) reconcile: bool,
    /// Use a file of the same bytes and purpose that the ledger knows, if the service still has it
    #[arg(long)]
    pub(crate) reuse: bool,
    /// Let a sweep delete the files after this time, such as 12h or 30d; needs a ledger
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub(crate) expires_after: Option<Duration>,
    /// Name of the file that is read from standard input
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) filename: Option<String>,
    /// Number of uploads at a time
    #[arg(long, short, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) jobs: u32,
    /// Files to upload; - is standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug, Group)]
pub(crate) struct List {
    /// Only files with this purpose
    #[arg(long, value_parser = purpose)]
    pub(crate) purpose: Option<String>,
    #[command(flatten)]
    pub(crate) select: Select,
    #[command(flatten)]
    pub(crate) order: Order,
    #[command(flatten)]
    pub(crate) table: Table,
}

/// Conditions for a file.
#[derive(Debug, Group)]
pub(crate) struct Select {
    /// Only files whose name matches, such as '*.tar'
    #[arg(long, value_name = "GLOB")]
    pub(crate) name: Option<String>,
    /// Only files of this size or more, such as 500kB or 10MiB; the service reports 0 for the files that it makes
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(crate) min_size: Option<i64>,
}

#[derive(Debug, Group)]
pub(crate) struct Order {
    /// Sort the files: oldest, smallest or lowest first, names from A to Z
    #[arg(long, value_name = "KEY")]
    pub(crate) sort: Option<Key>,
    /// Sort the other way round
    #[arg(long, requires = "sort")]
    pub(crate) reverse: bool,
    /// At most this many files, the first ones
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Key {
    Created,
    Size,
    Name,
    Id,
}

#[derive(Debug, Group)]
pub(crate) struct Table {
    /// Do not shorten long names to fit the terminal
    #[arg(long)]
    pub(crate) wide: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Info {
    /// Ids of the files
    #[arg(required = true, value_name = "ID", value_parser = ids::id)]
    pub(crate) ids: Vec<i64>,
}

#[derive(Debug, Group)]
pub(crate) struct Download {
    /// Ids of the files; several need --directory
    #[arg(required = true, value_name = "ID", value_parser = ids::id)]
    pub(crate) ids: Vec<i64>,
    /// Where to write the file; - is standard output [default: the id with the extension of the media type]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write the files to this directory, each named by its id with the extension of the media type
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "output")]
    pub(crate) directory: Option<PathBuf>,
    /// Number of downloads at a time
    #[arg(
        long,
        short,
        value_name = "N",
        default_value_t = 1,
        requires = "directory",
        value_parser = clap::value_parser!(u32).range(1..=64)
    )]
    pub(crate) jobs: u32,
    /// Overwrite an existing file
    #[arg(long, short)]
    pub(crate) force: bool,
    /// Wait until the service has the file, as after a task whose result is not ready; --timeout limits the wait
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Delete {
    /// Purpose with which the files were uploaded, such as voice_clone; a line of standard input may have its own. Without
    /// it, the purpose of each file is looked up
    #[arg(long, value_parser = purpose)]
    pub(crate) purpose: Option<String>,
    /// Ids of the files; - reads lines of the form ID[ PURPOSE] from standard input
    #[arg(required = true, value_name = "ID", allow_negative_numbers = true)]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) bulk: Bulk,
}

#[derive(Debug, Group)]
pub(crate) struct Prune {
    /// Only files with this purpose, such as t2a_async
    #[arg(long, value_parser = purpose)]
    pub(crate) purpose: Option<String>,
    /// Only files older than this, such as 7d, 12h or 90m, by the clocks of the service and of this machine
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) older_than: Option<Duration>,
    #[command(flatten)]
    pub(crate) select: Select,
    /// Delete every file (of the purpose): needed where there is no other condition
    #[arg(long)]
    pub(crate) all: bool,
    /// Keep files whose name matches, such as 'master-*.mp3'; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(crate) keep: Vec<String>,
    /// Keep files with exactly this name; may be repeated
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) keep_name: Vec<String>,
    /// Keep the files whose ids are in FILE, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) keep_from: Option<PathBuf>,
    /// Accept a FILE without ids
    #[arg(long, requires = "keep_from")]
    pub(crate) keep_from_may_be_empty: bool,
    /// Delete nothing if more files than this would be deleted
    #[arg(long, value_name = "N")]
    pub(crate) max_files: Option<u64>,
    /// Delete nothing if more than this percentage of the listed files would be deleted
    #[arg(long, value_name = "P", value_parser = percent)]
    pub(crate) max_percent: Option<u32>,
    /// Same as --max-files N or --max-percent P
    #[arg(long, value_name = "N|P%", value_parser = most, conflicts_with_all = ["max_files", "max_percent"])]
    pub(crate) at_most: Option<Most>,
    #[command(flatten)]
    pub(crate) order: Order,
    /// Delete nothing; show the files that would be deleted
    #[arg(long, conflicts_with = "journal")]
    pub(crate) dry_run: bool,
    /// Delete nothing; write the files that would be deleted to FILE; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["apply", "dry_run", "journal"])]
    pub(crate) plan: Option<PathBuf>,
    /// Delete the files of the plan in FILE that have not changed; other conditions must hold as well
    #[arg(long, value_name = "FILE")]
    pub(crate) apply: Option<PathBuf>,
    /// Download each file to this directory before it is deleted; a file whose backup fails is kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) backup: Option<PathBuf>,
    /// List again at the end and report files that are still there
    #[arg(long)]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) table: Table,
    #[command(flatten)]
    pub(crate) bulk: Bulk,
}

impl Prune {
    pub(crate) fn max_files(&self) -> Option<u64> {
        match self.at_most {
            Some(Most::Files(most)) => Some(most),
            _ => self.max_files,
        }
    }

    pub(crate) fn max_percent(&self) -> Option<u32> {
        match self.at_most {
            Some(Most::Percent(most)) => Some(most),
            _ => self.max_percent,
        }
    }

    /// Whether files may be deleted: false for a dry run and for a plan.
    pub(crate) fn deletes(&self) -> bool {
        !self.dry_run && self.plan.is_none()
    }
}

#[derive(Debug, Group)]
pub(crate) struct Usage {
    /// Only files with this purpose
    #[arg(long, value_parser = purpose)]
    pub(crate) purpose: Option<String>,
}

#[derive(Debug, Group)]
pub(crate) struct Completions {
    pub(crate) shell: Shell,
}

#[derive(Debug, Group)]
pub(crate) struct Man {
    /// Write the pages of all commands to this directory instead
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

/// Options of the commands that delete many files.
#[derive(Debug, Group)]
pub(crate) struct Bulk {
    /// Number of concurrent requests at most
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) concurrency: u32,
    /// Record the outcome of each file in FILE; the same command with the same FILE resumes an interrupted run
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }
}
