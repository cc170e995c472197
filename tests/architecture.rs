//! The rules for the code's structure: a layer uses only those below it, modules don't import each other in circles,
//! unsafe code stands in two places, files stay small, and nothing names the machine it was written on.

#[path = "architecture/imports.rs"]
mod imports;

use std::fs;
use std::path::Path;

/// The layers from the bottom up. What stands on one may use it and what lies below.
const LAYERS: [&str; 6] = ["error", "transport", "transfer", "ledger", "api", "ffi"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder, as its path from the root and its text; what isn't text is left out.
fn files(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_link = path.is_symlink();
            if path.is_dir() && !is_link && !["target", ".git", "__pycache__"].contains(&name.as_str()) {
                folders.push(path);
            } else if path.is_file()
                && name != ".git"
                && let Ok(text) = fs::read_to_string(&path)
            {
                files.push((from_root(&path), text));
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "{folder} is empty");
    files
}

fn from_root(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// The lines of code, with their numbers: no comments, no text between quotes.
fn code(text: &str) -> impl Iterator<Item = (usize, String)> {
    text.lines().enumerate().map(|(at, line)| {
        let line = line.split("//").next().unwrap_or_default();
        let outside: String = line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
        (at + 1, outside)
    })
}

fn is_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

fn layer_of(file: &str) -> Option<usize> {
    let name = file.strip_prefix("src/")?.split(['/', '.']).next()?;
    LAYERS.iter().position(|layer| *layer == name)
}

#[test]
fn a_layer_uses_only_those_below_it() {
    let mut uses = 0;
    for (file, text) in files("src") {
        let Some(layer) = layer_of(&file) else {
            assert_eq!(file, "src/lib.rs", "{file} is in no layer");
            continue;
        };
        for (at, line) in code(&text) {
            assert!(!line.contains("super::super::"), "{file}:{at}: write crate::, so that the layer is seen");
            for used in line.split("crate::").skip(1) {
                let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                let used = LAYERS.iter().position(|layer| *layer == used);
                let used = used.unwrap_or_else(|| panic!("{file}:{at}: name the layer after crate::"));
                assert!(used <= layer, "{file}:{at}: uses the layer {} above it", LAYERS[used]);
                uses += usize::from(used < layer);
            }
        }
    }
    assert!(uses > 10, "only {uses} uses found: is this test blind?");
}

/// Which words a layer doesn't know: what it is for would be lost with them.
#[test]
fn each_layer_keeps_to_its_own() {
    let forbidden_words: [(&str, &[&str]); 5] = [
        ("src/transfer/", &["file_id", "purpose", "base_resp", "c_char", "tokio", "reqwest", "hyper", "tower"]),
        ("src/api/", &["tokio", "reqwest", "hyper", "libc", "c_char", "sleep"]),
        ("src/ffi/", &["tokio", "reqwest", "hyper", "libc", "serde_json"]),
        ("src/transport/", &["file_id", "purpose", "base_resp", "c_char", "tokio", "reqwest", "hyper_util", "tower"]),
        ("src/error.rs", &["tokio", "reqwest", "hyper", "libc", "super::super"]),
    ];
    for (file, text) in files("src") {
        let words = forbidden_words.iter().filter(|(layer, _)| file.starts_with(layer)).flat_map(|(_, words)| *words);
        for word in words {
            // What tests at a file's end make up is theirs.
            let product = text.split("#[cfg(test)]").next().unwrap_or_default();
            let found = code(product).find(|(_, line)| match word.contains(':') {
                true => line.contains(word),
                false => is_word(line, word),
            });
            assert!(found.is_none(), "{file}:{}: {word} doesn't belong here", found.unwrap().0);
        }
    }
}

#[test]
fn unsafe_code_stands_in_two_places_and_says_why_it_is_sound() {
    let mut blocks = 0;
    for (file, text) in files("src") {
        let allowed = file.starts_with("src/ffi/") || file == "src/transport/sys.rs";
        let lines: Vec<_> = text.lines().collect();
        for (at, line) in code(&text) {
            let line = line.replace("#[unsafe(no_mangle)]", "");
            assert!(allowed || !is_word(&line, "unsafe_code"), "{file}:{at}: unsafe code is allowed elsewhere");
            if !is_word(&line, "unsafe") {
                continue;
            }
            assert!(allowed, "{file}:{at}: unsafe code belongs in src/ffi and src/transport/sys.rs");
            // A function that C calls states no more than the contract at the top of boundary.rs.
            if line.contains("unsafe {") || line.contains("unsafe impl") {
                blocks += 1;
                let above = &lines[at.saturating_sub(5)..at];
                assert!(above.iter().any(|line| line.contains("// SAFETY:")), "{file}:{at}: no // SAFETY: above");
            }
        }
    }
    assert!(blocks > 10, "only {blocks} unsafe blocks found: is this test blind?");
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    for (folder, known) in [("src", ("api::delete", "transport::client")), ("cli/src", ("journal", "worklist"))] {
        let graph = imports::graph(folder);
        assert!(graph[known.0].contains(known.1), "{folder}: {} imports {}: is this test blind?", known.0, known.1);
        let circle = imports::circle(&graph);
        assert!(circle.is_none(), "{folder}: a circle of imports: {}", circle.unwrap().join(" -> "));
    }
}

/// The command is a user of the library like any other: it needs no C, and nothing unsafe.
#[test]
fn the_command_stands_on_the_safe_interface() {
    let mut uses = 0;
    for (file, text) in files("cli").into_iter().filter(|(file, _)| file.ends_with(".rs")) {
        for (at, line) in code(&text) {
            for used in line.split("mmx::").skip(1) {
                let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                assert!(
                    ["api", "error", "transfer", "transport"].contains(&used),
                    "{file}:{at}: not for the command: mmx::{used}"
                );
                uses += 1;
            }
            assert!(!is_word(&line, "unsafe"), "{file}:{at}: unsafe code belongs in src/ffi and src/transport/sys.rs");
        }
    }
    assert!(uses > 10, "only {uses} uses found: is this test blind?");
}

#[test]
fn files_stay_small() {
    const LONGEST: usize = 400;
    let kinds = [".rs", ".c", ".cpp", ".h", ".hpp", ".py", ".go", ".sh"];
    for (file, text) in ["src", "cli", "tests", "examples", "bindings"].into_iter().flat_map(files) {
        // What is made from something else is as long as that makes it.
        let is_generated = text.lines().take(5).any(|line| line.to_lowercase().contains("generated"));
        if kinds.iter().any(|kind| file.ends_with(kind)) && !is_generated {
            let lines = text.lines().count();
            assert!(lines <= LONGEST, "{file} has {lines} lines, more than {LONGEST}: it does two things");
        }
    }
}

#[test]
fn nothing_names_a_folder_of_one_machine() {
    // In pieces, or this file would be found.
    let places = ["home", "root", "Users", "work"].map(|place| format!("/{place}/"));
    for (file, text) in files(".") {
        for (at, line) in text.lines().enumerate() {
            let place = places.iter().find(|place| {
                line.match_indices(place.as_str()).any(|(at, _)| {
                    // A URL or a relative path may have such a part.
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || ".-_)}".contains(c))
                })
            });
            assert!(place.is_none(), "{file}:{}: a path of one machine: {line}", at + 1);
        }
    }
}
