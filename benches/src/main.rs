//! `make bench`: libmmx and its peers, each in a process of its own, in turns, against a stand-in server on this machine.

mod before;
mod bulk;
mod groups;
mod measure;
mod programs;
mod rate;
mod report;
mod selection;
mod server;
mod transfer;

use before::Before;
use groups::{Group, Sized, Task};
use measure::Run;
use mmx_bench::build::Places;
use mmx_bench::machine::{self, Machine};
use mmx_bench::result::{Compared, Figures, Results};
use mmx_bench::{Result, counted, goals};
use programs::Programs;
use selection::Selection;
use server::Server;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use std::{env, thread};
use transfer::Files;

const USAGE: &str = "\
Usage: mmx-bench [--quick|--smoke] [--goals] [--before COMMIT] [--output FILE] [WORD... [or WORD...]...]
       mmx-bench --goals --from FILE

Runs the benchmark. With words, only the parts in whose names all of them occur: `https 8 threads or bulk`. The parts are
the groups and contestants of the table, `bulk` with its groups, `rate`, `counted` (instructions and allocations) and
`library build` (size, and CPU time of a cold build). The last two are left out unless they are named or --goals is there.

  --quick          fewer rounds of fewer calls
  --smoke          as little as shows that all of it works; the figures mean nothing
  --goals          prints for each goal whether it is met
  --from FILE      of a result file, without measuring
  --before COMMIT  builds that commit's library and lets it run beside this one
  --output FILE    where the result goes; without it, target/bench/DATE.json

  BENCH_ROUNDS     how often each contestant runs (7; quick 3)
  BENCH_CALLS      calls of each run; from Python an eighth of that (16000; quick 6400)
  BENCH_MIB        MiB of the file that is uploaded and downloaded (512; quick 256)
";

/// More would be no small benchmark any more.
const MOST_ROUNDS: usize = 50;
const MOST_CALLS: usize = 100_000;
const MOST_MIB: usize = 2048;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Size {
    Full,
    Quick,
    Smoke,
}

struct Options {
    size: Size,
    rounds: usize,
    calls: usize,
    mib: usize,
    goals: bool,
    from: Option<PathBuf>,
    before: Option<String>,
    output: Option<PathBuf>,
    selection: Selection,
}

fn options() -> Result<Options> {
    let (mut size, mut goals, mut words) = (Size::Full, false, Vec::new());
    let (mut from, mut before, mut output) = (None, None, None);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        match argument.as_str() {
            "--quick" => size = Size::Quick,
            "--smoke" => size = Size::Smoke,
            "--goals" => goals = true,
            "--from" => from = Some(value()?.into()),
            "--before" => before = Some(value()?),
            "--output" => output = Some(value()?.into()),
            word if word.starts_with('-') => return Err(USAGE.into()),
            word => words.push(word.to_lowercase()),
        }
    }
    let (mut rounds, mut calls, mut mib) = match size {
        Size::Full => (7, 16_000, 512),
        Size::Quick => (3, 6400, 256),
        Size::Smoke => (1, 64, 1),
    };
    override_by("BENCH_ROUNDS", &mut rounds, MOST_ROUNDS)?;
    override_by("BENCH_CALLS", &mut calls, MOST_CALLS)?;
    override_by("BENCH_MIB", &mut mib, MOST_MIB)?;
    Ok(Options { size, rounds, calls, mib, goals, from, before, output, selection: Selection::new(&words) })
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
    if let Some(from) = &options.from {
        print!("{}", goals::table(&Results::read(from)?));
        return Ok(());
    }
    let began = Instant::now();
    let places = Places::find()?;
    let load_before = machine::load();
    let before = options.before.as_deref().map(|commit| Before::make(&places, commit)).transpose()?;
    let results = measure(&places, &options, before.as_ref())?;
    let output = options.output.clone();
    let mut results = results.ok_or("nothing has these words in its name")?;
    let mut machine = Machine::describe();
    (machine.load_before, machine.load_after) = (Some(load_before), Some(machine::load()));
    let output = output.unwrap_or_else(|| places.folder.join(format!("{}.json", machine.date)));
    results.machine = Some(machine);
    results.write(&output)?;

    eprintln!("measured in {:.0} s", began.elapsed().as_secs_f64());
    print(&results);
    if options.goals {
        print!("\n{}", goals::table(&results));
    }
    println!("\nwritten to {}", output.display());
    Ok(())
}

/// Measures what is selected; `None` if nothing is.
fn measure(places: &Places, options: &Options, before: Option<&Before>) -> Result<Option<Results>> {
    let selection = &options.selection;
    let programs = Programs { places, before };
    let mut groups = groups::all(&programs, options.mib);
    groups::select(&mut groups, selection);
    // These two are not part of a run without words.
    let named = |name: &str| selection.wants(name) && (options.goals || !selection.is_all());
    let is_counted = |name: &str| named(&format!("counted {name}"));

    let mut results = Results { rounds: options.rounds, ..Results::default() };
    if !groups.is_empty() {
        results.groups = compare(places, &programs, &groups, options)?;
    }
    if selection.wants("rate") {
        results.rate = rate::measure(places, options.size)?;
    }
    results.bulk = bulk::measure(&programs, options.size, |name| selection.wants(name))?;
    if counted::names().any(is_counted) {
        results.counts = counted::count(places, is_counted)?;
    }
    if named("library build") {
        results.libraries = before::libraries(places, before, options.size != Size::Smoke)?;
    }
    let Results { groups, rate, bulk, counts, libraries, .. } = &results;
    let is_empty = groups.is_empty() && rate.is_empty() && bulk.is_empty() && counts.is_empty() && libraries.is_empty();
    Ok((!is_empty).then_some(results))
}

fn compare(places: &Places, programs: &Programs<'_>, groups: &[Group], options: &Options) -> Result<Vec<Compared>> {
    programs::need_taskset()?;
    let mut built = Vec::new();
    for contestant in groups.iter().flat_map(|group| &group.contestants) {
        if !built.contains(&contestant.kind) {
            programs.build(contestant.kind)?;
            built.push(contestant.kind);
        }
    }
    let last_core = thread::available_parallelism()?.get() - 1;
    let spread = Server::start(places, None)?;
    let on_one_core = Server::start(places, Some(last_core))?;
    let moves_files = groups.iter().any(|group| matches!(group.task, Task::Transfer(_)));
    let files = moves_files.then(|| Files::make(places, options.mib)).transpose()?;
    let bench = Bench { calls: options.calls, files: files.as_ref(), spread: &spread, on_one_core: &on_one_core };
    bench.check_transfers(groups)?;
    let mut figures: Vec<Vec<Vec<Figures>>> =
        groups.iter().map(|group| vec![Vec::new(); group.contestants.len()]).collect();
    for round in 0..options.rounds {
        for (group, figures) in groups.iter().zip(&mut figures) {
            bench.one_round(group, round, figures)?;
        }
    }
    eprint!("\r{:<80}\r", "");
    Ok(groups.iter().zip(&figures).map(|(group, runs)| report::compare(group, runs, options)).collect())
}

fn print(results: &Results) {
    print!("{}", report::table(results));
    if !results.rate.is_empty() {
        rate::print(&results.rate);
    }
    if !results.bulk.is_empty() {
        bulk::print(&results.bulk);
    }
    if !results.counts.is_empty() {
        println!("\n{:<34}{:>14}{:>14}{:>14}", "Counted, for one call", "instructions", "allocations", "bytes");
    }
    for count in &results.counts {
        let (instructions, bytes) = (count.instructions, count.allocated_bytes);
        println!("  {:<32}{instructions:>14}{:>14.2}{bytes:>14}", count.name, count.allocations);
    }
    if !results.libraries.is_empty() {
        before::print(&results.libraries);
    }
}

/// What the runs have in common.
struct Bench<'a> {
    calls: usize,
    files: Option<&'a Files>,
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
