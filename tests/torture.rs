//! Disturbs the library's calls at every point where that can be done, with the programs of `tests/torture`: a seeded part
//! of the points, or every one with MMX_TEST_ONE_IN=1 (`make torture`).

mod common;

use mmx_sandbox::Sandbox;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

fn source(name: &str) -> PathBuf {
    common::root().join("tests/torture").join(name)
}

fn compile(source: &Path, output: &Path, more: &[&str]) {
    let folder = |name: &str| format!("-I{}", common::root().join(name).display());
    let includes = [folder("tests/c"), folder("tests/torture")];
    let flags: Vec<_> = includes.iter().map(String::as_str).chain(more.iter().copied()).collect();
    common::compile("cc", "c11", source, output, &flags).unwrap_or_else(|error| panic!("{error}"));
}

/// Runs a program against a stand-in server of its own, and shows what it counts.
fn run(source: &Path, more: &[(&str, &str)]) {
    let sandbox = Sandbox::start_strict().expect("the stand-in server starts");
    let program = common::target().join("torture").join(source.file_stem().unwrap());
    compile(source, &program, &[]);
    let settings = common::settings(&sandbox);
    let settings: Vec<_> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).chain(more.iter().copied()).collect();
    match common::run(&mut Command::new(&program), &settings) {
        Ok(printed) => print!("{printed}"),
        Err(error) => panic!("{error}"),
    }
}

/// The library whose functions of libc fail when a program wants it.
fn preloaded() -> String {
    static BUILT: OnceLock<String> = OnceLock::new();
    BUILT.get_or_init(compile_preloaded).clone()
}

fn compile_preloaded() -> String {
    let output = common::target().join("torture/preload.so");
    fs::create_dir_all(output.parent().unwrap()).unwrap();
    let mut command = Command::new("cc");
    command.args("-std=c11 -g -O1 -Wall -Wextra -Wpedantic -Werror -shared -fPIC".split(' '));
    let done = command.arg("-o").arg(&output).arg(source("preload.c")).arg("-ldl").output();
    let done = done.unwrap_or_else(|error| panic!("cc can't run ({error}); install the package gcc"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    output.to_string_lossy().into_owned()
}

#[test]
fn cut() {
    run(&source("cut.c"), &[]);
}

#[test]
fn system_calls() {
    run(&source("system_calls.c"), &[]);
}

#[test]
fn functions() {
    run(&source("functions.c"), &[("LD_PRELOAD", &preloaded())]);
}

#[test]
fn reported() {
    run(&source("reported.c"), &[("LD_PRELOAD", &preloaded())]);
}
