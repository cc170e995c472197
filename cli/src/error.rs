//! Errors of the command.

use crate::exit::Exit;
use mmx::error::{Error, Status};
use serde_json::Value;
use std::io;

#[derive(Debug)]
pub(crate) enum CommandError {
    /// Wrong arguments that the argument parser doesn't detect.
    Usage(String),
    /// No usable API key.
    Key(String),
    /// A call failed.
    Call(Box<Error>),
    /// The reader of standard output has closed it: the command ends without a message.
    Unread,
    /// Standard output can't be written.
    Output(io::Error),
    /// The confirmation was not given.
    Declined,
}

impl From<Error> for CommandError {
    fn from(error: Error) -> CommandError {
        CommandError::Call(Box::new(error))
    }
}

/// Names in the library's messages, and the options that they are here.
const NAMES: [(&str, &str); 5] = [
    ("mmx_config_set_allow_insecure()", "--allow-insecure"),
    ("mmx_config_set_ca_file()", "--ca-file"),
    ("mmx_config_set_proxy()", "--proxy"),
    ("MMX_FILTER_ALL", "--all"),
    ("the plan says which they are", "--dry-run names them"),
];
const PARAMETERS: [(&str, &str); 7] = [
    ("base_url", "--base-url"),
    ("url_or_none", "--proxy"),
    ("proxy", "--proxy"),
    ("pem_path", "--ca-file"),
    ("filter.keep_glob", "--keep"),
    ("filter.name_glob", "--name"),
    ("filter.purpose", "--purpose"),
];

impl CommandError {
    /// An invalid setting; nothing was sent.
    pub(crate) fn from_setting(error: Error) -> CommandError {
        match error.parameter {
            Some("api_key" | "api_key_file") => CommandError::Key(error.without_call().to_owned()),
            parameter => {
                let text = error.without_call();
                let name = PARAMETERS.iter().find(|row| Some(row.0) == parameter);
                let renamed = name.and_then(|(theirs, ours)| Some(format!("{ours}{}", text.strip_prefix(theirs)?)));
                CommandError::Usage(with_options(renamed.as_deref().unwrap_or(text)))
            }
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            CommandError::Usage(_) => Exit::Usage,
            CommandError::Key(_) => Exit::Key,
            CommandError::Call(error) => Exit::of(error),
            CommandError::Unread => Exit::Done,
            CommandError::Output(_) => Exit::Failed,
            CommandError::Declined => Exit::Unknown,
        }
    }

    /// The message; `None` if there is nobody to read it.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            CommandError::Usage(why) | CommandError::Key(why) => Some(why.clone()),
            CommandError::Call(error) => Some(message(error)),
            CommandError::Unread => None,
            CommandError::Output(error) => Some(format!("standard output can't be written: {error}")),
            CommandError::Declined => Some("nothing was deleted".into()),
        }
    }

    /// The error as JSON, in the shape of the library's errors.
    pub(crate) fn json(&self) -> Option<Value> {
        let (status, call) = match self {
            CommandError::Call(error) => return Some(error.to_value()),
            CommandError::Unread => return None,
            CommandError::Usage(_) => (Status::InvalidArgument, "arguments"),
            CommandError::Key(_) => (Status::Authentication, "arguments"),
            CommandError::Output(_) => (Status::File, "output"),
            CommandError::Declined => (Status::Cancelled, "confirmation"),
        };
        self.text().map(|text| Error::new(status, call, text).to_value())
    }
}

/// The message of a library error, with the names of options.
pub(crate) fn message(error: &Error) -> String {
    with_options(error.without_call())
}

fn with_options(text: &str) -> String {
    NAMES.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}
