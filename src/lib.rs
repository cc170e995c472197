//! libmmx: the native client for the MiniMax file API, for C, C++, Python and Go.
//!
//! Six layers; each uses only those below it (`tests/architecture.rs` holds them):
//!
//! * [`ffi`]: the C boundary. Converts arguments, makes one call of `api`, hands over the result.
//! * [`api`]: the service. What a request says, how its response reads.
//! * [`ledger`]: the file that knows every upload until it is deleted.
//! * [`transfer`]: calls that move the bytes of a file: upload bodies, sinks, special files.
//! * [`transport`]: how a request travels: drivers, deadlines, cancelling, forks. Knows nothing of files.
//! * [`error`]: what can go wrong, and the status table of the C interface.
//!
//! Users link the shared library and include `mmx.h`, which is generated from `ffi`. The Rust interface exists for our
//! own tests and tools and promises nothing.

#[cfg(not(target_os = "linux"))]
compile_error!("libmmx runs on Linux: it needs eventfd, sigtimedwait and epoll");

pub mod api;
pub mod error;
pub mod ffi;
pub mod ledger;
pub mod transfer;
pub mod transport;
