//! Downloads to files that are named by their ids, since the service's name must not determine where a file is written.
//! The extension is added afterwards, when the media type is known.

use crate::context::Context;
use crate::error::CommandError;
use crate::media_type;
use crate::table;
use mmx::api::download::{FILE, download_file, download_to_keep};
use mmx::error::Error;
use mmx::transport::client::{CallKind, CallOptions, Client};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use tempfile::TempPath;

/// A directory of such files.
pub(crate) struct IdFiles {
    /// Empty for the current directory; otherwise it ends with a slash.
    directory: String,
    /// The names that were there at the start, by the part before the first dot.
    names: HashMap<String, String>,
    /// Whether existing files may be overwritten.
    force: bool,
}

impl IdFiles {
    pub(crate) fn here(force: bool) -> IdFiles {
        IdFiles { directory: String::new(), names: names(Path::new(".")).unwrap_or_default(), force }
    }

    /// In a directory, which is created if it isn't there.
    pub(crate) fn of(directory: &Path, force: bool) -> Result<IdFiles, CommandError> {
        let path = directory.display();
        let Some(text) = directory.to_str() else {
            return Err(CommandError::Usage(format!("the path {path} is not UTF-8; nothing was sent")));
        };
        let names = fs::create_dir_all(directory).and_then(|()| names(directory));
        let names = names.map_err(|error| {
            CommandError::Usage(format!("the directory {path} can't be used: {error}; nothing was sent"))
        })?;
        let slash = if text.ends_with('/') { "" } else { "/" };
        Ok(IdFiles { directory: format!("{text}{slash}"), names, force })
    }

    /// The path of a file that was there at the start, is named by the id, with any extension, and may not be
    /// overwritten.
    pub(crate) fn in_the_way(&self, id: i64) -> Option<String> {
        let name = self.names.get(&id.to_string()).filter(|_| !self.force)?;
        Some(format!("{}{name}", self.directory))
    }

    /// `ID`, or `ID-2` and so on if a file of that name was there at the start.
    pub(crate) fn free_stem(&self, id: i64) -> String {
        let stems = std::iter::once(id.to_string()).chain((2..).map(|number: u32| format!("{id}-{number}")));
        stems.into_iter().find(|stem| !self.names.contains_key(stem)).unwrap_or_default()
    }

    /// Downloads a file to `stem` and an extension. Returns the response with the path.
    pub(crate) fn download(
        &self,
        client: &Client,
        id: i64,
        stem: &str,
        context: &Context<'_>,
        options: &CallOptions<'_>,
    ) -> Result<Value, Error> {
        let path = format!("{}{stem}", self.directory);
        let json = download_file(client, id, &path, false, options)?;
        Ok(self.with_extension(path, serde_json::from_str(&json).unwrap_or_default(), context))
    }

    /// The same where the copy may be the only one afterwards: it is on the disk, or that is the error.
    pub(crate) fn download_to_keep(
        &self,
        client: &Client,
        id: i64,
        stem: &str,
        context: &Context<'_>,
        options: &CallOptions<'_>,
    ) -> Result<Value, Error> {
        let path = format!("{}{stem}", self.directory);
        let limits = client.limits(FILE, CallKind::Transfer, options)?;
        let downloaded = download_to_keep(FILE, client, id, &path, false, options, limits)?;
        Ok(self.with_extension(path, downloaded.json, context))
    }

    /// Renames a download, once its media type is known.
    fn with_extension(&self, path: String, mut json: Value, context: &Context<'_>) -> Value {
        json["path"] = path.as_str().into();
        let Some(extension) = json["content_type"].as_str().and_then(media_type::extension) else { return json };
        let name = format!("{path}.{extension}");
        match if self.force { fs::rename(&path, &name) } else { rename_to_new(&path, &name) } {
            Ok(()) => json["path"] = name.into(),
            Err(error) => {
                let (from, to) = (table::name(&path), table::name(&name));
                context.output.say(&format!("mmx-files: {from} can't be renamed to {to}: {error}"));
            }
        }
        json
    }
}

fn names(directory: &Path) -> io::Result<HashMap<String, String>> {
    let mut names = HashMap::<_, String>::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let id = name.split('.').next().unwrap_or_default().to_owned();
        let first = names.entry(id).or_insert_with(|| name.clone());
        if name < *first {
            *first = name;
        }
    }
    Ok(names)
}

/// Fails if a file of that name was created in the meantime.
fn rename_to_new(from: &str, to: &str) -> io::Result<()> {
    let from = TempPath::try_from_path(from)?;
    from.persist_noclobber(to).map_err(|error| {
        // The downloaded file must not be removed.
        let _ = error.path.keep();
        error.error
    })
}
