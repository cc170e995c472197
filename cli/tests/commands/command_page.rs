//! The page on the command: its commands work, in the order in which they stand there.

use crate::files::folder;
use crate::harness::Account;
use mmx_sandbox::API_KEY;
use serde_json::json;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../../docs/command.md");

#[test]
fn the_page_on_the_command_works() {
    let file = json!([{"file_id": 7, "purpose": "voice_clone", "created_at": 1_750_000_000, "filename": "old.mp3"}]);
    let (account, folder) = (Account::of("command-page", file), folder());
    fs::write(folder.path().join("voice.mp3"), vec![1; 1000]).expect("a file");
    let program = Path::new(env!("CARGO_BIN_EXE_mmx-files"));
    let path = format!("{}:{}", program.parent().unwrap().display(), env::var("PATH").unwrap());
    let (mut printed, mut run) = (String::new(), 0);
    for block in PAGE.split("\n```sh\n").skip(1) {
        let block = block
            .split("```")
            .next()
            .expect("a block")
            .replace("MINIMAX_API_KEY=…", &format!("MINIMAX_API_KEY={API_KEY}"));
        let mut shell = Command::new("bash");
        shell.args(["-e", "-u", "-o", "pipefail", "-c", &format!("{{ {block}\n}} 2>&1")]);
        shell.current_dir(&folder).env_clear().env("PATH", &path);
        shell.env("MINIMAX_API_KEY", API_KEY).env("MINIMAX_BASE_URL", account.url());
        let output = shell.output().expect("a shell");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(output.status.success(), "{block}\n{text}{:?}", output.status);
        printed += &text;
        run += 1;
    }
    assert_eq!(run, 5, "blocks of commands");
    assert!(account.ids().is_empty(), "all files are deleted");
    assert_eq!(fs::read(folder.path().join("copy.mp3")).expect("the download"), vec![1; 1000]);
    for part in ["old.mp3", "voice.mp3", "4 files: 4 deleted", "  kept", "taken.mp3"] {
        assert!(printed.contains(part), "{part} is missing:\n{printed}");
    }
    assert!(folder.path().join("mmx-files.bash").exists() && folder.path().join("man1/mmx-files.1").exists());
}
