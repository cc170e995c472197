//! ---- Library ------------------------------------------------------------------------------------------------------
//!
//! A call that can fail returns an mmx_status: MMX_OK, which is 0, or why not. Its last parameter takes an mmx_error **,
//! which gets the whole story; it may be NULL. There is no "last error" of a thread.
//!
//! Every out parameter is set on every path: to the result, or to NULL. What it held before is overwritten, not freed.
//!
//! A `char *` belongs to the caller, who frees it with mmx_string_free(); a `const char *` is borrowed from the object
//! that it came from. Every `_free` function takes NULL. Handles are opaque.
//!
//! Text is NUL-terminated UTF-8; other bytes are MMX_ERROR_INVALID_ARGUMENT. So is NULL, where it isn't allowed.
//!
//! The library has no threads at work between calls and needs no setting up. 64 KiB of stack suffice for every call. It
//! may be called after fork() in parent and child, in atexit() handlers and in destructors; it never changes a signal's
//! disposition, and a call leaves the thread's signal mask as it was.

use super::boundary;
use crate::error::Status;
use std::ffi::{CStr, c_char};

/// The outcome of a call: MMX_OK or one of MMX_ERROR_…; more may come in later versions.
pub type mmx_status = i32;

/// Which layout and meaning the functions of this header have.
pub const ABI_VERSION: u32 = 1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version holds no NUL"),
};

/// The version of the library that is loaded.
///
/// Safe from any thread.
///
/// @return For example "1.0.0". Static; don't free it.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub extern "C" fn mmx_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The version of the binary interface of the library that is loaded.
///
/// A program that loads the library at run time compares it with the MMX_ABI_VERSION of the header it was built with,
/// and does not go on where they differ. Safe from any thread.
///
/// @return 1.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub extern "C" fn mmx_abi_version() -> u32 {
    ABI_VERSION
}

/// The name of a status, as in this header.
///
/// Safe from any thread.
///
/// @param status Any value.
/// @return For example "MMX_ERROR_TIMEOUT"; "MMX_ERROR_UNKNOWN" for a value that this version doesn't know. Static;
///   don't free it.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub extern "C" fn mmx_status_name(status: mmx_status) -> *const c_char {
    Status::name_of(status).as_ptr()
}

/// Frees a string that the library handed over.
///
/// Safe from any thread, once for each string.
///
/// @param string From an out parameter or function of type `char *`. NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_string_free(string: *mut c_char) {
    boundary::free_string(string);
}
