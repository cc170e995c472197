//! ---- Many files at once --------------------------------------------------------------------------------------------
//!
//! Deletes up to a hundred thousand files in one call and reports an outcome for each. Several requests are in flight
//! at once, all driven by the calling thread. Callbacks run on it between the requests, with no lock held. One
//! refused file stops nothing; a refused key or an empty balance (1008) stops the run, and the
//! remaining files are reported as NOT_ATTEMPTED.
//!
//! DELETED and ALREADY_ABSENT are reported on evidence only: the response to the delete, or a lookup (retrieve or list)
//! if that response was lost or the file was refused.

use super::boundary::{self, SizedStruct, array, optional, optional_text, sized};
use super::cancel::mmx_cancel;
use super::client::{mmx_client, with_client};
use super::error::mmx_error;
use super::files::mmx_progress_fn;
use super::status::mmx_status;
use crate::api::bulk::{self, BulkResult, FileRef, Options};
use crate::api::filter::Filter;
use crate::api::outcome::Outcome;
use crate::api::prune;
use crate::api::purpose;
use crate::error::Error;
use crate::transport::client::Client;
use crate::transport::config;
use std::ffi::{c_char, c_void};
use std::ptr;
use std::time::Duration;

/// One file to delete. Used in arrays, so it never grows.
#[repr(C)]
pub struct mmx_file_ref {
    /// The file's id, 1 or more.
    pub file_id: i64,
    /// As for mmx_delete_file(), also NULL. Used until the call returns.
    pub purpose: *const c_char,
}

/// The outcome of one file. Filled by the library, valid during the callback, or as long as the mmx_outcomes that it is of;
/// later versions may add fields at its end.
#[repr(C)]
pub struct mmx_outcome {
    /// Position in the input, or in the plan.
    pub index: usize,
    /// The file's id.
    pub file_id: i64,
    /// As it was given, or found out; "" = it was not found out.
    pub purpose: *const c_char,
    /// MMX_OUTCOME_...
    pub outcome: i32,
    /// Number of delete requests sent for the file.
    pub attempts: i32,
    /// How it is known: "answer" (the service's response), "retrieve", "list", or "".
    pub evidence: *const c_char,
    /// The service's id of the request; "" = none.
    pub trace_id: *const c_char,
    /// When it became known, in Unix milliseconds.
    pub settled_at_ms: i64,
    /// Why it failed or is unknown, otherwise NULL. Borrowed: mmx_error_clone() makes one of your own.
    pub error: *const mmx_error,
}

/// Outcome callback: called once for each file, as soon as its outcome is known. Return 0 to continue, anything else to
/// stop the run: requests in flight are completed, the remaining files are not attempted.
pub type mmx_outcome_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, outcome: *const mmx_outcome) -> i32>;

/// Options of a bulk call. Initialise with MMX_BULK_OPTIONS_INIT; 0 and NULL = as the client is configured.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mmx_bulk_options {
    /// Set by MMX_BULK_OPTIONS_INIT.
    pub struct_size: usize,
    /// Timeout of the whole run, in milliseconds; 0 or -1 = none.
    pub timeout_ms: i64,
    /// Timeout for each file, in milliseconds, waits for the rate limiter excluded; -1 = none.
    pub call_timeout_ms: i64,
    /// Maximum number of delete requests for each file.
    pub max_attempts: i32,
    /// Maximum number of files in flight, 1 to 1,000; 0 = 16. A run starts with 2 and grows, because the service refuses
    /// sudden increases; soon after a successful run of the same key it starts with as many as that one reached.
    pub concurrency: i32,
    /// MMX_BULK_..., or 0.
    pub flags: u32,
    /// Cancellation token; used until the call returns.
    pub cancel: *mut mmx_cancel,
    /// Progress callback, which counts files.
    pub progress: mmx_progress_fn,
    /// Outcome callback. If it is set, out_json has no outcomes, and memory use does not grow with them.
    pub on_outcome: mmx_outcome_fn,
    /// Passed to progress and on_outcome.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), struct_size first; zero is a value of every field.
unsafe impl SizedStruct for mmx_bulk_options {
    const FIRST_SIZE: usize = size_of::<mmx_bulk_options>();
    const SIZE: &str = "options.struct_size";
    const INIT: &str = "MMX_BULK_OPTIONS_INIT";
}

/// A selection of files: all conditions must hold. Initialise with MMX_FILTER_INIT. Needs at least one condition beside
/// the purpose, or MMX_FILTER_ALL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mmx_filter {
    /// Set by MMX_FILTER_INIT.
    pub struct_size: usize,
    /// NULL = every purpose.
    pub purpose: *const c_char,
    /// Minimum age in seconds, by the service's clock and by the local clock; a file with an unknown or future time never
    /// matches. 0 = no condition.
    pub older_than_s: i64,
    /// Minimum size in bytes; 0 = no condition. The service reports 0 for generated files.
    pub min_bytes: i64,
    /// A pattern with * ? [a-z] for the name, compared in the Unicode form NFC; NULL = no condition, "" is refused.
    pub name_glob: *const c_char,
    /// A pattern for the names of files that are kept; the plan says how many. NULL = none, "" is refused.
    pub keep_glob: *const c_char,
    /// Ids of files that are kept.
    pub keep_ids: *const i64,
    /// Number of keep_ids.
    pub keep_count: usize,
    /// Guard: if more files would be deleted, none is, the call returns MMX_ERROR_GUARD, and out_json holds the plan. 0 =
    /// no guard.
    pub max_files: i64,
    /// The same guard, in per cent of all listed files; 0 = no guard.
    pub max_percent: i32,
    /// MMX_FILTER_ALL, or 0.
    pub flags: u32,
}

// SAFETY: repr(C), struct_size first; zero is a value of every field.
unsafe impl SizedStruct for mmx_filter {
    const FIRST_SIZE: usize = size_of::<mmx_filter>();
    const SIZE: &str = "filter.struct_size";
    const INIT: &str = "MMX_FILTER_INIT";
}

/// send no delete request: each file is reported as KEPT
pub const MMX_BULK_DRY_RUN: u32 = 1;
/// list at the end and report which files still exist
pub const MMX_BULK_VERIFY: u32 = 2;
/// no condition is needed: every file of the purpose
pub const MMX_FILTER_ALL: u32 = 1;

/// Runs `call` with the caller's options.
pub(super) fn with_options(
    given: *const mmx_bulk_options,
    call: &'static str,
    run: impl FnOnce(&Options<'_>) -> BulkResult,
) -> Result<BulkResult, Error> {
    let Some(given) = sized(given, call, "options")? else { return Ok(run(&Options::default())) };
    const KNOWN: u32 = MMX_BULK_DRY_RUN | MMX_BULK_VERIFY;
    flags(given.flags, KNOWN, call, "options.flags")?;
    let user_data = given.user_data;
    let report = given.progress.map(|progress| {
        // SAFETY: the caller's function with the caller's data, on the caller's thread, within the call.
        move |done: i64, total: i64| unsafe { progress(user_data, done, total) } == 0
    });
    let on_outcome = given.on_outcome.map(|on_outcome| {
        move |outcome: &Outcome<'_>| {
            let handed = HandedOutcome::new(outcome);
            // SAFETY: as above; the outcome lives as long as the callback.
            unsafe { on_outcome(user_data, &handed.outcome) == 0 }
        }
    });
    let options = Options {
        timeout: config::time_limit(call, "options.timeout_ms", given.timeout_ms)?.or(None),
        call_timeout: config::time_limit(call, "options.call_timeout_ms", given.call_timeout_ms)?,
        max_attempts: config::attempts(call, "options.max_attempts", given.max_attempts)?,
        concurrency: match given.concurrency {
            0 => None,
            1..=1000 => Some(given.concurrency.unsigned_abs()),
            other => {
                let why = format!("must be 1 to 1000, or 0 for the default, not {other}");
                return Err(Error::invalid_argument(call, "options.concurrency", why));
            }
        },
        dry_run: given.flags & MMX_BULK_DRY_RUN != 0,
        verify: given.flags & MMX_BULK_VERIFY != 0,
        deleted_before: &[],
        lookup_first: false,
        cancel: optional(given.cancel).map(|cancel| &cancel.0),
        progress: report.as_ref().map(|report| -> &dyn Fn(i64, i64) -> bool { report }),
        on_outcome: on_outcome.as_ref().map(|told| -> &dyn Fn(&Outcome<'_>) -> bool { told }),
    };
    Ok(run(&options))
}

pub(super) fn flags(given: u32, known: u32, call: &'static str, name: &'static str) -> Result<(), Error> {
    if given & !known == 0 {
        return Ok(());
    }
    Err(Error::invalid_argument(
        call,
        name,
        format!("has bits ({:#x}) set that this call does not know", given & !known),
    ))
}

/// An outcome as C has it, with the strings and the error that it points to.
struct HandedOutcome {
    outcome: mmx_outcome,
    _texts: [std::ffi::CString; 3],
    _error: Option<Box<mmx_error>>,
}

impl HandedOutcome {
    fn new(outcome: &Outcome<'_>) -> HandedOutcome {
        let texts =
            [outcome.purpose, outcome.evidence, &outcome.trace_id].map(|text| boundary::c_string(text.to_owned()));
        let error = outcome.error.clone().map(|error| Box::new(mmx_error::new(error)));
        let outcome = mmx_outcome {
            index: outcome.index,
            file_id: outcome.file_id,
            purpose: texts[0].as_ptr(),
            outcome: outcome.kind as i32,
            attempts: i32::try_from(outcome.attempts).unwrap_or(i32::MAX),
            evidence: texts[1].as_ptr(),
            trace_id: texts[2].as_ptr(),
            settled_at_ms: outcome.settled_at_ms,
            error: error.as_deref().map_or(ptr::null(), ptr::from_ref),
        };
        HandedOutcome { outcome, _texts: texts, _error: error }
    }
}

/// Deletes many files. Thread-safe.
///
/// Sends POST /v1/files/delete ("File Delete" in the API documentation) for each, with retries as for
/// mmx_delete_file(). If more than 20 files are ambiguous, one list request comes before the lookups; likewise if more
/// than 20 purposes are NULL, which otherwise retrieve says. A file that is in the array twice is sent once. A refused file is looked up: if it doesn't exist, it is ALREADY_ABSENT.
///
/// @param client    From mmx_client_new().
/// @param files     The files. NULL only with a count of 0.
/// @param count     Their number.
/// @param options   NULL = as the client is configured.
/// @param out_json  Receives counts and, unless on_outcome is set, every outcome in input order (docs/json.md),
///   whatever the call returns, once a request was sent; free it with mmx_string_free(). NULL = not wanted.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK: every outcome is DELETED, ALREADY_ABSENT or KEPT.
///   MMX_ERROR_PARTIAL: some are not, and nothing stopped the run.
///   MMX_ERROR_INVALID_ARGUMENT: an argument is invalid; nothing was sent. The message names it.
///   MMX_ERROR_CANCELLED: by the token or a callback. MMX_ERROR_TIMEOUT: options->timeout_ms expired.
///   MMX_ERROR_AUTHENTICATION, MMX_ERROR_QUOTA: the key was refused, or the balance is empty.
///   Others as for mmx_list_files(): with MMX_BULK_VERIFY, the list at the end failed.
/// @since 1.0.0
/// @code
/// mmx_file_ref files[] = {{176844028768320, MMX_PURPOSE_VOICE_CLONE}, {176844028768321, MMX_PURPOSE_T2A_ASYNC}};
/// char *json = NULL;
/// mmx_error *error = NULL;
/// if (mmx_delete_files(client, files, 2, NULL, &json, &error) != MMX_OK) {
///     fprintf(stderr, "%s\n%s\n", mmx_error_message(error), json ? json : "");
/// }
/// mmx_error_free(error);
/// mmx_string_free(json);
/// @endcode
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_delete_files(
    client: *const mmx_client,
    files: *const mmx_file_ref,
    count: usize,
    options: *const mmx_bulk_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = bulk::CALL;
    self::call(client, CALL, out_json, out_error, |client| {
        let file_ref = |(index, file): (usize, &mmx_file_ref)| {
            let purpose = optional_text(file.purpose, CALL, "files").map_err(|error| {
                let message =
                    format!("{CALL}: files[{index}].purpose{}", error.without_call().trim_start_matches("files"));
                Error { message, ..error }
            })?;
            if purpose == Some("") {
                // Below it would mean that the purpose isn't known.
                purpose::check(CALL, "purpose", "").map_err(|error| {
                    let message = format!("{CALL}: files[{index}]: {}", error.without_call());
                    Error { message, parameter: Some("files"), ..error }
                })?;
            }
            Ok(FileRef { file_id: file.file_id, purpose: purpose.unwrap_or_default() })
        };
        let files = array(files, count, CALL, "files")?.iter().enumerate().map(file_ref);
        let files = files.collect::<Result<Vec<_>, Error>>()?;
        with_options(options, CALL, |options| bulk::delete_files(client, &files, options))
    })
}

/// Deletes the listed files that match a filter. Thread-safe.
///
/// Sends GET /v1/files/list ("File List" in the API documentation), applies the filter, and deletes like
/// mmx_delete_files(). If the service refuses to list by the purpose (2013), all files are listed. Ages are measured by the local clock and by the service's (the Date header of the list). With
/// MMX_BULK_DRY_RUN nothing is deleted, and out_json holds the plan: the files, and the sum of their known sizes.
///
/// @param client    From mmx_client_new().
/// @param filter    Which files are deleted, which are kept, and how many may be deleted.
/// @param options   NULL = as the client is configured.
/// @param out_json  Receives counts, the plan and, unless on_outcome is set, every outcome in the plan's order
///   (docs/json.md), whatever the call returns, once the list was received; free it with mmx_string_free(). NULL = not
///   wanted.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK: every outcome is DELETED, ALREADY_ABSENT or KEPT, or no file matches.
///   MMX_ERROR_GUARD: more files match than the filter allows, or names that it asks for are not known; no delete was sent.
///   MMX_ERROR_PROTOCOL: the response is not a list of files, or has no Date header to measure ages by; no delete was
///     sent. A failed list is never an empty one.
///   MMX_ERROR_INVALID_ARGUMENT: an argument is invalid; nothing was sent. The message names it.
///   Others as for mmx_list_files(), before a delete was sent, and as for mmx_delete_files().
/// @since 1.0.0
/// @code
/// mmx_filter filter = MMX_FILTER_INIT;
/// filter.purpose = MMX_PURPOSE_T2A_ASYNC;
/// filter.older_than_s = 7 * 24 * 3600;
/// filter.max_percent = 50;
/// char *json = NULL;
/// mmx_error *error = NULL;
/// if (mmx_prune_files(client, &filter, NULL, &json, &error) != MMX_OK) fprintf(stderr, "%s\n", mmx_error_message(error));
/// mmx_error_free(error);
/// mmx_string_free(json);
/// @endcode
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_prune_files(
    client: *const mmx_client,
    filter: *const mmx_filter,
    options: *const mmx_bulk_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = prune::CALL;
    self::call(client, CALL, out_json, out_error, |client| {
        let given = sized(filter, CALL, "filter")?;
        let filter = self::filter(&given.ok_or_else(|| Error::invalid_argument(CALL, "filter", "is NULL"))?, CALL)?;
        with_options(options, CALL, |options| prune::prune_files(client, &filter, options))
    })
}

fn filter<'a>(given: &mmx_filter, call: &'static str) -> Result<Filter<'a>, Error> {
    flags(given.flags, MMX_FILTER_ALL, call, "filter.flags")?;
    let count = |value: i64, name: &'static str| match u64::try_from(value) {
        Ok(0) => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(Error::invalid_argument(call, name, format!("must be 0 or more, not {value}"))),
    };
    let percent = count(given.max_percent.into(), "filter.max_percent")?;
    if percent.is_some_and(|percent| percent > 100) {
        return Err(Error::invalid_argument(call, "filter.max_percent", "must be at most 100"));
    }
    Ok(Filter {
        purpose: optional_text(given.purpose, call, "filter.purpose")?,
        older_than: count(given.older_than_s, "filter.older_than_s")?.map(Duration::from_secs),
        min_bytes: count(given.min_bytes, "filter.min_bytes")?.map(|bytes| bytes.try_into().unwrap_or(i64::MAX)),
        name_glob: optional_text(given.name_glob, call, "filter.name_glob")?,
        keep_globs: optional_text(given.keep_glob, call, "filter.keep_glob")?.into_iter().collect(),
        keep_names: Vec::new(),
        keep_ids: array(given.keep_ids, given.keep_count, call, "filter.keep_ids")?,
        max_files: count(given.max_files, "filter.max_files")?,
        max_percent: percent.map(|percent| percent as u32),
        all: given.flags & MMX_FILTER_ALL != 0,
    })
}

/// The outcomes so far are handed over however the call ended.
pub(super) fn call(
    client: *const mmx_client,
    call: &'static str,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
    run: impl FnOnce(&Client) -> Result<BulkResult, Error>,
) -> mmx_status {
    boundary::call_with_both(out_json, out_error, || {
        let mut json = None;
        let result = with_client(client, call, |client| {
            let result;
            BulkResult { json, result, .. } = run(client)?;
            result
        });
        (json, result)
    })
}
