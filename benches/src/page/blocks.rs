//! The tables of the page and the sentence of the README.

use super::{Sources, bulk_spread, is_ours, kind, plain, speed};
use crate::result::{Compared, Contestant, Spread};
use crate::{Result, number};

/// A block by the name that the page calls it with.
pub(super) fn make(name: &str, sources: &Sources) -> Result<String> {
    let both = |rest: &str| ["HTTP", "HTTPS"].map(|over| format!("{over}, {rest}"));
    let block = match name {
        "machine" => machine(sources),
        "one thread" => calls(sources, &both("1 thread, one core")),
        "many threads" => calls(sources, &[both("8 threads"), both("64 threads")].concat()),
        "Python" => calls(sources, &both("Python, one core")),
        "Go" => calls(
            sources,
            &[
                both("Go, 1 goroutine, one core"),
                both("Go, 1 goroutine"),
                both("Go, 8 goroutines"),
                both("Go, 64 goroutines"),
            ]
            .concat(),
        ),
        "first call" => first_calls(sources),
        "transfers" => transfers(sources),
        "bulk" => bulk(sources),
        "rate" => rate(sources),
        "counts" => counts(sources),
        "best and worst" => best_and_worst(sources),
        _ => return Err(format!("there are no figures named {name}").into()),
    };
    Ok(if block.is_empty() { "Not measured in these results.".into() } else { block })
}

fn table(columns: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<_> = columns.iter().map(|&column| column.to_owned()).collect();
    // Names to the left, figures to the right.
    let rule: Vec<_> = columns.iter().map(|column| if column.is_empty() { "---" } else { "---:" }.to_owned()).collect();
    line(&head) + &line(&rule) + &rows.iter().map(|row| line(row)).collect::<String>()
}

/// "31.4 (30.9–33.0)"
fn spread(spread: Option<Spread>, divisor: f64, decimals: usize) -> String {
    let shown = |value: f64| number(value / divisor, decimals);
    spread.map_or("—".into(), |Spread { median, min, max }| {
        format!("{} ({}–{})", shown(median), shown(min), shown(max))
    })
}

fn median(spread: Option<Spread>, decimals: usize) -> String {
    spread.map_or("—".into(), |spread| number(spread.median, decimals))
}

/// The name in the first row of a group only, as in a printed table.
fn rows(
    sources: &Sources,
    groups: &[String],
    cells: impl Fn(&Compared, &Contestant) -> Vec<String>,
) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for group in groups.iter().filter_map(|name| sources.group(name)) {
        for (at, contestant) in group.contestants.iter().enumerate() {
            let heading = if at == 0 { group.name.clone() } else { String::new() };
            let name = plain(&contestant.name);
            let name = if is_ours(name) { format!("**{name}**") } else { name.to_owned() };
            rows.push([vec![heading, name], cells(group, contestant)].concat());
        }
    }
    rows
}

/// The ratio of a figure to the peer's; empty for the peer itself.
fn ratio(group: &Compared, contestant: &Contestant, figure: &str) -> String {
    let peer = group.contestant(&group.peer).filter(|peer| peer.name != contestant.name);
    peer.map_or(String::new(), |peer| median(contestant.ratio_to(peer, figure), 2))
}

/// The peer that the ratios of these groups are to.
fn peer<'a>(sources: &'a Sources, groups: &[String]) -> &'a str {
    groups.iter().find_map(|name| sources.group(name)).map_or("peer", |group| plain(&group.peer))
}

fn calls(sources: &Sources, groups: &[String]) -> String {
    let to = format!("p50 · CPU · calls/s to {}", peer(sources, groups));
    let rows = rows(sources, groups, |group, contestant| {
        let ratios = ["p50_us", "cpu_us", "calls_per_s"].map(|figure| ratio(group, contestant, figure));
        let ratios = if ratios[0].is_empty() { String::new() } else { ratios.join(" · ") };
        vec![
            spread(contestant.spread("p50_us"), 1.0, 1),
            median(contestant.spread("p99_us"), 0),
            spread(contestant.spread("calls_per_s"), 1.0, 0),
            spread(contestant.spread("cpu_us"), 1.0, 1),
            median(contestant.spread("peak_rss_mib"), 1),
            ratios,
        ]
    });
    table(&["", "", "p50, µs", "p99, µs", "calls/s", "CPU of a call, µs", "memory, MiB", &to], rows)
}

fn first_calls(sources: &Sources) -> String {
    let groups = ["first HTTPS call, system's roots", "first HTTPS call, one root"].map(str::to_owned);
    let to = format!("time · CPU to {}", peer(sources, &groups));
    let rows = rows(sources, &groups, |group, contestant| {
        let ratios = ["p50_us", "cpu_us"].map(|figure| ratio(group, contestant, figure));
        vec![
            spread(contestant.spread("p50_us"), 1000.0, 1),
            spread(contestant.spread("process_ms"), 1.0, 1),
            spread(contestant.spread("cpu_us"), 1000.0, 1),
            if ratios[0].is_empty() { String::new() } else { ratios.join(" · ") },
        ]
    });
    table(&["", "", "call, ms", "process, ms", "CPU, ms", &to], rows)
}

fn transfers(sources: &Sources) -> String {
    let groups = ["HTTP, upload", "HTTP, download", "HTTPS, upload", "HTTPS, download"].map(str::to_owned);
    let to = format!("MiB/s · CPU to {}", peer(sources, &groups));
    let rows = rows(sources, &groups, |group, contestant| {
        let ratios = ["mib_per_s", "cpu_us"].map(|figure| ratio(group, contestant, figure));
        vec![
            spread(contestant.spread("mib_per_s"), 1.0, 0),
            spread(contestant.spread("cpu_us"), 1000.0, 0),
            spread(contestant.spread("growth_mib"), 1.0, 1),
            if ratios[0].is_empty() { String::new() } else { ratios.join(" · ") },
        ]
    });
    table(&["", "", "MiB/s", "CPU, ms", "growth of memory, MiB", &to], rows)
}

fn bulk(sources: &Sources) -> String {
    let mut rows = Vec::new();
    let mut group = "";
    for row in sources.bulk() {
        let heading = if row.group == group {
            String::new()
        } else {
            format!("{}, {} files", row.group, number(row.files.into(), 0))
        };
        group = &row.group;
        let name = if is_ours(&row.name) { format!("**{}**", row.name) } else { row.name.clone() };
        let is_peer = row.to_the_peer == 1.0 && row.cpu_to_the_peer == 1.0;
        rows.push(vec![
            heading,
            name,
            spread(Spread::of(row.runs.iter().map(|run| run.seconds)), 1.0, 2),
            row.to_the_least.map_or(String::new(), |ratio| number(ratio, 3)),
            median(bulk_spread(row), 0),
            number(row.cpu_us, 0),
            if is_peer { String::new() } else { format!("{:.2} · {:.2}", row.to_the_peer, row.cpu_to_the_peer) },
        ]);
    }
    table(&["", "", "time, s", "to the least possible", "files/s", "CPU of a file, µs", "time · CPU to libcurl"], rows)
}

fn rate(sources: &Sources) -> String {
    let row = |row: &crate::result::Rate| {
        let seconds = number(row.seconds, 1);
        vec![row.name.clone(), number(row.files.into(), 0), seconds, number(row.ratio, 3), row.refused.to_string()]
    };
    let rows = sources.rate().iter().map(row).collect();
    table(&["", "files", "time, s", "to the least possible", "requests refused"], rows)
}

fn counts(sources: &Sources) -> String {
    let row = |count: &crate::result::Count| {
        let instructions = number(count.instructions as f64, 0);
        let allocations = if count.allocations.fract() == 0.0 { 0 } else { 1 };
        vec![
            count.name.clone(),
            instructions,
            number(count.allocations, allocations),
            number(count.allocated_bytes as f64, 0),
        ]
    };
    let rows = sources.counts().iter().map(row).collect();
    table(&["", "instructions", "allocations", "bytes allocated"], rows)
}

/// Where the figures come from.
fn machine(sources: &Sources) -> String {
    let mut text = String::new();
    for (name, results) in &sources.0 {
        let mut parts: Vec<String> = Vec::new();
        let groups = |wanted: fn(&Compared) -> bool| results.groups.iter().any(wanted);
        for (is_there, part) in [
            (groups(|group| group.mib.is_none()), "calls"),
            (groups(|group| group.mib.is_some()), "transfers"),
            (!results.bulk.is_empty(), "many files at once"),
            (!results.rate.is_empty(), "rate limit"),
            (!results.counts.is_empty(), "instructions and allocations"),
        ] {
            if is_there {
                parts.push(part.into());
            }
        }
        let (parts, mut line) = (parts.join(", "), String::from("the machine is not recorded"));
        if let Some(machine) = &results.machine {
            line = format!(
                "{} at commit {}; {}, {} cores, {} GiB, {}, {}",
                machine.date,
                machine.commit,
                machine.cpu,
                machine.cores,
                machine.memory_gib,
                machine.kernel,
                machine.rustc
            );
            if let (Some(before), Some(after)) = (machine.load_before, machine.load_after) {
                line += &format!("; load {before:.1} before and {after:.1} after");
            }
        }
        let rounds =
            if results.rounds > 0 { format!(" (medians of {} rounds)", results.rounds) } else { String::new() };
        text += &format!(
            "* [{name}](../benches/results/{name}): {parts}{rounds}. {}{}.\n",
            &line[..1].to_uppercase(),
            &line[1..]
        );
    }
    let mut abouts: Vec<&str> = sources
        .groups()
        .iter()
        .flat_map(|group| &group.contestants)
        .map(|contestant| contestant.about.as_str())
        .collect();
    abouts.sort_unstable();
    abouts.dedup();
    if !abouts.is_empty() {
        text += &format!("\nThe programs: {}.\n", abouts.join("; "));
    }
    text
}

/// The comparison in which libmmx does best, and the one in which it does worst.
fn best_and_worst(sources: &Sources) -> String {
    let mut compared: Vec<(f64, String)> = Vec::new();
    for group in sources.groups() {
        for contestant in group.contestants.iter().filter(|contestant| is_ours(&contestant.name)) {
            if let Some(speed) = speed(group, contestant) {
                let how = contestant.name.split_once(", ").map_or(String::new(), |(_, how)| format!(", {how}"));
                compared.push((speed, format!("{}{how}, to {}", kind(group), plain(&group.peer))));
            }
        }
    }
    for row in sources.bulk().iter().filter(|row| is_ours(&row.name)) {
        compared.push((1.0 / row.to_the_peer, format!("bulk, {}, to libcurl multi", row.group)));
    }
    compared.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (Some(worst), Some(best)) = (compared.first(), compared.last()) else { return String::new() };
    let sentence = format!(
        "Beside libcurl, pycurl and net/http in the same run, libmmx is at best {:.1} times as fast ({}) and at worst {:.2} times \
         ({}): [docs/performance.md](docs/performance.md).",
        best.0, best.1, worst.0, worst.1
    );
    wrapped(&sentence)
}

/// In lines as long as those around it.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 120;
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    lines.push(line);
    lines.join("\n")
}
