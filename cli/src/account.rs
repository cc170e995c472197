//! The account: the client, and the name of the account in messages.

use crate::args;
use crate::error::CommandError;
use crate::escape;
use crate::output::Output;
use mmx::error::{Error, Status};
use mmx::transport::client::Client;
use mmx::transport::config::Config;
use mmx::transport::log::{Level, Logger};
use std::fmt;
use std::sync::Arc;

pub(crate) struct Account {
    pub(crate) client: Client,
}

impl Account {
    /// Settings of the environment, overridden by the arguments.
    pub(crate) fn new(settings: &args::Client, output: &Output) -> Result<Account, CommandError> {
        let mut config = Config::from_environment();
        set_key_and_headers(&mut config, settings)?;
        if let Some(path) = &settings.ledger {
            let text = path.to_str().ok_or_else(|| {
                CommandError::Usage(format!("--ledger: the path {} is not UTF-8; nothing was sent", path.display()))
            })?;
            config.set_ledger(text);
        }
        configure(&mut config, settings).map_err(CommandError::from_setting)?;
        if settings.verbose {
            let output = output.clone();
            let log = move |_, line: &str| output.say(&escape::json(line));
            config.logger = Some(Logger { log: Arc::new(log), level: Level::Debug });
        }
        let client = Client::new(&config).map_err(|error| match error.status {
            // The file of the key can't be read.
            Status::File => CommandError::Key(error.without_call().to_owned()),
            _ => CommandError::from_setting(error),
        });
        Ok(Account { client: client? })
    }

    /// The last characters of the key, as the service's console shows it; nothing if the key is short.
    fn key_ending(&self) -> String {
        const SHOWN: usize = 4;
        let key = self.client.key().0;
        if key.len() >= 3 * SHOWN { key[key.len() - SHOWN..].to_owned() } else { String::new() }
    }
}

/// `api.minimaxi.com, key …ab12`
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, key …{}", self.client.host(), self.key_ending())
    }
}

fn set_key_and_headers(config: &mut Config, settings: &args::Client) -> Result<(), CommandError> {
    if let Some(path) = &settings.api_key_file {
        let wrong =
            |why: &str| CommandError::Key(format!("--api-key-file: {}", why.strip_prefix("path ").unwrap_or(why)));
        let path = path.to_str().ok_or_else(|| wrong("the path is not UTF-8"))?;
        config.set_api_key_file(path).map_err(|error| wrong(error.without_call()))?;
    }
    if config.api_key.is_none() && config.api_key_file.is_none() {
        let how = "set MINIMAX_API_KEY or MINIMAX_API_KEY_FILE, or give --api-key-file";
        return Err(CommandError::Key(format!("there is no API key: {how}")));
    }
    for header in &settings.header {
        // No message shows the value: it may be a secret.
        let wrong = |why: &str| CommandError::Usage(format!("--header: {why}; nothing was sent"));
        let (name, value) = header.split_once(':').ok_or_else(|| wrong("is no 'Name: value'"))?;
        config.add_header(name, value.trim()).map_err(|error| wrong(&format!("the {}", error.without_call())))?;
    }
    Ok(())
}

fn configure(config: &mut Config, settings: &args::Client) -> Result<(), Error> {
    config.allow_insecure = settings.allow_insecure;
    config.set_user_agent(concat!("mmx-files/", env!("CARGO_PKG_VERSION")))?;
    if let Some(base_url) = &settings.base_url {
        config.set_base_url(base_url)?;
    }
    if let Some(requests) = settings.requests_per_minute {
        config.set_requests_per_minute(requests)?;
    }
    if let Some(limit) = settings.timeout {
        config.timeout = limit.0.into();
    }
    if let Some(proxy) = &settings.proxy {
        config.set_proxy(Some(proxy))?;
    }
    if let Some(path) = &settings.ca_file {
        config.set_ca_file(&path.to_string_lossy())?;
    }
    Ok(())
}
