//! A C program that calls every function of `mmx.h` with each of its arguments wrong: texts, numbers, and the sizes and
//! fields of structs. It is made from the header, so that no parameter is forgotten; `tests/c/bad_calls.h` has what it is
//! made of. NULL is in `null_sweep.rs`.

use super::arguments::value;
use super::header::{self, Function, Parameter, Struct};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// What is wrong with one argument.
struct Case {
    /// `purpose`, or the field `options.flags`.
    named: String,
    /// For the name of a function in C.
    suffix: &'static str,
    /// How many there are, as C says it.
    count: &'static str,
    /// What is wrong with the i-th, as a text of C.
    bad: String,
    /// What is set before the call.
    before: String,
    /// The arguments of the call.
    arguments: Vec<String>,
    /// What `judge` compares with, or `judge_size`.
    judge: String,
    /// What is done after the call.
    after: &'static str,
}

/// Writes the program.
pub(crate) fn write() -> PathBuf {
    let text = header::text();
    let (functions, structs) = (header::functions(&text), header::structs(&text));
    let (mut program, mut all, mut calls) = (String::from("#include \"bad_calls.h\"\n"), String::new(), String::new());
    for function in &functions {
        let cases = cases(function, &structs, &text);
        // A configuration that was accepted is tried with a client.
        if function.returns == "mmx_status" && (!cases.is_empty() || function.name == "mmx_client_new") {
            let statuses = header::statuses(&functions, &function.name).into_iter();
            let statuses = statuses.map(|status| status + ", ").collect::<String>();
            writeln!(program, "static const mmx_status {}_returns[] = {{{statuses}-1}};", function.name).unwrap();
        }
        for case in cases {
            let name = format!("{}_{}_{}", function.name, case.named.replace('.', "_"), case.suffix);
            all += &one(function, &case, &name);
            writeln!(calls, "    {name}();").unwrap();
        }
    }
    program += &all;
    write!(
        program,
        "\nstatic void *all(void *unused) {{\n    (void)unused;\n    use_other_stack();\n{calls}    return NULL;\n}}\n"
    )
    .unwrap();
    program += "\nint main(void) {\n    bad_calls_run(all);\n    return 0;\n}\n";
    let file = super::target().join("c/bad_calls.c");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, program).unwrap();
    file
}

/// A function of C that makes one call for each value that is wrong.
fn one(function: &Function, case: &Case, c_name: &str) -> String {
    let Function { returns, name, parameters, .. } = function;
    let Case { named, suffix, count, bad, before, arguments, judge, after } = case;
    let call = format!("{name}({})", arguments.join(", "));
    let mut out = format!("\nstatic void {c_name}(void) {{\n    for (size_t i = 0; i < {count}; i++) {{\n");
    if *suffix == "text" {
        writeln!(out, "        if (!is_bad_text_of(i, \"{named}\")) continue;").unwrap();
    }
    writeln!(out, "        struct values v = bad_values(\"{name}, {named}\", {bad});").unwrap();
    out += before;
    match returns.as_str() {
        "mmx_status" => {
            writeln!(out, "        mmx_status status = {call};").unwrap();
            writeln!(out, "        {judge}, status, {name}_returns);").unwrap();
            for parameter in parameters.iter().filter(|parameter| parameter.kind.ends_with("**")) {
                writeln!(out, "        CHECK({} != FILLED);", value(parameter).trim_start_matches('&')).unwrap();
            }
            if parameters[0].kind == "mmx_config *" {
                out += "        if (status == MMX_OK) use_config(v.config, mmx_client_new_returns, mmx_delete_file_returns);\n";
            }
        }
        "const char *" => writeln!(out, "        CHECK({call} != NULL);\n        bad_calls++;").unwrap(),
        _ if name.ends_with("_get") => {
            let within = format!("{} < {}_count({})", arguments[1], name.trim_end_matches("_get"), arguments[0]);
            writeln!(out, "        CHECK(({call} != NULL) == ({within}));\n        bad_calls++;").unwrap();
        }
        _ => writeln!(out, "        (void){call};\n        bad_calls++;").unwrap(),
    }
    out + after + "        done(&v);\n    }\n}\n"
}

fn is_struct(structs: &[Struct], kind: &str) -> bool {
    structs.iter().any(|given| kind == format!("const {} *", given.name))
}

/// Everything that can be wrong with the arguments of a function, one at a time.
fn cases(function: &Function, structs: &[Struct], text: &str) -> Vec<Case> {
    // A handle is right or NULL: functions of handles alone are in `null_sweep.rs`.
    let handle =
        |kind: &str| kind == "bool" || (kind.ends_with('*') && kind != "const char *") && !is_struct(structs, kind);
    if function.parameters.iter().all(|parameter| handle(&parameter.kind)) {
        return Vec::new();
    }
    let values: Vec<_> = function.parameters.iter().map(value).collect();
    let with = |at: usize, argument: &str| {
        let mut arguments = values.clone();
        argument.clone_into(&mut arguments[at]);
        arguments
    };
    let mut cases = Vec::new();
    for (at, parameter) in function.parameters.iter().enumerate() {
        let named = parameter.name.trim_end_matches("_or_null").to_owned();
        if let Some(given) = structs.iter().find(|given| parameter.kind == format!("const {} *", given.name))
            && values[at].starts_with('&')
        {
            let place = values[at].trim_start_matches('&').to_owned();
            if given.fields[0].name == "struct_size" {
                cases.push(size_case(&named, &place, false, with(at, "s.at")));
            }
            for (index, field) in given.fields.iter().enumerate().filter(|(_, field)| field.name != "struct_size") {
                let (named, place) = (format!("{named}.{}", field.name), format!("{place}.{}", field.name));
                let array = index.checked_sub(1).map(|before| &given.fields[before].name);
                cases.extend(field_case(field, &named, &place, array, &values, text));
            }
        } else if parameter.kind == "size_t" && parameter.name == "count" {
            let mut arguments = with(at, "counts[i]");
            "NULL".clone_into(&mut arguments[at - 1]);
            cases.push(count_case(&function.parameters[at - 1].name, String::new(), arguments));
        } else {
            cases.extend(
                scalar_case(parameter, &named, text).map(|(case, bad)| Case { arguments: with(at, &bad), ..case }),
            );
        }
    }
    cases
}

/// What can be wrong with a field, when all else is right.
fn field_case(
    field: &Parameter,
    named: &str,
    place: &str,
    array: Option<&String>,
    arguments: &[String],
    text: &str,
) -> Option<Case> {
    if field.kind == "mmx_call_info *" {
        return Some(size_case(named, place, true, arguments.to_vec()));
    }
    if field.kind == "size_t" {
        let (parent, _) = place.rsplit_once('.').expect("a field");
        let array = array.expect("the array that is counted");
        let before = format!("        {parent}.{array} = NULL;\n        {place} = counts[i];\n");
        return Some(count_case(
            &format!("{}.{array}", named.rsplit_once('.').expect("a field").0),
            before,
            arguments.to_vec(),
        ));
    }
    if field.kind.contains("(*") || field.kind.ends_with("_fn") {
        // Those of sources and sinks; the callbacks of options never are.
        let required = field.kind.contains("(*") && !field.doc.contains("NULL");
        let expected = if required { "REFUSED" } else { "ACCEPTED" };
        return Some(Case {
            named: named.to_owned(),
            suffix: "null",
            count: "1",
            bad: "\"NULL\"".to_owned(),
            before: format!("        {place} = NULL;\n"),
            arguments: arguments.to_vec(),
            judge: format!("judge(&v, \"{named}\", {expected}"),
            after: "",
        });
    }
    let (case, bad) = scalar_case(field, named, text)?;
    Some(Case { before: format!("        {place} = {bad};\n"), arguments: arguments.to_vec(), ..case })
}

/// A struct that claims another size. `is_out`: the library fills it, and `place` points to it.
fn size_case(named: &str, place: &str, is_out: bool, arguments: Vec<String>) -> Case {
    let before = if is_out {
        format!(
            "        const mmx_call_info known = MMX_CALL_INFO_INIT;\n        \
             struct sized s = sized(&known, sizeof known, i);\n        {place} = s.at;\n"
        )
    } else {
        format!("        struct sized s = sized(&{place}, sizeof {place}, i);\n")
    };
    Case {
        named: named.to_owned(),
        suffix: "size",
        count: "LENGTH_OF(BAD_SIZES)",
        bad: "BAD_SIZES[i].name".to_owned(),
        before,
        arguments,
        judge: format!("judge_size(&v, &s, \"{named}\", {is_out}"),
        after: "        free_sized(&s);\n",
    }
}

/// No array, with a count: an empty one, or nothing that could be read.
fn count_case(array: &str, more: String, arguments: Vec<String>) -> Case {
    let counts = "        static const size_t counts[] = {0, 1, SIZE_MAX / 2, SIZE_MAX};\n";
    Case {
        named: array.to_owned(),
        suffix: "count",
        count: "4",
        bad: "i ? \"NULL with a count\" : \"NULL with a count of 0\"".to_owned(),
        before: format!("{counts}{more}"),
        arguments,
        judge: format!("judge(&v, \"{array}\", i ? REFUSED : ACCEPTED"),
        after: "",
    }
}

/// A text or a number that is wrong, and how C names the i-th.
fn scalar_case(parameter: &Parameter, named: &str, text: &str) -> Option<(Case, String)> {
    let number = |table: &'static str, values: &str| {
        let (least, most) = range(parameter, text);
        let below = format!("{values} < {least}");
        let above = most.map_or(String::new(), |most| format!(" || {values} > {most}"));
        // Only an upload with a ledger takes a time to live.
        let others = if parameter.doc.contains("with a ledger") { "ANY" } else { "ACCEPTED" };
        let expected = format!("{below}{above} ? REFUSED : {others}");
        ("number", table, format!("number_text((int64_t){values})"), values.to_owned(), expected)
    };
    let (suffix, count, bad, value, expected) = match parameter.kind.as_str() {
        "const char *" => {
            let expected = "BAD_TEXTS[i].is_utf8 ? ANY : REFUSED".to_owned();
            ("text", "LENGTH_OF(BAD_TEXTS)", "BAD_TEXTS[i].name".to_owned(), "BAD_TEXTS[i].text".to_owned(), expected)
        }
        "int64_t" => number("LENGTH_OF(BAD_INT64)", "BAD_INT64[i]"),
        "int32_t" | "mmx_status" => number("LENGTH_OF(BAD_INT32)", "BAD_INT32[i]"),
        "size_t" => number("LENGTH_OF(BAD_SIZE)", "BAD_SIZE[i]"),
        "uint32_t" => {
            let expected = format!("bad_flags(i) & ~({}) ? REFUSED : ANY", flags(parameter, text));
            let bad = "number_text((int64_t)bad_flags(i))".to_owned();
            ("flags", "BAD_FLAGS", bad, "bad_flags(i)".to_owned(), expected)
        }
        _ => return None,
    };
    let judge = format!("judge(&v, \"{named}\", {expected}");
    let (named, before, arguments) = (named.to_owned(), String::new(), Vec::new());
    Some((Case { named, suffix, count, bad, before, arguments, judge, after: "" }, value))
}

/// The least value that may be right by the documentation, and the greatest if it says one.
fn range(parameter: &Parameter, text: &str) -> (String, Option<String>) {
    let doc = &parameter.doc;
    let levels = header::constants(text, "MMX_LOG_");
    if let (Some(first), Some(last)) = (levels.first(), levels.last())
        && doc.contains(&format!("{first} to {last}"))
    {
        return (first.clone(), Some(last.clone()));
    }
    if doc.contains("per cent") {
        return ("0".to_owned(), Some("100".to_owned()));
    }
    let most = doc.split(", 1 to ").nth(1).map(|rest| {
        rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(char::is_ascii_digit).collect::<String>()
    });
    let least = match doc {
        doc if doc.contains("-1 = ") => "-1",
        doc if doc.contains("1 or more") && !doc.contains("0 = ") => "1",
        _ => "0",
    };
    (least.to_owned(), most)
}

/// The flags that the header has for a field, as C says them.
fn flags(field: &Parameter, text: &str) -> String {
    let words = field.doc.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
    let known = words.filter(|word| word.starts_with("MMX_")).flat_map(|word| match word.strip_suffix("...") {
        Some(beginning) => {
            header::constants(text, beginning).into_iter().filter(|name| !name.ends_with("_INIT")).collect()
        }
        None => vec![word.to_owned()],
    });
    let known: Vec<_> = known.filter(|name| !name.ends_with("_INIT")).collect();
    assert!(!known.is_empty(), "the documentation of {} names no flag", field.name);
    known.join(" | ")
}
