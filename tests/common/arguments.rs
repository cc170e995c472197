//! The arguments of the generated programs: for each parameter of `mmx.h` one that is right.

use super::header::Parameter;

/// An argument that the function accepts, of `struct values` in `tests/c/sweep.h`.
pub(crate) fn value(parameter: &Parameter) -> String {
    let Parameter { kind, name, .. } = parameter;
    match kind.as_str() {
        "bool" => "false",
        "int64_t" | "int32_t" | "uint32_t" | "size_t" => "1",
        "mmx_status" => "MMX_OK",
        "mmx_config *" | "const mmx_config *" => "v.config",
        "const mmx_client *" => "v.client",
        "const mmx_call_options *" => "&v.options",
        "mmx_error **" => "&v.error",
        "mmx_client **" => "&v.out_client",
        "mmx_cancel **" => "&v.out_cancel",
        "mmx_files **" => "&v.out_files",
        "mmx_outcomes **" => "&v.out_outcomes",
        "const mmx_outcomes *" => "v.outcomes",
        "const mmx_files *" => "v.files",
        "const mmx_source *" => "&v.source",
        "const mmx_sink *" => "&v.sink",
        "const mmx_file_ref *" => "&v.file",
        "const mmx_bulk_options *" => "&v.bulk_options",
        "const mmx_sweep_options *" => "&v.sweep_options",
        "const mmx_filter *" => "&v.filter",
        "mmx_log_fn" => "reads",
        "void *" => "&v",
        "char **" => "&v.out_string",
        "const char *" => match name.as_str() {
            "purpose" | "purpose_or_null" => "MMX_PURPOSE_VOICE_CLONE",
            "path" => "v.path",
            "filename" => "\"a.mp3\"",
            "json" => "v.json",
            "pem_path" => "setting(\"MMX_TEST_CA\")",
            "base_url" | "url_or_none" => "\"http://127.0.0.1:1\"",
            "api_key" | "user_agent" | "value" => "\"word\"",
            "name" => "\"X-Name\"",
            _ => panic!("tests/common/arguments.rs knows no value for the text {name}"),
        },
        _ => panic!("tests/common/arguments.rs knows no value for {kind} {name}"),
    }
    .to_owned()
}
