//! Who is compared with whom, and at what.

use crate::programs::{Kind, Programs};
use crate::selection::Selection;
use crate::server::Server;
use mmx_bench::result::Scheme;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Task {
    /// Deletes over connections that are kept, from so many threads; one in so many of the calls that were asked for.
    Many { threads: usize, share: usize },
    /// The first call of a process, its client's making included.
    First,
    /// One large file, from a path or to one.
    Transfer(Way),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    Up,
    Down,
}

/// A task with its numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sized {
    /// Warm-up and calls are for each thread.
    Many {
        threads: usize,
        warm_up: usize,
        calls: usize,
    },
    First,
    Transfer(Way),
}

impl Task {
    /// Processes of each contestant in a round: a first call is one figure, the others are thousands.
    pub(crate) fn turns(self) -> usize {
        if self == Task::First { 5 } else { 1 }
    }

    pub(crate) fn sized(self, calls: usize) -> Sized {
        match self {
            Task::Many { threads, share } => {
                let calls = (calls / share / threads).max(1);
                Sized::Many { threads, warm_up: (calls / 10).clamp(2, 200), calls }
            }
            Task::First => Sized::First,
            Task::Transfer(way) => Sized::Transfer(way),
        }
    }
}

/// A command, its arguments before those that say what to do.
#[derive(Clone, Debug)]
pub(crate) struct Program(pub(crate) Vec<OsString>);

#[derive(Debug)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) program: Program,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) scheme: Scheme,
    pub(crate) task: Task,
    /// Trusts the stand-in's CA alone, not the system's roots beside it.
    one_root: bool,
    /// Contestant and server share one core. One thread and the server take turns; on two cores, most of a call is one
    /// core waking the other, and how long that takes depends on where the system puts them.
    pub(crate) one_core: bool,
    pub(crate) contestants: Vec<Contestant>,
    /// Whom the others are compared with.
    pub(crate) peer: &'static str,
}

impl Group {
    pub(crate) fn roots(&self, server: &Server) -> PathBuf {
        if self.one_root { server.process.ready.ca_file.clone() } else { server.all_roots.clone() }
    }
}

pub(crate) fn all(programs: &Programs<'_>, mib: usize) -> Vec<Group> {
    let contestant = |name, kind| Contestant { name, kind, program: programs.command(kind) };
    let with = |name, kind, argument| Contestant { name, kind, program: programs.command(kind).with(argument) };
    // libmmx, its other commit if one was named, and libcurl.
    let from_c = || {
        let before = programs.before.map(|_| contestant("libmmx before", Kind::CBefore));
        let mut contestants = vec![contestant("libmmx from C", Kind::CLibmmx)];
        contestants.extend(before);
        contestants.push(contestant("libcurl easy from C", Kind::CLibcurl));
        contestants
    };
    let mut groups = Vec::new();
    for (scheme, over) in [(Scheme::Http, "HTTP"), (Scheme::Https, "HTTPS")] {
        let mut add = |name: String, threads, share, contestants: Vec<Contestant>, peer| {
            let task = Task::Many { threads, share };
            let one_core = name.ends_with("one core");
            groups.push(Group { name, scheme, task, one_root: false, one_core, contestants, peer });
        };
        for (threads, name) in [(1, "1 thread, one core"), (8, "8 threads"), (64, "64 threads")] {
            let mut contestants = from_c();
            contestants.push(contestant("reqwest::blocking", Kind::Reqwest));
            add(format!("{over}, {name}"), threads, 1, contestants, "libcurl easy from C");
        }
        let contestants = [
            ("libmmx", "libmmx-thread"),
            ("libmmx, main thread (Ctrl-C)", "libmmx"),
            ("pycurl", "pycurl"),
            ("requests", "requests"),
            ("httpx", "httpx"),
        ];
        let contestants = contestants.map(|(name, argument)| with(name, Kind::Python, argument));
        add(format!("{over}, Python, one core"), 1, 8, contestants.into(), "pycurl");
        // On one core Go has to find out that a thread waits in C before others may run.
        let go = [(1, "1 goroutine, one core"), (1, "1 goroutine"), (8, "8 goroutines"), (64, "64 goroutines")];
        for (threads, name) in go {
            let contestants = vec![with("libmmx from Go", Kind::Go, "libmmx"), with("net/http", Kind::Go, "net/http")];
            add(format!("{over}, Go, {name}"), threads, 1, contestants, "net/http");
        }
    }
    for (name, one_root) in [("system's roots", false), ("one root", true)] {
        groups.push(Group {
            name: format!("first HTTPS call, {name}"),
            scheme: Scheme::Https,
            task: Task::First,
            one_root,
            one_core: false,
            contestants: from_c(),
            peer: "libcurl easy from C",
        });
    }
    for (scheme, over) in [(Scheme::Http, "HTTP"), (Scheme::Https, "HTTPS")] {
        for (way, name) in [(Way::Up, "upload"), (Way::Down, "download")] {
            groups.push(Group {
                name: format!("{over}, {name} of {mib} MiB"),
                scheme,
                task: Task::Transfer(way),
                one_root: false,
                one_core: false,
                contestants: from_c(),
                peer: "libcurl easy from C",
            });
        }
    }
    groups
}

/// Keeps the contestants that are wanted by their group's name and their own; a group that keeps one keeps the peer too.
pub(crate) fn select(groups: &mut Vec<Group>, selection: &Selection) {
    for group in &mut *groups {
        let (name, peer) = (group.name.clone(), group.peer);
        let wanted = |contestant: &Contestant| selection.wants(&format!("{name} {}", contestant.name));
        let any = group.contestants.iter().any(wanted);
        group.contestants.retain(|contestant| any && (contestant.name == peer || wanted(contestant)));
    }
    groups.retain(|group| !group.contestants.is_empty());
}

impl Program {
    pub(crate) fn with(&self, argument: &str) -> Program {
        Program(self.0.iter().cloned().chain([argument.into()]).collect())
    }
}
