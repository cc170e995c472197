//! Shared by the tests: the stand-in server, an account for each test, and runs of the command.

use mmx_sandbox::{API_KEY, Sandbox};
use reqwest::blocking::{Client, Response};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A run that takes longer hangs.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::start_strict().expect("the stand-in server starts"));

static PLAIN: LazyLock<Client> = LazyLock::new(|| {
    // It speaks http:// alone here, but wants to know who would encrypt.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a plain client")
});

pub(crate) fn sandbox() -> &'static Sandbox {
    &SANDBOX
}

/// An account of the stand-in server.
pub(crate) struct Account {
    name: &'static str,
}

impl Account {
    /// Without files.
    pub(crate) fn empty(name: &'static str) -> Account {
        let account = Account { name };
        account.delete("files");
        account
    }

    /// With these files.
    pub(crate) fn of(name: &'static str, files: Value) -> Account {
        let account = Account::empty(name);
        account.post("files", files);
        account
    }

    /// With so many files of `voice_clone`, from id 1 on.
    pub(crate) fn with(name: &'static str, count: usize) -> Account {
        Account::of(name, json!({ "count": count, "first_id": 1, "purpose": "voice_clone" }))
    }

    pub(crate) fn url(&self) -> String {
        SANDBOX.account_url(self.name)
    }

    fn control(&self, what: &str) -> String {
        format!("{}/{what}", SANDBOX.control_url(self.name))
    }

    pub(crate) fn post(&self, what: &str, body: Value) {
        let posted = PLAIN.post(self.control(what)).json(&body).send().and_then(Response::error_for_status);
        posted.expect("the stand-in server takes it");
    }

    pub(crate) fn delete(&self, what: &str) {
        let deleted = PLAIN.delete(self.control(what)).send().and_then(Response::error_for_status);
        deleted.expect("the stand-in server takes it");
    }

    pub(crate) fn fault(&self, fault: Value) {
        self.post("faults", fault);
    }

    pub(crate) fn get(&self, what: &str) -> String {
        let text = PLAIN.get(self.control(what)).send().and_then(Response::error_for_status).and_then(Response::text);
        text.expect("the stand-in server answers")
    }

    /// The ids that it holds, in order.
    pub(crate) fn ids(&self) -> Vec<i64> {
        let files: Vec<Value> = serde_json::from_str(&self.get("files")).expect("a list of files");
        let mut ids: Vec<_> = files.iter().map(|file| file["file_id"].as_i64().expect("an id")).collect();
        ids.sort_unstable();
        ids
    }

    /// The requests that arrived.
    pub(crate) fn journal(&self) -> Vec<Value> {
        serde_json::from_str(&self.get("journal")).expect("a journal")
    }

    /// The command with nothing of our environment but what it needs, and this account.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("MINIMAX_API_KEY", API_KEY).env("MINIMAX_BASE_URL", self.url());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.command(arguments), "")
    }

    /// In a folder.
    pub(crate) fn run_in(&self, folder: &TempDir, arguments: &[&str]) -> Run {
        run(self.command(arguments).current_dir(folder), "")
    }

    /// With what it reads on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        run(&mut self.command(arguments), input)
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mmx-files"));
    command.args(arguments).env_clear();
    command
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn run(command: &mut Command, input: &str) -> Run {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // One that ends without reading it closes the pipe: that is its right.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("the command ends");
    Run::from(output)
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Run {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Run {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Both streams hold these, in any order.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Run {
        for text in texts {
            assert!(self.out.contains(text) || self.err.contains(text), "not said: {text:?}\n{self:#?}");
        }
        self
    }

    /// The lines of standard output, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(read).collect()
    }
}

/// Asks until the answer is yes.
#[track_caller]
pub(crate) fn until(what: impl Debug, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONGEST, "never so: {what:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for its end; one that never ends is ended.
pub(crate) fn end(mut child: Child) -> Run {
    let started = Instant::now();
    while child.try_wait().expect("a child of ours").is_none() {
        if started.elapsed() > LONGEST {
            let _ = child.kill();
            panic!("the command never ended: {:#?}", Run::from(child.wait_with_output().expect("what it said")));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Run::from(child.wait_with_output().expect("what it said"))
}
