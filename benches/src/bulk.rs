//! Many files deleted at once, by libmmx, libcurl multi and requests in a pool of threads: each in a process of its own, in
//! turns, against a stand-in server that delays each response, and against one that doesn't.

use crate::Size;
use crate::programs::{Kind, Programs};
use mmx_bench::Result;
use mmx_bench::build;
use mmx_bench::result::{Bulk, BulkRun};
use mmx_bench::stand_in::{FIRST_ID, StandIn, files_to_delete};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const DELAY_MS: u32 = 50;
/// Whom the others are compared with.
const PEER: &str = "libcurl multi";

struct Group {
    name: &'static str,
    https: bool,
    delay_ms: u32,
    width: u32,
    files: u32,
    quick: u32,
    with_python: bool,
}

#[rustfmt::skip]
const GROUPS: [Group; 5] = [
    Group { name: "50 ms, one by one", https: false, delay_ms: DELAY_MS, width: 1, files: 100, quick: 20, with_python: true },
    Group { name: "50 ms, 16 at once", https: false, delay_ms: DELAY_MS, width: 16, files: 2000, quick: 480, with_python: true },
    Group { name: "50 ms, 64 at once", https: false, delay_ms: DELAY_MS, width: 64, files: 2000, quick: 960, with_python: true },
    Group { name: "no delay, 16 at once", https: false, delay_ms: 0, width: 16, files: 100_000, quick: 10_000, with_python: false },
    Group { name: "no delay, HTTPS, 16 at once", https: true, delay_ms: 0, width: 16, files: 20_000, quick: 5_000, with_python: false },
];

impl Group {
    fn files(&self, size: Size) -> u32 {
        match size {
            Size::Full => self.files,
            Size::Quick => self.quick,
            Size::Smoke => 2 * self.width,
        }
    }
}

/// The stand-in server, with a new account for each run.
struct Server {
    process: StandIn,
    accounts: u32,
}

impl Server {
    /// A new account with files to delete, which keeps no journal.
    fn account(&mut self, files: u32, delay_ms: u32) -> Result<String> {
        self.accounts += 1;
        let name = format!("bulk-{}", self.accounts);
        let mut steps =
            vec![("reset", json!({})), ("journal_off", json!({})), ("files", files_to_delete(files as usize))];
        if delay_ms > 0 {
            steps.push(("faults", json!({"times": -1, "delay_ms": delay_ms})));
        }
        for (what, body) in steps {
            self.process.tell(&name, what, body.to_string())?;
        }
        Ok(name)
    }

    /// Whether all that was added is gone.
    fn is_rid_of_all(&self, account: &str) -> Result<bool> {
        Ok(!self.process.ask(account, "files")?.contains(&FIRST_ID.to_string()[..6]))
    }
}

/// A command, and its arguments before those that say what to do.
type Contestant = (&'static str, Vec<PathBuf>);

fn contestants(programs: &Programs<'_>, with_python: bool) -> Result<Vec<Contestant>> {
    let places = programs.places;
    let c = |name: &str, flags: &[String]| places.c(name, &["bulk", "common", name], flags);
    let mut contestants = vec![
        ("libmmx", vec![c("bulk_libmmx", &places.libmmx())?]),
        (PEER, vec![c("bulk_libcurl", &build::libcurl()?)?]),
    ];
    if with_python {
        programs.build(Kind::Python)?;
        let script = places.benches.join("python/bulk.py");
        contestants.push(("requests, threads", vec![places.python(), "-B".into(), script]));
    }
    Ok(contestants)
}

fn run(server: &mut Server, group: &Group, files: u32, command: &[PathBuf]) -> Result<BulkRun> {
    let warm_up = 4 * group.width;
    let account = server.account(warm_up + files, group.delay_ms)?;
    let ready = &server.process.ready;
    let output = Command::new(&command[0])
        .args(&command[1..])
        .args([FIRST_ID.to_string(), group.width.to_string(), warm_up.to_string(), files.to_string()])
        .env_clear()
        .env("MINIMAX_BASE_URL", server.process.url(&account, group.https))
        .env("MINIMAX_API_KEY", &ready.api_key)
        .env("SSL_CERT_FILE", &ready.ca_file)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() || !server.is_rid_of_all(&account)? {
        return Err(format!("{} ended with {}, or files are left", command[0].display(), output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn ranked(group: &Group, files: u32, name: &str, runs: &[BulkRun], peer: &[BulkRun]) -> Bulk {
    let ratio = |of: fn(&BulkRun) -> f64| median(runs.iter().zip(peer).map(|(own, peer)| of(own) / of(peer)));
    let least = f64::from(files) / f64::from(group.width) * f64::from(group.delay_ms) / 1e3;
    let seconds = median(runs.iter().map(|run| run.seconds));
    Bulk {
        group: group.name.to_owned(),
        name: name.to_owned(),
        files,
        width: group.width,
        seconds,
        files_per_s: f64::from(files) / seconds,
        cpu_us: median(runs.iter().map(|run| run.cpu_seconds * 1e6 / f64::from(files))),
        peak_mib: median(runs.iter().map(|run| run.peak_kib as f64 / 1024.0)),
        to_the_least: (group.delay_ms > 0).then_some(seconds / least),
        to_the_peer: ratio(|run| run.seconds),
        cpu_to_the_peer: ratio(|run| run.cpu_seconds),
        runs: runs.to_vec(),
    }
}

pub(crate) fn print(rows: &[Bulk]) {
    println!("\nMany files at once: medians; × least: to files / width × {DELAY_MS} ms");
    let titles = ["s", "× least", "files/s", "CPU µs", "MiB", "× libcurl", "CPU ×"].map(|title| format!("{title:>10}"));
    for (at, row) in rows.iter().enumerate() {
        if at == 0 || rows[at - 1].group != row.group {
            println!("\n{:<34}{}", format!("{}, {} files", row.group, row.files), titles.concat());
        }
        let least = row.to_the_least.map_or("".into(), |ratio| format!("{ratio:.3}"));
        println!(
            "  {:<32}{:>10.2}{least:>10}{:>10.0}{:>10.1}{:>10.1}{:>10.2}{:>10.2}",
            row.name, row.seconds, row.files_per_s, row.cpu_us, row.peak_mib, row.to_the_peer, row.cpu_to_the_peer
        );
    }
}

/// Runs the groups whose names, with "bulk" before them, are wanted.
pub(crate) fn measure(programs: &Programs<'_>, size: Size, wanted: impl Fn(&str) -> bool) -> Result<Vec<Bulk>> {
    let groups: Vec<_> = GROUPS.iter().filter(|group| wanted(&format!("bulk {}", group.name))).collect();
    let mut rows = Vec::new();
    if groups.is_empty() {
        return Ok(rows);
    }
    let rounds = match size {
        Size::Full => 3,
        Size::Quick => 2,
        Size::Smoke => 1,
    };
    let contestants = contestants(programs, groups.iter().any(|group| group.with_python))?;
    let process = StandIn::start(Command::new(programs.places.server()))?;
    let mut server = Server { process, accounts: 0 };
    for group in groups {
        let files = group.files(size);
        let those = &contestants[..if group.with_python { 3 } else { 2 }];
        let mut runs: BTreeMap<&str, Vec<BulkRun>> = BTreeMap::new();
        for round in 0..rounds {
            // Nobody is always the first one.
            for position in 0..those.len() {
                let (name, command) = &those[(round + position) % those.len()];
                eprint!("\r{:<80}\rround {}: {}, {name}", "", round + 1, group.name);
                runs.entry(name).or_default().push(run(&mut server, group, files, command)?);
            }
        }
        rows.extend(those.iter().map(|(name, _)| ranked(group, files, name, &runs[name], &runs[PEER])));
    }
    eprint!("\r{:<80}\r", "");
    Ok(rows)
}
