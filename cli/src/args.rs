//! What a person types.

use crate::ids;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// The files of a MiniMax account.
///
/// The API key is read from MINIMAX_API_KEY, the address of the service from MINIMAX_BASE_URL.
#[derive(Debug, Parser)]
#[command(name = "mmx-files", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) client: Client,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all done, 1 some failed, 2 wrong arguments, 3 the key was refused, 4 rate or quota, 5 network, \
6 a guard stopped it, 7 unknown or not attempted, 130 and 143 ended by Ctrl-C and by SIGTERM.";

/// Of the way to the service, for every command. The key is no argument: others could read it in the list of processes.
#[derive(Debug, Group)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Client {
    /// Where the service is, as https://api.minimax.io [default: MINIMAX_BASE_URL, or https://api.minimaxi.com]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Let the key travel unencrypted, by http:// to another machine
    #[arg(long, global = true)]
    pub(crate) allow_insecure: bool,
    /// Send no more than so many requests a minute
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) requests_per_minute: Option<i32>,
    /// The longest that a call may take, as 30s or 2m; "none" for no limit
    #[arg(long, global = true, value_name = "TIME", value_parser = limit)]
    pub(crate) timeout: Option<Limit>,
    /// A proxy, as http://127.0.0.1:3128, or "none" [default: what the environment says]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Certificates to trust beside the system's, in PEM
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Print JSON for programs: a line for each file, or all of them in one array; an error is a line on standard error
    #[arg(long, global = true, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "lines")]
    pub(crate) json: Option<Json>,
    /// Write what happens on the way to standard error, an event a line
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
    Upload(Upload),
    /// List the files
    List(List),
    /// Say what the service knows of files
    Info(Info),
    /// Download a file
    Download(Download),
    /// Delete files
    Delete(Delete),
    /// Delete the files that are older than so, and more
    Prune(Prune),
    /// Say what fills the account: purpose by age by size
    Usage(Usage),
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
            Command::Usage(_) => "usage",
        }
    }
}

#[derive(Debug, Group)]
pub(crate) struct Upload {
    /// What they are for, as voice_clone
    #[arg(long, value_parser = purpose)]
    pub(crate) purpose: String,
    /// When an answer is lost, look whether the file was stored instead of leaving that open
    #[arg(long)]
    pub(crate) reconcile: bool,
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug, Group)]
pub(crate) struct List {
    /// Only those of this purpose
    #[arg(long, value_parser = purpose)]
    pub(crate) purpose: Option<String>,
    #[command(flatten)]
    pub(crate) table: Table,
}

/// How a table of files looks.
#[derive(Debug, Group)]
pub(crate) struct Table {
    /// Show long names whole, however wide the terminal is
    #[arg(long)]
    pub(crate) wide: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Info {
    #[arg(required = true, value_name = "ID", value_parser = ids::id)]
    pub(crate) ids: Vec<i64>,
}

#[derive(Debug, Group)]
pub(crate) struct Download {
    #[arg(value_name = "ID", value_parser = ids::id)]
    pub(crate) id: i64,
    /// Where to; - is standard output [default: a file in this folder, named by the id and the media type]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite a file that exists
    #[arg(long, short)]
    pub(crate) force: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Delete {
    /// What they were uploaded for, as voice_clone; a line of standard input may say another
    #[arg(long, value_parser = purpose)]
    pub(crate) purpose: Option<String>,
    /// The files; - reads them from standard input, in lines ID[ PURPOSE]
    #[arg(required = true, value_name = "ID", allow_negative_numbers = true)]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) bulk: Bulk,
}

#[derive(Debug, Group)]
pub(crate) struct Prune {
    /// Only files of this purpose, as t2a_async
    #[arg(long, value_parser = purpose)]
    pub(crate) purpose: Option<String>,
    /// Only files that are older by the service's clock and by this machine's, as 7d, 12h or 90m
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub(crate) older_than: Option<Duration>,
    /// Really every file (of the purpose)
    #[arg(long)]
    pub(crate) all: bool,
    /// Only files with such a name, as '*.tar'
    #[arg(long, value_name = "GLOB")]
    pub(crate) name: Option<String>,
    /// Keep files with such a name, as 'master-*.mp3'; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(crate) keep: Vec<String>,
    /// Keep files with exactly this name; may be given several times
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) keep_name: Vec<String>,
    /// Keep the files whose ids are in FILE, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) keep_from: Option<PathBuf>,
    /// Go on where that FILE has no id in it; without this, it is taken for a mistake
    #[arg(long, requires = "keep_from")]
    pub(crate) keep_from_may_be_empty: bool,
    /// If more files would go, delete none
    #[arg(long, value_name = "N")]
    pub(crate) max_files: Option<u64>,
    /// If more of the files that are listed would go, in per cent, delete none
    #[arg(long, value_name = "P", value_parser = percent)]
    pub(crate) max_percent: Option<u32>,
    /// The same as --max-files N or --max-percent P
    #[arg(long, value_name = "N|P%", value_parser = most, conflicts_with_all = ["max_files", "max_percent"])]
    pub(crate) at_most: Option<Most>,
    /// Delete nothing; say what would go
    #[arg(long, conflicts_with = "journal")]
    pub(crate) dry_run: bool,
    /// Delete nothing; write what would go to FILE
    #[arg(long, value_name = "FILE", conflicts_with_all = ["apply", "dry_run", "journal"])]
    pub(crate) plan: Option<PathBuf>,
    /// Delete what a plan in FILE says, but not what has changed since; conditions given beside it must hold, too
    #[arg(long, value_name = "FILE")]
    pub(crate) apply: Option<PathBuf>,
    /// List again in the end, and say what is still there
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

    /// Whether anything may be deleted at all.
    pub(crate) fn deletes(&self) -> bool {
        !self.dry_run && self.plan.is_none()
    }
}

#[derive(Debug, Group)]
pub(crate) struct Usage {
    /// Only files of this purpose
    #[arg(long, value_parser = purpose)]
    pub(crate) purpose: Option<String>,
}

/// Of what deletes many files.
#[derive(Debug, Group)]
pub(crate) struct Bulk {
    /// So many files at once at most
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) concurrency: u32,
    /// Write what became of each file to FILE; the same command with the same FILE goes on where a run was ended
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Don't ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// How many files may go: so many, or so many of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Most {
    Files(u64),
    Percent(u32),
}

fn most(text: &str) -> Result<Most, String> {
    let most = match text.strip_suffix('%') {
        Some(_) => percent(text).ok().map(Most::Percent),
        None => number(text).map(Most::Files),
    };
    most.ok_or_else(|| "is neither a number of files nor a share such as 25%".into())
}

/// `80`, `80%`
fn percent(text: &str) -> Result<u32, String> {
    let percent = number(text.strip_suffix('%').unwrap_or(text)).filter(|percent| *percent <= 100);
    percent.and_then(|percent| percent.try_into().ok()).ok_or_else(|| "is no share of 0 to 100 per cent".into())
}

/// Without a sign, though one would parse.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn age(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(age) if age.as_secs() >= 1 && age.subsec_nanos() == 0 => Ok(age),
        Ok(_) => Err("must be a whole number of seconds, 1s or more".into()),
        Err(error) => Err(format!("is no age such as 7d, 12h or 90m: {error}")),
    }
}

fn purpose(text: &str) -> Result<String, String> {
    ids::check_purpose(text).map(|()| text.to_owned())
}

/// A time limit; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit(pub(crate) Option<Duration>);

fn limit(text: &str) -> Result<Limit, String> {
    if text == "none" {
        return Ok(Limit(None));
    }
    match humantime::parse_duration(text) {
        Ok(limit) if limit >= Duration::from_millis(1) => Ok(Limit(Some(limit))),
        Ok(_) => Err("must be 1ms or more; \"none\" is no limit".into()),
        Err(_) => Err("is no time such as 30s, 2m or 1h 30m".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_fit_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn ages_and_caps() {
        let hours = |hours: u64| Ok(Duration::from_secs(hours * 3600));
        assert_eq!((age("7d"), age("12h"), age("90m")), (hours(7 * 24), hours(12), Ok(Duration::from_secs(5400))));
        for bad in ["", "7", "0d", "500ms", "1500ms", "-1d", "d"] {
            assert!(age(bad).is_err(), "{bad}");
        }
        assert_eq!(
            (most("0"), most("100%"), most("12")),
            (Ok(Most::Files(0)), Ok(Most::Percent(100)), Ok(Most::Files(12)))
        );
        for bad in ["", "%", "101%", "-1", "+1", "1.5%", "all", "99999999999999999999"] {
            assert!(most(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn time_limits() {
        assert_eq!(limit("none"), Ok(Limit(None)));
        assert_eq!(limit("1m 30s"), Ok(Limit(Some(Duration::from_secs(90)))));
        for bad in ["", "0s", "30", "-1s", "1 fortnight"] {
            assert!(limit(bad).is_err(), "{bad}");
        }
    }
}
