//! Ctrl-C and SIGTERM. The first signal cancels the running calls, so that the command can report what was done; the second
//! ends the process at once.

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
    /// The signal that was received; 0 if none was.
    came: AtomicI32,
    /// The command waits for input and has sent nothing: a signal ends it at once.
    is_idle: AtomicBool,
}

impl State {
    fn end_at_once(&self) -> ! {
        // The question of a confirmation has no line break.
        let _ = streams::write_err(b"\nmmx-files: ended by a signal; nothing was deleted\n");
        process::exit(code(self.came.load(Ordering::SeqCst)).into())
    }
}

/// The exit code that a shell reports for a process ended by a signal.
fn code(signal: i32) -> u8 {
    128_u8.wrapping_add(signal as u8)
}

/// Whether the signal was ignored when the process started, as with `nohup` and `trap '' INT`. It must stay ignored.
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

    /// The name of the signal that was received.
    pub(crate) fn name(&self) -> Option<&'static str> {
        match self.0.came.load(Ordering::SeqCst) {
            SIGINT => Some("Ctrl-C"),
            SIGTERM => Some("SIGTERM"),
            _ => None,
        }
    }

    /// Waits for input before anything is deleted. A signal ends the process at once.
    pub(crate) fn idle<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.0.is_idle.store(true, Ordering::SeqCst);
        // A signal that came before the flag was set.
        if self.have_come() {
            self.0.end_at_once();
        }
        let result = wait();
        self.0.is_idle.store(false, Ordering::SeqCst);
        result
    }

    /// The code of the signal, if there was one and the command is not done.
    pub(crate) fn exit_code(&self, exit: Exit) -> ExitCode {
        match self.0.came.load(Ordering::SeqCst) {
            0 => exit.into(),
            _ if exit == Exit::Done => exit.into(),
            signal => ExitCode::from(code(signal)),
        }
    }
}
