//! The description of the machine that a result was measured on.

use serde::{Deserialize, Serialize};
use std::fs;
use std::process::Command;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Machine {
    pub date: String,
    pub commit: String,
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: f64,
    pub kernel: String,
    pub rustc: String,
    pub cc: String,
    /// Processes that ran or wanted to, over the last minute; where times were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_before: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_after: Option<f64>,
}

impl Machine {
    /// This machine, without its load.
    pub fn describe() -> Machine {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map_or(String::new(), |(_, value)| value.trim().to_owned())
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let memory: f64 = memory.split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or_default();
        Machine {
            date: first_line("date", &["-u", "+%Y-%m-%d"]),
            commit: first_line("git", &["describe", "--always", "--dirty", "--exclude=*"]),
            cpu: field(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: (memory / 1024.0 / 102.4).round() / 10.0,
            kernel: first_line("uname", &["-sr"]),
            rustc: first_line("rustc", &["--version"]),
            cc: first_line("cc", &["--version"]),
            load_before: None,
            load_after: None,
        }
    }
}

/// The load of the last minute, as the kernel tells it.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output();
    let printed = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    printed.lines().next().unwrap_or("unknown").to_owned()
}
