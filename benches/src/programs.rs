//! Builds the contestants, and says what is missing and which package brings it.

use crate::groups::Program;
use mmx_bench::Result;
use mmx_bench::build::{self, Places, done};
use std::ffi::OsString;
use std::path::PathBuf;
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

impl Programs {
    pub(crate) fn make() -> Result<Programs> {
        let places = Places::find()?;
        let reqwest = places.release.join("bench-reqwest");
        if !reqwest.exists() {
            return Err("bench-reqwest isn't built: run `make bench`".into());
        }
        if Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_err() {
            return Err("taskset can't run: install the package util-linux".into());
        }
        Ok(Programs {
            c_libmmx: c(&places, "libmmx", &places.libmmx())?,
            c_libcurl: c(&places, "libcurl", &build::libcurl()?)?,
            reqwest: Program(vec![reqwest.into()]),
            python: python(&places)?,
            go: go(&places)?,
            server: places.release.join("mmx-sandbox"),
            folder: places.folder,
        })
    }
}

fn c(places: &Places, name: &str, flags: &[String]) -> Result<Program> {
    Ok(Program(vec![places.c(name, &["bench", "common", name], flags)?.into()]))
}

fn go(places: &Places) -> Result<Program> {
    let program = places.folder.join("go-bench");
    let mut command = Command::new(env::var_os("GO").unwrap_or("go".into()));
    command
        .current_dir(places.benches.join("go"))
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .env("PKG_CONFIG_PATH", places.target.join("pkgconfig"));
    done(&mut command, "golang")?;
    Ok(Program(vec![program.into()]))
}

/// A virtual environment with the peers, made anew when their versions change.
fn python(places: &Places) -> Result<Program> {
    let venv = places.target.join("bench-venv");
    let (python, mark) = (places.python(), venv.join("requirements.txt"));
    let requirements = places.benches.join("requirements.txt");
    if fs::read(&mark).ok() != Some(fs::read(&requirements)?) {
        let host = env::var_os("PYTHON").unwrap_or("python3".into());
        done(Command::new(host).args(["-m", "venv", "--clear"]).arg(&venv), "python3-venv")?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements);
        done(&mut install, "python3-pip")?;
        fs::copy(&requirements, &mark)?;
    }
    // By `env`, so that the others' environment stays as it is.
    let path = format!("PYTHONPATH={}", places.root.join("bindings/python").display());
    let library = format!("MMX_LIBRARY={}", places.target.join("release/libmmx.so").display());
    let script = places.benches.join("python/bench.py");
    let words: [OsString; 6] = ["env".into(), path.into(), library.into(), python.into(), "-B".into(), script.into()];
    Ok(Program(words.into()))
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
