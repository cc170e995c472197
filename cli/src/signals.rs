//! Ctrl-C and SIGTERM: the first cancels what is under way, so that it ends cleanly and what is settled can be said; the
//! second ends the process at once.

use crate::exit::Exit;
use crate::streams;
use mmx::transport::cancel::Cancel;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::fs;
use std::io;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;

pub(crate) struct Signals(Arc<State>);

struct State {
    cancel: Cancel,
    /// The signal that came; 0 when none did.
    came: AtomicI32,
    /// Nothing was deleted so far: a person is asked, or a pipe is read.
    is_idle: AtomicBool,
}

impl State {
    fn end_at_once(&self) -> ! {
        // Where a person was asked, the line is still open.
        let _ = streams::write_err(b"\nmmx-files: ended by a signal; nothing was deleted\n");
        process::exit(code(self.came.load(Ordering::SeqCst)).into())
    }
}

/// What a shell says of a process that a signal ended.
fn code(signal: i32) -> u8 {
    128_u8.wrapping_add(signal as u8)
}

/// Whether whoever started the process wants this signal ignored, as `nohup` and `trap '' INT` do.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

impl Signals {
    pub(crate) fn watch() -> io::Result<Signals> {
        let state =
            Arc::new(State { cancel: Cancel::new()?, came: AtomicI32::new(0), is_idle: AtomicBool::new(false) });
        let is_second = Arc::new(AtomicBool::new(false));
        let watched_for: Vec<_> = [SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)).collect();
        for &signal in &watched_for {
            flag::register_conditional_shutdown(signal, code(signal).into(), is_second.clone())?;
            flag::register(signal, is_second.clone())?;
        }
        let mut signals = signal_hook::iterator::Signals::new(watched_for)?;
        let watched = state.clone();
        thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                watched.came.store(signal, Ordering::SeqCst);
                watched.cancel.trigger();
                if watched.is_idle.load(Ordering::SeqCst) {
                    watched.end_at_once();
                }
            }
        })?;
        Ok(Signals(state))
    }

    /// Triggered by the first signal.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.0.cancel
    }

    pub(crate) fn have_come(&self) -> bool {
        self.0.cancel.is_triggered()
    }

    /// The signal that came, as people call it.
    pub(crate) fn name(&self) -> Option<&'static str> {
        match self.0.came.load(Ordering::SeqCst) {
            SIGINT => Some("Ctrl-C"),
            SIGTERM => Some("SIGTERM"),
            _ => None,
        }
    }

    /// Waits for something that only ends by itself, before anything is deleted: a signal ends the process at once.
    pub(crate) fn idle<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.0.is_idle.store(true, Ordering::SeqCst);
        // One that came before the flag was seen.
        if self.have_come() {
            self.0.end_at_once();
        }
        let result = wait();
        self.0.is_idle.store(false, Ordering::SeqCst);
        result
    }

    /// What is left undone because of a signal has the signal's code.
    pub(crate) fn exit_code(&self, exit: Exit) -> ExitCode {
        match self.0.came.load(Ordering::SeqCst) {
            0 => exit.into(),
            _ if exit == Exit::Done => exit.into(),
            signal => ExitCode::from(code(signal)),
        }
    }
}
