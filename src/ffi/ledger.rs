//! ---- The ledger ----------------------------------------------------------------------------------------------------
//!
//! A ledger is a file that knows every upload of its clients until the file is deleted (docs/surely-gone.md): JSON Lines
//! (docs/json.md), for any number of threads and processes of one host. mmx_sweep() settles what a crash left.

use super::boundary::{self, SizedStruct, optional_text, reference_mut, sized, text};
use super::bulk::{self, MMX_BULK_DRY_RUN, mmx_bulk_options, mmx_outcome_fn};
use super::cancel::mmx_cancel;
use super::client::{mmx_client, with_client};
use super::config::mmx_config;
use super::error::mmx_error;
use super::files::{MMX_CALL_VIA_DOWNLOAD_URL, mmx_call_options, with_options};
use super::status::mmx_status;
use crate::api::{keep, sweep, take};
use std::ffi::{c_char, c_void};
use std::ptr;

/// Sets the ledger of clients: also MMX_LEDGER in the environment. One thread at a time.
///
/// The purpose, name, size, SHA-256 and process of each upload are on the disk before its first byte is sent, and the id after the
/// response; a delete strikes them out. A source that can go back to its start is read twice. The file is made when it is
/// first needed, and locked (flock) for each change.
///
/// @param config    From mmx_config_new().
/// @param path      The file. UTF-8; "" = no ledger.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK or MMX_ERROR_INVALID_ARGUMENT. A ledger that can't be written fails uploads with MMX_ERROR_FILE before
///   anything is sent.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_ledger(
    config: *mut mmx_config,
    path: *const c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "config_set_ledger";
    boundary::call(ptr::null_mut(), out_error, || {
        let config = &mut reference_mut(config, CALL, "config")?.0;
        config.set_ledger(text(path, CALL, "path")?);
        Ok(())
    })
}

/// Downloads a file and deletes it once it is whole on this disk. Thread-safe.
///
/// Sends GET /v1/files/retrieve_content ("File Retrieve Content" in the API documentation) like mmx_download_file(), then, after
/// the length was verified and file and folder were flushed, POST /v1/files/delete ("File Delete") like mmx_delete_file() with
/// MMX_CALL_MISSING_OK. If a step fails, the file is not deleted, and the message says what is where. With a ledger, a delete
/// that a crash prevented is carried out by mmx_sweep().
///
/// @param client          From mmx_client_new().
/// @param file_id         The file's id, 1 or more.
/// @param purpose_or_null As for mmx_delete_file(); NULL = it is found out.
/// @param path            The target, a regular file. UTF-8.
/// @param options         Options of this call; timeout_ms bounds both parts. NULL = as the client is configured.
/// @param out_json        Receives the object of mmx_download_file() with path, deleted and delete (docs/json.md) once the file
///   is on the disk, whatever the call returns; free it with mmx_string_free(). NULL = not wanted.
/// @param out_error       Receives the error. NULL = not wanted.
/// @return MMX_OK: the file is whole on the disk, and deleted at the service.
///   MMX_ERROR_FILE: the target can't be written, flushed or renamed, or the ledger can't be written; it was not deleted.
///   Others as for mmx_download_file() and mmx_delete_file().
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_take_file(
    client: *const mmx_client,
    file_id: i64,
    purpose_or_null: *const c_char,
    path: *const c_char,
    options: *const mmx_call_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = take::CALL;
    boundary::call_with_both(out_json, out_error, || {
        let mut json = None;
        let result = with_options(client, options, CALL, MMX_CALL_VIA_DOWNLOAD_URL, |client, options, flags| {
            let purpose = optional_text(purpose_or_null, CALL, "purpose")?;
            let path = text(path, CALL, "path")?;
            let result;
            (json, result) =
                take::take(client, file_id, purpose, path, flags & MMX_CALL_VIA_DOWNLOAD_URL != 0, options);
            result
        });
        (json, result)
    })
}

/// Options of mmx_sweep(). Initialise with MMX_SWEEP_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mmx_sweep_options {
    /// Set by MMX_SWEEP_OPTIONS_INIT.
    pub struct_size: usize,
    /// Timeout of the whole run, in milliseconds; 0 or -1 = none.
    pub timeout_ms: i64,
    /// MMX_BULK_DRY_RUN, or 0.
    pub flags: u32,
    /// Cancellation token; used until the call returns.
    pub cancel: *mut mmx_cancel,
    /// As in mmx_bulk_options.
    pub on_outcome: mmx_outcome_fn,
    /// Passed to on_outcome.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), struct_size first; zero is a value of every field.
unsafe impl SizedStruct for mmx_sweep_options {
    const FIRST_SIZE: usize = size_of::<mmx_sweep_options>();
    const SIZE: &str = "options.struct_size";
    const INIT: &str = "MMX_SWEEP_OPTIONS_INIT";
}

/// Settles what processes that are gone left in the client's ledger, and deletes what is due. Thread-safe.
///
/// Sends GET /v1/files/list ("File List" in the API documentation), if it has to look for files or needs the service's clock, and
/// POST /v1/files/delete ("File Delete"). An upload whose id is not known is looked for in the list: name, size, purpose, and time by the service's clock. If several
/// files or uploads fit each other, none is chosen, and "unsettled" in out_json has them. Deleted are temporary files, files that
/// mmx_take_file() had brought to the disk, and those whose time (expires_after_s) is over by the service's clock and this machine's.
/// Everything else stays, and so does what a process may still be at. Two sweeps at once share the work. With
/// MMX_BULK_DRY_RUN nothing is written, and the files that would be deleted are KEPT.
///
/// @param client    From mmx_client_new(); it has a ledger.
/// @param options   NULL = as the client is configured.
/// @param out_json  Receives a bulk result, whatever the call returns, as mmx_delete_files(), with "sweep" (docs/json.md); free
///   it with mmx_string_free(). NULL = not wanted.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK: all that was left is settled.
///   MMX_ERROR_PARTIAL: some files were not deleted, or some uploads are unsettled.
///   MMX_ERROR_FILE: the ledger can't be read or written, or has been locked for 10 s; nothing was deleted.
///   MMX_ERROR_PROTOCOL: as for mmx_prune_files().
///   Others as for mmx_list_files(), before a delete was sent, and as for mmx_delete_files().
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_sweep(
    client: *const mmx_client,
    options: *const mmx_sweep_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = sweep::CALL;
    bulk::call(client, CALL, out_json, out_error, |client| {
        let Some(given) = sized(options, CALL, "options")? else {
            return bulk::with_options(ptr::null(), CALL, |options| sweep::sweep(client, options));
        };
        bulk::flags(given.flags, MMX_BULK_DRY_RUN, CALL, "options.flags")?;
        let options = mmx_bulk_options {
            struct_size: size_of::<mmx_bulk_options>(),
            timeout_ms: given.timeout_ms,
            call_timeout_ms: 0,
            max_attempts: 0,
            concurrency: 0,
            flags: given.flags,
            cancel: given.cancel,
            progress: None,
            on_outcome: given.on_outcome,
            user_data: given.user_data,
        };
        bulk::with_options(&raw const options, CALL, |options| sweep::sweep(client, options))
    })
}

/// Strikes a file out of the client's ledger: no sweep deletes it. Thread-safe. Sends no request.
///
/// @param client    From mmx_client_new(); it has a ledger.
/// @param file_id   The file's id, 1 or more.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_NOT_FOUND: the ledger has no such file. MMX_ERROR_FILE: the ledger can't be written.
///   MMX_ERROR_INVALID_ARGUMENT: an argument is invalid, or the client has no ledger.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_ledger_keep(
    client: *const mmx_client,
    file_id: i64,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    boundary::call(ptr::null_mut(), out_error, || with_client(client, keep::CALL, |client| keep::keep(client, file_id)))
}
