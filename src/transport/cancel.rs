//! The cancellation token: a flag, and an eventfd that wakes whoever waits.

#[cfg(all(test, shuttle))]
mod schedules;

use super::sync::atomic::{AtomicBool, Ordering};
#[cfg(all(test, shuttle))]
use super::sync::schedules::EventFd;
#[cfg(not(all(test, shuttle)))]
use super::sys::EventFd;
use std::io;
use std::os::fd::{AsRawFd, RawFd};

#[derive(Debug)]
pub struct Cancel {
    triggered: AtomicBool,
    event: EventFd,
}

impl Cancel {
    pub fn new() -> io::Result<Cancel> {
        Ok(Cancel { triggered: AtomicBool::new(false), event: EventFd::new()? })
    }

    /// Any thread, any time, also in a signal handler.
    pub fn trigger(&self) {
        if !self.triggered.swap(true, Ordering::SeqCst) {
            self.event.notify();
        }
    }

    pub fn reset(&self) {
        self.event.clear();
        self.triggered.store(false, Ordering::SeqCst);
    }

    pub fn is_triggered(&self) -> bool {
        self.triggered.load(Ordering::SeqCst)
    }
}

/// Readable once it is triggered. It is shared with other processes after a fork: only the flag is the truth.
impl AsRawFd for Cancel {
    fn as_raw_fd(&self) -> RawFd {
        self.event.as_raw_fd()
    }
}
