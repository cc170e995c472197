//! Deletes in bulk against a stand-in server that allows so many requests a minute: with the limiter set to that, and
//! where it has to find that by itself. Both at once, for most of their time is spent waiting.

use serde::{Deserialize, Serialize};
use serde_json::json;
use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::{env, fs, io};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the server allows, counted over any five seconds: a minute shows what takes twelve at a service that counts by the minute.
const A_MINUTE: u32 = 3000;
const WINDOW_MS: u32 = 5000;
const FIRST_ID: i64 = 400_000_000_000_000;
/// A minute's worth, or sixteen seconds'.
const FILES: u32 = 3000;
const FILES_QUICK: u32 = 800;

#[derive(Deserialize)]
struct Ready {
    http_url: String,
    api_key: String,
}

#[derive(Deserialize)]
struct Printed {
    about: String,
    seconds: f64,
}

#[derive(Serialize)]
struct Run {
    name: &'static str,
    about: String,
    requests_per_minute: u32,
    files: u32,
    seconds: f64,
    /// To the time that so many requests take at the rate that is allowed.
    ratio: f64,
    refused: u32,
}

/// The stand-in server; it ends with its standard input.
struct Server {
    process: Child,
    ready: Ready,
    plain: reqwest::blocking::Client,
}

impl Server {
    fn start(program: &Path) -> Result<Server> {
        let mut command = Command::new(program);
        let mut process = command.arg("--ready-json").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
        let plain = reqwest::blocking::Client::builder().no_proxy().build()?;
        Ok(Server { process, ready: serde_json::from_str(&line)?, plain })
    }

    fn account(&self, name: &str, files: u32) -> Result<String> {
        let settings = json!({"requests_per_minute": A_MINUTE, "window_ms": WINDOW_MS});
        let files = json!({"count": files, "first_id": FIRST_ID, "purpose": "voice_clone"});
        for (what, body) in [("reset", json!({})), ("settings", settings), ("files", files)] {
            let url = format!("{}/control/{name}/{what}", self.ready.http_url);
            self.plain.post(url).body(body.to_string()).send()?.error_for_status()?;
        }
        Ok(format!("{}/t/{name}", self.ready.http_url))
    }

    fn refused(&self, name: &str) -> Result<u32> {
        let url = format!("{}/control/{name}/throttled", self.ready.http_url);
        Ok(self.plain.get(url).send()?.error_for_status()?.text()?.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn compile(root: &Path, release: &Path, program: &Path) -> Result<()> {
    let mut command = Command::new("cc");
    command
        .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o"])
        .arg(program)
        .arg(root.join("benches/c/rate.c"))
        .arg(format!("-I{}", root.join("include").display()))
        .arg(format!("-L{}", release.display()))
        .arg(format!("-Wl,-rpath,{}", release.display()))
        .arg("-lmmx");
    let status = command.status().map_err(|error| format!("cc can't run ({error}): install the package gcc"))?;
    if status.success() { Ok(()) } else { Err("benches/c/rate.c can't be compiled: run `make bench`".into()) }
}

fn start(program: &Path, server: &Server, url: &str, ceiling: u32, files: u32) -> io::Result<Child> {
    Command::new(program)
        .args([ceiling.to_string(), FIRST_ID.to_string(), files.to_string()])
        .env_clear()
        .env("MINIMAX_BASE_URL", url)
        .env("MINIMAX_API_KEY", &server.ready.api_key)
        .stdout(Stdio::piped())
        .spawn()
}

fn printed(output: &Output) -> Result<Printed> {
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout)?),
        false => Err(format!("a bulk call ended with {}", output.status).into()),
    }
}

fn main() -> Result<()> {
    let files = match env::args().nth(1).as_deref() {
        None => FILES,
        Some("--quick") => FILES_QUICK,
        Some(_) => return Err("usage: bench-rate [--quick]".into()),
    };
    // The control calls are http:// alone, but reqwest wants to know who would encrypt.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no checkout")?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let (release, folder) = (target.join("release"), target.join("bench"));
    fs::create_dir_all(&folder)?;
    let program = folder.join("rate");
    compile(root, &release, &program)?;
    let server = Server::start(&release.join("mmx-sandbox"))?;

    let plans = [("the limiter set to it", "set", A_MINUTE), ("found by itself", "found", 0)];
    let mut started = Vec::new();
    for (name, account, ceiling) in plans {
        let url = server.account(account, files)?;
        started.push((name, account, ceiling, start(&program, &server, &url, ceiling, files)?));
    }
    let least = 60.0 * f64::from(files) / f64::from(A_MINUTE);
    println!("{files} deletes in bulk at a server that allows {A_MINUTE} a minute: {least:.1} s at that rate");
    let mut runs = Vec::new();
    for (name, account, requests_per_minute, process) in started {
        let Printed { about, seconds } = printed(&process.wait_with_output()?)?;
        let (ratio, refused) = (seconds / least, server.refused(account)?);
        println!("  {name:<24}{seconds:>8.1} s  × {ratio:<6.3}{refused:>6} refused");
        runs.push(Run { name, about, requests_per_minute, files, seconds, ratio, refused });
    }
    let output = folder.join("rate.json");
    fs::write(&output, serde_json::to_string_pretty(&runs)? + "\n")?;
    println!("written to {}", output.display());
    Ok(())
}
