//! Step by step; how it all plays together is in [`simulation`](super::super::simulation).

use super::*;

fn pace() -> (Pace, Instant) {
    let start = Instant::now();
    (Pace::new(start, fastrand::Rng::with_seed(7)), start)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Sends all that it lets go between two moments, and each is taken; how many.
fn sends(pace: &mut Pace, from: Instant, until: Instant) -> u32 {
    let (mut now, mut count) = (from, 0);
    while now < until {
        match pace.admit(now, None, true) {
            Ok(()) => {
                count += 1;
                pace.succeeded(now);
            }
            Err(later) => now = later,
        }
    }
    count
}

#[test]
fn each_client_takes_its_own_spacing_from_the_one_clock() {
    let (mut pace, start) = pace();
    let (fast, slow) = (Some(6150), Some(615));
    assert_eq!(pace.admit(start, fast, false), Ok(()));
    assert_eq!(pace.admit(start, slow, false), Err(start + ms(10)));
    assert_eq!(pace.admit(start + ms(10), slow, true), Ok(()));
    assert_eq!(pace.admit(start + ms(10), fast, false), Err(start + ms(110)));
    // One without a ceiling goes as it likes.
    assert_eq!(pace.admit(start + ms(10), None, false), Ok(()));
    assert!(pace.is_free(start + ms(10)));
}

#[test]
fn a_late_turn_is_made_up_for_and_a_pause_is_not() {
    let (mut pace, start) = pace();
    let ceiling = Some(615);
    assert_eq!(pace.admit(start, ceiling, false), Ok(()));
    assert_eq!(pace.admit(start + ms(140), ceiling, true), Ok(()));
    assert_eq!(pace.ready_at(start + ms(140), ceiling), start + ms(200));
    // Nobody came for a second.
    assert_eq!(pace.admit(start + ms(1200), ceiling, false), Ok(()));
    assert_eq!(pace.ready_at(start + ms(1200), ceiling), start + ms(1300));
}

#[test]
fn at_once_is_believed_once_and_slows_down_all_the_same() {
    let (mut pace, start) = pace();
    assert_eq!(pace.admit(start, None, false), Ok(()));
    let now = start + ms(50);
    pace.throttled(now, Some(Duration::ZERO));
    assert_eq!(pace.admit(now, None, false), Ok(()));
    assert_eq!(pace.admit(now, None, false), Err(now + ALONE));
    pace.throttled(now, Some(Duration::ZERO));
    assert!(pace.ready_at(now, None) >= now + FIRST_PAUSE);
    assert!(pace.rate().is_some());
}

#[test]
fn pauses_double_to_a_bound() {
    let (mut pace, start) = pace();
    let mut now = start;
    (0..1000).for_each(|_| assert_eq!(pace.admit(now, None, false), Ok(())));
    for seconds in [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0] {
        pace.throttled(now, None);
        // Those that were under way change nothing.
        pace.throttled(now, None);
        let ready = pace.ready_at(now, None);
        let pause = (ready - now).as_secs_f64() / seconds;
        assert!((0.75..1.25).contains(&pause), "{pause} of {seconds}");
        assert_eq!(pace.admit(ready, None, true), Ok(()));
        now = ready;
    }
    assert_eq!(pace.admit(now, None, false), Err(now + LONGEST_PAUSE));
}

#[test]
fn a_pause_is_as_long_as_the_service_asks_for() {
    let (mut pace, start) = pace();
    assert_eq!(pace.admit(start, None, false), Ok(()));
    pace.throttled(start, Some(Duration::from_secs(20)));
    let ready = pace.ready_at(start, None) - start;
    assert!(ready >= Duration::from_secs(20) && ready <= Duration::from_secs(22), "{ready:?}");
    // It was under way before.
    pace.throttled(start + ms(1), Some(Duration::from_secs(40)));
    assert_eq!(pace.ready_at(start, None), start + ms(40_001));
    pace.throttled(start + ms(1), Some(Duration::MAX));
    assert_eq!(pace.ready_at(start, None), start + ms(1) + LONGEST_RETRY_AFTER);
    assert!(pace.is_free(start + ms(1) + FORGOTTEN));
}

/// Others use the key up; a client that has sent three requests in the last minute isn't held to three a minute.
#[test]
fn refusals_of_one_that_sends_little_cost_it_seconds() {
    for refusals in [1, 5] {
        let (mut pace, start) = pace();
        let mut now = start;
        for number in 0..2 + refusals {
            now = start + Duration::from_secs(20 * number);
            assert_eq!(pace.admit(now, None, false), Ok(()));
            if number >= 2 {
                pace.throttled(now + ms(50), None);
                now = pace.ready_at(now + ms(50), None);
                assert_eq!(pace.admit(now, None, true), Ok(()));
                assert!(pace.succeeded(now));
            }
        }
        let rate = pace.rate().unwrap_or_default();
        assert!((0.19..0.51).contains(&rate), "{rate}");
        // Then it has a lot to send.
        let sent = sends(&mut pace, now, now + Duration::from_secs(25));
        assert!(sent >= 30, "{sent} after {refusals}");
    }
}
