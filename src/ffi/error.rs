//! ---- Errors --------------------------------------------------------------------------------------------------------
//!
//! Why a call failed. An error belongs to the caller and depends on nothing else: it outlives the client and may be
//! read by any thread. For NULL the functions return what fits a success.

use super::pointers::{self, IntoRaw as _, c_string, optional};
use super::status::mmx_status;
use crate::error::{Error, Status};
use std::ffi::{CString, c_char};
use std::ptr;

/// Why a call failed.
#[derive(Debug)]
pub struct mmx_error {
    error: Error,
    message: CString,
    trace_id: CString,
}

impl mmx_error {
    pub(crate) fn new(error: Error) -> mmx_error {
        let (message, trace_id) = (c_string(error.message.clone()), c_string(error.trace_id.clone()));
        mmx_error { error, message, trace_id }
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
    get(error, Status::Ok as i32, |error| error.error.status as i32)
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

/// Returns the service's error code: base_resp.status_code, or the number at the end of an error message. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return For example 1004; 0 if there was none.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_api_code(error: *const mmx_error) -> i32 {
    get(error, 0, |error| error.error.api_code)
}

/// Returns the HTTP status of the response. The service reports most failures with 200. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return For example 502; 0 if no response was received.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_http_status(error: *const mmx_error) -> i32 {
    get(error, 0, |error| error.error.http_status.into())
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
    get(error, 0, |error| i32::try_from(error.error.attempts).unwrap_or(i32::MAX))
}

/// Returns how long the service asks to wait: its Retry-After header, in seconds or as a date. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return Milliseconds; -1 if it didn't say.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_retry_after_ms(error: *const mmx_error) -> i64 {
    get(error, -1, |error| error.error.retry_after_ms())
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

/// Returns the errno of a local file's failure: that of open(), read(), write() and so on. Thread-safe.
///
/// @param error From a call's out_error, or NULL.
/// @return For example ENOENT; 0 if there was none.
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

/// Frees an error. One thread at a time.
///
/// @param error From a call's out_error. NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_free(error: *mut mmx_error) {
    pointers::free(error);
}
