//! The stand-in server in a process of its own, and the accounts on it.

use crate::programs::command;
use mmx_bench::Result;
use mmx_bench::build::Places;
use mmx_bench::result::Scheme;
use mmx_bench::stand_in::StandIn;
use serde::Deserialize;
use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

/// Where systems keep their roots as one file.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

pub(crate) struct Server {
    pub(crate) process: StandIn,
    /// The one it runs on; `None`: all.
    pub(crate) core: Option<usize>,
    /// The system's roots and the stand-in's: what a program trusts that also calls other servers.
    pub(crate) all_roots: PathBuf,
    accounts: Cell<usize>,
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
    pub(crate) fn start(places: &Places, core: Option<usize>) -> Result<Server> {
        let process = StandIn::start(command(&[places.server().into()], core))?;
        let system = BUNDLES.iter().find_map(|path| fs::read_to_string(path).ok());
        let system = system.ok_or("this system has no root certificates: install the package ca-certificates")?;
        let all_roots = places.folder.join(format!("roots-{}.pem", process.process_id()));
        fs::write(&all_roots, format!("{system}\n{}", fs::read_to_string(&process.ready.ca_file)?))?;
        Ok(Server { process, core, all_roots, accounts: Cell::new(0) })
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

impl Account<'_> {
    pub(crate) fn url(&self, scheme: Scheme) -> String {
        self.server.process.url(&self.name, scheme == Scheme::Https)
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
        self.server.process.ask(&self.name, what)
    }

    pub(crate) fn control(&self, what: &str, body: Option<String>) -> Result<()> {
        self.server.process.tell(&self.name, what, body.unwrap_or_default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.all_roots);
    }
}
