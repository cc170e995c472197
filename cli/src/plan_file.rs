//! A plan in a file: what `prune --plan` has chosen, for people to look at and for `prune --apply` to delete.

use crate::account::Account;
use crate::ids::check_purpose;
use crate::stop::Stop;
use mmx::api::model::FileObject;
use mmx::error::{Error, Status, one_line};
use serde::Deserialize;
use serde_json::Value;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use tempfile::NamedTempFile;

const VERSION: u64 = 1;

/// What of a plan counts when it is applied.
#[derive(Deserialize)]
pub(crate) struct PlanFile {
    host: String,
    key_fingerprint: String,
    pub(crate) made_at_ms: i64,
    filter: PlanFilter,
    files: Vec<Planned>,
}

#[derive(Deserialize)]
struct PlanFilter {
    purpose: Option<String>,
}

#[derive(Deserialize)]
struct Planned {
    file_id: i64,
    purpose: String,
    filename: String,
    bytes: i64,
    created_at: i64,
    /// Why it is kept.
    kept: Option<String>,
}

impl PlanFile {
    pub(crate) fn read(path: &Path) -> Result<PlanFile, Stop> {
        let usage = |why: String| Stop::Usage(format!("the plan {} {why}; nothing was sent", path.display()));
        let json = fs::read(path).map_err(|error| usage(format!("can't be read: {error}")))?;
        let json: Value = serde_json::from_slice(&json).map_err(|error| usage(format!("is no JSON: {error}")))?;
        match json["version"].as_u64() {
            Some(VERSION) => {}
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

    /// Files of another account may have the same ids.
    pub(crate) fn check(&self, account: &Account, path: &Path) -> Result<(), Stop> {
        let whose = if self.host != account.client.host() {
            format!("another account, of {}", one_line(&self.host))
        } else if self.key_fingerprint != account.client.key_fingerprint() {
            "another key's account".into()
        } else {
            return Ok(());
        };
        Err(Stop::Usage(format!("the plan {} is of {whose}; nothing was sent", path.display())))
    }

    /// What was listed when it was made.
    pub(crate) fn purpose(&self) -> Option<&str> {
        self.filter.purpose.as_deref()
    }

    fn chosen(&self) -> impl Iterator<Item = &Planned> {
        self.files.iter().filter(|file| file.kept.is_none())
    }

    /// As they were listed.
    pub(crate) fn files(&self) -> Vec<FileObject> {
        let as_listed = |file: &Planned| FileObject {
            file_id: file.file_id,
            bytes: file.bytes,
            created_at: file.created_at,
            filename: file.filename.clone(),
            purpose: file.purpose.clone(),
            ..FileObject::default()
        };
        self.chosen().map(as_listed).collect()
    }
}

/// Writes it whole or not at all. It names files, so that it is for its owner alone.
pub(crate) fn write(path: &Path, plan: &Value) -> Result<(), Stop> {
    let write = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(io::BufWriter::new(&mut file), plan)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error: io::Error| {
        Error::new(Status::File, "plan", format!("{} can't be written: {error}", path.display())).into()
    })
}
