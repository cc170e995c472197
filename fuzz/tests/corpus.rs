//! Every target over its committed corpus and over mutations of it, which are the same in each run. `MMX_FUZZ_SEED` and
//! `MMX_FUZZ_MUTATIONS` make others and more.

use fastrand::Rng;
use mmx_fuzz::{TARGETS, Target, corpus};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::{env, fs, thread};

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Runs a target, and says which input made it fail.
fn run(target: &Target, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(input))) {
        eprintln!("{}: this input failed: b\"{}\"", target.name, input.escape_ascii());
        resume_unwind(panic);
    }
}

fn over_the_corpus(target: &Target, seed: u64) -> usize {
    let files = corpus::read(target.name);
    assert!(files.len() >= 3, "{}: {} files", target.name, files.len());
    for file in &files {
        run(target, file);
    }
    let mut random = Rng::with_seed(seed);
    let mutations = number("MMX_FUZZ_MUTATIONS").map_or(target.mutations, |count| count as usize);
    for _ in 0..mutations {
        run(target, &corpus::mutated(&files, &mut random));
    }
    files.len() + mutations
}

#[test]
fn no_input_breaks_a_promise() {
    let seed = number("MMX_FUZZ_SEED").unwrap_or(1);
    let runs: usize = thread::scope(|scope| {
        let threads: Vec<_> =
            TARGETS.iter().map(|target| (target, scope.spawn(move || over_the_corpus(target, seed)))).collect();
        let joined = threads
            .into_iter()
            .map(|(target, thread)| thread.join().unwrap_or_else(|_| panic!("{} failed: see above", target.name)));
        joined.sum()
    });
    println!("{runs} runs of {} targets with the seed {seed}", TARGETS.len());
}

#[test]
fn each_folder_of_the_corpus_is_a_targets() {
    let folders = fs::read_dir(corpus::folder("")).expect("the corpus");
    let mut folders: Vec<_> = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let mut targets: Vec<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    folders.sort();
    targets.sort();
    assert_eq!(folders, targets);
}
