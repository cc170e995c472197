//! Ids, exact to the last digit, and file objects of responses.

use super::scalar::{SHORT, Scalar, WHOLE, mismatch, of_anything_else, of_no_sequence, of_no_text, reads};
use crate::error::Error;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// A file as the service tells of it. What it doesn't say is 0 or "".
#[derive(Debug, Default, PartialEq)]
pub struct FileObject {
    pub file_id: i64,
    /// 0 for generated files: not a length to rely on.
    pub bytes: i64,
    /// Unix seconds.
    pub created_at: i64,
    pub filename: String,
    pub purpose: String,
    pub download_url: String,
}

/// The fields of a file, as far as they were read.
#[derive(Debug, Default)]
pub(super) struct FileFields {
    pub(super) id: Option<Scalar>,
    file: FileObject,
    is_twice: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
pub(super) enum Field {
    FileId,
    Bytes,
    CreatedAt,
    Filename,
    Purpose,
    DownloadUrl,
    BaseResp,
    Error,
    RequestId,
    Files,
    File,
    #[serde(other)]
    Other,
}

impl FileFields {
    /// Reads a field of a file; texts only where they are kept.
    pub(super) fn read<'de, A: MapAccess<'de>>(
        &mut self,
        field: Field,
        map: &mut A,
        texts: bool,
    ) -> Result<(), A::Error> {
        match field {
            Field::FileId => {
                self.is_twice |= self.id.is_some();
                self.id = Some(map.next_value_seed(SHORT)?);
            }
            Field::Bytes => self.file.bytes = map.next_value_seed(SHORT)?.whole().unwrap_or_default(),
            Field::CreatedAt => self.file.created_at = map.next_value_seed(SHORT)?.whole().unwrap_or_default(),
            Field::Filename if texts => self.file.filename = map.next_value_seed(WHOLE)?.text(),
            Field::Purpose if texts => self.file.purpose = map.next_value_seed(WHOLE)?.text(),
            Field::DownloadUrl if texts => self.file.download_url = map.next_value_seed(WHOLE)?.text(),
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }

    pub(super) fn file(self) -> Result<FileObject, String> {
        let id = self.id.ok_or("missing field `file_id`")?;
        if self.is_twice {
            return Err("duplicate field `file_id`".into());
        }
        let file_id = id.whole().ok_or("a file_id is not a whole number of 64 bits")?;
        // No call takes another one, so this is no file.
        if file_id < 1 {
            return Err("a file_id is not 1 or more".into());
        }
        Ok(FileObject { file_id, ..self.file })
    }
}

/// Reads a file: `Err` with the reason if it is none; null is `None`.
pub(super) struct FileSeed {
    /// Texts are kept, too.
    pub(super) texts: bool,
}

reads!(FileSeed => Option<Result<FileObject, String>>);

fn no_file(found: Scalar) -> Option<Result<FileObject, String>> {
    match found {
        Scalar::Null => None,
        found => Some(Err(mismatch(&found, "a file"))),
    }
}

impl<'de> Visitor<'de> for FileSeed {
    type Value = Option<Result<FileObject, String>>;

    of_no_text!(no_file);
    of_no_sequence!(no_file);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = FileFields::default();
        while let Some(field) = map.next_key()? {
            fields.read(field, &mut map, self.texts)?;
        }
        Ok(Some(fields.file()))
    }
}

impl<'de> Deserialize<'de> for FileObject {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<FileObject, D::Error> {
        let file = FileSeed { texts: true }.deserialize(value)?;
        file.unwrap_or_else(|| Err(mismatch(&Scalar::Null, "a file"))).map_err(D::Error::custom)
    }
}

/// Checks an id: the service gives out 1 and more.
pub fn check_id(call: &'static str, file_id: i64) -> Result<(), Error> {
    if file_id >= 1 {
        return Ok(());
    }
    Err(Error::invalid_argument(call, "file_id", format!("must be 1 or more, not {file_id}")))
}
