//! TLS over a stream, by rustls without buffers of its own: records are decrypted where they were received.

use super::socket::{Socket, State};
use hyper::rt::{ReadBuf, ReadBufCursor};
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, InsufficientSizeError};
use rustls::{ClientConfig, Error};
use std::io::{self, ErrorKind, IoSlice};
use std::mem;
use std::sync::Arc;

/// The longest record, with its header.
const RECORD: usize = 16384 + 256 + 5;
/// Read at a time where so much comes.
const READ_AT_ONCE: usize = 64 * 1024;
/// Encrypted at a time.
const WRITE_AT_ONCE: usize = 64 * 1024;
/// Pieces up to here are put together into one record.
const SMALL: usize = 16 * 1024;

#[derive(Debug)]
pub enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream>),
}

impl Stream {
    /// Fails with [`ErrorKind::WouldBlock`] where there is nothing; 0 is the end.
    pub fn receive(&mut self, buffer: &mut ReadBufCursor<'_>) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.receive(buffer),
            Stream::Tls(tls) => tls.receive(buffer),
        }
    }

    /// Takes a part of the buffers; fails with [`ErrorKind::WouldBlock`] where there is no room.
    pub fn send(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.send(buffers),
            Stream::Tls(tls) => tls.send(buffers),
        }
    }

    /// What was taken has left for the kernel.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(_) => Ok(()),
            Stream::Tls(tls) => tls.flush(),
        }
    }

    pub fn state(&self) -> Arc<State> {
        match self {
            Stream::Plain(socket) => socket.state(),
            Stream::Tls(tls) => tls.state(),
        }
    }
}

pub struct TlsStream {
    under: Stream,
    tls: UnbufferedClientConnection,
    incoming: Buffer,
    outgoing: Buffer,
    /// Decrypted, and not handed out yet.
    plaintext: Buffer,
    /// Memory for a record of several small pieces.
    record: Vec<u8>,
    /// The last read filled its room: the next one gets more.
    was_filled: bool,
    is_closed: bool,
}

/// Bytes that are taken at the front and added at the end of memory that is kept.
#[derive(Default)]
struct Buffer {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn filled(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Room for at least `count` bytes at the end.
    fn room(&mut self, count: usize) -> &mut [u8] {
        if self.memory.len() - self.end < count && self.start > 0 {
            self.memory.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.memory.len() - self.end < count {
            self.memory.resize(self.end + count, 0);
        }
        &mut self.memory[self.end..]
    }

    fn add(&mut self, bytes: &[u8]) {
        self.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }
}

impl std::fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TlsStream({:?})", self.under)
    }
}

/// Where the connection stands when there is no more to do without the other end.
enum Standing {
    /// Plaintext came, and more may follow at once.
    Plaintext,
    Handshaking,
    Established,
    /// Established, and the data was encrypted.
    Encrypted,
    Closed,
}

impl TlsStream {
    pub fn new(under: Stream, config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<TlsStream, Error> {
        let tls = UnbufferedClientConnection::new(config, name)?;
        let (incoming, outgoing, plaintext, record, was_filled, is_closed) = Default::default();
        Ok(TlsStream { under, tls, incoming, outgoing, plaintext, record, was_filled, is_closed })
    }

    pub fn state(&self) -> Arc<State> {
        self.under.state()
    }

    /// Goes on with the handshake; fails with [`ErrorKind::WouldBlock`] where the other end is to be waited for.
    pub fn handshake(&mut self) -> io::Result<()> {
        loop {
            let standing = self.advance(None, None);
            let flushed = self.flush();
            match standing? {
                Standing::Handshaking => {
                    flushed?;
                    self.fill()?;
                }
                Standing::Closed => return Err(ErrorKind::UnexpectedEof.into()),
                Standing::Plaintext | Standing::Established | Standing::Encrypted => return flushed,
            }
        }
    }

    pub fn receive(&mut self, buffer: &mut ReadBufCursor<'_>) -> io::Result<usize> {
        let room = buffer.remaining();
        loop {
            if !self.plaintext.is_empty() {
                let count = buffer.remaining().min(self.plaintext.filled().len());
                buffer.put_slice(&self.plaintext.filled()[..count]);
                self.plaintext.consume(count);
            }
            let got = room - buffer.remaining();
            if self.is_closed || buffer.remaining() == 0 {
                return Ok(got);
            }
            match self.advance(Some(buffer), None)? {
                Standing::Plaintext => {}
                Standing::Closed => self.is_closed = true,
                // What came in one go is handed out before more is asked for.
                Standing::Handshaking | Standing::Established | Standing::Encrypted if got > 0 => return Ok(got),
                Standing::Handshaking | Standing::Established | Standing::Encrypted => {
                    // What is asked for beside the data, such as new keys. That it can't be sent is for a write to tell:
                    // what the other end said before it closed is read all the same.
                    let _ = self.flush();
                    self.fill()?;
                }
            }
        }
    }

    pub fn send(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.flush()?;
        let all: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        let mut taken = 0;
        if buffers.len() > 1 && all <= SMALL {
            let mut record = mem::take(&mut self.record);
            record.clear();
            buffers.iter().for_each(|buffer| record.extend_from_slice(buffer));
            let encrypted = self.encrypt(&record);
            self.record = record;
            encrypted?;
            taken = all;
        } else {
            for buffer in buffers {
                let piece = &buffer[..buffer.len().min(WRITE_AT_ONCE - taken)];
                if !piece.is_empty() {
                    self.encrypt(piece)?;
                }
                taken += piece.len();
            }
        }
        match self.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            // What the kernel doesn't take now it takes before anything else.
            _ => Ok(taken),
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            let count = self.under.send(&[IoSlice::new(self.outgoing.filled())])?;
            self.outgoing.consume(count);
        }
        self.under.flush()
    }

    fn encrypt(&mut self, data: &[u8]) -> io::Result<()> {
        loop {
            match self.advance(None, Some(data))? {
                Standing::Encrypted => return Ok(()),
                Standing::Plaintext => {}
                // The other end has nothing more to say, and may listen still.
                Standing::Closed => self.is_closed = true,
                Standing::Handshaking | Standing::Established => return Err(ErrorKind::NotConnected.into()),
            }
        }
    }

    /// Does what can be done with what has come, then encrypts `data`: what is to be sent goes to `outgoing`, plaintext to
    /// `into` or to `plaintext`.
    fn advance(&mut self, mut into: Option<&mut ReadBufCursor<'_>>, data: Option<&[u8]>) -> io::Result<Standing> {
        loop {
            let TlsStream { tls, incoming, outgoing, plaintext, .. } = self;
            let Buffer { memory, start, end } = incoming;
            let status = tls.process_tls_records(&mut memory[*start..*end]);
            let mut discard = status.discard;
            let standing = match status.state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(invalid)?;
                        discard += record.discard;
                        let mut payload = record.payload;
                        if let Some(into) = into.as_mut().filter(|_| plaintext.is_empty()) {
                            let fits = payload.len().min(into.remaining());
                            into.put_slice(&payload[..fits]);
                            payload = &payload[fits..];
                        }
                        plaintext.add(payload);
                    }
                    Some(Standing::Plaintext)
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    let mut room = RECORD;
                    loop {
                        match data.encode(outgoing.room(room)) {
                            Ok(count) => break outgoing.end += count,
                            Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) => {
                                room = required_size;
                            }
                            Err(error) => return Err(io::Error::other(error)),
                        }
                    }
                    None
                }
                // It stands in `outgoing`, which goes out before anything else.
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::WriteTraffic(mut traffic)) => Some(match data {
                    None => Standing::Established,
                    Some(data) => {
                        let mut room = data.len() + 64 * (1 + data.len() / SMALL);
                        loop {
                            match traffic.encrypt(data, outgoing.room(room)) {
                                Ok(count) => break outgoing.end += count,
                                Err(EncryptError::InsufficientSize(InsufficientSizeError { required_size })) => {
                                    room = required_size;
                                }
                                Err(error) => return Err(io::Error::other(error)),
                            }
                        }
                        Standing::Encrypted
                    }
                }),
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => Some(Standing::Closed),
                Ok(_) => Some(Standing::Handshaking),
                Err(error) => {
                    self.incoming.consume(discard);
                    return Err(self.failed(error));
                }
            };
            self.incoming.consume(discard);
            if let Some(standing) = standing {
                return Ok(standing);
            }
        }
    }

    /// Tells the other end why, if that can be done at once.
    fn failed(&mut self, error: Error) -> io::Error {
        let TlsStream { tls, incoming, outgoing, .. } = self;
        let Buffer { memory, start, end } = incoming;
        if let Ok(ConnectionState::EncodeTlsData(mut alert)) = tls.process_tls_records(&mut memory[*start..*end]).state
        {
            outgoing.end += alert.encode(outgoing.room(RECORD)).unwrap_or_default();
        }
        let _ = self.flush();
        invalid(error)
    }

    /// Receives more records.
    fn fill(&mut self) -> io::Result<()> {
        let TlsStream { under, incoming, was_filled, .. } = self;
        let room = incoming.room(if *was_filled { READ_AT_ONCE } else { RECORD });
        let size = room.len();
        let mut buffer = ReadBuf::new(room);
        match under.receive(&mut buffer.unfilled())? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                incoming.end += count;
                *was_filled = count == size;
                Ok(())
            }
        }
    }
}

fn invalid(error: Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}
