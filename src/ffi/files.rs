//! ---- Files --------------------------------------------------------------------------------------------------------
//!
//! The calls of the file API. Each blocks its thread until the answer is there, or a limit ends it, and needs no other
//! thread. Where a call hands over JSON, it is the service's answer as it came, unknown fields included.

use super::boundary::{self, Sized_, optional, optional_text, reference, sized, text};
use super::cancel::mmx_cancel;
use super::client::mmx_client;
use super::error::mmx_error;
use super::status::mmx_status;
use crate::api;
use crate::error::Error;
use crate::transport::client::CallOptions;
use crate::transport::config;
use std::ffi::{c_char, c_void};

/// Told how far a call is, on the thread that made it, while it waits in the call.
///
/// done and total are in bytes; total is -1 when it isn't known. Returning anything but 0 cancels the call. The last report
/// of an upload comes when the service has answered: nothing is left to cancel, and the call returns the answer. That of a
/// download still cancels: it comes when every byte was written, but before a path's file takes the target's place.
pub type mmx_progress_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, done: i64, total: i64) -> i32>;

/// What one call has different from its client. Begin with MMX_CALL_OPTIONS_INIT; 0 and NULL mean "as the client is
/// configured".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mmx_call_options {
    /// sizeof(mmx_call_options) of the header that the caller was built with.
    pub struct_size: usize,
    /// One bound over everything the call does, in milliseconds; -1 = none.
    pub timeout_ms: i64,
    /// Requests at most, the first one included.
    pub max_attempts: i32,
    /// MMX_CALL_..., where the call knows it; otherwise 0.
    pub flags: u32,
    /// Ends the call early when triggered. Borrowed for the length of the call.
    pub cancel: *mut mmx_cancel,
    /// For uploads and downloads.
    pub progress: mmx_progress_fn,
    /// Handed to progress.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), struct_size first; zero is a value of every field.
unsafe impl Sized_ for mmx_call_options {
    const FIRST_SIZE: usize = size_of::<mmx_call_options>();
    const SIZE: &str = "options.struct_size";
    const INIT: &str = "MMX_CALL_OPTIONS_INIT";
}

/// Upload: an answer that was lost is looked for in the list of files.
pub const MMX_CALL_RECONCILE: u32 = 1;
/// Download: through the presigned link of retrieve, which another host serves.
pub const MMX_CALL_VIA_DOWNLOAD_URL: u32 = 2;

/// The options of a call, which lead to its caller's callback.
pub(super) struct Options<'a> {
    options: CallOptions<'a>,
    report: Option<Box<dyn Fn(i64, i64) -> bool>>,
    pub(super) flags: u32,
}

impl Options<'_> {
    pub(super) fn get(&self) -> CallOptions<'_> {
        CallOptions { progress: self.report.as_deref(), ..self.options }
    }
}

/// Reads a caller's options; `flags` are those that the call knows.
pub(super) fn options<'a>(
    given: *const mmx_call_options,
    call: &'static str,
    flags: u32,
) -> Result<Options<'a>, Error> {
    let Some(given) = sized(given, call, "options")? else {
        return Ok(Options { options: CallOptions::default(), report: None, flags: 0 });
    };
    if given.flags & !flags != 0 {
        let why = format!("has bits ({:#x}) set that this call does not know", given.flags & !flags);
        return Err(Error::invalid_argument(call, "options.flags", why));
    }
    let options = CallOptions {
        timeout: config::time_limit(call, "options.timeout_ms", given.timeout_ms)?,
        max_attempts: config::attempts(call, "options.max_attempts", given.max_attempts)?,
        cancel: optional(given.cancel).map(|cancel| &cancel.0),
        ..CallOptions::default()
    };
    let report = given.progress.map(|progress| -> Box<dyn Fn(i64, i64) -> bool> {
        let user_data = given.user_data;
        // SAFETY: the caller's function with the caller's data, on the caller's thread, within the call.
        Box::new(move |done, total| unsafe { progress(user_data, done, total) } == 0)
    });
    Ok(Options { options, report, flags: given.flags })
}

/// Deletes one file.
///
/// Sends POST /v1/files/delete ("File Delete" in the API's documents) and waits for the answer: at most the call's
/// timeout. Safe from any number of threads.
///
/// It goes again, up to max_attempts requests, where nothing was sent, where no answer came, and after 1000, 1001, 1002,
/// 1013, 1024, 1033, 1039, 1041, 2045 and HTTP 408, 429 and 5xx. Where an answer was lost, an error of the next attempt is
/// checked by one retrieve: if the file is there it is deleted again; if it is gone the call succeeds, and out_json is
/// {"file_id": …, "evidence": "retrieve"}, for the service gave no answer of its own.
///
/// @param client    From mmx_client_new().
/// @param file_id   The file's id, 1 or more.
/// @param purpose   What the file is for, as it was uploaded or made: one of MMX_PURPOSE_…, or a newer one: 1 to 64 of
///   a-z, 0-9 and _. A wrong one is refused by the service.
/// @param options   For this call only; NULL = the client's settings.
/// @param out_json  Gets the service's answer; free with mmx_string_free(). NULL = not wanted.
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK: the service reports it deleted.
///   MMX_ERROR_INVALID_ARGUMENT: an argument can't be right; nothing was sent, the message names it.
///   MMX_ERROR_AUTHENTICATION: a wrong key, or a key of the other region.
///   MMX_ERROR_RATE_LIMITED, MMX_ERROR_QUOTA, MMX_ERROR_PERMISSION, MMX_ERROR_CONTENT_REJECTED: refused, nothing
///   changed.
///   MMX_ERROR_INVALID_REQUEST, MMX_ERROR_NOT_FOUND, MMX_ERROR_API: refused; so is a file that isn't there, under a code
///   that the documents don't fix.
///   MMX_ERROR_CONNECT: no connection; nothing was sent.
///   MMX_ERROR_TIMEOUT, MMX_ERROR_CANCELLED, MMX_ERROR_NETWORK: it may be gone all the same, see
///   mmx_error_is_ambiguous().
///   MMX_ERROR_SERVER, MMX_ERROR_SERVER_TIMEOUT, MMX_ERROR_PROTOCOL: an answer that leaves it open, too.
///   MMX_ERROR_HTTP: an HTTP error of something between, such as a proxy.
///   MMX_ERROR_INTERNAL: a bug of the library, or the process is out of descriptors.
/// @since 1.0.0
/// @code
/// mmx_error *error = NULL;
/// if (mmx_delete_file(client, 176844028768320, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error) != MMX_OK) {
///     fprintf(stderr, "%s\n", mmx_error_message(error));
///     mmx_error_free(error);
/// }
/// @endcode
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_delete_file(
    client: *const mmx_client,
    file_id: i64,
    purpose: *const c_char,
    options: *const mmx_call_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "delete_file";
    boundary::call(out_json, out_error, || {
        let client = reference(client, CALL, "client")?.0.clone();
        api::delete::delete(&client, file_id, text(purpose, CALL, "purpose")?, &self::options(options, CALL, 0)?.get())
    })
}

/// Lists files.
///
/// Sends GET /v1/files/list ("File List" in the API's documents) and waits for the answer: at most the call's timeout.
/// There is no paging: the one answer holds every file, and is read up to 256 MiB. Safe from any number of threads.
///
/// @param client          From mmx_client_new().
/// @param purpose_or_null Only files of this purpose: 1 to 64 of a-z, 0-9 and _. NULL = of every purpose.
/// @param options         For this call only; NULL = the client's settings.
/// @param out_json        Gets the service's answer, for mmx_files_parse() or a JSON parser; free with mmx_string_free().
///   NULL = not wanted.
/// @param out_error       Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK: out_json holds every file; its "files" may be missing or null where there is none.
///   MMX_ERROR_PROTOCOL: the answer is not a listing.
///   Others as for mmx_delete_file(). A failed call is never an empty listing.
/// @since 1.0.0
/// @code
/// char *json = NULL;
/// mmx_files *files = NULL;
/// if (mmx_list_files(client, NULL, NULL, &json, NULL) == MMX_OK && mmx_files_parse(json, &files, NULL) == MMX_OK) {
///     for (size_t i = 0; i < mmx_files_count(files); i++) {
///         const mmx_file *file = mmx_files_get(files, i);
///         printf("%lld %s %s\n", (long long)file->file_id, file->purpose, file->filename);
///     }
/// }
/// mmx_files_free(files);
/// mmx_string_free(json);
/// @endcode
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_list_files(
    client: *const mmx_client,
    purpose_or_null: *const c_char,
    options: *const mmx_call_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "list_files";
    boundary::call(out_json, out_error, || {
        let client = reference(client, CALL, "client")?.0.clone();
        let purpose = optional_text(purpose_or_null, CALL, "purpose_or_null")?;
        api::list::list(&client, purpose, &self::options(options, CALL, 0)?.get())
    })
}

/// Retrieves what the service knows of one file, a link to its bytes among it.
///
/// Sends GET /v1/files/retrieve ("File Retrieve" in the API's documents) and waits for the answer: at most the call's
/// timeout. Safe from any number of threads.
///
/// @param client    From mmx_client_new().
/// @param file_id   The file's id, 1 or more.
/// @param options   For this call only; NULL = the client's settings.
/// @param out_json  Gets the service's answer, for mmx_files_parse() or a JSON parser; free with mmx_string_free().
///   NULL = not wanted.
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK: out_json tells of the file.
///   MMX_ERROR_PROTOCOL: the answer is not about this file.
///   Others as for mmx_delete_file().
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_retrieve_file(
    client: *const mmx_client,
    file_id: i64,
    options: *const mmx_call_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "retrieve_file";
    boundary::call(out_json, out_error, || {
        let client = reference(client, CALL, "client")?.0.clone();
        api::retrieve::retrieve(&client, file_id, &self::options(options, CALL, 0)?.get())
    })
}
