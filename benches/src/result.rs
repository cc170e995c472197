//! What a result file holds, as it is written and read again.

use crate::Result;
use crate::machine::Machine;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// One run of the benchmark. A part that was not selected is left out.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Results {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// Of the groups; the other parts have rounds of their own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rounds: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Compared>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bulk: Vec<Bulk>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate: Vec<Rate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<Count>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<Library>,
}

/// Contestants that did the same work.
#[derive(Debug, Deserialize, Serialize)]
pub struct Compared {
    pub name: String,
    pub scheme: Scheme,
    pub threads: usize,
    pub one_core: bool,
    /// In each run.
    pub calls: usize,
    pub first_call: bool,
    /// The size of the file of a transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mib: Option<usize>,
    /// The contestant that the others are compared with.
    pub peer: String,
    pub contestants: Vec<Contestant>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    Http,
    Https,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Contestant {
    pub name: String,
    /// Name and version, as the contestant tells them.
    pub about: String,
    pub median: BTreeMap<String, Spread>,
    /// To the peer's run of the same round.
    pub ratio: BTreeMap<String, Spread>,
    pub runs: Vec<Figures>,
}

/// The figures of one run; the times of a call in microseconds.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Figures {
    #[serde(skip)]
    pub about: String,
    pub p50_us: f64,
    pub p99_us: f64,
    pub calls_per_s: f64,
    /// CPU time of the whole process, divided by the calls.
    pub cpu_us: f64,
    pub peak_rss_mib: f64,
    /// From the start of the process to its end, loading included.
    pub process_ms: f64,
    /// Transfers only, like the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mib_per_s: Option<f64>,
    /// How much the resident memory grew at most during the transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth_mib: Option<f64>,
}

pub const FIGURES: [&str; 8] =
    ["p50_us", "p99_us", "calls_per_s", "cpu_us", "peak_rss_mib", "process_ms", "mib_per_s", "growth_mib"];

impl Figures {
    /// One of [`FIGURES`]; `None` if this run does not have it.
    pub fn get(&self, name: &str) -> Option<f64> {
        match name {
            "p50_us" => Some(self.p50_us),
            "p99_us" => Some(self.p99_us),
            "calls_per_s" => Some(self.calls_per_s),
            "cpu_us" => Some(self.cpu_us),
            "peak_rss_mib" => Some(self.peak_rss_mib),
            "process_ms" => Some(self.process_ms),
            "mib_per_s" => self.mib_per_s,
            "growth_mib" => self.growth_mib,
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// `None` if there is no value. Values that are not finite (a ratio to zero) are left out.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        Some(Spread { median: round(median), min: round(min), max: round(max) })
    }
}

impl Compared {
    pub fn contestant(&self, name: &str) -> Option<&Contestant> {
        self.contestants.iter().find(|contestant| contestant.name == name)
    }
}

impl Contestant {
    pub fn spread(&self, figure: &str) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(|run| run.get(figure)))
    }

    /// The ratio of each run to the other contestant's run of the same round.
    pub fn ratio_to(&self, other: &Contestant, figure: &str) -> Option<Spread> {
        let pairs = self.runs.iter().zip(&other.runs);
        Spread::of(pairs.filter_map(|(own, other)| Some(own.get(figure)? / other.get(figure)?)))
    }
}

/// Files deleted many at once, by one contestant. The figures are medians.
#[derive(Debug, Deserialize, Serialize)]
pub struct Bulk {
    pub group: String,
    pub name: String,
    pub files: u32,
    /// Requests at once.
    pub width: u32,
    pub seconds: f64,
    pub files_per_s: f64,
    pub cpu_us: f64,
    pub peak_mib: f64,
    /// To the time that the server's delays alone take; `None` if it has none.
    pub to_the_least: Option<f64>,
    /// To libcurl's run of the same round.
    pub to_the_peer: f64,
    pub cpu_to_the_peer: f64,
    pub runs: Vec<BulkRun>,
}

/// What a contestant of a bulk group prints.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct BulkRun {
    pub about: String,
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub peak_kib: u64,
}

/// Deletes in bulk at a server with a rate limit.
#[derive(Debug, Deserialize, Serialize)]
pub struct Rate {
    pub name: String,
    pub about: String,
    /// What the client was told; 0: nothing.
    pub requests_per_minute: u32,
    pub files: u32,
    pub seconds: f64,
    /// To the time that so many requests take at the rate that is allowed.
    pub ratio: f64,
    pub refused: u32,
}

/// What one call costs, counted: the same on a busy machine.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Count {
    pub name: String,
    /// In user space, of all threads of the process.
    pub instructions: u64,
    pub allocations: f64,
    pub allocated_bytes: u64,
}

/// A build of libmmx.so.
#[derive(Debug, Deserialize, Serialize)]
pub struct Library {
    /// "now", or the commit that was built to compare with.
    pub name: String,
    pub stripped_bytes: u64,
    /// User and system time of a cold `make lib`, all compilers included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_cpu_s: Option<f64>,
}

impl Results {
    pub fn read(path: &Path) -> Result<Results> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, serde_json::to_string_pretty(self)? + "\n")?)
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn a_spread_leaves_out_what_is_no_number() {
        let spread = Spread::of([3.0, f64::INFINITY, 1.0, f64::NAN, 2.0, 4.0]);
        assert_eq!(spread, Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of([f64::NAN]), None);
    }
}
