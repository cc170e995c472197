//! What responses hold: ids, whole to the last digit, and file objects. All of a response is read at once, and of what nobody
//! needs nothing is built.

use super::mended::{End, Mended, Watch};
use crate::error::Error;
use crate::transport::exchange::Interruption;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::HashSet;
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

/// What is kept of the files in a list.
#[derive(Clone, Copy)]
pub enum Keep<'k> {
    Count,
    Ids,
    Files,
    /// Those that fit, with their JSON.
    Fitting(&'k dyn Fn(&FileObject) -> bool),
}

/// The files of a list, as far as they are kept.
#[derive(Debug, Default)]
pub struct Listing {
    pub files: Vec<FileObject>,
    pub ids: HashSet<i64>,
    pub fitting: Vec<(FileObject, Box<RawValue>)>,
    /// Files that can be read.
    pub count: usize,
    /// Entries that can't.
    pub unreadable: usize,
    /// Why, of the first that isn't null.
    why: Option<String>,
}

/// A response as it reads, whatever the call.
#[derive(Debug, Default)]
pub struct Contents {
    pub is_object: bool,
    pub base_resp: Option<BaseResp>,
    /// The message of an error in the newer shape.
    pub error: Option<String>,
    pub request_id: Option<String>,
    /// `Err`: it is there, and no list of files.
    files: Option<Result<Listing, String>>,
    file: Option<Result<FileObject, String>>,
    /// What the response itself says of a file, as that of a delete does.
    top: ResponseSummary,
    /// A field that decides is there twice.
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
pub enum Unread {
    Interrupted(Interruption),
    TooDeep,
    CutShort,
    NoJson,
}

/// Reads a response.
pub fn contents(json: &[u8], keep: Keep<'_>, watch: Watch<'_>) -> Result<Contents, Unread> {
    let mut reader = Mended::new(json, watch);
    let read = {
        let mut json = serde_json::Deserializer::from_reader(&mut reader);
        ContentsSeed(keep).deserialize(&mut json).and_then(|contents| json.end().map(|()| contents))
    };
    match (read, reader.end) {
        (_, Some(End::Interrupted(why))) => Err(Unread::Interrupted(why)),
        (_, Some(End::TooDeep)) => Err(Unread::TooDeep),
        (Ok(contents), None) => Ok(contents),
        (Err(error), None) if error.is_eof() => Err(Unread::CutShort),
        (Err(_), None) => Err(Unread::NoJson),
    }
}

const NO_FILE: &str = "missing field `file`";

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
            None => Err(NO_FILE.into()),
        }
    }

    pub fn take_file(&mut self) -> Result<FileObject, String> {
        self.file.take().unwrap_or_else(|| Err(NO_FILE.into()))
    }

    /// The id in the response itself: `Err` for what is none.
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
            (None, ResponseSummary { id: None, .. }) => Ok(Vec::new()),
            (None, top) => Ok(vec![top.file()?]),
        }
    }
}

/// The files in the JSON of any call.
pub fn files(json: &str) -> Result<Vec<FileObject>, String> {
    contents(json.as_bytes(), Keep::Files, &|| Ok(())).map_err(describe)?.files()
}

/// The files of a list, each with its JSON, and how many entries are none.
pub fn entries(json: &str) -> Result<(Vec<(FileObject, Box<RawValue>)>, usize), String> {
    let mut contents = contents(json.as_bytes(), Keep::Fitting(&|_| true), &|| Ok(())).map_err(describe)?;
    let listing = contents.listing()?;
    Ok((listing.fitting, listing.unreadable))
}

fn describe(why: Unread) -> String {
    match why {
        Unread::TooDeep => "it is nested too deeply",
        Unread::CutShort => "it is cut short",
        Unread::NoJson | Unread::Interrupted(_) => "it is not JSON",
    }
    .into()
}

/// Of a value of another kind than is expected; a text is not shown, for that can be anything, also the key.
fn mismatch(found: &Scalar, expected: &str) -> String {
    let found = match found {
        Scalar::Null => "null".into(),
        Scalar::Bool(value) => format!("boolean `{value}`"),
        Scalar::Int(value) => format!("integer `{value}`"),
        Scalar::Float(value) => format!("floating point `{value}`"),
        Scalar::Text(_) => "string".into(),
        Scalar::Sequence => "sequence".into(),
        Scalar::Map => "map".to_owned(),
    };
    format!("invalid type: {found}, expected {expected}")
}

/// Any value, of which only what has no parts is kept.
#[derive(Debug)]
enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Also an integer beyond 64 bits.
    Float(f64),
    Text(String),
    Sequence,
    Map,
}

impl Scalar {
    /// An id as an integer or a decimal string; never by way of a floating point number.
    fn whole(&self) -> Option<i64> {
        match self {
            Scalar::Int(number) => Some(*number),
            Scalar::Text(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
            _ => None,
        }
    }

    fn text(self) -> String {
        if let Scalar::Text(text) = self { text } else { String::new() }
    }

    fn code(&self) -> Code {
        let code = match self {
            Scalar::Int(number) => Some(*number),
            Scalar::Text(digits) => digits.parse().ok(),
            _ => None,
        };
        code.map_or(Code::NoInteger, Code::Of)
    }
}

/// What a visitor makes of all that is no object, by way of a `Scalar`.
macro_rules! of_anything_else {
    ($of:path) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($of(Scalar::Null))
        }

        fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
            Ok($of(Scalar::Bool(value)))
        }

        fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
            Ok($of(Scalar::Int(value)))
        }

        fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
            Ok($of(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Int)))
        }

        fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
            Ok($of(Scalar::Float(value)))
        }
    };
}

/// The same for visitors that want neither a text nor a sequence.
macro_rules! of_no_text {
    ($of:path) => {
        of_anything_else!($of);

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($of(Scalar::Text(String::new())))
        }
    };
}

macro_rules! of_no_sequence {
    ($of:path) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
            while sequence.next_element::<IgnoredAny>()?.is_some() {}
            Ok($of(Scalar::Sequence))
        }
    };
}

/// Reads any value by a visitor that takes any.
macro_rules! reads {
    ($seed:ty => $value:ty) => {
        impl<'de> DeserializeSeed<'de> for $seed {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<$value, D::Error> {
                value.deserialize_any(self)
            }
        }
    };
}

/// Of a text no more than so much is kept.
#[derive(Clone, Copy)]
struct ScalarSeed {
    longest: usize,
}

const WHOLE: ScalarSeed = ScalarSeed { longest: usize::MAX };
/// What is only quoted, or is a number.
const SHORT: ScalarSeed = ScalarSeed { longest: 4096 };

reads!(ScalarSeed => Scalar);

impl<'de> Visitor<'de> for ScalarSeed {
    type Value = Scalar;

    of_anything_else!(std::convert::identity);
    of_no_sequence!(std::convert::identity);

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        let end = (0..=self.longest.min(value.len())).rev().find(|&end| value.is_char_boundary(end));
        Ok(Scalar::Text(value[..end.unwrap_or_default()].to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar, A::Error> {
        skip(map)?;
        Ok(Scalar::Map)
    }
}

/// Whether there is anything in it.
fn skip<'de, A: MapAccess<'de>>(mut map: A) -> Result<bool, A::Error> {
    let mut some = false;
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
        some = true;
    }
    Ok(some)
}

/// The fields of a file, as they were told.
#[derive(Debug, Default)]
struct ResponseSummary {
    id: Option<Scalar>,
    file: FileObject,
    is_twice: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
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

impl ResponseSummary {
    /// Reads a field of a file; texts only where they are kept.
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field, map: &mut A, texts: bool) -> Result<(), A::Error> {
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

    fn file(self) -> Result<FileObject, String> {
        let id = self.id.ok_or("missing field `file_id`")?;
        if self.is_twice {
            return Err("duplicate field `file_id`".into());
        }
        let file_id = id.whole().ok_or("a file_id is not a whole number of 64 bits")?;
        Ok(FileObject { file_id, ..self.file })
    }
}

/// What is to be a file: `Err` for what is none, with the reason; null is `None`.
struct FileSeed {
    texts: bool,
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
        let mut told = ResponseSummary::default();
        while let Some(field) = map.next_key()? {
            told.read(field, &mut map, self.texts)?;
        }
        Ok(Some(told.file()))
    }
}

impl<'de> Deserialize<'de> for FileObject {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<FileObject, D::Error> {
        let file = FileSeed { texts: true }.deserialize(value)?;
        file.unwrap_or_else(|| Err(mismatch(&Scalar::Null, "a file"))).map_err(D::Error::custom)
    }
}

/// What is to be a list of files; null is `None`.
struct ListingSeed<'k>(Keep<'k>);

reads!(ListingSeed<'_> => Option<Result<Listing, String>>);

fn no_listing(found: Scalar) -> Option<Result<Listing, String>> {
    match found {
        Scalar::Null => None,
        found => Some(Err(mismatch(&found, "a sequence"))),
    }
}

impl<'de> Visitor<'de> for ListingSeed<'_> {
    type Value = Option<Result<Listing, String>>;

    of_no_text!(no_listing);

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut listing = Listing::default();
        let texts = matches!(self.0, Keep::Files);
        loop {
            let (entry, json) = if let Keep::Fitting(_) = self.0 {
                let Some(json) = sequence.next_element::<Box<RawValue>>()? else { break };
                let entry = FileSeed { texts: true }.deserialize(&mut serde_json::Deserializer::from_str(json.get()));
                (entry.map_err(A::Error::custom)?, Some(json))
            } else {
                let Some(entry) = sequence.next_element_seed(FileSeed { texts })? else { break };
                (entry, None)
            };
            let file = match entry {
                Some(Ok(file)) => file,
                Some(Err(why)) => {
                    listing.unreadable += 1;
                    listing.why.get_or_insert(why);
                    continue;
                }
                None => {
                    listing.unreadable += 1;
                    continue;
                }
            };
            listing.count += 1;
            match (self.0, json) {
                (Keep::Files, _) => listing.files.push(file),
                (Keep::Ids, _) => drop(listing.ids.insert(file.file_id)),
                (Keep::Fitting(fits), Some(json)) if fits(&file) => listing.fitting.push((file, json)),
                _ => {}
            }
        }
        Ok(Some(Ok(listing)))
    }

    /// An empty one stands for an empty list in some languages.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(if skip(map)? { no_listing(Scalar::Map) } else { Some(Ok(Listing::default())) })
    }
}

/// With the field that is there twice.
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
                Field::StatusCode => code = map.next_value_seed(SHORT)?.code(),
                Field::StatusMsg => message = map.next_value_seed(SHORT)?.text(),
                Field::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok((BaseResp::Object { code, message }, twice))
    }
}

/// The message of an error in the newer shape; `None` for what is none.
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
        let mut seen = Vec::new();
        while let Some(field) = map.next_key::<Field>()? {
            let name = match field {
                Field::BaseResp => "base_resp",
                Field::Error => "error",
                Field::Files => "files",
                Field::File => "file",
                Field::FileId => "file_id",
                _ => "",
            };
            if !name.is_empty() {
                if seen.contains(&name) {
                    contents.twice = Some(name);
                } else {
                    seen.push(name);
                }
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
                Field::File => contents.file = map.next_value_seed(FileSeed { texts: true })?,
                field => contents.top.read(field, &mut map, texts)?,
            }
        }
        Ok(contents)
    }
}

/// What the service can have given out: 1 and more.
pub fn check_id(call: &'static str, file_id: i64) -> Result<(), Error> {
    if file_id >= 1 {
        return Ok(());
    }
    Err(Error::invalid_argument(call, "file_id", format!("must be 1 or more, not {file_id}")))
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

    #[test]
    fn ids_keep_every_digit() {
        let read = |json: &str| WHOLE.deserialize(&mut serde_json::Deserializer::from_str(json)).unwrap().whole();
        assert_eq!(read("9223372036854775807"), Some(i64::MAX));
        assert_eq!(read("\"9223372036854775807\""), Some(i64::MAX));
        assert_eq!(read("9007199254740993"), Some(9007199254740993));
        let bad =
            ["9223372036854775808", "1.0", "1e3", "\"1.0\"", "\"\"", "\" 1\"", "\"+1\"", "\"-1\"", "true", "null"];
        for none in bad {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
