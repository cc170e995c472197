//! Counts the instructions and the allocations of one call.
//!
//! The client runs with N calls and with 2 N; the difference divided by N is the cost of one, without start-up,
//! connection and exit. Instructions are counted by valgrind's callgrind, allocations by a library that is preloaded
//! (`c/allocations.c`). Only the client is counted; the server is another process.

use crate::Result;
use crate::build::Places;
use crate::result::Count;
use crate::stand_in::{FIRST_ID, StandIn, files_to_delete};
use serde_json::json;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::{env, fs};

/// Each process runs until so many numbers of each kind agree. Hash tables are seeded at random, and the pieces in which a
/// response arrives may differ, most of all on a busy machine.
const AGREEING: usize = 3;
const MOST_RUNS: usize = 12;
/// Numbers that differ by less than one part in so many agree.
const PRECISION: u64 = 1000;
const LISTED: usize = 1000;
const MIB: usize = 1 << 20;
const FILE_ID: i64 = 1;
/// The account's name is part of the URL, so it is the same in every run.
const ACCOUNT: &str = "counted";

#[derive(Clone, Copy, PartialEq)]
enum Call {
    Delete,
    List,
    Parse,
    Upload,
    Download,
}

/// A line of the result.
struct Task {
    name: &'static str,
    call: Call,
    https: bool,
    /// The N above.
    calls: usize,
}

#[rustfmt::skip]
const TASKS: [Task; 9] = [
    Task { name: "delete, HTTP", call: Call::Delete, https: false, calls: 200 },
    Task { name: "delete, HTTPS", call: Call::Delete, https: true, calls: 200 },
    Task { name: "list of 1,000 files, HTTP", call: Call::List, https: false, calls: 5 },
    Task { name: "list of 1,000 files, HTTPS", call: Call::List, https: true, calls: 5 },
    Task { name: "reading a list of 1,000 files", call: Call::Parse, https: false, calls: 5 },
    Task { name: "upload of 1 MiB, HTTP", call: Call::Upload, https: false, calls: 5 },
    Task { name: "upload of 1 MiB, HTTPS", call: Call::Upload, https: true, calls: 5 },
    Task { name: "download of 1 MiB, HTTP", call: Call::Download, https: false, calls: 3 },
    Task { name: "download of 1 MiB, HTTPS", call: Call::Download, https: true, calls: 3 },
];

/// The names of all lines.
pub fn names() -> impl Iterator<Item = &'static str> {
    TASKS.iter().map(|task| task.name)
}

/// The totals of one process.
#[derive(Clone, Copy)]
struct Totals {
    instructions: u64,
    allocations: u64,
    bytes: u64,
}

/// Several runs of the same process.
#[derive(Default)]
struct Runs(Vec<Totals>);

impl Runs {
    fn agree(&self) -> bool {
        FIGURES.iter().all(|&of| agreed(self.0.iter().map(of)).is_ok())
    }

    fn totals(&self) -> Totals {
        let [instructions, allocations, bytes] = FIGURES.map(|of| match agreed(self.0.iter().map(of)) {
            Ok(number) | Err(number) => number,
        });
        Totals { instructions, allocations, bytes }
    }
}

const FIGURES: [fn(&Totals) -> u64; 3] =
    [|totals| totals.instructions, |totals| totals.allocations, |totals| totals.bytes];

/// The middle of the most numbers that agree; if too few do, the median of all as an error.
fn agreed(numbers: impl Iterator<Item = u64>) -> std::result::Result<u64, u64> {
    let mut sorted: Vec<_> = numbers.collect();
    sorted.sort_unstable();
    let middle = |numbers: &[u64]| numbers.get(numbers.len() / 2).copied().unwrap_or_default();
    let agreeing = |from: usize| {
        let rest = &sorted[from..];
        &rest[..rest.partition_point(|&number| number - rest[0] <= rest[0] / PRECISION)]
    };
    let most = (0..sorted.len()).map(agreeing).max_by_key(|numbers| numbers.len()).unwrap_or_default();
    if most.len() >= AGREEING { Ok(middle(most)) } else { Err(middle(&sorted)) }
}

struct Counter {
    program: PathBuf,
    preloaded: PathBuf,
    server: StandIn,
    folder: PathBuf,
}

impl Drop for Counter {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Counts the lines that are wanted.
pub fn count(places: &Places, wanted: impl Fn(&str) -> bool) -> Result<Vec<Count>> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Err("valgrind can't run: install the package valgrind".into());
    }
    let folder = places.folder.join(format!("counted-{}", process::id()));
    fs::create_dir_all(&folder)?;
    let counter = Counter {
        program: places.c("counted", &["counted", "common", "libmmx"], &places.libmmx())?,
        preloaded: places.c("allocations.so", &["allocations"], &["-shared".into(), "-fPIC".into()])?,
        server: StandIn::start(Command::new(places.server()))?,
        folder,
    };
    fs::write(counter.uploaded(), "0123456789abcdef".repeat(MIB / 16))?;
    let tasks = TASKS.iter().filter(|task| wanted(task.name));
    tasks.map(|task| counter.count(task)).collect()
}

impl Counter {
    fn uploaded(&self) -> PathBuf {
        self.folder.join("uploaded.mp3")
    }

    fn count(&self, task: &Task) -> Result<Count> {
        let (mut once, mut twice) = (Runs::default(), Runs::default());
        while !(once.agree() && twice.agree()) && once.0.len() < MOST_RUNS {
            eprint!("\r{:<80}\rcounting {}, {}", "", task.name, once.0.len() + 1);
            once.0.push(self.run(task, task.calls)?);
            twice.0.push(self.run(task, 2 * task.calls)?);
        }
        eprint!("\r{:<80}\r", "");
        if !(once.agree() && twice.agree()) {
            eprintln!("{}: no {AGREEING} of {MOST_RUNS} runs agree, the median is taken", task.name);
        }
        let (once, twice) = (once.totals(), twice.totals());
        let one = |of: fn(&Totals) -> u64| of(&twice).saturating_sub(of(&once)) as f64 / task.calls as f64;
        Ok(Count {
            name: task.name.to_owned(),
            instructions: one(|totals| totals.instructions).round() as u64,
            allocations: (one(|totals| totals.allocations) * 100.0).round() / 100.0,
            allocated_bytes: one(|totals| totals.bytes).round() as u64,
        })
    }

    /// Runs the client twice, under callgrind and with the counting allocator.
    fn run(&self, task: &Task, calls: usize) -> Result<Totals> {
        let (callgrind, allocations) = (self.folder.join("callgrind.out"), self.folder.join("allocations"));
        self.prepare(task, calls)?;
        let mut command = behind_the_server();
        command.args(["valgrind", "--tool=callgrind", "--quiet"]);
        command.arg(format!("--callgrind-out-file={}", callgrind.display())).arg(&self.program);
        self.finish(task, calls, &mut command)?;
        let instructions = total(&callgrind)?;

        self.prepare(task, calls)?;
        let mut command = behind_the_server();
        command
            .arg(&self.program)
            .env_clear()
            .env("LD_PRELOAD", &self.preloaded)
            .env("BENCH_ALLOCATIONS", &allocations);
        self.finish(task, calls, &mut command)?;
        let text =
            fs::read_to_string(&allocations).map_err(|error| format!("allocations were not counted: {error}"))?;
        fs::remove_file(&allocations)?;
        let numbers: Vec<u64> = text.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
        let &[allocations, bytes] = numbers.as_slice() else {
            return Err(format!("the allocations are {text:?}").into());
        };
        Ok(Totals { instructions, allocations, bytes })
    }

    /// The account as every run of a task finds it.
    fn prepare(&self, task: &Task, calls: usize) -> Result<()> {
        let tell = |what, body: serde_json::Value| self.server.tell(ACCOUNT, what, body.to_string());
        tell("reset", json!({}))?;
        tell("journal_off", json!({}))?;
        self.server.remove_files(ACCOUNT)?;
        match task.call {
            Call::Delete => tell("files", files_to_delete(calls + 1)),
            Call::List | Call::Parse => tell("files", files_to_delete(LISTED)),
            Call::Upload => tell("settings", json!({"count_only": true})),
            Call::Download => {
                let content = "0123456789abcdef".repeat(4096);
                tell("files", json!([{"file_id": FILE_ID, "purpose": "voice_clone", "content": content, "size": MIB}]))
            }
        }
    }

    fn finish(&self, task: &Task, calls: usize, command: &mut Command) -> Result<()> {
        let downloaded = self.folder.join("downloaded.mp3");
        let (word, arguments): (&str, Vec<OsString>) = match task.call {
            Call::Delete => ("delete", vec![FIRST_ID.to_string().into()]),
            Call::List => ("list", vec![LISTED.to_string().into()]),
            Call::Parse => ("parse", vec![LISTED.to_string().into()]),
            Call::Upload => ("upload", vec![self.uploaded().into()]),
            Call::Download => ("download", vec![FILE_ID.to_string().into(), downloaded.clone().into()]),
        };
        let command = command
            .args([word, &calls.to_string()])
            .args(arguments)
            .env("MINIMAX_BASE_URL", self.server.url(ACCOUNT, task.https))
            .env("MINIMAX_API_KEY", &self.server.ready.api_key)
            .env("SSL_CERT_FILE", &self.server.ready.ca_file)
            .stdin(Stdio::null());
        let status = command.status()?;
        if !status.success() {
            return Err(format!("{} ended with {status}", task.name).into());
        }
        let left = self.server.ask(ACCOUNT, "files")?;
        let left = serde_json::from_str::<Vec<serde_json::Value>>(&left)?.len();
        let expected = match task.call {
            Call::Delete => 0,
            Call::List | Call::Parse => LISTED,
            Call::Upload => calls + 1,
            Call::Download => 1,
        };
        if left != expected {
            return Err(format!("after {}, the server has {left} files, not {expected}", task.name).into());
        }
        if task.call == Call::Download && fs::read(&downloaded)? != fs::read(self.uploaded())? {
            return Err("other bytes were downloaded".into());
        }
        Ok(())
    }
}

/// A command for the client, with the lowest priority: while the server is ahead of it, it finds whole responses.
fn behind_the_server() -> Command {
    let mut command = Command::new("nice");
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).args(["-n", "19"]);
    command
}

/// The number of instructions in a file of callgrind.
fn total(path: &Path) -> Result<u64> {
    let text = fs::read_to_string(path)?;
    fs::remove_file(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:").or(line.strip_prefix("summary:")));
    Ok(line.ok_or("callgrind told no total")?.trim().parse()?)
}

#[cfg(test)]
mod tests {
    use super::agreed;

    #[test]
    fn three_numbers_that_agree_outweigh_others() {
        let of = |numbers: &[u64]| agreed(numbers.iter().copied());
        assert_eq!(of(&[27_787_493, 24_382_877, 27_788_929, 27_787_273]), Ok(27_787_493));
        assert_eq!(of(&[504, 504, 509]), Err(504));
        assert_eq!(of(&[0, 0, 0]), Ok(0));
    }
}
