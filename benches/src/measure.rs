//! One run of one contestant.

use crate::groups::{Program, Sized};
use crate::programs::command;
use crate::server::{Account, Server};
use crate::transfer::Files;
use mmx_bench::Result;
use mmx_bench::result::{Figures, Scheme};
use mmx_bench::stand_in::{FIRST_ID, files_to_delete};
use serde::Deserialize;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// No run takes a tenth of this.
const LONGEST: Duration = Duration::from_secs(120);

pub(crate) struct Run<'a> {
    pub(crate) program: &'a Program,
    pub(crate) task: Sized,
    pub(crate) scheme: Scheme,
    pub(crate) roots: PathBuf,
    pub(crate) server: &'a Server,
    /// For transfers.
    pub(crate) files: Option<&'a Files>,
}

/// What a contestant prints.
#[derive(Deserialize)]
pub(crate) struct Printed {
    about: String,
    pub(crate) wall_ns: u64,
    cpu_ns: u64,
    peak_rss_kib: u64,
    /// Of a transfer.
    #[serde(default)]
    pub(crate) growth_kib: u64,
    call_ns: Vec<u64>,
}

impl Run<'_> {
    pub(crate) fn measure(&self) -> Result<Figures> {
        match self.task {
            Sized::Many { threads, warm_up, calls } => {
                self.deletes(threads * calls, threads * (calls + warm_up), &[threads, warm_up, calls])
            }
            Sized::First => self.deletes(1, 1, &[]),
            Sized::Transfer(way) => self.transfer(way),
        }
    }

    fn deletes(&self, calls: usize, files: usize, numbers: &[usize]) -> Result<Figures> {
        let account = self.server.account(&files_to_delete(files).to_string())?;
        let numbers = numbers.iter().map(usize::to_string);
        let arguments: Vec<_> = [FIRST_ID.to_string()].into_iter().chain(numbers).map(OsString::from).collect();
        let (printed, process) = self.run(&account, &arguments)?;
        if printed.call_ns.len() != calls || account.left()? != 0 {
            return Err(format!("{} calls, and {} files left", printed.call_ns.len(), account.left()?).into());
        }
        Ok(printed.figures(process, calls))
    }

    pub(crate) fn run(&self, account: &Account, arguments: &[OsString]) -> Result<(Printed, Duration)> {
        let mut command = command(&self.program.0, self.server.core);
        command
            .args(arguments)
            .env("MINIMAX_BASE_URL", account.url(self.scheme))
            .env("MINIMAX_API_KEY", &self.server.process.ready.api_key)
            .env("SSL_CERT_FILE", &self.roots);
        let (printed, process) = output(&mut command)?;
        let parsed =
            serde_json::from_str(&printed).map_err(|error| format!("the contestant printed {printed:?}: {error}"))?;
        Ok((parsed, process))
    }
}

impl Printed {
    pub(crate) fn figures(self, process: Duration, calls: usize) -> Figures {
        let mut sorted = self.call_ns;
        sorted.sort_unstable();
        let rounded = |value: f64| (value * 100.0).round() / 100.0;
        Figures {
            about: self.about,
            p50_us: rounded(percentile(&sorted, 50) as f64 / 1e3),
            p99_us: rounded(percentile(&sorted, 99) as f64 / 1e3),
            calls_per_s: rounded(calls as f64 * 1e9 / self.wall_ns as f64),
            cpu_us: rounded(self.cpu_ns as f64 / 1e3 / calls as f64),
            peak_rss_mib: rounded(self.peak_rss_kib as f64 / 1024.0),
            process_ms: rounded(process.as_secs_f64() * 1e3),
            mib_per_s: None,
            growth_mib: None,
        }
    }
}

/// Runs a program that prints to standard output, and ends it when it takes too long.
fn output(command: &mut Command) -> Result<(String, Duration)> {
    let began = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut stdout = child.stdout.take().ok_or("no standard output")?;
    let (ended, end) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        let too_long = end.recv_timeout(LONGEST).is_err();
        if too_long {
            let _ = child.kill();
        }
        child.wait().map(|status| (status, too_long))
    });
    let mut printed = String::new();
    let read = stdout.read_to_string(&mut printed);
    let took = began.elapsed();
    let _ = ended.send(());
    let (status, too_long) = watch.join().map_err(|_| "the watch panicked")??;
    read?;
    if too_long {
        return Err(format!("not done after {} s", LONGEST.as_secs()).into());
    }
    if !status.success() {
        return Err(format!("the contestant ended with {status}").into());
    }
    Ok((printed, took))
}

/// Of a sorted list that isn't empty: the smallest value that so many percent don't exceed.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_values_of_the_list() {
        let list: Vec<u64> = (1..=200).collect();
        assert_eq!((percentile(&list, 50), percentile(&list, 99), percentile(&[7], 99)), (100, 198, 7));
    }
}
