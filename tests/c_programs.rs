//! Compiles and runs every program of `tests/c`, each as a test of its own, against one stand-in server.
//!
//! A program is found by its name alone. Its first lines may say how it is built: `// flags: -DX` or
//! `/* flags: … */`. Two more are made from the header.

mod common;

use libtest_mimic::{Arguments, Failed, Trial};
use mmx_sandbox::Sandbox;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::{fs, process, thread};

fn main() -> process::ExitCode {
    let sandbox = Arc::new(Sandbox::start_strict().expect("the stand-in server starts"));
    let mut programs: Vec<_> = fs::read_dir(common::root().join("tests/c"))
        .expect("tests/c")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    programs.push(common::null_sweep::write());
    programs.push(common::bad_calls::write());
    programs.sort();
    // What C reads no JSON and no Markdown for.
    let tables = Arc::new([
        ("MMX_TEST_FAILURES", common::failures::write().to_string_lossy().into_owned()),
        ("MMX_TEST_RETRIES", common::page::write().to_string_lossy().into_owned()),
    ]);
    let mut arguments = Arguments::from_args();
    let shows = arguments.nocapture;
    let trials = programs.into_iter().map(|path| {
        let (sandbox, tables) = (sandbox.clone(), tables.clone());
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Trial::test(format!("c::{name}"), move || {
            let printed = test(&path, &name, &sandbox, &*tables)?;
            if shows {
                print!("{printed}");
            }
            Ok(())
        })
    });
    // Most of their time they wait.
    arguments.test_threads.get_or_insert(1 + thread::available_parallelism().map_or(1, usize::from));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn test(source: &Path, name: &str, sandbox: &Sandbox, tables: &[(&str, String)]) -> Result<String, Failed> {
    let program = common::target().join("c").join(name);
    let text = fs::read_to_string(source)?;
    let flags = text.lines().take(5).find_map(|line| line.split_once("flags: ")).map_or("", |(_, flags)| flags);
    // A program that was made stands elsewhere than what it includes.
    let includes = format!("-I{}", common::root().join("tests/c").display());
    let flags: Vec<_> = flags.trim_end_matches("*/").split_whitespace().chain([includes.as_str()]).collect();
    common::compile("cc", "c11", source, &program, &flags)?;
    let settings = common::settings(sandbox);
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    let tables = tables.iter().map(|(name, file)| (*name, file.as_str()));
    let settings: Vec<_> = settings.chain(tables).collect();
    Ok(common::run(&mut Command::new(&program), &settings)?)
}
