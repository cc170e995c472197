//! Threads that ask for the same name.

use super::*;
use crate::transport::sync::schedules::{explore, join, passed, spawn};

/// One lookup serves all who wait, whoever of them gives up, and while others say that its addresses failed.
#[test]
fn each_who_asks_for_a_name_gets_an_answer() {
    explore("lookups of a name", || {
        let resolver = DnsResolver::default();
        let mut threads: Vec<_> = (0..3)
            .map(|number| {
                let resolver = resolver.clone();
                spawn(move || {
                    let reactor = Reactor::new();
                    if number == 0 {
                        drop(resolver.look_up("localhost".into()));
                    }
                    let found = reactor.block_on(resolver.addresses("localhost", 1, &reactor)).unwrap();
                    assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
                })
            })
            .collect();
        let failing = resolver.clone();
        threads.push(spawn(move || failing.failed("localhost", &[])));
        join(threads);
        assert_eq!(passed(), Duration::ZERO);
        assert!(!matches!(resolver.state().names.get("localhost"), Some(Entry::Asking(_))), "somebody is left to tell");
    });
}
