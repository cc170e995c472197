//! Medians, ratios and the table that is printed.

use crate::Options;
use crate::groups::{Group, Task};
use mmx_bench::result::{Compared, Contestant, FIGURES, Figures, Results, Spread};
use std::collections::BTreeMap;
use std::fmt::Write as _;

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

pub(crate) fn compare(group: &Group, runs: &[Vec<Figures>], options: &Options) -> Compared {
    let peer = group.contestants.iter().position(|contestant| contestant.name == group.peer);
    let spreads = |of: &dyn Fn(&str) -> Option<Spread>| -> BTreeMap<String, Spread> {
        FIGURES.iter().filter_map(|name| Some(((*name).to_owned(), of(name)?))).collect()
    };
    let mut contestants: Vec<_> = group
        .contestants
        .iter()
        .zip(runs)
        .map(|(contestant, runs)| Contestant {
            name: contestant.name.to_owned(),
            about: runs.first().map_or(String::new(), |figures| figures.about.clone()),
            median: BTreeMap::new(),
            ratio: BTreeMap::new(),
            runs: runs.clone(),
        })
        .collect();
    for at in 0..contestants.len() {
        let own = &contestants[at];
        let median = spreads(&|figure| own.spread(figure));
        let ratio = peer.map(|peer| spreads(&|figure| own.ratio_to(&contestants[peer], figure))).unwrap_or_default();
        (contestants[at].median, contestants[at].ratio) = (median, ratio);
    }
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
        mib: matches!(group.task, Task::Transfer(_)).then_some(options.mib),
        peer: group.peer.to_owned(),
        contestants,
    }
}

pub(crate) fn table(results: &Results) -> String {
    let mut text = String::new();
    if let Some(machine) = &results.machine {
        let _ = writeln!(text, "{}, {} cores, {}, {}", machine.cpu, machine.cores, machine.kernel, machine.rustc);
        if let (Some(before), Some(after)) = (machine.load_before, machine.load_after) {
            let rounds = results.rounds;
            let _ = writeln!(text, "Medians of {rounds} rounds (min–max); load {before:.1} before, {after:.1} after");
        }
    }
    for group in &results.groups {
        if group.mib.is_some() {
            add_group(&mut text, group, &TRANSFER, &TRANSFER_RATIOS);
        } else if group.first_call {
            add_group(&mut text, group, &FIRST, &FIRST_RATIOS);
        } else {
            add_group(&mut text, group, &MANY, &MANY_RATIOS);
        }
    }
    let mut abouts: Vec<_> =
        results.groups.iter().flat_map(|group| &group.contestants).map(|ranked| ranked.about.as_str()).collect();
    abouts.sort_unstable();
    abouts.dedup();
    if !abouts.is_empty() {
        let _ = writeln!(text, "\n{}", abouts.join("\n"));
    }
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
        for &(_, name) in ratios {
            let _ = write!(text, "{:>8.2}", ranked.ratio.get(name).map_or(f64::NAN, |spread| spread.median));
        }
        let _ = writeln!(text);
    }
}
