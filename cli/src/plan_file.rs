//! Plan files: written by `prune --plan`, applied by `prune --apply`.

use crate::account::Account;
use crate::error::CommandError;
use crate::escape;
use crate::ids::check_purpose;
use crate::output::Output;
use mmx::api::model::FileObject;
use mmx::api::results::{PLAN_VERSION, PlannedFile};
use mmx::error::{Error, Status, one_line};
use rustix::fs::fstat;
use rustix::stdio::{stderr, stdout};
use serde::Deserialize;
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The part of a plan that is read when it is applied.
#[derive(Deserialize)]
pub(crate) struct PlanFile {
    host: String,
    key_fingerprint: String,
    pub(crate) made_at_ms: i64,
    filter: PlanFilter,
    files: Vec<PlannedFile>,
}

#[derive(Deserialize)]
struct PlanFilter {
    purpose: Option<String>,
}

impl PlanFile {
    pub(crate) fn read(path: &Path) -> Result<PlanFile, CommandError> {
        let usage = |why: String| CommandError::Usage(format!("the plan {} {why}; nothing was sent", path.display()));
        let json = fs::read(path).map_err(|error| usage(format!("can't be read: {error}")))?;
        let json: Value = serde_json::from_slice(&json).map_err(|error| usage(format!("is no JSON: {error}")))?;
        match json["version"].as_u64() {
            Some(PLAN_VERSION) => {}
            Some(other) => return Err(usage(format!("is of version {other}, which this mmx-files can't read"))),
            None => return Err(usage("is no plan".into())),
        }
        let plan: PlanFile = serde_json::from_value(json)
            .map_err(|error| usage(format!("is no plan: {}", one_line(&error.to_string()))))?;
        let wrong = plan.chosen().find(|file| file.file_id < 1 || check_purpose(&file.purpose).is_err());
        match wrong {
            None => Ok(plan),
            Some(file) => Err(usage(format!("has a file without a right id and purpose: {}", file.file_id))),
        }
    }

    /// Fails if the plan is of another account, where files may have the same ids.
    pub(crate) fn check(&self, account: &Account, path: &Path) -> Result<(), CommandError> {
        let whose = if self.host != account.client.host() {
            format!("another account, of {}", one_line(&self.host))
        } else if self.key_fingerprint != account.client.key_fingerprint() {
            "another key's account".into()
        } else {
            return Ok(());
        };
        Err(CommandError::Usage(format!("the plan {} is of {whose}; nothing was sent", path.display())))
    }

    /// The purpose that was listed for the plan.
    pub(crate) fn purpose(&self) -> Option<&str> {
        self.filter.purpose.as_deref()
    }

    fn chosen(&self) -> impl Iterator<Item = &PlannedFile> {
        self.files.iter().filter(|file| file.kept.is_none())
    }

    /// The files to delete, as they were listed.
    pub(crate) fn files(&self) -> Vec<FileObject> {
        self.chosen().cloned().map(PlannedFile::listed).collect()
    }
}

/// The target of `--plan`.
pub(crate) enum Target {
    Output,
    ErrorOutput,
    /// A device or a FIFO, which can't be replaced.
    Straight(PathBuf),
    File(PathBuf),
}

impl Target {
    /// The target of `-` or of a path, with links resolved.
    pub(crate) fn of(path: &Path) -> Result<Target, CommandError> {
        if path == Path::new("-") {
            return Ok(Target::Output);
        }
        let target = match fs::metadata(path) {
            Ok(there) if is_the_same(&there, stdout()) => Ok(Target::Output),
            Ok(there) if is_the_same(&there, stderr()) => Ok(Target::ErrorOutput),
            Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(there) if there.is_file() => fs::canonicalize(path).map(Target::File),
            Ok(_) => Ok(Target::Straight(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => behind_links(path).map(Target::File),
            Err(error) => Err(error),
        };
        target.map_err(|error| unwritable(path, &error))
    }

    /// Writes the plan. A file is replaced atomically, and only its owner can read it.
    pub(crate) fn write(&self, plan: &Value, output: &Output) -> Result<(), CommandError> {
        match self {
            Target::Output => output.print(&escape::json(&plan.to_string())),
            Target::ErrorOutput => {
                output.say(&escape::json(&plan.to_string()));
                Ok(())
            }
            Target::Straight(path) => {
                let open = || OpenOptions::new().write(true).open(path);
                open().and_then(|mut file| pretty(&mut file, plan)).map_err(|error| unwritable(path, &error))
            }
            Target::File(path) => {
                let write = || {
                    let mut file = NamedTempFile::new_in(folder(path))?;
                    pretty(&mut file, plan)?;
                    file.as_file().sync_all()?;
                    file.persist(path)?;
                    Ok(())
                };
                write().map_err(|error: io::Error| unwritable(path, &error))
            }
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> CommandError {
    Error::new(Status::File, "plan", format!("{} can't be written: {error}", path.display())).into()
}

fn pretty(to: &mut impl Write, plan: &Value) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    serde_json::to_writer_pretty(&mut to, plan)?;
    to.write_all(b"\n")?;
    to.flush()
}

/// Whether the file is the target of a stream, for example of `/dev/stdout`.
fn is_the_same(file: &fs::Metadata, stream: BorrowedFd<'_>) -> bool {
    fstat(stream).is_ok_and(|stream| (stream.st_dev, stream.st_ino) == (file.dev(), file.ino()))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The target of a link that doesn't exist yet. The kernel has followed the link before, so it is allowed.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    while let Ok(target) = fs::read_link(&path) {
        path = folder(&path).join(target);
    }
    Ok(path)
}
