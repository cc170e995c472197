//! Idle connections, and what else belongs to one process: a pool for each distinct set of network settings, names that
//! were looked up, rate limiters. A child after `fork` begins with none.

#[cfg(all(test, shuttle))]
mod schedules;

use super::body::{BodySent, RequestBody};
use super::connect_error::no_connection;
use super::error::TransportError;
use super::http_stream::HttpStream;
use super::process::{PerProcess, Process};
use super::proxy::Proxies;
use super::rate::{Account, Limiter, Limiters};
use super::resolve::DnsResolver;
use super::route::Route;
use super::socket;
use super::stream::Stream;
use super::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use super::sync::{Mutex, MutexGuard, now};
use super::sys::Descriptors;
use super::tls::TrustStore;
use crate::error::Status;
use hyper::client::conn::http1;
use once_cell::sync::OnceCell;
use rustls::ClientConfig;
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Below the minute after which gateways commonly close an idle connection.
const IDLE: Duration = Duration::from_secs(55);
const MOST_IDLE: usize = 64;

/// The headers of a response: how many, and how long they may be together.
const MOST_HEADERS: usize = 256;
const LONGEST_HEAD: usize = 256 << 10;

/// Settings that decide whether two clients can share connections.
#[derive(Debug, Default, PartialEq)]
pub struct Network {
    pub trust_store: TrustStore,
    pub proxies: Proxies,
    /// The longest time for name lookup, TCP, proxy and TLS handshake together.
    pub connect_timeout: Option<Duration>,
}

/// The state of one process.
struct Shared {
    pools: Mutex<Vec<Arc<Pool>>>,
    dns: DnsResolver,
    limiters: Limiters,
    descriptors: Descriptors,
}

fn shared(process: Process) -> &'static Shared {
    static SHARED: PerProcess<Shared> = PerProcess::new();
    SHARED.get_or_init(process, |parent| {
        // Nothing is sent or shut down: the connections are the parent's.
        parent.inspect(|parent| parent.descriptors.close_all());
        let (pools, dns, limiters) = Default::default();
        Shared { pools, dns, limiters, descriptors: Descriptors::new() }
    })
}

/// The connections of one set of network settings.
pub struct Pool {
    pub network: Arc<Network>,
    pub dns: DnsResolver,
    pub descriptors: &'static Descriptors,
    /// One for all connections: they resume each other's TLS sessions.
    tls: OnceCell<Arc<ClientConfig>>,
    /// The last one put back is the first one taken: the rest grow old and go.
    idle: Mutex<VecDeque<(Box<Connection>, Instant)>>,
    in_use: AtomicUsize,
    most_in_use: AtomicUsize,
}

/// A client's part of what belongs to a process.
pub struct Shares {
    network: Arc<Network>,
    account: Account,
    found: PerProcess<(Arc<Pool>, Arc<Limiter>)>,
}

impl Shares {
    pub fn new(network: Arc<Network>, account: Account) -> Shares {
        Shares { network, account, found: PerProcess::new() }
    }

    fn get(&self) -> &(Arc<Pool>, Arc<Limiter>) {
        let process = Process::current();
        self.found.get_or_init(process, |_| {
            let shared = shared(process);
            (shared.pool(&self.network), shared.limiters.get(&self.account))
        })
    }

    pub fn pool(&self) -> &Arc<Pool> {
        &self.get().0
    }

    pub fn limiter(&self) -> &Arc<Limiter> {
        &self.get().1
    }

    /// The client is freed: its own share in the pool ends before the pool is looked at.
    fn leave(&mut self, shared: &'static Shared) {
        let pool = self.found.get(Process::current()).map(|(pool, _)| pool.clone());
        drop(mem::take(&mut self.found));
        if let Some(pool) = pool {
            shared.left(pool);
        }
    }
}

impl fmt::Debug for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.account.fmt(f)
    }
}

impl Drop for Shares {
    fn drop(&mut self) {
        let process = Process::current();
        if self.found.get(process).is_some() {
            self.leave(shared(process));
        }
    }
}

impl Shared {
    fn pool(&'static self, network: &Arc<Network>) -> Arc<Pool> {
        let mut pools = lock(&self.pools);
        let serves = |pool: &&Arc<Pool>| Arc::ptr_eq(&pool.network, network) || pool.network == *network;
        if let Some(pool) = pools.iter().find(serves) {
            return pool.clone();
        }
        let pool = Arc::new(Pool::new(network.clone(), self.dns.clone(), &self.descriptors));
        pools.push(pool.clone());
        pool
    }

    /// A client is freed. Settings that nobody uses any more keep no connections, except the last ones: the next client
    /// often has the same.
    fn left(&self, pool: Arc<Pool>) {
        let mut pools = lock(&self.pools);
        let last = Arc::as_ptr(&pool);
        // Under the lock: of clients that are freed at once, each finds the settings of those before it unused.
        drop(pool);
        let is_unused = |other: &mut Arc<Pool>| Arc::as_ptr(other) != last && Arc::strong_count(other) == 1;
        let unused: Vec<_> = pools.extract_if(.., is_unused).collect();
        drop(pools);
        // Closed without the lock.
        drop(unused);
    }
}

impl Pool {
    fn new(network: Arc<Network>, dns: DnsResolver, descriptors: &'static Descriptors) -> Pool {
        let (tls, idle, in_use, most_in_use) = Default::default();
        Pool { network, dns, descriptors, tls, idle, in_use, most_in_use }
    }

    /// One of settings that no client shares.
    pub fn alone(network: Network) -> Arc<Pool> {
        let shared = shared(Process::current());
        Arc::new(Pool::new(Arc::new(network), shared.dns.clone(), &shared.descriptors))
    }

    pub fn tls(&self) -> Result<Arc<ClientConfig>, TransportError> {
        let made = self.tls.get_or_try_init(|| self.network.trust_store.client_config().map(Arc::new));
        made.cloned().map_err(|text| no_connection(text).permanent())
    }

    /// An idle connection, which may have been closed in the meantime.
    pub fn take(&self, route: &Route) -> Option<Box<Connection>> {
        let mut idle = lock(&self.idle);
        let is_fresh = |(connection, since): &(Box<Connection>, Instant)| {
            now().duration_since(*since) < IDLE && connection.route.is_same(route)
        };
        let at = idle.iter().rposition(is_fresh)?;
        idle.remove(at).map(|(connection, _)| connection)
    }

    /// As many are kept as ever were in use at once.
    pub fn put_back(&self, connection: Box<Connection>) {
        let most = self.most_in_use.load(Relaxed).clamp(1, MOST_IDLE);
        let mut idle = lock(&self.idle);
        idle.push_back((connection, now()));
        let old = idle.iter().take_while(|(_, since)| now().duration_since(*since) >= IDLE).count();
        let surplus = idle.len().saturating_sub(most).max(old);
        // Closed without the lock.
        let surplus: Vec<_> = idle.drain(..surplus).collect();
        drop(idle);
        drop(surplus);
    }

    pub fn count(self: &Arc<Self>) -> InUse {
        let now = self.in_use.fetch_add(1, Relaxed) + 1;
        self.most_in_use.fetch_max(now, Relaxed);
        InUse(self.clone())
    }
}

/// A connection of the pool is in use as long as this lives.
pub struct InUse(Arc<Pool>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Relaxed);
    }
}

/// An HTTP connection, ready for a request.
pub struct Connection {
    pub route: Arc<Route>,
    pub state: Arc<socket::State>,
    pub sender: http1::SendRequest<RequestBody>,
    /// `None` once it has ended.
    pub driver: Option<http1::Connection<HttpStream, RequestBody>>,
}

impl Connection {
    pub async fn new(stream: Stream, route: Arc<Route>) -> Result<Connection, TransportError> {
        let state = stream.state();
        let made = http1::Builder::new()
            .max_headers(MOST_HEADERS)
            .max_buf_size(LONGEST_HEAD)
            .handshake(HttpStream::new(stream))
            .await;
        match made {
            Ok((sender, driver)) => Ok(Connection { route, state, sender, driver: Some(driver) }),
            Err(error) => Err(TransportError::new(Status::Connect, BodySent::None, error.to_string())),
        }
    }
}

/// A panic elsewhere leaves nothing half done behind these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
