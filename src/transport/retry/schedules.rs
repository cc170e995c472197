//! The retry budget between threads.

use super::*;
use crate::transport::sync::schedules::{exhaust, explore, join, spawn};
use std::sync::Arc;

fn budget(tokens: i32) -> Arc<Budget> {
    Arc::new(Budget(AtomicI32::new(tokens)))
}

#[test]
fn no_token_is_spent_twice() {
    explore("a retry budget that runs out", || {
        let budget = budget(12);
        let threads = (0..4).map(|_| budget.clone()).map(|budget| spawn(move || budget.take(5)));
        let spent = join(threads).into_iter().filter(|taken| *taken).count();
        assert_eq!(spent, 2);
        assert_eq!(budget.0.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn no_success_makes_more_tokens_than_there_are_to_begin_with() {
    exhaust("a retry budget that is nearly full", || {
        let budget = budget(Budget::MOST - 1);
        join((0..2).map(|_| budget.clone()).map(|budget| spawn(move || budget.give_back())));
        assert_eq!(budget.0.load(Ordering::Relaxed), Budget::MOST);
    });
}
