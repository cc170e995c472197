//! ---- Reading an answer without a JSON parser ------------------------------------------------------------------------
//!
//! The files in the JSON that a call handed over: all of a listing, the one of a retrieve or an upload, the id of a
//! delete. All 64 bits of an id are kept, whether it came as a number or as a decimal string.

use super::boundary::{self, c_string, optional, required_out, text};
use super::error::mmx_error;
use super::status::mmx_status;
use crate::api::model;
use crate::error::Error;
use std::ffi::{CString, c_char};
use std::ptr;

/// A file as the service tells of it. Filled by the library; later versions may add fields at its end.
#[repr(C)]
pub struct mmx_file {
    pub file_id: i64,
    /// 0 for generated files: not a length to rely on.
    pub bytes: i64,
    /// Unix seconds; 0 = not said.
    pub created_at: i64,
    /// "" = not said; never NULL. A name of the service's: check it before it becomes a path or goes to a terminal.
    pub filename: *const c_char,
    /// "" = not said; never NULL.
    pub purpose: *const c_char,
    /// "" = not said; never NULL. Whoever has it can fetch the file: keep it out of logs.
    pub download_url: *const c_char,
}

/// The files of one answer.
pub struct mmx_files {
    files: Vec<mmx_file>,
    /// What the pointers of `files` lead to.
    _texts: Vec<CString>,
}

// SAFETY: the pointers lead into `_texts`, which live as long and never change.
unsafe impl Send for mmx_files {}
// SAFETY: as above; nothing in it changes.
unsafe impl Sync for mmx_files {}

impl mmx_files {
    fn new(found: Vec<model::FileObject>) -> mmx_files {
        let mut texts = Vec::with_capacity(found.len() * 2);
        let mut keep = |value: String| {
            if value.is_empty() {
                return c"".as_ptr();
            }
            texts.push(c_string(value));
            texts.last().map_or(c"".as_ptr(), |text: &CString| text.as_ptr())
        };
        let files = found
            .into_iter()
            .map(|file| mmx_file {
                file_id: file.file_id,
                bytes: file.bytes,
                created_at: file.created_at,
                filename: keep(file.filename),
                purpose: keep(file.purpose),
                download_url: keep(file.download_url),
            })
            .collect();
        mmx_files { files, _texts: texts }
    }
}

/// Reads the files from a call's JSON.
///
/// @param json      What a call handed over as its out_json. UTF-8. Not kept.
/// @param out_files Gets the files, or NULL; free with mmx_files_free().
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK: an answer without files is an empty list.
///   MMX_ERROR_INVALID_ARGUMENT: not the JSON of a call, or an id in it that isn't a whole number of 64 bits.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_files_parse(
    json: *const c_char,
    out_files: *mut *mut mmx_files,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "files_parse";
    boundary::call(out_files, out_error, || {
        required_out(out_files, CALL, "out_files")?;
        let found = model::files(text(json, CALL, "json")?);
        let why = |why| Error::invalid_argument(CALL, "json", format!("is not the JSON of a call: {why}"));
        Ok(Box::new(mmx_files::new(found.map_err(why)?)))
    })
}

/// How many files there are.
///
/// @param files From mmx_files_parse(), or NULL.
/// @return The count; 0 for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_files_count(files: *const mmx_files) -> usize {
    optional(files).map_or(0, |files| files.files.len())
}

/// One of the files.
///
/// @param files From mmx_files_parse(), or NULL.
/// @param index From 0.
/// @return The file, which lives as long as files; NULL past the end and for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_files_get(files: *const mmx_files, index: usize) -> *const mmx_file {
    optional(files).and_then(|files| files.files.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// Frees the files and everything that was borrowed from them.
///
/// @param files From mmx_files_parse(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_files_free(files: *mut mmx_files) {
    boundary::free(files);
}
