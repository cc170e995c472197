//! What the programs of the benchmark share: where things are, the contestants in C, the stand-in server.

pub mod build;
pub mod stand_in;

/// What can go wrong is said to a person and ends the run.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
