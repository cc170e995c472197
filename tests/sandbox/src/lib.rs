//! A stand-in for the MiniMax file API on loopback, for tests, demos and benchmarks.
//!
//! It answers as the service does, is strict about what it is sent, and can be told to misbehave in every way a
//! network can: see [`HELP`]. Everything below `/t/NAME` is an account of its own, so tests run side by side.

mod account;
mod answer;
mod api;
mod certificates;
mod connection;
mod content;
mod control;
mod deliver;
mod fault;
mod file;
mod journal;
mod link;
mod listen;
mod multipart;
mod plan;
mod proxy;
mod rate;
mod records;
mod sandbox;
mod server;
mod sha256;
mod shape;
mod stream;
mod wait;
mod wire;

pub use account::{API_KEY, seeded_files};
pub use control::HELP;
pub use sandbox::{Options, Sandbox};
