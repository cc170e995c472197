//! `make demo`: the main job end to end, against a stand-in server on this machine. Each step runs one of the example
//! programs as a user would, then looks at the server to see what really happened.

mod ledger;
mod prune;

use mmx_sandbox::{API_KEY, Sandbox, seeded_files};
use std::env;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const ACCOUNT: &str = "demo";

struct Demo {
    sandbox: Sandbox,
    plain: reqwest::blocking::Client,
    library: PathBuf,
    colours: bool,
    ok: bool,
}

/// What a step expects to find at the server afterwards.
enum Expect {
    Gone(i64),
    Kept(i64),
}

fn main() -> ExitCode {
    // The plain client speaks http:// alone here, but wants to know who would encrypt.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut demo = Demo {
        sandbox: Sandbox::start_strict().expect("the stand-in server starts"),
        plain: reqwest::blocking::Client::builder().no_proxy().build().expect("a plain client"),
        library: target.join("release"),
        colours: std::io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none(),
        ok: true,
    };
    let files = seeded_files();
    println!("{}", demo.bold("libmmx: a client for the MiniMax file API"));
    println!("A stand-in server runs on this machine for this demo. No real account is touched.\n");
    println!("  server  {}", demo.sandbox.account_url(ACCOUNT));
    println!("  files   {} of them, such as", files.len());
    for (file_id, purpose) in &files[..3] {
        println!("          {file_id}  {purpose}");
    }

    let recording = target.join("demo-recording.mp3");
    std::fs::write(&recording, vec![7; 3 << 20]).expect("a file to upload");
    let (c, c_life) = (demo.c_program(&target, "delete"), demo.c_program(&target, "life"));
    let (go, go_life) = (demo.go_program(&target, "delete"), demo.go_program(&target, "life"));
    let (python, python_life) = (python_program("delete"), python_program("life"));
    demo.life("A file's whole life, from C", "examples/c/life.c", &c_life, &recording);
    demo.life("From Python", "examples/python/life.py", &python_life, &recording);
    demo.life("From Go", "examples/go/life", &go_life, &recording);

    let (first, second, third, fourth) = (files[0], files[1], files[2], files[3]);
    demo.step("Delete one file from C", "examples/c/delete.c", &c, first, API_KEY, Expect::Gone(first.0));
    demo.step("From Python", "examples/python/delete.py", &python, third, API_KEY, Expect::Gone(third.0));
    demo.step("From Go", "examples/go/delete", &go, fourth, API_KEY, Expect::Gone(fourth.0));
    demo.step(
        "A typo in the purpose",
        "what a refusal says",
        &c,
        (second.0, "prompt_audoi"),
        API_KEY,
        Expect::Kept(second.0),
    );
    demo.step("A wrong key", "the commonest mistake", &c, second, "sk-api-of-another-region", Expect::Kept(second.0));
    demo.fault(r#"{"close_before_answer": "rst"}"#);
    demo.step("The answer gets lost", "and a look at the file settles it", &c, second, API_KEY, Expect::Gone(second.0));
    let temporary = demo.c_program(&target, "temporary");
    demo.ledger(&target, &temporary, &recording);
    demo.prune(&target);

    if demo.ok {
        println!("\n{}", demo.green("Everything went as it should. `make test` runs every test."));
        ExitCode::SUCCESS
    } else {
        println!("\n{}", demo.red("Something did not go as it should: see above."));
        ExitCode::FAILURE
    }
}

fn python_program(name: &str) -> Vec<String> {
    vec!["python3".into(), root().join(format!("examples/python/{name}.py")).to_string_lossy().into_owned()]
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Demo {
    /// What a user would type to build it.
    fn c_program(&self, target: &Path, name: &str) -> Vec<String> {
        let (source, program) = (format!("examples/c/{name}.c"), target.join(format!("demo-{name}")));
        let built = Command::new("cc")
            .current_dir(root())
            .args(["-Iinclude", &source, "-lmmx", "-o"])
            .arg(&program)
            .arg(format!("-L{}", self.library.display()))
            .status();
        assert!(built.is_ok_and(|status| status.success()), "cc could not build {source}");
        vec![program.to_string_lossy().into_owned()]
    }

    fn go_program(&self, target: &Path, name: &str) -> Vec<String> {
        let (folder, program) = (format!("examples/go/{name}"), target.join(format!("demo-{name}-go")));
        let built = Command::new("go")
            .current_dir(root().join(&folder))
            .args(["build", "-o"])
            .arg(&program)
            .env("PKG_CONFIG_PATH", target.join("pkgconfig"))
            .status();
        assert!(built.is_ok_and(|status| status.success()), "go could not build {folder}");
        vec![program.to_string_lossy().into_owned()]
    }

    fn step(&mut self, title: &str, note: &str, program: &[String], file: (i64, &str), key: &str, expect: Expect) {
        println!("\n{}  {}", self.bold(title), self.dim(note));
        let (file_id, purpose) = (file.0.to_string(), file.1);
        println!("  $ delete {file_id} {purpose}");
        self.run(program, &[&file_id, purpose], key);
        let (file_id, wanted_gone, says) = match expect {
            Expect::Gone(file_id) => (file_id, true, "the server no longer has it"),
            Expect::Kept(file_id) => (file_id, false, "the server still has it"),
        };
        if self.has(file_id) == wanted_gone {
            self.ok = false;
            println!("  {}", self.red(&format!("✗ not so: {says}")));
        } else {
            println!("  {}", self.green(&format!("✓ {says}")));
        }
    }

    /// Runs an example as a user would and shows what it prints.
    fn run(&self, program: &[String], arguments: &[&str], key: &str) -> String {
        let output = Command::new(&program[0])
            .args(&program[1..])
            .args(arguments)
            .env("LD_LIBRARY_PATH", &self.library)
            .env("MMX_LIBRARY", self.library.join("libmmx.so"))
            .env("PYTHONPATH", root().join("bindings/python"))
            .env("MINIMAX_API_KEY", key)
            .env("MINIMAX_BASE_URL", self.sandbox.account_url(ACCOUNT))
            .output()
            .expect("the example runs");
        // The bars first: what came of it is said below them.
        let printed = [output.stderr, output.stdout].map(|text| String::from_utf8_lossy(&text).into_owned());
        for line in printed.iter().flat_map(|text| text.lines()).filter(|line| !line.is_empty()) {
            // Of a bar that is drawn over itself, how it looks in the end.
            let line = line.rsplit('\r').next().unwrap_or_default();
            let lines = if line.chars().count() > WIDTH { wrapped(line) } else { vec![line.to_owned()] };
            lines.iter().for_each(|line| println!("    {line}"));
        }
        printed.concat()
    }

    fn life(&mut self, title: &str, note: &str, program: &[String], file: &Path) {
        println!("\n{}  {}", self.bold(title), self.dim(note));
        println!("  $ life {} voice_clone", file.file_name().unwrap_or_default().to_string_lossy());
        let before = self.files().len();
        let printed = self.run(program, &[&file.to_string_lossy(), "voice_clone"], API_KEY);
        if printed.contains("the same") && printed.contains("deleted") && self.files().len() == before {
            println!("  {}", self.green("✓ what came back is what was sent, and the server is as it was"));
        } else {
            self.ok = false;
            println!("  {}", self.red("✗ what came back is not what was sent, or the server is not as it was"));
        }
    }

    fn has(&self, file_id: i64) -> bool {
        self.files().iter().any(|file| file["file_id"] == file_id)
    }

    fn files(&self) -> Vec<serde_json::Value> {
        let files =
            self.plain.get(format!("{}/files", self.sandbox.control_url(ACCOUNT))).send().and_then(|r| r.json());
        files.expect("the stand-in server answers")
    }

    fn fault(&self, fault: &str) {
        let url = format!("{}/faults", self.sandbox.control_url(ACCOUNT));
        let answer = self.plain.post(url).body(fault.to_owned()).send().and_then(|r| r.error_for_status());
        answer.expect("the stand-in server takes the fault");
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    fn green(&self, text: &str) -> String {
        self.paint("32", text)
    }

    fn red(&self, text: &str) -> String {
        self.paint("31", text)
    }
}

/// Lines of a length that people read.
const WIDTH: usize = 92;

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("one at least");
        if !line.is_empty() && line.chars().count() + word.chars().count() >= WIDTH {
            lines.push(format!("  {word}"));
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
