//! How a request travels: settings, the engine that the calling thread drives, deadlines, cancelling, forks.
//!
//! Nothing here knows what a file is. From the outside in: a [`client`] has the settings; [`drive`] makes one call of it
//! and [`concurrent_calls`] many at once; [`attempts`] is a call over all its attempts, which [`retry`] and [`rate`] govern;
//! [`attempt`] is one request and its response, which [`exchange`] drives in turns where callbacks run in between; a
//! [`reactor`] drives all of it on the calling thread, over connections of a [`pool`], which [`connect`] makes.

pub mod api_key;
pub mod attempt;
pub mod attempts;
pub mod body;
pub mod call_info;
pub mod call_policy;
pub mod call_state;
pub mod cancel;
pub mod client;
pub mod concurrent_calls;
pub mod config;
pub mod connect;
pub mod connect_error;
pub mod deadline;
pub mod drive;
pub mod effect;
pub mod error;
pub mod events;
pub mod exchange;

pub mod http_client;
pub mod http_stream;
mod idle_timer;
pub mod interrupt;
mod link;
pub mod log;
pub mod no_proxy;
pub mod pool;
pub mod process;
pub mod progress;
pub mod proxy;
pub mod proxy_page;
pub mod rate;
pub mod reactor;
pub mod request;
pub mod resolve;
pub mod response;
pub mod retry;
pub mod route;
pub mod secrets;
pub mod setting;
pub mod socket;
pub mod stream;
pub mod sync;
pub mod sys;
pub mod time_limit;
pub mod tls;
pub mod urls;
