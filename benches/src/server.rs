//! The stand-in server in a process of its own, and the accounts on it.

use crate::Result;
use crate::groups::Scheme;
use crate::programs::{Programs, command};
use serde::Deserialize;
use serde_json::json;
use std::cell::Cell;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};

/// Of the first file that a contestant deletes.
pub(crate) const FIRST_ID: i64 = 400_000_000_000_000;

/// Where systems keep their roots as one file.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

#[derive(Deserialize)]
struct Ready {
    http_url: String,
    https_url: String,
    ca_file: PathBuf,
    api_key: String,
}

pub(crate) struct Server {
    http_url: String,
    https_url: String,
    /// The one it runs on; `None`: all.
    pub(crate) core: Option<usize>,
    pub(crate) ca_file: PathBuf,
    /// The system's roots and the stand-in's: what a program trusts that also calls other servers.
    pub(crate) all_roots: PathBuf,
    pub(crate) api_key: String,
    plain: reqwest::blocking::Client,
    accounts: Cell<usize>,
    process: Child,
    /// The server stops when this ends.
    stdin: Option<ChildStdin>,
}

#[derive(Deserialize)]
struct File {
    file_id: i64,
    size: usize,
}

/// An account with files of its own.
pub(crate) struct Account<'a> {
    server: &'a Server,
    name: String,
    before: usize,
}

impl Server {
    pub(crate) fn start(programs: &Programs, core: Option<usize>) -> Result<Server> {
        let mut command = command(&[programs.server.clone().into()], core);
        command.arg("--ready-json").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| format!("the stand-in server can't be started: {error}"))?;
        let stdin = process.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let ready: Ready =
            serde_json::from_str(&line).map_err(|error| format!("the stand-in server says {line:?}: {error}"))?;
        let system = BUNDLES.iter().find_map(|path| fs::read_to_string(path).ok());
        let system = system.ok_or("this system has no root certificates: install the package ca-certificates")?;
        let all_roots = programs.folder.join(format!("roots-{}.pem", process.id()));
        fs::write(&all_roots, format!("{system}\n{}", fs::read_to_string(&ready.ca_file)?))?;
        Ok(Server {
            http_url: ready.http_url,
            https_url: ready.https_url,
            core,
            ca_file: ready.ca_file,
            all_roots,
            api_key: ready.api_key,
            plain: reqwest::blocking::Client::builder().no_proxy().build()?,
            accounts: Cell::new(0),
            process,
            stdin,
        })
    }

    /// A new account, which keeps no journal, with these files beside those that every account has.
    pub(crate) fn account(&self, files: &str) -> Result<Account<'_>> {
        self.accounts.set(self.accounts.get() + 1);
        let mut account = Account { server: self, name: format!("bench-{}", self.accounts.get()), before: 0 };
        account.control("journal_off", None)?;
        account.before = account.files()?.len();
        account.control("files", Some(files.to_owned()))?;
        Ok(account)
    }
}

/// So many, from [`FIRST_ID`] on.
pub(crate) fn files_to_delete(count: usize) -> String {
    json!({"count": count, "first_id": FIRST_ID, "purpose": "voice_clone"}).to_string()
}

impl Account<'_> {
    pub(crate) fn url(&self, scheme: Scheme) -> String {
        let base = if scheme == Scheme::Http { &self.server.http_url } else { &self.server.https_url };
        format!("{base}/t/{}", self.name)
    }

    /// How many files were added and are still there.
    pub(crate) fn left(&self) -> Result<usize> {
        Ok(self.files()?.len() - self.before)
    }

    /// In ascending order.
    pub(crate) fn ids_of_size(&self, size: usize) -> Result<Vec<i64>> {
        Ok(self.files()?.iter().filter(|file| file.size == size).map(|file| file.file_id).collect())
    }

    pub(crate) fn sha256(&self, file_id: i64) -> Result<String> {
        self.ask(&format!("sha256?file_id={file_id}"))
    }

    fn files(&self) -> Result<Vec<File>> {
        Ok(serde_json::from_str(&self.ask("files")?)?)
    }

    fn ask(&self, what: &str) -> Result<String> {
        Ok(self.server.plain.get(self.at(what)).send()?.error_for_status()?.text()?)
    }

    pub(crate) fn control(&self, what: &str, body: Option<String>) -> Result<()> {
        let request = self.server.plain.post(self.at(what)).body(body.unwrap_or_default());
        request.send()?.error_for_status()?;
        Ok(())
    }

    fn at(&self, what: &str) -> String {
        format!("{}/control/{}/{what}", self.server.http_url, self.name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.all_roots);
        // Its standard input ends: it tidies up and leaves, with nobody connected any more at once.
        self.stdin = None;
        let _ = self.process.wait();
    }
}
