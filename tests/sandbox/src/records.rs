//! What is known of each connection, and how it ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::account::Account;
use crate::server::Server;

/// Closed connections beyond this many are forgotten, oldest first.
const REMEMBERED: usize = 20_000;

/// Which side ended a connection, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    ClientFin,
    ClientRst,
    Server,
}

pub(crate) struct Connection {
    server: Arc<Server>,
    id: u64,
    pub(crate) peer_port: u16,
    listener: &'static str,
    opened_at_ms: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    handshake: Option<String>,
    requests: u64,
    closed: Option<(End, u64)>,
    // Those told when the connection ends; emptied then, as accounts hold the connection in turn.
    accounts: Vec<Arc<Account>>,
}

impl Connection {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Connected to the object store, which is another host.
    pub(crate) fn is_store(&self) -> bool {
        self.listener.ends_with("store")
    }

    pub(crate) fn tls(&self) -> bool {
        self.listener.starts_with("https")
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state.lock().unwrap().closed.is_none()
    }

    /// Only the first end counts: what follows is its consequence.
    pub(crate) fn ended(&self, end: End) {
        let mut state = self.state.lock().unwrap();
        if state.closed.is_some() {
            return;
        }
        state.closed = Some((end, self.server.now_ms()));
        let accounts = std::mem::take(&mut state.accounts);
        drop(state);
        for account in accounts {
            account.changed.notify_waiters();
        }
        self.server.connections.changed.notify_waiters();
    }

    pub(crate) fn handshake(&self, result: String) {
        self.state.lock().unwrap().handshake = Some(result);
        self.server.connections.changed.notify_waiters();
    }

    pub(crate) fn request_was_whole(&self) {
        self.state.lock().unwrap().requests += 1;
    }

    /// Notes that the connection carries requests of this account.
    pub(crate) fn carries(self: &Arc<Self>, account: &Arc<Account>) {
        let mut state = self.state.lock().unwrap();
        if state.closed.is_none() && !state.accounts.iter().any(|known| Arc::ptr_eq(known, account)) {
            state.accounts.push(account.clone());
            drop(state);
            account.state().connections.push(self.clone());
        }
    }

    pub(crate) fn forget(&self, account: &Account) {
        self.state.lock().unwrap().accounts.retain(|known| !std::ptr::eq(&**known, account));
    }

    pub(crate) fn json(&self) -> Value {
        let state = self.state.lock().unwrap();
        let end = state.closed.map(|(end, _)| match end {
            End::ClientFin => "fin",
            End::ClientRst => "rst",
            End::Server => "server",
        });
        json!({
            "id": self.id,
            "peer_port": self.peer_port,
            "listener": self.listener,
            "tls": self.tls(),
            "handshake": state.handshake,
            "requests": state.requests,
            "opened_at_ms": self.opened_at_ms,
            "closed": end,
            "closed_at_ms": state.closed.map(|(_, at)| at),
        })
    }
}

/// All connections of the server.
#[derive(Default)]
pub(crate) struct Registry {
    all: Mutex<Accepted>,
    pub(crate) changed: Notify,
}

#[derive(Default)]
struct Accepted {
    count: u64,
    counts: Vec<(&'static str, u64)>,
    connections: VecDeque<Arc<Connection>>,
}

impl Registry {
    pub(crate) fn accepted(&self, server: &Arc<Server>, listener: &'static str, peer_port: u16) -> Arc<Connection> {
        let mut all = self.all.lock().unwrap();
        all.count += 1;
        match all.counts.iter_mut().find(|(name, _)| *name == listener) {
            Some((_, count)) => *count += 1,
            None => all.counts.push((listener, 1)),
        }
        let connection = Arc::new(Connection {
            server: server.clone(),
            id: all.count,
            peer_port,
            listener,
            opened_at_ms: server.now_ms(),
            state: Mutex::default(),
        });
        while all.connections.len() >= REMEMBERED && !all.connections[0].is_open() {
            all.connections.pop_front();
        }
        all.connections.push_back(connection.clone());
        drop(all);
        self.changed.notify_waiters();
        connection
    }

    /// Those of one listener, or all.
    pub(crate) fn list(&self, listener: Option<&str>) -> Vec<Arc<Connection>> {
        let all = self.all.lock().unwrap();
        all.connections.iter().filter(|one| listener.is_none_or(|name| name == one.listener)).cloned().collect()
    }

    pub(crate) fn count_accepted(&self, listener: Option<&str>) -> u64 {
        let all = self.all.lock().unwrap();
        all.counts.iter().filter(|(name, _)| listener.is_none_or(|wanted| wanted == *name)).map(|(_, n)| n).sum()
    }
}
