//! Builds the contestants, and says what is missing and which package brings it.

use crate::before::Before;
use crate::groups::Program;
use mmx_bench::Result;
use mmx_bench::build::{self, Places, done};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    CLibmmx,
    /// The library of another commit.
    CBefore,
    CLibcurl,
    Reqwest,
    Python,
    Go,
}

pub(crate) struct Programs<'a> {
    pub(crate) places: &'a Places,
    pub(crate) before: Option<&'a Before>,
}

impl Programs<'_> {
    /// The command that runs a contestant, whether or not it is built.
    pub(crate) fn command(&self, kind: Kind) -> Program {
        let Places { root, benches, target, release, folder } = self.places;
        let program = |path: PathBuf| Program(vec![path.into()]);
        match kind {
            Kind::CLibmmx => program(folder.join("libmmx")),
            Kind::CBefore => program(folder.join("libmmx-before")),
            Kind::CLibcurl => program(folder.join("libcurl")),
            Kind::Reqwest => program(release.join("bench-reqwest")),
            Kind::Go => program(folder.join("go-bench")),
            Kind::Python => {
                // By `env`, so that the others' environment stays as it is.
                let path = format!("PYTHONPATH={}", root.join("bindings/python").display());
                let library = format!("MMX_LIBRARY={}", target.join("release/libmmx.so").display());
                let (python, script) = (self.places.python(), benches.join("python/bench.py"));
                let words: [OsString; 6] =
                    ["env".into(), path.into(), library.into(), python.into(), "-B".into(), script.into()];
                Program(words.into())
            }
        }
    }

    pub(crate) fn build(&self, kind: Kind) -> Result<()> {
        let c = |name: &str, source: &str, flags: &[String]| {
            self.places.c(name, &["bench", "common", source], flags).map(drop)
        };
        match kind {
            Kind::CLibmmx => c("libmmx", "libmmx", &self.places.libmmx()),
            Kind::CBefore => {
                let before = self.before.ok_or("no commit to compare with was named")?;
                c("libmmx-before", "libmmx", &Places::libmmx_of(&before.include(), &before.folder))
            }
            Kind::CLibcurl => c("libcurl", "libcurl", &build::libcurl()?),
            Kind::Reqwest if self.places.release.join("bench-reqwest").exists() => Ok(()),
            Kind::Reqwest => Err("bench-reqwest isn't built: run `make bench`".into()),
            Kind::Python => self.python(),
            Kind::Go => self.go(),
        }
    }

    fn go(&self) -> Result<()> {
        let mut command = Command::new(env::var_os("GO").unwrap_or("go".into()));
        command
            .current_dir(self.places.benches.join("go"))
            .args(["build", "-o"])
            .arg(self.places.folder.join("go-bench"))
            .arg(".")
            .env("PKG_CONFIG_PATH", self.places.target.join("pkgconfig"));
        done(&mut command, "golang")
    }

    /// A virtual environment with the peers, made anew when their versions change.
    fn python(&self) -> Result<()> {
        let venv = self.places.target.join("bench-venv");
        let (python, mark) = (self.places.python(), venv.join("requirements.txt"));
        let requirements = self.places.benches.join("requirements.txt");
        if fs::read(&mark).ok() != Some(fs::read(&requirements)?) {
            let host = env::var_os("PYTHON").unwrap_or("python3".into());
            done(Command::new(host).args(["-m", "venv", "--clear"]).arg(&venv), "python3-venv")?;
            let mut install = Command::new(&python);
            install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements);
            done(&mut install, "python3-pip")?;
            fs::copy(&requirements, &mark)?;
        }
        Ok(())
    }
}

/// Fails if taskset is missing, which ties a process to one core.
pub(crate) fn need_taskset() -> Result<()> {
    match Command::new("taskset").arg("--version").stdout(Stdio::null()).status() {
        Ok(_) => Ok(()),
        Err(_) => Err("taskset can't run: install the package util-linux".into()),
    }
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
