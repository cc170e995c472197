//! The log of calls: one JSON line for each event. Lines gather while the engine runs and are
//! handed out between its turns, so that no lock of ours is held and no runtime entered while the host's function runs.

use super::secrets::Secrets;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// The log callback, and the least important level that is wanted.
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

/// The lines of one call, until they are handed out. Nothing where nobody listens.
#[derive(Clone, Default)]
pub struct Log(Option<Arc<Lines>>);

struct Lines {
    logger: Logger,
    call: &'static str,
    secrets: Secrets,
    lines: Mutex<Vec<(Level, String)>>,
}

impl Log {
    pub fn new(logger: Option<&Logger>, call: &'static str, secrets: Secrets) -> Log {
        Log(logger.map(|logger| Arc::new(Lines { logger: logger.clone(), call, secrets, lines: Mutex::default() })))
    }

    /// Writes an event with what is known of it.
    pub fn event<const N: usize>(&self, level: Level, event: &str, data: impl FnOnce() -> [(&'static str, Value); N]) {
        let Some(log) = self.0.as_ref().filter(|log| level <= log.logger.level) else { return };
        let mut line = Map::new();
        line.insert("event".into(), event.into());
        line.insert("call".into(), log.call.into());
        for (name, mut value) in data() {
            if says_nothing(name, &value) {
                continue;
            }
            // Before it is JSON, in which a key such as " is everywhere.
            if let Value::String(text) = &mut value
                && let Cow::Owned(cleaned) = log.secrets.take_out(text)
            {
                *text = cleaned;
            }
            line.insert(name.into(), value);
        }
        log.lines().push((level, Value::from(line).to_string()));
    }

    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|log| log.lines().is_empty())
    }

    /// Hands the lines so far to the host, with nothing locked.
    pub fn flush(&self) {
        let Some(log) = &self.0 else { return };
        let lines = std::mem::take(&mut *log.lines());
        for (level, line) in lines {
            (log.logger.log)(level, &line);
        }
    }
}

/// No code, no response, no trace id: what didn't come is left out.
fn says_nothing(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Number(number) => matches!(name, "api_code" | "http_status") && number.as_i64() == Some(0),
        _ => false,
    }
}

impl Lines {
    fn lines(&self) -> MutexGuard<'_, Vec<(Level, String)>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_without_the_key_and_only_what_is_wanted() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let seen_by_host = seen.clone();
        let log = move |level, line: &str| seen_by_host.lock().unwrap().push((level, line.to_owned()));
        let logger = Logger { log: Arc::new(log), level: Level::Info };
        let log = Log::new(Some(&logger), "delete_file", Secrets::new("sk-secret", &[]));
        log.event(Level::Debug, "attempt", || -> [_; 0] { panic!("not wanted, so not put together") });
        log.event(Level::Warn, "retry", || [("attempt", 2.into()), ("why", "bad sk-secret".into())]);
        assert!(!log.is_empty() && seen.lock().unwrap().is_empty());
        log.flush();
        assert!(log.is_empty());
        let expected = r#"{"event":"retry","call":"delete_file","attempt":2,"why":"bad [the key]"}"#;
        let seen = seen.lock().unwrap();
        let read: Value = serde_json::from_str(&seen[0].1).unwrap();
        assert_eq!((seen.len(), seen[0].0, read), (1, Level::Warn, serde_json::from_str(expected).unwrap()));
    }

    #[test]
    fn a_line_stays_json_whatever_the_key() {
        for key in ["\"", ":", "{", "\\", "e", ","] {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let seen_by_host = seen.clone();
            let log = move |_, line: &str| seen_by_host.lock().unwrap().push(line.to_owned());
            let log = Log::new(
                Some(&Logger { log: Arc::new(log), level: Level::Info }),
                "delete_file",
                Secrets::new(key, &[]),
            );
            let why = format!("bad {key}");
            log.event(Level::Warn, "retry", || {
                [("why", why.as_str().into()), ("api_code", 0.into()), ("trace_id", "".into()), ("attempt", 0.into())]
            });
            log.flush();
            let line: Value = serde_json::from_str(&seen.lock().unwrap()[0]).unwrap();
            assert_eq!(
                (&line["event"], &line["call"], &line["attempt"]),
                (&"retry".into(), &"delete_file".into(), &0.into())
            );
            assert!(line["why"].as_str().unwrap().contains("[the key]"), "{line}");
            assert!(line.get("api_code").is_none() && line.get("trace_id").is_none(), "{line}");
        }
    }

    #[test]
    fn nobody_who_listens_is_nothing_that_is_kept() {
        let log = Log::new(None, "delete_file", Secrets::new("sk-secret", &[]));
        log.event(Level::Error, "failed", || -> [_; 0] { panic!("not wanted, so not put together") });
        log.flush();
        assert!(log.is_empty() && log.0.is_none());
    }
}
