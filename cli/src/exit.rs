//! Exit codes. Each stands for something different that a script can do.

use mmx::api::outcome::{Kind, Outcome};
use mmx::error::{Error, Status};
use std::process::ExitCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    /// Some files failed, for different reasons or for one without a code of its own.
    Failed = 1,
    Usage = 2,
    Key = 3,
    RateOrQuota = 4,
    Network = 5,
    Guard = 6,
    /// The outcome of some files is unknown, or they were not attempted.
    Unknown = 7,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

impl Exit {
    /// The code for a failed call.
    pub(crate) fn of(error: &Error) -> Exit {
        if error.ambiguous {
            return Exit::Unknown;
        }
        match error.status {
            Status::Ok => Exit::Done,
            Status::InvalidArgument => Exit::Usage,
            Status::Authentication | Status::Permission => Exit::Key,
            Status::RateLimited | Status::Quota => Exit::RateOrQuota,
            Status::Connect | Status::Network | Status::Timeout => Exit::Network,
            Status::Guard => Exit::Guard,
            Status::Cancelled => Exit::Unknown,
            _ => Exit::Failed,
        }
    }

    /// The code for the outcome of one file.
    pub(crate) fn of_outcome(outcome: &Outcome<'_>) -> Exit {
        match outcome.kind {
            Kind::Deleted | Kind::AlreadyAbsent => Exit::Done,
            // Its backup failed, or it is to be kept.
            Kind::Kept => outcome.error.as_ref().map_or(Exit::Done, Exit::of),
            Kind::Failed => outcome.error.as_ref().map_or(Exit::Failed, Exit::of),
            Kind::Unknown | Kind::NotAttempted => Exit::Unknown,
        }
    }

    /// Combines two codes: unknown wins, equal ones stay, different ones are `Failed`.
    pub(crate) fn and(self, other: Exit) -> Exit {
        match (self, other) {
            (Exit::Done, exit) | (exit, Exit::Done) => exit,
            (Exit::Unknown, _) | (_, Exit::Unknown) => Exit::Unknown,
            (one, other) if one == other => one,
            _ => Exit::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_class() {
        let of = |status| Exit::of(&Error::new(status, "list_files", "why"));
        let classes = [
            (Exit::Usage, &[Status::InvalidArgument][..]),
            (Exit::Key, &[Status::Authentication, Status::Permission]),
            (Exit::RateOrQuota, &[Status::RateLimited, Status::Quota]),
            (Exit::Network, &[Status::Connect, Status::Network, Status::Timeout]),
            (Exit::Guard, &[Status::Guard]),
            (Exit::Unknown, &[Status::Cancelled]),
            (Exit::Failed, &[Status::File, Status::Protocol, Status::Http, Status::Server, Status::NotFound]),
        ];
        for (exit, statuses) in classes {
            assert!(statuses.iter().all(|&status| of(status) == exit), "{exit:?}");
        }
        let lost = Error { ambiguous: true, ..Error::new(Status::Network, "upload_file", "why") };
        assert_eq!(Exit::of(&lost), Exit::Unknown);
    }

    #[test]
    fn several_files_have_one_code() {
        let all = |exits: &[Exit]| exits.iter().fold(Exit::Done, |all, &exit| all.and(exit));
        assert_eq!(all(&[]), Exit::Done);
        assert_eq!(all(&[Exit::Done, Exit::Network, Exit::Done, Exit::Network]), Exit::Network);
        assert_eq!(all(&[Exit::Network, Exit::RateOrQuota]), Exit::Failed);
        assert_eq!(all(&[Exit::Network, Exit::Unknown, Exit::Failed]), Exit::Unknown);
    }
}
