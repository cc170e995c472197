//! Compiles and runs every program of `tests/cpp` against one stand-in server, with each compiler, and compiles `mmx.hpp` in every
//! standard, with and without exceptions, where a warning is an error.
//!
//! The first lines of a program may say how it is built: `// flags: …`, and `// with: FILE` for a second unit, which is built
//! without exceptions.

mod common;

use libtest_mimic::{Arguments, Failed, Trial};
use mmx_sandbox::Sandbox;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::{fs, process};

/// The compiler, the package that has it, and its names of the standards.
const COMPILERS: [(&str, &str, [&str; 3]); 2] =
    [("g++", "g++", ["c++17", "c++20", "c++23"]), ("clang++", "clang", ["c++17", "c++20", "c++2b"])];
const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];

fn main() -> process::ExitCode {
    let sandbox = Arc::new(Sandbox::start_strict().expect("the stand-in server starts"));
    let mut trials = Vec::new();
    for (compiler, package, standards) in COMPILERS {
        for standard in standards {
            let name = format!("cpp::header::{compiler}::{standard}");
            trials.push(Trial::test(name, move || header(compiler, package, standard)));
        }
        let (name, server) = (format!("cpp::pages::{compiler}"), sandbox.clone());
        trials.push(Trial::test(name, move || pages(compiler, package, &server)));
        for source in programs() {
            let sandbox = sandbox.clone();
            let name = format!("cpp::{}::{compiler}", source.file_stem().unwrap().to_string_lossy());
            trials.push(Trial::test(name, move || run(&source, compiler, package, standards, &sandbox)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn programs() -> Vec<PathBuf> {
    let entries = fs::read_dir(common::root().join("tests/cpp")).expect("tests/cpp");
    let mut programs: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    programs.retain(|path| path.extension().is_some_and(|extension| extension == "cpp"));
    let examples = fs::read_dir(common::root().join("examples/cpp")).expect("examples/cpp");
    programs.extend(examples.map(|entry| entry.expect("an entry").path()));
    programs.sort();
    assert!(programs.len() >= 7, "only {} programs found", programs.len());
    programs
}

fn compile(compiler: &str, package: &str, arguments: &[&str]) -> Result<(), Failed> {
    let mut command = Command::new(compiler);
    command.current_dir(common::root()).args(WARNINGS).args(["-Iinclude", "-Itests/cpp"]).args(arguments);
    let done =
        command.output().map_err(|error| format!("{compiler} can't run ({error}); install the package {package}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}\n{}", String::from_utf8_lossy(&done.stderr)).into())
}

/// The header alone, twice, and with every template used.
fn header(compiler: &str, package: &str, standard: &str) -> Result<(), Failed> {
    is_bounded();
    let folder = common::target().join("cpp/header").join(compiler).join(standard);
    fs::create_dir_all(&folder)?;
    let alone = folder.join("alone.cpp");
    fs::write(&alone, "#include <mmx.hpp>\n#include <mmx.hpp>\n")?;
    let standard = format!("-std={standard}");
    let alone = alone.to_string_lossy();
    for more in ["-fexceptions", "-fno-exceptions"] {
        compile(compiler, package, &[&standard, "-fsyntax-only", more, &alone])?;
    }
    compile(compiler, package, &[&standard, "-fsyntax-only", "tests/cpp/calls.cpp"])?;
    compile(compiler, package, &[&standard, "-fsyntax-only", "-fno-exceptions", "tests/cpp/no_exceptions.cpp"])
}

/// The blocks of C++ on pages. Those that are programs are run, with a file to upload.
fn pages(compiler: &str, package: &str, sandbox: &Sandbox) -> Result<(), Failed> {
    let folder = common::target().join("cpp/pages").join(compiler);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("voice.mp3"), vec![1; 100_000])?;
    let (blocks, mut run) = (common::blocks("cpp"), 0);
    for (page, code) in &blocks {
        let file = folder.join("page.cpp");
        fs::write(&file, code)?;
        let file = file.to_string_lossy();
        compile(compiler, package, &["-std=c++17", "-fsyntax-only", &file])?;
        if code.contains("int main(") {
            let program = folder.join("page");
            let library = format!("-L{}", common::library().display());
            compile(compiler, package, &["-std=c++17", &file, &library, "-lmmx", "-o", &program.to_string_lossy()])?;
            let url = sandbox.account_url(&format!("pages-{compiler}"));
            let settings = [("MINIMAX_API_KEY", mmx_sandbox::API_KEY), ("MINIMAX_BASE_URL", &url)];
            common::run(Command::new(&program).arg("voice.mp3").current_dir(&folder), &settings)
                .map_err(|error| format!("{page}: {error}"))?;
            run += 1;
        }
    }
    assert!(blocks.len() >= 4 && run >= 2, "only {} blocks and {run} programs found", blocks.len());
    Ok(())
}

/// The interface can be read in one sitting.
fn is_bounded() {
    let lines = fs::read_to_string(common::root().join("include/mmx.hpp")).expect("include/mmx.hpp").lines().count();
    assert!(lines <= 500, "mmx.hpp has {lines} lines");
}

fn run(source: &Path, compiler: &str, package: &str, standards: [&str; 3], sandbox: &Sandbox) -> Result<(), Failed> {
    let text = fs::read_to_string(source)?;
    let said = |what: &str| {
        text.lines().take(5).find_map(|line| line.split_once(what)).map(|(_, rest)| rest.trim().to_owned())
    };
    let name = source.file_stem().unwrap().to_string_lossy().into_owned();
    let folder = common::target().join("cpp").join(compiler);
    fs::create_dir_all(&folder)?;
    let program = folder.join(&name);
    let (source, output) = (source.to_string_lossy(), program.to_string_lossy());
    let library = format!("-L{}", common::library().display());
    let standard = format!("-std={}", standards[usize::from(compiler != "g++")]);
    let flags = said("flags: ").unwrap_or_default();
    let mut arguments: Vec<_> = [standard.as_str(), "-g", "-O1", "-pthread", &source].into();
    arguments.extend(flags.split_whitespace());
    let object = folder.join(format!("{name}.second.o"));
    let object = object.to_string_lossy();
    if let Some(second) = said("with: ") {
        let second = format!("tests/cpp/{second}");
        compile(compiler, package, &[&standard, "-fno-exceptions", "-x", "c++", "-c", &second, "-o", &object])?;
        arguments.push(&object);
    }
    arguments.extend([library.as_str(), "-lmmx", "-o", &output]);
    compile(compiler, package, &arguments)?;
    let ca_file = sandbox.ca_file().to_string_lossy();
    let account = sandbox.account_url(&format!("{name}-{compiler}"));
    let settings = [
        ("MMX_TEST_HTTP", sandbox.http_url()),
        ("MMX_TEST_HTTPS", sandbox.https_url()),
        ("MMX_TEST_CA", &ca_file),
        ("MMX_TEST_KEY", mmx_sandbox::API_KEY),
        ("MMX_TEST_ACCOUNT", &format!("{name}-{compiler}")),
        ("MINIMAX_API_KEY", mmx_sandbox::API_KEY),
        ("MINIMAX_BASE_URL", &account),
    ];
    let mut command = Command::new(&program);
    // Examples are run as their users do.
    let mut printed = String::new();
    match name.as_str() {
        "life" => {
            let file = folder.join("hello.mp3");
            fs::write(&file, vec![1; 100_000])?;
            command.arg(&file).arg("voice_clone");
            printed = "the same, byte for byte\ndeleted: ".into();
        }
        "clean_up" => {
            command.arg("--delete");
            printed = " deleted\n".into();
        }
        _ => {}
    }
    let found = common::run(&mut command, &settings)?;
    if found.contains(&printed) { Ok(()) } else { Err(found.into()) }
}
