//! `usage`: counts and sizes of files by purpose and age. The service doesn't report the size of files that it makes, so
//! sums are "at least".

use crate::args;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::table::{self, Column, LEFT, RIGHT};
use crate::wording::count;
use indicatif::BinaryBytes;
use mmx::api::filter::Now;
use mmx::api::list::{CALL, listing_of};
use mmx::api::listing::Keep;
use mmx::api::model::FileObject;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Minimum ages, oldest first, with their names in tables and in JSON.
const AGES: [(Duration, &str, &str); 4] = [
    (DAY.saturating_mul(30), "30 days or more", "30d"),
    (DAY.saturating_mul(7), "7 to 30 days", "7d"),
    (DAY, "1 to 7 days", "1d"),
    (Duration::ZERO, "under a day", "0d"),
];
/// The index for files whose time is missing or in the future.
const AGELESS: usize = AGES.len();

pub(super) const COLUMNS: [Column; 4] =
    [Column("PURPOSE", LEFT), Column("AGE", LEFT), Column("FILES", RIGHT), Column("SIZE", RIGHT)];

/// Sums by purpose and index in `AGES`.
pub(super) type Groups = BTreeMap<(String, usize), Sum>;

#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) files: usize,
    bytes: u64,
    sizes_unknown: usize,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.files += other.files;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.sizes_unknown += other.sizes_unknown;
    }

    fn of(file: &FileObject) -> Sum {
        let bytes = u64::try_from(file.bytes).unwrap_or_default();
        Sum { files: 1, bytes, sizes_unknown: usize::from(bytes == 0) }
    }

    /// `1.50 MiB`, `at least 1.50 MiB`, `unknown`
    pub(super) fn size(&self) -> String {
        match self.sizes_unknown {
            0 => BinaryBytes(self.bytes).to_string(),
            unknown if unknown == self.files => "unknown".into(),
            _ => format!("at least {}", BinaryBytes(self.bytes)),
        }
    }

    fn to_json(self) -> Value {
        json!({ "files": self.files, "bytes_at_least": self.bytes, "sizes_unknown": self.sizes_unknown })
    }
}

pub(crate) fn run(args: &args::Usage, context: &Context<'_>) -> Result<Exit, CommandError> {
    let account = context.account()?;
    let purpose = args.purpose.as_deref();
    let (reply, listing) = listing_of(&account.client, CALL, purpose, Keep::Files, &context.call_options(None))?;
    let files = listing.files;
    if listing.unreadable > 0 {
        let entries = count(listing.unreadable);
        context.output.say(&format!("mmx-files usage: {entries} in the service's list can't be read, and left out"));
    }
    let now = Now::of(reply.date());
    let (groups, all) = sums(&files, args.purpose.as_deref(), &now);
    if context.output.json {
        context.output.print_json(&to_json(account.client.host(), &groups, all))?;
    } else {
        context.output.say(&format!("{account}"));
        context.output.print(&table::table(&COLUMNS, rows(&groups, all)))?;
        if all.sizes_unknown > 0 {
            let unknown = count(all.sizes_unknown);
            context
                .output
                .say(&format!("the service doesn't say the size of {unknown}: it reports 0 for files that it makes"));
        }
    }
    Ok(Exit::Done)
}

/// The sums for each purpose and age, and of all files. Files in a list of one purpose may lack theirs.
pub(super) fn sums<'a>(
    files: impl IntoIterator<Item = &'a FileObject>,
    listed: Option<&str>,
    now: &Now,
) -> (Groups, Sum) {
    let (mut groups, mut all) = (Groups::new(), Sum::default());
    for file in files {
        let purpose = if file.purpose.is_empty() { listed } else { Some(file.purpose.as_str()) };
        let key = (purpose.unwrap_or_default().to_owned(), age(file, now));
        groups.entry(key).or_default().add(Sum::of(file));
        all.add(Sum::of(file));
    }
    (groups, all)
}

fn age(file: &FileObject, now: &Now) -> usize {
    AGES.iter().position(|(least, ..)| now.is_older(file.created_at, *least)).unwrap_or(AGELESS)
}

pub(super) fn rows(groups: &Groups, all: Sum) -> Vec<Vec<String>> {
    let row = |purpose: &str, age: &str, sum: &Sum| {
        vec![table::name(purpose), age.to_owned(), sum.files.to_string(), sum.size()]
    };
    let mut rows: Vec<_> = groups
        .iter()
        .map(|((purpose, age), sum)| row(purpose, AGES.get(*age).map_or("unknown", |age| age.1), sum))
        .collect();
    rows.push(row("all", "", &all));
    rows
}

fn to_json(host: &str, groups: &Groups, all: Sum) -> Value {
    let groups = groups.iter().map(|((purpose, age), sum)| {
        let mut json = sum.to_json();
        json["purpose"] = purpose.as_str().into();
        json["older_than"] = AGES.get(*age).map(|age| age.2).into();
        json
    });
    let groups: Vec<_> = groups.collect();
    let mut json = all.to_json();
    json["host"] = host.into();
    json["groups"] = groups.into();
    json
}
