//! The stand-in server in a process of its own.

use crate::Result;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Of the first file that a contestant deletes.
pub const FIRST_ID: i64 = 400_000_000_000_000;

#[derive(Deserialize)]
pub struct Ready {
    pub http_url: String,
    pub https_url: String,
    pub ca_file: PathBuf,
    pub api_key: String,
}

pub struct StandIn {
    pub ready: Ready,
    plain: reqwest::blocking::Client,
    process: Child,
    /// The server stops when this ends.
    stdin: Option<ChildStdin>,
}

impl StandIn {
    /// Of the command that starts it.
    pub fn start(mut command: Command) -> Result<StandIn> {
        // The control calls are http:// alone, but reqwest wants to know who would encrypt.
        let _ = rustls::crypto::ring::default_provider().install_default();
        command.args(["--ready-json", "--stop-with-stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| format!("the stand-in server can't be started: {error}"))?;
        let stdin = process.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let ready =
            serde_json::from_str(&line).map_err(|error| format!("the stand-in server says {line:?}: {error}"))?;
        Ok(StandIn { ready, plain: reqwest::blocking::Client::builder().no_proxy().build()?, process, stdin })
    }

    /// What a contestant's settings say of an account.
    pub fn url(&self, account: &str, https: bool) -> String {
        let base = if https { &self.ready.https_url } else { &self.ready.http_url };
        format!("{base}/t/{account}")
    }

    pub fn ask(&self, account: &str, what: &str) -> Result<String> {
        Ok(self.plain.get(self.control(account, what)).send()?.error_for_status()?.text()?)
    }

    pub fn tell(&self, account: &str, what: &str, body: String) -> Result<()> {
        self.plain.post(self.control(account, what)).body(body).send()?.error_for_status()?;
        Ok(())
    }

    /// Removes all files of an account, those that every account begins with included.
    pub fn remove_files(&self, account: &str) -> Result<()> {
        self.plain.delete(self.control(account, "files")).send()?.error_for_status()?;
        Ok(())
    }

    fn control(&self, account: &str, what: &str) -> String {
        format!("{}/control/{account}/{what}", self.ready.http_url)
    }

    pub fn process_id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Its standard input ends: it tidies up and leaves, with nobody connected any more at once.
        self.stdin = None;
        let _ = self.process.wait();
    }
}

/// So many, from [`FIRST_ID`] on.
pub fn files_to_delete(count: usize) -> Value {
    json!({"count": count, "first_id": FIRST_ID, "purpose": "voice_clone"})
}
