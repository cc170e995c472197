//! The options of a call that deletes many files.

use super::outcome::Outcome;
use crate::error::Error;
use crate::transport::cancel::Cancel;
use crate::transport::client::{CallKind, CallOptions, Client};
use crate::transport::exchange::Limits;
use crate::transport::progress::Report;
use crate::transport::time_limit::TimeLimit;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileRef<'a> {
    pub file_id: i64,
    /// "": not known, so it is found out.
    pub purpose: &'a str,
}

impl<'a> FileRef<'a> {
    pub fn given_purpose(&self) -> Option<&'a str> {
        Some(self.purpose).filter(|purpose| !purpose.is_empty())
    }
}

/// Outcome callback: called for each file as its outcome is known; `false` stops the run.
pub type OnOutcome<'a> = &'a dyn Fn(&Outcome<'_>) -> bool;

#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Over the whole.
    pub timeout: Option<Duration>,
    /// Timeout of each call.
    pub call_timeout: TimeLimit,
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

/// Over the whole; a call of many files has no time limit unless one is set.
pub fn limits<'a>(client: &Client, name: &'static str, options: &Options<'a>) -> Result<Limits<'a>, Error> {
    let options = CallOptions { timeout: options.timeout.into(), cancel: options.cancel, ..CallOptions::default() };
    client.limits(name, CallKind::Transfer, &options)
}
