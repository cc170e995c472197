//! The whole of a response, read at once.

use super::excerpt::without_bom;
use super::listing::{Entry, Keep, Listing, ListingSeed};
use super::mended::{self, End, Mended, Watch};
use super::model::{Field, FileFields, FileObject, FileSeed};
use super::scalar::{SHORT, Scalar, mismatch, of_anything_else, of_no_sequence, of_no_text, reads};
use crate::transport::exchange::Interruption;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// The fields of a response to any call.
#[derive(Debug, Default)]
pub struct Contents {
    pub is_object: bool,
    pub base_resp: Option<BaseResp>,
    /// The message of an error in the newer shape.
    pub error: Option<String>,
    pub request_id: Option<String>,
    /// `Err` if the field is there and no list of files.
    files: Option<Result<Listing, String>>,
    file: Option<Result<FileObject, String>>,
    is_file_null: bool,
    /// The fields of a file at the top of the response, as in that of a delete.
    top: FileFields,
    /// A field that must not be there twice and is.
    pub twice: Option<&'static str>,
}

#[derive(Debug)]
pub enum BaseResp {
    NotAnObject,
    Object { code: Code, message: String },
}

#[derive(Debug, PartialEq, Eq)]
pub enum Code {
    Missing,
    NoInteger,
    Of(i64),
}

/// Why a response can't be read.
#[derive(Debug)]
pub enum ReadError {
    Interrupted(Interruption),
    TooDeep,
    CutShort,
    NoJson,
}

/// The longest response that is read in one piece: for a fraction of a second cancel and deadline aren't heard.
const LONGEST_PIECE: usize = 32 << 20;

/// Reads a response.
pub fn contents(json: &[u8], keep: Keep<'_>, watch: Watch<'_>) -> Result<Contents, ReadError> {
    let json = without_bom(json);
    // Strict JSON, as nearly every response is, takes a third of the time in one piece.
    if json.len() <= LONGEST_PIECE
        && !mended::is_too_deep(json)
        && let Ok(contents) = read(serde_json::Deserializer::from_slice(json), keep)
    {
        return Ok(contents);
    }
    let mut reader = Mended::new(json, watch);
    let read = read(serde_json::Deserializer::from_reader(&mut reader), keep);
    match (read, reader.end) {
        (_, Some(End::Interrupted(why))) => Err(ReadError::Interrupted(why)),
        (_, Some(End::TooDeep)) => Err(ReadError::TooDeep),
        (Ok(contents), None) => Ok(contents),
        (Err(error), None) if error.is_eof() => Err(ReadError::CutShort),
        (Err(_), None) => Err(ReadError::NoJson),
    }
}

fn read<'de, R: serde_json::de::Read<'de>>(
    mut json: serde_json::Deserializer<R>,
    keep: Keep<'_>,
) -> serde_json::Result<Contents> {
    let contents = ContentsSeed(keep).deserialize(&mut json)?;
    json.end().map(|()| contents)
}

impl Contents {
    /// The list of files; null and nothing are no files.
    pub fn listing(&mut self) -> Result<Listing, String> {
        let listing = self.files.take().unwrap_or_else(|| Ok(Listing::default()))?;
        match listing {
            // One odd entry among others spoils nothing; where all are odd, this is something else.
            Listing { count: 0, why: Some(why), .. } => Err(why),
            listing => Ok(listing),
        }
    }

    /// The one file of a retrieve or an upload.
    pub fn file(&self) -> Result<&FileObject, String> {
        match &self.file {
            Some(file) => file.as_ref().map_err(String::clone),
            None => Err(self.no_file()),
        }
    }

    pub fn take_file(&mut self) -> Result<FileObject, String> {
        self.file.take().unwrap_or_else(|| Err(self.no_file()))
    }

    fn no_file(&self) -> String {
        if self.is_file_null { mismatch(&Scalar::Null, "a file") } else { "missing field `file`".into() }
    }

    /// The id at the top of the response: `Err` if it is no id.
    pub fn file_id(&self) -> Option<Result<i64, ()>> {
        self.top.id.as_ref().map(|id| id.whole().ok_or(()))
    }

    /// The files of any call: those of a list, the one of a retrieve or an upload, the id of a delete.
    pub fn files(mut self) -> Result<Vec<FileObject>, String> {
        if !self.is_object {
            return Err("it is no object".into());
        }
        if let Some(twice) = self.twice {
            return Err(format!("duplicate field `{twice}`"));
        }
        if self.files.is_some() {
            return self.listing().map(|listing| listing.files);
        }
        match (self.file, self.top) {
            (Some(file), _) => Ok(vec![file?]),
            (None, FileFields { id: None, .. }) => Ok(Vec::new()),
            (None, top) => Ok(vec![top.file()?]),
        }
    }
}

/// The files in the JSON of any call.
pub fn files(json: &str) -> Result<Vec<FileObject>, String> {
    contents(json.as_bytes(), Keep::Files, &|| Ok(())).map_err(describe)?.files()
}

/// The files of a list, each with its JSON, and how many entries are none.
pub fn entries(json: &str) -> Result<(Vec<Entry>, usize), String> {
    let mut contents = contents(json.as_bytes(), Keep::Fitting(&|_| true), &|| Ok(())).map_err(describe)?;
    let listing = contents.listing()?;
    Ok((listing.fitting, listing.unreadable))
}

fn describe(why: ReadError) -> String {
    match why {
        ReadError::TooDeep => "it is nested too deeply",
        ReadError::CutShort => "it is cut short",
        ReadError::NoJson | ReadError::Interrupted(_) => "it is not JSON",
    }
    .into()
}

/// Reads `base_resp`, with the field that is there twice.
struct BaseRespSeed;

reads!(BaseRespSeed => (BaseResp, Option<&'static str>));

fn no_base_resp(_: Scalar) -> (BaseResp, Option<&'static str>) {
    (BaseResp::NotAnObject, None)
}

impl<'de> Visitor<'de> for BaseRespSeed {
    type Value = (BaseResp, Option<&'static str>);

    of_no_text!(no_base_resp);
    of_no_sequence!(no_base_resp);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier, rename_all = "snake_case")]
        enum Field {
            StatusCode,
            StatusMsg,
            #[serde(other)]
            Other,
        }
        let (mut code, mut message, mut twice) = (Code::Missing, String::new(), None);
        while let Some(field) = map.next_key()? {
            match field {
                Field::StatusCode if code != Code::Missing => {
                    map.next_value::<IgnoredAny>()?;
                    twice = Some("status_code");
                }
                Field::StatusCode => {
                    code = map.next_value_seed(SHORT)?.code().map_or(Code::NoInteger, Code::Of);
                }
                Field::StatusMsg => message = map.next_value_seed(SHORT)?.text(),
                Field::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok((BaseResp::Object { code, message }, twice))
    }
}

/// Reads the message of an error in the newer shape; `None` if it is no such error.
struct ErrorSeed;

reads!(ErrorSeed => Option<String>);

fn no_error(_: Scalar) -> Option<String> {
    None
}

impl<'de> Visitor<'de> for ErrorSeed {
    type Value = Option<String>;

    of_no_text!(no_error);
    of_no_sequence!(no_error);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier, rename_all = "snake_case")]
        enum Field {
            Message,
            #[serde(other)]
            Other,
        }
        let mut message = String::new();
        while let Some(field) = map.next_key()? {
            match field {
                Field::Message => message = map.next_value_seed(SHORT)?.text(),
                Field::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Some(message))
    }
}

/// The fields that must not be there twice.
const ONCE: [(Field, &str); 5] = [
    (Field::BaseResp, "base_resp"),
    (Field::Error, "error"),
    (Field::Files, "files"),
    (Field::File, "file"),
    (Field::FileId, "file_id"),
];

/// Reads a whole response.
struct ContentsSeed<'k>(Keep<'k>);

reads!(ContentsSeed<'_> => Contents);

fn no_contents(_: Scalar) -> Contents {
    Contents::default()
}

impl<'de> Visitor<'de> for ContentsSeed<'_> {
    type Value = Contents;

    of_no_text!(no_contents);
    of_no_sequence!(no_contents);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Contents, A::Error> {
        let texts = matches!(self.0, Keep::Files);
        let mut contents = Contents { is_object: true, ..Contents::default() };
        let mut seen = [false; ONCE.len()];
        while let Some(field) = map.next_key::<Field>()? {
            if let Some(index) = ONCE.iter().position(|(once, _)| *once == field)
                && std::mem::replace(&mut seen[index], true)
            {
                contents.twice = Some(ONCE[index].1);
            }
            match field {
                Field::BaseResp => {
                    let (base_resp, twice) = map.next_value_seed(BaseRespSeed)?;
                    contents.base_resp = Some(base_resp);
                    contents.twice = contents.twice.or(twice);
                }
                Field::Error => contents.error = map.next_value_seed(ErrorSeed)?,
                Field::RequestId => {
                    let id = map.next_value_seed(SHORT)?.text();
                    contents.request_id = Some(id).filter(|id| !id.is_empty());
                }
                Field::Files => contents.files = map.next_value_seed(ListingSeed(self.0))?,
                Field::File => {
                    contents.file = map.next_value_seed(FileSeed { texts: true })?;
                    contents.is_file_null = contents.file.is_none();
                }
                field => contents.top.read(field, &mut map, texts)?,
            }
        }
        Ok(contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_from_any_answer() {
        let ids = |json: &str| files(json).map(|files| files.iter().map(|file| file.file_id).collect::<Vec<_>>());
        assert_eq!(ids(r#"{"base_resp":{}}"#), Ok(vec![]));
        assert_eq!(ids(r#"{"files":null}"#), Ok(vec![]));
        assert_eq!(
            ids(r#"{"files":[{"file_id":1},{"file_id":"9223372036854775807","new":[{}]}]}"#),
            Ok(vec![1, i64::MAX])
        );
        assert_eq!(ids(r#"{"file_id":"7","base_resp":{"status_code":0}}"#), Ok(vec![7]));
        assert!(ids(r#"{"files":[{"file_id":1.5}]}"#).is_err());
        assert!(ids(r#"{"files":[{"bytes":1}]}"#).is_err());
        assert!(ids("[]").is_err() && ids("").is_err());
        let json = r#"{"file":{"file_id":3,"bytes":null,"created_at":"1700469398","filename":7,"purpose":"x"}}"#;
        let file = FileObject { file_id: 3, created_at: 1700469398, purpose: "x".into(), ..FileObject::default() };
        assert_eq!(files(json), Ok(vec![file]));
    }

    #[test]
    fn a_mismatch_shows_no_text_of_the_answer() {
        for text in ["secret", "a \"secret\" at line 1", "\\\"secret", "\"", ""] {
            let json = serde_json::json!({ "files": text }).to_string();
            assert_eq!(files(&json), Err("invalid type: string, expected a sequence".into()), "{text}");
        }
        assert_eq!(files(r#"{"files":[7]}"#), Err("invalid type: integer `7`, expected a file".into()));
        assert_eq!(files(r#"{"file":{}}"#), Err("missing field `file_id`".into()));
    }
}
