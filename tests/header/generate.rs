//! Renders `mmx.h`: cbindgen reads the declarations with their documentation, and here they are put in order.
//!
//! A chapter is a file of `src/ffi`: its `//!` is the heading, then come its types and functions as the file has them.
//! cbindgen drops string constants and knows no headings, so the constants are rendered from the library's own tables,
//! each group behind the type that it belongs to.

use super::{chapters, root};
use mmx::api::{outcome, purpose};
use mmx::error::STATUSES;
use mmx::ffi::{config, status};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The comment at the top: an example and the conventions.
const INTRODUCTION: &str = include_str!("introduction.txt");

/// One declaration as cbindgen renders it: its documentation, without slashes, and its code.
struct Declaration {
    doc: Vec<String>,
    code: String,
}

/// The whole header.
pub(crate) fn header() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml");
    let bindings = cbindgen::Builder::new().with_crate(root()).with_config(config).generate().expect("cbindgen");
    let mut raw = Vec::new();
    bindings.write(&mut raw);
    let declarations = declarations(&String::from_utf8(raw).expect("UTF-8"));
    // Opaque types come first: functions of several chapters take them.
    let (handles, mut declarations): (BTreeMap<_, _>, BTreeMap<_, _>) =
        declarations.into_iter().partition(|(_, declaration)| is_handle(declaration));
    let mut constants = constants();

    let mut out = format!(
        "{}\n#ifndef MMX_H\n#define MMX_H\n\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n{}\n",
        as_comment(&INTRODUCTION.lines().collect::<Vec<_>>()),
        constants.remove("").expect("the versions"),
    );
    for Declaration { doc, code } in handles.values() {
        writeln!(out, "{code} /**<{} */", doc.join("\n *")).unwrap();
    }
    out += "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
    for chapter in chapters() {
        write!(out, "\n{}", heading(&chapter)).unwrap();
        for name in names(&chapter) {
            let Some(declaration) = declarations.remove(name) else { continue };
            write!(out, "\n{}", declaration.render()).unwrap();
            if let Some(constants) = constants.remove(name) {
                write!(out, "\n{constants}").unwrap();
            }
        }
    }
    out += "\n#ifdef __cplusplus\n} /* extern \"C\" */\n#endif\n\n#endif /* MMX_H */\n";
    assert!(declarations.is_empty(), "in no chapter: {:?}", declarations.keys());
    assert!(constants.is_empty(), "behind no type: {:?}", constants.keys());
    // Old editors and compilers read a header as they please.
    out.replace('…', "...")
}

/// The declarations of cbindgen's output by their names.
fn declarations(raw: &str) -> BTreeMap<String, Declaration> {
    let blocks = raw.split("\n\n").map(str::trim);
    let blocks = blocks.filter(|block| !block.is_empty() && !block.starts_with('#') && !block.starts_with("}"));
    let declarations = blocks.map(|block| {
        let (doc, code): (Vec<_>, Vec<_>) = block.lines().partition(|line| line.starts_with("//"));
        let mut doc: Vec<_> = doc.into_iter().map(|line| line.trim_start_matches('/').trim_end().to_owned()).collect();
        // No room is lost between the text and its parameters.
        let tags = doc.iter().position(|line| line.starts_with(" @")).filter(|&at| at > 0 && doc[at - 1].is_empty());
        tags.map(|at| doc.remove(at - 1));
        let code = code.join("\n");
        let name = name(&code).to_owned();
        let code = if code.starts_with("typedef") { code } else { filled(&code) };
        // cbindgen gives a struct either a tag or a name of its own; C wants both.
        let code = code.replacen("typedef struct {", &format!("typedef struct {name} {{"), 1);
        (name, Declaration { doc, code })
    });
    declarations.collect()
}

/// A function with as many parameters on a line as there is room for.
fn filled(code: &str) -> String {
    const WIDTH: usize = 120;
    let words = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((before, parameters)) = words.split_once('(') else { return words };
    let indent = " ".repeat(before.len() + 1);
    let (mut done, mut line) = (String::new(), format!("{before}("));
    for parameter in parameters.split_inclusive(", ") {
        if line.len() + parameter.trim_end().len() > WIDTH && line.trim() != "" {
            writeln!(done, "{}", line.trim_end()).unwrap();
            line = indent.clone();
        }
        line += parameter;
    }
    done + &line
}

/// The name that a declaration introduces.
fn name(code: &str) -> &str {
    let end = match (code.starts_with("typedef"), code.find("(*")) {
        (true, Some(at)) if !code.contains('{') => code[at + 2..].split(')').next(),
        (true, _) => code.trim_end_matches(';').rsplit([' ', '\n']).next(),
        (false, _) => code.split('(').next().and_then(|before| before.rsplit([' ', '*']).next()),
    };
    end.expect("a name")
}

fn is_handle(declaration: &Declaration) -> bool {
    declaration.code.starts_with("typedef struct ") && !declaration.code.contains('{')
}

/// The names that a file defines, in its order, as `struct NAME`, `type NAME` or `fn NAME`.
fn names(chapter: &str) -> Vec<&str> {
    let words = chapter.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let words: Vec<_> = words.collect();
    let defined = words.windows(2).filter(|pair| ["struct", "type", "fn"].contains(&pair[0]));
    defined.map(|pair| pair[1]).filter(|name| name.starts_with("mmx_")).collect()
}

impl Declaration {
    /// `/** … */` reads better in C than a column of slashes.
    fn render(&self) -> String {
        let mut out = as_doc(&self.doc, "");
        let mut doc = Vec::new();
        for line in self.code.lines() {
            let text = line.trim_start();
            if let Some(comment) = text.strip_prefix("//") {
                doc.push(comment.trim_start_matches('/').trim_end().to_owned());
                continue;
            }
            out += &as_doc(&std::mem::take(&mut doc), &line[..line.len() - text.len()]);
            writeln!(out, "{line}").unwrap();
        }
        out
    }
}

fn as_doc(lines: &[String], indent: &str) -> String {
    match lines {
        [] => String::new(),
        [one] => format!("{indent}/**{one} */\n"),
        [first, rest @ ..] => {
            let rest = rest.iter().map(|line| format!("{indent} *{line}\n"));
            format!("{indent}/**{first}\n{}{indent} */\n", rest.collect::<String>())
        }
    }
}

/// A comment that documents no declaration.
fn as_comment(lines: &[&str]) -> String {
    let mut lines = lines.iter().map(|line| format!(" {line}").trim_end().to_owned());
    let first = lines.next().unwrap_or_default();
    format!("/*{first}\n{} */\n", lines.map(|line| format!(" *{line}\n")).collect::<String>())
}

/// The `//!` of a chapter, with its title on a line across the page.
fn heading(chapter: &str) -> String {
    let lines = chapter.lines().map_while(|line| line.strip_prefix("//!"));
    let mut lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let title = lines[0].trim_end_matches('-').trim_end().to_owned();
    let dashes = "-".repeat(115usize.saturating_sub(title.chars().count()));
    let title = format!("{title} {dashes}");
    lines[0] = &title;
    as_comment(&lines)
}

/// The flags of a chapter, each a constant with one line of documentation.
fn flags(chapter: &str, prefix: &str) -> Vec<String> {
    let lines: Vec<_> = chapter.lines().collect();
    let flag = |pair: &[&str]| {
        let name_and_value = pair[1].strip_prefix("pub const ")?.strip_suffix(';')?;
        let (name, value) = name_and_value.split_once(": u32 = ")?;
        let meaning = pair[0].strip_prefix("/// ").expect("a line of documentation").trim_end_matches('.');
        name.starts_with(prefix).then(|| format!("#define {name} {value}u /* {meaning} */"))
    };
    lines.windows(2).filter_map(flag).collect()
}

/// The constants by the type behind which they stand; the library's versions by no name.
fn constants() -> BTreeMap<&'static str, String> {
    let mut groups: BTreeMap<_, String> = BTreeMap::new();
    let mut add = |after, about: &str, lines: Vec<String>| {
        let group = groups.entry(after).or_default();
        let about = if about.is_empty() { String::new() } else { format!("/* {about} */\n") };
        writeln!(group, "{}{about}{}", if group.is_empty() { "" } else { "\n" }, lines.join("\n")).unwrap();
    };
    let define = |name: &str, value: String, meaning: &str| format!("#define {name} {value} /* {meaning} */");
    let initialiser =
        |name: &str, fields: &str| vec![format!("#define {}_INIT {{ sizeof({name}), {fields} }}", name.to_uppercase())];

    add(
        "",
        "The version of this header; mmx_version() returns that of the library.",
        vec![format!("#define MMX_VERSION \"{}\"", env!("CARGO_PKG_VERSION"))],
    );
    add(
        "",
        "The ABI version of this header; mmx_abi_version() returns that of the library.",
        vec![format!("#define MMX_ABI_VERSION {}", status::ABI_VERSION)],
    );
    let statuses = STATUSES
        .iter()
        .map(|(status, name, meaning)| define(name.to_str().expect("ASCII"), (*status as i32).to_string(), meaning));
    add("mmx_status", "The values of mmx_status. API codes are those of the service.", statuses.collect());
    let levels = config::LEVELS.iter().map(|(name, level, meaning)| define(name, (*level as i32).to_string(), meaning));
    add("mmx_log_fn", "The levels of log events.", levels.collect());

    add("mmx_call_info", "", initialiser("mmx_call_info", "0, 0, 0, \"\", \"\""));
    add("mmx_call_options", "Flags of mmx_call_options.", flags(include_str!("../../src/ffi/files.rs"), "MMX_CALL_"));
    add("mmx_call_options", "", initialiser("mmx_call_options", "0, 0, 0, NULL, NULL, NULL, NULL, NULL, 0"));
    let purposes = purpose::PURPOSES.iter().map(|(purpose, meaning)| {
        define(&format!("MMX_PURPOSE_{}", purpose.to_uppercase()), format!("\"{purpose}\""), meaning)
    });
    add(
        "mmx_call_options",
        "Purposes of files that this version knows. The service adds new ones; they can be used, too.",
        purposes.collect(),
    );
    add("mmx_source", "", initialiser("mmx_source", "-1, NULL, NULL, NULL"));
    add("mmx_sink", "", initialiser("mmx_sink", "NULL, NULL, NULL"));

    let kinds = outcome::KINDS
        .iter()
        .map(|(kind, name, meaning)| define(&format!("MMX_OUTCOME_{name}"), (*kind as i32).to_string(), meaning));
    add(
        "mmx_file_ref",
        "The outcomes of a file in a bulk call. Later versions may add some: do not index an array by one.",
        kinds.collect(),
    );
    add("mmx_bulk_options", "Flags of mmx_bulk_options.", flags(include_str!("../../src/ffi/bulk.rs"), "MMX_BULK_"));
    add("mmx_bulk_options", "", initialiser("mmx_bulk_options", "0, 0, 0, 0, 0, NULL, NULL, NULL, NULL"));
    add("mmx_sweep_options", "", initialiser("mmx_sweep_options", "0, 0, NULL, NULL, NULL"));
    add("mmx_filter", "Flags of mmx_filter.", flags(include_str!("../../src/ffi/bulk.rs"), "MMX_FILTER_"));
    add("mmx_filter", "", initialiser("mmx_filter", "NULL, 0, 0, NULL, NULL, NULL, 0, 0, 0, 0"));
    groups
}
