//! The queue: who goes when, and who is woken.

use super::*;
use crate::transport::reactor::Reactor;
use futures_util::future::{Either, join, join_all, select};
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::Wake;
use std::thread;

/// A turn every 10.25 ms.
const FAST: Option<u32> = Some(6000);
/// One a minute.
const ONE: Option<u32> = Some(1);
/// Nothing here takes as long: what was to be woken wasn't.
const TOO_LONG: Duration = Duration::from_secs(60);

fn limiter() -> Arc<Limiter> {
    Arc::default()
}

/// Counts how often it was woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Someone who stands in the queue and is polled by hand.
struct Waiting<'a> {
    turn: Pin<Box<dyn Future<Output = Result<(), Duration>> + 'a>>,
    bell: Arc<Bell>,
}

impl Waiting<'_> {
    fn new<'a>(limiter: &'a Arc<Limiter>, ceiling: Option<u32>, reactor: &'a Rc<Reactor>) -> Waiting<'a> {
        let mut waiting =
            Waiting { turn: Box::pin(limiter.acquire(ceiling, reactor, Deadline::NONE)), bell: Arc::default() };
        assert!(!waiting.goes(), "there was nothing to wait for");
        waiting
    }

    fn goes(&mut self) -> bool {
        let waker = Waker::from(self.bell.clone());
        self.turn.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
    }

    fn was_woken(&self) -> bool {
        self.bell.0.swap(0, Ordering::SeqCst) > 0
    }
}

impl Limiter {
    fn waiting(&self) -> usize {
        self.inner().queue.len()
    }
}

/// In a thread of its own, as a client's thread drives a call; hears of it when it ends.
fn started<T: Send + 'static>(work: impl AsyncFnOnce(Rc<Reactor>) -> T + Send + 'static) -> mpsc::Receiver<T> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let reactor = Reactor::new();
        sender.send(reactor.block_on(work(reactor.clone())))
    });
    receiver
}

#[test]
fn first_come_first_served_on_one_thread() {
    let (limiter, reactor) = (limiter(), Reactor::new());
    let order = Mutex::new(Vec::new());
    let all = (0..40).map(|number| {
        let (limiter, order, reactor) = (&limiter, &order, &reactor);
        async move {
            limiter.acquire(FAST, reactor, Deadline::NONE).await.unwrap();
            order.lock().unwrap().push(number);
        }
    });
    let began = Instant::now();
    reactor.block_on(join_all(all));
    assert!(began.elapsed() >= Duration::from_micros(10_250) * 39);
    assert_eq!(order.into_inner().unwrap(), (0..40).collect::<Vec<_>>());
    assert_eq!(limiter.waiting(), 0);
}

#[test]
fn first_come_first_served_over_threads() {
    let limiter = limiter();
    // One of many goes alone, and the others wait for its result.
    (0..1000).for_each(|_| assert!(limiter.try_acquire(None)));
    limiter.throttled(Some(Duration::ZERO));
    assert!(limiter.try_acquire(None));
    let began = Instant::now();
    let order = Arc::new(Mutex::new(Vec::new()));
    let ended: Vec<_> = (0..12)
        .map(|number| {
            let (theirs, order) = (limiter.clone(), order.clone());
            let ended = started(async move |reactor| {
                theirs.acquire(FAST, &reactor, Deadline::NONE).await.unwrap();
                order.lock().unwrap().push(number);
            });
            while limiter.waiting() <= number && began.elapsed() < pace::ALONE {
                thread::yield_now();
            }
            ended
        })
        .collect();
    limiter.succeeded();
    ended.iter().for_each(|ended| ended.recv_timeout(TOO_LONG).unwrap());
    let order = order.lock().unwrap();
    // A thread that doesn't come in time is passed over: on a machine that is this slow, few may be.
    let passed_over = order.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!(passed_over <= 3, "{order:?}");
}

#[test]
fn threads_wake_each_other() {
    let limiter = limiter();
    let began = Instant::now();
    let ended: Vec<_> = (0..8)
        .map(|number| {
            let limiter = limiter.clone();
            // The clients have different ceilings.
            let ceiling = Some(if number % 2 == 0 { 30_000 } else { 60_000 });
            started(async move |reactor| {
                for _ in 0..25 {
                    limiter.acquire(ceiling, &reactor, Deadline::NONE).await.unwrap();
                }
            })
        })
        .collect();
    ended.iter().for_each(|ended| ended.recv_timeout(TOO_LONG).unwrap());
    // A hundred of each, all on one clock; the last one's spacing is for whoever comes next.
    let least = Duration::from_micros(100 * 2050 + 100 * 1025 - 2050);
    assert!(began.elapsed() >= least, "{:?}", began.elapsed());
    assert_eq!(limiter.waiting(), 0);
}

#[test]
fn a_single_call_does_not_wait_behind_a_whole_bulk() {
    let (limiter, reactor) = (limiter(), Reactor::new());
    let turns = AtomicUsize::new(0);
    let is_over = AtomicUsize::new(0);
    // A bulk call with eight under way, each of which begins another one as it ends.
    let bulk = (0..8).map(|_| async {
        while is_over.load(Ordering::SeqCst) == 0 {
            limiter.acquire(FAST, &reactor, Deadline::NONE).await.unwrap();
            turns.fetch_add(1, Ordering::SeqCst);
        }
    });
    let single = async {
        for _ in 0..5 {
            let before = turns.load(Ordering::SeqCst);
            limiter.acquire(FAST, &reactor, Deadline::NONE).await.unwrap();
            let others = turns.load(Ordering::SeqCst) - before;
            assert!(others <= 8, "{others} went before");
        }
        is_over.store(1, Ordering::SeqCst);
    };
    reactor.block_on(join(join_all(bulk), single));
}

#[test]
fn who_leaves_the_queue_wakes_the_next_one_alone() {
    let (limiter, reactor) = (limiter(), Reactor::new());
    assert!(limiter.try_acquire(ONE));
    let (first, second) = (Waiting::new(&limiter, ONE, &reactor), Waiting::new(&limiter, ONE, &reactor));
    let (third, last) = (Waiting::new(&limiter, ONE, &reactor), Waiting::new(&limiter, ONE, &reactor));
    drop(third);
    assert!(!first.was_woken() && !second.was_woken() && !last.was_woken());
    drop(first);
    assert!(second.was_woken() && !last.was_woken());
    drop(last);
    assert!(!second.was_woken());
    assert_eq!(limiter.waiting(), 1);
    drop(second);
    // A place that was given up costs nothing: the next turn is as far away as before.
    assert_eq!(limiter.waiting(), 0);
    assert!(!limiter.try_acquire(ONE));
}

#[test]
fn a_place_that_is_given_up_after_its_turn_was_called_is_not_lost() {
    let (limiter, reactor) = (limiter(), Reactor::new());
    assert!(limiter.try_acquire(FAST));
    let (first, second, mut third) = {
        (
            Waiting::new(&limiter, FAST, &reactor),
            Waiting::new(&limiter, FAST, &reactor),
            Waiting::new(&limiter, FAST, &reactor),
        )
    };
    drop(first);
    assert!(second.was_woken());
    // It doesn't come, it leaves.
    drop(second);
    assert!(third.was_woken());
    reactor.block_on(poll_fn(|cx| third.turn.as_mut().poll(cx))).unwrap();
    assert_eq!(limiter.waiting(), 0);
}

#[test]
fn a_deadline_ends_the_wait_and_gives_the_place_up() {
    let limiter = limiter();
    assert!(limiter.try_acquire(ONE));
    let reactor = Reactor::new();
    let over = Box::pin(reactor.sleep(Duration::from_millis(20)));
    let ended = reactor.block_on(select(Box::pin(limiter.acquire(ONE, &reactor, Deadline::NONE)), over));
    assert!(matches!(ended, Either::Right(_)));
    drop(ended);
    assert_eq!(limiter.waiting(), 0);
}

#[test]
fn a_turn_that_can_not_come_in_time_is_told_at_once() {
    let (limiter, reactor) = (limiter(), Reactor::new());
    let within = |seconds| Deadline::after(Some(Duration::from_secs(seconds)));
    limiter.throttled(Some(Duration::from_secs(7)));
    let wait = reactor.block_on(limiter.acquire(None, &reactor, within(6))).unwrap_err();
    assert!(wait > Duration::from_secs(6) && wait < Duration::from_secs(8), "{wait:?}");
}

#[test]
fn who_does_not_come_is_passed_over_and_keeps_its_place() {
    let (limiter, reactor) = (limiter(), Reactor::new());
    assert!(limiter.try_acquire(FAST));
    let (mut away, mut second, mut third) = {
        (
            Waiting::new(&limiter, FAST, &reactor),
            Waiting::new(&limiter, FAST, &reactor),
            Waiting::new(&limiter, FAST, &reactor),
        )
    };
    let began = Instant::now();
    reactor.block_on(poll_fn(|cx| second.turn.as_mut().poll(cx))).unwrap();
    assert!(began.elapsed() >= PATIENCE);
    // Back again, it goes at once: its place is before that of the third, and the turns that nobody took are not lost.
    assert!(away.goes());
    assert!(third.was_woken() && limiter.waiting() == 1);
    assert!(third.goes());
}

#[test]
fn whoever_waits_for_one_that_goes_alone_is_woken_by_its_answer() {
    let (limiter, reactor) = (limiter(), Reactor::new());
    assert!(limiter.try_acquire(None));
    limiter.throttled(Some(Duration::ZERO));
    assert!(limiter.try_acquire(None), "the service says that it may come at once");
    let waiting = Waiting::new(&limiter, None, &reactor);
    limiter.succeeded();
    assert!(waiting.was_woken());
    assert!(limiter.rate().is_some_and(|rate| rate <= 60.0), "it goes slower: {:?}", limiter.rate());
}

#[test]
fn what_an_outcome_says_of_the_rate() {
    let error = |status, http_status| Error { http_status, ..Error::new(status, "x", "") };
    let limiter = limiter();
    limiter.try_acquire(None);
    for outcome in [error(Status::Network, 0), error(Status::Server, 500), error(Status::Quota, 200)] {
        limiter.record(Err(&outcome));
        limiter.record(Ok(()));
        assert_eq!(limiter.rate(), None);
    }
    limiter.record(Err(&Error { retry_after: Some(Duration::ZERO), ..error(Status::RateLimited, 200) }));
    assert!(limiter.rate().is_some());
    assert!(limiter.try_acquire(None));
    // No response is no sign that the trouble is over; a refusal for another reason is.
    limiter.record(Err(&error(Status::Network, 0)));
    assert!(limiter.inner().pace.ready_at(Instant::now(), None) > Instant::now());
    limiter.record(Err(&error(Status::InvalidRequest, 200)));
    limiter.inner().pace.succeeded(Instant::now());
    assert!(!limiter.is_blank());
}
