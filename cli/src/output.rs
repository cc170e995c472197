//! The two streams: results on standard output; on standard error what else there is to say, and a bar on a terminal.

use crate::args::Json;
use crate::error::CommandError;
use crate::escape;
use crate::streams;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::Value;
use std::fmt;
use std::io::{self, ErrorKind, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Clone)]
pub(crate) struct Output {
    /// For programs.
    pub(crate) json: bool,
    /// The results are the elements of one array.
    array: Option<Arc<Mutex<Array>>>,
    bars: MultiProgress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Array {
    NotBegun,
    Empty,
    Filled,
}

/// What a bar counts.
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

    /// Lines of results, as they are: names in them are escaped already.
    pub(crate) fn print(&self, text: &str) -> Result<(), CommandError> {
        self.write(&[text, "\n"])
    }

    /// A result for programs.
    pub(crate) fn print_json(&self, json: &Value) -> Result<(), CommandError> {
        self.print_json_text(&json.to_string())
    }

    /// The same as text.
    pub(crate) fn print_json_text(&self, json: &str) -> Result<(), CommandError> {
        let json = escape::json(json);
        match self.begin_element() {
            None => self.print(&json),
            Some(before) => self.write(&[before, &json]),
        }
    }

    /// Results follow, of which there may be none.
    pub(crate) fn begin_results(&self) {
        if let Some(mut array) = self.array() {
            *array = Array::Empty;
        }
    }

    /// Nothing follows.
    pub(crate) fn end_results(&self) -> Result<(), CommandError> {
        let array = self.array().map_or(Array::NotBegun, |array| *array);
        match array {
            Array::NotBegun => Ok(()),
            Array::Empty => self.write(&["[]\n"]),
            Array::Filled => self.write(&["]\n"]),
        }
    }

    /// What stands before an element of the array, if there is one.
    fn begin_element(&self) -> Option<&'static str> {
        let mut array = self.array()?;
        let before = if *array == Array::Filled { ",\n" } else { "[" };
        *array = Array::Filled;
        Some(before)
    }

    fn array(&self) -> Option<MutexGuard<'_, Array>> {
        self.array.as_ref().map(|array| array.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// In one piece, so that no other process writes into the middle of a line.
    fn write(&self, parts: &[&str]) -> Result<(), CommandError> {
        let text = parts.concat();
        self.bars.suspend(|| streams::write_out(text.as_bytes())).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => CommandError::Unread,
            _ => CommandError::Output(error),
        })
    }

    /// Something beside the results. Where standard error is closed, nobody wants to know.
    pub(crate) fn say(&self, text: &str) {
        self.bars.suspend(|| drop(streams::write_err(format!("{text}\n").as_bytes())));
    }

    /// Why the command ends early.
    pub(crate) fn stopped(&self, command: &str, stop: &CommandError) {
        if self.json {
            if let Some(json) = stop.json() {
                self.say(&escape::json(&json.to_string()));
            }
        } else if let Some(text) = stop.text() {
            self.say(&format!("mmx-files {command}: {}", one_line(&text)));
        }
    }

    /// A bar on a terminal, and nothing elsewhere.
    pub(crate) fn bar(&self, unit: Unit, name: &str) -> Bar {
        self.bar_from(0, unit, name)
    }

    /// One that doesn't begin at 0: what was done before says nothing of how fast it goes.
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

/// `236/s`: its own has four decimals.
fn rate(state: &ProgressState, to: &mut dyn fmt::Write) {
    let _ = write!(to, "{:.0}/s", state.per_sec());
}

/// How far something is; gone from the screen when dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// As the library reports it: a total of -1 is not known. Always goes on.
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

/// Messages of the library are clean already; what was put around them may hold a path.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if escape::is_risky(c) { '\u{fffd}' } else { c }).collect()
}

/// Both a person who reads and one who can answer.
pub(crate) fn has_a_person() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
