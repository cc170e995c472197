//! ---- Cancellation --------------------------------------------------------------------------------------------------
//!
//! A cancellation token ends calls early. Put it into the options of any number of calls and trigger it from any thread
//! or from a signal handler: wherever a call waits, it closes its connection and returns MMX_ERROR_CANCELLED. A token
//! works in the process that created it, not in a child after fork().

use super::boundary::{self, optional, required_out};
use super::error::mmx_error;
use super::status::mmx_status;
use crate::error::{Error, Status};
use crate::transport::cancel::Cancel;
use crate::transport::connect_error::advice_for;
use crate::transport::error::plain;

/// A cancellation token.
pub struct mmx_cancel(pub(crate) Cancel);

/// Creates a token, which holds one file descriptor until it is freed. Thread-safe.
///
/// @param out_cancel Receives the token, or NULL; free it with mmx_cancel_free().
/// @param out_error  Receives the error. NULL = not wanted.
/// @return MMX_OK.
///   MMX_ERROR_INVALID_ARGUMENT: out_cancel is NULL.
///   MMX_ERROR_INTERNAL: the process is out of file descriptors, or the machine out of memory: see mmx_error_errno().
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_cancel_new(
    out_cancel: *mut *mut mmx_cancel,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "cancel_new";
    boundary::call(out_cancel, out_error, || {
        required_out(out_cancel, CALL, "out_cancel")?;
        let cancel = Cancel::new().map_err(|error| {
            let text = format!("the system gave no descriptor: {}{}", plain(&error), advice_for(&error));
            Error::new(Status::Internal, CALL, text).caused_by(&error)
        })?;
        Ok(Box::new(mmx_cancel(cancel)))
    })
}

/// Frees a token. One thread at a time, while no call uses the token.
///
/// @param cancel From mmx_cancel_new(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_cancel_free(cancel: *mut mmx_cancel) {
    boundary::free(cancel);
}

/// Cancels every call that has the token, and those that get it later, until mmx_cancel_reset(). Thread-safe and
/// async-signal-safe; keeps errno.
///
/// @param cancel From mmx_cancel_new(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_cancel_trigger(cancel: *mut mmx_cancel) {
    // Not through `catch_panic`: nothing here can panic, and a signal handler may do little.
    if let Some(cancel) = optional(cancel) {
        cancel.0.trigger();
    }
}

/// Returns whether a token is triggered. Thread-safe and async-signal-safe.
///
/// @param cancel From mmx_cancel_new(), or NULL.
/// @return true from mmx_cancel_trigger() to mmx_cancel_reset(); false for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_cancel_is_triggered(cancel: *const mmx_cancel) -> bool {
    optional(cancel).is_some_and(|cancel| cancel.0.is_triggered())
}

/// Makes a triggered token usable again. One thread at a time, while no call uses the token.
///
/// @param cancel From mmx_cancel_new(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_cancel_reset(cancel: *mut mmx_cancel) {
    if let Some(cancel) = optional(cancel) {
        cancel.0.reset();
    }
}
