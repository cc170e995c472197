//! Which of the files that are listed go: conditions, what is kept, and when a file is old.

use super::model::FileObject;
use super::purpose;
use crate::error::Error;
use glob::Pattern;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// All conditions must hold; what is kept is left out of what matches.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// `None`: of every purpose.
    pub purpose: Option<&'a str>,
    pub older_than: Option<Duration>,
    pub min_bytes: Option<i64>,
    pub name_glob: Option<&'a str>,
    pub keep_glob: Option<&'a str>,
    pub keep_ids: &'a [i64],
    /// More than so many: a guard stops it.
    pub max_files: Option<u64>,
    /// The same, of all that are listed.
    pub max_percent: Option<u32>,
    /// Really everything of that purpose.
    pub all: bool,
}

/// Checked, and ready to be asked about file after file.
pub struct Matcher<'a> {
    filter: &'a Filter<'a>,
    name: Option<Pattern>,
    keep: Option<Pattern>,
    keep_ids: HashSet<i64>,
}

impl<'a> Filter<'a> {
    pub fn check(&'a self, call: &'static str) -> Result<Matcher<'a>, Error> {
        if let Some(purpose) = self.purpose {
            purpose::check(call, purpose).map_err(|error| Error { parameter: Some("filter.purpose"), ..error })?;
        }
        let pattern = |glob: Option<&str>, parameter: &'static str| match glob.map(Pattern::new) {
            None => Ok(None),
            Some(Ok(pattern)) => Ok(Some(pattern)),
            Some(Err(error)) => {
                Err(Error::invalid_argument(call, parameter, format!("is no pattern such as \"*.mp3\": {}", error.msg)))
            }
        };
        let name = pattern(self.name_glob, "filter.name_glob")?;
        let keep = pattern(self.keep_glob, "filter.keep_glob")?;
        let has_condition = self.older_than.is_some() || self.min_bytes.is_some() || name.is_some();
        if !has_condition && !self.all {
            let why = "has no condition beside the purpose; set MMX_FILTER_ALL if really every file is meant";
            return Err(Error::invalid_argument(call, "filter", why));
        }
        Ok(Matcher { filter: self, name, keep, keep_ids: self.keep_ids.iter().copied().collect() })
    }

    pub fn to_json(&self) -> Value {
        json!({
            "purpose": self.purpose,
            "older_than_s": self.older_than.map(|age| age.as_secs()),
            "min_bytes": self.min_bytes,
            "name_glob": self.name_glob,
            "keep_glob": self.keep_glob,
            "keep_ids": self.keep_ids.len(),
            "max_files": self.max_files,
            "max_percent": self.max_percent,
            "all": self.all,
        })
    }
}

impl Matcher<'_> {
    pub fn matches(&self, file: &FileObject, now: &Now) -> bool {
        let filter = self.filter;
        filter.purpose.is_none_or(|purpose| file.purpose.is_empty() || file.purpose == purpose)
            && filter.older_than.is_none_or(|age| now.is_older(file.created_at, age))
            && filter.min_bytes.is_none_or(|least| file.bytes >= least)
            && self.name.as_ref().is_none_or(|name| name.matches(&file.filename))
    }

    /// Why a file that matches is kept all the same.
    pub fn keeps(&self, file: &FileObject) -> Option<&'static str> {
        if self.keep_ids.contains(&file.file_id) {
            return Some("keep_ids");
        }
        self.keep.as_ref().is_some_and(|keep| keep.matches(&file.filename)).then_some("keep_glob")
    }

    /// The guard that stops the deletion of `count` files of `listed`.
    pub fn guard(&self, count: usize, listed: usize) -> Option<String> {
        let (count, listed) = (count as u64, listed as u64);
        if let Some(most) = self.filter.max_files.filter(|&most| count > most) {
            return Some(format!("{count} files would be deleted, more than the {most} allowed"));
        }
        let most = self.filter.max_percent.filter(|&most| count * 100 > listed * u64::from(most))?;
        Some(format!("{count} of {listed} files would be deleted, more than the {most} % allowed"))
    }
}

/// Both clocks: a file is old only by the service's and by this machine's.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub of_the_service: SystemTime,
    pub here: SystemTime,
}

impl Now {
    /// By the Date of an answer; without one, this machine's clock is all there is.
    pub fn of(date: Option<SystemTime>) -> Now {
        let here = SystemTime::now();
        Now { of_the_service: date.unwrap_or(here), here }
    }

    /// A time that is missing, 0 or in the future is never old.
    pub fn is_older(&self, created_at: i64, age: Duration) -> bool {
        let Some(created_at) = u64::try_from(created_at).ok().filter(|&seconds| seconds > 0) else { return false };
        let Some(created_at) = UNIX_EPOCH.checked_add(Duration::from_secs(created_at)) else { return false };
        let is_older = |now: SystemTime| now.duration_since(created_at).is_ok_and(|since| since >= age);
        is_older(self.of_the_service) && is_older(self.here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn old_is_what_both_clocks_call_old() {
        let week = Duration::from_secs(604_800);
        let now = Now { of_the_service: at(10_000_000), here: at(10_000_010) };
        assert!(now.is_older(10_000_000 - 604_800, week));
        assert!(!now.is_older(10_000_000 - 604_799, week), "not by the service's clock");
        let slow = Now { of_the_service: at(10_000_000), here: at(9_000_000) };
        assert!(!slow.is_older(9_000_000, week), "not by this machine's clock");
        for never in [0, -1, i64::MIN, i64::MAX, 10_000_011, 20_000_000] {
            assert!(!now.is_older(never, Duration::from_secs(1)), "{never}");
        }
    }

    #[test]
    fn conditions_hold_together_and_what_is_kept_is_kept() {
        let file = |file_id, bytes, filename: &str| FileObject {
            file_id,
            bytes,
            filename: filename.into(),
            purpose: "voice_clone".into(),
            created_at: 1,
            ..FileObject::default()
        };
        let now = Now { of_the_service: at(1000), here: at(1000) };
        let filter = Filter {
            purpose: Some("voice_clone"),
            min_bytes: Some(10),
            name_glob: Some("*.mp3"),
            keep_glob: Some("keep*"),
            keep_ids: &[7],
            ..Filter::default()
        };
        let matcher = filter.check("prune_files").unwrap();
        assert!(matcher.matches(&file(1, 10, "a/b.mp3"), &now));
        assert!(!matcher.matches(&file(1, 9, "a.mp3"), &now) && !matcher.matches(&file(1, 10, "a.wav"), &now));
        let other = FileObject { purpose: "t2a_async".into(), ..file(1, 10, "a.mp3") };
        assert!(!matcher.matches(&other, &now));
        assert_eq!(matcher.keeps(&file(7, 10, "a.mp3")), Some("keep_ids"));
        assert_eq!(matcher.keeps(&file(8, 10, "keep.mp3")), Some("keep_glob"));
        assert_eq!(matcher.keeps(&file(8, 10, "a.mp3")), None);
    }

    #[test]
    fn a_filter_without_a_condition_is_refused_unless_all_is_meant() {
        let refused = |filter: Filter<'_>| filter.check("prune_files").err().map(|error| error.parameter.unwrap());
        assert_eq!(refused(Filter { purpose: Some("t2a_async"), ..Filter::default() }), Some("filter"));
        assert_eq!(refused(Filter { keep_glob: Some("*"), max_files: Some(1), ..Filter::default() }), Some("filter"));
        assert_eq!(refused(Filter { all: true, ..Filter::default() }), None);
        assert_eq!(refused(Filter { name_glob: Some("[a"), ..Filter::default() }), Some("filter.name_glob"));
        assert_eq!(
            refused(Filter { keep_glob: Some("***"), all: true, ..Filter::default() }),
            Some("filter.keep_glob")
        );
        assert_eq!(refused(Filter { purpose: Some("No!"), all: true, ..Filter::default() }), Some("filter.purpose"));
    }

    #[test]
    fn guards_count_what_would_go() {
        let guard = |max_files, max_percent, count, listed| {
            let filter = Filter { all: true, max_files, max_percent, ..Filter::default() };
            filter.check("prune_files").unwrap().guard(count, listed).is_some()
        };
        assert!(!guard(Some(3), None, 3, 3) && guard(Some(3), None, 4, 4));
        assert!(!guard(None, Some(50), 5, 10) && guard(None, Some(50), 6, 10) && !guard(None, Some(50), 0, 0));
        assert!(!guard(None, None, 9, 9));
    }
}
