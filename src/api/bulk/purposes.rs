//! The purposes of files that were given without one.

use super::options::FileRef;
use super::reconcile::list_options;
use super::run::{MAX_LOOKUPS, Run, is_for_all};
use crate::api::list;
use crate::api::purpose;
use crate::api::response::listing::Keep;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

impl<'a> Run<'a> {
    /// Finds out many purposes by one list. The others are asked for file by file: a list proves no absence.
    pub(super) fn list_purposes(&mut self, files: &[usize]) {
        let unknown = files.iter().map(|&index| self.files[index]).filter(|file| file.purpose.is_empty());
        let unknown: HashSet<_> = unknown.map(|file| file.file_id).collect();
        if unknown.len() <= MAX_LOOKUPS {
            return;
        }
        let options = list_options(&self.limits, &self.options);
        match list::listing(self.client, self.name, None, Keep::Files, &options) {
            Ok((_, listing)) => {
                let wanted = listing.files.into_iter().filter(|file| unknown.contains(&file.file_id));
                let usable = wanted.filter(|file| purpose::check(self.name, "purpose", &file.purpose).is_ok());
                self.purposes = usable.map(|file| (file.file_id, file.purpose)).collect::<HashMap<_, _>>();
            }
            Err(error) if is_for_all(&error) => self.stop_for(error),
            // A deadline or a cancel ends the run all the same.
            Err(_) => {}
        }
    }

    /// That of a file as it was given or found out; "" = it isn't known.
    pub(super) fn purpose(&self, index: usize) -> Cow<'a, str> {
        let FileRef { file_id, purpose } = self.files[index];
        match self.purposes.get(&file_id).filter(|_| purpose.is_empty()) {
            Some(found) => Cow::Owned(found.clone()),
            None => Cow::Borrowed(purpose),
        }
    }

    /// The query of a list that would have a file: its purpose, or all where that isn't known.
    pub(super) fn query(&self, index: usize) -> Option<Cow<'a, str>> {
        Some(self.purpose(index)).filter(|purpose| !purpose.is_empty())
    }
}
