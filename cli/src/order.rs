//! `--sort`, `--reverse` and `--limit`.

use crate::args::{Key, Order};
use mmx::api::model::FileObject;
use std::cmp::Ordering;

impl Order {
    /// Compares two files as `--sort` says; without it they keep their order.
    pub(crate) fn compare(&self, one: &FileObject, other: &FileObject) -> Ordering {
        let ordering = match self.sort {
            None => Ordering::Equal,
            Some(Key::Created) => one.created_at.cmp(&other.created_at),
            Some(Key::Size) => one.bytes.cmp(&other.bytes),
            Some(Key::Name) => one.filename.cmp(&other.filename),
            Some(Key::Id) => one.file_id.cmp(&other.file_id),
        };
        if self.reverse { ordering.reverse() } else { ordering }
    }
}
