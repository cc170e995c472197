//! `prune --plan` to devices, FIFOs, links and standard output, which must be written and not replaced.

use crate::files::{folder, mixed, path, read};
use crate::harness::{end, until};
use rustix::process::Signal;
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, symlink};
use std::process::{Command, Stdio};
use std::thread;

fn plan<'a>(to: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["prune", "--purpose", "t2a_async", "--older-than", "7d", "--plan", to], more].concat()
}

fn is_a_plan(text: &str) {
    let plan: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((plan["version"].as_u64(), plan["matched"].as_u64()), (Some(1), Some(6)));
}

fn mkfifo(at: &str) {
    assert!(Command::new("mkfifo").arg(at).status().expect("mkfifo of coreutils").success());
}

#[test]
fn standard_output_by_any_name() {
    let (account, folder) = (mixed("cli-plan-stdout"), folder());
    // A link like /dev/stdout, which a bug could replace.
    let elsewhere = crate::files::folder();
    let link = path(&elsewhere, "stdout");
    symlink("/proc/self/fd/1", &link).unwrap();
    for to in ["-", &link, "/proc/self/fd/1"] {
        for more in [&[][..], &["--json"], &["--json=array"]] {
            let run = account.run_in(&folder, &plan(to, more)).exits(0);
            is_a_plan(&run.out);
            assert_eq!(run.err.contains("nothing was deleted; in the plan: 6 files"), more.is_empty(), "{run:#?}");
        }
        // A file that the shell has opened is appended to.
        let at = path(&folder, "out");
        fs::write(&at, "before\n").unwrap();
        let out = OpenOptions::new().append(true).open(&at).unwrap();
        let inode = out.metadata().unwrap().ino();
        let command = &mut account.command(&plan(to, &[]));
        end(command.stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).spawn().unwrap()).exits(0);
        is_a_plan(read(&at).strip_prefix("before\n").unwrap());
        assert_eq!(fs::metadata(&at).unwrap().ino(), inode);
        fs::remove_file(&at).unwrap();
    }
    // Such a plan can be applied.
    let at = path(&folder, "plan");
    fs::write(&at, account.run(&plan("-", &[])).out).unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    account.run(&["prune", "--apply", &at, "--yes"]).exits(0).says(&["6 files: 6 deleted"]);
}

#[test]
fn standard_error_and_other_descriptors() {
    let (account, folder) = (mixed("cli-plan-descriptors"), folder());
    let link = path(&folder, "stderr");
    symlink("/proc/self/fd/2", &link).unwrap();
    for (to, redirected) in [(link.as_str(), "2>>\"$OUT\""), ("/proc/self/fd/7", "7> >(cat >>\"$OUT\")")] {
        let out = path(&folder, "out");
        fs::write(&out, "").unwrap();
        let inode = fs::metadata(&out).unwrap().ino();
        let mut shell = Command::new("bash");
        let ours = account.command(&[]);
        shell.args(["-c", &format!("\"$0\" \"$@\" {redirected}"), env!("CARGO_BIN_EXE_mmx-files")]).args(plan(to, &[]));
        shell.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("OUT", &out);
        shell.env("PATH", std::env::var_os("PATH").unwrap());
        let run = crate::harness::run(&mut shell, "").exits(0);
        // The process that reads it may end later.
        until(run, || read(&out).replace(' ', "").contains("\"version\":1"));
        assert_eq!(fs::metadata(&out).unwrap().ino(), inode);
    }
}

#[test]
fn a_fifo_has_its_reader() {
    let (account, folder) = (mixed("cli-plan-fifo"), folder());
    let at = path(&folder, "fifo");
    mkfifo(&at);
    let reader = thread::spawn({
        let at = at.clone();
        move || read(&at)
    });
    account.run(&plan(&at, &[])).exits(0).says(&["in the plan"]);
    is_a_plan(&reader.join().unwrap());
    assert!(fs::metadata(&at).unwrap().file_type().is_fifo());
    // Without a reader it waits until a signal ends it.
    let command = &mut account.command(&plan(&at, &[]));
    let pipes = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = pipes.spawn().unwrap();
    account.get("wait?count=2");
    until("it waits", || crate::stdio::is_asleep(&child));
    crate::signals::send(&child, Signal::INT);
    end(child).exits(130);
}

#[test]
fn a_device_stays_one() {
    let (account, folder) = (mixed("cli-plan-device"), folder());
    // By a link, since a bug could replace the device.
    for (device, code, says) in [("/dev/null", 0, "in the plan"), ("/dev/full", 1, "can't be written")] {
        let at = path(&folder, device.rsplit('/').next().unwrap());
        symlink(device, &at).unwrap();
        account.run(&plan(&at, &[])).exits(code).says(&[says]);
        assert_eq!(fs::read_link(&at).unwrap().to_str(), Some(device));
        assert!(fs::metadata(&at).unwrap().file_type().is_char_device());
    }
}

#[test]
fn a_link_is_written_through() {
    let (account, folder) = (mixed("cli-plan-link"), folder());
    fs::create_dir(folder.path().join("plans")).unwrap();
    let (link, target) = (path(&folder, "link"), path(&folder, "plans/plan.json"));
    // First the target is missing, then it is a file.
    symlink("plans/plan.json", &link).unwrap();
    for _ in 0..2 {
        account.run(&plan(&link, &[])).exits(0);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        is_a_plan(&read(&target));
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o600);
        fs::write(&target, "another").unwrap();
    }
    assert_eq!(fs::read_dir(folder.path().join("plans")).unwrap().count(), 1);
    for wrong in [folder.path().to_str().unwrap(), &path(&folder, "none/plan")] {
        account.run(&plan(wrong, &[])).exits(1).says(&["can't be written"]);
    }
    let ring = path(&folder, "ring");
    symlink("ring", &ring).unwrap();
    account.run(&plan(&ring, &[])).exits(1).says(&["can't be written"]);
}
