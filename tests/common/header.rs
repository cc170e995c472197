//! `include/mmx.h` as the tests read it: its functions with their parameters and documentation, and its structs.

use std::collections::BTreeSet;
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

pub(crate) struct Struct {
    pub(crate) name: String,
    /// In their order; of a function pointer the kind is the whole declaration.
    pub(crate) fields: Vec<Parameter>,
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

/// Every struct whose fields the header has.
pub(crate) fn structs(header: &str) -> Vec<Struct> {
    let bodies = header.split("typedef struct ").skip(1).filter_map(|rest| {
        let (name, body) = rest.split_once(" {\n")?;
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then_some((name, body))
    });
    let structs = bodies.map(|(name, body)| {
        let body = body.split_once("\n}").expect("a struct ends").0;
        let fields = body.split("/**").skip(1).map(|field| {
            let (doc, declaration) = field.split_once("*/").expect("comments end");
            let declaration = declaration.trim().trim_end_matches(';');
            let (kind, name) = match declaration.split_once("(*") {
                Some((_, rest)) => (declaration.to_owned(), rest.split(')').next().unwrap_or_default().to_owned()),
                None => kind_and_name(declaration),
            };
            Parameter { kind, name, doc: plain(doc).split_whitespace().collect::<Vec<_>>().join(" ") }
        });
        Struct { name: name.to_owned(), fields: fields.collect() }
    });
    structs.collect()
}

/// The names of the constants that begin with a word, such as `MMX_CALL_`.
pub(crate) fn constants(header: &str, beginning: &str) -> Vec<String> {
    let names = header.lines().filter_map(|line| line.strip_prefix("#define ")?.split(' ').next());
    names.filter(|name| name.starts_with(beginning)).map(str::to_owned).collect()
}

/// The statuses that a function returns by its documentation, and by that of those to which it refers.
pub(crate) fn statuses(functions: &[Function], name: &str) -> BTreeSet<String> {
    let function = functions.iter().find(|function| function.name == name).expect("a function of mmx.h");
    let returns = function.doc.split("@return ").nth(1).unwrap_or_default().split("\n@").next().unwrap_or_default();
    let (_, others) = returns.split_once("Others as for ").unwrap_or_default();
    let others = others.split("MMX_").next().unwrap_or_default();
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.filter(|word| word.starts_with("mmx_") || word.starts_with("MMX_")).map(str::to_owned).collect()
    };
    let is_status = |word: &String| word == "MMX_OK" || word.starts_with("MMX_ERROR_");
    let mut statuses: BTreeSet<String> = words(returns).into_iter().filter(is_status).collect();
    for other in words(others).iter().filter(|other| *other != name && functions.iter().any(|it| it.name == **other)) {
        statuses.extend(self::statuses(functions, other));
    }
    statuses
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
