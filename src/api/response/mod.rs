//! Responses of the API: the envelope that all have in common, codes, headers, and the file objects in them.

pub mod codes;
pub mod contents;
pub mod envelope;
pub mod excerpt;
pub mod headers;
pub mod listing;
pub mod mended;
pub mod model;
mod scalar;
mod verdict;
