//! ---- Client --------------------------------------------------------------------------------------------------------
//!
//! A client holds an API key, a base URL and network settings; calls are made with it. Creating one is cheap: no thread
//! is started, no connection is opened and no certificate is read before the first call. Clients with the same network
//! settings share their idle connections. A client may be used in a child process after fork().

use super::boundary::{self, optional, reference, required_out};
use super::config::mmx_config;
use super::error::mmx_error;
use super::status::mmx_status;
use crate::error::Error;
use crate::transport::client::Client;
use crate::transport::config::Config;
use std::sync::Arc;

/// A client: an API key, a base URL and network settings.
pub struct mmx_client(pub(crate) Arc<Client>);

/// Runs a call of a client, which may be freed meanwhile. A key that stands in another argument's place is in no error.
pub(super) fn with_client<T>(
    client: *const mmx_client,
    call: &'static str,
    run: impl FnOnce(&Client) -> Result<T, Error>,
) -> Result<T, Error> {
    let client = reference(client, call, "client")?.0.clone();
    run(&client).map_err(|mut error| {
        client.redact(&mut error);
        error
    })
}

/// Creates a client. Sends nothing. Thread-safe, as long as no thread changes the configuration meanwhile.
///
/// @param config     Its settings, copied. NULL = the defaults and the environment, as mmx_config_new() reads them.
/// @param out_client Receives the client, or NULL; free it with mmx_client_free().
/// @param out_error  Receives the error. NULL = not wanted.
/// @return MMX_OK.
///   MMX_ERROR_FILE: the file that contains the key can't be read.
///   MMX_ERROR_INVALID_ARGUMENT: there is no API key; the key, base URL or proxy of the environment is invalid; or
///     http:// to another machine isn't allowed. The message says which.
/// @since 1.0.0
/// @code
/// mmx_client *client = NULL;
/// mmx_error *error = NULL;
/// if (mmx_client_new(NULL, &client, &error) != MMX_OK) {
///     fprintf(stderr, "%s\n", mmx_error_message(error));
///     mmx_error_free(error);
/// }
/// mmx_client_free(client);
/// @endcode
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_client_new(
    config: *const mmx_config,
    out_client: *mut *mut mmx_client,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    boundary::call(out_client, out_error, || {
        required_out(out_client, "client_new", "out_client")?;
        let from_environment;
        let config = match optional(config) {
            Some(config) => &config.0,
            None => {
                from_environment = Config::from_environment();
                &from_environment
            }
        };
        let client = Client::new(config).map_err(|error| config.redacted(error))?;
        Ok(Box::new(mmx_client(Arc::new(client))))
    })
}

/// Frees a client. Never waits. One thread at a time, once for each client.
///
/// Calls that have already begun finish normally; none may begin during or after it. Safe in a child process after
/// fork().
///
/// @param client From mmx_client_new(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_client_free(client: *mut mmx_client) {
    boundary::free(client);
}
