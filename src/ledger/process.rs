//! Which process made an entry, and whether it still runs.

use crate::error::{Error, Status};
use crate::transport::error::plain;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;

/// A process id alone is used again; with the time of its start it is one process of this boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pub id: u32,
    /// In the kernel's ticks since the boot; 0 where /proc doesn't tell, as with the others.
    pub started: u64,
    /// The kernel's id of the boot; "": not known.
    pub boot: String,
    /// The number of its namespace of process ids: another container has another one.
    pub namespace: u64,
}

impl ProcessId {
    /// Identifies this process; a part that the system doesn't tell is unknown. An error: the system could not be asked just
    /// now, as without a descriptor.
    pub fn current() -> io::Result<ProcessId> {
        let boot = told(fs::read_to_string("/proc/sys/kernel/random/boot_id"))?;
        let stat = told(stat("self"))?;
        Ok(ProcessId {
            id: std::process::id(),
            started: parse(&stat).map(|(_, started)| started).unwrap_or_default(),
            boot: boot.trim().to_owned(),
            namespace: told(fs::metadata("/proc/self/ns/pid").map(|meta| meta.ino()))?,
        })
    }

    /// Whether it has ended, as far as this process, `current`, can see. Where it can't, it may still run.
    pub fn has_ended(&self, current: &ProcessId) -> io::Result<bool> {
        if self.boot != current.boot && !self.boot.is_empty() && !current.boot.is_empty() {
            return Ok(true);
        }
        if self.namespace == 0 || self.namespace != current.namespace || self.started == 0 {
            return Ok(false);
        }
        match stat(&self.id.to_string()) {
            // Where there is no /proc, nothing is known.
            Err(error) if is_gone(&error) => told(fs::metadata("/proc/self").map(|_| true)),
            stat => match parse(&told(stat)?) {
                Some((_, at)) if at != self.started => Ok(true),
                Some((state, _)) if is_dead(state) => Ok(!self.has_threads()?),
                _ => Ok(false),
            },
        }
    }

    /// Its first thread may end before the others do.
    fn has_threads(&self) -> io::Result<bool> {
        let threads = match fs::read_dir(format!("/proc/{}/task", self.id)) {
            Err(error) if is_gone(&error) => return Ok(false),
            threads => threads?,
        };
        for thread in threads {
            match thread.and_then(|thread| fs::read_to_string(thread.path().join("stat"))) {
                Ok(stat) if parse(&stat).is_none_or(|(state, _)| !is_dead(state)) => return Ok(true),
                Err(error) if !is_gone(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(false)
    }
}

/// The error of a call that has to know which processes still run.
pub fn unreadable(call: &'static str, error: &io::Error) -> Error {
    let text = format!("the processes of the ledger can't be looked up in /proc: {}", plain(error));
    Error::new(Status::File, call, text).caused_by(error)
}

/// Nothing where the system doesn't tell.
fn told<T: Default>(asked: io::Result<T>) -> io::Result<T> {
    match asked {
        Err(error) if is_gone(&error) || error.kind() == ErrorKind::PermissionDenied => Ok(T::default()),
        asked => asked,
    }
}

/// It is not there, or ended while it was looked at.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// A zombie has ended, and waits for its parent to hear of it.
fn is_dead(state: char) -> bool {
    matches!(state, 'Z' | 'X' | 'x')
}

fn stat(process: &str) -> std::io::Result<String> {
    // Its name may hold any bytes.
    fs::read(format!("/proc/{process}/stat")).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The state and the time of the start: the fields 3 and 22. The second, in brackets, may hold blanks and brackets.
fn parse(stat: &str) -> Option<(char, u64)> {
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some((fields.first()?.chars().next()?, fields.get(19)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_process_has_ended_once_it_is_a_zombie() {
        let current = ProcessId::current().unwrap();
        assert!(!current.has_ended(&current).unwrap());
        let mut child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let started = parse(&stat(&child.id().to_string()).unwrap()).unwrap().1;
        let of_child = ProcessId { id: child.id(), started, ..current.clone() };
        assert!(!of_child.has_ended(&current).unwrap());
        child.kill().unwrap();
        while !of_child.has_ended(&current).unwrap() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(of_child.has_ended(&current).unwrap());
    }

    #[test]
    fn what_can_not_be_seen_may_still_run() {
        let current = ProcessId::current().unwrap();
        let other = |change: fn(&mut ProcessId)| {
            let mut other = ProcessId { id: 4_000_000_000, ..current.clone() };
            change(&mut other);
            other
        };
        assert!(other(|_| {}).has_ended(&current).unwrap());
        assert!(!other(|it| it.namespace = 1).has_ended(&current).unwrap());
        assert!(!other(|it| it.started = 0).has_ended(&current).unwrap());
        assert!(other(|it| (it.namespace, it.boot) = (1, "another".into())).has_ended(&current).unwrap());
        assert!(ProcessId { started: 1, ..current.clone() }.has_ended(&current).unwrap());
    }

    #[test]
    fn a_name_of_a_process_may_hold_brackets() {
        let stat = "7 (a b) R) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 6483 1 1";
        assert_eq!(parse(stat), Some(('S', 6483)));
        assert_eq!(parse("7 (a"), None);
    }
}
