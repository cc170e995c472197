//! ---- Client -------------------------------------------------------------------------------------------------------
//!
//! A client is cheap: no thread, no connection, no certificate read until the first call needs it. Clients with the same
//! network settings share their connections. Use one from any number of threads at once, also in a child after fork().

use super::boundary::{self, optional, required_out};
use super::config::mmx_config;
use super::error::mmx_error;
use super::status::mmx_status;
use crate::transport::client::Client;
use crate::transport::config::Config;
use std::sync::Arc;

/// An account at a place: what calls are made with.
pub struct mmx_client(pub(crate) Arc<Client>);

/// Makes a client.
///
/// Sends nothing and starts nothing. Free it with mmx_client_free().
///
/// @param config     Its settings, copied. NULL = the defaults and the environment, as mmx_config_new() has them.
/// @param out_client Gets the client, or NULL.
/// @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK.
///   MMX_ERROR_INVALID_ARGUMENT: no key, or a key, base URL or proxy from the environment that can't be used, or http:// to
///   another machine; the message says which.
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
        let client = match optional(config) {
            Some(config) => Client::new(&config.0)?,
            None => Client::new(&Config::from_environment())?,
        };
        Ok(Box::new(mmx_client(Arc::new(client))))
    })
}

/// Frees a client. Never waits.
///
/// Calls that have entered finish as they would; none may begin during or after it. Safe in a child after fork().
///
/// @param client From mmx_client_new(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_client_free(client: *mut mmx_client) {
    boundary::free(client);
}
