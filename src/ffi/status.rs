//! ---- Library -------------------------------------------------------------------------------------------------------
//!
//! Versions, names of statuses, and the release of strings.

use super::pointers;
use crate::error::Status;
use std::ffi::{CStr, c_char};

/// Which layout and meaning the functions of this header have.
pub const ABI_VERSION: u32 = 1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version holds no NUL"),
};

/// Returns the version of the loaded library. Thread-safe.
///
/// @return For example "1.0.0". Static; do not free it.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub extern "C" fn mmx_version() -> *const c_char {
    VERSION.as_ptr()
}

/// Returns the version of the binary interface (ABI) of the loaded library. Thread-safe.
///
/// A program that loads the library at run time compares it with MMX_ABI_VERSION of the header that it was built with,
/// and must not continue if they differ.
///
/// @return 1.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub extern "C" fn mmx_abi_version() -> u32 {
    ABI_VERSION
}

/// The result of a call: MMX_OK or one of MMX_ERROR_... Later versions may add values: treat an unknown one as a
/// failure.
pub type mmx_status = i32;

/// Returns the name of a status, as in this header. Thread-safe.
///
/// @param status Any value.
/// @return For example "MMX_ERROR_TIMEOUT"; "MMX_ERROR_UNKNOWN" for a value that this version doesn't know. Static.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub extern "C" fn mmx_status_name(status: mmx_status) -> *const c_char {
    Status::name_of(status).as_ptr()
}

/// Frees a string that the library returned. Thread-safe, once for each string.
///
/// @param string From an out parameter or a function of type `char *`. NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_string_free(string: *mut c_char) {
    pointers::free_string(string);
}
