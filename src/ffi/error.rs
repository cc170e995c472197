//! ---- Errors -------------------------------------------------------------------------------------------------------
//!
//! Why a call failed. An error belongs to the caller and stands for itself: it outlives the client, and may be read from
//! any thread. The getters take NULL and answer as for success.

use super::boundary::{self, HandOver as _, c_string, optional};
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

/// The status that the call returned.
///
/// @param error From a call's out_error, or NULL.
/// @return MMX_ERROR_…; MMX_OK for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_status(error: *const mmx_error) -> mmx_status {
    get(error, Status::Ok as i32, |error| error.error.status as i32)
}

/// What went wrong and what to do, on one line, for a person. Begins with the call; never holds the key.
///
/// @param error From a call's out_error, or NULL.
/// @return UTF-8 without control characters, valid until mmx_error_free(); "" for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_message(error: *const mmx_error) -> *const c_char {
    get(error, c"".as_ptr(), |error| error.message.as_ptr())
}

/// The service's own number: base_resp.status_code, or the one in parentheses at the end of a newer error's message.
///
/// @param error From a call's out_error, or NULL.
/// @return For example 1004; 0 when none came.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_api_code(error: *const mmx_error) -> i32 {
    get(error, 0, |error| error.error.api_code)
}

/// The HTTP status of the answer. The service answers most failures with 200.
///
/// @param error From a call's out_error, or NULL.
/// @return For example 502; 0 when no answer came.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_http_status(error: *const mmx_error) -> i32 {
    get(error, 0, |error| error.error.http_status.into())
}

/// The id under which the service knows the request: its support asks for it.
///
/// @param error From a call's out_error, or NULL.
/// @return Visible ASCII, valid until mmx_error_free(); "" when none came.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_trace_id(error: *const mmx_error) -> *const c_char {
    get(error, c"".as_ptr(), |error| error.trace_id.as_ptr())
}

/// How many requests the call sent, or tried to send. One that belongs to another isn't counted: for a download's link,
/// or after a redirect.
///
/// @param error From a call's out_error, or NULL.
/// @return 0 when the call was refused before.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_attempts(error: *const mmx_error) -> i32 {
    get(error, 0, |error| i32::try_from(error.error.attempts).unwrap_or(i32::MAX))
}

/// How long the service asks to wait: its Retry-After, in seconds or as a date.
///
/// @param error From a call's out_error, or NULL.
/// @return Milliseconds; -1 when it didn't say.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_retry_after_ms(error: *const mmx_error) -> i64 {
    get(error, -1, |error| error.error.retry_after_ms())
}

/// Whether the service may have carried the call out although it failed.
///
/// @param error From a call's out_error, or NULL.
/// @return true: it was sent, and what became of it isn't known. false: nothing was sent, or it was refused.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_is_ambiguous(error: *const mmx_error) -> bool {
    get(error, false, |error| error.error.ambiguous)
}

/// All of an error as a JSON object: status, status_name, call, message, parameter, api_code, api_message, http_status,
/// trace_id, attempts, retry_after_ms, ambiguous. Fields may be added.
///
/// @param error From a call's out_error, or NULL.
/// @return UTF-8; free with mmx_string_free(). NULL for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_json(error: *const mmx_error) -> *mut c_char {
    let Some(error) = optional(error) else { return ptr::null_mut() };
    boundary::quietly(|| error.error.to_json().hand_over()).unwrap_or(ptr::null_mut())
}

/// Frees an error.
///
/// @param error From a call's out_error. NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_error_free(error: *mut mmx_error) {
    boundary::free(error);
}
