//! Asks the host whether a call is to end: on the calling thread, after a signal and at least at intervals.

use super::process::Process;
use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

/// A signal that came between two waits ends none of them: so it is asked for anyway.
const INTERVAL: Duration = Duration::from_millis(100);

/// The host's function and when it is due. It belongs to one call, also to those that this one is made of.
pub struct InterruptCheck {
    is_to_end: Box<dyn Fn() -> bool>,
    due: Cell<Instant>,
    has_ended: Cell<bool>,
    process: Process,
}

impl InterruptCheck {
    /// `is_to_end` is the host's function.
    pub fn new(is_to_end: Box<dyn Fn() -> bool>) -> InterruptCheck {
        let (due, has_ended) = (Cell::new(Instant::now() + INTERVAL), Cell::new(false));
        InterruptCheck { is_to_end, due, has_ended, process: Process::current() }
    }

    /// A signal handler has run during a wait.
    pub fn signalled(&self) {
        self.due.set(Instant::now());
    }

    /// When the host is to be asked next.
    pub fn due(&self) -> Instant {
        self.due.get()
    }

    /// Asks the host if that is due; says whether it was asked.
    pub fn ask_if_due(&self) -> bool {
        if self.has_ended.get() || Instant::now() < self.due.get() {
            return false;
        }
        let is_to_end = (self.is_to_end)();
        self.has_ended.set(is_to_end);
        self.due.set(Instant::now() + INTERVAL);
        true
    }

    /// The host wants the call to end. It is not asked again.
    pub fn has_ended(&self) -> bool {
        self.has_ended.get()
    }

    /// The host's function has forked, and this is the child.
    pub fn is_forked_child(&self) -> bool {
        self.process.is_forked_child()
    }
}

impl fmt::Debug for InterruptCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InterruptCheck({})", self.has_ended.get())
    }
}
