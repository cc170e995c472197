//! Several calls at a time, each on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::channel;
use std::thread;

/// Makes `call` for 0, 1, … up to `count`, at most `jobs` at a time, and passes each result to `settled` on this thread.
/// Once that returns false no more calls begin; those in flight are waited for. Returns how many calls were begun.
pub(crate) fn call_all<T: Send>(
    jobs: u32,
    count: usize,
    call: impl Fn(usize) -> T + Sync,
    mut settled: impl FnMut(usize, T) -> bool,
) -> usize {
    thread::scope(|scope| {
        let (sender, results) = channel();
        let (mut begun, mut in_flight, mut goes_on) = (0, 0, true);
        loop {
            while goes_on && begun < count && in_flight < jobs {
                let (sender, call, at) = (sender.clone(), &call, begun);
                scope.spawn(move || {
                    // A panic must reach the thread that waits for the result.
                    let result = catch_unwind(AssertUnwindSafe(|| call(at)));
                    let _ = sender.send((at, result));
                });
                (begun, in_flight) = (begun + 1, in_flight + 1);
            }
            if in_flight == 0 {
                return begun;
            }
            let (at, result) = results.recv().expect("this thread has a sender, too");
            in_flight -= 1;
            let result = result.unwrap_or_else(|panic| resume_unwind(panic));
            goes_on = settled(at, result) && goes_on;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn so_many_at_a_time_and_each_once() {
        let (now, most, together) = (AtomicUsize::new(0), AtomicUsize::new(0), Barrier::new(3));
        let call = |at: usize| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Nobody gets past it before three are in flight.
            together.wait();
            now.fetch_sub(1, Ordering::SeqCst);
            at * 10
        };
        let mut seen = Vec::new();
        let begun = call_all(3, 9, call, |at, result| {
            seen.push((at, result));
            true
        });
        seen.sort_unstable();
        assert_eq!(seen, (0..9).map(|at| (at, at * 10)).collect::<Vec<_>>());
        assert_eq!((begun, most.into_inner()), (9, 3));
    }

    #[test]
    fn none_begins_after_the_end() {
        let mut seen = Vec::new();
        let begun = call_all(
            1,
            5,
            |at| at,
            |at, _| {
                seen.push(at);
                at < 1
            },
        );
        assert_eq!((begun, seen), (2, vec![0, 1]));
        assert_eq!(call_all(4, 0, |at| at, |_, _| true), 0);
    }
}
