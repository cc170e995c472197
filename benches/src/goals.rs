//! The goals for the library's speed and size, and whether a result meets them.

use crate::result::{Bulk, Compared, Count, Results, Spread};
use std::fmt::Write as _;

const LIBMMX: &str = "libmmx from C";
const LIBCURL: &str = "libcurl easy from C";
const REQWEST: &str = "reqwest::blocking";
/// Allocations of a delete over HTTP and over HTTPS when the library stood on a tokio runtime.
const ALLOCATIONS_BEFORE: [f64; 2] = [61.0, 64.0];

pub struct Goal {
    pub name: String,
    pub bound: Bound,
    /// The figure with its spread; `None` if the result does not have it.
    pub measured: Option<Spread>,
}

#[derive(Clone, Copy, Debug)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// Shown without a goal.
    None,
}

impl Goal {
    /// `None` if it was not measured, or has no bound.
    pub fn is_met(&self) -> Option<bool> {
        let measured = self.measured?.median;
        match self.bound {
            Bound::AtMost(bound) => Some(measured <= bound),
            Bound::AtLeast(bound) => Some(measured >= bound),
            Bound::None => None,
        }
    }
}

/// All goals, with what a result says of each.
pub fn goals(results: &Results) -> Vec<Goal> {
    let mut goals = Vec::new();
    let mut add = |name: &str, bound, measured| goals.push(Goal { name: name.to_owned(), bound, measured });
    let ratio = |group: &str, own: &str, other: &str, figure: &str| {
        let group = find(results, group)?;
        group.contestant(own)?.ratio_to(group.contestant(other)?, figure)
    };
    let both = ["HTTP", "HTTPS"];

    for (over, p50, cpu) in [("HTTP", 0.80, 0.65), ("HTTPS", 0.75, 0.60)] {
        let group = format!("{over}, 1 thread, one core");
        let to_libcurl = |figure| ratio(&group, LIBMMX, LIBCURL, figure);
        add(&format!("{over}, 1 thread: p50 to libcurl"), Bound::AtMost(p50), to_libcurl("p50_us"));
        add(&format!("{over}, 1 thread: CPU to libcurl"), Bound::AtMost(cpu), to_libcurl("cpu_us"));
    }
    for (threads, least) in [(8, 1.3), (64, 1.2)] {
        for over in both {
            let group = format!("{over}, {threads} threads");
            let to = |peer| ratio(&group, LIBMMX, peer, "calls_per_s");
            add(&format!("{group}: calls/s to libcurl"), Bound::AtLeast(least), to(LIBCURL));
            add(&format!("{group}: calls/s to reqwest::blocking"), Bound::AtLeast(1.1), to(REQWEST));
        }
    }
    for (over, way, least) in
        [("HTTP", "upload", 1.3), ("HTTPS", "upload", 1.3), ("HTTP", "download", 1.5), ("HTTPS", "download", 1.3)]
    {
        let group = format!("{over}, {way} of ");
        let growth = find(results, &group).and_then(|group| group.contestant(LIBMMX)?.spread("growth_mib"));
        let speed = ratio(&group, LIBMMX, LIBCURL, "mib_per_s");
        add(&format!("{over}, {way}: MiB/s to libcurl"), Bound::AtLeast(least), speed);
        add(&format!("{over}, {way}: growth of memory, MiB"), Bound::AtMost(4.0), growth);
    }
    for group in ["no delay, 16 at once", "no delay, HTTPS, 16 at once"] {
        let measured = bulk_ratio(results, group);
        add(&format!("bulk, {group}: time to curl multi"), Bound::AtMost(0.9), measured);
    }
    let measured = bulk(results, "50 ms, 16 at once", "libmmx").and_then(to_the_least);
    add("bulk, 50 ms, 16 at once: time to the least possible", Bound::AtMost(1.04), measured);
    for roots in ["system's roots", "one root"] {
        let group = format!("first HTTPS call, {roots}");
        let measured = ratio(&group, LIBMMX, "libmmx before", "p50_us");
        add(&format!("{group}: time to before"), Bound::AtMost(1.0), measured);
    }
    for over in both {
        let group = format!("{over}, Python, one core");
        let main = "libmmx, main thread (Ctrl-C)";
        let p50 = |own, other| ratio(&group, own, other, "p50_us");
        add(&format!("{over}, Python: p50 to pycurl"), Bound::AtMost(0.85), p50("libmmx", "pycurl"));
        add(&format!("{over}, Python's main thread: p50 to pycurl"), Bound::None, p50(main, "pycurl"));
        add(&format!("{over}, Python's main thread: p50 to another"), Bound::AtMost(1.05), p50(main, "libmmx"));
    }
    for over in both {
        for goroutines in ["1 goroutine, one core", "1 goroutine", "8 goroutines", "64 goroutines"] {
            let group = format!("{over}, Go, {goroutines}");
            let measured = ratio(&group, "libmmx from Go", "net/http", "calls_per_s");
            add(&format!("{group}: calls/s to net/http"), Bound::AtLeast(1.0), measured);
        }
    }
    for (over, before) in both.into_iter().zip(ALLOCATIONS_BEFORE) {
        let count = count(results, &format!("delete, {over}")).map(|count| count.allocations);
        add(&format!("delete, {over}: allocations"), Bound::AtMost(before / 2.0), one(count));
    }
    let library = |at: usize| results.libraries.get(at);
    let size = library(0).map(|library| library.stripped_bytes as f64 / 1e6);
    add("libmmx.so, stripped: MB", Bound::AtMost(3.2), one(size));
    let cpu = library(0).zip(library(1)).and_then(|(now, before)| Some(now.build_cpu_s? / before.build_cpu_s?));
    add("cold `make lib`: CPU time to before", Bound::AtMost(0.6), one(cpu));
    goals
}

/// A group by its name, or by how its name begins: a transfer's ends with its size.
fn find<'a>(results: &'a Results, name: &str) -> Option<&'a Compared> {
    let is_beginning = name.ends_with(' ');
    results.groups.iter().find(|group| group.name == name || is_beginning && group.name.starts_with(name))
}

fn bulk<'a>(results: &'a Results, group: &str, name: &str) -> Option<&'a Bulk> {
    results.bulk.iter().find(|row| row.group == group && row.name == name)
}

fn bulk_ratio(results: &Results, group: &str) -> Option<Spread> {
    let (own, peer) = (bulk(results, group, "libmmx")?, bulk(results, group, "libcurl multi")?);
    Spread::of(own.runs.iter().zip(&peer.runs).map(|(own, peer)| own.seconds / peer.seconds))
}

fn to_the_least(row: &Bulk) -> Option<Spread> {
    let least = row.seconds / row.to_the_least?;
    Spread::of(row.runs.iter().map(|run| run.seconds / least))
}

fn count<'a>(results: &'a Results, name: &str) -> Option<&'a Count> {
    results.counts.iter().find(|count| count.name == name)
}

fn one(value: Option<f64>) -> Option<Spread> {
    value.and_then(|value| Spread::of([value]))
}

/// A line for each goal: the goal, the figure with its least and greatest, and whether it is met.
pub fn table(results: &Results) -> String {
    let goals = goals(results);
    let mut text = format!("{:<56}{:>8}{:>22}\n", "Goal", "", "measured");
    let (mut met, mut measured) = (0, 0);
    for goal in &goals {
        let bound = match goal.bound {
            Bound::AtMost(bound) => format!("≤ {bound}"),
            Bound::AtLeast(bound) => format!("≥ {bound}"),
            Bound::None => String::new(),
        };
        let figure = match goal.measured {
            Some(Spread { median, min, max }) if min == max => format!("{median:.2}"),
            Some(Spread { median, min, max }) => format!("{median:.2} ({min:.2}–{max:.2})"),
            None => "not measured".into(),
        };
        let verdict = match goal.is_met() {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "",
        };
        measured += usize::from(goal.is_met().is_some());
        met += usize::from(goal.is_met() == Some(true));
        let _ = writeln!(text, "{}", format!("{:<56}{bound:>8}{figure:>22}  {verdict}", goal.name).trim_end());
    }
    let all = goals.iter().filter(|goal| !matches!(goal.bound, Bound::None)).count();
    let _ = writeln!(text, "{met} met of {measured} that were measured; there are {all}");
    text
}

#[cfg(test)]
mod tests {
    use super::{goals, table};
    use crate::result::Results;
    use serde_json::{Value, json};

    fn run(calls_per_s: f64) -> Value {
        let zero = 0.0;
        json!({"p50_us": zero, "p99_us": zero, "calls_per_s": calls_per_s, "cpu_us": zero, "peak_rss_mib": zero,
            "process_ms": zero})
    }

    #[test]
    fn a_goal_is_judged_by_the_rounds_of_one_group() {
        let contestant = |name: &str, rounds: [f64; 3]| json!({"name": name, "about": "", "median": {}, "ratio": {}, "runs": rounds.map(run)});
        let results = json!({"groups": [{
            "name": "HTTPS, 8 threads", "scheme": "https", "threads": 8, "one_core": false, "calls": 1, "first_call": false,
            "peer": "libcurl easy from C",
            "contestants": [
                contestant("libmmx from C", [140.0, 130.0, 120.0]),
                contestant("libcurl easy from C", [100.0, 100.0, 100.0]),
                contestant("reqwest::blocking", [100.0, 130.0, 200.0]),
            ],
        }]});
        let results: Results = serde_json::from_value(results).unwrap();
        let goals = goals(&results);
        let met = |name: &str| goals.iter().find(|goal| goal.name == name).unwrap().is_met();
        assert_eq!(met("HTTPS, 8 threads: calls/s to libcurl"), Some(true));
        assert_eq!(met("HTTPS, 8 threads: calls/s to reqwest::blocking"), Some(false));
        assert_eq!(met("HTTP, 8 threads: calls/s to libcurl"), None);
        let table = table(&results);
        assert!(table.contains("1.30 (1.20–1.40)  met\n"), "{table}");
        assert!(table.contains("1.00 (0.60–1.40)  NOT MET\n"), "{table}");
        assert!(table.contains("1 met of 2 that were measured"), "{table}");
    }
}
