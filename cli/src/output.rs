//! Output: results on standard output; messages, logs and a progress bar on standard error.

use crate::args::Json;
use crate::error::CommandError;
use crate::escape;
use crate::streams;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::Value;
use std::fmt;
use std::io::{self, ErrorKind, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The interval at which a spinner turns.
const SPIN: Duration = Duration::from_millis(200);

#[derive(Clone)]
pub(crate) struct Output {
    pub(crate) json: bool,
    /// With `--json=array`: how much of the array is printed.
    array: Option<Arc<Mutex<Array>>>,
    bars: MultiProgress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Array {
    NotBegun,
    Empty,
    Filled,
}

/// The unit of a progress bar.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Bytes,
    Files,
}

impl Output {
    pub(crate) fn new(json: Option<Json>) -> Output {
        let array = (json == Some(Json::Array)).then(|| Arc::new(Mutex::new(Array::NotBegun)));
        Output { json: json.is_some(), array, bars: MultiProgress::new() }
    }

    /// Prints lines of results. Names in them must be escaped already.
    pub(crate) fn print(&self, text: &str) -> Result<(), CommandError> {
        self.write(&[text, "\n"])
    }

    /// Prints a result as JSON.
    pub(crate) fn print_json(&self, json: &Value) -> Result<(), CommandError> {
        self.print_json_text(&json.to_string())
    }

    /// Prints a result that is JSON already.
    pub(crate) fn print_json_text(&self, json: &str) -> Result<(), CommandError> {
        let json = escape::json(json);
        match self.begin_element() {
            None => self.print(&json),
            Some(before) => self.write(&[before, &json]),
        }
    }

    /// Begins the results of a command that may have none: an empty array is printed then.
    pub(crate) fn begin_results(&self) {
        if let Some(mut array) = self.array() {
            *array = Array::Empty;
        }
    }

    /// Ends the array.
    pub(crate) fn end_results(&self) -> Result<(), CommandError> {
        let array = self.array().map_or(Array::NotBegun, |array| *array);
        match array {
            Array::NotBegun => Ok(()),
            Array::Empty => self.write(&["[]\n"]),
            Array::Filled => self.write(&["]\n"]),
        }
    }

    /// The text before the next element; `None` without an array.
    fn begin_element(&self) -> Option<&'static str> {
        let mut array = self.array()?;
        let before = if *array == Array::Filled { ",\n" } else { "[" };
        *array = Array::Filled;
        Some(before)
    }

    fn array(&self) -> Option<MutexGuard<'_, Array>> {
        self.array.as_ref().map(|array| array.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes all parts at once, so that lines of several processes do not mix.
    fn write(&self, parts: &[&str]) -> Result<(), CommandError> {
        let text = parts.concat();
        self.bars.suspend(|| streams::write_out(text.as_bytes())).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => CommandError::Unread,
            _ => CommandError::Output(error),
        })
    }

    /// Prints a message on standard error. Ignores errors: there is no other place to report them.
    pub(crate) fn say(&self, text: &str) {
        self.bars.suspend(|| drop(streams::write_err(format!("{text}\n").as_bytes())));
    }

    /// Prints why the command failed.
    pub(crate) fn fail(&self, command: &str, error: &CommandError) {
        if self.json {
            if let Some(json) = error.json() {
                self.say(&escape::json(&json.to_string()));
            }
        } else if let Some(text) = error.text() {
            self.say(&format!("mmx-files {command}: {}", one_line(&text)));
        }
    }

    /// A progress bar; invisible unless standard error is a terminal.
    pub(crate) fn bar(&self, unit: Unit, name: &str) -> Bar {
        self.bar_from(0, unit, name)
    }

    /// A line that shows that something is waited for, and since when.
    pub(crate) fn spinner(&self, text: &str) -> Bar {
        let style = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed}").expect("a template of ours");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_style(style);
        bar.set_message(escape::text(text));
        let bar = self.bars.add(bar);
        bar.enable_steady_tick(SPIN);
        Bar(bar)
    }

    /// A progress bar that doesn't begin at 0. Earlier work doesn't count for its speed.
    pub(crate) fn bar_from(&self, done: i64, unit: Unit, name: &str) -> Bar {
        let counts = match unit {
            Unit::Bytes => "{bytes}/{total_bytes} {bytes_per_sec} eta {eta}",
            Unit::Files => "{human_pos}/{human_len} {rate} eta {eta}",
        };
        let style = ProgressStyle::with_template(&format!("{{msg}} {{wide_bar:.cyan}} {counts}"));
        let style = style.expect("a template of ours").progress_chars("━╸ ").with_key("rate", rate);
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_style(style);
        bar.set_message(escape::text(name));
        bar.set_position(done.unsigned_abs());
        bar.tick();
        bar.reset_eta();
        Bar(self.bars.add(bar))
    }
}

/// `236/s`; the default format has four decimals.
fn rate(state: &ProgressState, to: &mut dyn fmt::Write) {
    let _ = write!(to, "{:.0}/s", state.per_sec());
}

/// A progress bar. It disappears when dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A progress callback of the library: a total of -1 is unknown. Always continues.
    pub(crate) fn report(&self, done: i64, total: i64) -> bool {
        if let Ok(total) = u64::try_from(total) {
            self.0.set_length(total);
        }
        self.0.set_position(done.unsigned_abs());
        true
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Replaces characters that could control a terminal: paths in messages may have some.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if escape::is_risky(c) { '\u{fffd}' } else { c }).collect()
}

/// Whether a person can be asked.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
