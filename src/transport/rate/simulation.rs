//! A service with a rate limit, and processes that send to it through a [`Pace`] each, in a time of their own.

use super::pace::Pace;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
/// A call gives up when it was refused so often.
const ATTEMPTS: u32 = 4;

/// How the service counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    Sliding,
    Fixed,
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    /// What the service allows.
    a_minute: u32,
    window: Window,
    /// Since when, in milliseconds, its first fixed window runs.
    offset: u64,
    processes: usize,
    /// Calls under way at once, in each process.
    threads: usize,
    /// Of most responses; some take half as long, some half as long again.
    latency: Duration,
    ceiling: Option<u32>,
    /// To be taken, of all processes together.
    requests: u32,
    seed: u64,
}

#[derive(Debug)]
struct Ran {
    took: Duration,
    refused: u32,
    /// Calls that were refused too often.
    failed: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The first in the queue asks whether it may go.
    Ask,
    /// A call joins the queue: it is new, or has waited to go again.
    Join {
        refusals: u32,
    },
    Arrive {
        refusals: u32,
    },
    Response {
        refusals: u32,
        is_taken: bool,
    },
}

struct Process {
    pace: Pace,
    queue: VecDeque<u32>,
}

struct Simulation {
    plan: Plan,
    start: Instant,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64, usize, Event)>>,
    count: u64,
    processes: Vec<Process>,
    taken: VecDeque<Duration>,
    left: u32,
    ran: Ran,
    random: fastrand::Rng,
}

impl Plan {
    fn run(self) -> Ran {
        let start = Instant::now();
        let mut random = fastrand::Rng::with_seed(self.seed);
        let processes =
            (0..self.processes).map(|_| Process { pace: Pace::new(start, random.fork()), queue: VecDeque::new() });
        let mut simulation = Simulation {
            plan: self,
            start,
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            count: 0,
            processes: processes.collect(),
            taken: VecDeque::new(),
            left: self.requests,
            ran: Ran { took: Duration::ZERO, refused: 0, failed: 0 },
            random,
        };
        for process in 0..self.processes {
            for _ in 0..self.threads {
                simulation.new_call(process);
            }
        }
        while let Some(Reverse((at, _, process, event))) = simulation.events.pop() {
            simulation.now = at;
            simulation.happens(process, event);
        }
        simulation.ran
    }
}

impl Simulation {
    fn after(&mut self, wait: Duration, process: usize, event: Event) {
        self.count += 1;
        self.events.push(Reverse((self.now + wait, self.count, process, event)));
    }

    fn new_call(&mut self, process: usize) {
        if self.left > 0 {
            self.left -= 1;
            self.after(Duration::ZERO, process, Event::Join { refusals: 0 });
        }
    }

    fn happens(&mut self, process: usize, event: Event) {
        let now = self.start + self.now;
        match event {
            Event::Ask => self.ask(process, true),
            Event::Join { refusals } => {
                self.processes[process].queue.push_back(refusals);
                if self.processes[process].queue.len() == 1 {
                    self.ask(process, false);
                }
            }
            Event::Arrive { refusals } => {
                let is_taken = self.takes();
                let way = self.way();
                self.after(way, process, Event::Response { refusals, is_taken });
            }
            Event::Response { is_taken: true, .. } => {
                self.ran.took = self.now;
                if self.processes[process].pace.succeeded(now) {
                    self.ask(process, true);
                }
                self.new_call(process);
            }
            Event::Response { refusals, .. } => {
                self.processes[process].pace.throttled(now, None);
                self.ran.refused += 1;
                self.ran.failed += u32::from(refusals + 1 == ATTEMPTS);
                // As `retry` has it.
                let longest = Duration::from_secs(2 << refusals.min(4)).min(Duration::from_secs(30));
                let wait = longest.mul_f64(self.random.f64());
                self.after(wait, process, Event::Join { refusals: refusals + 1 });
            }
        }
    }

    /// Lets those of the queue go that may.
    fn ask(&mut self, process: usize, mut waited: bool) {
        let now = self.start + self.now;
        while let Some(&refusals) = self.processes[process].queue.front() {
            match self.processes[process].pace.admit(now, self.plan.ceiling, waited) {
                Ok(()) => {
                    self.processes[process].queue.pop_front();
                    let way = self.way();
                    self.after(way, process, Event::Arrive { refusals });
                }
                Err(until) => {
                    // A timer is a little late.
                    let late = Duration::from_micros(self.random.u64(0..1500));
                    self.after(until.saturating_duration_since(now) + late, process, Event::Ask);
                    break;
                }
            }
            waited = true;
        }
    }

    /// Of a request or of its response.
    fn way(&mut self) -> Duration {
        self.plan.latency.mul_f64(0.25 + 0.5 * self.random.f64())
    }

    fn takes(&mut self) -> bool {
        let offset = Duration::from_millis(self.plan.offset);
        let window = |at: Duration| (at + offset).as_secs() / MINUTE.as_secs();
        let counts = |at: Duration| match self.plan.window {
            Window::Sliding => self.now < at + MINUTE,
            Window::Fixed => window(at) == window(self.now),
        };
        while self.taken.front().is_some_and(|at| !counts(*at)) {
            self.taken.pop_front();
        }
        let is_taken = (self.taken.len() as u32) < self.plan.a_minute;
        if is_taken {
            self.taken.push_back(self.now);
        }
        is_taken
    }
}

const MINUTES: u32 = 10;

/// Ten minutes' worth of requests, of one process.
fn plan(a_minute: u32, window: Window, threads: usize, latency_ms: u64) -> Plan {
    let (latency, seed) = (Duration::from_millis(latency_ms), u64::from(a_minute) + latency_ms);
    let offset = seed * 7919 % 60_000;
    Plan { a_minute, window, offset, processes: 1, threads, latency, ceiling: None, requests: MINUTES * a_minute, seed }
}

fn plans() -> impl Iterator<Item = Plan> {
    let crowds = [(1, 50), (4, 5), (16, 50), (16, 500), (64, 100)];
    let all =
        [30, 60, 120, 300, 600].into_iter().flat_map(move |rate| crowds.into_iter().map(move |crowd| (rate, crowd)));
    let plans = all.chain([(6000, (16, 50))]).flat_map(|(rate, (threads, latency))| {
        [Window::Sliding, Window::Fixed].map(|window| plan(rate, window, threads, latency))
    });
    // Those that could send more than is allowed.
    plans.filter(|plan| plan.threads as f64 * 60.0 / plan.latency.as_secs_f64() > 1.2 * f64::from(plan.a_minute))
}

impl Plan {
    /// How long it took, measured by as long as it takes to send so many evenly.
    fn ratio(&self, ran: &Ran) -> f64 {
        ran.took.as_secs_f64() / (60.0 * f64::from(self.requests) / f64::from(self.a_minute))
    }
}

#[test]
fn a_ceiling_at_the_limit_is_reached_and_meets_no_refusal() {
    for plan in plans() {
        let plan = Plan { ceiling: Some(plan.a_minute), ..plan };
        let ran = plan.run();
        assert!(plan.ratio(&ran) < 1.03 && ran.refused == 0, "{} {plan:?} {ran:?}", plan.ratio(&ran));
    }
}

#[test]
fn an_unknown_limit_is_found() {
    let mut worst: f64 = 0.0;
    for plan in plans() {
        let ran = plan.run();
        let ratio = plan.ratio(&ran);
        worst = worst.max(ratio);
        assert!(ratio < 1.5, "{ratio} {plan:?} {ran:?}");
        // Those that were under way when the limit was first met, some a minute to find it again, and a few of many.
        let most = plan.threads as u32 + 6 * (MINUTES + 1) + plan.requests / 100;
        assert!(ran.refused <= most, "{plan:?} {ran:?}");
    }
    println!("at worst {worst:.3} of the least time");
}

#[test]
fn a_fresh_start_costs_little() {
    for plan in plans().filter(|plan| plan.a_minute <= 600) {
        for minutes in [2, 3, 5] {
            let plan = Plan { requests: minutes * plan.a_minute, ..plan };
            let ran = plan.run();
            assert!(plan.ratio(&ran) < 1.5, "{} {plan:?} {ran:?}", plan.ratio(&ran));
        }
    }
}

/// As a bulk call sends.
#[test]
fn where_many_take_turns_no_call_is_refused_to_its_end() {
    for plan in plans().filter(|plan| plan.threads == 16 && plan.a_minute <= 600) {
        assert_eq!(plan.run().failed, 0, "{plan:?}");
    }
}

#[test]
fn processes_share_what_there_is() {
    for a_minute in [120, 600, 1200] {
        for (window, latency) in [(Window::Sliding, 5), (Window::Sliding, 500), (Window::Fixed, 50)] {
            let plan = Plan { processes: 4, ..plan(a_minute, window, 16, latency) };
            let ran = plan.run();
            assert!(plan.ratio(&ran) < 1.0 / 0.7, "{} {plan:?} {ran:?}", plan.ratio(&ran));
            assert!(ran.refused <= 4 * (16 + 6 * (MINUTES + 1)) + plan.requests / 50, "{plan:?} {ran:?}");
            let plan = Plan { ceiling: Some(a_minute / 4), ..plan };
            let ran = plan.run();
            assert!(plan.ratio(&ran) < 1.03 && ran.refused == 0, "{} {plan:?} {ran:?}", plan.ratio(&ran));
        }
    }
}
