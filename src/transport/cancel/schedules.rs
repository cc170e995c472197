//! Threads that cancel, and calls that wait meanwhile.

use super::*;
use crate::transport::deadline::Deadline;
use crate::transport::exchange::{Interruption, Limits};
use crate::transport::reactor::Reactor;
use crate::transport::sync::schedules::{Started, explore, join, passed, spawn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// A call that has nothing to do but wait.
fn call(cancel: &Arc<Cancel>) -> Started<()> {
    let cancel = cancel.clone();
    spawn(move || {
        let limits = Limits { deadline: Deadline::NONE, cancel: Some(&cancel), interrupt: None, idle: None };
        let ended = limits.drive(&Reactor::new(), |_| Poll::<()>::Pending);
        assert!(matches!(ended, Err(Interruption::Cancelled)));
    })
}

fn trigger(cancel: &Arc<Cancel>) -> Started<()> {
    let cancel = cancel.clone();
    spawn(move || cancel.trigger())
}

#[test]
fn each_call_that_waits_is_cancelled_at_once() {
    explore("calls that are cancelled", || {
        let cancel = Arc::new(Cancel::new().unwrap());
        join([call(&cancel), trigger(&cancel), call(&cancel), trigger(&cancel)]);
        assert_eq!(passed(), Duration::ZERO);
    });
}

/// A thread that triggers may be late with the event, so that the next call finds it readable without the flag.
#[test]
fn a_token_that_was_reset_cancels_again() {
    explore("a cancellation token that is reset", || {
        let cancel = Arc::new(Cancel::new().unwrap());
        let late = trigger(&cancel);
        cancel.trigger();
        cancel.reset();
        let again = cancel.clone();
        let next = spawn(move || {
            Reactor::new().wait(None, Some(crate::transport::sync::now() + Duration::from_millis(5))).unwrap();
            again.trigger();
        });
        join([late, call(&cancel), next]);
        assert!(cancel.is_triggered());
        assert!(passed() < Duration::from_millis(50), "the call was cancelled after {:?}", passed());
    });
}
