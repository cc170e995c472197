//! Fuzz targets: each gives bytes to a part of the library or the command that reads what others wrote, and panics if it
//! breaks a promise: no panic, no `MMX_ERROR_INTERNAL`, JSON that is JSON, no success for what isn't one.
//!
//! `tests/corpus.rs` runs each over its folder of `corpus` and over seeded mutations of it; `libfuzzer` is the same with
//! coverage.

pub mod corpus;

mod check;
mod command;
mod responses;
mod server;
mod texts;

// Of the command, whose sources are compiled in as they are: what reads journals, plans and lists of ids, and what that
// stands on.
use command::{account, args};
#[path = "../../cli/src/error.rs"]
#[allow(dead_code)]
mod error;
#[path = "../../cli/src/escape.rs"]
#[allow(dead_code)]
mod escape;
#[path = "../../cli/src/exit.rs"]
#[allow(dead_code)]
mod exit;
#[path = "../../cli/src/ids.rs"]
#[allow(dead_code)]
mod ids;
#[path = "../../cli/src/journal.rs"]
#[allow(dead_code)]
mod journal;
#[path = "../../cli/src/output.rs"]
#[allow(dead_code)]
mod output;
#[path = "../../cli/src/plan_file.rs"]
#[allow(dead_code)]
mod plan_file;
#[path = "../../cli/src/signals.rs"]
#[allow(dead_code)]
mod signals;
#[path = "../../cli/src/streams.rs"]
#[allow(dead_code)]
mod streams;
#[path = "../../cli/src/wording.rs"]
#[allow(dead_code)]
mod wording;
#[path = "../../cli/src/worklist.rs"]
#[allow(dead_code)]
mod worklist;

/// A target, and how many mutations of its corpus `make test` runs: those that open a connection take longer.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    pub mutations: usize,
}

const CALLS: usize = 300;
const FILES: usize = 1_000;
const TEXTS: usize = 5_000;

pub const TARGETS: &[Target] = &[
    Target { name: "response_delete", run: responses::delete, mutations: CALLS },
    Target { name: "response_upload", run: responses::upload, mutations: CALLS },
    Target { name: "response_list", run: responses::list, mutations: CALLS },
    Target { name: "response_retrieve", run: responses::retrieve, mutations: CALLS },
    Target { name: "response_download", run: responses::download, mutations: CALLS },
    Target { name: "multipart", run: responses::multipart, mutations: CALLS },
    Target { name: "location", run: texts::location, mutations: TEXTS },
    Target { name: "retry_after", run: texts::retry_after, mutations: TEXTS },
    Target { name: "base_url", run: texts::base_url, mutations: FILES },
    Target { name: "proxy", run: texts::proxy, mutations: TEXTS },
    Target { name: "no_proxy", run: texts::no_proxy, mutations: TEXTS },
    Target { name: "glob", run: texts::glob, mutations: TEXTS },
    Target { name: "files_parse", run: texts::files_parse, mutations: TEXTS },
    Target { name: "outcomes_parse", run: texts::outcomes_parse, mutations: TEXTS },
    Target { name: "journal", run: command::journal, mutations: FILES },
    Target { name: "plan", run: command::plan, mutations: FILES },
    Target { name: "ids", run: command::ids, mutations: TEXTS },
    Target { name: "ledger", run: command::ledger, mutations: FILES },
];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
