//! The cancel token: an atomic that is the truth, and an eventfd that wakes whoever waits.

use super::sys::EventFd;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug)]
pub struct Cancel {
    triggered: AtomicBool,
    bell: EventFd,
}

impl Cancel {
    pub fn new() -> io::Result<Cancel> {
        Ok(Cancel { triggered: AtomicBool::new(false), bell: EventFd::new()? })
    }

    /// Any thread, any time, also in a signal handler.
    pub fn trigger(&self) {
        if !self.triggered.swap(true, Ordering::SeqCst) {
            self.bell.ring();
        }
    }

    pub fn reset(&self) {
        self.bell.silence();
        self.triggered.store(false, Ordering::SeqCst);
    }

    pub fn is_triggered(&self) -> bool {
        self.triggered.load(Ordering::SeqCst)
    }

    /// Returns once it is triggered. Runs on a driver; fails when the descriptor can't be watched.
    pub async fn triggered(&self) -> io::Result<()> {
        let bell = self.bell.watch()?;
        while !self.is_triggered() {
            // A ring without the truth behind it comes from another process: wait for the next one.
            bell.readable().await?.clear_ready();
        }
        Ok(())
    }
}
