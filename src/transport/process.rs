//! Distinguishes a process from its forked children, without a system call, and keeps a value for each.

use super::sys;
use once_cell::race::OnceBox;

/// A process. A child after `fork` is another one, also where it got the process id of an ancestor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(u64);

impl Process {
    pub fn current() -> Process {
        Process(sys::process_token())
    }

    /// This process was forked from the one that asked first: what belongs to that one is not to be used here.
    pub fn is_forked_child(self) -> bool {
        self != Process::current()
    }
}

/// One value for each process: a chain that grows by one link after a fork. No lock is taken, so a child can inherit
/// none that is held, and what a parent made is never dropped in a child.
pub struct PerProcess<T> {
    first: OnceBox<Link<T>>,
}

struct Link<T> {
    process: Process,
    value: T,
    next: OnceBox<Link<T>>,
}

impl<T> PerProcess<T> {
    pub const fn new() -> PerProcess<T> {
        PerProcess { first: OnceBox::new() }
    }

    /// The value of `process`, the current one. `make` gets the parent's value, if there is one.
    pub fn get_or_init(&self, process: Process, make: impl Fn(Option<&T>) -> T) -> &T {
        let link = |value| Box::new(Link { process, value, next: OnceBox::new() });
        let mut last = self.first.get_or_init(|| link(make(None)));
        loop {
            if last.process == process {
                return &last.value;
            }
            last = last.next.get_or_init(|| link(make(Some(&last.value))));
        }
    }

    /// The value of `process` if there is one.
    pub fn get(&self, process: Process) -> Option<&T> {
        let links = std::iter::successors(self.first.get(), |link| link.next.get());
        links.filter(|link| link.process == process).map(|link| &link.value).next()
    }
}

impl<T> Default for PerProcess<T> {
    fn default() -> PerProcess<T> {
        PerProcess::new()
    }
}

impl<T> std::fmt::Debug for PerProcess<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PerProcess")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_keeps_its_value_and_another_gets_one_of_its_own() {
        let (this, child) = (Process(1), Process(2));
        let values = PerProcess::new();
        assert!(values.get(this).is_none());
        assert_eq!(*values.get_or_init(this, |_| 1), 1);
        assert_eq!(*values.get_or_init(this, |_| 9), 1);
        assert_eq!(*values.get_or_init(child, |parent| parent.unwrap() + 1), 2);
        assert_eq!((values.get(this), values.get(child), values.get(Process(3))), (Some(&1), Some(&2), None));
        assert!(!Process::current().is_forked_child());
    }
}
