//! Files that say what is deleted: journals, plans and lists of ids of the command, and the ledger.

use crate::error::CommandError;
use crate::ids::read;
use crate::journal::Journal;
use crate::plan_file::PlanFile;
use crate::{check, ids};
use mmx::api::bulk::Options;
use mmx::api::{keep, sweep};
use mmx::error::Status;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What the command's sources need of its arguments.
pub(crate) mod args {
    #[derive(Clone, Copy, PartialEq, Eq)]
    #[allow(dead_code)]
    pub(crate) enum Json {
        Lines,
        Array,
    }
}

/// What they need of an account.
pub(crate) mod account {
    pub(crate) struct Account {
        pub(crate) client: mmx::transport::client::Client,
    }
}

const KEY: &str = "sk-fuzz-ledger";
/// Nothing listens there.
const CLOSED: &str = "http://127.0.0.1:9";

/// A file of this content in a folder of the thread's own, in memory where that can be had.
fn with_file(content: &[u8], run: impl FnOnce(&Path)) {
    thread_local!(static FOLDER: TempDir = {
        let memory = Path::new("/dev/shm");
        let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        made.expect("a folder")
    });
    let path: PathBuf = FOLDER.with(|folder| folder.path().join("inner"));
    DirBuilder::new().mode(0o700).create(&path).expect("a folder");
    let file = path.join("file");
    fs::write(&file, content).expect("a file");
    run(&file);
    fs::remove_dir_all(&path).expect("the folder goes");
}

fn usage(error: &CommandError) {
    assert!(matches!(error, CommandError::Usage(_)), "{error:?}");
    let text = error.text().unwrap_or_default();
    assert!(text.contains("nothing was sent") || text.contains("Name another one"), "{text}");
    check::json(&error.json().unwrap_or_default().to_string());
}

pub(crate) fn journal(content: &[u8]) {
    with_file(content, |path| {
        let opened = Journal::open(path);
        match opened {
            Err(error) => usage(&error),
            Ok((_, past)) => {
                // A journal that is a whole first line and more belongs to a run, whose files it has.
                let has_line = content.contains(&b'\n');
                assert_eq!(past.is_some(), has_line, "{}", String::from_utf8_lossy(content));
            }
        }
        assert_eq!(fs::read(path).expect("the journal"), content, "reading a journal changed it");
    });
}

pub(crate) fn plan(content: &[u8]) {
    with_file(content, |path| match PlanFile::read(path) {
        Err(error) => usage(&error),
        Ok(plan) => {
            let files = plan.files();
            assert!(files.iter().all(|file| file.file_id > 0 && ids::check_purpose(&file.purpose).is_ok()));
            assert_eq!(fs::read(path).expect("the plan"), content, "reading a plan changed it");
        }
    });
}

pub(crate) fn ids(content: &[u8]) {
    for purpose in [None, Some("voice_clone")] {
        match read(content, "standard input", purpose) {
            Err(error) => usage(&error),
            Ok(files) => {
                let lines = content.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
                // Spaces of other scripts count as spaces, too.
                assert!(files.len() <= lines.count(), "{}", String::from_utf8_lossy(content));
                for file in files {
                    assert!(file.file_id > 0);
                    assert!(file.purpose.is_empty() || ids::check_purpose(&file.purpose).is_ok(), "{file:?}");
                    assert!(purpose.is_none() || !file.purpose.is_empty(), "{file:?}");
                }
            }
        }
    }
}

/// A ledger as others may have left it: read, swept where nobody answers, and written to.
pub(crate) fn ledger(content: &[u8]) {
    with_file(content, |path| {
        let client = check::client(CLOSED, KEY, |config| config.set_ledger(&path.to_string_lossy()));
        for dry_run in [true, false] {
            let swept = sweep::sweep(&client, &Options { dry_run, ..Options::default() });
            if let Some(json) = &swept.json {
                check::json(json);
            }
            assert_eq!(swept.counts.deleted, 0, "deleted where nobody answers: {:?}", swept.json);
            match &swept.result {
                Ok(()) => {}
                Err(error) => check::error(error, KEY),
            }
            let is_refused = swept.result.as_ref().is_err_and(|error| error.status == Status::File);
            if dry_run || is_refused {
                assert_eq!(fs::read(path).expect("the ledger"), content, "a ledger was changed");
            }
        }
        let before = fs::read(path).expect("the ledger");
        let kept = keep::keep(&client, 1);
        let after = fs::read(path).expect("the ledger");
        match kept {
            Err(error) => {
                check::error(&error, KEY);
                assert_eq!(after, before, "a ledger that can't be read was changed");
            }
            Ok(()) => {
                let text = String::from_utf8(after).expect("a ledger is UTF-8");
                assert!(text.ends_with('\n') && text.lines().count() > 1, "{text}");
                text.lines().for_each(check::json);
            }
        }
    });
}
