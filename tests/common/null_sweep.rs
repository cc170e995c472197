//! A C program that calls every function of `mmx.h` with each of its pointers NULL, one at a time and all at once. It
//! is made from the header, so that no function is forgotten; `tests/c/sweep.h` has what it is made of.

use super::arguments::value;
use super::header::{self, Function, Parameter};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// Writes the program.
pub(crate) fn write() -> PathBuf {
    let mut program =
        String::from("#define ACCOUNT \"null_sweep\"\n#include \"sweep.h\"\n\nint main(void) {\n    sweep_begins();\n");
    let functions = header::functions(&header::text());
    let symbols = fs::read_to_string(super::root().join("tests/abi/symbols.txt")).expect("tests/abi/symbols.txt");
    assert_eq!(functions.len(), symbols.lines().count(), "a function of mmx.h was not found");
    for function in functions {
        let pointers: Vec<_> = function.parameters.iter().filter(|parameter| parameter.is_pointer()).collect();
        for pointer in &pointers {
            program += &case(&function, &|parameter| parameter.name == pointer.name);
        }
        if pointers.len() != 1 {
            program += &case(&function, &|parameter| parameter.is_pointer());
        }
    }
    program += "    sweep_ends();\n    return 0;\n}\n";
    let file = super::target().join("c/null_sweep.c");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, program).unwrap();
    file
}

/// One call, with NULL for what `is_null` says, and what must come of it.
fn case(function: &Function, is_null: &dyn Fn(&Parameter) -> bool) -> String {
    let Function { returns, name, parameters, .. } = function;
    let value = |parameter: &Parameter| if is_null(parameter) { "NULL".to_owned() } else { value(parameter) };
    let arguments = parameters.iter().map(value).collect::<Vec<_>>().join(", ");
    let call = format!("{name}({arguments})");
    let mut out = format!("    {{\n        struct values v = values({call:?});\n");
    let refused = parameters.iter().find(|parameter| is_null(parameter) && !parameter.may_be_null());
    match (returns.as_str(), refused) {
        ("mmx_status", Some(parameter)) => {
            // Of several that are NULL any may be named.
            let several =
                parameters.iter().filter(|parameter| is_null(parameter) && !parameter.may_be_null()).count() > 1;
            let named = if several { "NULL".to_owned() } else { format!("\"{}\"", parameter.name) };
            let has_error = parameters.iter().any(|parameter| parameter.name == "out_error" && !is_null(parameter));
            writeln!(out, "        assert_refused_null(&v, {call}, {named}, {has_error});").unwrap();
        }
        ("mmx_status", None) => writeln!(out, "        CHECK_INT({call}, MMX_OK);").unwrap(),
        ("const char *", _) => writeln!(out, "        CHECK({call} != NULL);").unwrap(),
        (borrowed, _) if borrowed.starts_with("const ") => writeln!(out, "        (void){call};").unwrap(),
        ("void", _) => writeln!(out, "        {call};").unwrap(),
        ("char *", _) => writeln!(out, "        mmx_string_free({call});").unwrap(),
        (handle, _) if handle.ends_with(" *") => {
            writeln!(out, "        {}_free({call});", handle.trim_end_matches(" *")).unwrap();
        }
        _ => writeln!(out, "        (void){call};").unwrap(),
    }
    // Every out parameter that was given is set.
    for parameter in parameters.iter().filter(|parameter| parameter.kind.ends_with("**") && !is_null(parameter)) {
        writeln!(out, "        CHECK({} != FILLED);", value(parameter).trim_start_matches('&')).unwrap();
    }
    out + "        done(&v);\n    }\n"
}
