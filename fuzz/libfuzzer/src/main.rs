//! The target that `MMX_FUZZ_TARGET` names, for libFuzzer: run by `fuzz/run.sh`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::env;
use std::sync::OnceLock;

fuzz_target!(|data: &[u8]| {
    static RUN: OnceLock<fn(&[u8])> = OnceLock::new();
    let run = RUN.get_or_init(|| {
        let name = env::var("MMX_FUZZ_TARGET").expect("MMX_FUZZ_TARGET names a target");
        mmx_fuzz::target(&name).unwrap_or_else(|| panic!("{name} is no target")).run
    });
    run(data);
});
