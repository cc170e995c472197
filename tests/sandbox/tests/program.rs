//! The program: when it ends, and how strict it is.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mmx_sandbox::API_KEY;
use reqwest::blocking::Client;
use serde_json::{Value, json};

struct Program {
    process: Child,
    ready: Value,
    client: Client,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mmx-sandbox"))
}

fn start(arguments: &[&str], stdin: Stdio) -> Program {
    let mut command = command();
    command.arg("--ready-json").args(arguments).stdin(stdin).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().timeout(common::TIME).build().unwrap();
    Program { process, ready: serde_json::from_str(&line).unwrap(), client }
}

impl Program {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ready["http_url"].as_str().unwrap())
    }

    fn terminate(&mut self) {
        let process = self.process.id().to_string();
        assert!(Command::new("kill").arg(process).status().unwrap().success());
        self.ended();
    }

    fn ended(&mut self) {
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
        let ca_file = Path::new(self.ready["ca_file"].as_str().unwrap());
        assert!(!ca_file.exists() && !ca_file.parent().unwrap().exists());
    }
}

/// It is meant for other people's tests: those start it in the background, from where standard input is often empty.
#[test]
fn it_outlives_its_standard_input() {
    let piped = || {
        let mut program = start(&[], Stdio::piped());
        drop(program.process.stdin.take());
        program
    };
    for mut program in [start(&[], Stdio::null()), piped()] {
        // Answered by the server after so long: nothing arrives, so the number is 0.
        let wait = program.client.get(program.url("/control/one/wait?count=1&timeout_ms=500")).send().unwrap();
        assert_eq!((wait.status().as_u16(), wait.text().unwrap()), (408, "0".into()));
        assert!(fs::read_to_string(program.ready["ca_file"].as_str().unwrap()).unwrap().contains("CERTIFICATE"));
        program.terminate();
    }
}

#[test]
fn it_ends_with_its_standard_input_where_that_is_asked_for() {
    let mut program = start(&["--stop-with-stdin"], Stdio::piped());
    let count = || program.client.get(program.url("/control/one/count")).send().unwrap().text().unwrap();
    assert_eq!(count(), "0");
    drop(program.process.stdin.take());
    program.ended();
}

/// A harness may be killed, with no chance to end what it started.
#[test]
fn it_ends_with_whoever_started_it() {
    // The parent keeps the other end of the server's standard input.
    let parent = r#"
import subprocess, sys
server = subprocess.Popen([sys.argv[1], "--ready-json", "--stop-with-stdin"], stdin=subprocess.PIPE)
server.wait()
"#;
    let mut parent = Command::new("python3")
        .args(["-c", parent, env!("CARGO_BIN_EXE_mmx-sandbox")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(parent.stdout.take().unwrap());
    let mut ready = String::new();
    printed.read_line(&mut ready).unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();
    // The server holds the pipe, too: its end is that of the pipe.
    let mut rest = String::new();
    printed.read_to_string(&mut rest).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((rest.as_str(), Path::new(ready["ca_file"].as_str().unwrap()).exists()), ("", false));
}

#[test]
fn it_is_as_strict_as_it_is_told() {
    for (arguments, code) in [(&[][..], 0), (&["--strict"], 2013)] {
        let mut program = start(arguments, Stdio::null());
        let delete = program.client.post(program.url("/t/one/v1/files/delete")).bearer_auth(API_KEY);
        let json: Value = delete.json(&json!({"file_id": common::VOICE})).send().unwrap().json().unwrap();
        assert_eq!(json["base_resp"]["status_code"], code, "{json}");
        program.terminate();
    }
}

#[test]
fn its_help_tells_when_it_ends() {
    let help = command().arg("--help").output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(help.status.success());
    for word in ["--stop-with-stdin", "--strict", "--ready-json", "Ctrl-C", "/control/help"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let wrong = command().arg("--stop-with-stdout").output().unwrap();
    assert_eq!((wrong.status.code(), wrong.stdout.len()), (Some(2), 0));
}
