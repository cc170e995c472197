//! The declarations of a C header, one line each, so that two headers can be compared whatever their order and comments.

use std::collections::BTreeSet;

/// For example `function void mmx_error_free(mmx_error *error)` and `field mmx_file 0 int64_t file_id`.
///
/// A field is a line of its own with its place in the struct, so that a new field at the end is a new line. The values of
/// MMX_VERSION and of the initialisers follow from elsewhere and are left out.
pub(crate) fn declarations(header: &str) -> BTreeSet<String> {
    let text = without_comments(header);
    let (directives, code): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.trim_start().starts_with('#'));
    let constants = directives.into_iter().filter_map(constant);
    let statements = statements(&code.join(" "));
    constants.chain(statements.iter().flat_map(|statement| lines(statement))).collect()
}

fn without_comments(header: &str) -> String {
    let (mut text, mut rest) = (String::new(), header);
    while let Some((before, comment)) = rest.split_once("/*") {
        text.push_str(before);
        rest = comment.split_once("*/").expect("comments end").1;
    }
    text.push_str(rest);
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn constant(directive: &str) -> Option<String> {
    let mut words = directive.trim_start().strip_prefix("#define MMX_")?.splitn(2, ' ');
    let name = words.next()?;
    match words.next().map_or("", str::trim) {
        "" => None, // The include guard.
        value if value.starts_with('{') => Some(format!("initialiser MMX_{name}")),
        _ if name == "VERSION" => Some("constant MMX_VERSION".into()),
        value => Some(format!("constant MMX_{name} {value}")),
    }
}

/// Splits at semicolons outside of braces; the braces of `extern "C"` don't count.
fn statements(code: &str) -> Vec<String> {
    let code = code.replace("extern \"C\" {", " ");
    let (mut statements, mut statement, mut depth) = (Vec::new(), String::new(), 0);
    for c in code.chars() {
        match c {
            '}' if depth == 0 => continue,
            ';' if depth == 0 => {
                let words = statement.split_whitespace().collect::<Vec<_>>().join(" ");
                statements.push(words.replace("* ", "*"));
                statement.clear();
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        statement.push(c);
    }
    statements
}

fn lines(statement: &str) -> Vec<String> {
    let Some(defined) = statement.strip_prefix("typedef ") else { return vec![format!("function {statement}")] };
    let Some(structure) = defined.strip_prefix("struct ") else { return vec![format!("type {defined}")] };
    let Some((_, rest)) = structure.split_once('{') else {
        return vec![format!("handle {}", structure.rsplit(' ').next().unwrap_or_default())];
    };
    let (body, name) = rest.rsplit_once('}').expect("a struct ends");
    let fields = body.split(';').map(str::trim).filter(|field| !field.is_empty());
    fields.enumerate().map(|(at, field)| format!("field {} {at} {field}", name.trim())).collect()
}

#[test]
fn declarations_are_read_whatever_their_form() {
    let header = "#ifndef MMX_H\n#define MMX_H\n#define MMX_ONE 1 /* one */\n#define MMX_A_INIT { sizeof(mmx_a), 0 }\n\
                  #ifdef __cplusplus\nextern \"C\" {\n#endif // __cplusplus\ntypedef struct mmx_h mmx_h;\n\
                  typedef struct mmx_a {\n  size_t  size; /** a; b */\n  int32_t (*f)(void *p,\n uint8_t  *q);\n} mmx_a;\n\
                  typedef int32_t (*mmx_fn)(void *p); typedef int32_t mmx_status;\n\
                  mmx_status  mmx_go(const mmx_a *a,\n    mmx_h **out);\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
    let expected = [
        "constant MMX_ONE 1",
        "field mmx_a 0 size_t size",
        "field mmx_a 1 int32_t (*f)(void *p, uint8_t *q)",
        "function mmx_status mmx_go(const mmx_a *a, mmx_h **out)",
        "handle mmx_h",
        "initialiser MMX_A_INIT",
        "type int32_t (*mmx_fn)(void *p)",
        "type int32_t mmx_status",
    ];
    assert_eq!(declarations(header).into_iter().collect::<Vec<_>>(), expected);
}
