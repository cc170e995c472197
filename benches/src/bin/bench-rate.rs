//! Deletes in bulk against a stand-in server that allows so many requests a minute: with the limiter set to that, and
//! where it has to find that by itself. Both at once, for most of their time is spent waiting.

use mmx_bench::Result;
use mmx_bench::build::Places;
use mmx_bench::stand_in::{FIRST_ID, StandIn, files_to_delete};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::{env, fs, io};

/// What the server allows, counted over any five seconds: a minute shows what takes twelve at a service that counts by the minute.
const A_MINUTE: u32 = 3000;
const WINDOW_MS: u32 = 5000;
/// A minute's worth, or sixteen seconds'.
const FILES: u32 = 3000;
const FILES_QUICK: u32 = 800;

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

/// A new account that takes so many requests.
fn limit(server: &StandIn, account: &str, files: u32) -> Result<()> {
    let settings = json!({"requests_per_minute": A_MINUTE, "window_ms": WINDOW_MS});
    for (what, body) in [("reset", json!({})), ("settings", settings), ("files", files_to_delete(files as usize))] {
        server.tell(account, what, body.to_string())?;
    }
    Ok(())
}

fn start(program: &Path, server: &StandIn, account: &str, ceiling: u32, files: u32) -> io::Result<Child> {
    Command::new(program)
        .args([ceiling.to_string(), FIRST_ID.to_string(), files.to_string()])
        .env_clear()
        .env("MINIMAX_BASE_URL", server.url(account, false))
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
    let places = Places::find()?;
    let program = places.c("rate", &["rate", "common"], &places.libmmx())?;
    let server = StandIn::start(Command::new(places.release.join("mmx-sandbox")))?;

    let plans = [("the limiter set to it", "set", A_MINUTE), ("found by itself", "found", 0)];
    let mut started = Vec::new();
    for (name, account, ceiling) in plans {
        limit(&server, account, files)?;
        started.push((name, account, ceiling, start(&program, &server, account, ceiling, files)?));
    }
    let least = 60.0 * f64::from(files) / f64::from(A_MINUTE);
    println!("{files} deletes in bulk at a server that allows {A_MINUTE} a minute: {least:.1} s at that rate");
    let mut runs = Vec::new();
    for (name, account, requests_per_minute, process) in started {
        let Printed { about, seconds } = printed(&process.wait_with_output()?)?;
        let (ratio, refused) = (seconds / least, server.ask(account, "throttled")?.parse()?);
        println!("  {name:<24}{seconds:>8.1} s  × {ratio:<6.3}{refused:>6} refused");
        runs.push(Run { name, about, requests_per_minute, files, seconds, ratio, refused });
    }
    let output = places.folder.join("rate.json");
    fs::write(&output, serde_json::to_string_pretty(&runs)? + "\n")?;
    println!("written to {}", output.display());
    Ok(())
}
