//! Which of the files that are listed go: conditions, what is kept, and when a file is old.

use super::pattern::{Pattern, normal};
use crate::api::purpose;
use crate::api::response::model::FileObject;
use crate::error::Error;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// All conditions must hold; what is kept is left out of what matches.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// `None`: of every purpose.
    pub purpose: Option<&'a str>,
    pub older_than: Option<Duration>,
    pub min_bytes: Option<i64>,
    pub name_glob: Option<&'a str>,
    pub keep_globs: Vec<&'a str>,
    /// Exact names.
    pub keep_names: Vec<&'a str>,
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
    keep_globs: Vec<Pattern>,
    keep_names: HashSet<Cow<'a, str>>,
    keep_ids: HashSet<i64>,
}

/// The number of files that a pattern, a name or an id keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep<'a> {
    pub rule: KeepRule<'a>,
    /// Files that match the filter and are kept by it.
    pub kept: usize,
    /// Listed files to which it applies.
    pub listed: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepRule<'a> {
    Glob(&'a str),
    Name(&'a str),
    Id(i64),
}

impl<'a> Filter<'a> {
    pub fn check(&'a self, call: &'static str) -> Result<Matcher<'a>, Error> {
        if let Some(purpose) = self.purpose {
            purpose::check(call, "filter.purpose", purpose)?;
        }
        let pattern = |glob: &str, parameter: &'static str| {
            let wrong =
                |why| Error::invalid_argument(call, parameter, format!("is no pattern such as \"*.mp3\": {why}"));
            Pattern::new(glob).map_err(wrong)
        };
        let name = self.name_glob.map(|glob| pattern(glob, "filter.name_glob")).transpose()?;
        let keep_globs = self.keep_globs.iter().map(|glob| pattern(glob, "filter.keep_glob"));
        let keep_globs = keep_globs.collect::<Result<_, _>>()?;
        if self.keep_names.contains(&"") {
            return Err(Error::invalid_argument(call, "filter.keep_names", "has an empty name"));
        }
        let has_condition = self.older_than.is_some() || self.min_bytes.is_some() || name.is_some();
        if !has_condition && !self.all {
            let why = "has no condition beside the purpose; set MMX_FILTER_ALL if really every file is meant";
            return Err(Error::invalid_argument(call, "filter", why));
        }
        let keep_names = self.keep_names.iter().map(|name| normal(name)).collect();
        Ok(Matcher { filter: self, name, keep_globs, keep_names, keep_ids: self.keep_ids.iter().copied().collect() })
    }

    pub fn to_json(&self) -> Value {
        json!({
            "purpose": self.purpose,
            "older_than_s": self.older_than.map(|age| age.as_secs()),
            "min_bytes": self.min_bytes,
            "name_glob": self.name_glob,
            "keep_glob": self.keep_globs.first(),
            "keep_globs": self.keep_globs,
            "keep_names": self.keep_names,
            "keep_ids": self.keep_ids.len(),
            "max_files": self.max_files,
            "max_percent": self.max_percent,
            "all": self.all,
        })
    }
}

impl<'a> Matcher<'a> {
    pub fn matches(&self, file: &FileObject, now: &Now) -> bool {
        let filter = self.filter;
        filter.purpose.is_none_or(|purpose| file.purpose.is_empty() || file.purpose == purpose)
            && filter.older_than.is_none_or(|age| now.is_older(file.created_at, age))
            && filter.min_bytes.is_none_or(|least| file.bytes >= least)
            && self.name.as_ref().is_none_or(|name| name.matches(&file.filename))
    }

    /// Whether a condition is about names: a file whose name isn't known can't be judged then.
    pub fn asks_for_names(&self) -> bool {
        self.name.is_some() || !self.keep_globs.is_empty() || !self.keep_names.is_empty()
    }

    /// Why a file that matches is kept all the same.
    pub fn kept_by(&self, file: &FileObject) -> Option<&'static str> {
        if self.keep_ids.contains(&file.file_id) {
            return Some("keep_ids");
        }
        if self.keep_names.contains(&normal(&file.filename)) {
            return Some("keep_name");
        }
        self.keep_globs.iter().any(|keep| keep.matches(&file.filename)).then_some("keep_glob")
    }

    /// Counts what each pattern, name and id keeps of the listed files, which come with whether they match. A file
    /// that two of them keep counts for both.
    pub fn keeps<'f>(&self, files: impl Iterator<Item = (&'f FileObject, bool)>) -> Vec<Keep<'a>> {
        let filter = self.filter;
        let globs = filter.keep_globs.iter().map(|glob| KeepRule::Glob(glob));
        let names = filter.keep_names.iter().map(|name| KeepRule::Name(name));
        let mut seen = HashSet::new();
        let ids = filter.keep_ids.iter().filter(|id| seen.insert(**id)).map(|id| KeepRule::Id(*id));
        let rules = globs.chain(names).chain(ids);
        let mut keeps: Vec<_> = rules.map(|rule| Keep { rule, kept: 0, listed: 0 }).collect();
        let (globs, names) = (self.keep_globs.len(), filter.keep_names.len());
        let at = keeps.iter().enumerate().filter_map(|(at, keep)| match keep.rule {
            KeepRule::Id(id) => Some((id, at)),
            _ => None,
        });
        let at: HashMap<_, _> = at.collect();
        let own_names: Vec<_> = filter.keep_names.iter().map(|name| normal(name)).collect();
        for (file, matches) in files {
            let mut count = |at: usize| {
                keeps[at].listed += 1;
                keeps[at].kept += usize::from(matches);
            };
            if globs + names > 0 {
                let name = normal(&file.filename);
                (0..globs).filter(|&at| self.keep_globs[at].matches(&name)).for_each(&mut count);
                (0..names).filter(|&at| own_names[at] == name).map(|at| globs + at).for_each(&mut count);
            }
            at.get(&file.file_id).copied().into_iter().for_each(&mut count);
        }
        keeps
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
    /// By the Date of a response; without one, this machine's clock is all there is.
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
            keep_globs: vec!["keep*"],
            keep_names: vec!["take[1].mp3"],
            keep_ids: &[7],
            ..Filter::default()
        };
        let matcher = filter.check("prune_files").unwrap();
        assert!(matcher.matches(&file(1, 10, "a/b.mp3"), &now));
        assert!(!matcher.matches(&file(1, 9, "a.mp3"), &now) && !matcher.matches(&file(1, 10, "a.wav"), &now));
        let other = FileObject { purpose: "t2a_async".into(), ..file(1, 10, "a.mp3") };
        assert!(!matcher.matches(&other, &now));
        assert_eq!(matcher.kept_by(&file(7, 10, "a.mp3")), Some("keep_ids"));
        assert_eq!(matcher.kept_by(&file(8, 10, "keep.mp3")), Some("keep_glob"));
        assert_eq!(matcher.kept_by(&file(8, 10, "take[1].mp3")), Some("keep_name"));
        assert_eq!(matcher.kept_by(&file(8, 10, "take1.mp3")), None);
        assert_eq!(matcher.kept_by(&file(8, 10, "a.mp3")), None);
    }

    #[test]
    fn a_filter_without_a_condition_is_refused_unless_all_is_meant() {
        let refused = |filter: Filter<'_>| filter.check("prune_files").err().map(|error| error.parameter.unwrap());
        assert_eq!(refused(Filter { purpose: Some("t2a_async"), ..Filter::default() }), Some("filter"));
        assert_eq!(refused(Filter { keep_globs: vec!["*"], max_files: Some(1), ..Filter::default() }), Some("filter"));
        assert_eq!(refused(Filter { all: true, ..Filter::default() }), None);
        assert_eq!(refused(Filter { name_glob: Some("[a"), ..Filter::default() }), Some("filter.name_glob"));
        assert_eq!(
            refused(Filter { keep_globs: vec!["***"], all: true, ..Filter::default() }),
            Some("filter.keep_glob")
        );
        let keeps_nothing = Filter { keep_globs: vec!["a", ""], all: true, ..Filter::default() };
        assert_eq!(refused(keeps_nothing), Some("filter.keep_glob"));
        assert_eq!(refused(Filter { keep_names: vec![""], all: true, ..Filter::default() }), Some("filter.keep_names"));
        assert_eq!(refused(Filter { name_glob: Some(""), ..Filter::default() }), Some("filter.name_glob"));
        assert_eq!(refused(Filter { purpose: Some("No!"), all: true, ..Filter::default() }), Some("filter.purpose"));
    }

    #[test]
    fn what_each_keeps_is_counted() {
        let file = |file_id, filename: &str| FileObject { file_id, filename: filename.into(), ..FileObject::default() };
        let filter = Filter {
            keep_globs: vec!["a*", "take[1]"],
            keep_names: vec!["a1", "Mu\u{308}ller"],
            keep_ids: &[1, 42, 1],
            all: true,
            ..Filter::default()
        };
        let matcher = filter.check("prune_files").unwrap();
        let files = [(file(1, "a1"), true), (file(2, "a2"), false), (file(3, "M\u{fc}ller"), true)];
        let keeps = matcher.keeps(files.iter().map(|(file, matches)| (file, *matches)));
        let keep = |rule, kept, listed| Keep { rule, kept, listed };
        let wanted = [
            keep(KeepRule::Glob("a*"), 1, 2),
            keep(KeepRule::Glob("take[1]"), 0, 0),
            keep(KeepRule::Name("a1"), 1, 1),
            keep(KeepRule::Name("Mu\u{308}ller"), 1, 1),
            keep(KeepRule::Id(1), 1, 1),
            keep(KeepRule::Id(42), 0, 0),
        ];
        assert_eq!(keeps, wanted);
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
