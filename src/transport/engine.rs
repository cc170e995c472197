//! Who drives what: idle drivers wait in pools, one pool for each distinct set of network settings, and the pools
//! belong to one process. A child after `fork` begins with none.

use super::attempt::Failure;
use super::body::Reach;
use super::driver::{Driver, IDLE, Wire};
use super::proxy::Proxies;
use super::rate::{Account, Limiter, Limiters};
use super::resolve::Names;
use super::sys::SigpipeGuard;
use super::tls::{self, Trust};
use crate::error::Status;
use once_cell::race::OnceBox;
use once_cell::sync::OnceCell;
use rustls::ClientConfig;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, mem, process, ptr};

/// What decides whether two clients can share connections.
#[derive(Debug, Default, PartialEq)]
pub struct Network {
    pub trust: Trust,
    pub proxies: Proxies,
    /// The longest time for a look-up, connect, a proxy's consent and TLS handshake together.
    pub connect_timeout: Option<Duration>,
}

/// The pools of one process. Its locks are never those of a parent: see [`generation`].
struct Generation {
    process_id: u32,
    pools: Mutex<Vec<Arc<Pool>>>,
    names: Names,
    limiters: Limiters,
    /// That of a child, once this one is a parent's.
    next: OnceBox<Generation>,
}

struct Pool {
    network: Arc<Network>,
    https: bool,
    names: Names,
    /// One for all drivers of the pool: they resume each other's TLS sessions.
    tls: OnceCell<ClientConfig>,
    drivers: Mutex<Drivers>,
}

#[derive(Default)]
struct Drivers {
    /// The last one put back is the first one taken: the rest grow old and go.
    idle: VecDeque<(Driver, Instant)>,
    lent: usize,
    most_lent: usize,
}

/// The generation of this process: the last of a chain that grows by one at the first call after a fork. No lock is
/// taken, so none can be inherited; and what a parent made is never dropped, since that would unregister sockets from
/// an epoll set that the parent still uses.
fn generation() -> &'static Generation {
    static FIRST: OnceBox<Generation> = OnceBox::new();
    let process_id = process::id();
    let new = || {
        let (pools, names, limiters, next) = Default::default();
        Box::new(Generation { process_id, pools, names, limiters, next })
    };
    let mut last = FIRST.get_or_init(new);
    while let Some(next) = last.next.get() {
        last = next;
    }
    if last.process_id == process_id { last } else { last.next.get_or_init(new) }
}

/// The rate limiter of an account: one in a process, and a child has its own.
pub struct LimiterOf {
    account: Account,
    /// The one of the process that asked first, with which every call of it saves a search.
    found: OnceBox<(&'static Generation, Arc<Limiter>)>,
}

impl LimiterOf {
    pub fn new(account: Account) -> LimiterOf {
        LimiterOf { account, found: OnceBox::new() }
    }

    pub fn now(&self) -> Arc<Limiter> {
        self.of(generation())
    }

    /// The same for a call that is under way.
    pub fn during(&self, lease: &Lease) -> Arc<Limiter> {
        self.of(lease.generation)
    }

    fn of(&self, generation: &'static Generation) -> Arc<Limiter> {
        let search = || generation.limiters.get(&self.account);
        let found = self.found.get_or_init(|| Box::new((generation, search())));
        if ptr::eq(found.0, generation) { found.1.clone() } else { search() }
    }
}

impl fmt::Debug for LimiterOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.account.fmt(f)
    }
}

impl Generation {
    fn pool(&self, network: &Arc<Network>, https: bool) -> Arc<Pool> {
        let mut pools = lock(&self.pools);
        let serves = |pool: &&Arc<Pool>| {
            pool.https == https && (Arc::ptr_eq(&pool.network, network) || pool.network == *network)
        };
        if let Some(pool) = pools.iter().find(serves) {
            return pool.clone();
        }
        // Settings that nobody uses any more must not pile up over months.
        let unused = pools.extract_if(.., |pool| Arc::strong_count(pool) == 1 && lock(&pool.drivers).is_unused());
        let unused: Vec<_> = unused.collect();
        let (tls, drivers) = Default::default();
        let pool = Arc::new(Pool { network: network.clone(), https, names: self.names.clone(), tls, drivers });
        pools.push(pool.clone());
        drop(pools);
        unused.iter().for_each(|pool| discard(lock(&pool.drivers).idle.drain(..).map(|(driver, _)| driver).collect()));
        pool
    }
}

impl Pool {
    fn make_driver(&self) -> Result<Driver, Failure> {
        let tls = self.tls.get_or_try_init(|| match self.https || self.network.proxies.need_tls() {
            true => self.network.trust.client_config(),
            false => Ok(tls::config_for_no_tls()),
        });
        let tls = tls.map_err(|text| Failure::new(Status::Connect, Reach::Nothing, text).permanent())?;
        Driver::new(tls.clone(), self.names.clone(), &self.network)
    }
}

impl Drivers {
    fn take(&mut self) -> Option<Driver> {
        self.lent += 1;
        self.most_lent = self.most_lent.max(self.lent);
        // Where the youngest is too old, all are: the next one that is put back sends them away.
        let is_fresh = self.idle.back().is_some_and(|(_, since)| since.elapsed() < IDLE);
        if is_fresh { self.idle.pop_back().map(|(driver, _)| driver) } else { None }
    }

    /// Takes a driver back and returns those that are one too many. A driver holds four descriptors; a quarter as many
    /// idle ones as there ever were busy ones keeps the whole within one descriptor a thread.
    fn put_back(&mut self, driver: Driver) -> Vec<Driver> {
        self.lent -= 1;
        self.idle.push_back((driver, Instant::now()));
        let most_idle = self.most_lent / 4 + 1;
        let old = self.idle.iter().take_while(|(_, since)| since.elapsed() >= IDLE).count();
        let surplus = self.idle.len().saturating_sub(most_idle).max(old);
        self.idle.drain(..surplus).map(|(driver, _)| driver).collect()
    }

    fn is_unused(&self) -> bool {
        self.lent == 0 && self.idle.iter().all(|(_, since)| since.elapsed() >= IDLE)
    }
}

/// A driver on loan to one call. Given back when the call ended well; otherwise its connections are closed at once.
pub struct Lease {
    driver: Option<Driver>,
    pool: Arc<Pool>,
    generation: &'static Generation,
}

impl Lease {
    pub fn new(network: &Arc<Network>, https: bool) -> Result<Lease, Failure> {
        let generation = generation();
        let pool = generation.pool(network, https);
        let idle = lock(&pool.drivers).take();
        let driver = match idle {
            Some(driver) => driver,
            None => pool.make_driver().inspect_err(|_| lock(&pool.drivers).lent -= 1)?,
        };
        Ok(Lease { driver: Some(driver), pool, generation })
    }

    /// The process that began the call is a parent of this one: what belongs to the call belongs to the parent.
    pub fn is_of_a_parent(&self) -> bool {
        self.generation.process_id != process::id()
    }

    pub fn wire(&self) -> &Wire {
        &self.driver().wire
    }

    /// Drives on the calling thread until `work` is done; no SIGPIPE comes of it.
    pub fn block_on<F>(&self, work: F) -> Result<F::Output, Failure>
    where
        F: Future + Send,
        F::Output: Send,
    {
        let _guard = SigpipeGuard::block();
        self.driver().block_on(work)
    }

    /// The answer was read to its end and the request's body handed over: the next call may use the connection.
    pub fn give_back(mut self) {
        if self.is_of_a_parent() {
            return;
        }
        if let Some(driver) = self.driver.take() {
            let surplus = lock(&self.pool.drivers).put_back(driver);
            discard(surplus);
        }
    }

    /// Ends a loan in the middle of its work. What is left of the work may want to leave a task to its runtime, so it is
    /// dropped within it, before the connections are closed; in a child, which has no part in it, not at all.
    #[inline(never)]
    pub fn end_with<T: Send>(self, left: T) {
        if self.is_of_a_parent() {
            mem::forget(left);
        } else {
            // A failure to enter the runtime is one to close connections, too.
            let _ = self.block_on(async move { drop(left) });
        }
    }

    fn driver(&self) -> &Driver {
        self.driver.as_ref().expect("a lease has a driver until it ends")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(driver) = self.driver.take() else { return };
        if self.is_of_a_parent() {
            mem::forget(driver);
            return;
        }
        lock(&self.pool.drivers).lent -= 1;
        discard(vec![driver]);
    }
}

fn discard(drivers: Vec<Driver>) {
    if !drivers.is_empty() {
        // Closing a TLS connection writes to it.
        let _guard = SigpipeGuard::block();
        drivers.into_iter().for_each(Driver::discard);
    }
}

/// A panic elsewhere leaves nothing half done behind these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
