//! Every rule about pointers, once.
//!
//! The contract with a C caller: a pointer is NULL or points to what its type says for the length of the call; a
//! handle came from the function that makes it and was not freed; a string is NUL-terminated. NULL, text that isn't
//! UTF-8 and structs of another version are caught here.

use crate::error::Error;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{ptr, slice};

/// A result that is handed over to the caller, who frees it.
pub(crate) trait IntoRaw {
    type Raw;
    fn into_raw(self) -> *mut Self::Raw;
}

/// No result: for calls that only succeed or fail.
impl IntoRaw for () {
    type Raw = ();
    fn into_raw(self) -> *mut () {
        ptr::null_mut()
    }
}

/// For mmx_string_free(). Ends at a NUL, which JSON text never holds.
impl IntoRaw for String {
    type Raw = c_char;
    fn into_raw(self) -> *mut c_char {
        c_string(self).into_raw()
    }
}

/// A handle, for its own `_free` function.
impl<T> IntoRaw for Box<T> {
    type Raw = T;
    fn into_raw(self) -> *mut T {
        Box::into_raw(self)
    }
}

/// Runs `body` so that no panic crosses into C and none prints; `None` when it panicked.
pub(crate) fn catch_panic<T>(body: impl FnOnce() -> T) -> Option<T> {
    thread_local! {
        static INSIDE: Cell<bool> = const { Cell::new(false) };
    }
    static SILENT: AtomicBool = AtomicBool::new(false);
    // A payload can hold anything, also the key; the default hook would print it to the host's stderr. Panics outside
    // a call of ours (this may be linked into a Rust program) go where they went before.
    if !SILENT.load(Ordering::Relaxed) && !SILENT.swap(true, Ordering::Relaxed) {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let ours = INSIDE.try_with(Cell::get).unwrap_or(true)
                || std::thread::current().name().is_some_and(|name| name.starts_with("mmx-"));
            if !ours {
                before(info);
            }
        }));
    }
    let was_inside = INSIDE.try_with(|inside| inside.replace(true));
    let result = panic::catch_unwind(AssertUnwindSafe(body)).ok();
    if let Ok(was_inside) = was_inside {
        let _ = INSIDE.try_with(|inside| inside.set(was_inside));
    }
    result
}

pub(crate) fn set<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: an out parameter that isn't NULL points to a place for a pointer.
        unsafe { out.write(value) };
    }
}

/// A required handle or struct.
pub(crate) fn reference<'a, T>(pointer: *const T, call: &'static str, name: &'static str) -> Result<&'a T, Error> {
    // SAFETY: not NULL, so by the contract it points to a live T that nobody changes during the call.
    unsafe { pointer.as_ref() }.ok_or_else(|| is_null(call, name))
}

pub(crate) fn reference_mut<'a, T>(
    pointer: *mut T,
    call: &'static str,
    name: &'static str,
) -> Result<&'a mut T, Error> {
    // SAFETY: not NULL, so by the contract it points to a live T that only this call uses.
    unsafe { pointer.as_mut() }.ok_or_else(|| is_null(call, name))
}

/// A handle or struct that may be NULL, for example of a getter.
pub(crate) fn optional<'a, T>(pointer: *const T) -> Option<&'a T> {
    // SAFETY: NULL is checked; otherwise it points to a live T that nobody changes during the call.
    unsafe { pointer.as_ref() }
}

/// Checks an out parameter that a call needs.
pub(crate) fn required_out<T>(out: *mut *mut T, call: &'static str, name: &'static str) -> Result<(), Error> {
    if out.is_null() { Err(is_null(call, name)) } else { Ok(()) }
}

pub(crate) fn text<'a>(pointer: *const c_char, call: &'static str, name: &'static str) -> Result<&'a str, Error> {
    if pointer.is_null() {
        return Err(is_null(call, name));
    }
    // SAFETY: not NULL, so by the contract a NUL-terminated string that lives as long as the call.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|_| Error::invalid_argument(call, name, "is not valid UTF-8"))
}

/// `None` for NULL.
pub(crate) fn optional_text<'a>(
    pointer: *const c_char,
    call: &'static str,
    name: &'static str,
) -> Result<Option<&'a str>, Error> {
    if pointer.is_null() { Ok(None) } else { text(pointer, call, name).map(Some) }
}

/// An array; NULL is an empty one.
pub(crate) fn array<'a, T>(
    pointer: *const T,
    count: usize,
    call: &'static str,
    name: &'static str,
) -> Result<&'a [T], Error> {
    match (pointer.is_null(), count) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Error::invalid_argument(call, name, format!("is NULL, with a count of {count}"))),
        (false, _) if count > isize::MAX as usize / size_of::<T>() => {
            Err(Error::invalid_argument(call, name, format!("can't have {count} entries")))
        }
        // SAFETY: not NULL, so by the contract an array of that many, which nobody changes during the call.
        (false, _) => Ok(unsafe { slice::from_raw_parts(pointer, count) }),
    }
}

/// Frees a handle that was handed over; NULL does nothing.
pub(crate) fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // SAFETY: handed over by Box::into_raw, and by the contract freed once.
        catch_panic(|| drop(unsafe { Box::from_raw(pointer) }));
    }
}

pub(crate) fn free_string(pointer: *mut c_char) {
    if !pointer.is_null() {
        // SAFETY: handed over by CString::into_raw, and by the contract freed once.
        catch_panic(|| drop(unsafe { CString::from_raw(pointer) }));
    }
}

/// A struct that callers fill and that may grow: plain data that is valid if all bytes are zero.
///
/// # Safety
/// The type is `repr(C)`, begins with its `struct_size`, and all zero bytes are a value of it.
pub(crate) unsafe trait SizedStruct {
    /// The size in the first version; a caller's struct can't be smaller.
    const FIRST_SIZE: usize;
    /// For messages: the field as a parameter, and the macro that sets it.
    const SIZE: &str;
    const INIT: &str;
}

/// Beyond any struct of ours: the field was never set.
const ABSURD: usize = 4096;

/// Reads a caller's struct of any version: a smaller one as far as it goes, a larger one if it says nothing more.
pub(crate) fn sized<T: SizedStruct + Copy>(
    pointer: *const T,
    call: &'static str,
    name: &'static str,
) -> Result<Option<T>, Error> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: by the contract at least the leading struct_size is there.
    let size = unsafe { pointer.cast::<usize>().read() };
    if !(T::FIRST_SIZE..=ABSURD).contains(&size) {
        let why = format!("is {size}: initialise the struct with {}", T::INIT);
        return Err(Error::invalid_argument(call, T::SIZE, why));
    }
    // SAFETY: the caller says that so many bytes are there.
    let given = unsafe { slice::from_raw_parts(pointer.cast::<u8>(), size) };
    let known = size.min(size_of::<T>());
    if given[known..].iter().any(|&byte| byte != 0) {
        let why = "uses a field that this version of libmmx does not know";
        return Err(Error::invalid_argument(call, name, why));
    }
    // SAFETY: all zero is a T (the trait's promise); `known` bytes fit in it and were just read.
    let value = unsafe {
        let mut value: T = std::mem::zeroed();
        ptr::copy_nonoverlapping(given.as_ptr(), ptr::from_mut(&mut value).cast(), known);
        value
    };
    Ok(Some(value))
}

/// Checks a caller's struct that is filled in when the call returns; NULL is none.
pub(crate) fn sized_out<T: SizedStruct>(pointer: *mut T, call: &'static str) -> Result<(), Error> {
    if pointer.is_null() {
        return Ok(());
    }
    // SAFETY: by the contract at least the leading struct_size is there.
    let size = unsafe { pointer.cast::<usize>().read() };
    if (T::FIRST_SIZE..=ABSURD).contains(&size) {
        return Ok(());
    }
    Err(Error::invalid_argument(call, T::SIZE, format!("is {size}: initialise the struct with {}", T::INIT)))
}

/// Fills in a struct that [`sized_out`] has found good: one of any version, as far as both ends know it. NULL is none.
pub(crate) fn fill<T: SizedStruct>(pointer: *mut T, value: &T) {
    if pointer.is_null() {
        return;
    }
    let begin = size_of::<usize>();
    // SAFETY: the size was checked, the caller says that so many bytes are there, and no more are read than a T has.
    unsafe {
        let size = pointer.cast::<usize>().read();
        let known = size.min(size_of::<T>());
        let out = pointer.cast::<u8>();
        ptr::copy_nonoverlapping(ptr::from_ref(value).cast::<u8>().add(begin), out.add(begin), known - begin);
        out.add(known).write_bytes(0, size - known);
    }
}

/// Text as a C string. Ends at the first NUL, so text of the library never contains one.
pub(crate) fn c_string(text: String) -> CString {
    CString::new(text).unwrap_or_else(|error| {
        let end = error.nul_position();
        let mut bytes = error.into_vec();
        bytes.truncate(end);
        CString::new(bytes).unwrap_or_default()
    })
}

fn is_null(call: &'static str, name: &'static str) -> Error {
    Error::invalid_argument(call, name, "is NULL")
}
