//! The state of a call, for an interruption from outside.

use super::attempt::Attempt;
use super::body::BodySent;
use super::client::{CallError, Client};
use super::exchange::Interruption;
use crate::error::{Error, Status};
use std::cell::{RefCell, RefMut};
use std::rc::Rc;

#[derive(Default)]
pub(super) struct State {
    /// Under way.
    pub(super) attempt: Option<Attempt>,
    /// From where on the one under way may have been carried out.
    pub(super) ambiguous_from: Option<BodySent>,
    /// Describes the wait while no attempt is under way.
    pub(super) waiting: &'static str,
    /// An earlier attempt may have been carried out.
    pub(super) ambiguous: bool,
    pub(super) made: u32,
    /// The error of the last attempt.
    pub(super) last: Option<Error>,
}

/// The state of a call.
#[derive(Clone, Default)]
pub struct CallState(Rc<RefCell<State>>);

impl CallState {
    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    /// The end of a call from outside, as an error of it.
    pub fn interrupted(&self, client: &Client, name: &'static str, why: &Interruption) -> CallError {
        let mut state = self.state();
        let State { attempt, waiting, ambiguous_from, ambiguous, made: attempts, last, .. } = &mut *state;
        let (attempts, ambiguous) = (*attempts, *ambiguous);
        // Of the last attempt, which isn't the one under way.
        let was_sent = last.as_ref().is_some_and(|last| last.status != Status::Connect);
        let mut call_error = match (attempt, last.take()) {
            (Some(attempt), _) => {
                let (status, text) = why.describe(&attempt.phase());
                let failure = attempt.interrupted(status, text);
                let body_sent = failure.body_sent;
                let mut call_error = client.error_of(name, failure, attempts);
                call_error.error.ambiguous = ambiguous_from.is_some_and(|from| body_sent >= from);
                call_error
            }
            (None, last) => {
                let (status, text) = why.describe(waiting);
                match last {
                    Some(last) => after(last, status, text, attempts).into(),
                    None => Error { attempts, ..Error::new(status, name, text) }.into(),
                }
            }
        };
        let ambiguous = ambiguous || call_error.error.ambiguous;
        call_error.error.set_ambiguous(ambiguous);
        if was_sent {
            call_error.error.status = call_error.error.status.once_sent();
        }
        if why.errno() != 0 {
            call_error.error.errno = why.errno();
        }
        call_error
    }
}

/// Describes the pause between two attempts.
pub const PAUSE: &str = "waiting to try again";

/// The end of a wait after an attempt that failed: with what is known of that.
pub fn after(last: Error, status: Status, text: String, attempts: u32) -> Error {
    let before = last.without_call().to_owned();
    let error = Error::new(status, last.call, format!("{text}; before that: {before}"));
    Error { status, message: error.message, attempts, ambiguous: false, transient: false, ..last }
}
