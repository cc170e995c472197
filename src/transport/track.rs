//! Where a call stands, kept beside the work that makes it, for whoever ends it from outside.

use super::attempt::Attempt;
use super::body::Reach;
use super::client::{Client, Unanswered};
use super::exchange::Interruption;
use crate::error::{Error, Status};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(super) struct State {
    /// Under way.
    pub(super) attempt: Option<Attempt>,
    /// From where on the one under way may have been carried out.
    pub(super) in_doubt_from: Option<Reach>,
    /// What it waits for while none is under way.
    pub(super) waiting: &'static str,
    /// An earlier attempt may have been carried out.
    pub(super) in_doubt: bool,
    pub(super) made: u32,
    /// What the last attempt came to.
    pub(super) last: Option<Error>,
    /// The last attempt's answer was read to its end.
    pub(super) is_clean: bool,
}

/// Where a call stands.
#[derive(Clone, Default)]
pub struct Track(Arc<Mutex<State>>);

impl Track {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of a call from outside, as an error of it.
    pub fn interrupted(&self, client: &Client, name: &'static str, why: &Interruption) -> Unanswered {
        let mut state = self.state();
        let State { attempt, waiting, in_doubt_from, in_doubt, made: attempts, last, .. } = &mut *state;
        let (attempts, in_doubt) = (*attempts, *in_doubt);
        let mut unanswered = match (attempt, last.take()) {
            (Some(attempt), _) => {
                let (status, text) = why.in_words(&attempt.phase());
                let failure = attempt.interrupted(status, text);
                let reach = failure.reach;
                let mut unanswered = client.error_of(name, failure, attempts);
                unanswered.error.ambiguous = in_doubt_from.is_some_and(|from| reach >= from);
                unanswered
            }
            (None, last) => {
                let (status, text) = why.in_words(waiting);
                match last {
                    Some(last) => after(last, status, text, attempts).into(),
                    None => Error { attempts, ..Error::new(status, name, text) }.into(),
                }
            }
        };
        unanswered.error.ambiguous |= in_doubt;
        unanswered
    }

    /// What is left of the attempt under way, to be dropped where it can be.
    pub fn take(&self) -> impl Send + use<> {
        self.state().attempt.take()
    }
}

/// What a call waits for between two attempts.
pub const PAUSE: &str = "waiting to try again";

/// The end of a wait after an attempt that failed: with what is known of that.
pub fn after(last: Error, status: Status, text: String, attempts: u32) -> Error {
    let before = last.without_call().to_owned();
    let error = Error::new(status, last.call, format!("{text}; before that: {before}"));
    Error { status, message: error.message, attempts, ambiguous: false, transient: false, ..last }
}
