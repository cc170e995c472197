//! The table of descriptors, to which threads add without a lock.

use super::*;
use crate::transport::sync::schedules::{explore, join, spawn};
use std::fs::File;

fn descriptor() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

/// Whether it stands in its own slot: a child closes it, and the end of another one doesn't.
fn is_in_its_slot(one: &Descriptor) -> bool {
    one.slot.descriptor.load(Ordering::SeqCst) == one.descriptor
}

fn is_empty(table: &'static Descriptors) -> bool {
    let blocks = std::iter::successors(Some(table), |block| block.next.get());
    blocks.flat_map(|block| &block.slots).all(|slot| slot.descriptor.load(Ordering::SeqCst) == EMPTY)
}

#[test]
fn each_descriptor_has_its_own_slot() {
    explore("the table of descriptors", || {
        let table: &'static Descriptors = Box::leak(Box::default());
        let threads = (0..3).map(|_| {
            spawn(move || {
                for _ in 0..2 {
                    let (first, second) = (table.add(descriptor()), table.add(descriptor()));
                    assert!(is_in_its_slot(&first) && is_in_its_slot(&second), "a slot has two descriptors");
                    drop(first);
                    assert!(is_in_its_slot(&second), "a slot was emptied by another's end");
                }
            })
        });
        join(threads);
        assert!(is_empty(table), "something is left in the table");
    });
}

/// The threads find the first block nearly full: the last slot is given once, and one of them makes the next block.
#[test]
fn a_full_block_is_followed_by_another() {
    explore("a table of descriptors that is full", || {
        let table: &'static Descriptors = Box::leak(Box::default());
        let kept: Vec<_> = (0..63).map(|_| table.add(descriptor())).collect();
        let added = join((0..3).map(|_| spawn(move || table.add(descriptor()))));
        assert!(added.iter().chain(&kept).all(is_in_its_slot), "a slot has two descriptors");
        drop((added, kept));
        assert!(is_empty(table), "something is left in the table");
    });
}
