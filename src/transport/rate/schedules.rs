//! Threads that ask for turns, give up and are refused. The clock moves only when all of them wait, so that each turn's
//! moment is known exactly: one that comes later was lost in between.

use super::*;
use crate::transport::setting::Key;
use crate::transport::sync::schedules::{delay, explore, join, passed, spawn};
use futures_util::future::{Either, select};
use shuttle::rand::Rng as _;
use url::Url;

/// A turn every 10.25 ms.
const FAST: Option<u32> = Some(6000);
const SPACING: Duration = Duration::from_micros(10_250);
/// Ten times slower.
const SLOW: Option<u32> = Some(600);

/// The same in each schedule.
fn limiter() -> Arc<Limiter> {
    Arc::new(Limiter::drawing_from(fastrand::Rng::with_seed(1)))
}

fn random(below: u64) -> u64 {
    shuttle::rand::thread_rng().gen_range(0..below)
}

fn waiting(limiter: &Limiter) -> usize {
    limiter.inner().queue.len()
}

/// Who got a turn, and when, in that order.
#[derive(Clone, Default)]
struct Turns(Arc<std::sync::Mutex<Vec<(Duration, usize)>>>);

impl Turns {
    fn came(&self, thread: usize) {
        self.0.lock().unwrap().push((passed(), thread));
    }

    fn all(&self) -> Vec<(Duration, usize)> {
        self.0.lock().unwrap().clone()
    }
}

/// Runs `work` of each thread with a reactor of its own.
fn threads(count: usize, work: impl AsyncFn(usize, &Rc<Reactor>) + Clone + Send + 'static) {
    let all = (0..count).map(|thread| {
        let work = work.clone();
        spawn(move || {
            let reactor = Reactor::new();
            reactor.block_on(work(thread, &reactor));
        })
    });
    join(all.collect::<Vec<_>>());
}

#[test]
fn turns_come_exactly_as_fast_as_they_may() {
    explore("turns of a rate limiter", || {
        let (limiter, turns) = (limiter(), Turns::default());
        let (theirs, came) = (limiter.clone(), turns.clone());
        threads(3, async move |thread, reactor| {
            for _ in 0..3 {
                theirs.acquire(FAST, reactor, Deadline::NONE).await.unwrap();
                came.came(thread);
            }
        });
        let moments: Vec<_> = turns.all().iter().map(|(at, _)| *at).collect();
        let expected: Vec<_> = (0..9).map(|turn| SPACING * turn).collect();
        assert_eq!(moments, expected);
        assert_eq!(waiting(&limiter), 0);
    });
}

/// A thread's place in the queue is known from outside where it comes to wait at a moment of its own.
#[test]
fn first_come_first_served() {
    explore("the order of a rate limiter", || {
        let (limiter, turns) = (limiter(), Turns::default());
        let (theirs, came) = (limiter.clone(), turns.clone());
        assert!(limiter.try_acquire(FAST));
        threads(4, async move |thread, reactor| {
            reactor.sleep(Duration::from_millis(2 * thread as u64)).await;
            theirs.acquire(FAST, reactor, Deadline::NONE).await.unwrap();
            came.came(thread);
        });
        let expected: Vec<_> = (0..4).map(|thread| (SPACING * (thread as u32 + 1), thread)).collect();
        assert_eq!(turns.all(), expected);
    });
}

#[test]
fn a_turn_that_is_given_up_is_the_next_ones() {
    explore("waits for a turn that are given up", || {
        let (limiter, turns) = (limiter(), Turns::default());
        let (theirs, came) = (limiter.clone(), turns.clone());
        threads(4, async move |thread, reactor| {
            // The first two have no patience: that ends with a turn, between two, or before any.
            let patience = [0, 10_250, 15_000, 20_500][random(4) as usize];
            let over = reactor.sleep(Duration::from_micros(if thread < 2 { patience } else { 1_000_000 }));
            let turn = theirs.acquire(FAST, reactor, Deadline::NONE);
            if let Either::Left((turn, _)) = select(Box::pin(turn), Box::pin(over)).await {
                turn.unwrap();
                came.came(thread);
            }
        });
        let moments: Vec<_> = turns.all().iter().map(|(at, _)| *at).collect();
        let expected: Vec<_> = (0..moments.len() as u32).map(|turn| SPACING * turn).collect();
        assert!(moments.len() >= 2);
        assert_eq!(moments, expected);
        assert_eq!(waiting(&limiter), 0);
    });
}

/// The service asks for a pause of a second. Then one request goes alone, and the others as soon as it is taken.
#[test]
fn after_a_refusal_all_pause_and_one_goes_alone() {
    const PAUSE: Duration = Duration::from_secs(1);
    const ANSWER: Duration = Duration::from_millis(50);
    explore("refusals of a service", || {
        let (limiter, turns) = (limiter(), Turns::default());
        let (theirs, came) = (limiter.clone(), turns.clone());
        // Ten of them a second, so that the limit that is found lets one go every 0.2 s.
        (0..10).for_each(|_| assert!(limiter.try_acquire(None)));
        threads(4, async move |thread, reactor| {
            if thread == 0 {
                return theirs.throttled(Some(PAUSE));
            }
            // Those that wait are in the queue before the pause is over.
            reactor.sleep(Duration::from_millis(thread as u64)).await;
            theirs.acquire(None, reactor, Deadline::NONE).await.unwrap();
            came.came(thread);
            reactor.sleep(ANSWER).await;
            theirs.succeeded();
        });
        let turns = turns.all();
        let alone = turns[0].0;
        assert!(alone >= PAUSE && alone <= PAUSE.mul_f64(1.1), "{turns:?}");
        assert_eq!(turns.iter().map(|(_, thread)| *thread).collect::<Vec<_>>(), [1, 2, 3], "{turns:?}");
        let spacing = Duration::from_millis(200);
        for (turn, (at, _)) in turns.iter().enumerate().skip(1) {
            let latest = alone + spacing * turn as u32 + ANSWER;
            assert!(*at >= alone + ANSWER && *at <= latest, "{turns:?}: not all were woken by the first's success");
        }
    });
}

/// Whoever finds that the pause ends after its deadline doesn't wait for it, and leaves no place behind.
#[test]
fn a_pause_beyond_the_deadline_is_told_at_once() {
    explore("a pause beyond deadlines", || {
        let limiter = limiter();
        let theirs = limiter.clone();
        threads(3, async move |thread, reactor| {
            if thread == 0 {
                return theirs.throttled(Some(Duration::from_secs(7)));
            }
            let deadline = Deadline::after(Some(Duration::from_secs(6)));
            // The pause may begin before or after.
            if let Err(wait) = theirs.acquire(None, reactor, deadline).await {
                assert!(wait > Duration::from_secs(6) && wait < Duration::from_secs(8), "{wait:?}");
            }
        });
        assert_eq!((waiting(&limiter), passed()), (0, Duration::ZERO));
    });
}

/// Threads that are late at any step, by more than they are waited for: each still gets its turns, and no more of them
/// go than the rate allows, but for the quarter of a second that is made up for.
#[test]
fn slow_threads_get_their_turns_and_none_before_its_time() {
    explore("slow threads at a rate limiter", || {
        let (limiter, turns) = (limiter(), Turns::default());
        let (theirs, came) = (limiter.clone(), turns.clone());
        threads(4, async move |thread, reactor| {
            for _ in 0..2 {
                delay([0, 0, 50, 400][random(4) as usize]);
                let over = reactor.sleep(Duration::from_millis([50, 300, 10_000][random(3) as usize]));
                let turn = theirs.acquire(SLOW, reactor, Deadline::NONE);
                if let Either::Left(_) = select(Box::pin(turn), Box::pin(over)).await {
                    came.came(thread);
                }
                match random(8) {
                    0 => theirs.throttled(Some(Duration::from_millis(random(300)))),
                    1 => {}
                    _ => theirs.succeeded(),
                }
            }
        });
        let turns = turns.all();
        let least = (SPACING * 10 * (turns.len() as u32).saturating_sub(1)).saturating_sub(Duration::from_millis(250));
        assert!(turns.last().is_none_or(|(at, _)| *at >= least), "{turns:?}");
        assert_eq!(waiting(&limiter), 0);
    });
}

/// A key's limiter is the same one for all who use it at a time, also while others are dropped.
#[test]
fn a_key_has_one_limiter() {
    explore("the limiters of a process", || {
        let limiters = Arc::new(Limiters::default());
        let account =
            |key: usize| Account::new(&Key(key.to_string().into()), &Url::parse("http://localhost/").unwrap());
        let in_use: Arc<std::sync::Mutex<[Vec<Arc<Limiter>>; 2]>> = Arc::default();
        let all = (0..4).map(|thread| {
            let (limiters, in_use) = (limiters.clone(), in_use.clone());
            spawn(move || {
                for round in 0..2 {
                    let key = (thread + round) % 2;
                    let limiter = limiters.get(&account(key));
                    let mut held = in_use.lock().unwrap();
                    assert!(held[key].iter().all(|other| Arc::ptr_eq(other, &limiter)), "a key has two limiters");
                    held[key].push(limiter);
                    drop(held);
                    delay(0);
                    let given_back = in_use.lock().unwrap()[key].pop();
                    drop(given_back);
                }
            })
        });
        join(all.collect::<Vec<_>>());
    });
}
