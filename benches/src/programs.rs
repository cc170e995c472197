//! Builds the contestants, and says what is missing and which package brings it.

use crate::Result;
use crate::groups::Program;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

pub(crate) struct Programs {
    /// Where programs and results go.
    pub(crate) folder: PathBuf,
    pub(crate) server: PathBuf,
    pub(crate) c_libmmx: Program,
    pub(crate) c_libcurl: Program,
    pub(crate) reqwest: Program,
    pub(crate) python: Program,
    pub(crate) go: Program,
}

struct Places {
    root: PathBuf,
    benches: PathBuf,
    target: PathBuf,
    folder: PathBuf,
}

impl Programs {
    pub(crate) fn make() -> Result<Programs> {
        let benches = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let root = benches.parent().ok_or("no checkout")?.to_owned();
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let places = Places { folder: target.join("bench"), root, benches, target };
        fs::create_dir_all(&places.folder)?;
        let release = places.target.join("release");
        for file in ["libmmx.so.1", "mmx-sandbox", "bench-reqwest"] {
            if !release.join(file).exists() {
                return Err(format!("{file} isn't built: run `make bench`").into());
            }
        }
        let libmmx = [
            format!("-I{}", places.root.join("include").display()),
            format!("-L{}", release.display()),
            format!("-Wl,-rpath,{}", release.display()),
            "-lmmx".into(),
        ];
        if Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_err() {
            return Err("taskset can't run: install the package util-linux".into());
        }
        Ok(Programs {
            c_libmmx: places.c("libmmx", &libmmx)?,
            c_libcurl: places.c("libcurl", &libcurl()?)?,
            reqwest: Program(vec![release.join("bench-reqwest").into()]),
            python: places.python()?,
            go: places.go()?,
            server: release.join("mmx-sandbox"),
            folder: places.folder,
        })
    }
}

impl Places {
    fn c(&self, name: &str, flags: &[String]) -> Result<Program> {
        let program = self.folder.join(name);
        let mut command = Command::new("cc");
        command
            .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread", "-o"])
            .arg(&program)
            .arg(self.benches.join("c/bench.c"))
            .arg(self.benches.join(format!("c/{name}.c")))
            .args(flags);
        done(&mut command, "gcc")?;
        Ok(Program(vec![program.into()]))
    }

    fn go(&self) -> Result<Program> {
        let program = self.folder.join("go-bench");
        let mut command = Command::new(env::var_os("GO").unwrap_or("go".into()));
        command
            .current_dir(self.benches.join("go"))
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .env("PKG_CONFIG_PATH", self.target.join("pkgconfig"));
        done(&mut command, "golang")?;
        Ok(Program(vec![program.into()]))
    }

    /// A virtual environment with the peers, made anew when their versions change.
    fn python(&self) -> Result<Program> {
        let venv = self.target.join("bench-venv");
        let (python, mark) = (venv.join("bin/python"), venv.join("requirements.txt"));
        let requirements = self.benches.join("requirements.txt");
        if fs::read(&mark).ok() != Some(fs::read(&requirements)?) {
            let host = env::var_os("PYTHON").unwrap_or("python3".into());
            done(Command::new(host).args(["-m", "venv", "--clear"]).arg(&venv), "python3-venv")?;
            let mut install = Command::new(&python);
            install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements);
            done(&mut install, "python3-pip")?;
            fs::copy(&requirements, &mark)?;
        }
        // By `env`, so that the others' environment stays as it is.
        let path = format!("PYTHONPATH={}", self.root.join("bindings/python").display());
        let library = format!("MMX_LIBRARY={}", self.target.join("release/libmmx.so").display());
        let script = self.benches.join("python/bench.py");
        let words: [OsString; 6] =
            ["env".into(), path.into(), library.into(), python.into(), "-B".into(), script.into()];
        Ok(Program(words.into()))
    }
}

fn libcurl() -> Result<Vec<String>> {
    let missing = "libcurl's headers are missing: install the package libcurl4-openssl-dev";
    let output = Command::new("pkg-config").args(["--cflags", "--libs", "libcurl"]).output();
    let output = output.map_err(|error| format!("pkg-config can't run ({error}): install the package pkg-config"))?;
    if !output.status.success() {
        return Err(missing.into());
    }
    Ok(String::from_utf8(output.stdout)?.split_whitespace().map(str::to_owned).collect())
}

fn done(command: &mut Command, package: &str) -> Result<()> {
    let name = Path::new(command.get_program()).display().to_string();
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("{name} can't run ({error}): install the package {package}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed: is the package {package} installed?").into()) }
}

/// A command, on one core if that is said, with nothing of our environment but what finds programs: no proxy, no key.
pub(crate) fn command(words: &[OsString], core: Option<usize>) -> Command {
    let mut command = match core {
        Some(core) => {
            let mut taskset = Command::new("taskset");
            taskset.args(["-c", &core.to_string()]).args(words);
            taskset
        }
        None => {
            let mut command = Command::new(&words[0]);
            command.args(&words[1..]);
            command
        }
    };
    command.env_clear();
    for name in ["PATH", "HOME", "TMPDIR"] {
        command.envs(env::var_os(name).map(|value| (name, value)));
    }
    command
}
