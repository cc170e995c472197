//! The frame of a call from C: clears the out parameters, hands over the result or the error, and stops a panic.

use super::error::mmx_error;
pub(crate) use super::pointers::*;
use crate::error::{Error, Status};
use std::ptr;

/// One call: clears the out parameters, runs `body`, hands over what it returns, and turns a panic into a status.
pub(crate) fn call<T: IntoRaw>(
    out: *mut *mut T::Raw,
    out_error: *mut *mut mmx_error,
    body: impl FnOnce() -> Result<T, Error>,
) -> i32 {
    call_with_both(out, out_error, || match body() {
        Ok(value) => (Some(value), Ok(())),
        Err(error) => (None, Err(error)),
    })
}

/// The same for a call that may have a result although it failed.
pub(crate) fn call_with_both<T: IntoRaw>(
    out: *mut *mut T::Raw,
    out_error: *mut *mut mmx_error,
    body: impl FnOnce() -> (Option<T>, Result<(), Error>),
) -> i32 {
    set(out, ptr::null_mut());
    set(out_error, ptr::null_mut());
    let (value, result) = catch_panic(body).unwrap_or_else(|| {
        let text = "a bug in libmmx: please report it with what the call was given";
        (None, Err(Error::new(Status::Internal, "libmmx", text)))
    });
    if let Some(value) = value
        && !out.is_null()
    {
        set(out, value.into_raw());
    }
    let Err(error) = result else { return Status::Ok as i32 };
    let status = error.status as i32;
    if !out_error.is_null() {
        set(out_error, Box::into_raw(Box::new(mmx_error::new(error))));
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic;
    use std::process::Command;

    /// In a process of its own, whose output can be read.
    #[test]
    fn a_panic_becomes_a_status_and_prints_nothing() {
        const SECRET: &str = "sk-api-secret";
        if std::env::var_os("MMX_TEST_PANIC").is_some() {
            let mut error = ptr::null_mut();
            let status = call::<()>(ptr::null_mut(), &mut error, || panic!("{SECRET}"));
            assert_eq!(status, Status::Internal as i32);
            let message = optional(error).map(|error| format!("{error:?}")).unwrap_or_default();
            assert!(message.contains("a bug in libmmx") && !message.contains(SECRET), "{message}");
            free(error);
            // A panic outside of the library is still printed.
            panic::catch_unwind(|| panic!("told")).unwrap_err();
            return;
        }
        let name = "ffi::boundary::tests::a_panic_becomes_a_status_and_prints_nothing";
        let this = std::env::current_exe().unwrap();
        let output =
            Command::new(this).args(["--exact", name, "--nocapture"]).env("MMX_TEST_PANIC", "1").output().unwrap();
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{printed}");
        assert!(!printed.contains(SECRET) && printed.contains("told"), "{printed}");
    }
}
