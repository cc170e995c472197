//! Runs a test under many schedules of its threads, with a clock and waits that need no real time.
//!
//! shuttle runs the threads of a test in turns on one thread of the system, so that none of them may block there. The
//! reactor's `poll` and `EventFd` are those of this file: a thread that waits lets the others go on, and the clock moves
//! only when all threads wait. A wake-up that is lost shows: its thread goes on at the end of its timeout, that late.

use shuttle::sync::atomic::AtomicBool;
use shuttle::{Config, Runner, scheduler, thread};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Debug builds, and a lookup of a name, need more than shuttle's own default.
const STACK: usize = 512 * 1024;
/// A schedule that is longer doesn't end.
const MOST_STEPS: usize = 200_000;
/// The bug depth of PCT (probabilistic concurrency testing).
const DEPTH: usize = 3;
const SEED: u64 = 20_261_129;

#[derive(Default)]
struct Simulation {
    now: Duration,
    /// Threads of the test that don't wait here.
    running: usize,
    waits: Vec<Wait>,
    last_wait: u64,
    /// Whether each event is readable.
    events: Vec<bool>,
}

struct Wait {
    number: u64,
    events: Vec<usize>,
    until: Option<Duration>,
    is_over: bool,
    waker: Option<Waker>,
}

thread_local! {
    static SIMULATION: RefCell<Simulation> = RefCell::default();
}

/// No thread of the test is switched to meanwhile.
fn with<R>(f: impl FnOnce(&mut Simulation) -> R) -> R {
    SIMULATION.with_borrow_mut(f)
}

impl Simulation {
    fn end_waits(&mut self, are_over: impl Fn(&Wait) -> bool) {
        for wait in self.waits.iter_mut().filter(|wait| !wait.is_over) {
            if are_over(wait) {
                wait.is_over = true;
                self.running += 1;
                wait.waker.take().inspect(Waker::wake_by_ref);
            }
        }
    }

    fn move_clock_to(&mut self, at: Duration) {
        self.now = self.now.max(at);
        let now = self.now;
        self.end_waits(|wait| wait.until.is_some_and(|until| until <= now));
    }

    /// A thread waits or has ended: if it was the last one, time passes. Where nobody waits for a moment, shuttle
    /// reports the deadlock.
    fn stops_running(&mut self) {
        self.running -= 1;
        if self.running == 0
            && let Some(until) = self.waits.iter().filter_map(|wait| wait.until).min()
        {
            self.move_clock_to(until);
        }
    }
}

/// The moment at which each schedule begins.
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

pub fn now() -> Instant {
    start() + with(|state| state.now)
}

/// How much time has passed in this schedule.
pub fn passed() -> Duration {
    with(|state| state.now)
}

/// A thread is slow here: a random time passes, of at most so many milliseconds.
pub fn delay(at_most_ms: u64) {
    use shuttle::rand::Rng as _;
    let time = Duration::from_millis(shuttle::rand::thread_rng().gen_range(0..=at_most_ms));
    with(|state| {
        let at = state.now + time;
        state.move_clock_to(at);
    });
    thread::yield_now();
}

/// An event that is known to this file's `poll` alone.
#[derive(Debug)]
pub struct EventFd {
    number: usize,
    /// Other threads may go on before it is used.
    switch: AtomicBool,
}

/// Far above the descriptors of the system.
const FIRST_EVENT: RawFd = 1 << 30;

impl EventFd {
    pub fn new() -> io::Result<EventFd> {
        let switch = AtomicBool::new(false);
        switch.load(Ordering::SeqCst);
        with(|state| state.events.push(false));
        Ok(EventFd { number: with(|state| state.events.len()) - 1, switch })
    }

    pub fn notify(&self) {
        self.switch.store(true, Ordering::SeqCst);
        with(|state| {
            state.events[self.number] = true;
            state.end_waits(|wait| wait.events.contains(&self.number));
        });
    }

    pub fn clear(&self) {
        self.switch.store(false, Ordering::SeqCst);
        with(|state| state.events[self.number] = false);
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        FIRST_EVENT + self.number as RawFd
    }
}

/// Waits until one of the events is readable or the time is over.
pub fn poll(descriptors: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<bool> {
    let events: Vec<_> = descriptors.iter().map(|descriptor| (descriptor.fd - FIRST_EVENT) as usize).collect();
    let is_ready = |state: &Simulation| events.iter().any(|event| state.events[*event]);
    thread::yield_now();
    let number = with(|state| {
        if is_ready(state) || timeout.is_some_and(|timeout| timeout.is_zero()) {
            return None;
        }
        state.last_wait += 1;
        let (number, until) = (state.last_wait, timeout.map(|timeout| state.now + timeout));
        state.waits.push(Wait { number, events: events.clone(), until, is_over: false, waker: None });
        state.stops_running();
        Some(number)
    });
    if let Some(number) = number {
        shuttle::future::block_on(poll_fn(|cx| {
            with(|state| {
                let at = state
                    .waits
                    .iter()
                    .position(|wait| wait.number == number)
                    .expect("it stands there until it is over");
                if state.waits[at].is_over {
                    state.waits.swap_remove(at);
                    return Poll::Ready(());
                }
                state.waits[at].waker = Some(cx.waker().clone());
                Poll::Pending
            })
        }));
    }
    for (descriptor, event) in descriptors.iter_mut().zip(&events) {
        descriptor.revents = if with(|state| state.events[*event]) { libc::POLLIN } else { 0 };
    }
    Ok(false)
}

/// A thread of the test.
pub struct Started<T>(thread::JoinHandle<T>);

struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        with(Simulation::stops_running);
    }
}

/// Starts a thread that may wait; the clock stands still as long as it doesn't.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Started<T> {
    with(|state| state.running += 1);
    Started(thread::spawn(move || {
        let _running = Running;
        work()
    }))
}

/// Waits for all of them, in real as in modelled time.
pub fn join<T: 'static>(all: impl IntoIterator<Item = Started<T>>) -> Vec<T> {
    let all: Vec<_> = all.into_iter().collect();
    with(Simulation::stops_running);
    let results = all.into_iter().map(|started| started.0.join().expect("a thread of the test has panicked")).collect();
    with(|state| state.running += 1);
    results
}

/// How many schedules of each kind are tried: `make schedules SCHEDULES=…`.
fn wanted() -> usize {
    std::env::var("MMX_TEST_SCHEDULES").map_or(1000, |number| number.parse().expect("MMX_TEST_SCHEDULES is no number"))
}

fn run(scheduler: impl scheduler::Scheduler + 'static, test: &'static (impl Fn() + Send + Sync + 'static)) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = shuttle::MaxSteps::FailAfter(MOST_STEPS);
    // The page on reliability says it once.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(move || {
        with(|state| *state = Simulation { running: 1, ..Simulation::default() });
        test();
    })
}

fn report(name: &str, schedules: usize, which: &str) {
    static TOTAL: AtomicUsize = AtomicUsize::new(0);
    let total = TOTAL.fetch_add(schedules, Ordering::Relaxed) + schedules;
    println!("{name}: {schedules} schedules, {which}; {total} in total");
}

/// Runs a test under random schedules and under those of PCT; the same ones each time, unless SHUTTLE_RANDOM_SEED says
/// others. A schedule that fails is printed for `shuttle::replay`.
pub fn explore(name: &str, test: impl Fn() + Send + Sync + 'static) {
    let test: &'static _ = Box::leak(Box::new(test));
    let random = run(scheduler::RandomScheduler::new_from_seed(SEED, wanted()), test);
    let pct = run(scheduler::PctScheduler::new_from_seed(SEED, DEPTH, wanted()), test);
    report(name, random + pct, "half of them random, half by PCT");
}

/// Runs a small test under every schedule there is.
pub fn exhaust(name: &str, test: impl Fn() + Send + Sync + 'static) {
    let most = 200_000;
    let all = run(scheduler::DfsScheduler::new(Some(most), false), Box::leak(Box::new(test)));
    assert!(all < most, "{name} has more than {most} schedules: make it smaller");
    report(name, all, "all there are");
}
