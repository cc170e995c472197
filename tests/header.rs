//! Makes `include/mmx.h` and `tests/abi/symbols.txt` from the sources, or finds that they are stale.
//!
//! `make header` runs this with MMX_WRITE=1. cbindgen drops string constants and knows no headings, so the constants are
//! rendered here from the library's own tables, and each chapter's heading is put before its first function.

mod common;
#[path = "header/declarations.rs"]
mod declarations;

use common::header::{Function, functions};
use mmx::error::STATUSES;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

/// Every declaration of the header, as programs rely on it.
const DECLARATIONS: &str = "tests/abi/declarations.txt";

const INTRODUCTION: &str = "\
/* libmmx: the native client for the MiniMax file API.
 *
 * Generated from the Rust sources by `make header`; edited by nobody.
 */";

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

fn constants() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut out = String::new();
    let mut line = |line: String| writeln!(out, "{line}").unwrap();
    line("/* The version of this header; mmx_version() has that of the library. */".into());
    line(format!("#define MMX_VERSION \"{version}\""));
    line("/* Compare with mmx_abi_version(). */".into());
    line(format!("#define MMX_ABI_VERSION {}", mmx::ffi::status::ABI_VERSION));
    line("\n/* The values of mmx_status. More may come: treat an unknown one as a failure. */".into());
    for (status, name, meaning) in STATUSES {
        line(format!("#define {} {} /* {meaning} */", name.to_str().unwrap(), *status as i32));
    }
    line("\n/* The purposes known when this was made; the service takes new ones every few months. */".into());
    for (purpose, meaning) in mmx::api::purpose::PURPOSES {
        line(format!("#define MMX_PURPOSE_{} \"{purpose}\" /* {meaning} */", purpose.to_uppercase()));
    }
    line("\n/* Flags of mmx_call_options. */".into());
    let reconcile = mmx::ffi::files::MMX_CALL_RECONCILE;
    line(format!("#define MMX_CALL_RECONCILE {reconcile}u /* upload: look for the file when the answer was lost */"));
    let by_link = mmx::ffi::files::MMX_CALL_VIA_DOWNLOAD_URL;
    line(format!(
        "#define MMX_CALL_VIA_DOWNLOAD_URL {by_link}u /* download: through the link of mmx_retrieve_file() */"
    ));
    line("\n/* What became of a file, in bulk. More may come: never index an array by one. */".into());
    for (kind, name, meaning) in mmx::api::outcome::KINDS {
        line(format!("#define MMX_OUTCOME_{name} {} /* {meaning} */", kind as i32));
    }
    line("\n/* Flags of mmx_bulk_options and mmx_filter. */".into());
    let dry_run = mmx::ffi::bulk::MMX_BULK_DRY_RUN;
    line(format!("#define MMX_BULK_DRY_RUN {dry_run}u /* send no delete: every match comes back as KEPT */"));
    let verify = mmx::ffi::bulk::MMX_BULK_VERIFY;
    line(format!("#define MMX_BULK_VERIFY {verify}u /* list again at the end and say what is still there */"));
    let all = mmx::ffi::bulk::MMX_FILTER_ALL;
    line(format!("#define MMX_FILTER_ALL {all}u /* really everything of that purpose */"));
    line("\n/* The levels of mmx_config_set_logger(). */".into());
    for (name, level, meaning) in mmx::ffi::config::LEVELS {
        line(format!("#define {name} {} /* {meaning} */", level as i32));
    }
    line("\n/* Sets struct_size and leaves the rest as the client has it. */".into());
    line("#define MMX_CALL_OPTIONS_INIT { sizeof(mmx_call_options), 0, 0, 0, NULL, NULL, NULL }".into());
    line("#define MMX_SOURCE_INIT { sizeof(mmx_source), -1, NULL, NULL, NULL }".into());
    line("#define MMX_SINK_INIT { sizeof(mmx_sink), NULL, NULL, NULL }".into());
    line("#define MMX_BULK_OPTIONS_INIT { sizeof(mmx_bulk_options), 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL }".into());
    line("#define MMX_FILTER_INIT { sizeof(mmx_filter), NULL, 0, 0, NULL, NULL, NULL, 0, 0, 0, 0 }".into());
    out
}

/// Doc comments as one block each: `/** … */` reads better in C than a column of slashes.
fn as_blocks(header: &str) -> String {
    let mut out = String::new();
    let mut block: Vec<&str> = Vec::new();
    for line in header.lines().chain([""]) {
        let text = line.trim_start();
        if let Some(comment) = text.strip_prefix("//") {
            block.push(comment.trim_start_matches('/').trim_end());
            continue;
        }
        if !block.is_empty() {
            let indent = &line[..line.len() - text.len()];
            if let [one] = block[..] {
                writeln!(out, "{indent}/**{one} */").unwrap();
            } else {
                writeln!(out, "{indent}/**").unwrap();
                block.iter().for_each(|comment| writeln!(out, "{indent} *{comment}").unwrap());
                writeln!(out, "{indent} */").unwrap();
            }
            block.clear();
        }
        writeln!(out, "{line}").unwrap();
    }
    out.trim_end().to_owned() + "\n"
}

/// The `//!` of a chapter as a comment of the header.
fn heading(chapter: &str) -> String {
    let lines: Vec<_> = chapter.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim_end).collect();
    let mut out = format!("/*{}", lines[0].trim_end_matches('-').trim_end());
    let dashes = 118usize.saturating_sub(out.chars().count());
    out = format!("{out} {}\n", "-".repeat(dashes));
    lines[1..].iter().for_each(|line| writeln!(out, " *{line}").unwrap());
    out + " */\n"
}

fn generate() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml");
    let config =
        cbindgen::Config { header: Some(INTRODUCTION.into()), after_includes: Some("\n@CONSTANTS@".into()), ..config };
    let bindings = cbindgen::Builder::new().with_crate(root()).with_config(config).generate().expect("cbindgen");
    let mut raw = Vec::new();
    bindings.write(&mut raw);
    // Old editors and compilers read a header as they please.
    let raw = String::from_utf8(raw).unwrap().replace('…', "...");
    let mut header = as_blocks(&raw).replace("@CONSTANTS@", constants().trim_end());
    for chapter in chapters() {
        let first = defined(&chapter)[0].to_owned();
        let all = header.find("extern \"C\" {").expect("functions come last");
        let declaration = header[all..].find(&format!("{first}(")).unwrap_or_else(|| panic!("{first} is missing"));
        let declaration = all + declaration;
        // Before the doc comment of the first function.
        let start = header[..declaration].rfind("/**").expect("every function is documented");
        header.insert_str(start, &format!("{}\n", heading(&chapter)));
    }
    // cbindgen gives a struct either a tag or a name of its own; C wants both.
    for (at, _) in header.clone().rmatch_indices("typedef struct {") {
        let name = header[at..].split("\n} ").nth(1).and_then(|rest| rest.split(';').next()).expect("a named struct");
        header.insert_str(at + "typedef struct".len(), &format!(" {name}"));
    }
    while header.contains("\n\n\n") {
        header = header.replace("\n\n\n", "\n\n");
    }
    header
}

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
    compare_or_write("include/mmx.h", &generate());
}

#[test]
fn the_list_of_symbols_is_what_the_sources_say() {
    let since = |chapter: &str, name: &str| {
        let before = &chapter[..chapter.find(&format!("fn {name}(")).unwrap()];
        before[before.rfind("@since ").expect("every function says @since") + 7..].lines().next().unwrap().to_owned()
    };
    let chapters = chapters();
    let mut symbols: Vec<_> = chapters
        .iter()
        .flat_map(|chapter| defined(chapter).into_iter().map(|name| format!("{name} {}\n", since(chapter, name))))
        .collect();
    symbols.sort();
    compare_or_write("tests/abi/symbols.txt", &symbols.concat());
}

/// What programs were built against stays: names, types, the order of parameters and fields, values. `make header` adds
/// new declarations to the list; it neither changes nor removes one.
#[test]
fn the_interface_only_grows() {
    let agreed: BTreeSet<String> = source(DECLARATIONS).lines().map(str::to_owned).collect();
    let found = declarations::declarations(&source("include/mmx.h"));
    let lost: Vec<_> = agreed.difference(&found).collect();
    assert!(lost.is_empty(), "mmx.h no longer has what programs rely on (docs/abi.md): {lost:#?}");
    let list: String = found.iter().map(|line| format!("{line}\n")).collect();
    compare_or_write(DECLARATIONS, &list);
}

/// Every parameter is described, every status that is named exists, every function says since when.
#[test]
fn the_documentation_is_complete() {
    let header = source("include/mmx.h");
    for Function { returns, name, parameters, doc } in functions(&header) {
        assert!(doc.contains("@since "), "{name} has no @since");
        for parameter in parameters {
            assert!(!parameter.doc.is_empty(), "{name}: no @param {}", parameter.name);
        }
        assert!(returns == "void" || doc.contains("@return"), "{name} has no @return");
    }
    let words = header.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    for word in words.filter(|word| word.starts_with("MMX_ERROR_")) {
        let known = word == "MMX_ERROR_" || word == "MMX_ERROR_UNKNOWN";
        assert!(known || STATUSES.iter().any(|(_, name, _)| name.to_str() == Ok(word)), "{word} is not a status");
    }
}
