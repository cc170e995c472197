//! The bytes of an answer, made as they are sent.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::content::Slice;

pub(crate) struct Wire {
    ready: VecDeque<Bytes>,
    body: Option<Slice>,
    chunked: bool,
    /// What the fault lets through.
    left: usize,
}

impl Wire {
    pub(crate) fn new(head: Vec<u8>, body: Option<Slice>, chunked: bool, limit: Option<usize>) -> Wire {
        Wire { ready: [Bytes::from(head)].into(), body, chunked, left: limit.unwrap_or(usize::MAX) }
    }

    pub(crate) fn nothing() -> Wire {
        Wire::new(Vec::new(), None, false, None)
    }

    pub(crate) fn next_piece(&mut self) -> Option<Bytes> {
        while self.ready.is_empty() {
            let Some(piece) = self.body.as_mut()?.next_piece() else {
                self.body = None;
                if self.chunked {
                    self.ready.push_back(Bytes::from_static(b"0\r\n\r\n"));
                }
                continue;
            };
            if self.chunked {
                let framed = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
                self.ready.push_back(framed.into());
            } else {
                self.ready.push_back(piece);
            }
        }
        let mut piece = self.ready.pop_front().filter(|_| self.left > 0)?;
        piece.truncate(self.left);
        self.left -= piece.len();
        Some(piece)
    }
}
