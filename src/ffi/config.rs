//! ---- Configuration ------------------------------------------------------------------------------------------------
//!
//! What a client is made with. A configuration belongs to one thread at a time; clients copy what they need, so it can
//! be changed, used again and freed at will. Each setter checks its value at once; one that fails leaves the
//! configuration as it was.
//!
//! Where a number is a setting, 0 is the default; a time of -1 is "no limit"; anything else below 1 is
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

/// Settings for clients to come.
pub struct mmx_config(pub(crate) Config);

fn set(
    config: *mut mmx_config,
    call: &'static str,
    out_error: *mut *mut mmx_error,
    setter: impl FnOnce(&mut Config) -> Result<(), Error>,
) -> mmx_status {
    boundary::call(ptr::null_mut(), out_error, || setter(&mut reference_mut(config, call, "config")?.0))
}

/// Makes a configuration with the defaults and what the environment says.
///
/// Reads MINIMAX_API_KEY, MINIMAX_BASE_URL, SSL_CERT_FILE, SSL_CERT_DIR, and for mmx_config_set_proxy() HTTPS_PROXY,
/// HTTP_PROXY, ALL_PROXY, NO_PROXY (each in lower case, too) and REQUEST_METHOD, here and nowhere else: no other function
/// of this library looks at the environment, so another thread may change it later (a name is looked up by libc, whose
/// getaddrinfo() has variables of its own). One that is set to nothing is not set. What is wrong with a value is said by
/// mmx_client_new(). Free it with mmx_config_free().
///
/// @return The configuration; NULL only if something went badly wrong within the library.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub extern "C" fn mmx_config_new() -> *mut mmx_config {
    boundary::quietly(|| Box::into_raw(Box::new(mmx_config(Config::from_environment())))).unwrap_or(ptr::null_mut())
}

/// Frees a configuration. Clients made with it are not affected. The copy of the key in it is wiped.
///
/// @param config From mmx_config_new(). NULL does nothing.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_config_free(config: *mut mmx_config) {
    boundary::free(config);
}

/// Sets the API key: what "Authorization: Bearer …" carries.
///
/// The library's own copies are wiped when they are freed, and the key is in no error, log or debug print. The HTTP and
/// TLS layers and the environment may keep copies of their own.
///
/// @param config    The configuration to change.
/// @param api_key   The key, without "Bearer ". Visible ASCII characters.
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: empty, a line break, a space, or not ASCII.
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

/// Sets where the API is.
///
/// A key belongs to one region: https://api.minimaxi.com, the default, is China's; https://api.minimax.io is the global
/// one. A path in the URL goes before that of each call.
///
/// @param config    The configuration to change.
/// @param base_url  http:// or https:// and a host, perhaps with a port and a path; no user name, password, query or
///   fragment. http:// to another machine is refused by mmx_client_new() unless mmx_config_set_allow_insecure().
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
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

/// Allows http:// to another machine. Whoever sees the traffic then sees the key.
///
/// To this machine (localhost, 127.0.0.0/8, ::1) http:// is always allowed. The check of a server's certificate can't be
/// switched off.
///
/// @param config    The configuration to change.
/// @param allow     false is the default.
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
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

/// Trusts the certificates of a PEM file beside the system's: those of a private CA.
///
/// The file is read now. A later call replaces what an earlier one set.
///
/// @param config    The configuration to change.
/// @param pem_path  Path of a file with one or more CERTIFICATE sections. UTF-8.
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK.
///   MMX_ERROR_FILE: the file can't be read.
///   MMX_ERROR_INVALID_ARGUMENT: it holds no certificate, or one that can't be parsed.
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

/// Names the program in the User-Agent header, before the library's own "libmmx/1.0.0".
///
/// @param config     The configuration to change.
/// @param user_agent For example "reports/2.1". Printable ASCII; "" leaves the library's own alone.
/// @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: holds something else.
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

/// Sets the HTTP proxy that everything goes through, also what stays on this machine; or none.
///
/// Without it the environment's count: https_proxy for https://, http_proxy for http://, all_proxy where the one is not
/// set; no_proxy lists what is reached directly, separated by commas: names with all names below them, addresses,
/// networks such as 10.0.0.0/8, or * for everything. Each may be written in upper case; lower case counts first, and
/// HTTP_PROXY not where REQUEST_METHOD is set, for there it comes from whoever asks a web server (CGI). This machine
/// (localhost, 127.0.0.0/8, ::1) is never reached through a proxy of the environment.
///
/// To an https:// address the proxy is asked for a tunnel (CONNECT), and sees neither the key nor anything else of a
/// call. With http:// it sees everything: one on another machine is refused by mmx_client_new() then, unless
/// mmx_config_set_allow_insecure(). A failure of the proxy is MMX_ERROR_CONNECT, for nothing has reached the service,
/// and names the proxy. The credentials are in no message; our copies are wiped when they are freed.
///
/// @param config      The configuration to change.
/// @param url_or_none "http://host:port", or with credentials "http://user:password@host:port", where characters that
///   mean something in a URL are written as %40; https:// speaks TLS to the proxy itself. Without a port it is 80 or 443.
///   "none": no proxy, not even the environment's. "" or NULL = what the environment says, the default.
/// @param out_error   Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
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

/// Sets the one bound over everything that a call does: look-up, connect, every attempt, every wait.
///
/// @param config     The configuration to change.
/// @param timeout_ms Milliseconds, 1 or more; 0 = the default, 60,000, or no limit for uploads and downloads; -1 = no
///   limit.
/// @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
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

/// Sets how long a connection may take to come to be: look-up, connect, a proxy's consent and TLS handshake together.
///
/// One that takes longer is MMX_ERROR_TIMEOUT with nothing sent, so it is never ambiguous. A host with several addresses
/// gets a share of the time for each.
///
/// @param config     The configuration to change.
/// @param timeout_ms Milliseconds, 1 or more; 0 = the default, 10,000; -1 = no limit but that of the call.
/// @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
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

/// Sets how long the other end may be silent while a call waits for it.
///
/// The time starts anew with every piece of a body that comes or is taken, so it bounds no call that moves on. One that
/// doesn't is MMX_ERROR_TIMEOUT, ambiguous as any call that is interrupted there. It runs while a connection is made,
/// too; it doesn't while a callback of yours runs.
///
/// @param config     The configuration to change.
/// @param timeout_ms Milliseconds, 1 or more; 0 = the default, 60,000; -1 = no limit.
/// @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
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

/// Sets how many requests one call may send at most, the first one included.
///
/// What is sent again stands at mmx_delete_file() and mmx_upload_file().
///
/// @param config       The configuration to change.
/// @param max_attempts 1 or more; 0 = the default, 4.
/// @param out_error    Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
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

/// Sets how many requests a minute may go out, retries and look-ups of a file included.
///
/// All threads and all clients of this process that have the same key and base URL share one limiter, first come, first
/// served: requests are spread evenly over the minute, and the waits count towards a call's time limit (in bulk they
/// don't). A forked process has a limiter of its own: divide the number by that of your processes. With or without a
/// number set, the rate adapts by itself when the service says that requests come too fast (1002, 1039, 1041, 2045, HTTP
/// 429): all pause, then go on at half the rate, which grows again.
///
/// @param config    The configuration to change.
/// @param requests  Requests a minute, 1 or more; 0 = the default: as many as there are.
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
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

/// Told what happens in the calls of a client: one JSON object a line, without a line break.
///
/// Runs on the thread that makes the call, while it waits in the call, with nothing of the library locked: it may call
/// the library, take its time, or wait for a lock of its own. level is one of MMX_LOG_... json_line is borrowed until it
/// returns.
pub type mmx_log_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, level: i32, json_line: *const c_char)>;

/// The levels, and what they are for.
pub const LEVELS: [(&str, Level, &str); 4] = [
    ("MMX_LOG_ERROR", Level::Error, "a call that failed"),
    ("MMX_LOG_WARN", Level::Warn, "what was sent again, or settled after a lost answer"),
    ("MMX_LOG_INFO", Level::Info, "a download that went on where it was cut"),
    ("MMX_LOG_DEBUG", Level::Debug, "each attempt, answer, wait and connection"),
];

/// The caller's, handed from thread to thread: the caller said that it may be.
struct UserData(*mut c_void);

// SAFETY: the header says that the function is called on whichever thread makes a call, so its data must stand that.
unsafe impl Send for UserData {}
// SAFETY: the same; the library itself never looks at what it points to.
unsafe impl Sync for UserData {}

/// Sets who is told of what happens in the calls of the clients to come.
///
/// Each line is an object with "event" and "call", and what is known: "attempt" (its number), "http_status",
/// "api_code", "ms", "trace_id", "message" and others. The events: "attempt", "connection" ("how" is "made" or "reused"),
/// "answer", "no_answer", "wait" (for the rate limiter) and "redirect" at MMX_LOG_DEBUG; "resumed" at MMX_LOG_INFO;
/// "retry" ("wait_ms"), "settling" and "settled" ("found" is "gone", "there" or "unknown") at MMX_LOG_WARN; "failed" at
/// MMX_LOG_ERROR. More may come. No line holds the key or a signed link.
///
/// @param config    The configuration to change.
/// @param log       The function; NULL = none, the default. It and user_data stay valid until the last client made with
///   it is freed and its calls have returned. Called from every thread that makes a call, by several at once.
/// @param user_data Handed to log; NULL = nothing.
/// @param level     The least important that is wanted: MMX_LOG_ERROR, MMX_LOG_WARN, MMX_LOG_INFO or MMX_LOG_DEBUG.
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
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
