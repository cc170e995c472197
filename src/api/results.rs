//! Reads the JSON that the library itself has written: bulk results and plans.

use super::bulk::outcome::{Counts, Kind};
use super::model::FileObject;
use crate::error::ErrorRecord;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

/// The version of plans that can be read.
pub const PLAN_VERSION: u64 = 1;

/// The outcomes in a bulk result, or the files of a plan as kept.
#[derive(Debug)]
pub struct Outcomes {
    /// Empty if they were streamed.
    pub outcomes: Vec<ReadOutcome>,
    pub counts: Counts,
}

#[derive(Debug, Deserialize)]
pub struct ReadOutcome {
    pub index: usize,
    pub file_id: i64,
    pub purpose: String,
    #[serde(rename = "outcome", deserialize_with = "kind")]
    pub kind: Kind,
    pub attempts: i32,
    pub evidence: String,
    pub trace_id: String,
    pub settled_at_ms: i64,
    pub error: Option<ErrorRecord>,
}

#[derive(Deserialize)]
struct BulkResult {
    #[serde(flatten)]
    counts: Counts,
    outcomes: Option<Vec<ReadOutcome>>,
}

#[derive(Deserialize)]
struct PlanOfBulkResult {
    plan: Option<Plan>,
}

#[derive(Deserialize)]
struct Plan {
    made_at_ms: i64,
    files: Vec<PlannedFile>,
}

/// A file of a plan.
#[derive(Clone, Debug, Deserialize)]
pub struct PlannedFile {
    pub file_id: i64,
    pub purpose: String,
    filename: String,
    bytes: i64,
    created_at: i64,
    /// The reason why it is kept.
    pub kept: Option<String>,
}

impl PlannedFile {
    /// The file as it was listed.
    pub fn listed(self) -> FileObject {
        FileObject {
            file_id: self.file_id,
            bytes: self.bytes,
            created_at: self.created_at,
            filename: self.filename,
            purpose: self.purpose,
            ..FileObject::default()
        }
    }
}

enum Ours {
    BulkResult,
    Plan,
}

/// Reads a bulk result or a plan; `Err` says what the JSON is.
pub fn outcomes(json: &str) -> Result<Outcomes, String> {
    let read = match ours(json)?.ok_or("is neither a bulk result nor a plan")? {
        Ours::Plan => {
            let Plan { made_at_ms, files } = read::<Plan>(json)?;
            let counts = Counts { total: files.len(), kept: files.len(), ..Counts::default() };
            let kept = |(index, file): (usize, PlannedFile)| ReadOutcome {
                index,
                file_id: file.file_id,
                purpose: file.purpose,
                kind: Kind::Kept,
                attempts: 0,
                evidence: String::new(),
                trace_id: String::new(),
                settled_at_ms: made_at_ms,
                error: None,
            };
            Outcomes { outcomes: files.into_iter().enumerate().map(kept).collect(), counts }
        }
        Ours::BulkResult => {
            let BulkResult { counts, outcomes } = read::<BulkResult>(json)?;
            let mut found = Counts { total: counts.total, ..Counts::default() };
            outcomes.iter().flatten().for_each(|outcome| found.add(outcome.kind));
            if outcomes.as_ref().is_some_and(|outcomes| found != counts || outcomes.len() != counts.total) {
                return Err("has counts that its outcomes contradict".into());
            }
            let mut outcomes = outcomes.unwrap_or_default();
            outcomes.iter_mut().filter_map(|outcome| outcome.error.as_mut()).for_each(ErrorRecord::clean);
            Outcomes { outcomes, counts }
        }
    };
    Ok(read)
}

/// The files that a plan would delete, of a plan or of a bulk result with one; `None` for other JSON.
pub fn planned_files(json: &str) -> Option<Result<Vec<FileObject>, String>> {
    // A list may be large: what can't be ours is read once.
    if !["\"key_fingerprint\"", "\"not_attempted\""].iter().any(|field| json.contains(field)) {
        return None;
    }
    let plan = match ours(json) {
        Ok(Some(Ours::Plan)) => read::<Plan>(json).map(Some),
        Ok(Some(Ours::BulkResult)) => read::<PlanOfBulkResult>(json).map(|of| of.plan),
        Ok(None) => return None,
        Err(why) => Err(why),
    };
    let none = "holds no files: it is a bulk result without a plan, whose outcomes mmx_outcomes_parse() reads";
    Some(plan.and_then(|plan| plan.ok_or_else(|| none.into())).map(|plan| {
        let chosen = plan.files.into_iter().filter(|file| file.kept.is_none());
        chosen.map(PlannedFile::listed).collect()
    }))
}

/// Tells by its fields which of the two an object is.
fn ours(json: &str) -> Result<Option<Ours>, String> {
    #[derive(Deserialize)]
    struct Fields {
        version: Option<serde_json::Value>,
        key_fingerprint: Option<IgnoredAny>,
        not_attempted: Option<IgnoredAny>,
    }
    let fields: Fields = read(json)?;
    match (fields.not_attempted, fields.key_fingerprint, fields.version) {
        (Some(_), ..) => Ok(Some(Ours::BulkResult)),
        (None, Some(_), Some(version)) if version.as_u64() == Some(PLAN_VERSION) => Ok(Some(Ours::Plan)),
        (None, Some(_), Some(_)) => Err("is a plan of another version, which this version of libmmx can't read".into()),
        _ => Ok(None),
    }
}

/// Quotes nothing: the text can be anything.
fn read<'j, T: Deserialize<'j>>(json: &'j str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| {
        let what = match error.classify() {
            Category::Eof => return "is cut short".into(),
            Category::Syntax | Category::Io => "is not JSON",
            Category::Data => "is neither a bulk result nor a plan as this version of libmmx knows them",
        };
        format!("{what} (line {}, column {})", error.line(), error.column())
    })
}

fn kind<'de, D: Deserializer<'de>>(name: D) -> Result<Kind, D::Error> {
    let name = String::deserialize(name)?;
    Kind::of_name(&name).ok_or_else(|| D::Error::custom("an unknown outcome"))
}
