//! Compiles `mmx.h`, the code in its documentation and the examples as users do, and looks at the symbols of the library.

mod common;

use common::header;
use mmx_sandbox::Sandbox;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The compiler, the standard, and what a file of that language is called.
const LANGUAGES: [(&str, &str, &str); 4] =
    [("cc", "c99", "c"), ("cc", "c11", "c"), ("cc", "c17", "c"), ("c++", "c++17", "cpp")];

/// A folder for one test, anew.
fn folder(name: &str) -> PathBuf {
    let folder = common::target().join("header").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    file
}

/// Runs a tool and returns what it printed.
fn output(command: &mut Command, package: &str) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.current_dir(common::root()).output();
    let done = done.unwrap_or_else(|error| panic!("{name} can't run ({error}); install the package {package}"));
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {}\n{stderr}", done.status);
    String::from_utf8(done.stdout).unwrap()
}

fn package(compiler: &str) -> &'static str {
    if compiler == "c++" { "g++" } else { "gcc" }
}

/// Compiles files to an object or, with more arguments, to a program; a warning is an error.
fn compile((name, standard, _): (&str, &str, &str), files: &[&Path], more: &[&str]) {
    let mut command = Command::new(name);
    command.args([&format!("-std={standard}"), "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude"]);
    output(command.args(files).args(more), package(name));
}

/// The flags that link a program with the library.
fn linked(program: &Path) -> Vec<String> {
    let library = format!("-L{}", common::library().display());
    vec![library, "-lmmx".into(), "-o".into(), program.display().to_string()]
}

#[test]
fn the_header_compiles_alone_and_twice() {
    let folder = folder("alone");
    let uses = "\nextern mmx_call_options the_options;\nmmx_call_options the_options = MMX_CALL_OPTIONS_INIT;\n";
    for language in LANGUAGES {
        for (name, includes) in [("alone", "#include <mmx.h>\n"), ("twice", "#include <mmx.h>\n#include <mmx.h>\n")] {
            let file = write(&folder, &format!("{name}.{}", language.2), &format!("{includes}{uses}"));
            compile(language, &[&file], &["-c", "-o", "/dev/null"]);
        }
    }
    let file = folder.join("alone.c");
    compile(LANGUAGES[0], &[&file], &["-Wstrict-prototypes", "-Wold-style-definition", "-c", "-o", "/dev/null"]);
}

/// Structs that callers fill can be declared before they are known, as the pinned interface has them.
#[test]
fn structs_have_tags() {
    let folder = folder("tags");
    let code = "struct mmx_call_options;\nextern int f(const struct mmx_call_options *options);\n#include <mmx.h>\n\
                int f(const mmx_call_options *options) { return options->max_attempts; }\n";
    for language in LANGUAGES {
        let file = write(&folder, &format!("tags.{}", language.2), code);
        compile(language, &[&file], &["-c", "-o", "/dev/null"]);
    }
}

#[test]
fn two_units_are_linked_together() {
    let folder = folder("units");
    let one = "#include <mmx.h>\n#ifdef __cplusplus\nextern \"C\"\n#endif\nmmx_call_options made(void);\n\
               mmx_call_options made(void) { mmx_call_options options = MMX_CALL_OPTIONS_INIT; return options; }\n";
    let two = "#include <mmx.h>\n#ifdef __cplusplus\nextern \"C\"\n#endif\nmmx_call_options made(void);\n\
               int main(void) { return made().struct_size == sizeof(mmx_call_options) && \
               mmx_abi_version() == MMX_ABI_VERSION ? 0 : 1; }\n";
    for first in LANGUAGES {
        for second in LANGUAGES {
            let program = folder.join("program");
            let objects = [(first, "one", one), (second, "two", two)].map(|(language, name, code)| {
                let file = write(&folder, &format!("{name}.{}", language.2), code);
                let object = folder.join(name).with_extension("o");
                compile(language, &[&file], &["-c", "-o", &object.to_string_lossy()]);
                object
            });
            output(Command::new("c++").args(&objects).args(linked(&program)), "g++");
            common::run(&mut Command::new(&program), &[]).unwrap();
        }
    }
}

#[test]
fn the_code_in_the_documentation_compiles() {
    let examples = header::examples(&header::text());
    assert!(examples.len() >= 2, "only {} examples found", examples.len());
    let (programs, pieces): (Vec<_>, Vec<_>) = examples.iter().partition(|example| is_program(example));
    let mut program = String::from("#include <mmx.h>\n#include <stdio.h>\n");
    for (at, example) in pieces.iter().enumerate() {
        // What an example uses without making it is given to it; what it makes itself hides that.
        writeln!(program, "void example_{at}(mmx_client *client);").unwrap();
        writeln!(program, "void example_{at}(mmx_client *client) {{\n(void)client;\n{{{example}}}\n}}").unwrap();
    }
    program += "int main(void) { return 0; }\n";
    let folder = folder("examples");
    for language in LANGUAGES {
        for program in programs.iter().copied().chain([&program]) {
            let file = write(&folder, &format!("examples.{}", language.2), program);
            let flags = linked(&folder.join("examples"));
            compile(language, &[&file], &flags.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

fn is_program(example: &str) -> bool {
    example.contains("int main(")
}

/// The program at the top of the header deletes its file.
#[test]
fn the_first_program_of_the_header_works() {
    let folder = folder("first");
    let example = header::examples(&header::text()).swap_remove(0);
    let (file, program) = (write(&folder, "delete.c", &example), folder.join("delete"));
    let flags = linked(&program);
    compile(LANGUAGES[0], &[&file], &flags.iter().map(String::as_str).collect::<Vec<_>>());
    let sandbox = Sandbox::start().unwrap();
    let url = sandbox.account_url("first");
    let environment = [("MINIMAX_API_KEY", mmx_sandbox::API_KEY), ("MINIMAX_BASE_URL", &url)];
    let run = || common::run(&mut Command::new(&program), &environment);
    assert_eq!(run().unwrap(), "");
    // It is gone now.
    let refused = run().unwrap_err();
    assert!(refused.starts_with("exit status: 1\nMMX_ERROR_NOT_FOUND: delete_file: "), "{refused}");
}

/// The blocks of C on the pages: whole units, and pieces that are given a client. Programs are run, with a file to delete.
#[test]
fn the_code_on_pages_compiles_and_works() {
    let folder = folder("pages");
    let sandbox = Sandbox::start_strict().unwrap();
    let (blocks, mut run) = (common::blocks("c"), 0);
    for (page, code) in &blocks {
        let unit = if code.starts_with("#include <mmx.h>\n") {
            code.clone()
        } else {
            // What a piece doesn't make itself is given to it.
            let error = if code.contains("mmx_error *error") { "" } else { "mmx_error *error = NULL;\n(void)error;\n" };
            format!(
                "#include <mmx.h>\n#include <stdio.h>\nvoid piece(mmx_client *client);\n\
                 void piece(mmx_client *client) {{\n(void)client;\n{error}{code}}}\n"
            )
        };
        for language in LANGUAGES {
            let file = write(&folder, &format!("page.{}", language.2), &unit);
            compile(language, &[&file], &["-fsyntax-only"]);
        }
        if is_program(code) {
            let (file, program) = (folder.join("page.c"), folder.join("program"));
            let flags = linked(&program);
            compile(LANGUAGES[0], &[&file], &flags.iter().map(String::as_str).collect::<Vec<_>>());
            run += 1;
            let url = sandbox.account_url(&format!("page-{run}"));
            let environment = [("MINIMAX_API_KEY", mmx_sandbox::API_KEY), ("MINIMAX_BASE_URL", &url)];
            // The file that the stand-in server has in every account; a program that names it itself ignores this.
            let delete = || common::run(Command::new(&program).args(["176844028768320", "voice_clone"]), &environment);
            delete().unwrap_or_else(|error| panic!("{page}: {error}"));
            assert!(delete().is_err(), "{page}: the program deleted nothing");
        }
    }
    assert!(blocks.len() >= 10 && run >= 3, "only {} blocks and {run} programs found", blocks.len());
}

/// The test that CONTRIBUTING.md shows is one that passes.
#[test]
fn the_test_in_contributing_works() {
    let page = fs::read_to_string(common::root().join("CONTRIBUTING.md")).unwrap();
    let code = page.split("\n```c\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a test");
    let folder = folder("contributing");
    let (file, program) = (write(&folder, "my-test.c", code), folder.join("my-test"));
    let flags = linked(&program);
    let flags: Vec<_> = ["-Itests/c"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    compile(LANGUAGES[1], &[&file], &flags);
    let sandbox = Sandbox::start().unwrap();
    let settings = [("MMX_TEST_HTTP", sandbox.http_url()), ("MMX_TEST_KEY", mmx_sandbox::API_KEY)];
    common::run(&mut Command::new(program), &settings).unwrap();
}

/// Built as a user builds it.
fn example(name: &str) -> PathBuf {
    let (source, program) = (format!("examples/c/{name}.c"), folder(name).join(name));
    let library = format!("-L{}", common::library().display());
    output(Command::new("cc").args(["-Wall", "-Iinclude", &source, &library, "-lmmx", "-o"]).arg(&program), "gcc");
    program
}

#[test]
fn the_example_of_a_life_ends_as_it_began() {
    let sandbox = Sandbox::start_strict().unwrap();
    let url = sandbox.account_url("life");
    let environment = [("MINIMAX_API_KEY", mmx_sandbox::API_KEY), ("MINIMAX_BASE_URL", &url)];
    let file = folder("life-file").join("hello.mp3");
    fs::write(&file, vec![1; 100_000]).unwrap();
    let printed = common::run(Command::new(example("life")).arg(&file).arg("voice_clone"), &environment).unwrap();
    for part in ["  hello.mp3\n", "retrieved: hello.mp3, voice_clone\n", "the same, byte for byte\n", "deleted: "] {
        assert!(printed.contains(part), "{printed}");
    }
}

/// The first thing a newcomer does: nothing but a compiler, the header and the library.
#[test]
fn the_example_deletes_a_file() {
    let source = "examples/c/delete.c";
    let lines = fs::read_to_string(common::root().join(source)).unwrap().lines().count();
    assert!(lines < 40, "{source} has {lines} lines");
    let program = example("delete");

    let sandbox = Sandbox::start_strict().unwrap();
    let url = sandbox.account_url("example");
    let environment = [("MINIMAX_API_KEY", mmx_sandbox::API_KEY), ("MINIMAX_BASE_URL", &url)];
    let delete = |arguments: &[&str]| common::run(Command::new(&program).args(arguments), &environment);
    let done = delete(&["176844028768320", "voice_clone"]).unwrap();
    let answer = r#"{"file_id":176844028768320,"base_resp":{"status_code":0,"status_msg":"success"}}"#;
    assert_eq!(done, format!("deleted: {answer}\n"));

    // It is gone now.
    let refused = delete(&["176844028768320", "voice_clone"]).unwrap_err();
    assert!(refused.starts_with("exit status: 1\nMMX_ERROR_NOT_FOUND\ndelete_file: "), "{refused}");
    let wrong = delete(&["0", "voice_clone"]).unwrap_err();
    assert!(wrong.starts_with("exit status: 1\nMMX_ERROR_INVALID_ARGUMENT\ndelete_file: file_id "), "{wrong}");
    let usage = delete(&["1"]).unwrap_err();
    assert!(usage.starts_with("exit status: 2\nusage: "), "{usage}");
}

#[test]
fn the_library_exports_what_is_listed() {
    let library = common::library().join("libmmx.so");
    let listed = fs::read_to_string(common::root().join("tests/abi/symbols.txt")).unwrap();
    let mut listed: Vec<_> = listed.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    listed.sort();
    let symbols = output(Command::new("nm").args(["-D", "--defined-only"]).arg(library), "binutils");
    // The version itself is a symbol, too.
    let found = symbols.lines().map(|line| line.rsplit(' ').next().unwrap()).filter(|symbol| *symbol != "MMX_1");
    let of_version = |symbol: &str| symbol.strip_suffix("@@MMX_1").map(str::to_owned);
    let mut found: Vec<_> = found.map(|symbol| of_version(symbol).unwrap_or_else(|| panic!("{symbol}"))).collect();
    found.sort();
    assert_eq!(found, listed);
}

#[test]
fn the_library_has_its_soname_and_stays_loaded() {
    let library = common::library().join("libmmx.so");
    let dynamic = output(Command::new("readelf").args(["-d", "-W"]).env("LC_ALL", "C").arg(library), "binutils");
    let entry = |tag: &str, value: &str| dynamic.lines().any(|line| line.contains(tag) && line.contains(value));
    assert!(entry("(SONAME)", "[libmmx.so.1]"), "{dynamic}");
    assert!(entry("(FLAGS_1)", "NODELETE"), "{dynamic}");
    assert!(!entry("(RPATH)", "") && !entry("(RUNPATH)", ""), "{dynamic}");
    // It needs glibc alone: a container without gcc's libraries is enough.
    assert!(!entry("(NEEDED)", "libgcc_s"), "{dynamic}");
}

/// Sizes and offsets of the structs that cross the boundary, as the C compiler has them: they never change, new fields
/// come at the end.
#[test]
fn the_layout_of_structs_is_as_ever() {
    let structs = structs(&header::text());
    assert!(!structs.is_empty());
    let mut program = String::from("#include <mmx.h>\n#include <stdio.h>\nint main(void) {\n");
    for (name, fields) in &structs {
        writeln!(program, "printf(\"{name} size %zu\\n\", sizeof({name}));").unwrap();
        for field in fields {
            let size = format!("sizeof((({name} *)0)->{field})");
            let line = format!("printf(\"{name}.{field} at %zu size %zu\\n\", offsetof({name}, {field}), {size});");
            writeln!(program, "{line}").unwrap();
        }
    }
    program += "return 0; }\n";
    let folder = folder("layout");
    let (file, run) = (write(&folder, "layout.c", &program), folder.join("layout"));
    compile(LANGUAGES[1], &[&file], &["-o", &run.to_string_lossy()]);
    let layout = output(&mut Command::new(run), "gcc");

    let golden = common::root().join("tests/abi/layout.txt");
    if env::var_os("MMX_WRITE").is_some() {
        fs::write(golden, layout).unwrap();
    } else {
        let wanted = fs::read_to_string(golden).unwrap_or_default();
        assert_eq!(
            layout, wanted,
            "only after a new struct or a new field at the end of one: run this with MMX_WRITE=1"
        );
    }
}

/// The structs of the header with the names of their fields.
fn structs(header: &str) -> Vec<(String, Vec<String>)> {
    let bodies = header.split("typedef struct").skip(1).filter_map(|rest| {
        let (before, body) = rest.split_once('{')?;
        let (body, after) = body.split_once('}')?;
        // One that is only declared has its semicolon first.
        (!before.contains(';')).then(|| (after.split(';').next().unwrap_or_default().trim().to_owned(), body))
    });
    let field = |line: &str| {
        let declaration = line.trim().strip_suffix(';')?;
        // A function pointer has its name in parentheses of its own.
        let name = match declaration.split_once("(*") {
            Some((_, rest)) => rest.split(')').next()?,
            // An array has its length behind it.
            None => declaration.split('[').next()?.rsplit([' ', '*']).next()?,
        };
        Some(name.to_owned())
    };
    bodies.map(|(name, body)| (name, body.lines().filter_map(field).collect())).collect()
}
