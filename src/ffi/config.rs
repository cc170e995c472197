//! ---- Configuration -------------------------------------------------------------------------------------------------
//!
//! The settings from which clients are created. Clients copy what they need, so a configuration can be changed, used
//! again and freed at any time. Each setter checks its value at once; one that fails leaves the configuration
//! unchanged.
//!
//! In numbers, 0 is the default, and -1 for a timeout is no limit; any other value below 1 is
//! MMX_ERROR_INVALID_ARGUMENT.

use super::boundary::{self, c_string, optional_text, reference_mut, text};
use super::error::mmx_error;
use super::status::mmx_status;
use crate::error::Error;
use crate::transport::config::Config;
use crate::transport::log::{Level, Logger};
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;

/// Settings from which clients are created.
pub struct mmx_config(pub(crate) Config);

fn set(
    config: *mut mmx_config,
    call: &'static str,
    out_error: *mut *mut mmx_error,
    setter: impl FnOnce(&mut Config) -> Result<(), Error>,
) -> mmx_status {
    boundary::call(ptr::null_mut(), out_error, || {
        let config = &mut reference_mut(config, call, "config")?.0;
        setter(config).map_err(|error| config.redacted(error))
    })
}

/// Creates a configuration with the defaults and the settings of the environment. Thread-safe, as long as no thread
/// changes the environment meanwhile.
///
/// Reads MINIMAX_API_KEY, MINIMAX_API_KEY_FILE (see mmx_config_set_api_key_file()), MINIMAX_BASE_URL, SSL_CERT_FILE, SSL_CERT_DIR, REQUEST_METHOD, and in upper or lower case
/// HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (see mmx_config_set_proxy()). An empty variable counts as unset; an
/// invalid value is reported by mmx_client_new(). No other function reads the environment, except mmx_client_new()
/// without a configuration and libc's name lookup.
///
/// @return The configuration; free it with mmx_config_free(). NULL only after an internal error.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub extern "C" fn mmx_config_new() -> *mut mmx_config {
    boundary::catch_panic(|| Box::into_raw(Box::new(mmx_config(Config::from_environment())))).unwrap_or(ptr::null_mut())
}

/// Frees a configuration and erases its copy of the key. Clients created from it live on. One thread at a time.
///
/// @param config From mmx_config_new(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_free(config: *mut mmx_config) {
    boundary::free(config);
}

/// Sets the API key, which is sent as "Authorization: Bearer ...". One thread at a time.
///
/// The library erases its own copies when they are freed, and never puts the key into an error, a log event or debug
/// output. The HTTP and TLS layers and the environment may keep copies of their own.
///
/// @param config    The configuration to change.
/// @param api_key   The key, without "Bearer ". Visible ASCII characters.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: empty, or contains a line break, a space or a character beyond ASCII.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_api_key(
    config: *mut mmx_config,
    api_key: *const c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "config_set_api_key";
    set(config, CALL, out_error, |config| config.set_api_key(text(api_key, CALL, "api_key")?))
}

/// Sets a file that contains the API key, in place of the key itself. One thread at a time.
///
/// The file is read immediately, and again at the beginning of a call if its time or size changed: a key that rotates needs
/// no new client. Replace the file by a rename, so that no call finds half a key. The rate limiter stays that of the first
/// key. MINIMAX_API_KEY_FILE does the same from mmx_client_new() on; MINIMAX_API_KEY takes precedence over it.
///
/// A call that can't read the file sends nothing and returns MMX_ERROR_FILE, with mmx_error_errno(), or
/// MMX_ERROR_INVALID_ARGUMENT if it contains no key.
///
/// @param config    The configuration to change.
/// @param path      The file: the key, with or without a line break at its end. UTF-8.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK.
///   MMX_ERROR_FILE: the file can't be read. MMX_ERROR_INVALID_ARGUMENT: it contains no key.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_api_key_file(
    config: *mut mmx_config,
    path: *const c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "config_set_api_key_file";
    set(config, CALL, out_error, |config| config.set_api_key_file(text(path, CALL, "path")?))
}

/// Adds a header to every request to the API, for example for a company's gateway. One thread at a time.
///
/// It is never sent to another origin, such as that of a download link, nor to a proxy that is asked for a tunnel. Like the
/// key, its value is in no error and no log event. The same name twice is sent twice.
///
/// @param config    The configuration to change.
/// @param name      For example "X-Team". Not Authorization, Host, User-Agent, Accept, Accept-Encoding, Cache-Control,
///   Range, Transfer-Encoding, Connection and others of the connection, Content-..., If-... or Proxy-...
/// @param value     Printable ASCII, not empty.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: not such a name or value.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_add_header(
    config: *mut mmx_config,
    name: *const c_char,
    value: *const c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "config_add_header";
    set(config, CALL, out_error, |config| config.add_header(text(name, CALL, "name")?, text(value, CALL, "value")?))
}

/// Sets the base URL of the API. One thread at a time.
///
/// A key belongs to one region: https://api.minimaxi.com, the default, is that of China; https://api.minimax.io is the
/// global one. A path in the URL is put before the path of each call.
///
/// @param config    The configuration to change.
/// @param base_url  http:// or https:// and a host, optionally a port and a path; no user name, password, query or
///   fragment. mmx_client_new() refuses http:// to another machine unless mmx_config_set_allow_insecure() allows it.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: not such a URL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_base_url(
    config: *mut mmx_config,
    base_url: *const c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "config_set_base_url";
    set(config, CALL, out_error, |config| config.set_base_url(text(base_url, CALL, "base_url")?))
}

/// Allows http:// to another machine, which exposes the key to anyone who can see the traffic. One thread at a time.
///
/// http:// to this machine (localhost, 127.0.0.0/8, ::1) is always allowed. Certificate verification can't be disabled.
///
/// @param config    The configuration to change.
/// @param allow     false is the default.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: config is NULL.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_allow_insecure(
    config: *mut mmx_config,
    allow: bool,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    set(config, "config_set_allow_insecure", out_error, |config| {
        config.allow_insecure = allow;
        Ok(())
    })
}

/// Adds trusted CA certificates from a PEM file to those of the system. One thread at a time.
///
/// The file is read immediately. A later call replaces the certificates of an earlier one.
///
/// @param config    The configuration to change.
/// @param pem_path  Path of a file with one or more CERTIFICATE sections. UTF-8.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK.
///   MMX_ERROR_FILE: the file can't be read.
///   MMX_ERROR_INVALID_ARGUMENT: it contains no certificate, or one that can't be parsed.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_ca_file(
    config: *mut mmx_config,
    pem_path: *const c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "config_set_ca_file";
    set(config, CALL, out_error, |config| config.set_ca_file(text(pem_path, CALL, "pem_path")?))
}

/// Sets the name of the program in the User-Agent header, before the library's "libmmx/1.0.0". One thread at a time.
///
/// @param config     The configuration to change.
/// @param user_agent For example "reports/2.1". Printable ASCII; "" = only the library's own.
/// @param out_error  Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: contains other characters.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_user_agent(
    config: *mut mmx_config,
    user_agent: *const c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "config_set_user_agent";
    set(config, CALL, out_error, |config| config.set_user_agent(text(user_agent, CALL, "user_agent")?))
}

/// Sets the HTTP proxy for all requests, also for those to this machine; or none. One thread at a time.
///
/// By default the environment decides: https_proxy for https://, http_proxy for http://, otherwise all_proxy. no_proxy
/// lists the destinations without a proxy, separated by commas: a domain with all its subdomains, an address, each with
/// :port if it is for one, a network such as 10.0.0.0/8, or * for all. Upper case names work, too; lower case takes precedence. HTTP_PROXY is ignored if
/// REQUEST_METHOD is set, because a CGI client controls it. The environment's proxies are never used for this machine
/// (localhost, 127.0.0.0/8, ::1).
///
/// For https:// URLs the proxy is asked for a tunnel (CONNECT) and sees neither the key nor anything else of a call.
/// For http:// URLs it sees everything, so mmx_client_new() refuses a proxy on another machine unless
/// mmx_config_set_allow_insecure() allows it. A failure of the proxy is MMX_ERROR_CONNECT: nothing reached the service;
/// so is a page of the proxy's own instead of the API's response. A refused password is sent once.
/// The proxy's credentials are in no message, and the library's copies are erased when they are freed.
///
/// @param config      The configuration to change.
/// @param url_or_none "http://host:port" or "http://user:password@host:port" (percent-encoded); https:// speaks TLS to
///   the proxy itself. The default ports are 80 and 443. "none" = no proxy, not even the environment's. "" or NULL =
///   the environment decides, the default.
/// @param out_error   Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: not such a URL, or a SOCKS proxy.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_proxy(
    config: *mut mmx_config,
    url_or_none: *const c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "config_set_proxy";
    set(config, CALL, out_error, |config| config.set_proxy(optional_text(url_or_none, CALL, "url_or_none")?))
}

/// Sets the timeout of a whole call: name lookup, connect, every attempt, and every wait between them. One thread at a
/// time.
///
/// @param config     The configuration to change.
/// @param timeout_ms Milliseconds, 1 or more; 0 = default: 60,000, and none for uploads and downloads; -1 = none.
/// @param out_error  Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: below -1.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_timeout_ms(
    config: *mut mmx_config,
    timeout_ms: i64,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    set(config, "config_set_timeout_ms", out_error, |config| config.set_timeout_ms(timeout_ms))
}

/// Sets the connect timeout: name lookup, TCP, proxy and TLS handshake together. One thread at a time.
///
/// If it expires, the attempt fails with MMX_ERROR_TIMEOUT. Nothing was sent, so the error is never ambiguous. The
/// timeout covers all addresses of a host together.
///
/// @param config     The configuration to change.
/// @param timeout_ms Milliseconds, 1 or more; 0 = the default, 10,000; -1 = only the timeout of the call.
/// @param out_error  Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: below -1.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_connect_timeout_ms(
    config: *mut mmx_config,
    timeout_ms: i64,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    set(config, "config_set_connect_timeout_ms", out_error, |config| config.set_connect_timeout_ms(timeout_ms))
}

/// Sets the idle timeout: the longest time without receiving or sending a byte. One thread at a time.
///
/// It starts again with each piece of a body that is received or sent, so it never ends a call that makes progress. If
/// it expires, the attempt fails with MMX_ERROR_TIMEOUT, which is ambiguous if the request may have been carried out.
/// It also runs while a connection is made, and not while a callback runs.
///
/// @param config     The configuration to change.
/// @param timeout_ms Milliseconds, 1 or more; 0 = the default, 60,000; -1 = no timeout.
/// @param out_error  Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: below -1.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_idle_timeout_ms(
    config: *mut mmx_config,
    timeout_ms: i64,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    set(config, "config_set_idle_timeout_ms", out_error, |config| config.set_idle_timeout_ms(timeout_ms))
}

/// Sets the maximum number of requests of one call, the first one included. One thread at a time.
///
/// mmx_delete_file() and mmx_upload_file() document what is retried.
///
/// @param config       The configuration to change.
/// @param max_attempts 1 or more; 1 = no retry; 0 = the default, 4.
/// @param out_error    Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: negative.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_max_attempts(
    config: *mut mmx_config,
    max_attempts: i32,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    set(config, "config_set_max_attempts", out_error, |config| config.set_max_attempts(max_attempts))
}

/// Sets a rate limit in requests per minute, which includes retries and lookups. One thread at a time.
///
/// All threads and all clients of this process that have the same key and base URL share one limiter, first come, first
/// served. It spaces requests evenly. Waiting for it counts towards the timeout of a call, except in bulk calls; if a
/// pause of the service lasts longer, the call is MMX_ERROR_RATE_LIMITED at once, with mmx_error_retry_after_ms(). A
/// forked process has a limiter of its own: divide the number by that of your processes. With or without a number, the
/// rate adapts when the service reports too many requests (1002, 1039, 1041, 2045, HTTP 429): all calls pause, then
/// continue at half the rate, which grows again.
///
/// @param config    The configuration to change.
/// @param requests  Requests per minute, 1 or more; 0 = the default: no fixed limit.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: negative.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_requests_per_minute(
    config: *mut mmx_config,
    requests: i32,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    set(config, "config_set_requests_per_minute", out_error, |config| config.set_requests_per_minute(requests))
}

/// Log callback. Receives one event as a JSON object on one line, without a line break.
///
/// Runs on the calling thread during the call, with no lock of the library held: it may call the library, take its
/// time, or wait for a lock of its own. level is one of MMX_LOG_... json_line is valid until it returns.
pub type mmx_log_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, level: i32, json_line: *const c_char)>;

/// The log levels and their meanings.
pub const LEVELS: [(&str, Level, &str); 4] = [
    ("MMX_LOG_ERROR", Level::Error, "a call that failed"),
    ("MMX_LOG_WARN", Level::Warn, "a retry, or a lookup after a lost response"),
    ("MMX_LOG_INFO", Level::Info, "an interrupted download that was resumed"),
    ("MMX_LOG_DEBUG", Level::Debug, "each attempt, connection, response and wait"),
];

/// The caller's data, which may be used on any thread that makes a call.
struct UserData(*mut c_void);

// SAFETY: the header says that the function is called on whichever thread makes a call, so its data must stand that.
unsafe impl Send for UserData {}
// SAFETY: the same; the library itself never looks at what it points to.
unsafe impl Sync for UserData {}

/// Sets the log callback for clients created from this configuration. One thread at a time.
///
/// Each line has "event", "call" and what else is known, such as "attempt" (its number), "http_status", "api_code",
/// "ms", "trace_id" and "message". The events: "attempt", "connection" ("how" is "made" or "reused"), "answer",
/// "no_answer", "wait" (for the rate limiter) and "redirect" at MMX_LOG_DEBUG; "resumed" at MMX_LOG_INFO; "retry"
/// ("wait_ms"), "settling" and "settled" ("found" is "gone", "there" or "unknown") and "no_proxy_unreadable" ("entry", from
/// mmx_client_new()) at MMX_LOG_WARN; "failed" at MMX_LOG_ERROR. Later versions may add events and fields. No line contains the key or a signed link.
///
/// @param config    The configuration to change.
/// @param log       The callback; NULL = none, the default. It and user_data must stay valid until the last client
///   created with it is freed and its calls have returned. Several threads may call it at the same time.
/// @param user_data Passed to log; NULL = nothing.
/// @param level     The least important level that is wanted, MMX_LOG_ERROR to MMX_LOG_DEBUG.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: another level.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_set_logger(
    config: *mut mmx_config,
    log: mmx_log_fn,
    user_data: *mut c_void,
    level: i32,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = "config_set_logger";
    set(config, CALL, out_error, |config| {
        let why = || format!("must be MMX_LOG_ERROR (1) to MMX_LOG_DEBUG (4), not {level}");
        let level = Level::of(level).ok_or_else(|| Error::invalid_argument(CALL, "level", why()))?;
        config.logger = log.map(|log| {
            let user_data = UserData(user_data);
            let log = move |level: Level, line: &str| {
                let (user_data, line) = (&user_data, c_string(line.to_owned()));
                // SAFETY: the caller's function with the caller's data, valid as long as the client is, and a line that
                // lives as long as the call.
                unsafe { log(user_data.0, level as i32, line.as_ptr()) }
            };
            Logger { log: Arc::new(log), level }
        });
        Ok(())
    })
}
