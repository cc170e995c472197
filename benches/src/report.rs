//! Medians, ratios, the table and the file.

use crate::Options;
use crate::groups::{Group, Scheme, Task};
use crate::machine::Machine;
use crate::measure::Figures;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    machine: Machine,
    rounds: usize,
    groups: Vec<Compared>,
}

#[derive(Debug, Serialize)]
struct Compared {
    name: String,
    scheme: Scheme,
    threads: usize,
    one_core: bool,
    /// Of a run.
    calls: usize,
    first_call: bool,
    /// Of a transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    mib: Option<usize>,
    peer: &'static str,
    contestants: Vec<Ranked>,
}

#[derive(Debug, Serialize)]
struct Ranked {
    name: &'static str,
    about: String,
    median: BTreeMap<&'static str, Spread>,
    /// To the peer's run next to it.
    ratio: BTreeMap<&'static str, Spread>,
    runs: Vec<Figures>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

type Figure = (&'static str, fn(&Figures) -> f64);

const FIGURES: [Figure; 6] = [
    ("p50_us", |figures| figures.p50_us),
    ("p99_us", |figures| figures.p99_us),
    ("calls_per_s", |figures| figures.calls_per_s),
    ("cpu_us", |figures| figures.cpu_us),
    ("peak_rss_mib", |figures| figures.peak_rss_mib),
    ("process_ms", |figures| figures.process_ms),
];

const TRANSFER_FIGURES: [Figure; 2] = [
    ("mib_per_s", |figures| figures.mib_per_s.unwrap_or(f64::NAN)),
    ("growth_mib", |figures| figures.growth_mib.unwrap_or(f64::NAN)),
];

/// A column: its heading, the figure, what it is divided by, decimals, and whether the spread is shown.
type Column = (&'static str, &'static str, f64, usize, bool);

const MANY: [Column; 5] = [
    ("p50 µs", "p50_us", 1.0, 1, true),
    ("p99 µs", "p99_us", 1.0, 0, false),
    ("calls/s", "calls_per_s", 1.0, 0, true),
    ("CPU µs a call", "cpu_us", 1.0, 1, true),
    ("MiB", "peak_rss_mib", 1.0, 1, false),
];
const MANY_RATIOS: [(&str, &str); 3] = [("p50", "p50_us"), ("CPU", "cpu_us"), ("calls/s", "calls_per_s")];

const FIRST: [Column; 4] = [
    ("call ms", "p50_us", 1000.0, 1, true),
    ("process ms", "process_ms", 1.0, 1, true),
    ("CPU ms", "cpu_us", 1000.0, 1, true),
    ("MiB", "peak_rss_mib", 1.0, 1, false),
];
const FIRST_RATIOS: [(&str, &str); 3] = [("call", "p50_us"), ("CPU", "cpu_us"), ("process", "process_ms")];

const TRANSFER: [Column; 4] = [
    ("MiB/s", "mib_per_s", 1.0, 0, true),
    ("CPU ms", "cpu_us", 1000.0, 0, true),
    ("growth MiB", "growth_mib", 1.0, 1, true),
    ("MiB", "peak_rss_mib", 1.0, 1, false),
];
const TRANSFER_RATIOS: [(&str, &str); 2] = [("MiB/s", "mib_per_s"), ("CPU", "cpu_us")];

pub(crate) fn result(machine: Machine, options: &Options, groups: &[Group], runs: &[Vec<Vec<Figures>>]) -> Outcome {
    let groups = groups.iter().zip(runs).map(|(group, runs)| compare(group, runs, options)).collect();
    Outcome { machine, rounds: options.rounds, groups }
}

fn compare(group: &Group, runs: &[Vec<Figures>], options: &Options) -> Compared {
    let is_transfer = matches!(group.task, Task::Transfer(_));
    let figures = || FIGURES.into_iter().chain(TRANSFER_FIGURES.into_iter().filter(|_| is_transfer));
    let peer = group.contestants.iter().position(|contestant| contestant.name == group.peer);
    let ranked = group.contestants.iter().zip(runs).map(|(contestant, own)| Ranked {
        name: contestant.name,
        about: own.first().map_or(String::new(), |figures| figures.about.clone()),
        median: figures().map(|(name, of)| (name, spread(own.iter().map(of)))).collect(),
        ratio: match peer {
            Some(peer) => figures()
                .map(|(name, of)| (name, spread(own.iter().zip(&runs[peer]).map(|(own, peer)| of(own) / of(peer)))))
                .collect(),
            None => BTreeMap::new(),
        },
        runs: own.clone(),
    });
    let (threads, calls) = match group.task {
        Task::Many { threads, share } => (threads, (options.calls / share / threads).max(1) * threads),
        Task::First | Task::Transfer(_) => (1, 1),
    };
    Compared {
        name: group.name.clone(),
        scheme: group.scheme,
        threads,
        one_core: group.one_core,
        calls,
        first_call: group.task == Task::First,
        mib: is_transfer.then_some(options.mib),
        peer: group.peer,
        contestants: ranked.collect(),
    }
}

fn spread(values: impl Iterator<Item = f64>) -> Spread {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
    let round = |value: f64| (value * 1000.0).round() / 1000.0;
    Spread { median: round(median), min: round(sorted[0]), max: round(sorted[sorted.len() - 1]) }
}

pub(crate) fn table(outcome: &Outcome) -> String {
    let mut text = String::new();
    let machine = &outcome.machine;
    let _ = writeln!(text, "{}, {} cores, {}, {}", machine.cpu, machine.cores, machine.kernel, machine.rustc);
    let (rounds, before, after) = (outcome.rounds, machine.load_before, machine.load_after);
    let _ = writeln!(text, "Medians of {rounds} rounds (min–max); load {before:.1} before, {after:.1} after");
    for group in &outcome.groups {
        if group.mib.is_some() {
            add_group(&mut text, group, &TRANSFER, &TRANSFER_RATIOS);
        } else if group.first_call {
            add_group(&mut text, group, &FIRST, &FIRST_RATIOS);
        } else {
            add_group(&mut text, group, &MANY, &MANY_RATIOS);
        }
    }
    let mut abouts: Vec<_> =
        outcome.groups.iter().flat_map(|group| &group.contestants).map(|ranked| ranked.about.as_str()).collect();
    abouts.sort_unstable();
    abouts.dedup();
    let _ = writeln!(text, "\n{}", abouts.join("\n"));
    text
}

fn add_group(text: &mut String, group: &Compared, columns: &[Column], ratios: &[(&str, &str)]) {
    const NAME: usize = 32;
    let width = |column: &Column| if column.4 { 21 } else { 7 };
    let peer = format!("  × {}:", group.peer.split(' ').next().unwrap_or_default());
    let _ = write!(text, "\n{:<NAME$}", group.name);
    for column in columns {
        let width = width(column);
        let _ = write!(text, "{:>width$}", column.0);
    }
    let _ = write!(text, "{peer}");
    for (heading, _) in ratios {
        let _ = write!(text, "{heading:>8}");
    }
    let _ = writeln!(text);
    let gap = peer.chars().count();
    for ranked in &group.contestants {
        let _ = write!(text, "  {:<1$}", ranked.name, NAME - 2);
        for column in columns {
            let &(_, name, divisor, decimals, with_spread) = column;
            let width = width(column);
            let Spread { median, min, max } = ranked.median[name];
            let shown = |value: f64| format!("{:.decimals$}", value / divisor);
            let cell = if with_spread {
                format!("{} ({}–{})", shown(median), shown(min), shown(max))
            } else {
                shown(median)
            };
            let _ = write!(text, "{cell:>width$}");
        }
        let _ = write!(text, "{:gap$}", "");
        for (_, name) in ratios {
            let _ = write!(text, "{:>8.2}", ranked.ratio.get(name).map_or(f64::NAN, |spread| spread.median));
        }
        let _ = writeln!(text);
    }
}
