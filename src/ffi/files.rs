//! ---- Files ---------------------------------------------------------------------------------------------------------
//!
//! The calls of the file API on one file or a list. out_json is the service's response as it was received, unknown
//! fields included; but bytes that aren't UTF-8 and NUL bytes are replaced by U+FFFD, and a byte order mark is left out.
//! Half of a surrogate pair (\ud83d alone) and unescaped control characters in strings stay as they are.

use super::boundary::{self, SizedStruct, fill, optional, optional_text, sized, sized_out};
use super::cancel::mmx_cancel;
use super::client::{mmx_client, with_client};
use super::error::mmx_error;
use super::status::mmx_status;
use crate::api;
use crate::error::Error;
use crate::transport::call_info::CallInfo;
use crate::transport::client::{CallOptions, Client};
use crate::transport::config;
use crate::transport::interrupt::InterruptCheck;
use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::time::Instant;

/// Progress callback. Runs on the calling thread during the call, at most 20 times a second and at the end.
///
/// done and total are in bytes, in bulk calls in files; total is -1 if it isn't known. Return 0 to continue, anything
/// else to cancel the call. The last report of an upload comes after the response, when there is nothing left to
/// cancel. The last report of a download comes when every byte has been written, but before the target file is
/// replaced: it still cancels.
pub type mmx_progress_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, done: i64, total: i64) -> i32>;

/// Facts about a call, for support and statistics. Initialise with MMX_CALL_INFO_INIT; filled in when the call returns, on
/// success and failure alike.
#[repr(C)]
pub struct mmx_call_info {
    /// Set by MMX_CALL_INFO_INIT.
    pub struct_size: usize,
    /// HTTP status of the last response; 0 = none was received.
    pub http_status: i32,
    /// Number of requests sent, or tried to send; as mmx_error_attempts().
    pub attempts: i32,
    /// Duration of the call, in milliseconds.
    pub elapsed_ms: i64,
    /// The service's id of the request, from the last response; "" = none was received.
    pub trace_id: [c_char; 128],
    /// A file that was deleted: how that is known, as in mmx_outcome. Otherwise "".
    pub evidence: [c_char; 16],
}

// SAFETY: repr(C), struct_size first; zero is a value of every field; there is no padding.
unsafe impl SizedStruct for mmx_call_info {
    const FIRST_SIZE: usize = size_of::<mmx_call_info>();
    const SIZE: &str = "options.info.struct_size";
    const INIT: &str = "MMX_CALL_INFO_INIT";
}

impl mmx_call_info {
    fn new(info: &CallInfo, began: Instant) -> mmx_call_info {
        mmx_call_info {
            struct_size: size_of::<mmx_call_info>(),
            http_status: info.http_status().into(),
            attempts: i32::try_from(info.attempts()).unwrap_or(i32::MAX),
            elapsed_ms: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
            trace_id: characters(&info.trace_id()),
            evidence: characters(info.evidence()),
        }
    }
}

/// Text in an array, cut to fit, with its NUL.
fn characters<const N: usize>(text: &str) -> [c_char; N] {
    let mut array = [0; N];
    for (place, byte) in array[..N - 1].iter_mut().zip(text.bytes()) {
        *place = c_char::from_ne_bytes([byte]);
    }
    array
}

/// Options of one call. Initialise with MMX_CALL_OPTIONS_INIT; 0 and NULL = as the client is configured.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mmx_call_options {
    /// Set by MMX_CALL_OPTIONS_INIT.
    pub struct_size: usize,
    /// Timeout of the whole call, in milliseconds; -1 = none.
    pub timeout_ms: i64,
    /// Maximum number of requests, the first one included; 1 = no retry.
    pub max_attempts: i32,
    /// MMX_CALL_..., those that the call supports, or 0.
    pub flags: u32,
    /// Cancellation token; used until the call returns.
    pub cancel: *mut mmx_cancel,
    /// Progress callback of uploads and downloads.
    pub progress: mmx_progress_fn,
    /// Passed to progress and interrupted.
    pub user_data: *mut c_void,
    /// Receives facts about the call; NULL = not wanted.
    pub info: *mut mmx_call_info,
    /// Asks whether the call is to end: 0 continues, anything else cancels it. Runs on the calling thread when a signal
    /// handler ran there during a wait, and at least every 100 ms of waiting. NULL = never.
    pub interrupted: Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>,
    /// Upload with a ledger: mmx_sweep() deletes the file after so many seconds. 0 = never.
    pub expires_after_s: i64,
}

// SAFETY: repr(C), struct_size first; zero is a value of every field.
unsafe impl SizedStruct for mmx_call_options {
    const FIRST_SIZE: usize = offset_of!(mmx_call_options, info);
    const SIZE: &str = "options.struct_size";
    const INIT: &str = "MMX_CALL_OPTIONS_INIT";
}

/// upload: look the file up if the response was lost
pub const MMX_CALL_RECONCILE: u32 = 1;
/// download: through the link of mmx_retrieve_file()
pub const MMX_CALL_VIA_DOWNLOAD_URL: u32 = 2;
/// upload with a ledger: the id of the same bytes and purpose, while retrieve still knows it
pub const MMX_CALL_REUSE: u32 = 4;
/// upload with a ledger: mmx_sweep() deletes the file once this process is gone
pub const MMX_CALL_TEMPORARY: u32 = 8;
/// delete: a file that retrieve doesn't know is a success, with evidence "retrieve"
pub const MMX_CALL_MISSING_OK: u32 = 16;

/// The options of a call with the callbacks of its caller.
pub(super) struct Options<'a> {
    options: CallOptions<'a>,
    report: Option<Box<dyn Fn(i64, i64) -> bool>>,
    interrupt: Option<InterruptCheck>,
    pub(super) flags: u32,
}

/// Reads a caller's options, runs a call with them and fills in what the caller wants to know of it; `flags` are those
/// that the call knows.
pub(super) fn with_options<T>(
    client: *const mmx_client,
    given: *const mmx_call_options,
    call: &'static str,
    flags: u32,
    run: impl FnOnce(&Client, &CallOptions<'_>, u32) -> Result<T, Error>,
) -> Result<T, Error> {
    let began = Instant::now();
    let run = |options: &CallOptions<'_>, flags| with_client(client, call, |client| run(client, options, flags));
    let Some(given) = sized(given, call, "options")? else { return run(&CallOptions::default(), 0) };
    sized_out(given.info, call)?;
    let info = CallInfo::default();
    // A call that fails beyond any plan leaves no old values there.
    fill(given.info, &mmx_call_info::new(&info, began));
    let result = options(&given, call, flags).and_then(|options| {
        let Options { report, interrupt, options, flags } = &options;
        let (progress, interrupt) = (report.as_deref(), interrupt.as_ref());
        let info = if given.info.is_null() { None } else { Some(&info) };
        run(&CallOptions { progress, interrupt, info, ..*options }, *flags)
    });
    if let Err(error) = &result
        && error.http_status != 0
    {
        // Its head was received, and the rest was lost.
        info.responded(error.http_status, &error.trace_id);
    }
    fill(given.info, &mmx_call_info::new(&info, began));
    result
}

fn options<'a>(given: &mmx_call_options, call: &'static str, flags: u32) -> Result<Options<'a>, Error> {
    if given.flags & !flags != 0 {
        let why = format!("has bits ({:#x}) set that this call does not know", given.flags & !flags);
        return Err(Error::invalid_argument(call, "options.flags", why));
    }
    let is_upload = flags & MMX_CALL_TEMPORARY != 0;
    let expires_after_s = match u64::try_from(given.expires_after_s) {
        Ok(0) => None,
        Ok(seconds) if is_upload => Some(seconds),
        Ok(_) => return Err(Error::invalid_argument(call, "options.expires_after_s", "is for uploads alone")),
        Err(_) => {
            let why = format!("must be 0 or more seconds, not {}", given.expires_after_s);
            return Err(Error::invalid_argument(call, "options.expires_after_s", why));
        }
    };
    let options = CallOptions {
        expires_after_s,
        timeout: config::time_limit(call, "options.timeout_ms", given.timeout_ms)?,
        max_attempts: config::attempts(call, "options.max_attempts", given.max_attempts)?,
        cancel: optional(given.cancel).map(|cancel| &cancel.0),
        ..CallOptions::default()
    };
    let user_data = given.user_data;
    let report = given.progress.map(|progress| -> Box<dyn Fn(i64, i64) -> bool> {
        // SAFETY: the caller's function with the caller's data, on the caller's thread, within the call.
        Box::new(move |done, total| unsafe { progress(user_data, done, total) } == 0)
    });
    let interrupt = given.interrupted.map(|interrupted| {
        // SAFETY: as above.
        InterruptCheck::new(Box::new(move || unsafe { interrupted(user_data) } != 0))
    });
    Ok(Options { options, report, interrupt, flags: given.flags })
}

/// Deletes one file. Thread-safe.
///
/// Sends POST /v1/files/delete ("File Delete" in the API documentation).
///
/// Retried, up to max_attempts requests, if nothing was sent, if no response was received, and after 1000, 1001, 1002,
/// 1013, 1024, 1033, 1039, 1041, 2045 and HTTP 408, 429 and 5xx. If a response was lost and a later attempt fails, one
/// retrieve request looks the file up: if it still exists, it is deleted again; if not, the call succeeds, and out_json
/// is {"file_id": …, "evidence": "retrieve"}, because there is no response of the service. 2013 and HTTP 404 are looked
/// up, too; with MMX_CALL_MISSING_OK, every refusal that may mean that the file doesn't exist.
///
/// @param client    From mmx_client_new().
/// @param file_id   The file's id, 1 or more.
/// @param purpose   The purpose that the file was uploaded or generated with: MMX_PURPOSE_... or a newer one, 1 to 64
///   letters, digits, _, - and . (for example fine-tune). The service refuses a wrong one. NULL = it is found out: one
///   retrieve request (GET /v1/files/retrieve) comes before the delete.
/// @param options   Options of this call; NULL = as the client is configured.
/// @param out_json  Receives the service's response; free it with mmx_string_free(). NULL = not wanted.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK: the file is deleted.
///   MMX_ERROR_INVALID_ARGUMENT: an argument is invalid; nothing was sent. The message names it.
///   MMX_ERROR_AUTHENTICATION: the key is wrong, or belongs to the other region.
///   MMX_ERROR_RATE_LIMITED, MMX_ERROR_QUOTA, MMX_ERROR_PERMISSION, MMX_ERROR_CONTENT_REJECTED: refused; nothing
///     changed.
///   MMX_ERROR_NOT_FOUND: refused, or its purpose is NULL, and retrieve doesn't know the file. With MMX_CALL_MISSING_OK that is MMX_OK, and
///     out_json as for a lost response.
///   MMX_ERROR_INVALID_REQUEST, MMX_ERROR_API: refused. The message says so if the file has another purpose.
///   MMX_ERROR_CONNECT: no connection; nothing was sent.
///   MMX_ERROR_TIMEOUT, MMX_ERROR_CANCELLED, MMX_ERROR_NETWORK: the file may have been deleted; see
///     mmx_error_is_ambiguous().
///   MMX_ERROR_SERVER, MMX_ERROR_SERVER_TIMEOUT, MMX_ERROR_PROTOCOL: the response leaves it open; likewise.
///   MMX_ERROR_HTTP: an HTTP error without an API error code, for example from a gateway.
///   MMX_ERROR_INTERNAL: a bug in the library.
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
    const CALL: &str = api::delete::CALL;
    boundary::call(out_json, out_error, || {
        with_options(client, options, CALL, MMX_CALL_MISSING_OK, |client, options, flags| {
            let purpose = optional_text(purpose, CALL, "purpose")?;
            api::delete::delete(client, file_id, purpose, flags & MMX_CALL_MISSING_OK != 0, options)
        })
    })
}

/// Lists files. Thread-safe.
///
/// Sends GET /v1/files/list ("File List" in the API documentation). There is no paging: the response contains every
/// file; up to 256 MiB are read. Entries that are no files, such as null, are counted in the log. Retried after every failure that may be temporary.
///
/// @param client          From mmx_client_new().
/// @param purpose_or_null Only files of this purpose, 1 to 64 letters, digits, _, - and .; NULL = of every purpose.
/// @param options         Options of this call; NULL = as the client is configured.
/// @param out_json        Receives the service's response, for mmx_files_parse() or a JSON parser; free it with
///   mmx_string_free(). NULL = not wanted.
/// @param out_error       Receives the error. NULL = not wanted.
/// @return MMX_OK: out_json contains every file. Its "files" may be missing or null if there is none.
///   MMX_ERROR_PROTOCOL: the response is not a list of files.
///   Others as for mmx_delete_file(), never ambiguous. A failed call is never an empty list.
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
    const CALL: &str = api::list::CALL;
    boundary::call(out_json, out_error, || {
        with_options(client, options, CALL, 0, |client, options, _| {
            let purpose = optional_text(purpose_or_null, CALL, "purpose")?;
            api::list::list(client, purpose, options)
        })
    })
}

/// Retrieves the metadata of one file, which includes a download link. Thread-safe.
///
/// Sends GET /v1/files/retrieve ("File Retrieve" in the API documentation). Retried after every failure that may be
/// temporary.
///
/// @param client    From mmx_client_new().
/// @param file_id   The file's id, 1 or more.
/// @param options   Options of this call; NULL = as the client is configured.
/// @param out_json  Receives the service's response, for mmx_files_parse() or a JSON parser; free it with
///   mmx_string_free(). NULL = not wanted.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK: out_json describes the file.
///   MMX_ERROR_PROTOCOL: the response is not about this file.
///   Others as for mmx_delete_file(), never ambiguous.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_retrieve_file(
    client: *const mmx_client,
    file_id: i64,
    options: *const mmx_call_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = api::retrieve::CALL;
    boundary::call(out_json, out_error, || {
        with_options(client, options, CALL, 0, |client, options, _| api::retrieve::retrieve(client, file_id, options))
    })
}

/// Waits until a file is there, and retrieves its metadata. Thread-safe.
///
/// Sends GET /v1/files/retrieve ("File Retrieve" in the API documentation) until the service knows the file: after 1 s, 2 s,
/// 4 s and so on, then every 15 s, within the rate limit. For ids that are handed out before their file exists, as by
/// asynchronous speech. Only 2013 and "not found" are waited for; any other failure ends the call, after retries as for
/// mmx_retrieve_file().
///
/// @param client    From mmx_client_new().
/// @param file_id   The file's id, 1 or more.
/// @param options   Options of this call; NULL = as the client is configured. timeout_ms bounds the whole wait, and
///   max_attempts each of its retrieves.
/// @param out_json  Receives the service's response, as mmx_retrieve_file(); for mmx_string_free(). NULL = not wanted.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK: out_json describes the file.
///   MMX_ERROR_TIMEOUT: it was not there in time.
///   Others as for mmx_retrieve_file().
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_wait_file(
    client: *const mmx_client,
    file_id: i64,
    options: *const mmx_call_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = api::wait::CALL;
    boundary::call(out_json, out_error, || {
        with_options(client, options, CALL, 0, |client, options, _| api::wait::wait(client, file_id, options))
    })
}
