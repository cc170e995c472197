//! Waits of a call that is driven in turns: a cancel and the deadline are heard.

use crate::transport::body::BodySent;
use crate::transport::error::TransportError;
use crate::transport::exchange::Limits;
use crate::transport::reactor::Reactor;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

/// Drives until `work` is done. As with the caller's own functions, the idle limit plays no part.
pub fn drive<T, F: Future<Output = T>>(
    limits: Limits<'_>,
    phase: &str,
    work: impl FnOnce(Rc<Reactor>) -> F,
) -> Result<T, TransportError> {
    let reactor = Reactor::new();
    let mut work = pin!(work(reactor.clone()));
    limits.drive(&reactor, |cx| work.as_mut().poll(cx)).map_err(|why| {
        let (status, text) = why.describe(phase);
        TransportError { errno: why.errno(), ..TransportError::new(status, BodySent::None, text).permanent() }
    })
}

/// Lets a time pass.
pub fn pause(limits: Limits<'_>, phase: &str, time: Duration) -> Result<(), TransportError> {
    drive(limits, phase, |reactor| async move { reactor.sleep(time).await })
}
