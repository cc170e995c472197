//! Why a command ends early.

use crate::exit::Exit;
use mmx::error::{Error, Status};
use serde_json::Value;
use std::io;

#[derive(Debug)]
pub(crate) enum CommandError {
    /// Wrong arguments, found where the parser of arguments can't.
    Usage(String),
    /// There is no key to ask with.
    Key(String),
    /// A call that failed.
    Call(Box<Error>),
    /// Nobody reads standard output any more: there is nothing left to do, nor to say.
    Unread,
    /// Standard output can't be written.
    Output(io::Error),
    /// The person said no, or nothing.
    Declined,
}

impl From<Error> for CommandError {
    fn from(error: Error) -> CommandError {
        CommandError::Call(Box::new(error))
    }
}

/// What the library's messages call a setting, and what it is here.
const WORDS: [(&str, &str); 5] = [
    ("mmx_config_set_allow_insecure()", "--allow-insecure"),
    ("mmx_config_set_ca_file()", "--ca-file"),
    ("mmx_config_set_proxy()", "--proxy"),
    ("MMX_FILTER_ALL", "--all"),
    ("the plan says which they are", "--dry-run names them"),
];
const PARAMETERS: [(&str, &str); 6] = [
    ("base_url", "--base-url"),
    ("url_or_none", "--proxy"),
    ("proxy", "--proxy"),
    ("pem_path", "--ca-file"),
    ("filter.keep_glob", "--keep"),
    ("filter.name_glob", "--name"),
];

impl CommandError {
    /// A setting that can't be right: nothing was sent.
    pub(crate) fn from_setting(error: Error) -> CommandError {
        match error.parameter {
            Some("api_key") => CommandError::Key(error.without_call().to_owned()),
            parameter => {
                let text = error.without_call();
                let name = PARAMETERS.iter().find(|row| Some(row.0) == parameter);
                let renamed = name.and_then(|(theirs, ours)| Some(format!("{ours}{}", text.strip_prefix(theirs)?)));
                CommandError::Usage(in_words_of_the_command(renamed.as_deref().unwrap_or(text)))
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

    /// For people; nothing where there is nobody to tell.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            CommandError::Usage(why) | CommandError::Key(why) => Some(why.clone()),
            CommandError::Call(error) => Some(in_words(error)),
            CommandError::Unread => None,
            CommandError::Output(error) => Some(format!("standard output can't be written: {error}")),
            CommandError::Declined => Some("nothing was deleted".into()),
        }
    }

    /// For programs: the library's shape of an error.
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

/// An error as people read it.
pub(crate) fn in_words(error: &Error) -> String {
    in_words_of_the_command(error.without_call())
}

fn in_words_of_the_command(text: &str) -> String {
    WORDS.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}
