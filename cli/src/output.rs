//! The two streams: results on standard output; on standard error what else there is to say, and a bar on a terminal.

use crate::escape;
use crate::stop::Stop;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::Value;
use std::fmt;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

#[derive(Clone)]
pub(crate) struct Output {
    /// For programs.
    pub(crate) json: bool,
    bars: MultiProgress,
}

/// What a bar counts.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Bytes,
    Files,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        Output { json, bars: MultiProgress::new() }
    }

    /// Lines of results, as they are: names in them are escaped already.
    pub(crate) fn print(&self, text: &str) -> Result<(), Stop> {
        let write = || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes())?;
            stdout.write_all(b"\n")?;
            stdout.flush()
        };
        self.bars.suspend(write).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Stop::Unread,
            _ => Stop::Output(error),
        })
    }

    /// One line of JSON.
    pub(crate) fn print_json(&self, json: &Value) -> Result<(), Stop> {
        self.print(&escape::json(&json.to_string()))
    }

    /// Something beside the results. Where standard error is closed, nobody wants to know.
    pub(crate) fn say(&self, text: &str) {
        self.bars.suspend(|| drop(writeln!(io::stderr().lock(), "{text}")));
    }

    /// Why the command ends early.
    pub(crate) fn stopped(&self, command: &str, stop: &Stop) {
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
    text.chars().map(|c| if c.is_control() || mmx::error::is_bidi(c) { '\u{fffd}' } else { c }).collect()
}

/// Both a person who reads and one who can answer.
pub(crate) fn has_a_person() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
