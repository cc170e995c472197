//! Makes `include/mmx.h` and the lists of the ABI from the sources, or finds that they are stale.
//!
//! `make header` runs this with MMX_WRITE=1.

mod common;
#[path = "header/declarations.rs"]
mod declarations;
#[path = "header/generate.rs"]
mod generate;

use common::header::{Function, examples, functions};
use mmx::error::STATUSES;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::{env, fs};

/// Every declaration of the header, as programs rely on it.
const DECLARATIONS: &str = "tests/abi/declarations.txt";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn source(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files of the header's chapters, in the order of `src/ffi/mod.rs`.
fn chapters() -> Vec<String> {
    let names = source("src/ffi/mod.rs");
    let names = names.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(|name| source(&format!("src/ffi/{name}.rs"))).collect()
}

/// The functions that a chapter defines, in its order.
fn defined(source: &str) -> Vec<&str> {
    let words = source.match_indices("extern \"C\" fn ").map(|(at, word)| &source[at + word.len()..]);
    words.filter(|rest| rest.starts_with("mmx_")).map(|rest| rest.split('(').next().unwrap()).collect()
}

/// As the sources say it.
static HEADER: LazyLock<String> = LazyLock::new(generate::header);

fn compare_or_write(path: &str, wanted: &str) {
    let file = root().join(path);
    if env::var_os("MMX_WRITE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, wanted).unwrap();
    } else {
        let found = fs::read_to_string(&file).unwrap_or_default();
        assert!(found == wanted, "{path} is stale: run `make header`");
    }
}

#[test]
fn the_header_is_what_the_sources_say() {
    compare_or_write("include/mmx.h", &HEADER);
}

/// Each exported function and the version that it came with, in alphabetical order.
fn symbols() -> BTreeMap<String, String> {
    let since = |chapter: &str, name: &str| {
        let before = &chapter[..chapter.find(&format!("fn {name}(")).unwrap()];
        before[before.rfind("@since ").expect("every function says @since") + 7..].lines().next().unwrap().to_owned()
    };
    let symbols = chapters().into_iter().flat_map(|chapter| {
        defined(&chapter).into_iter().map(|name| (name.to_owned(), since(&chapter, name))).collect::<Vec<_>>()
    });
    symbols.collect()
}

#[test]
fn the_list_of_symbols_is_what_the_sources_say() {
    let lines = symbols().into_iter().map(|(name, since)| format!("{name} {since}\n"));
    compare_or_write("tests/abi/symbols.txt", &lines.collect::<String>());
}

/// The page on the ABI has them by version, between two marks.
#[test]
fn the_page_on_the_abi_lists_the_symbols() {
    const PAGE: &str = "docs/abi.md";
    const MARKS: [&str; 2] = ["<!-- Written by `make header`. -->\n", "<!-- The end. -->\n"];
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, since) in symbols() {
        versions.entry(since).or_default().push(format!("`{name}`"));
    }
    let lists = versions.iter().map(|(since, names)| format!("* {since}: {}\n", names.join(", ")));
    let page = source(PAGE);
    let (before, rest) = page.split_once(MARKS[0]).expect("the first mark");
    let (_, after) = rest.split_once(MARKS[1]).expect("the second mark");
    let list = lists.collect::<String>();
    compare_or_write(PAGE, &format!("{before}{}{list}{}{after}", MARKS[0], MARKS[1]));
}

/// Each function stands under the heading of the file that defines it, in that file's order.
#[test]
fn each_function_stands_in_its_chapter() {
    let header = HEADER.as_str();
    let title = |text: &str| text.split(" ----").next().unwrap_or_default().to_owned();
    let found = header.split("/* ---- ").skip(1).map(|chapter| {
        let names = functions(chapter).into_iter().map(|function| function.name);
        (title(chapter), names.collect::<Vec<_>>())
    });
    let expected = chapters().into_iter().map(|chapter| {
        let names = defined(&chapter).into_iter().map(str::to_owned);
        (title(chapter.strip_prefix("//! ---- ").expect("a chapter begins with its heading")), names.collect())
    });
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

/// A program's author finds a program and the first function at once, and the end of the manual some day.
#[test]
fn the_header_is_a_manual_of_bounded_length() {
    let header = HEADER.as_str();
    let lines = header.lines().count();
    assert!(lines <= 1300, "{lines} lines");
    let first = &functions(header)[0];
    let declaration = format!("{} {}(", first.returns, first.name).replace("* ", "*");
    let before = header.lines().position(|line| line.starts_with(&declaration)).expect("a declaration");
    assert!(before < 120, "{declaration} comes in line {}", before + 1);
    let example = &examples(header)[0];
    assert!(example.contains("int main(void)") && example.trim().lines().count() <= 24, "{example}");
    assert!(header.find("@code") < header.find("#ifndef"), "the first example stands at the top");
}

/// Names, types, values and the order of parameters and fields stay as programs were built against them. `make header`
/// adds new declarations to the list; it neither changes nor removes one.
#[test]
fn the_interface_only_grows() {
    let agreed: BTreeSet<String> = source(DECLARATIONS).lines().map(str::to_owned).collect();
    let found = declarations::declarations(&HEADER);
    let lost: Vec<_> = agreed.difference(&found).collect();
    assert!(lost.is_empty(), "mmx.h no longer has what programs rely on (docs/abi.md): {lost:#?}");
    let list: String = found.iter().map(|line| format!("{line}\n")).collect();
    compare_or_write(DECLARATIONS, &list);
}

/// Every function says what its parameters are, what it returns, which threads may call it and since when; every status
/// that is named exists.
#[test]
fn the_documentation_is_complete() {
    let header = HEADER.as_str();
    for Function { returns, name, parameters, doc } in functions(header) {
        assert!(doc.contains("@since "), "{name} has no @since");
        for parameter in &parameters {
            assert!(!parameter.doc.is_empty(), "{name}: no @param {}", parameter.name);
        }
        assert!(returns == "void" || doc.contains("@return"), "{name} has no @return");
        assert!(
            returns != "mmx_status" || name == "mmx_error_status" || doc.contains("@return MMX_OK"),
            "{name}: statuses"
        );
        let doc = doc.replace('\n', " ");
        let says_threads = doc.contains("Thread-safe") || doc.contains("One thread at a time");
        assert!(says_threads, "{name} doesn't say which threads may call it");
        let is_a_call = parameters.iter().any(|parameter| parameter.kind == "const mmx_client *");
        let says_requests = doc.contains("/v1/files/") || doc.contains("Sends no request");
        assert!(!is_a_call || says_requests, "{name} doesn't say what it sends");
    }
    let words = header.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    for word in words.filter(|word| word.starts_with("MMX_ERROR_")) {
        let known = word == "MMX_ERROR_" || word == "MMX_ERROR_UNKNOWN";
        assert!(known || STATUSES.iter().any(|(_, name, _)| name.to_str() == Ok(word)), "{word} is not a status");
    }
}
