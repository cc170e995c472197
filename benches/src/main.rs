//! `make bench`: libmmx and its peers, each in a process of its own, in turns, against a stand-in server on this machine.

mod groups;
mod machine;
mod measure;
mod programs;
mod report;
mod server;
mod transfer;

use groups::{Group, Sized};
use measure::{Figures, Run};
use mmx_bench::Result;
use programs::Programs;
use server::Server;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs, io, thread};
use transfer::Files;

const USAGE: &str = "\
Usage: mmx-bench [--quick] [--output FILE] [WORD...]

Runs the benchmark; with words, only the groups and contestants in whose names all of them occur.

  --quick         fewer rounds of fewer calls
  --output FILE   where the result goes; without it, target/bench/DATE.json

  BENCH_ROUNDS    how often each contestant runs (7; quick 3)
  BENCH_CALLS     calls of each run; from Python an eighth of that (16000; quick 6400)
  BENCH_MIB       MiB of the file that is uploaded and downloaded (256)
";

/// More would be no small benchmark any more.
const MOST_ROUNDS: usize = 50;
const MOST_CALLS: usize = 100_000;
const MOST_MIB: usize = 2048;

struct Options {
    rounds: usize,
    calls: usize,
    mib: usize,
    output: Option<PathBuf>,
    words: Vec<String>,
}

fn options() -> Result<Options> {
    let mut options = Options { rounds: 7, calls: 16_000, mib: 256, output: None, words: Vec::new() };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => (options.rounds, options.calls) = (3, 6400),
            "--output" => options.output = Some(arguments.next().ok_or(USAGE)?.into()),
            word if word.starts_with('-') => return Err(USAGE.into()),
            word => options.words.push(word.to_lowercase()),
        }
    }
    override_by("BENCH_ROUNDS", &mut options.rounds, MOST_ROUNDS)?;
    override_by("BENCH_CALLS", &mut options.calls, MOST_CALLS)?;
    override_by("BENCH_MIB", &mut options.mib, MOST_MIB)?;
    Ok(options)
}

fn override_by(variable: &str, number: &mut usize, most: usize) -> Result<()> {
    if let Ok(value) = env::var(variable) {
        *number = value
            .parse()
            .ok()
            .filter(|value| (1..=most).contains(value))
            .ok_or_else(|| format!("{variable}={value}: a whole number from 1 to {most} is needed"))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    if env::args().any(|argument| argument == "--help" || argument == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("\nmmx-bench: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let options = options()?;
    let began = Instant::now();
    let load_before = machine::load();
    let programs = Programs::make()?;
    let mut groups = groups::all(&programs, options.mib);
    groups::select(&mut groups, &options.words);
    if groups.is_empty() {
        return Err("no group has these words in its name".into());
    }
    let last_core = thread::available_parallelism()?.get() - 1;
    let spread = Server::start(&programs, None)?;
    let on_one_core = Server::start(&programs, Some(last_core))?;

    let files = Files::make(&programs, options.mib)?;
    let bench = Bench { calls: options.calls, files: &files, spread: &spread, on_one_core: &on_one_core };
    bench.check_transfers(&groups)?;
    let mut figures: Vec<Vec<Vec<Figures>>> =
        groups.iter().map(|group| vec![Vec::new(); group.contestants.len()]).collect();
    for round in 0..options.rounds {
        for (group, figures) in groups.iter().zip(&mut figures) {
            bench.one_round(group, round, figures)?;
        }
    }
    eprintln!("\r{:<80}\r{} rounds in {:.0} s", "", options.rounds, began.elapsed().as_secs_f64());

    let mut machine = machine::describe();
    machine.load_before = load_before;
    machine.load_after = machine::load();
    let date = machine.date.clone();
    let result = report::result(machine, &options, &groups, &figures);
    print!("{}", report::table(&result));
    let output = options.output.unwrap_or_else(|| programs.folder.join(format!("{date}.json")));
    write(&output, &result)?;
    println!("\nwritten to {}", output.display());
    Ok(())
}

/// What the runs have in common.
struct Bench<'a> {
    calls: usize,
    files: &'a Files,
    spread: &'a Server,
    on_one_core: &'a Server,
}

impl<'a> Bench<'a> {
    /// A B C, B C A, C A B, …: nobody is always the first one or the last.
    fn one_round(&self, group: &'a Group, round: usize, figures: &mut [Vec<Figures>]) -> Result<()> {
        let count = group.contestants.len();
        for turn in 0..group.task.turns() {
            for position in 0..count {
                let at = (round + turn + position) % count;
                eprint!("\r{:<80}\rround {}: {}, {}", "", round + 1, group.name, group.contestants[at].name);
                figures[at].push(self.run(group, at).measure()?);
            }
        }
        Ok(())
    }

    fn check_transfers(&self, groups: &'a [Group]) -> Result<()> {
        for group in groups {
            let Sized::Transfer(way) = group.task.sized(self.calls) else { continue };
            for at in 0..group.contestants.len() {
                self.run(group, at).check_transfer(way)?;
            }
        }
        Ok(())
    }

    fn run(&self, group: &'a Group, at: usize) -> Run<'a> {
        let server = if group.one_core { self.on_one_core } else { self.spread };
        Run {
            program: &group.contestants[at].program,
            task: group.task.sized(self.calls),
            scheme: group.scheme,
            roots: group.roots(server),
            server,
            files: self.files,
        }
    }
}

fn write(path: &PathBuf, result: &report::Outcome) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut text = serde_json::to_string_pretty(result)?;
    text.push('\n');
    fs::write(path, text)
}
