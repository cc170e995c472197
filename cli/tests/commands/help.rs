//! Completions, manual pages, and suggestions after a typo.

use crate::files::folder;
use crate::harness::{command, run};
use std::fs;
use std::process::Command;

#[test]
fn completions_for_three_shells() {
    for (shell, has) in [("bash", "_mmx__files()"), ("zsh", "#compdef mmx-files"), ("fish", "complete -c mmx-files")] {
        let script = run(&mut command(&["completions", shell]), "").exits(0);
        assert!(
            ["directory", "backup", "api-key-file"].iter().all(|option| script.out.contains(option)),
            "{script:#?}"
        );
        assert!(script.out.contains(has) && script.out.contains("keep-name") && script.err.is_empty(), "{script:#?}");
    }
    run(&mut command(&["completions", "csh"]), "").exits(2).says(&["bash", "fish", "zsh"]);
    let zsh = run(&mut command(&["completions", "zsh"]), "").out;
    assert!(zsh.contains("'--backup=[") && zsh.contains(":DIR:_files -/'"), "{zsh}");
    // Bash completes a command with it.
    let script = run(&mut command(&["completions", "bash"]), "").out;
    let typed =
        "COMP_WORDS=(mmx-files pru) COMP_CWORD=1; _mmx__files mmx-files pru mmx-files; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["--norc", "-c", &format!("{script}\n{typed}")]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "prune\n", "{output:?}");
}

#[test]
fn help_has_examples_and_exit_codes() {
    for (arguments, has) in [
        (&["--help"][..], &["--api-key-file", "--header", "MINIMAX_API_KEY_FILE"][..]),
        (&["upload", "--help"], &["mmx-files upload", "--jobs 4", "--filename"]),
        (&["list", "--help"], &["--name '*.mp3'", "--min-size 10MiB", "--limit 20"]),
        (&["download", "--help"], &["--directory copies", "--jobs 4", "--wait --timeout 30m"]),
        (&["delete", "--help"], &["mmx-files delete 176844028768320 "]),
        (&["prune", "--help"], &["--backup copies", "--sort size --reverse --limit 100"]),
    ] {
        let help = run(&mut command(arguments), "").exits(0).says(&["Examples:\n  mmx-files "]).says(has);
        let said = help.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("7 unknown or not attempted, 130 and 143 ended by"), "{help:#?}");
    }
}

#[test]
fn pages_for_man() {
    let page = run(&mut command(&["man"]), "").exits(0);
    assert!(page.out.contains(".TH mmx-files 1") && page.out.contains("MINIMAX_API_KEY"), "{page:#?}");
    let folder = folder();
    let pages = folder.path().join("man1");
    run(&mut command(&["man", pages.to_str().unwrap()]), "").exits(0);
    for name in ["mmx-files.1", "mmx-files-prune.1", "mmx-files-upload.1"] {
        let text = fs::read_to_string(pages.join(name)).unwrap();
        assert!(text.contains(".SH OPTIONS") || text.contains(".SH SUBCOMMANDS"), "{text}");
    }
    let prune = fs::read_to_string(pages.join("mmx-files-prune.1")).unwrap();
    assert!(
        prune.contains("keep\\-name") && prune.contains("\\-\\-backup") && prune.contains("Exit codes: "),
        "{prune}"
    );
    run(&mut command(&["man", "/dev/null/none"]), "").exits(1).says(&["can't be written"]);
}

#[test]
fn a_typo_is_answered_with_what_was_meant() {
    for (typed, meant) in [
        (&["list", "--purpse", "x"][..], "'--purpose'"),
        (&["prune", "--keepname", "x"], "'--keep-name'"),
        (&["prune", "--max-file", "1"], "'--max-files'"),
        (&["delete", "--prupose", "voice_clone", "1"], "'--purpose'"),
        (&["delte", "1"], "'delete'"),
        (&["list", "--api-key-flie", "key"], "'--api-key-file'"),
        (&["list", "--heder", "X-A: b"], "'--header'"),
        (&["download", "--directry", "copies", "1"], "'--directory'"),
        (&["prune", "--bakcup", "copies"], "'--backup'"),
    ] {
        run(&mut command(typed), "").exits(2).says(&["similar", meant]);
    }
}
