//! ---- Reading a response without a JSON parser ----------------------------------------------------------------------
//!
//! Extracts the files from the out_json of a call: all files of a list, the one file of a retrieve or an upload, the id
//! of a delete, and of a plan those that it would delete. All 64 bits of an id are kept, whether the service sent a number
//! or a decimal string.

use super::boundary::{self, c_string, optional, required_out, text};
use super::error::mmx_error;
use super::status::mmx_status;
use crate::api::{contents, model, results};
use crate::error::Error;
use std::ffi::{CString, c_char};
use std::ptr;

/// The metadata of a file. Filled by the library; later versions may add fields at its end.
#[repr(C)]
pub struct mmx_file {
    /// The id, for the other calls.
    pub file_id: i64,
    /// Size in bytes; 0 for generated files, whose size the service doesn't report.
    pub bytes: i64,
    /// Creation time in Unix seconds; 0 = unknown.
    pub created_at: i64,
    /// "" = unknown; never NULL. The service chooses it: check it before you use it as a path or print it to a terminal.
    pub filename: *const c_char,
    /// "" = unknown; never NULL.
    pub purpose: *const c_char,
    /// "" = none; never NULL. Anyone who has it can fetch the file: keep it out of logs.
    pub download_url: *const c_char,
}

/// The files in a response.
pub struct mmx_files {
    files: Vec<mmx_file>,
    /// The strings that the pointers in `files` point to.
    _texts: Vec<CString>,
}

// SAFETY: the pointers point into `_texts`, which live as long and never change.
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

/// Reads the files from the JSON of a call. Thread-safe.
///
/// @param json      The out_json of a call, or a plan. UTF-8. Not kept.
/// @param out_files Receives the files, or NULL; free them with mmx_files_free().
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK. A response without files is an empty list.
///   MMX_ERROR_INVALID_ARGUMENT: not the JSON of a call, a bulk result without a plan, or an id that is no 64-bit integer.
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
        let json = text(json, CALL, "json")?;
        let found = results::planned_files(json)
            .unwrap_or_else(|| contents::files(json).map_err(|why| format!("is not the JSON of a call: {why}")));
        Ok(Box::new(mmx_files::new(found.map_err(|why| Error::invalid_argument(CALL, "json", why))?)))
    })
}

/// Returns the number of files. Thread-safe.
///
/// @param files From mmx_files_parse(), or NULL.
/// @return The number; 0 for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_files_count(files: *const mmx_files) -> usize {
    optional(files).map_or(0, |files| files.files.len())
}

/// Returns one of the files. Thread-safe.
///
/// @param files From mmx_files_parse(), or NULL.
/// @param index From 0.
/// @return The file, valid until mmx_files_free(); NULL past the end and for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_files_get(files: *const mmx_files, index: usize) -> *const mmx_file {
    optional(files).and_then(|files| files.files.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// Frees the files and everything borrowed from them. One thread at a time.
///
/// @param files From mmx_files_parse(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_files_free(files: *mut mmx_files) {
    boundary::free(files);
}
