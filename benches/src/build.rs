//! Where things are, and how a contestant is built: says what is missing and which package brings it.

use crate::Result;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

pub struct Places {
    /// Of the checkout.
    pub root: PathBuf,
    pub benches: PathBuf,
    pub target: PathBuf,
    /// What cargo has built.
    pub release: PathBuf,
    /// Where programs and results go.
    pub folder: PathBuf,
}

impl Places {
    pub fn find() -> Result<Places> {
        let benches = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let root = benches.parent().ok_or("no checkout")?.to_owned();
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let (release, folder) = (target.join("release"), target.join("bench"));
        fs::create_dir_all(&folder)?;
        for file in ["libmmx.so.1", "mmx-sandbox"] {
            if !release.join(file).exists() {
                return Err(format!("{file} isn't built: run `make bench`").into());
            }
        }
        Ok(Places { root, benches, target, release, folder })
    }

    /// A program of these sources, named without their endings.
    pub fn c(&self, name: &str, sources: &[&str], flags: &[String]) -> Result<PathBuf> {
        let program = self.folder.join(name);
        let mut command = Command::new("cc");
        command
            .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread", "-o"])
            .arg(&program)
            .args(sources.iter().map(|source| self.benches.join(format!("c/{source}.c"))))
            .args(flags);
        done(&mut command, "gcc")?;
        Ok(program)
    }

    /// What links the library of this checkout.
    pub fn libmmx(&self) -> Vec<String> {
        Places::libmmx_of(&self.root.join("include"), &self.release)
    }

    /// What links a library with its header.
    pub fn libmmx_of(include: &Path, folder: &Path) -> Vec<String> {
        let folder = folder.display();
        vec![format!("-I{}", include.display()), format!("-L{folder}"), format!("-Wl,-rpath,{folder}"), "-lmmx".into()]
    }

    /// The stand-in server.
    pub fn server(&self) -> PathBuf {
        self.release.join("mmx-sandbox")
    }

    /// Of the virtual environment with the peers, which may not be there yet.
    pub fn python(&self) -> PathBuf {
        self.target.join("bench-venv/bin/python")
    }
}

pub fn libcurl() -> Result<Vec<String>> {
    let missing = "libcurl's headers are missing: install the package libcurl4-openssl-dev";
    let output = Command::new("pkg-config").args(["--cflags", "--libs", "libcurl"]).output();
    let output = output.map_err(|error| format!("pkg-config can't run ({error}): install the package pkg-config"))?;
    if !output.status.success() {
        return Err(missing.into());
    }
    Ok(String::from_utf8(output.stdout)?.split_whitespace().map(str::to_owned).collect())
}

pub fn done(command: &mut Command, package: &str) -> Result<()> {
    let name = Path::new(command.get_program()).display().to_string();
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("{name} can't run ({error}): install the package {package}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed: is the package {package} installed?").into()) }
}
