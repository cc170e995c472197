//! An account that is full: what fills it, and a prune that is killed on the way and goes on.

use super::{Demo, root};
use mmx_sandbox::API_KEY;
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

const ACCOUNT: &str = "demo-full";
const OLD: i64 = 420;
const MASTERS: i64 = 6;
const NEW: i64 = 60;
const VOICES: i64 = 40;
const DAY: i64 = 24 * 3600;
/// When the plug is pulled.
const HALF: i64 = 200;

impl Demo {
    pub(super) fn prune(&mut self, target: &Path) {
        println!("\n{}  {}", self.bold("An account that is full"), self.dim("the command mmx-files"));
        self.fill();
        let (program, journal) = (target.join("cli/mmx-files"), target.join("demo-prune.jsonl"));
        let _ = std::fs::remove_file(&journal);
        self.show(&program, &["usage"], &[], None);

        println!("\n{}  {}", self.bold("Prune it"), self.dim("and pull the plug on the way: kill -9"));
        let words =
            ["prune", "--purpose", "t2a_async", "--older-than", "7d", "--keep", "master-*", "--yes", "--journal"];
        let path = journal.to_string_lossy().into_owned();
        self.show(&program, &words, &[&path], Some(HALF));
        let receipts = receipts(&journal);
        println!("  {}", self.dim(&format!("killed; the journal has the receipts of {receipts} files")));

        println!("\n{}  {}", self.bold("The same again"), self.dim("it goes on where it was ended"));
        self.show(&program, &words, &[&path], None);
        self.look_after(&journal);
    }

    /// Speech of long ago and of yesterday, some of it to be kept, and voices.
    fn fill(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs().cast_signed();
        let file = |id: i64, purpose: &str, days: i64, name: String| {
            let bytes = if purpose == "t2a_async" { 0 } else { 1_500_000 + id % 977 * 1024 };
            let file_id = 176_844_028_768_000 + id;
            let created_at = now - days * DAY;
            json!({"file_id": file_id, "purpose": purpose, "created_at": created_at, "filename": name, "bytes": bytes})
        };
        let old = (0..OLD).map(|id| file(id, "t2a_async", 9 + id % 60, format!("chapter-{id}.tar")));
        let masters = (0..MASTERS).map(|id| file(1000 + id, "t2a_async", 90, format!("master-{id}.tar")));
        let new = (0..NEW).map(|id| file(2000 + id, "t2a_async", id % 6, format!("draft-{id}.tar")));
        let voices = (0..VOICES).map(|id| file(3000 + id, "voice_clone", id * 3, format!("voice-{id}.mp3")));
        // A new account has files of its own.
        let removed = self.plain.delete(self.control_url("files")).send().and_then(|answer| answer.error_for_status());
        removed.expect("the files are removed");
        self.control("files", &old.chain(masters).chain(new).chain(voices).collect());
        // As far away as a service is.
        self.control("faults", &json!({"call": "delete", "times": -1, "delay_ms": 120}));
    }

    /// Runs the command as a person sees it, on a terminal with all that moves there. Kills it once so many deletes have
    /// arrived.
    fn show(&self, program: &Path, words: &[&str], more: &[&str], killed_at: Option<i64>) {
        let typed = words.iter().map(|word| if word.contains('*') { format!("'{word}'") } else { (*word).to_owned() });
        let typed = typed.chain(more.iter().map(|path| file_name(path))).collect::<Vec<_>>().join(" ");
        println!("  $ mmx-files {typed}\n");
        let is_on_terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let (mut said, says) = std::io::pipe().expect("a pipe");
        // Both streams in one, so that what is said stays in order. All of it fits into the pipe.
        let stream = || match is_on_terminal {
            true => Stdio::inherit(),
            false => Stdio::from(says.try_clone().expect("a descriptor")),
        };
        let child = Command::new(program)
            .args(words)
            .args(more)
            .current_dir(root())
            .env("MINIMAX_API_KEY", API_KEY)
            .env("MINIMAX_BASE_URL", self.sandbox.account_url(ACCOUNT))
            .stdin(Stdio::null())
            .stdout(stream())
            .stderr(stream())
            .spawn();
        let mut child = child.expect("the command starts");
        if let Some(count) = killed_at {
            self.asked(&format!("wait?call=delete&count={count}"));
            child.kill().expect("a child of ours");
        }
        child.wait().expect("the command ends");
        drop(says);
        let mut text = String::new();
        said.read_to_string(&mut text).expect("what it said");
        for line in text.lines() {
            println!("{}", if line.is_empty() { String::new() } else { format!("    {line}") });
        }
        if is_on_terminal && killed_at.is_some() {
            println!();
        }
    }

    /// What the server has in the end, and what the journal says of it.
    fn look_after(&mut self, journal: &Path) {
        let files: Vec<Value> = serde_json::from_str(&self.asked("files")).expect("a list of files");
        let deleted = self.asked("count?call=delete&performed=1");
        let is_right = i64::try_from(files.len()) == Ok(MASTERS + NEW + VOICES)
            && deleted.trim() == OLD.to_string()
            && receipts(journal) == usize::try_from(OLD + MASTERS).unwrap_or_default();
        if is_right {
            let text = format!(
                "✓ {OLD} files are gone, each deleted once and told of once; the other {} are there",
                files.len()
            );
            println!("\n  {}", self.green(&text));
        } else {
            self.ok = false;
            println!("\n  {}", self.red("✗ not so: the server and the journal don't agree"));
        }
    }

    fn control_url(&self, what: &str) -> String {
        format!("{}/{what}", self.sandbox.control_url(ACCOUNT))
    }

    fn control(&self, what: &str, body: &Value) {
        let answer =
            self.plain.post(self.control_url(what)).json(body).send().and_then(|answer| answer.error_for_status());
        answer.expect("the stand-in server takes it");
    }

    fn asked(&self, what: &str) -> String {
        let answer = self.plain.get(self.control_url(what)).send().and_then(|answer| answer.error_for_status());
        answer.and_then(|answer| answer.text()).expect("the stand-in server answers")
    }
}

/// Whole lines with an outcome.
fn receipts(journal: &Path) -> usize {
    let text = std::fs::read_to_string(journal).unwrap_or_default();
    text.split_inclusive('\n').filter(|line| line.ends_with('\n') && line.contains("\"settled_at_ms\":")).count()
}

fn file_name(path: &str) -> String {
    PathBuf::from(path).file_name().unwrap_or_default().to_string_lossy().into_owned()
}
