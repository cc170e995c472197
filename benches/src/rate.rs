//! Deletes in bulk against a stand-in server with a rate limit: by a client whose limiter is set to it, and by one that has to
//! find it. Both run at once, for most of their time is spent waiting.

use crate::Size;
use mmx_bench::Result;
use mmx_bench::build::Places;
use mmx_bench::result::Rate;
use mmx_bench::stand_in::{FIRST_ID, StandIn, files_to_delete};
use serde::Deserialize;
use serde_json::json;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The server's limit. It counts over any five seconds, so that one minute shows what takes twelve at a service that counts
/// by the minute.
const A_MINUTE: u32 = 3000;
const WINDOW_MS: u32 = 5000;
/// As many as the server allows in a minute, in 16 seconds, and in one.
const FILES: u32 = 3000;
const FILES_QUICK: u32 = 800;
const FILES_SMOKE: u32 = 50;

#[derive(Deserialize)]
struct Printed {
    about: String,
    seconds: f64,
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

pub(crate) fn measure(places: &Places, size: Size) -> Result<Vec<Rate>> {
    let files = match size {
        Size::Full => FILES,
        Size::Quick => FILES_QUICK,
        Size::Smoke => FILES_SMOKE,
    };
    let program = places.c("rate", &["rate", "common"], &places.libmmx())?;
    let server = StandIn::start(Command::new(places.server()))?;

    let plans = [("the limiter set to it", "set", A_MINUTE), ("found by itself", "found", 0)];
    let mut started = Vec::new();
    for (name, account, ceiling) in plans {
        limit(&server, account, files)?;
        started.push((name, account, ceiling, start(&program, &server, account, ceiling, files)?));
    }
    eprint!("\r{:<80}\rdeletes under a rate limit", "");
    let mut rows = Vec::new();
    for (name, account, requests_per_minute, process) in started {
        let Printed { about, seconds } = printed(&process.wait_with_output()?)?;
        let (ratio, refused) = (seconds / least(files), server.ask(account, "throttled")?.parse()?);
        rows.push(Rate { name: name.to_owned(), about, requests_per_minute, files, seconds, ratio, refused });
    }
    eprint!("\r{:<80}\r", "");
    Ok(rows)
}

/// Seconds that so many requests take at the rate that is allowed.
fn least(files: u32) -> f64 {
    60.0 * f64::from(files) / f64::from(A_MINUTE)
}

pub(crate) fn print(rows: &[Rate]) {
    if let Some(Rate { files, .. }) = rows.first() {
        let least = least(*files);
        println!("\n{files} deletes in bulk at a server that allows {A_MINUTE} a minute: {least:.1} s at that rate");
    }
    for Rate { name, seconds, ratio, refused, .. } in rows {
        println!("  {name:<24}{seconds:>8.1} s  × {ratio:<6.3}{refused:>6} refused");
    }
}
