//! The library of another commit, to compare with in the same run, and what a cold `make lib` costs.

use mmx_bench::Result;
use mmx_bench::build::{Places, done};
use mmx_bench::result::Library;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) struct Before {
    pub(crate) commit: String,
    /// Holds its sources, its header and its library.
    pub(crate) folder: PathBuf,
}

impl Before {
    /// Checks the commit out into a folder of its own, and builds its library unless that is there.
    pub(crate) fn make(places: &Places, commit: &str) -> Result<Before> {
        let parsed = Command::new("git")
            .current_dir(&places.root)
            .args(["rev-parse", "--verify", "--quiet", "--short=12"])
            .arg(format!("{commit}^{{commit}}"))
            .output()
            .map_err(|error| format!("git can't run ({error}): install the package git"))?;
        if !parsed.status.success() {
            return Err(format!("the repository has no commit {commit}").into());
        }
        let commit = String::from_utf8(parsed.stdout)?.trim().to_owned();
        let folder = places.folder.join(format!("before-{commit}"));
        let before = Before { commit, folder };
        if !before.folder.join("libmmx.so.1").exists() {
            before.check_out(places)?;
            before.build(false)?;
        }
        Ok(before)
    }

    pub(crate) fn include(&self) -> PathBuf {
        self.source().join("include")
    }

    fn source(&self) -> PathBuf {
        self.folder.join("source")
    }

    fn check_out(&self, places: &Places) -> Result<()> {
        let archive = self.folder.join("source.tar");
        fs::create_dir_all(self.source())?;
        let mut git = Command::new("git");
        git.current_dir(&places.root).arg("archive").arg("-o").arg(&archive).arg(&self.commit);
        done(&mut git, "git")?;
        done(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(self.source()), "tar")?;
        Ok(fs::remove_file(archive)?)
    }

    /// Builds it cold and keeps the library. Tells the CPU time in seconds.
    fn build(&self, is_measured: bool) -> Result<f64> {
        let target = self.folder.join("target");
        eprint!("\r{:<80}\rbuilding the library of {}", "", self.commit);
        let seconds = cold_build(&self.source(), &target)?;
        if !is_measured {
            fs::copy(target.join("release/libmmx.so"), self.folder.join("libmmx.so"))?;
            fs::copy(target.join("release/libmmx.so"), self.folder.join("libmmx.so.1"))?;
        }
        fs::remove_dir_all(target)?;
        Ok(seconds)
    }

    fn library(&self) -> PathBuf {
        self.folder.join("libmmx.so")
    }
}

/// The sizes of both libraries and, since that takes minutes, only if wanted the CPU time of their cold builds.
pub(crate) fn libraries(places: &Places, before: Option<&Before>, with_builds: bool) -> Result<Vec<Library>> {
    let mut libraries = vec![Library {
        name: "now".into(),
        stripped_bytes: stripped(places, &places.release.join("libmmx.so"))?,
        build_cpu_s: None,
    }];
    if with_builds {
        eprint!("\r{:<80}\rbuilding the library", "");
        let target = places.folder.join("cold");
        libraries[0].build_cpu_s = Some(cold_build(&places.root, &target)?);
        fs::remove_dir_all(target)?;
    }
    if let Some(before) = before {
        libraries.push(Library {
            name: before.commit.clone(),
            stripped_bytes: stripped(places, &before.library())?,
            build_cpu_s: with_builds.then(|| before.build(true)).transpose()?,
        });
    }
    eprint!("\r{:<80}\r", "");
    Ok(libraries)
}

pub(crate) fn print(libraries: &[Library]) {
    println!("\n{:<24}{:>20}{:>24}", "libmmx.so", "stripped, bytes", "CPU s of a cold build");
    for library in libraries {
        let cpu = library.build_cpu_s.map_or("not measured".into(), |seconds| format!("{seconds:.1}"));
        println!("  {:<22}{:>20}{cpu:>24}", library.name, library.stripped_bytes);
    }
}

/// Runs `make lib` with an empty target folder. Tells the user and system time of all that ran, in seconds.
fn cold_build(source: &Path, target: &Path) -> Result<f64> {
    if target.exists() {
        fs::remove_dir_all(target)?;
    }
    // What is downloaded is downloaded before.
    done(Command::new("cargo").current_dir(source).args(["fetch", "--quiet", "--locked"]), "cargo")?;
    let output = Command::new("sh")
        .args(["-c", "make lib >&2 && times"])
        .current_dir(source)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("MAKEFLAGS")
        .env_remove("MFLAGS")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("make lib in {} failed", source.display()).into());
    }
    children_time(&String::from_utf8_lossy(&output.stdout))
}

/// The second line of what the shell's `times` prints is about its children: minutes and seconds, user and system.
fn children_time(printed: &str) -> Result<f64> {
    let line = printed.lines().nth(1).ok_or("the shell told no times")?;
    let seconds = line.split_whitespace().map(|time| {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m')?;
        Some(60.0 * minutes.parse::<f64>().ok()? + seconds.parse::<f64>().ok()?)
    });
    let sum: Option<f64> = seconds.sum();
    Ok(sum.ok_or_else(|| format!("the shell told the times {line:?}"))?)
}

fn stripped(places: &Places, library: &Path) -> Result<u64> {
    let copy = places.folder.join("stripped.so");
    done(Command::new("strip").arg("-o").arg(&copy).arg(library), "binutils")?;
    let size = fs::metadata(&copy)?.len();
    fs::remove_file(copy)?;
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::children_time;

    #[test]
    fn times_of_children_are_added() {
        let dash = "0m0.001s 0m0.002s\n1m30.500000s 0m2.250000s\n";
        assert!((children_time(dash).unwrap() - 92.75).abs() < 1e-9);
        assert!(children_time("0m0s 0m0s\nsoon\n").is_err());
    }
}
