//! The slot between a caller and a connection: each byte once and in order, whichever of them is first at each step.

use super::*;
use crate::transport::sync::schedules::{exhaust, explore};
use http_body::Body as _;
use shuttle::future::block_on;
use shuttle::thread;
use std::future::poll_fn;

/// Gives all chunks when they are asked for, as a call does.
fn give(sender: &BodySender, chunks: &[&'static str], is_marked: bool) {
    for (at, chunk) in chunks.iter().enumerate() {
        block_on(poll_fn(|cx| sender.poll_wants_data(cx)));
        sender.put(Bytes::from_static(chunk.as_bytes()), is_marked && at + 1 == chunks.len());
    }
}

/// The next chunk, as a connection takes it; `None` is the end.
fn take(body: &mut RequestBody) -> Option<Bytes> {
    let frame = block_on(poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)));
    frame.map(|frame| frame.unwrap_or_else(|never| match never {}).into_data().expect("there are no trailers"))
}

/// Takes up to the end.
fn take_all(body: &mut RequestBody) -> Vec<u8> {
    let mut taken = Vec::new();
    while let Some(chunk) = take(body) {
        taken.extend_from_slice(&chunk);
    }
    taken
}

fn passes(length: Option<u64>, chunks: &'static [&'static str], is_marked: bool) {
    let sender = BodySender::streamed(length);
    let mut body = sender.body();
    let connection = thread::spawn(move || {
        let taken = take_all(&mut body);
        assert!(body.is_end_stream());
        taken
    });
    give(&sender, chunks, is_marked);
    assert_eq!(connection.join().unwrap(), chunks.concat().into_bytes());
    assert_eq!(sender.body_sent(), BodySent::All);
}

#[test]
fn a_body_of_known_length_passes_whole() {
    exhaust("a body of one chunk", || passes(Some(1), &["a"], false));
    explore("a body of known length", || passes(Some(9), &["abc", "de", "", "fgh", "i"], false));
}

#[test]
fn a_body_of_unknown_length_ends_with_its_last_chunk() {
    exhaust("a body of unknown length", || passes(None, &["a"], true));
    explore("a body of unknown length in many chunks", || passes(None, &["a", "bc", "", "def"], true));
    explore("a body whose last chunk is empty", || passes(None, &["a", ""], true));
}

/// The caller gives up in the middle: whatever was taken, the connection never takes that for the end.
#[test]
fn a_body_that_breaks_off_has_no_end() {
    fn breaks_off(length: Option<u64>) {
        let sender = BodySender::streamed(length);
        let mut body = sender.body();
        let connection = thread::spawn(move || {
            let first = take(&mut body).expect("there is a chunk");
            let waker = Waker::noop();
            let next = Pin::new(&mut body).poll_frame(&mut Context::from_waker(waker));
            assert!(next.is_pending() && !body.is_end_stream(), "what broke off has ended");
            assert_eq!(first, "ab");
        });
        give(&sender, &["ab"], false);
        connection.join().unwrap();
        assert_eq!(sender.body_sent(), BodySent::Partial);
    }
    exhaust("a body of known length that breaks off", || breaks_off(Some(3)));
    exhaust("a body of unknown length that breaks off", || breaks_off(None));
}

/// The response comes while the connection takes the body: the caller is asked for nothing more, and what it gave until
/// then was taken at most once.
#[test]
fn a_response_ends_the_wish_for_data() {
    exhaust("a response that comes early", || {
        let sender = BodySender::streamed(None);
        let (mut body, closing) = (sender.body(), sender.clone());
        let connection = thread::spawn(move || {
            let waker = Waker::noop();
            let mut frames = (0..3).map(|_| Pin::new(&mut body).poll_frame(&mut Context::from_waker(waker)));
            let taken = frames.by_ref().filter(Poll::is_ready).count();
            closing.close();
            taken
        });
        let is_wanted =
            |sender: &BodySender| sender.poll_wants_data(&mut Context::from_waker(Waker::noop())).is_ready();
        let mut given = 0;
        for _ in 0..2 {
            if is_wanted(&sender) {
                sender.put(Bytes::from_static(b"a"), false);
                given += 1;
            }
        }
        let taken = connection.join().unwrap();
        assert!(taken <= given, "{taken} of {given} chunks were taken");
        assert!(!is_wanted(&sender), "data is wanted after the response");
        assert_eq!(sender.body_sent(), BodySent::Partial);
    });
}

/// A body that is all there, which another attempt sends again.
#[test]
fn a_whole_body_is_taken_once() {
    exhaust("a whole body", || {
        let sender = BodySender::whole(Bytes::from_static(b"abc"));
        let mut body = sender.body();
        let connection = thread::spawn(move || take_all(&mut body));
        let before = sender.body_sent();
        assert_eq!(connection.join().unwrap(), b"abc");
        assert!(before <= sender.body_sent() && sender.body_sent() == BodySent::All);
    });
}
