//! Playing a script on the bare connection.

use std::time::Duration;

use crate::stream::{Close, Io, Pause};
use crate::wire::Wire;

/// An endless body stops here, should the client take all of it.
const ENOUGH: usize = 64 << 20;
const CHUNK: usize = 64 << 10;

/// What follows an answer.
#[derive(Clone, Copy)]
pub(crate) enum Next {
    Request,
    Gone,
    Close(Close),
}

/// A body without end, in chunks or behind a huge Content-Length.
pub(crate) enum Tail {
    Chunks,
    Bytes,
}

pub(crate) struct Script {
    /// False: what the client is still sending stays where it is.
    pub(crate) reads: bool,
    pub(crate) delay: Duration,
    /// The time between pieces of so many bytes.
    pub(crate) trickle: Option<(Duration, usize)>,
    /// The bytes to send, cut where the fault cuts.
    pub(crate) wire: Wire,
    pub(crate) tail: Option<Tail>,
    /// Close when no request comes for so long.
    pub(crate) idle: Option<(Duration, Close)>,
    /// `None`: say nothing more until the client leaves.
    pub(crate) end: Option<Next>,
}

pub(crate) async fn deliver(io: &mut Io, mut script: Script) -> Next {
    if !script.delay.is_zero() {
        let pause = if script.reads { io.pause(script.delay, false).await } else { io.stall(Some(script.delay)).await };
        if pause == Pause::Gone {
            return Next::Gone;
        }
    }
    let mut first = true;
    while let Some(piece) = script.wire.next_piece() {
        let sent = match script.trickle {
            Some((time, size)) => trickle(io, &piece, time, size, std::mem::take(&mut first)).await,
            None => io.send(&piece).await,
        };
        if !sent {
            return Next::Gone;
        }
    }
    if let Some(tail) = script.tail {
        endless(io, tail).await;
        return Next::Close(Close::Fin);
    }
    if let Some((time, close)) = script.idle {
        return match io.pause(time, true).await {
            Pause::Over => Next::Close(close),
            Pause::Request => Next::Request,
            Pause::Gone => Next::Gone,
        };
    }
    match script.end {
        Some(next) => next,
        None => {
            if script.reads {
                io.hang().await
            } else {
                io.stall(None).await
            };
            Next::Gone
        }
    }
}

async fn trickle(io: &mut Io, wire: &[u8], time: Duration, size: usize, first: bool) -> bool {
    for (at, bytes) in wire.chunks(size).enumerate() {
        if !(first && at == 0) && io.pause(time, false).await == Pause::Gone {
            return false;
        }
        if !io.send(bytes).await {
            return false;
        }
    }
    true
}

async fn endless(io: &mut Io, tail: Tail) {
    let filler = vec![b'x'; CHUNK];
    let piece = match tail {
        Tail::Bytes => filler,
        Tail::Chunks => [format!("{CHUNK:x}\r\n").as_bytes(), &filler, b"\r\n"].concat(),
    };
    for _ in 0..ENOUGH / CHUNK {
        if !io.send(&piece).await {
            return;
        }
    }
}
