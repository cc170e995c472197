//! A timeout as callers set it.

use std::time::Duration;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeLimit {
    /// As it is configured elsewhere, or the default.
    #[default]
    Default,
    /// No limit.
    None,
    After(Duration),
}

impl TimeLimit {
    /// The limit, or `default` where none was chosen.
    pub fn or(self, default: Option<Duration>) -> Option<Duration> {
        match self {
            TimeLimit::Default => default,
            TimeLimit::None => None,
            TimeLimit::After(limit) => Some(limit),
        }
    }

    /// This choice, or `other` where none was made.
    pub fn or_else(self, other: TimeLimit) -> TimeLimit {
        if self == TimeLimit::Default { other } else { self }
    }
}

/// A choice that was made: `None` is no limit.
impl From<Option<Duration>> for TimeLimit {
    fn from(limit: Option<Duration>) -> TimeLimit {
        limit.map_or(TimeLimit::None, TimeLimit::After)
    }
}
