//! ---- Reading a bulk result without a JSON parser -------------------------------------------------------------------
//!
//! Extracts the counts and outcomes from the out_json of a bulk call, and the files of a plan, which are all KEPT.

use super::boundary::{self, c_string, optional, required_out, text};
use super::bulk::mmx_outcome;
use super::error::mmx_error;
use super::status::mmx_status;
use crate::api::outcome::{Counts, KINDS};
use crate::api::results;
use crate::error::Error;
use std::ffi::{CString, c_char};
use std::ptr;

/// The outcomes in a bulk result or a plan.
pub struct mmx_outcomes {
    outcomes: Vec<mmx_outcome>,
    counts: Counts,
    /// The strings and errors that the pointers in `outcomes` point to.
    _texts: Vec<CString>,
    _errors: Vec<mmx_error>,
}

// SAFETY: the pointers point into `_texts` and `_errors`, which live as long and never change.
unsafe impl Send for mmx_outcomes {}
// SAFETY: as above; nothing in it changes.
unsafe impl Sync for mmx_outcomes {}

impl mmx_outcomes {
    fn new(found: results::Outcomes) -> mmx_outcomes {
        let failed = found.outcomes.iter().filter(|outcome| outcome.error.is_some()).count();
        let (mut texts, mut errors) = (Vec::new(), Vec::with_capacity(failed));
        let mut keep = |value: String| {
            if value.is_empty() {
                return c"".as_ptr();
            }
            texts.push(c_string(value));
            texts.last().map_or(c"".as_ptr(), |text: &CString| text.as_ptr())
        };
        let mut keep_error = |error| {
            // There is room for all, so that each stays where it is.
            errors.push(mmx_error::from(error));
            errors.last().map_or(ptr::null(), ptr::from_ref)
        };
        let outcomes = found
            .outcomes
            .into_iter()
            .map(|outcome| mmx_outcome {
                index: outcome.index,
                file_id: outcome.file_id,
                purpose: keep(outcome.purpose),
                outcome: outcome.kind as i32,
                attempts: outcome.attempts,
                evidence: keep(outcome.evidence),
                trace_id: keep(outcome.trace_id),
                settled_at_ms: outcome.settled_at_ms,
                error: outcome.error.map_or(ptr::null(), &mut keep_error),
            })
            .collect();
        mmx_outcomes { outcomes, counts: found.counts, _texts: texts, _errors: errors }
    }
}

/// Reads the counts and outcomes from the JSON of a bulk call, or the files of a plan. Thread-safe.
///
/// @param json         The out_json of a bulk call, or a plan, for example of mmx-files. UTF-8. Not kept.
/// @param out_outcomes Receives them, or NULL; free them with mmx_outcomes_free().
/// @param out_error    Receives the error. NULL = not wanted.
/// @return MMX_OK. If the call had an outcome callback, there are counts but no outcomes.
///   MMX_ERROR_INVALID_ARGUMENT: neither a bulk result nor a plan, or its counts contradict its outcomes.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_outcomes_parse(
    json: *const c_char,
    out_outcomes: *mut *mut mmx_outcomes,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "outcomes_parse";
    boundary::call(out_outcomes, out_error, || {
        required_out(out_outcomes, CALL, "out_outcomes")?;
        let found = results::outcomes(text(json, CALL, "json")?);
        Ok(Box::new(mmx_outcomes::new(found.map_err(|why| Error::invalid_argument(CALL, "json", why))?)))
    })
}

/// Returns the number of outcomes. Thread-safe.
///
/// @param outcomes From mmx_outcomes_parse(), or NULL.
/// @return The number; 0 for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_outcomes_count(outcomes: *const mmx_outcomes) -> usize {
    optional(outcomes).map_or(0, |outcomes| outcomes.outcomes.len())
}

/// Returns one of the outcomes. Thread-safe.
///
/// @param outcomes From mmx_outcomes_parse(), or NULL.
/// @param index    From 0.
/// @return The outcome, valid until mmx_outcomes_free(); NULL past the end and for NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_outcomes_get(outcomes: *const mmx_outcomes, index: usize) -> *const mmx_outcome {
    optional(outcomes).and_then(|outcomes| outcomes.outcomes.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// Returns how many files came to an outcome, as the JSON counts them. Thread-safe.
///
/// @param outcomes From mmx_outcomes_parse(), or NULL.
/// @param outcome  MMX_OUTCOME_...; 0 = all files, whatever came of them.
/// @return The number; 0 for NULL and for an unknown outcome.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_outcomes_total(outcomes: *const mmx_outcomes, outcome: i32) -> usize {
    let Some(outcomes) = optional(outcomes) else { return 0 };
    if outcome == 0 {
        return outcomes.counts.total;
    }
    KINDS.iter().find(|row| row.0 as i32 == outcome).map_or(0, |row| outcomes.counts.of(row.0))
}

/// Frees outcomes and everything borrowed from them. One thread at a time.
///
/// @param outcomes From mmx_outcomes_parse(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_outcomes_free(outcomes: *mut mmx_outcomes) {
    boundary::free(outcomes);
}
