//! How a request travels: settings, the engine that the calling thread drives, deadlines, cancelling, forks.
//!
//! Nothing here knows what a file is. From the outside in: [`client`] makes one call of it all, [`attempt`] is one
//! request and its answer, [`exchange`] drives one of them in turns and [`batch`] many at once, [`engine`] lends the
//! [`driver`]s that do the work.

pub mod attempt;
pub mod batch;
pub mod body;
pub mod cancel;
pub mod client;
pub mod config;
pub mod connect;
pub mod deadline;
pub mod driver;
pub mod engine;
pub mod exchange;
pub mod progress;
pub mod proxy;
pub mod resolve;
pub mod sys;
pub mod tls;
pub mod upload;
