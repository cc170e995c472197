//! Link arguments of the shared library.
//!
//! The soname lets an incompatible successor be installed beside this one. `nodelete` keeps the code mapped after
//! `dlclose`: the standard library registers per-thread destructors that would otherwise point into nothing.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libmmx.so.1");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
