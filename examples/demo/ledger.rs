//! An upload whose process is killed before the response: the server has a file that nobody knows of, and a sweep of the
//! ledger finds and deletes it.

use super::{ACCOUNT, Demo};
use mmx_sandbox::API_KEY;
use std::path::Path;
use std::process::{Command, Stdio};

impl Demo {
    pub(super) fn ledger(&mut self, target: &Path, program: &[String], file: &Path) {
        println!("\n{}  {}", self.bold("An upload whose process is killed"), self.dim("examples/c/temporary.c"));
        let ledger = target.join("demo-ledger.jsonl");
        let _ = std::fs::remove_file(&ledger);
        let before = self.files().len();
        println!("  $ temporary demo-recording.mp3 voice_clone demo-ledger.jsonl");
        self.fault(r#"{"call": "upload", "hang": true}"#);
        let child = Command::new(&program[0])
            .arg(file)
            .arg("voice_clone")
            .arg(&ledger)
            .env("LD_LIBRARY_PATH", &self.library)
            .env("MINIMAX_API_KEY", API_KEY)
            .env("MINIMAX_BASE_URL", self.sandbox.account_url(ACCOUNT))
            .stdin(Stdio::null())
            .spawn();
        let mut child = child.expect("the example starts");
        self.wait_for_a_file_beyond(before);
        child.kill().expect("a child of ours");
        child.wait().expect("the example ends");
        let text = format!(
            "killed (kill -9) before the response came: the server has {} files, one more than before",
            self.files().len()
        );
        println!("    {}", self.dim(&text));
        println!("  $ mmx-files sweep --ledger demo-ledger.jsonl");
        let command = target.join("cli/mmx-files").to_string_lossy().into_owned();
        self.run(&[command], &["sweep", "--ledger", &ledger.to_string_lossy()], API_KEY);
        let is_swept = std::fs::read_to_string(&ledger).is_ok_and(|text| text.contains("\"why\":\"deleted\""));
        if self.files().len() == before && is_swept {
            println!("  {}", self.green("✓ the file is found by the ledger and gone, and the server is as it was"));
        } else {
            self.ok = false;
            println!("  {}", self.red("✗ not so: the file is still there"));
        }
    }

    /// The upload is stored once it is listed.
    fn wait_for_a_file_beyond(&self, before: usize) {
        let url = format!("{}/wait?call=upload&count=4", self.sandbox.control_url(ACCOUNT));
        let answer = self.plain.get(url).send().and_then(|answer| answer.error_for_status());
        answer.expect("the stand-in server answers");
        assert!(self.files().len() > before, "the upload is not stored");
    }
}
