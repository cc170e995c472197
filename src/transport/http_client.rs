//! HTTP on the calling thread: a reactor that drives, and connections that the call keeps between its requests.

use super::connect::connect;
use super::error::TransportError;
use super::pool::{Connection, InUse, Pool};
use super::process::Process;
use super::reactor::Reactor;
use super::route::Route;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Nearly always one.
type Kept = SmallVec<[(Box<Connection>, InUse); 1]>;

/// One for each call, or for many that run together. Its clones are the same one.
#[derive(Clone)]
pub struct HttpClient {
    pub reactor: Rc<Reactor>,
    pub pool: Arc<Pool>,
    /// Idle, and closed with the call unless it gives them back.
    kept: Rc<RefCell<Kept>>,
    process: Process,
}

impl HttpClient {
    pub fn new(pool: Arc<Pool>) -> HttpClient {
        HttpClient { reactor: Reactor::new(), pool, kept: Rc::default(), process: Process::current() }
    }

    /// The process that began the call is a parent of this one: what belongs to the call belongs to the parent.
    pub fn is_forked_child(&self) -> bool {
        self.process.is_forked_child()
    }

    /// An idle connection, which may have been closed in the meantime.
    pub fn take(&self, route: &Route) -> Option<(Box<Connection>, InUse)> {
        let mut kept = self.kept.borrow_mut();
        match kept.iter().rposition(|(connection, _)| connection.route.is_same(route)) {
            Some(at) => Some(kept.swap_remove(at)),
            None => self.pool.take(route).map(|connection| (connection, self.pool.count())),
        }
    }

    pub async fn connect(&self, route: Arc<Route>) -> Result<(Box<Connection>, InUse), TransportError> {
        let in_use = self.pool.count();
        let stream = connect(&self.pool, &self.reactor, &route).await?;
        Ok((Box::new(Connection::new(stream, route).await?), in_use))
    }

    /// Keeps a connection for the next request of the call.
    pub fn keep(&self, connection: Box<Connection>, in_use: InUse) {
        self.kept.borrow_mut().push((connection, in_use));
    }

    /// The call has ended well: other calls may use its connections.
    pub fn give_back(&self) {
        if !self.is_forked_child() {
            for (connection, in_use) in self.kept.take() {
                self.pool.put_back(connection);
                drop(in_use);
            }
        }
    }
}
