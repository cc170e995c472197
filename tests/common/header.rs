//! `include/mmx.h` as the tests read it: its functions with their parameters and documentation.

use std::fs;

pub(crate) struct Function {
    /// For example `const char *`.
    pub(crate) returns: String,
    pub(crate) name: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) doc: String,
}

pub(crate) struct Parameter {
    /// For example `mmx_error **`.
    pub(crate) kind: String,
    pub(crate) name: String,
    /// What its `@param` says.
    pub(crate) doc: String,
}

impl Parameter {
    pub(crate) fn is_pointer(&self) -> bool {
        self.kind.ends_with('*')
    }

    /// The documentation decides: what it doesn't allow to be NULL must not be.
    pub(crate) fn may_be_null(&self) -> bool {
        let from_or_null = self.doc.starts_with("From ") && self.doc.contains("or NULL");
        from_or_null || ["NULL = ", "NULL does nothing"].iter().any(|allowed| self.doc.contains(allowed))
    }
}

pub(crate) fn text() -> String {
    fs::read_to_string(super::root().join("include/mmx.h")).expect("include/mmx.h")
}

/// Every function, in the header's order: a doc comment, then a declaration.
pub(crate) fn functions(header: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    for piece in header.split("/**").skip(1) {
        let (doc, after) = piece.split_once("*/").expect("comments end");
        let declaration = after.split(';').next().unwrap_or_default();
        let declaration = declaration.split_whitespace().collect::<Vec<_>>().join(" ");
        let Some((before, parameters)) = declaration.split_once('(') else { continue };
        let (returns, name) = kind_and_name(before);
        if !name.starts_with("mmx_") || returns.starts_with("typedef") {
            continue;
        }
        let doc = plain(doc);
        let parameters = parameters.trim_end_matches(')').split(',').filter(|parameter| *parameter != "void");
        let parameters = parameters.map(kind_and_name).map(|(kind, name)| {
            let doc = parameter_doc(&doc, &name);
            Parameter { kind, name, doc }
        });
        functions.push(Function { returns, parameters: parameters.collect(), name, doc });
    }
    functions
}

/// The code of every `@code` block, in the header's order.
pub(crate) fn examples(header: &str) -> Vec<String> {
    let blocks = header.split("@code").skip(1);
    blocks.map(|block| plain(block.split_once("@endcode").expect("an @endcode for each @code").0)).collect()
}

/// `const char *name` is `const char *` and `name`.
fn kind_and_name(declaration: &str) -> (String, String) {
    let declaration = declaration.trim();
    let at = declaration.rfind([' ', '*']).map_or(0, |at| at + 1);
    (declaration[..at].trim().to_owned(), declaration[at..].to_owned())
}

/// A comment without the stars at its left.
fn plain(comment: &str) -> String {
    let lines = comment.lines().map(|line| line.trim_start().trim_start_matches('*'));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn parameter_doc(doc: &str, name: &str) -> String {
    let start = |line: &str| line.strip_prefix("@param ").and_then(|rest| rest.strip_prefix(name)).is_some();
    let mut lines = doc.lines().skip_while(|line| !start(line));
    let first = lines.next().unwrap_or_default();
    let first = first.trim_start_matches("@param ").trim_start_matches(name).trim();
    let more = lines.take_while(|line| !line.starts_with('@') && !line.is_empty()).map(str::trim);
    std::iter::once(first).chain(more).collect::<Vec<_>>().join(" ")
}
