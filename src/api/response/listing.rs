//! The files of a list, as far as they are kept.

use super::model::{FileObject, FileSeed};
use super::scalar::{Scalar, mismatch, of_anything_else, of_no_text, reads, skip};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::fmt;

/// The part of a list that is kept.
#[derive(Clone, Copy)]
pub enum Keep<'k> {
    Count,
    Ids,
    Files,
    /// The files that fit, with their JSON.
    Fitting(&'k dyn Fn(&FileObject) -> bool),
}

/// A file of a list and its JSON.
pub type Entry = (FileObject, Box<RawValue>);

/// The files of a list, as far as they are kept.
#[derive(Debug, Default)]
pub struct Listing {
    pub files: Vec<FileObject>,
    pub ids: HashSet<i64>,
    pub fitting: Vec<Entry>,
    /// Files that can be read.
    pub count: usize,
    /// Entries that can't be read.
    pub unreadable: usize,
    /// Why the first that isn't null can't be read.
    pub(super) why: Option<String>,
}

/// Reads a list of files: `Err` with the reason if it is none; null is `None`.
pub(super) struct ListingSeed<'k>(pub(super) Keep<'k>);

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
