//! What a file holds: kept bytes, or bytes computed from their place, so that big files need no memory.

use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::server::mix;
use crate::sha256::Sha256;

const PIECE: u64 = 64 << 10;

enum Source {
    Kept(Bytes),
    Made {
        seed: u64,
    },
    /// Over and over; twice as much as a piece at least, so that a piece is a slice of it.
    Repeated {
        bytes: Bytes,
        period: u64,
    },
    /// One after another.
    Joined(Vec<Content>),
    /// Too large to be kept: only its length and hash are known.
    NotKept,
}

pub(crate) struct Content {
    source: Source,
    length: u64,
    revision: u64,
    sha256: OnceLock<String>,
}

impl Content {
    pub(crate) fn kept(bytes: Bytes) -> Content {
        let length = bytes.len() as u64;
        Content { source: Source::Kept(bytes), length, revision: 0, sha256: OnceLock::new() }
    }

    pub(crate) fn made(length: u64, seed: u64) -> Content {
        Content { source: Source::Made { seed }, length, revision: 0, sha256: OnceLock::new() }
    }

    /// `part` again and again, up to a length.
    pub(crate) fn repeated(part: &[u8], length: u64) -> Content {
        let period = part.len() as u64;
        let times = PIECE.div_ceil(period) + 1;
        let source = Source::Repeated { bytes: part.repeat(times as usize).into(), period };
        Content { source, length, revision: 0, sha256: OnceLock::new() }
    }

    /// Texts one after another, each so many times.
    pub(crate) fn joined(parts: &[(String, u64)]) -> Content {
        let parts = parts.iter().filter(|(text, times)| !text.is_empty() && *times > 0);
        let parts: Vec<_> =
            parts.map(|(text, times)| Content::repeated(text.as_bytes(), text.len() as u64 * times)).collect();
        let length = parts.iter().map(Content::length).sum();
        Content { source: Source::Joined(parts), length, revision: 0, sha256: OnceLock::new() }
    }

    /// As it was uploaded; without `bytes` it was too large to be kept.
    pub(crate) fn uploaded(bytes: Option<Bytes>, length: u64, sha256: String) -> Content {
        let source = bytes.map_or(Source::NotKept, Source::Kept);
        Content { source, length, revision: 0, sha256: sha256.into() }
    }

    /// Other bytes of the same length.
    pub(crate) fn changed(&self) -> Content {
        let seed = match self.source {
            Source::Made { seed } => mix(seed),
            _ => mix(self.length),
        };
        Content { revision: self.revision + 1, ..Content::made(self.length, seed) }
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Grows with every change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn is_there(&self) -> bool {
        !matches!(self.source, Source::NotKept)
    }

    /// How many bytes of memory it holds.
    pub(crate) fn weight(&self) -> usize {
        if let Source::Kept(bytes) = &self.source { bytes.len() } else { 0 }
    }

    pub(crate) fn etag(&self) -> String {
        match self.source {
            Source::Made { seed } => format!("\"{:016x}-{:x}\"", mix(seed ^ mix(self.length)), self.length),
            // Not the hash of all of it, which may take a while.
            Source::Repeated { ref bytes, period } => {
                let mut hash = Sha256::new();
                hash.update(&bytes[..period as usize]);
                format!("\"{}-{:x}\"", &hash.hex()[..16], self.length)
            }
            _ => format!("\"{}\"", &self.sha256()[..32]),
        }
    }

    pub(crate) fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| {
            let mut hash = Sha256::new();
            let mut at = 0;
            while at < self.length {
                let piece = self.read(at..(at + PIECE).min(self.length));
                at += piece.len() as u64;
                hash.update(&piece);
            }
            hash.hex()
        })
    }

    fn read(&self, range: Range<u64>) -> Bytes {
        match &self.source {
            Source::Kept(bytes) => bytes.slice(range.start as usize..range.end as usize),
            Source::Repeated { bytes, period } => {
                let from = (range.start % period) as usize;
                bytes.slice(from..from + (range.end - range.start) as usize)
            }
            Source::NotKept => Bytes::new(),
            Source::Joined(parts) => {
                let mut bytes = Vec::with_capacity((range.end - range.start) as usize);
                let mut begin = 0;
                for part in parts {
                    let end = begin + part.length;
                    let (from, to) = (range.start.max(begin), range.end.min(end));
                    if from < to {
                        bytes.extend_from_slice(&part.read(from - begin..to - begin));
                    }
                    begin = end;
                }
                bytes.into()
            }
            Source::Made { seed } => {
                let first = range.start / 8;
                let mut bytes = Vec::with_capacity((range.end - range.start) as usize + 16);
                for word in first..range.end.div_ceil(8) {
                    bytes.extend_from_slice(&mix(seed ^ word.wrapping_mul(0xD6E8_FEB8_6659_FD93)).to_le_bytes());
                }
                let from = (range.start - first * 8) as usize;
                Bytes::from(bytes).slice(from..from + (range.end - range.start) as usize)
            }
        }
    }
}

/// A part of a content on its way to the client.
#[derive(Clone)]
pub(crate) struct Slice {
    content: Arc<Content>,
    at: u64,
    end: u64,
}

impl Slice {
    pub(crate) fn new(content: Arc<Content>, range: Range<u64>) -> Slice {
        Slice { content, at: range.start, end: range.end }
    }

    pub(crate) fn whole(content: Content) -> Slice {
        Slice { at: 0, end: content.length, content: Arc::new(content) }
    }

    pub(crate) fn length(&self) -> u64 {
        self.end - self.at
    }

    /// All that is left of it.
    pub(crate) fn bytes(mut self) -> Bytes {
        let mut bytes = Vec::new();
        while let Some(piece) = self.next_piece() {
            bytes.extend_from_slice(&piece);
        }
        bytes.into()
    }

    pub(crate) fn next_piece(&mut self) -> Option<Bytes> {
        if self.at == self.end {
            return None;
        }
        let end = (self.at + PIECE).min(self.end);
        let piece = self.content.read(self.at..end);
        self.at = end;
        Some(piece)
    }
}

impl std::fmt::Debug for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.at, self.end)
    }
}

/// For hyper to deliver.
impl Body for Slice {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::convert::Infallible>>> {
        Poll::Ready(self.next_piece().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.at == self.end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}
