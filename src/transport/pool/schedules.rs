//! Threads that share the connections of a pool, and clients that come and go.

use super::*;
use crate::transport::setting::Key;
use crate::transport::socket::Socket;
use crate::transport::sync::schedules::{delay, explore, join, spawn};
use futures_util::FutureExt as _;
use shuttle::rand::Rng as _;
use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Weak;
use url::Url;

/// A server that accepts nothing: its kernel completes the connections.
struct Server {
    listener: TcpListener,
    route: Arc<Route>,
}

impl Server {
    fn new() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        Server { listener, route: Arc::new(Route::new(&url, &Proxies::default())) }
    }

    fn connect(&self, descriptors: &'static Descriptors) -> Box<Connection> {
        let socket = Socket::connect(self.listener.local_addr().unwrap(), descriptors).unwrap();
        let made = Connection::new(Stream::Plain(socket), self.route.clone()).now_or_never();
        Box::new(made.expect("nothing is sent yet").unwrap_or_else(|_| panic!("no connection")))
    }
}

/// What the threads of a test know of their connections. Its lock is no part of the schedule: it is held for a moment.
#[derive(Default)]
struct Seen(std::sync::Mutex<HashMap<usize, Use>>);

struct Use {
    state: Weak<socket::State>,
    is_in_use: bool,
    put_back: Option<Instant>,
}

impl Seen {
    fn with<R>(&self, connection: &Connection, f: impl FnOnce(&mut Use) -> R) -> R {
        let (at, state) = (Arc::as_ptr(&connection.state) as usize, Arc::downgrade(&connection.state));
        let mut seen = self.0.lock().unwrap();
        f(seen.entry(at).or_insert(Use { state, is_in_use: false, put_back: None }))
    }

    fn is_taken(&self, connection: &Connection, asked: Instant) {
        self.with(connection, |it| {
            assert!(!mem::replace(&mut it.is_in_use, true), "a connection serves two threads at once");
            let idle = it.put_back.take().map(|since| asked.saturating_duration_since(since));
            assert!(idle.is_none_or(|idle| idle < IDLE), "a connection was idle for {idle:?}");
        });
    }

    fn is_given_up(&self, connection: &Connection) {
        self.with(connection, |it| it.is_in_use = false);
    }

    fn open(&self) -> usize {
        self.0.lock().unwrap().values().filter(|it| it.state.strong_count() > 0).count()
    }
}

fn table() -> &'static Descriptors {
    Box::leak(Box::default())
}

fn chance(one_in: u32) -> bool {
    shuttle::rand::thread_rng().gen_range(0..one_in) == 0
}

/// One request over a connection of the pool, which may turn out to be broken.
fn request(pool: &Arc<Pool>, server: &Server, seen: &Seen) {
    let (in_use, asked) = (pool.count(), now());
    let connection = pool.take(&server.route).unwrap_or_else(|| server.connect(pool.descriptors));
    assert!(connection.route.is_same(&server.route), "a connection leads elsewhere");
    seen.is_taken(&connection, asked);
    delay(if chance(4) { 60_000 } else { 0 });
    seen.is_given_up(&connection);
    if chance(4) {
        drop(connection);
    } else {
        let state = Arc::downgrade(&connection.state);
        pool.put_back(connection);
        let (mut uses, at) = (seen.0.lock().unwrap(), state.as_ptr() as usize);
        uses.get_mut(&at).filter(|it| !it.is_in_use).into_iter().for_each(|it| it.put_back = Some(now()));
    }
    drop(in_use);
}

#[test]
fn a_connection_serves_one_thread_at_a_time() {
    const THREADS: usize = 3;
    explore("the connections of a pool", || {
        let descriptors = table();
        let pool = Arc::new(Pool::new(Arc::default(), DnsResolver::default(), descriptors));
        let (servers, seen) = (Arc::new([Server::new(), Server::new()]), Arc::new(Seen::default()));
        let threads = (0..THREADS).map(|_| {
            let (pool, servers, seen) = (pool.clone(), servers.clone(), seen.clone());
            spawn(move || (0..3).for_each(|_| request(&pool, &servers[usize::from(chance(2))], &seen)))
        });
        join(threads);
        let (in_use, most) = (pool.in_use.load(Relaxed), pool.most_in_use.load(Relaxed));
        assert_eq!(in_use, 0, "connections count as in use");
        assert!((1..=THREADS).contains(&most), "{most} in use at once");
        let idle = lock(&pool.idle).len();
        assert!(idle <= most, "{idle} idle connections, of {most} that were in use");
        assert_eq!(seen.open(), idle, "a connection is open and not in the pool");
        drop(pool);
        assert_eq!(seen.open(), 0, "the pool is gone and its connections are open");
    });
}

fn account() -> Account {
    Account::new(&Key(String::from("key").into()), &Url::parse("http://localhost/").unwrap())
}

/// A client of these settings, as [`Shares::get`] makes it.
fn client(shared: &'static Shared, network: &Arc<Network>) -> Shares {
    let shares = Shares::new(network.clone(), account());
    shares.found.get_or_init(Process::current(), |_| (shared.pool(network), Arc::default()));
    shares
}

#[test]
fn settings_that_nobody_uses_keep_no_connections() {
    explore("clients that come and go", || {
        let (pools, dns, limiters) = Default::default();
        let shared: &'static Shared =
            Box::leak(Box::new(Shared { pools, dns, limiters, descriptors: Descriptors::new() }));
        let (server, seen) = (Arc::new(Server::new()), Arc::new(Seen::default()));
        let of_other_settings =
            |seconds| Network { connect_timeout: Some(Duration::from_secs(seconds)), ..Network::default() };
        let threads = [1, 1, 2].map(|seconds| {
            let (server, seen, network) = (server.clone(), seen.clone(), Arc::new(of_other_settings(seconds)));
            spawn(move || {
                for _ in 0..2 {
                    let mut client = client(shared, &network);
                    let pool = client.pool().clone();
                    request(&pool, &server, &seen);
                    let pools = lock(&shared.pools);
                    let of_these: Vec<_> = pools.iter().filter(|other| other.network == network).collect();
                    assert!(of_these.len() == 1 && Arc::ptr_eq(of_these[0], &pool), "the settings have another pool");
                    drop(pools);
                    drop(pool);
                    client.leave(shared);
                }
            })
        });
        join(threads);
        let mut pools = lock(&shared.pools);
        assert_eq!(pools.len(), 1, "the settings of the client that was freed last keep connections, and no others");
        assert_eq!(seen.open(), lock(&pools[0].idle).len(), "a connection is open and not in the pool");
        // The next schedule has the same number of descriptors.
        pools.clear();
    });
}
