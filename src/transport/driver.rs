//! A driver: a runtime without threads and the HTTP client that lives on it. Whoever holds it drives it.

use super::attempt::Failure;
use super::body::Reach;
use super::engine::Network;
use super::resolve::Names;
use super::sys;
use crate::error::Status;
use reqwest::{Proxy, redirect};
use rustls::ClientConfig;
use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, panic, thread};
use tokio::runtime::{Builder, Handle, Runtime};

/// Below the minute after which gateways commonly close an idle connection.
pub const IDLE: Duration = Duration::from_secs(55);

const HELPER_STACK: usize = 512 * 1024;

pub struct Driver {
    runtime: Runtime,
    pub wire: Wire,
}

/// What requests go out by.
#[derive(Clone)]
pub struct Wire {
    pub http: reqwest::Client,
    pub connections: Connections,
    pub network: Arc<Network>,
}

/// Connections that have been seen, by this end's address: for the log, which tells a new one from one that is reused.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Mutex<BTreeSet<SocketAddr>>>);

impl Connections {
    pub fn is_new(&self, address: SocketAddr) -> bool {
        const MOST: usize = 4096;
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(address)
    }
}

impl Driver {
    pub fn new(tls: ClientConfig, names: Names, network: &Arc<Network>) -> Result<Driver, Failure> {
        let made = where_a_runtime_fits(|| {
            let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
            let mut client = reqwest::Client::builder()
                .tls_backend_preconfigured(tls)
                .dns_resolver(names)
                .http1_only()
                .no_proxy()
                .redirect(redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                .pool_idle_timeout(IDLE);
            if let Some(limit) = network.connect_timeout {
                client = client.connect_timeout(limit);
            }
            if !network.proxies.is_empty() {
                let proxies = network.proxies.clone();
                client = client.proxy(Proxy::custom(move |url| proxies.of(url).map(|proxy| proxy.url())));
            }
            let http = client.build().map_err(io::Error::other)?;
            let wire = Wire { http, connections: Connections::default(), network: network.clone() };
            Ok(Driver { runtime, wire })
        });
        made.and_then(|driver| driver).map_err(|error: io::Error| {
            let text = format!("no connection can be made: {error}; is the limit of open files (ulimit -n) reached?");
            Failure::new(Status::Internal, Reach::Nothing, text)
        })
    }

    /// Drives the connections and `work` on the calling thread until `work` is done.
    pub fn block_on<F>(&self, work: F) -> Result<F::Output, Failure>
    where
        F: Future + Send,
        F::Output: Send,
    {
        where_a_runtime_fits(|| self.runtime.block_on(work)).map_err(|error| {
            let text = format!("no thread could start to make the call from inside a runtime or an exit: {error}");
            Failure::new(Status::Internal, Reach::Nothing, text)
        })
    }

    /// Closes its connections now and waits for nothing.
    pub fn discard(self) {
        let Driver { runtime, wire } = self;
        // Without a thread to do it on, it is left as it is: a descriptor less is better than an abort at exit.
        let _ = where_a_runtime_fits(move || {
            drop(wire);
            runtime.shutdown_background();
        });
    }
}

/// A runtime can't be entered from a thread that is inside another, nor once the thread's locals are gone (in `atexit`
/// and in destructors): there it runs on a thread of its own that the caller waits for.
fn where_a_runtime_fits<R: Send>(f: impl FnOnce() -> R + Send) -> io::Result<R> {
    if Handle::try_current().is_err_and(|error| error.is_missing_context()) {
        return Ok(f());
    }
    on_a_helper(f)
}

/// Apart from the way that nearly every call takes, which needs as little stack as can be.
#[cold]
#[inline(never)]
fn on_a_helper<R: Send>(f: impl FnOnce() -> R + Send) -> io::Result<R> {
    thread::scope(|scope| {
        // A stack size that is said is not looked for in the environment.
        let builder = thread::Builder::new().name("mmx-call".into()).stack_size(HELPER_STACK);
        let helper = sys::starting_a_thread(|| builder.spawn_scoped(scope, f))?;
        helper.join().map_err(|payload| panic::resume_unwind(payload))
    })
}
