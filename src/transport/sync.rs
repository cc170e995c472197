//! The locks, atomics, threads and the clock of the modules whose interleavings `make schedules` tests: the standard
//! ones, and in that test those of shuttle, which decides at each of them which thread goes on.

#[cfg(all(test, shuttle))]
pub mod schedules;

#[cfg(all(test, shuttle))]
pub use schedules::now;
#[cfg(all(test, shuttle))]
pub use shuttle::{
    sync::{Mutex, MutexGuard, atomic},
    thread,
};
#[cfg(not(all(test, shuttle)))]
pub use std::{
    sync::{Mutex, MutexGuard, atomic},
    thread,
};

#[cfg(not(all(test, shuttle)))]
pub fn now() -> std::time::Instant {
    std::time::Instant::now()
}
