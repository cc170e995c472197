//! The entries of a ledger, from its lines: the uploads whose files may still be there.

use super::fact::{Account, Fact};
use super::process::ProcessId;
use std::collections::{HashMap, HashSet};
use std::io;

/// The file of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredFile {
    pub file_id: i64,
    /// By the service's clock, in Unix seconds; 0: not known.
    pub created_at: i64,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub at_ms: i64,
    pub account: Account,
    /// `None`: of a file that was taken by its id alone.
    pub purpose: Option<String>,
    pub filename: String,
    pub bytes: Option<u64>,
    pub sha256: Option<String>,
    pub process: ProcessId,
    pub temporary: bool,
    pub expires_after_s: Option<u64>,
    pub file: Option<StoredFile>,
    /// The upload ended, and may have stored the file.
    pub is_unknown: bool,
    /// Where the file is on this disk: it may be deleted.
    pub taken_to: Option<String>,
    /// Sweeps that have taken it on.
    sweeps: Vec<(String, ProcessId)>,
    /// Room that its lines take in the file.
    len: u64,
}

impl Entry {
    /// An entry of which nothing else is known.
    fn new(at_ms: i64, account: Account, process: ProcessId, len: u64) -> Entry {
        let (purpose, filename, bytes, sha256, temporary, expires_after_s) = Default::default();
        let (file, is_unknown, taken_to, sweeps) = Default::default();
        Entry {
            at_ms,
            account,
            purpose,
            filename,
            bytes,
            sha256,
            process,
            temporary,
            expires_after_s,
            file,
            is_unknown,
            taken_to,
            sweeps,
            len,
        }
    }

    /// Another sweep, which still runs, settles it.
    pub fn is_being_swept(&self, current: &ProcessId) -> io::Result<bool> {
        for (_, process) in &self.sweeps {
            if !process.has_ended(current)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[derive(Debug, Default)]
pub struct Entries {
    entries: HashMap<String, Entry>,
    by_file: HashMap<i64, Vec<String>>,
    kept: HashSet<(Account, i64)>,
    /// Room that lines of entries which are not struck out take.
    len: u64,
}

impl Entries {
    /// Takes in a line of so many bytes.
    pub(super) fn apply(&mut self, fact: Fact, len: u64) {
        if let Some(entry) = fact.entry().and_then(|name| self.entries.get_mut(name)) {
            entry.len += len;
            self.len += len;
        }
        match fact {
            Fact::Intent {
                entry,
                at_ms,
                account,
                purpose,
                filename,
                bytes,
                sha256,
                process,
                temporary,
                expires_after_s,
            } => {
                let named = Entry {
                    purpose: Some(purpose),
                    filename,
                    bytes,
                    sha256,
                    ..Entry::new(at_ms, account, process, len)
                };
                self.insert(entry, Entry { temporary, expires_after_s, ..named });
            }
            Fact::Id { entry: name, file_id, created_at, bytes, sha256 } => {
                let Some(entry) = self.entries.get_mut(&name) else { return };
                entry.file = Some(StoredFile { file_id, created_at });
                (entry.bytes, entry.sha256) = (bytes.or(entry.bytes), sha256.or(entry.sha256.take()));
                self.index(file_id, name);
            }
            Fact::Unknown { entry } => self.with(&entry, |entry| entry.is_unknown = true),
            Fact::Expiry { entry, expires_after_s } => {
                self.with(&entry, |entry| entry.expires_after_s = expires_after_s);
            }
            Fact::Taken { entry, at_ms, account, file_id, purpose, path, bytes, process } => {
                self.index(file_id, entry.clone());
                let file = Some(StoredFile { file_id, created_at: 0 });
                let (bytes, taken_to) = (Some(bytes), Some(path));
                let entry_of_file =
                    Entry { purpose, bytes, file, taken_to, ..Entry::new(at_ms, account, process, len) };
                self.insert(entry, entry_of_file);
            }
            Fact::Sweep { sweep, entries, process } => {
                for entry in entries {
                    self.with(&entry, |entry| entry.sweeps.push((sweep.clone(), process.clone())));
                }
            }
            Fact::Swept { sweep } => {
                for entry in self.entries.values_mut() {
                    entry.sweeps.retain(|(name, _)| *name != sweep);
                }
            }
            Fact::Struck { entry: name, .. } => {
                let Some(entry) = self.entries.remove(&name) else { return };
                self.len -= entry.len;
                if let Some(StoredFile { file_id, .. }) = entry.file
                    && let Some(names) = self.by_file.get_mut(&file_id)
                {
                    names.retain(|of_file| *of_file != name);
                    if names.is_empty() {
                        self.by_file.remove(&file_id);
                    }
                }
            }
            Fact::Kept { account, file_id } => drop(self.kept.insert((account, file_id))),
        }
    }

    fn insert(&mut self, name: String, entry: Entry) {
        self.len += entry.len;
        self.entries.insert(name, entry);
    }

    fn with(&mut self, name: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.get_mut(name) {
            change(entry);
        }
    }

    fn index(&mut self, file_id: i64, name: String) {
        let names = self.by_file.entry(file_id).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }

    /// Room that lines of entries which are not struck out take.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub fn of<'e>(&'e self, account: &'e Account) -> impl Iterator<Item = (&'e str, &'e Entry)> {
        self.entries.iter().filter(|(_, entry)| entry.account == *account).map(|(name, entry)| (name.as_str(), entry))
    }

    /// The names of the entries of a file.
    pub fn of_file<'e>(&'e self, account: &'e Account, file_id: i64) -> impl Iterator<Item = &'e str> {
        let names = self.by_file.get(&file_id).into_iter().flatten();
        names.filter(|name| self.entries.get(*name).is_some_and(|entry| entry.account == *account)).map(String::as_str)
    }

    /// The ids of the account's files.
    pub fn files<'e>(&'e self, account: &'e Account) -> impl Iterator<Item = i64> {
        self.of(account).filter_map(|(_, entry)| Some(entry.file?.file_id))
    }

    pub fn is_kept(&self, account: &Account, file_id: i64) -> bool {
        self.kept.contains(&(account.clone(), file_id))
    }

    /// The ids of files that were kept, as far as lookups may meet them.
    pub fn kept<'e>(&'e self, account: &'e Account) -> impl Iterator<Item = i64> {
        self.kept.iter().filter(move |(of, _)| of == account).map(|(_, file_id)| *file_id)
    }

    /// The lines of a ledger that says the same.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(name, entry)| (entry.at_ms, *name));
        let mut facts = Vec::with_capacity(entries.len() * 2);
        let mut sweeps: HashMap<&str, (Vec<String>, &ProcessId)> = HashMap::new();
        let is_any_open = entries.iter().any(|(_, entry)| entry.file.is_none());
        for (name, entry) in entries {
            entry.add_facts(name, &mut facts);
            for (sweep, process) in &entry.sweeps {
                sweeps.entry(sweep).or_insert((Vec::new(), process)).0.push(name.clone());
            }
        }
        let sweeps = sweeps.into_iter().map(|(sweep, (entries, process))| Fact::Sweep {
            sweep: sweep.to_owned(),
            entries,
            process: process.clone(),
        });
        facts.extend(sweeps);
        if is_any_open {
            // Only a lookup asks for them.
            let kept = self.kept.iter();
            facts.extend(kept.map(|(account, file_id)| Fact::Kept { account: account.clone(), file_id: *file_id }));
        }
        facts
    }
}

impl Entry {
    fn add_facts(&self, name: &str, facts: &mut Vec<Fact>) {
        let (entry, account, process) = (name.to_owned(), self.account.clone(), self.process.clone());
        if let (Some(path), Some(file)) = (&self.taken_to, self.file) {
            facts.push(Fact::Taken {
                entry,
                at_ms: self.at_ms,
                account,
                file_id: file.file_id,
                purpose: self.purpose.clone(),
                path: path.clone(),
                bytes: self.bytes.unwrap_or_default(),
                process,
            });
            return;
        }
        facts.push(Fact::Intent {
            entry: entry.clone(),
            at_ms: self.at_ms,
            account,
            purpose: self.purpose.clone().unwrap_or_default(),
            filename: self.filename.clone(),
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            process,
            temporary: self.temporary,
            expires_after_s: self.expires_after_s,
        });
        if let Some(StoredFile { file_id, created_at }) = self.file {
            let (bytes, sha256) = (self.bytes, self.sha256.clone());
            facts.push(Fact::Id { entry: entry.clone(), file_id, created_at, bytes, sha256 });
        }
        if self.is_unknown {
            facts.push(Fact::Unknown { entry });
        }
    }
}
