//! Calls that move a file's bytes: attempts in turns, the upload's body, sources, sinks and special files.
//!
//! [`run`] is such a call over all its attempts, [`upload_body`] a request whose body is read from a source, [`sink`]
//! where a download's bytes go; [`local_file`] has special files, [`wait`] their waits.

pub mod file_system;
pub mod local_file;
pub mod run;
pub mod sink;
pub mod upload_body;
pub mod wait;
