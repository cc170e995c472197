//! The options of a call that deletes many files.

use super::outcome::Outcome;
use crate::transport::cancel::Cancel;
use crate::transport::progress::Report;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileRef<'a> {
    pub file_id: i64,
    pub purpose: &'a str,
}

/// Told of each file as it settles; `false` stops.
pub type OnOutcome<'a> = &'a dyn Fn(&Outcome<'_>) -> bool;

#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Over the whole.
    pub timeout: Option<Duration>,
    /// Of each call; `None`: as the client has it, `Some(None)`: no limit.
    pub call_timeout: Option<Option<Duration>>,
    pub max_attempts: Option<u32>,
    /// `None`: the default.
    pub concurrency: Option<u32>,
    pub dry_run: bool,
    pub verify: bool,
    /// By an earlier run: verified, too.
    pub deleted_before: &'a [FileRef<'a>],
    /// An earlier run may have deleted some: each is looked for before it is sent.
    pub lookup_first: bool,
    pub cancel: Option<&'a Cancel>,
    pub progress: Option<Report<'a>>,
    pub on_outcome: Option<OnOutcome<'a>>,
}
