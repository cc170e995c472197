//! A connection while a request uses it, and its registration with the reactor.

use super::pool::{Connection, InUse};
use super::reactor::Registration;
use std::future::Future as _;
use std::pin::Pin;
use std::task::Context;

/// A connection in use.
pub(super) struct Link {
    pub(super) connection: Box<Connection>,
    pub(super) registration: Registration,
    /// Bytes that it had sent before this request.
    pub(super) sent_before: u64,
    pub(super) is_reused: bool,
    pub(super) in_use: InUse,
}

impl Link {
    /// Lets the connection do what it can.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        let connection = &mut self.connection;
        connection.state.is_ready(self.registration.take_ready());
        let has_ended = connection.driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(cx).is_ready());
        if has_ended {
            // With it goes what it has not begun with.
            connection.driver = None;
        }
    }

    pub(super) fn wait(&self, cx: &Context<'_>) {
        self.registration.wait_for(self.connection.state.blocked(), cx.waker());
    }
}
