//! A stand-in for the MiniMax file API on loopback, for tests, demos and benchmarks.
//!
//! It takes what the service takes and refuses what it refuses, or is strict about what it is sent where a test wants
//! that ([`Options::strict`]), and can be told to misbehave in every way a network can: see [`HELP`]. Everything below
//! `/t/NAME` is an account of its own, so tests run side by side.

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
mod purpose;
mod rate;
mod records;
mod rules;
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
