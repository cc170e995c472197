//! ---- Cancelling ---------------------------------------------------------------------------------------------------
//!
//! A token ends calls early: hand it to them in their options, trigger it from wherever it suits. A call hears it
//! wherever it waits, closes its connection, and returns MMX_ERROR_CANCELLED. One token serves any number of calls at
//! once. A token is good in the process that made it, not in a child after fork().

use super::boundary::{self, optional, required_out};
use super::error::mmx_error;
use super::status::mmx_status;
use crate::error::{Error, Status};
use crate::transport::cancel::Cancel;

/// A token to end calls with.
pub struct mmx_cancel(pub(crate) Cancel);

/// Makes a token. It holds one descriptor until it is freed with mmx_cancel_free().
///
/// @param out_cancel Gets the token, or NULL.
/// @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK.
///   MMX_ERROR_INVALID_ARGUMENT: out_cancel is NULL.
///   MMX_ERROR_INTERNAL: the process is out of descriptors.
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
            let text = format!("no descriptor is to be had ({error}); is the limit of open files (ulimit -n) reached?");
            Error::new(Status::Internal, CALL, text)
        })?;
        Ok(Box::new(mmx_cancel(cancel)))
    })
}

/// Cancels every call that has the token, and those that get it later, until mmx_cancel_reset().
///
/// From any thread, at any time, also in a signal handler: it is async-signal-safe and keeps errno.
///
/// @param cancel From mmx_cancel_new(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_cancel_trigger(cancel: *mut mmx_cancel) {
    // Not through `quietly`: nothing here can panic, and a signal handler may do little.
    if let Some(cancel) = optional(cancel) {
        cancel.0.trigger();
    }
}

/// Makes a triggered token good for further calls. Only while no call uses it.
///
/// @param cancel From mmx_cancel_new(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_cancel_reset(cancel: *mut mmx_cancel) {
    if let Some(cancel) = optional(cancel) {
        cancel.0.reset();
    }
}

/// Frees a token. Only while no call uses it.
///
/// @param cancel From mmx_cancel_new(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_cancel_free(cancel: *mut mmx_cancel) {
    boundary::free(cancel);
}
