//! ---- Errors --------------------------------------------------------------------------------------------------------
//!
//! Why a call failed. An error belongs to the caller and depends on nothing else: it outlives the client and may be
//! read by any thread. For NULL the functions return what fits a success.

use super::pointers::{self, IntoRaw as _, c_string, optional};
use super::status::mmx_status;
use crate::error::{Error, ErrorRecord, Status};
use std::ffi::{CString, c_char};
use std::ptr;

/// Why a call failed.
#[derive(Clone, Debug)]
pub struct mmx_error {
    error: ErrorRecord,
    call: CString,
    message: CString,
    parameter: CString,
    api_message: CString,
    trace_id: CString,
}

impl mmx_error {
    pub(crate) fn new(error: Error) -> mmx_error {
        ErrorRecord::from(error).into()
    }
}

impl From<ErrorRecord> for mmx_error {
    fn from(error: ErrorRecord) -> mmx_error {
        let text = |text: &str| c_string(text.to_owned());
        mmx_error {
            call: text(&error.call),
            message: text(&error.message),
            parameter: text(error.parameter.as_deref().unwrap_or_default()),
            api_message: text(&error.api_message),
            trace_id: text(&error.trace_id),
            error,
        }
    }
}

fn get<T>(error: *const mmx_error, none: T, getter: impl FnOnce(&'static mmx_error) -> T) -> T {
    optional(error).map_or(none, getter)
}

/// Returns the status that the call returned. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return MMX_ERROR_...; MMX_OK for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_status(error: *const mmx_error) -> mmx_status {
    get(error, Status::Ok as i32, |error| error.error.status)
}

/// Returns what went wrong and what to do, as one line for people. It begins with the call and never contains the key.
/// Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return UTF-8 without control characters, valid until mmx_error_free(); "" for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_message(error: *const mmx_error) -> *const c_char {
    get(error, c"".as_ptr(), |error| error.message.as_ptr())
}

/// Returns which call failed: the name of its function without "mmx_". Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return For example "delete_file", valid until mmx_error_free(); "" for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_call(error: *const mmx_error) -> *const c_char {
    get(error, c"".as_ptr(), |error| error.call.as_ptr())
}

/// Returns the name of the argument at fault, with MMX_ERROR_INVALID_ARGUMENT. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return For example "options.timeout_ms"; "purpose" for purpose_or_null. Valid until mmx_error_free(); "": none.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_parameter(error: *const mmx_error) -> *const c_char {
    get(error, c"".as_ptr(), |error| error.parameter.as_ptr())
}

/// Returns the service's error code: base_resp.status_code, or the number at the end of an error message. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return For example 1004; 0 if there was none.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_api_code(error: *const mmx_error) -> i32 {
    get(error, 0, |error| error.error.api_code)
}

/// Returns the service's own message, such as base_resp.status_msg, as one line. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return UTF-8 without control characters, valid until mmx_error_free(); "" if there was none.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_api_message(error: *const mmx_error) -> *const c_char {
    get(error, c"".as_ptr(), |error| error.api_message.as_ptr())
}

/// Returns the HTTP status of the response. The service reports most failures with 200. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return For example 502; 0 if no response was received.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_http_status(error: *const mmx_error) -> i32 {
    get(error, 0, |error| error.error.http_status)
}

/// Returns the service's id of the request, which its support asks for. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return Visible ASCII, valid until mmx_error_free(); "" if there was none.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_trace_id(error: *const mmx_error) -> *const c_char {
    get(error, c"".as_ptr(), |error| error.trace_id.as_ptr())
}

/// Returns the number of requests sent, or tried to send. Auxiliary requests, for a download link or after a redirect,
/// are not counted. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return 0 if the call failed before the first one.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_attempts(error: *const mmx_error) -> i32 {
    get(error, 0, |error| error.error.attempts)
}

/// Returns how long the service asks to wait: its Retry-After header, in seconds or as a date. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return Milliseconds; -1 if it didn't say.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_retry_after_ms(error: *const mmx_error) -> i64 {
    get(error, -1, |error| error.error.retry_after_ms)
}

/// Returns whether the service may have carried out the call although it failed. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return true: the request was sent, and its result is unknown. false: nothing was sent, or it was refused.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_is_ambiguous(error: *const mmx_error) -> bool {
    get(error, false, |error| error.error.ambiguous)
}

/// Returns the errno of a local file's failure, that of open(), read(), write() and so on; or of what this machine refused a
/// call, such as a descriptor, a thread or memory. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return For example ENOENT or EMFILE; 0 if there was none.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_errno(error: *const mmx_error) -> i32 {
    get(error, 0, |error| error.error.errno)
}

/// Returns everything about an error as a JSON object (docs/json.md): status, status_name, call, message, parameter,
/// api_code, api_message, http_status, trace_id, attempts, retry_after_ms, ambiguous, errno. Later versions may add fields.
/// Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return UTF-8; free it with mmx_string_free(). NULL for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_json(error: *const mmx_error) -> *mut c_char {
    let Some(error) = optional(error) else { return ptr::null_mut() };
    pointers::catch_panic(|| error.error.to_json().into_raw()).unwrap_or(ptr::null_mut())
}

/// Copies an error, for example that of an outcome, which is borrowed. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return The copy; free it with mmx_error_free(). NULL for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_clone(error: *const mmx_error) -> *mut mmx_error {
    let Some(error) = optional(error) else { return ptr::null_mut() };
    pointers::catch_panic(|| Box::new(error.clone()).into_raw()).unwrap_or(ptr::null_mut())
}

/// Frees an error. One thread at a time.
///
/// @param error From a call's out_error. NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_free(error: *mut mmx_error) {
    pointers::free(error);
}
