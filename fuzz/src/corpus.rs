//! The committed corpus, and mutations of it that are the same in every run.

use fastrand::Rng;
use std::fs;
use std::path::{Path, PathBuf};

/// Longer inputs find nothing that shorter ones don't.
const LONGEST: usize = 64 << 10;

/// Texts at which readers branch.
const WORDS: [&[u8]; 24] = [
    b"\r\n",
    b"\n",
    b"\0",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"null",
    b"-1",
    b"0",
    b"9223372036854775807",
    b"9223372036854775808",
    b"1e999",
    b"\xef\xbb\xbf",
    b"\xff",
    b"%00",
    b"://",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
];

/// Where a target's files are.
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// A target's files, by their names.
pub fn read(target: &str) -> Vec<Vec<u8>> {
    let folder = folder(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a file of the corpus")).collect()
}

/// One of the files, changed at one to four places.
pub fn mutated(corpus: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut bytes = random.choice(corpus).cloned().unwrap_or_default();
    for _ in 0..random.usize(1..=4) {
        let at = random.usize(0..=bytes.len());
        let length = random.usize(0..=(bytes.len() - at).min(16));
        match random.u8(0..8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(0..8),
            1 if at < bytes.len() => bytes[at] = random.u8(..),
            2 => drop(bytes.drain(at..at + length)),
            3 => bytes.truncate(at),
            4 => {
                let copy = bytes[at..at + length].to_vec();
                let to = random.usize(0..=bytes.len());
                bytes.splice(to..to, copy);
            }
            5 => {
                let other = random.choice(corpus).cloned().unwrap_or_default();
                let from = random.usize(0..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                let word = random.choice(WORDS).unwrap_or_default();
                let end = if random.bool() { at + length } else { at };
                bytes.splice(at..end, word.iter().copied());
            }
        }
        bytes.truncate(LONGEST);
    }
    bytes
}
