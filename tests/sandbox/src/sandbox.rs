//! Starting and stopping the server.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::certificates::Certificates;
use crate::listen::{self, Addresses};
use crate::server::Server;

/// Where to listen, and how strict to be. A port of 0 lets the system choose.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub http_port: u16,
    pub https_port: u16,
    /// Refuses what the service takes but our own library never sends, in every account whose settings don't say
    /// otherwise.
    pub strict: bool,
}

/// A running server, on threads of its own. It stops when dropped.
pub struct Sandbox {
    addresses: Addresses,
    ca_pem: String,
    ca_file: PathBuf,
    self_signed_file: PathBuf,
    // Holds these files; removed on drop.
    _directory: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts on ports that the system chooses. It takes what the service takes.
    pub fn start() -> io::Result<Sandbox> {
        Sandbox::start_on(Options::default())
    }

    /// The same, but it takes only what our own library sends.
    pub fn start_strict() -> io::Result<Sandbox> {
        Sandbox::start_on(Options { strict: true, ..Options::default() })
    }

    /// Starts on given ports of 127.0.0.1.
    pub fn start_on(options: Options) -> io::Result<Sandbox> {
        let certificates = Certificates::make().map_err(io::Error::other)?;
        let ca_pem = certificates.ca_pem.clone();
        let directory = tempfile::Builder::new().prefix("mmx-sandbox-").tempdir()?;
        let ca_file = directory.path().join("ca.pem");
        std::fs::write(&ca_file, &ca_pem)?;
        let self_signed_file = directory.path().join("self-signed.pem");
        std::fs::write(&self_signed_file, &certificates.self_signed_pem)?;

        let (stop, stopped) = oneshot::channel();
        let (started, start) = mpsc::channel();
        let thread = thread::Builder::new().name("mmx-sandbox".into()).spawn(move || {
            let runtime = match runtime() {
                Ok(runtime) => runtime,
                Err(error) => return drop(started.send(Err(error))),
            };
            let addresses = runtime.block_on(listen::start(Server::new(options.strict), certificates, options));
            let up = addresses.is_ok();
            let _ = started.send(addresses);
            if up {
                let _ = runtime.block_on(stopped);
            }
            runtime.shutdown_timeout(Duration::from_secs(2));
        })?;
        let addresses = start.recv().map_err(io::Error::other)??;
        Ok(Sandbox {
            addresses,
            ca_pem,
            ca_file,
            self_signed_file,
            _directory: directory,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// `http://127.0.0.1:PORT`; the control plane is below `/control` here.
    pub fn http_url(&self) -> &str {
        &self.addresses.bases.http
    }

    /// `https://127.0.0.1:PORT`, the same accounts; the certificate is also good for `localhost` and `::1`.
    pub fn https_url(&self) -> &str {
        &self.addresses.bases.https
    }

    /// A forward proxy that wants no credentials; others are made by the control plane.
    pub fn proxy_url(&self) -> &str {
        &self.addresses.proxy
    }

    /// HTTPS that speaks TLS 1.2 and nothing newer.
    pub fn https_tls12_url(&self) -> &str {
        &self.addresses.https_tls12
    }

    /// HTTPS with a certificate that ran out in 2021.
    pub fn https_expired_url(&self) -> &str {
        &self.addresses.https_expired
    }

    /// HTTPS with a certificate for `other.example`.
    pub fn https_wrong_host_url(&self) -> &str {
        &self.addresses.https_wrong_host
    }

    /// HTTPS with a certificate of a CA that `ca_pem` does not hold.
    pub fn https_unknown_ca_url(&self) -> &str {
        &self.addresses.https_unknown_ca
    }

    /// HTTPS with a certificate that is its own authority (CA:TRUE): the one in `self_signed_file`.
    pub fn https_self_signed_url(&self) -> &str {
        &self.addresses.https_self_signed
    }

    /// That certificate as PEM, removed when the sandbox stops.
    pub fn self_signed_file(&self) -> &Path {
        &self.self_signed_file
    }

    /// HTTPS whose certificate is two steps below the CA of `ca_pem`, and the one between is not sent.
    pub fn https_no_intermediate_url(&self) -> &str {
        &self.addresses.https_no_intermediate
    }

    /// `http://127.0.0.2:PORT`, the object store that `download_url` points to: another host.
    pub fn store_url(&self) -> &str {
        &self.addresses.bases.store
    }

    /// `https://127.0.0.2:PORT`, the same store; its certificate is of the same CA.
    pub fn https_store_url(&self) -> &str {
        &self.addresses.bases.https_store
    }

    /// The base address of an account over HTTP.
    pub fn account_url(&self, name: &str) -> String {
        format!("{}/t/{name}", self.addresses.bases.http)
    }

    /// The base address of the same account over HTTPS.
    pub fn https_account_url(&self, name: &str) -> String {
        format!("{}/t/{name}", self.addresses.bases.https)
    }

    /// Where an account is scripted and observed.
    pub fn control_url(&self, name: &str) -> String {
        format!("{}/control/{name}", self.addresses.bases.http)
    }

    /// The CA to trust, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The same in a file, removed when the sandbox stops.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("mmx-sandbox").enable_all().build()
}
