//! What a host wants to read of its calls afterwards: one JSON line an event. Lines gather while the engine runs and are
//! handed out between its turns, so that no lock of ours is held and no runtime entered while the host's function runs.

use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    Error = 1,
    Warn = 2,
    Info = 3,
    Debug = 4,
}

impl Level {
    pub fn of(value: i32) -> Option<Level> {
        [Level::Error, Level::Warn, Level::Info, Level::Debug].into_iter().find(|level| *level as i32 == value)
    }
}

/// The host's function.
pub type Listener = dyn Fn(Level, &str) + Send + Sync;

/// Whom to tell, and the least important level that is wanted.
#[derive(Clone)]
pub struct Logger {
    pub log: Arc<Listener>,
    pub level: Level,
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logger({:?})", self.level)
    }
}

/// The lines of one call, until they are handed out.
#[derive(Debug, Default)]
pub struct Log {
    logger: Option<Logger>,
    call: &'static str,
    secret: String,
    lines: Vec<(Level, String)>,
}

impl Log {
    pub fn new(logger: Option<&Logger>, call: &'static str, secret: &str) -> Log {
        // A copy of the key is made only where something is logged.
        let secret = if logger.is_some() { secret.to_owned() } else { String::new() };
        Log { logger: logger.cloned(), call, secret, lines: Vec::new() }
    }

    /// Whether anybody reads lines of this level: the data of others needn't be put together.
    pub fn wants(&self, level: Level) -> bool {
        self.logger.as_ref().is_some_and(|logger| level <= logger.level)
    }

    /// Writes an event with what is known of it.
    pub fn event<const N: usize>(&mut self, level: Level, event: &str, data: [(&str, Value); N]) {
        if !self.wants(level) {
            return;
        }
        let mut line = Map::new();
        line.insert("event".into(), event.into());
        line.insert("call".into(), self.call.into());
        line.extend(data.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let mut text = Value::from(line).to_string();
        if !self.secret.is_empty() && text.contains(&self.secret) {
            text = text.replace(&self.secret, "[the key]");
        }
        self.lines.push((level, text));
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines so far and whom to give them, for when nothing is locked.
    pub fn take(&mut self) -> Option<Lines> {
        let logger = self.logger.clone().filter(|_| !self.lines.is_empty())?;
        Some(Lines { logger, lines: std::mem::take(&mut self.lines) })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
    }
}

pub struct Lines {
    logger: Logger,
    lines: Vec<(Level, String)>,
}

impl Lines {
    pub fn hand_out(self) {
        for (level, line) in self.lines {
            (self.logger.log)(level, &line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_line_is_json_without_the_key_and_only_what_is_wanted() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let seen_by_host = seen.clone();
        let log = move |level, line: &str| seen_by_host.lock().unwrap().push((level, line.to_owned()));
        let logger = Logger { log: Arc::new(log), level: Level::Info };
        let mut log = Log::new(Some(&logger), "delete_file", "sk-secret");
        log.event(Level::Debug, "attempt", []);
        log.event(Level::Warn, "retry", [("attempt", 2.into()), ("why", "bad sk-secret".into())]);
        assert!(!log.is_empty() && seen.lock().unwrap().is_empty());
        log.take().unwrap().hand_out();
        assert!(log.take().is_none());
        let expected = r#"{"event":"retry","call":"delete_file","attempt":2,"why":"bad [the key]"}"#;
        let seen = seen.lock().unwrap();
        let read: Value = serde_json::from_str(&seen[0].1).unwrap();
        assert_eq!((seen.len(), seen[0].0, read), (1, Level::Warn, serde_json::from_str(expected).unwrap()));
    }

    #[test]
    fn nobody_who_listens_is_nothing_that_is_kept() {
        let mut log = Log::new(None, "delete_file", "sk-secret");
        log.event(Level::Error, "failed", []);
        assert!(log.is_empty() && log.secret.is_empty());
    }
}
