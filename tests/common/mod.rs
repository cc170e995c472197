//! What the test programs share: the library as users link it, built once, and how to run what links it.
#![allow(dead_code)] // Each test program uses a part.

pub(crate) mod arguments;
pub(crate) mod bad_calls;
pub(crate) mod failures;
pub(crate) mod header;
pub(crate) mod null_sweep;
pub(crate) mod page;
pub(crate) mod schema;

use mmx_sandbox::{API_KEY, Sandbox};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fs};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The blocks of code in a language on the README and the pages of docs, each with the name of its page.
pub(crate) fn blocks(language: &str) -> Vec<(String, String)> {
    let mut pages: Vec<_> = fs::read_dir(root().join("docs")).expect("docs").map(|page| page.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.push(root().join("README.md"));
    pages.sort();
    let mut blocks = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).expect("a page");
        for after in text.split(&format!("\n```{language}\n")).skip(1) {
            let code = after.split("```").next().expect("a block").to_owned();
            blocks.push((page.file_name().expect("a name").to_string_lossy().into_owned(), code));
        }
    }
    blocks
}

/// The folder of `libmmx.so`, built if it isn't there yet or is stale. MMX_TEST_LIBRARY is the folder of another one, e.g.
/// of one that is built with a sanitizer.
pub(crate) fn library() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(folder) = env::var_os("MMX_TEST_LIBRARY") {
            return folder.into();
        }
        let mut make = Command::new("make");
        // What cargo tells a test about its package would make build scripts of dependencies run anew.
        for (name, _) in env::vars_os() {
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|ours| name.to_string_lossy().starts_with(ours))
            {
                make.env_remove(&name);
            }
        }
        let built = make.args(["--silent", "lib"]).current_dir(root()).status();
        assert!(built.expect("make runs").success(), "`make lib` failed");
        target().join("release")
    })
}

/// Where a test program finds the stand-in server, and what it needs of it.
pub(crate) fn settings(sandbox: &Sandbox) -> Vec<(&'static str, String)> {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    vec![
        ("MMX_TEST_HTTP", sandbox.http_url().into()),
        ("MMX_TEST_HTTPS", sandbox.https_url().into()),
        ("MMX_TEST_HTTPS_TLS12", sandbox.https_tls12_url().into()),
        ("MMX_TEST_HTTPS_EXPIRED", sandbox.https_expired_url().into()),
        ("MMX_TEST_HTTPS_WRONG_HOST", sandbox.https_wrong_host_url().into()),
        ("MMX_TEST_HTTPS_UNKNOWN_CA", sandbox.https_unknown_ca_url().into()),
        ("MMX_TEST_HTTPS_SELF_SIGNED", sandbox.https_self_signed_url().into()),
        ("MMX_TEST_HTTPS_NO_INTERMEDIATE", sandbox.https_no_intermediate_url().into()),
        ("MMX_TEST_SELF_SIGNED", path(sandbox.self_signed_file())),
        ("MMX_TEST_STORE", sandbox.store_url().into()),
        ("MMX_TEST_HTTPS_STORE", sandbox.https_store_url().into()),
        ("MMX_TEST_CA", path(sandbox.ca_file())),
        ("MMX_TEST_KEY", API_KEY.into()),
    ]
}

/// What a user's build runs: `compiler` with every warning an error, against `include/` and the shared library.
/// MMX_TEST_CC is the compiler in place of cc, e.g. one that adds a sanitizer.
pub(crate) fn compile(
    compiler: &str,
    standard: &str,
    source: &Path,
    output: &Path,
    more: &[&str],
) -> Result<(), String> {
    fs::create_dir_all(output.parent().unwrap()).unwrap();
    let library = library();
    let given = env::var("MMX_TEST_CC").ok().filter(|_| compiler == "cc");
    let mut command = Command::new(given.as_deref().unwrap_or(compiler));
    command
        .args([&format!("-std={standard}"), "-g", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread"])
        .arg(format!("-I{}", root().join("include").display()))
        .arg(source)
        .args(more)
        .arg(format!("-L{}", library.display()))
        .args(["-lmmx", "-o"])
        .arg(output);
    let done = command.output().map_err(|error| format!("{compiler} can't run ({error}); install the package gcc"))?;
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

/// Runs a program that links the library, with nothing of our environment but what it needs and the tests' own settings
/// (MMX_TEST_…), and ends it when it takes too long. Returns what it printed on both streams.
///
/// MMX_TEST_UNDER is a command to run it under, e.g. valgrind; it has more time then.
///
/// MMX_TEST_LONGEST_S is the time that it has.
pub(crate) fn run(program: &mut Command, settings: &[(&str, &str)]) -> Result<String, String> {
    let under = env::var("MMX_TEST_UNDER").unwrap_or_default();
    let longest = env::var("MMX_TEST_LONGEST_S").map(|longest| longest.parse().expect("MMX_TEST_LONGEST_S: seconds"));
    let longest = Duration::from_secs(longest.unwrap_or(if under.is_empty() { 120 } else { 900 }));
    let mut words = under.split_whitespace();
    let mut outer = Command::new(words.next().unwrap_or_default());
    outer.args(words).arg(program.get_program()).args(program.get_args());
    let program = if under.is_empty() { program } else { &mut outer };
    program.env_clear().env("LD_LIBRARY_PATH", library()).stdin(Stdio::null());
    for name in ["PATH", "HOME", "TMPDIR"] {
        program.envs(env::var_os(name).map(|value| (name, value)));
    }
    program.envs(env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MMX_TEST_")));
    program.envs(settings.iter().copied());
    // Files, not pipes: a program that never ends must not hold its reader.
    let log = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let stream = || log.reopen().map(Stdio::from).map_err(|error| error.to_string());
    let mut child = program.stdout(stream()?).stderr(stream()?).spawn().map_err(|error| error.to_string())?;
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break Some(status);
        }
        if started.elapsed() > longest {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let printed = String::from_utf8_lossy(&fs::read(log.path()).unwrap_or_default()).into_owned();
    match status {
        Some(status) if status.success() => Ok(printed),
        Some(status) => Err(format!("{status}\n{printed}")),
        None => Err(format!("not done after {} s\n{printed}", longest.as_secs())),
    }
}
