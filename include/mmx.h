/* libmmx: the native client for the MiniMax file API.
 *
 * Generated from the Rust sources by `make header`; do not edit.
 *
 * A complete program. It deletes one file; the API key is in the environment variable MINIMAX_API_KEY:
 *
 * @code
 * #include <mmx.h>
 * #include <stdio.h>
 *
 * int main(void) {
 *     mmx_client *client = NULL;
 *     mmx_error *error = NULL;
 *     mmx_call_options options = MMX_CALL_OPTIONS_INIT;
 *     options.timeout_ms = 10000;
 *
 *     mmx_status status = mmx_client_new(NULL, &client, &error);
 *     if (status == MMX_OK) {
 *         status = mmx_delete_file(client, 176844028768320, MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error);
 *     }
 *     if (status != MMX_OK) {
 *         fprintf(stderr, "%s: %s\n", mmx_status_name(status), mmx_error_message(error));
 *         if (mmx_error_is_ambiguous(error)) fprintf(stderr, "The file may have been deleted.\n");
 *     }
 *     mmx_error_free(error);
 *     mmx_client_free(client);
 *     return status == MMX_OK ? 0 : 1;
 * }
 * @endcode
 *
 * Errors. A function that can fail returns an mmx_status: MMX_OK, which is 0, or the reason. Its last parameter, out_error,
 * receives an error object with the details, or NULL on success. Pass NULL if you don't need it; otherwise free the object
 * with mmx_error_free(). There is no "last error" of a thread.
 *
 * Ownership. Every out parameter is set on every path, to the result or to NULL; what it held before is overwritten, not
 * freed. A `char *` is yours: free it with mmx_string_free(). A `const char *` is borrowed from the object that it came from
 * and valid until that is freed. Each handle has a _free function, which accepts NULL. Arguments are used until the function
 * returns and not kept, unless its documentation says so.
 *
 * Text is NUL-terminated UTF-8. Invalid UTF-8 is MMX_ERROR_INVALID_ARGUMENT, and so is NULL where it isn't documented.
 *
 * Structs that you fill have an initialiser, MMX_..._INIT, which sets struct_size: a program keeps working with later
 * versions of the library, whose structs may be larger. Structs that the library fills may grow at their end.
 *
 * Threads. Calls block. The calling thread does the work, and callbacks run on it; a name lookup takes a thread for its
 * duration, and between calls there is none. "Thread-safe" means: any number of threads may call the function at the same
 * time, with the same objects. "One thread at a time" means: no other thread may use the object meanwhile.
 *
 * Callbacks may call any function of the library, and may free the client of the call that they run in, but nothing
 * else that the call uses: no options, token, source, sink or text. What they are given is not theirs to free.
 *
 * Processes. The library needs no initialisation. It works in parent and child after fork(), in atexit() handlers and in
 * destructors. It never changes how a signal is handled, raises no SIGPIPE, and a call leaves the thread's signal mask as it
 * was. 64 KiB of stack are enough for every call. A call needs up to three descriptors; where the system refuses one, or
 * the thread of a lookup, it is MMX_ERROR_CONNECT, or MMX_ERROR_NETWORK once anything was sent, with mmx_error_errno().
 *
 * Limits. The process aborts if memory runs out, or if a callback is left otherwise than by returning: by a C++ exception,
 * longjmp(), pthread_exit() or an acted-upon pthread_cancel(). A thread in a call must not be cancelled by pthread_cancel()
 * either: use an mmx_cancel.
 */

#ifndef MMX_H
#define MMX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of this header; mmx_version() returns that of the library. */
#define MMX_VERSION "1.0.0"

/* The ABI version of this header; mmx_abi_version() returns that of the library. */
#define MMX_ABI_VERSION 1

typedef struct mmx_cancel mmx_cancel; /**< A cancellation token. */
typedef struct mmx_client mmx_client; /**< A client: an API key, a base URL and network settings. */
typedef struct mmx_config mmx_config; /**< Settings from which clients are created. */
typedef struct mmx_error mmx_error; /**< Why a call failed. */
typedef struct mmx_files mmx_files; /**< The files in a response. */
typedef struct mmx_outcomes mmx_outcomes; /**< The outcomes in a bulk result or a plan. */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Library -------------------------------------------------------------------------------------------------------
 *
 * Versions, names of statuses, and the release of strings.
 */

/** Returns the version of the loaded library. Thread-safe.
 * @return For example "1.0.0". Static; do not free it.
 * @since 1.0.0
 */
const char *mmx_version(void);

/** Returns the version of the binary interface (ABI) of the loaded library. Thread-safe.
 *
 * A program that loads the library at run time compares it with MMX_ABI_VERSION of the header that it was built with,
 * and must not continue if they differ.
 * @return 1.
 * @since 1.0.0
 */
uint32_t mmx_abi_version(void);

/** The result of a call: MMX_OK or one of MMX_ERROR_... Later versions may add values: treat an unknown one as a
 * failure.
 */
typedef int32_t mmx_status;

/* The values of mmx_status. API codes are those of the service. */
#define MMX_OK 0 /* success */
#define MMX_ERROR_INVALID_ARGUMENT 1 /* an argument or a setting is invalid; nothing was sent */
#define MMX_ERROR_FILE 2 /* a local file or a callback of the caller: missing, unreadable, disk full, gave up */
#define MMX_ERROR_CONNECT 3 /* name lookup, TCP, TLS or proxy failed; nothing was sent */
#define MMX_ERROR_NETWORK 4 /* the connection broke after the request was begun */
#define MMX_ERROR_TIMEOUT 5 /* a timeout of the client or the call expired */
#define MMX_ERROR_CANCELLED 6 /* cancelled by a token or a callback */
#define MMX_ERROR_PROTOCOL 7 /* the response is not one of this API */
#define MMX_ERROR_HTTP 8 /* an HTTP error without an API code */
#define MMX_ERROR_PARTIAL 9 /* bulk: some files were not deleted; the outcomes say which */
#define MMX_ERROR_GUARD 10 /* prune: a guard stopped it before a delete was sent */
#define MMX_ERROR_AUTHENTICATION 20 /* the key was refused: 1004, 2049, HTTP 401 and 403 */
#define MMX_ERROR_RATE_LIMITED 21 /* too many requests: 1002, 1039, 1041, 2045, HTTP 429 */
#define MMX_ERROR_QUOTA 22 /* no balance or quota: 1008, 1028, 1030, 2056, 2061, HTTP 402 */
#define MMX_ERROR_INVALID_REQUEST 23 /* 2013, 1042, 1043, 1044, 2037, 2039, 2048, HTTP 400, 413 and 422 */
#define MMX_ERROR_CONTENT_REJECTED 24 /* the content was rejected: 1026, 1027 */
#define MMX_ERROR_NOT_FOUND 25 /* delete: the service doesn't know the file; HTTP 404 with an API error */
#define MMX_ERROR_PERMISSION 26 /* the account may not do this: 2038, 2042 */
#define MMX_ERROR_SERVER 27 /* the service failed: 1000, 1013, 1024, 1033, HTTP 5xx */
#define MMX_ERROR_SERVER_TIMEOUT 28 /* the service timed out: 1001, HTTP 408 and 504 */
#define MMX_ERROR_API 29 /* any other API code */
#define MMX_ERROR_INTERNAL 99 /* a bug in the library, or no file descriptor left */

/** Returns the name of a status, as in this header. Thread-safe.
 * @param status Any value.
 * @return For example "MMX_ERROR_TIMEOUT"; "MMX_ERROR_UNKNOWN" for a value that this version doesn't know. Static.
 * @since 1.0.0
 */
const char *mmx_status_name(mmx_status status);

/** Frees a string that the library returned. Thread-safe, once for each string.
 * @param string From an out parameter or a function of type `char *`. NULL does nothing.
 * @since 1.0.0
 */
void mmx_string_free(char *string);

/* ---- Client --------------------------------------------------------------------------------------------------------
 *
 * A client holds an API key, a base URL and network settings; calls are made with it. Creating one is cheap: no thread
 * is started, no connection is opened and no certificate is read before the first call. Clients with the same network
 * settings share their idle connections. A client may be used in a child process after fork().
 */

/** Creates a client. Sends nothing. Thread-safe, as long as no thread changes the configuration meanwhile.
 * @param config     Its settings, copied. NULL = the defaults and the environment, as mmx_config_new() reads them.
 * @param out_client Receives the client, or NULL; free it with mmx_client_free().
 * @param out_error  Receives the error. NULL = not wanted.
 * @return MMX_OK.
 *   MMX_ERROR_FILE: the file that contains the key can't be read.
 *   MMX_ERROR_INVALID_ARGUMENT: there is no API key; the key, base URL or proxy of the environment is invalid; or
 *     http:// to another machine isn't allowed. The message says which.
 * @since 1.0.0
 * @code
 * mmx_client *client = NULL;
 * mmx_error *error = NULL;
 * if (mmx_client_new(NULL, &client, &error) != MMX_OK) {
 *     fprintf(stderr, "%s\n", mmx_error_message(error));
 *     mmx_error_free(error);
 * }
 * mmx_client_free(client);
 * @endcode
 */
mmx_status mmx_client_new(const mmx_config *config, mmx_client **out_client, mmx_error **out_error);

/** Frees a client. Never waits. One thread at a time, once for each client.
 *
 * Calls that have already begun finish normally; none may begin during or after it. Safe in a child process after
 * fork().
 * @param client From mmx_client_new(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_client_free(mmx_client *client);

/* ---- Configuration -------------------------------------------------------------------------------------------------
 *
 * The settings from which clients are created. Clients copy what they need, so a configuration can be changed, used
 * again and freed at any time. Each setter checks its value at once; one that fails leaves the configuration
 * unchanged.
 *
 * In numbers, 0 is the default, and -1 for a timeout is no limit; any other value below 1 is
 * MMX_ERROR_INVALID_ARGUMENT.
 */

/** Creates a configuration with the defaults and the settings of the environment. Thread-safe, as long as no thread
 * changes the environment meanwhile.
 *
 * Reads MINIMAX_API_KEY, MINIMAX_API_KEY_FILE (see mmx_config_set_api_key_file()), MINIMAX_BASE_URL, SSL_CERT_FILE, SSL_CERT_DIR, REQUEST_METHOD, and in upper or lower case
 * HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (see mmx_config_set_proxy()). An empty variable counts as unset; an
 * invalid value is reported by mmx_client_new(). No other function reads the environment, except mmx_client_new()
 * without a configuration and libc's name lookup.
 * @return The configuration; free it with mmx_config_free(). NULL only after an internal error.
 * @since 1.0.0
 */
mmx_config *mmx_config_new(void);

/** Frees a configuration and erases its copy of the key. Clients created from it live on. One thread at a time.
 * @param config From mmx_config_new(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_config_free(mmx_config *config);

/** Sets the API key, which is sent as "Authorization: Bearer ...". One thread at a time.
 *
 * The library erases its own copies when they are freed, and never puts the key into an error, a log event or debug
 * output. The HTTP and TLS layers and the environment may keep copies of their own.
 * @param config    The configuration to change.
 * @param api_key   The key, without "Bearer ". Visible ASCII characters.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: empty, or contains a line break, a space or a character beyond ASCII.
 * @since 1.0.0
 */
mmx_status mmx_config_set_api_key(mmx_config *config, const char *api_key, mmx_error **out_error);

/** Sets a file that contains the API key, in place of the key itself. One thread at a time.
 *
 * The file is read immediately, and again at the beginning of a call if its time or size changed: a key that rotates needs
 * no new client. Replace the file by a rename, so that no call finds half a key. The rate limiter stays that of the first
 * key. MINIMAX_API_KEY_FILE does the same from mmx_client_new() on; MINIMAX_API_KEY takes precedence over it.
 *
 * A call that can't read the file sends nothing and returns MMX_ERROR_FILE, with mmx_error_errno(), or
 * MMX_ERROR_INVALID_ARGUMENT if it contains no key.
 * @param config    The configuration to change.
 * @param path      The file: the key, with or without a line break at its end. UTF-8.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK.
 *   MMX_ERROR_FILE: the file can't be read. MMX_ERROR_INVALID_ARGUMENT: it contains no key.
 * @since 1.0.0
 */
mmx_status mmx_config_set_api_key_file(mmx_config *config, const char *path, mmx_error **out_error);

/** Adds a header to every request to the API, for example for a company's gateway. One thread at a time.
 *
 * It is never sent to another origin, such as that of a download link, nor to a proxy that is asked for a tunnel. Like the
 * key, its value is in no error and no log event. The same name twice is sent twice.
 * @param config    The configuration to change.
 * @param name      For example "X-Team". Not Authorization, Host, User-Agent, Accept, Accept-Encoding, Cache-Control,
 *   Range, Transfer-Encoding, Connection and others of the connection, Content-..., If-... or Proxy-...
 * @param value     Printable ASCII, not empty.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: not such a name or value.
 * @since 1.0.0
 */
mmx_status mmx_config_add_header(mmx_config *config, const char *name, const char *value, mmx_error **out_error);

/** Sets the base URL of the API. One thread at a time.
 *
 * A key belongs to one region: https://api.minimaxi.com, the default, is that of China; https://api.minimax.io is the
 * global one. A path in the URL is put before the path of each call.
 * @param config    The configuration to change.
 * @param base_url  http:// or https:// and a host, optionally a port and a path; no user name, password, query or
 *   fragment. mmx_client_new() refuses http:// to another machine unless mmx_config_set_allow_insecure() allows it.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: not such a URL.
 * @since 1.0.0
 */
mmx_status mmx_config_set_base_url(mmx_config *config, const char *base_url, mmx_error **out_error);

/** Allows http:// to another machine, which exposes the key to anyone who can see the traffic. One thread at a time.
 *
 * http:// to this machine (localhost, 127.0.0.0/8, ::1) is always allowed. Certificate verification can't be disabled.
 * @param config    The configuration to change.
 * @param allow     false is the default.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: config is NULL.
 * @since 1.0.0
 */
mmx_status mmx_config_set_allow_insecure(mmx_config *config, bool allow, mmx_error **out_error);

/** Adds trusted CA certificates from a PEM file to those of the system. One thread at a time.
 *
 * The file is read immediately. A later call replaces the certificates of an earlier one.
 * @param config    The configuration to change.
 * @param pem_path  Path of a file with one or more CERTIFICATE sections. UTF-8.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK.
 *   MMX_ERROR_FILE: the file can't be read.
 *   MMX_ERROR_INVALID_ARGUMENT: it contains no certificate, or one that can't be parsed.
 * @since 1.0.0
 */
mmx_status mmx_config_set_ca_file(mmx_config *config, const char *pem_path, mmx_error **out_error);

/** Sets the name of the program in the User-Agent header, before the library's "libmmx/1.0.0". One thread at a time.
 * @param config     The configuration to change.
 * @param user_agent For example "reports/2.1". Printable ASCII; "" = only the library's own.
 * @param out_error  Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: contains other characters.
 * @since 1.0.0
 */
mmx_status mmx_config_set_user_agent(mmx_config *config, const char *user_agent, mmx_error **out_error);

/** Sets the HTTP proxy for all requests, also for those to this machine; or none. One thread at a time.
 *
 * By default the environment decides: https_proxy for https://, http_proxy for http://, otherwise all_proxy. no_proxy
 * lists the destinations without a proxy, separated by commas: a domain with all its subdomains, an address, each with
 * :port if it is for one, a network such as 10.0.0.0/8, or * for all. Upper case names work, too; lower case takes precedence. HTTP_PROXY is ignored if
 * REQUEST_METHOD is set, because a CGI client controls it. The environment's proxies are never used for this machine
 * (localhost, 127.0.0.0/8, ::1).
 *
 * For https:// URLs the proxy is asked for a tunnel (CONNECT) and sees neither the key nor anything else of a call.
 * For http:// URLs it sees everything, so mmx_client_new() refuses a proxy on another machine unless
 * mmx_config_set_allow_insecure() allows it. A failure of the proxy is MMX_ERROR_CONNECT: nothing reached the service;
 * so is a page of the proxy's own instead of the API's response. A refused password is sent once.
 * The proxy's credentials are in no message, and the library's copies are erased when they are freed.
 * @param config      The configuration to change.
 * @param url_or_none "http://host:port" or "http://user:password@host:port" (percent-encoded); https:// speaks TLS to
 *   the proxy itself. The default ports are 80 and 443. "none" = no proxy, not even the environment's. "" or NULL =
 *   the environment decides, the default.
 * @param out_error   Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: not such a URL, or a SOCKS proxy.
 * @since 1.0.0
 */
mmx_status mmx_config_set_proxy(mmx_config *config, const char *url_or_none, mmx_error **out_error);

/** Sets the timeout of a whole call: name lookup, connect, every attempt, and every wait between them. One thread at a
 * time.
 * @param config     The configuration to change.
 * @param timeout_ms Milliseconds, 1 or more; 0 = default: 60,000, and none for uploads and downloads; -1 = none.
 * @param out_error  Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: below -1.
 * @since 1.0.0
 */
mmx_status mmx_config_set_timeout_ms(mmx_config *config, int64_t timeout_ms, mmx_error **out_error);

/** Sets the connect timeout: name lookup, TCP, proxy and TLS handshake together. One thread at a time.
 *
 * If it expires, the attempt fails with MMX_ERROR_TIMEOUT. Nothing was sent, so the error is never ambiguous. The
 * timeout covers all addresses of a host together.
 * @param config     The configuration to change.
 * @param timeout_ms Milliseconds, 1 or more; 0 = the default, 10,000; -1 = only the timeout of the call.
 * @param out_error  Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: below -1.
 * @since 1.0.0
 */
mmx_status mmx_config_set_connect_timeout_ms(mmx_config *config, int64_t timeout_ms, mmx_error **out_error);

/** Sets the idle timeout: the longest time without receiving or sending a byte. One thread at a time.
 *
 * It starts again with each piece of a body that is received or sent, so it never ends a call that makes progress. If
 * it expires, the attempt fails with MMX_ERROR_TIMEOUT, which is ambiguous if the request may have been carried out.
 * It also runs while a connection is made, and not while a callback runs.
 * @param config     The configuration to change.
 * @param timeout_ms Milliseconds, 1 or more; 0 = the default, 60,000; -1 = no timeout.
 * @param out_error  Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: below -1.
 * @since 1.0.0
 */
mmx_status mmx_config_set_idle_timeout_ms(mmx_config *config, int64_t timeout_ms, mmx_error **out_error);

/** Sets the maximum number of requests of one call, the first one included. One thread at a time.
 *
 * mmx_delete_file() and mmx_upload_file() document what is retried.
 * @param config       The configuration to change.
 * @param max_attempts 1 or more; 1 = no retry; 0 = the default, 4.
 * @param out_error    Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: negative.
 * @since 1.0.0
 */
mmx_status mmx_config_set_max_attempts(mmx_config *config, int32_t max_attempts, mmx_error **out_error);

/** Sets a rate limit in requests per minute, which includes retries and lookups. One thread at a time.
 *
 * All threads and all clients of this process that have the same key and base URL share one limiter, first come, first
 * served. It spaces requests evenly. Waiting for it counts towards the timeout of a call, except in bulk calls; if a
 * pause of the service lasts longer, the call is MMX_ERROR_RATE_LIMITED at once, with mmx_error_retry_after_ms(). A
 * forked process has a limiter of its own: divide the number by that of your processes. With or without a number, the
 * rate adapts when the service reports too many requests (1002, 1039, 1041, 2045, HTTP 429): all calls pause, then
 * continue at half the rate, which grows again.
 * @param config    The configuration to change.
 * @param requests  Requests per minute, 1 or more; 0 = the default: no fixed limit.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: negative.
 * @since 1.0.0
 */
mmx_status mmx_config_set_requests_per_minute(mmx_config *config, int32_t requests, mmx_error **out_error);

/** Log callback. Receives one event as a JSON object on one line, without a line break.
 *
 * Runs on the calling thread during the call, with no lock of the library held: it may call the library, take its
 * time, or wait for a lock of its own. level is one of MMX_LOG_... json_line is valid until it returns.
 */
typedef void (*mmx_log_fn)(void *user_data, int32_t level, const char *json_line);

/* The levels of log events. */
#define MMX_LOG_ERROR 1 /* a call that failed */
#define MMX_LOG_WARN 2 /* a retry, or a lookup after a lost response */
#define MMX_LOG_INFO 3 /* an interrupted download that was resumed */
#define MMX_LOG_DEBUG 4 /* each attempt, connection, response and wait */

/** Sets the log callback for clients created from this configuration. One thread at a time.
 *
 * Each line has "event", "call" and what else is known, such as "attempt" (its number), "http_status", "api_code",
 * "ms", "trace_id" and "message". The events: "attempt", "connection" ("how" is "made" or "reused"), "answer",
 * "no_answer", "wait" (for the rate limiter) and "redirect" at MMX_LOG_DEBUG; "resumed" at MMX_LOG_INFO; "retry"
 * ("wait_ms"), "settling" and "settled" ("found" is "gone", "there" or "unknown") and "no_proxy_unreadable" ("entry", from
 * mmx_client_new()) at MMX_LOG_WARN; "failed" at MMX_LOG_ERROR. Later versions may add events and fields. No line contains the key or a signed link.
 * @param config    The configuration to change.
 * @param log       The callback; NULL = none, the default. It and user_data must stay valid until the last client
 *   created with it is freed and its calls have returned. Several threads may call it at the same time.
 * @param user_data Passed to log; NULL = nothing.
 * @param level     The least important level that is wanted, MMX_LOG_ERROR to MMX_LOG_DEBUG.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: another level.
 * @since 1.0.0
 */
mmx_status mmx_config_set_logger(mmx_config *config, mmx_log_fn log, void *user_data, int32_t level,
                                 mmx_error **out_error);

/* ---- Files ---------------------------------------------------------------------------------------------------------
 *
 * The calls of the file API on one file or a list. out_json is the service's response as it was received, unknown
 * fields included; but bytes that aren't UTF-8 and NUL bytes are replaced by U+FFFD, and a byte order mark is left out.
 * Half of a surrogate pair (\ud83d alone) and unescaped control characters in strings stay as they are.
 */

/** Progress callback. Runs on the calling thread during the call, at most 20 times a second and at the end.
 *
 * done and total are in bytes, in bulk calls in files; total is -1 if it isn't known. Return 0 to continue, anything
 * else to cancel the call. The last report of an upload comes after the response, when there is nothing left to
 * cancel. The last report of a download comes when every byte has been written, but before the target file is
 * replaced: it still cancels.
 */
typedef int32_t (*mmx_progress_fn)(void *user_data, int64_t done, int64_t total);

/** Facts about a call, for support and statistics. Initialise with MMX_CALL_INFO_INIT; filled in when the call returns, on
 * success and failure alike.
 */
typedef struct mmx_call_info {
    /** Set by MMX_CALL_INFO_INIT. */
    size_t struct_size;
    /** HTTP status of the last response; 0 = none was received. */
    int32_t http_status;
    /** Number of requests sent, or tried to send; as mmx_error_attempts(). */
    int32_t attempts;
    /** Duration of the call, in milliseconds. */
    int64_t elapsed_ms;
    /** The service's id of the request, from the last response; "" = none was received. */
    char trace_id[128];
    /** A file that was deleted: how that is known, as in mmx_outcome. Otherwise "". */
    char evidence[16];
} mmx_call_info;

#define MMX_CALL_INFO_INIT { sizeof(mmx_call_info), 0, 0, 0, "", "" }

/** Options of one call. Initialise with MMX_CALL_OPTIONS_INIT; 0 and NULL = as the client is configured. */
typedef struct mmx_call_options {
    /** Set by MMX_CALL_OPTIONS_INIT. */
    size_t struct_size;
    /** Timeout of the whole call, in milliseconds; -1 = none. */
    int64_t timeout_ms;
    /** Maximum number of requests, the first one included; 1 = no retry. */
    int32_t max_attempts;
    /** MMX_CALL_..., those that the call supports, or 0. */
    uint32_t flags;
    /** Cancellation token; used until the call returns. */
    mmx_cancel *cancel;
    /** Progress callback of uploads and downloads. */
    mmx_progress_fn progress;
    /** Passed to progress and interrupted. */
    void *user_data;
    /** Receives facts about the call; NULL = not wanted. */
    mmx_call_info *info;
    /** Asks whether the call is to end: 0 continues, anything else cancels it. Runs on the calling thread when a signal
     * handler ran there during a wait, and at least every 100 ms of waiting. NULL = never.
     */
    int32_t (*interrupted)(void *user_data);
    /** Upload with a ledger: mmx_sweep() deletes the file after so many seconds. 0 = never. */
    int64_t expires_after_s;
} mmx_call_options;

/* Flags of mmx_call_options. */
#define MMX_CALL_RECONCILE 1u /* upload: look the file up if the response was lost */
#define MMX_CALL_VIA_DOWNLOAD_URL 2u /* download: through the link of mmx_retrieve_file() */
#define MMX_CALL_REUSE 4u /* upload with a ledger: the id of the same bytes and purpose, while retrieve still knows it */
#define MMX_CALL_TEMPORARY 8u /* upload with a ledger: mmx_sweep() deletes the file once this process is gone */
#define MMX_CALL_MISSING_OK 16u /* delete: a file that retrieve doesn't know is a success, with evidence "retrieve" */

#define MMX_CALL_OPTIONS_INIT { sizeof(mmx_call_options), 0, 0, 0, NULL, NULL, NULL, NULL, NULL, 0 }

/* Purposes of files that this version knows. The service adds new ones; they can be used, too. */
#define MMX_PURPOSE_VOICE_CLONE "voice_clone" /* audio to clone a voice from */
#define MMX_PURPOSE_PROMPT_AUDIO "prompt_audio" /* short audio that accompanies a clone */
#define MMX_PURPOSE_T2A_ASYNC_INPUT "t2a_async_input" /* text for asynchronous speech */
#define MMX_PURPOSE_T2A_ASYNC "t2a_async" /* what asynchronous speech produced */
#define MMX_PURPOSE_VIDEO_GENERATION "video_generation" /* what video generation produced */
#define MMX_PURPOSE_VIDEO_UNDERSTANDING "video_understanding" /* video for chat requests */
#define MMX_PURPOSE_VIDEO_GENERATION_INPUT "video_generation_input" /* material for video generation */

/** Deletes one file. Thread-safe.
 *
 * Sends POST /v1/files/delete ("File Delete" in the API documentation).
 *
 * Retried, up to max_attempts requests, if nothing was sent, if no response was received, and after 1000, 1001, 1002,
 * 1013, 1024, 1033, 1039, 1041, 2045 and HTTP 408, 429 and 5xx. If a response was lost and a later attempt fails, one
 * retrieve request looks the file up: if it still exists, it is deleted again; if not, the call succeeds, and out_json
 * is {"file_id": ..., "evidence": "retrieve"}, because there is no response of the service. 2013 and HTTP 404 are looked
 * up, too; with MMX_CALL_MISSING_OK, every refusal that may mean that the file doesn't exist.
 * @param client    From mmx_client_new().
 * @param file_id   The file's id, 1 or more.
 * @param purpose   The purpose that the file was uploaded or generated with: MMX_PURPOSE_... or a newer one, 1 to 64
 *   letters, digits, _, - and . (for example fine-tune). The service refuses a wrong one. NULL = it is found out: one
 *   retrieve request (GET /v1/files/retrieve) comes before the delete.
 * @param options   Options of this call; NULL = as the client is configured.
 * @param out_json  Receives the service's response; free it with mmx_string_free(). NULL = not wanted.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK: the file is deleted.
 *   MMX_ERROR_INVALID_ARGUMENT: an argument is invalid; nothing was sent. The message names it.
 *   MMX_ERROR_AUTHENTICATION: the key is wrong, or belongs to the other region.
 *   MMX_ERROR_RATE_LIMITED, MMX_ERROR_QUOTA, MMX_ERROR_PERMISSION, MMX_ERROR_CONTENT_REJECTED: refused; nothing
 *     changed.
 *   MMX_ERROR_NOT_FOUND: refused, or its purpose is NULL, and retrieve doesn't know the file. With MMX_CALL_MISSING_OK that is MMX_OK, and
 *     out_json as for a lost response.
 *   MMX_ERROR_INVALID_REQUEST, MMX_ERROR_API: refused. The message says so if the file has another purpose.
 *   MMX_ERROR_CONNECT: no connection; nothing was sent.
 *   MMX_ERROR_TIMEOUT, MMX_ERROR_CANCELLED, MMX_ERROR_NETWORK: the file may have been deleted; see
 *     mmx_error_is_ambiguous().
 *   MMX_ERROR_SERVER, MMX_ERROR_SERVER_TIMEOUT, MMX_ERROR_PROTOCOL: the response leaves it open; likewise.
 *   MMX_ERROR_HTTP: an HTTP error without an API error code, for example from a gateway.
 *   MMX_ERROR_INTERNAL: a bug in the library.
 * @since 1.0.0
 * @code
 * mmx_error *error = NULL;
 * if (mmx_delete_file(client, 176844028768320, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error) != MMX_OK) {
 *     fprintf(stderr, "%s\n", mmx_error_message(error));
 *     mmx_error_free(error);
 * }
 * @endcode
 */
mmx_status mmx_delete_file(const mmx_client *client, int64_t file_id, const char *purpose,
                           const mmx_call_options *options, char **out_json, mmx_error **out_error);

/** Lists files. Thread-safe.
 *
 * Sends GET /v1/files/list ("File List" in the API documentation). There is no paging: the response contains every
 * file; up to 256 MiB are read. Entries that are no files, such as null, are counted in the log. Retried after every failure that may be temporary.
 * @param client          From mmx_client_new().
 * @param purpose_or_null Only files of this purpose, 1 to 64 letters, digits, _, - and .; NULL = of every purpose.
 * @param options         Options of this call; NULL = as the client is configured.
 * @param out_json        Receives the service's response, for mmx_files_parse() or a JSON parser; free it with
 *   mmx_string_free(). NULL = not wanted.
 * @param out_error       Receives the error. NULL = not wanted.
 * @return MMX_OK: out_json contains every file. Its "files" may be missing or null if there is none.
 *   MMX_ERROR_PROTOCOL: the response is not a list of files.
 *   Others as for mmx_delete_file(), never ambiguous. A failed call is never an empty list.
 * @since 1.0.0
 * @code
 * char *json = NULL;
 * mmx_files *files = NULL;
 * if (mmx_list_files(client, NULL, NULL, &json, NULL) == MMX_OK && mmx_files_parse(json, &files, NULL) == MMX_OK) {
 *     for (size_t i = 0; i < mmx_files_count(files); i++) {
 *         const mmx_file *file = mmx_files_get(files, i);
 *         printf("%lld %s %s\n", (long long)file->file_id, file->purpose, file->filename);
 *     }
 * }
 * mmx_files_free(files);
 * mmx_string_free(json);
 * @endcode
 */
mmx_status mmx_list_files(const mmx_client *client, const char *purpose_or_null, const mmx_call_options *options,
                          char **out_json, mmx_error **out_error);

/** Retrieves the metadata of one file, which includes a download link. Thread-safe.
 *
 * Sends GET /v1/files/retrieve ("File Retrieve" in the API documentation). Retried after every failure that may be
 * temporary.
 * @param client    From mmx_client_new().
 * @param file_id   The file's id, 1 or more.
 * @param options   Options of this call; NULL = as the client is configured.
 * @param out_json  Receives the service's response, for mmx_files_parse() or a JSON parser; free it with
 *   mmx_string_free(). NULL = not wanted.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK: out_json describes the file.
 *   MMX_ERROR_PROTOCOL: the response is not about this file.
 *   Others as for mmx_delete_file(), never ambiguous.
 * @since 1.0.0
 */
mmx_status mmx_retrieve_file(const mmx_client *client, int64_t file_id, const mmx_call_options *options,
                             char **out_json, mmx_error **out_error);

/** Waits until a file is there, and retrieves its metadata. Thread-safe.
 *
 * Sends GET /v1/files/retrieve ("File Retrieve" in the API documentation) until the service knows the file: after 1 s, 2 s,
 * 4 s and so on, then every 15 s, within the rate limit. For ids that are handed out before their file exists, as by
 * asynchronous speech. Only 2013 and "not found" are waited for; any other failure ends the call, after retries as for
 * mmx_retrieve_file().
 * @param client    From mmx_client_new().
 * @param file_id   The file's id, 1 or more.
 * @param options   Options of this call; NULL = as the client is configured. timeout_ms bounds the whole wait, and
 *   max_attempts each of its retrieves.
 * @param out_json  Receives the service's response, as mmx_retrieve_file(); for mmx_string_free(). NULL = not wanted.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK: out_json describes the file.
 *   MMX_ERROR_TIMEOUT: it was not there in time.
 *   Others as for mmx_retrieve_file().
 * @since 1.0.0
 */
mmx_status mmx_wait_file(const mmx_client *client, int64_t file_id, const mmx_call_options *options, char **out_json,
                         mmx_error **out_error);

/* ---- Uploads and downloads -----------------------------------------------------------------------------------------
 *
 * The bytes of a file are read from a path or a callback, and written to a path or a callback. Memory use does not
 * grow with the file. There is no timeout by default, but the idle timeout ends a transfer that makes no progress. A
 * path may be a FIFO, whose other end may be opened later.
 *
 * If a callback forks, the call continues in the parent. In the child it returns MMX_ERROR_CANCELLED as soon as the
 * callback returns, and touches no file.
 */

/** Where an upload reads from. Initialise with MMX_SOURCE_INIT. */
typedef struct mmx_source {
    /** Set by MMX_SOURCE_INIT. */
    size_t struct_size;
    /** Number of bytes; -1 = unknown. If it is known, any other number is MMX_ERROR_FILE, and nothing is stored. */
    int64_t size;
    /** Writes up to capacity bytes to buffer and returns their number; 0 = end of the file, negative = failure. */
    int64_t (*read)(void *user_data, uint8_t *buffer, size_t capacity);
    /** Goes back to the start for a retry; 0 = done, otherwise the call ends with MMX_ERROR_FILE. May be NULL: then nothing
     * is retried once bytes were read.
     */
    int32_t (*rewind)(void *user_data);
    /** Passed to read and rewind. */
    void *user_data;
} mmx_source;

#define MMX_SOURCE_INIT { sizeof(mmx_source), -1, NULL, NULL, NULL }

/** Uploads a local file under its own name. Thread-safe.
 *
 * Sends POST /v1/files/upload ("File Upload" in the API documentation). The extension of the name decides the media
 * type. A FIFO, a device or a file of /proc is read to its end and sent in chunks; the request begins when a FIFO has data.
 *
 * Retried only if nothing can have been stored: the connection broke before the last byte was sent, or the service
 * reported too many requests. With MMX_CALL_RECONCILE, an upload that may have been stored, because its response was
 * lost, is looked up in the list: a file of the same name, size and purpose, created since the call began by the
 * service's clock. If exactly one matches, the call succeeds with {"file": ..., "evidence": "list"}. If none matches,
 * the upload is retried; if several match or the list can't tell, the error stays ambiguous and says why.
 * @param client    From mmx_client_new().
 * @param path      The file to read. UTF-8.
 * @param purpose   MMX_PURPOSE_... or a newer one, 1 to 64 letters, digits, _, - and .
 * @param options   Options of this call; NULL = as the client is configured.
 * @param out_json  Receives the service's response with the file's id, for mmx_files_parse() or a JSON parser; free it
 *   with mmx_string_free(). NULL = not wanted.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK: the file is stored.
 *   MMX_ERROR_FILE: the file can't be read, or its size changed while it was read; nothing was stored.
 *   MMX_ERROR_CANCELLED: by the token or the progress callback.
 *   MMX_ERROR_TIMEOUT, MMX_ERROR_NETWORK: the file may be stored if mmx_error_is_ambiguous() returns true.
 *   Others as for mmx_delete_file(). If the service refuses an upload before its end, sending stops and the refusal is
 *     the error.
 * @since 1.0.0
 */
mmx_status mmx_upload_file(const mmx_client *client, const char *path, const char *purpose,
                           const mmx_call_options *options, char **out_json, mmx_error **out_error);

/** Uploads the bytes of a source. Thread-safe.
 *
 * Like mmx_upload_file(): sends POST /v1/files/upload, with Content-Length if the size is known, otherwise in chunks.
 * @param client    From mmx_client_new().
 * @param source    The source, used until the call returns.
 * @param filename  The name that the service gets, with an extension that fits. UTF-8, 1 to 1,024 bytes.
 * @param purpose   MMX_PURPOSE_... or a newer one, 1 to 64 letters, digits, _, - and .
 * @param options   Options of this call; NULL = as the client is configured.
 * @param out_json  Receives the service's response with the file's id, for mmx_files_parse() or a JSON parser; free it
 *   with mmx_string_free(). NULL = not wanted.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK: the file is stored.
 *   MMX_ERROR_FILE: the source failed, delivered a wrong number of bytes, or could not go back to its start.
 *   Others as for mmx_upload_file().
 * @since 1.0.0
 */
mmx_status mmx_upload_stream(const mmx_client *client, const mmx_source *source, const char *filename,
                             const char *purpose, const mmx_call_options *options, char **out_json,
                             mmx_error **out_error);

/** Where a download writes to. Initialise with MMX_SINK_INIT. */
typedef struct mmx_sink {
    /** Set by MMX_SINK_INIT. */
    size_t struct_size;
    /** Takes all bytes of data; 0 = done, otherwise the call ends with MMX_ERROR_FILE. */
    int32_t (*write)(void *user_data, const uint8_t *data, size_t length);
    /** Discards what was written, because the download starts again; 0 = done. May be NULL: then an interrupted download
     * continues only if the service can send the rest of the same file.
     */
    int32_t (*restart)(void *user_data);
    /** Passed to write and restart. */
    void *user_data;
} mmx_sink;

#define MMX_SINK_INIT { sizeof(mmx_sink), NULL, NULL, NULL }

/** Downloads a file to a path. Thread-safe.
 *
 * Sends GET /v1/files/retrieve_content ("File Retrieve Content" in the API documentation). With
 * MMX_CALL_VIA_DOWNLOAD_URL it fetches the link of "File Retrieve" instead; the key is never sent to another host. An
 * interrupted download is resumed, or started again, up to max_attempts requests.
 *
 * An error of the API is never saved as the file, whatever its headers. A response in HTML or XML is a file only if
 * its name and Content-Type allow that; the name may take one "File Retrieve". A response in another encoding than
 * identity is refused. If "length" in out_json is null, the response announced no length to check bytes against.
 *
 * The bytes are written to a temporary file beside the target, which then replaces the target: the target is complete
 * or unchanged. If that fails after the last byte, the temporary file stays and the message names it. A target that is
 * a mount point can't be replaced: the bytes are copied into it at the end. An existing target keeps its mode, without
 * setuid, setgid and sticky; a symbolic link is followed, except one of another user in a sticky folder that everybody
 * may write to. A device or FIFO is written directly; the request begins when a FIFO has a reader.
 * @param client    From mmx_client_new().
 * @param file_id   The file's id, 1 or more.
 * @param path      The target. UTF-8. The service's name of the file is not used.
 * @param options   Options of this call; NULL = as the client is configured.
 * @param out_json  Receives file_id, bytes, length, content_type, resumed, via and trace_id (docs/json.md); free it with
 *   mmx_string_free(). NULL = not wanted.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK: the target holds the complete file.
 *   MMX_ERROR_FILE: the target can't be written, or the disk is full.
 *   MMX_ERROR_CANCELLED: by the token or the progress callback.
 *   MMX_ERROR_PROTOCOL: the response is not a file, is encoded, or redirects to an invalid place.
 *   Others as for mmx_delete_file(), never ambiguous.
 * @since 1.0.0
 */
mmx_status mmx_download_file(const mmx_client *client, int64_t file_id, const char *path,
                             const mmx_call_options *options, char **out_json, mmx_error **out_error);

/** Downloads a file to a sink. Thread-safe.
 *
 * Like mmx_download_file(): sends GET /v1/files/retrieve_content, and passes the bytes to the sink as they are
 * received.
 * @param client    From mmx_client_new().
 * @param file_id   The file's id, 1 or more.
 * @param sink      The sink, used until the call returns.
 * @param options   Options of this call; NULL = as the client is configured.
 * @param out_json  Receives file_id, bytes, length, content_type, resumed, via and trace_id (docs/json.md); free it with
 *   mmx_string_free(). NULL = not wanted.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK: the sink has received the complete file.
 *   MMX_ERROR_FILE: the sink failed.
 *   MMX_ERROR_NETWORK: the connection broke, and the download can't be resumed or restarted.
 *   Others as for mmx_download_file().
 * @since 1.0.0
 */
mmx_status mmx_download_stream(const mmx_client *client, int64_t file_id, const mmx_sink *sink,
                               const mmx_call_options *options, char **out_json, mmx_error **out_error);

/* ---- Reading a response without a JSON parser ----------------------------------------------------------------------
 *
 * Extracts the files from the out_json of a call: all files of a list, the one file of a retrieve or an upload, the id
 * of a delete, and of a plan those that it would delete. All 64 bits of an id are kept, whether the service sent a number
 * or a decimal string.
 */

/** The metadata of a file. Filled by the library; later versions may add fields at its end. */
typedef struct mmx_file {
    /** The id, for the other calls. */
    int64_t file_id;
    /** Size in bytes; 0 for generated files, whose size the service doesn't report. */
    int64_t bytes;
    /** Creation time in Unix seconds; 0 = unknown. */
    int64_t created_at;
    /** "" = unknown; never NULL. The service chooses it: check it before you use it as a path or print it to a terminal. */
    const char *filename;
    /** "" = unknown; never NULL. */
    const char *purpose;
    /** "" = none; never NULL. Anyone who has it can fetch the file: keep it out of logs. */
    const char *download_url;
} mmx_file;

/** Reads the files from the JSON of a call. Thread-safe.
 * @param json      The out_json of a call, or a plan. UTF-8. Not kept.
 * @param out_files Receives the files, or NULL; free them with mmx_files_free().
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK. A response without files is an empty list.
 *   MMX_ERROR_INVALID_ARGUMENT: not the JSON of a call, a bulk result without a plan, or an id that is no 64-bit integer.
 * @since 1.0.0
 */
mmx_status mmx_files_parse(const char *json, mmx_files **out_files, mmx_error **out_error);

/** Returns the number of files. Thread-safe.
 * @param files From mmx_files_parse(), or NULL.
 * @return The number; 0 for NULL.
 * @since 1.0.0
 */
size_t mmx_files_count(const mmx_files *files);

/** Returns one of the files. Thread-safe.
 * @param files From mmx_files_parse(), or NULL.
 * @param index From 0.
 * @return The file, valid until mmx_files_free(); NULL past the end and for NULL.
 * @since 1.0.0
 */
const mmx_file *mmx_files_get(const mmx_files *files, size_t index);

/** Frees the files and everything borrowed from them. One thread at a time.
 * @param files From mmx_files_parse(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_files_free(mmx_files *files);

/* ---- Many files at once --------------------------------------------------------------------------------------------
 *
 * Deletes up to a hundred thousand files in one call and reports an outcome for each. Several requests are in flight
 * at once, all driven by the calling thread. Callbacks run on it between the requests, with no lock held. One
 * refused file stops nothing; a refused key or an empty balance (1008) stops the run, and the
 * remaining files are reported as NOT_ATTEMPTED.
 *
 * DELETED and ALREADY_ABSENT are reported on evidence only: the response to the delete, or a lookup (retrieve or list)
 * if that response was lost or the file was refused.
 */

/** One file to delete. Used in arrays, so it never grows. */
typedef struct mmx_file_ref {
    /** The file's id, 1 or more. */
    int64_t file_id;
    /** As for mmx_delete_file(), also NULL. Used until the call returns. */
    const char *purpose;
} mmx_file_ref;

/* The outcomes of a file in a bulk call. Later versions may add some: do not index an array by one. */
#define MMX_OUTCOME_DELETED 1 /* the service said so, or our request was lost and the file is seen to be gone since */
#define MMX_OUTCOME_ALREADY_ABSENT 2 /* it was not there before we asked, and we have seen that */
#define MMX_OUTCOME_FAILED 3 /* refused, or nothing could be sent: error says why */
#define MMX_OUTCOME_UNKNOWN 4 /* sent, and what became of it could not be settled: error says why */
#define MMX_OUTCOME_NOT_ATTEMPTED 5 /* cancelled, out of time, or a key that is refused */
#define MMX_OUTCOME_KEPT 6 /* prune: matched, but a guard or a dry run keeps it */

/** The outcome of one file. Filled by the library, valid during the callback, or as long as the mmx_outcomes that it is of;
 * later versions may add fields at its end.
 */
typedef struct mmx_outcome {
    /** Position in the input, or in the plan. */
    size_t index;
    /** The file's id. */
    int64_t file_id;
    /** As it was given, or found out; "" = it was not found out. */
    const char *purpose;
    /** MMX_OUTCOME_... */
    int32_t outcome;
    /** Number of delete requests sent for the file. */
    int32_t attempts;
    /** How it is known: "answer" (the service's response), "retrieve", "list", or "". */
    const char *evidence;
    /** The service's id of the request; "" = none. */
    const char *trace_id;
    /** When it became known, in Unix milliseconds. */
    int64_t settled_at_ms;
    /** Why it failed or is unknown, otherwise NULL. Borrowed: mmx_error_clone() makes one of your own. */
    const mmx_error *error;
} mmx_outcome;

/** Outcome callback: called once for each file, as soon as its outcome is known. Return 0 to continue, anything else to
 * stop the run: requests in flight are completed, the remaining files are not attempted.
 */
typedef int32_t (*mmx_outcome_fn)(void *user_data, const mmx_outcome *outcome);

/** Options of a bulk call. Initialise with MMX_BULK_OPTIONS_INIT; 0 and NULL = as the client is configured. */
typedef struct mmx_bulk_options {
    /** Set by MMX_BULK_OPTIONS_INIT. */
    size_t struct_size;
    /** Timeout of the whole run, in milliseconds; 0 or -1 = none. */
    int64_t timeout_ms;
    /** Timeout for each file, in milliseconds, waits for the rate limiter excluded; -1 = none. */
    int64_t call_timeout_ms;
    /** Maximum number of delete requests for each file. */
    int32_t max_attempts;
    /** Maximum number of files in flight, 1 to 1,000; 0 = 16. A run starts with 2 and grows, because the service refuses
     * sudden increases; soon after a successful run of the same key it starts with as many as that one reached.
     */
    int32_t concurrency;
    /** MMX_BULK_..., or 0. */
    uint32_t flags;
    /** Cancellation token; used until the call returns. */
    mmx_cancel *cancel;
    /** Progress callback, which counts files. */
    mmx_progress_fn progress;
    /** Outcome callback. If it is set, out_json has no outcomes, and memory use does not grow with them. */
    mmx_outcome_fn on_outcome;
    /** Passed to progress and on_outcome. */
    void *user_data;
} mmx_bulk_options;

/* Flags of mmx_bulk_options. */
#define MMX_BULK_DRY_RUN 1u /* send no delete request: each file is reported as KEPT */
#define MMX_BULK_VERIFY 2u /* list at the end and report which files still exist */

#define MMX_BULK_OPTIONS_INIT { sizeof(mmx_bulk_options), 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL }

/** A selection of files: all conditions must hold. Initialise with MMX_FILTER_INIT. Needs at least one condition beside
 * the purpose, or MMX_FILTER_ALL.
 */
typedef struct mmx_filter {
    /** Set by MMX_FILTER_INIT. */
    size_t struct_size;
    /** NULL = every purpose. */
    const char *purpose;
    /** Minimum age in seconds, by the service's clock and by the local clock; a file with an unknown or future time never
     * matches. 0 = no condition.
     */
    int64_t older_than_s;
    /** Minimum size in bytes; 0 = no condition. The service reports 0 for generated files. */
    int64_t min_bytes;
    /** A pattern with * ? [a-z] for the name, compared in the Unicode form NFC; NULL = no condition, "" is refused. */
    const char *name_glob;
    /** A pattern for the names of files that are kept; the plan says how many. NULL = none, "" is refused. */
    const char *keep_glob;
    /** Ids of files that are kept. */
    const int64_t *keep_ids;
    /** Number of keep_ids. */
    size_t keep_count;
    /** Guard: if more files would be deleted, none is, the call returns MMX_ERROR_GUARD, and out_json holds the plan. 0 =
     * no guard.
     */
    int64_t max_files;
    /** The same guard, in per cent of all listed files; 0 = no guard. */
    int32_t max_percent;
    /** MMX_FILTER_ALL, or 0. */
    uint32_t flags;
} mmx_filter;

/* Flags of mmx_filter. */
#define MMX_FILTER_ALL 1u /* no condition is needed: every file of the purpose */

#define MMX_FILTER_INIT { sizeof(mmx_filter), NULL, 0, 0, NULL, NULL, NULL, 0, 0, 0, 0 }

/** Deletes many files. Thread-safe.
 *
 * Sends POST /v1/files/delete ("File Delete" in the API documentation) for each, with retries as for
 * mmx_delete_file(). If more than 20 files are ambiguous, one list request comes before the lookups; likewise if more
 * than 20 purposes are NULL, which otherwise retrieve says. A file that is in the array twice is sent once. A refused file is looked up: if it doesn't exist, it is ALREADY_ABSENT.
 * @param client    From mmx_client_new().
 * @param files     The files. NULL only with a count of 0.
 * @param count     Their number.
 * @param options   NULL = as the client is configured.
 * @param out_json  Receives counts and, unless on_outcome is set, every outcome in input order (docs/json.md),
 *   whatever the call returns, once a request was sent; free it with mmx_string_free(). NULL = not wanted.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK: every outcome is DELETED, ALREADY_ABSENT or KEPT.
 *   MMX_ERROR_PARTIAL: some are not, and nothing stopped the run.
 *   MMX_ERROR_INVALID_ARGUMENT: an argument is invalid; nothing was sent. The message names it.
 *   MMX_ERROR_CANCELLED: by the token or a callback. MMX_ERROR_TIMEOUT: options->timeout_ms expired.
 *   MMX_ERROR_AUTHENTICATION, MMX_ERROR_QUOTA: the key was refused, or the balance is empty.
 *   Others as for mmx_list_files(): with MMX_BULK_VERIFY, the list at the end failed.
 * @since 1.0.0
 * @code
 * mmx_file_ref files[] = {{176844028768320, MMX_PURPOSE_VOICE_CLONE}, {176844028768321, MMX_PURPOSE_T2A_ASYNC}};
 * char *json = NULL;
 * mmx_error *error = NULL;
 * if (mmx_delete_files(client, files, 2, NULL, &json, &error) != MMX_OK) {
 *     fprintf(stderr, "%s\n%s\n", mmx_error_message(error), json ? json : "");
 * }
 * mmx_error_free(error);
 * mmx_string_free(json);
 * @endcode
 */
mmx_status mmx_delete_files(const mmx_client *client, const mmx_file_ref *files, size_t count,
                            const mmx_bulk_options *options, char **out_json, mmx_error **out_error);

/** Deletes the listed files that match a filter. Thread-safe.
 *
 * Sends GET /v1/files/list ("File List" in the API documentation), applies the filter, and deletes like
 * mmx_delete_files(). If the service refuses to list by the purpose (2013), all files are listed. Ages are measured by the local clock and by the service's (the Date header of the list). With
 * MMX_BULK_DRY_RUN nothing is deleted, and out_json holds the plan: the files, and the sum of their known sizes.
 * @param client    From mmx_client_new().
 * @param filter    Which files are deleted, which are kept, and how many may be deleted.
 * @param options   NULL = as the client is configured.
 * @param out_json  Receives counts, the plan and, unless on_outcome is set, every outcome in the plan's order
 *   (docs/json.md), whatever the call returns, once the list was received; free it with mmx_string_free(). NULL = not
 *   wanted.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK: every outcome is DELETED, ALREADY_ABSENT or KEPT, or no file matches.
 *   MMX_ERROR_GUARD: more files match than the filter allows, or names that it asks for are not known; no delete was sent.
 *   MMX_ERROR_PROTOCOL: the response is not a list of files, or has no Date header to measure ages by; no delete was
 *     sent. A failed list is never an empty one.
 *   MMX_ERROR_INVALID_ARGUMENT: an argument is invalid; nothing was sent. The message names it.
 *   Others as for mmx_list_files(), before a delete was sent, and as for mmx_delete_files().
 * @since 1.0.0
 * @code
 * mmx_filter filter = MMX_FILTER_INIT;
 * filter.purpose = MMX_PURPOSE_T2A_ASYNC;
 * filter.older_than_s = 7 * 24 * 3600;
 * filter.max_percent = 50;
 * char *json = NULL;
 * mmx_error *error = NULL;
 * if (mmx_prune_files(client, &filter, NULL, &json, &error) != MMX_OK) fprintf(stderr, "%s\n", mmx_error_message(error));
 * mmx_error_free(error);
 * mmx_string_free(json);
 * @endcode
 */
mmx_status mmx_prune_files(const mmx_client *client, const mmx_filter *filter, const mmx_bulk_options *options,
                           char **out_json, mmx_error **out_error);

/* ---- Reading a bulk result without a JSON parser -------------------------------------------------------------------
 *
 * Extracts the counts and outcomes from the out_json of a bulk call, and the files of a plan, which are all KEPT.
 */

/** Reads the counts and outcomes from the JSON of a bulk call, or the files of a plan. Thread-safe.
 * @param json         The out_json of a bulk call, or a plan, for example of mmx-files. UTF-8. Not kept.
 * @param out_outcomes Receives them, or NULL; free them with mmx_outcomes_free().
 * @param out_error    Receives the error. NULL = not wanted.
 * @return MMX_OK. If the call had an outcome callback, there are counts but no outcomes.
 *   MMX_ERROR_INVALID_ARGUMENT: neither a bulk result nor a plan, or its counts contradict its outcomes.
 * @since 1.0.0
 */
mmx_status mmx_outcomes_parse(const char *json, mmx_outcomes **out_outcomes, mmx_error **out_error);

/** Returns the number of outcomes. Thread-safe.
 * @param outcomes From mmx_outcomes_parse(), or NULL.
 * @return The number; 0 for NULL.
 * @since 1.0.0
 */
size_t mmx_outcomes_count(const mmx_outcomes *outcomes);

/** Returns one of the outcomes. Thread-safe.
 * @param outcomes From mmx_outcomes_parse(), or NULL.
 * @param index    From 0.
 * @return The outcome, valid until mmx_outcomes_free(); NULL past the end and for NULL.
 * @since 1.0.0
 */
const mmx_outcome *mmx_outcomes_get(const mmx_outcomes *outcomes, size_t index);

/** Returns how many files came to an outcome, as the JSON counts them. Thread-safe.
 * @param outcomes From mmx_outcomes_parse(), or NULL.
 * @param outcome  MMX_OUTCOME_...; 0 = all files, whatever came of them.
 * @return The number; 0 for NULL and for an unknown outcome.
 * @since 1.0.0
 */
size_t mmx_outcomes_total(const mmx_outcomes *outcomes, int32_t outcome);

/** Frees outcomes and everything borrowed from them. One thread at a time.
 * @param outcomes From mmx_outcomes_parse(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_outcomes_free(mmx_outcomes *outcomes);

/* ---- The ledger ----------------------------------------------------------------------------------------------------
 *
 * A ledger is a file that knows every upload of its clients until the file is deleted (docs/surely-gone.md): JSON Lines
 * (docs/json.md), for any number of threads and processes of one host. mmx_sweep() settles what a crash left.
 */

/** Sets the ledger of clients: also MMX_LEDGER in the environment. One thread at a time.
 *
 * The purpose, name, size, SHA-256 and process of each upload are on the disk before its first byte is sent, and the id after the
 * response; a delete strikes them out. A source that can go back to its start is read twice. The file is made when it is
 * first needed, and locked (flock) for each change.
 * @param config    From mmx_config_new().
 * @param path      The file. UTF-8; "" = no ledger.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK or MMX_ERROR_INVALID_ARGUMENT. A ledger that can't be written fails uploads with MMX_ERROR_FILE before
 *   anything is sent.
 * @since 1.0.0
 */
mmx_status mmx_config_set_ledger(mmx_config *config, const char *path, mmx_error **out_error);

/** Downloads a file and deletes it once it is whole on this disk. Thread-safe.
 *
 * Sends GET /v1/files/retrieve_content ("File Retrieve Content" in the API documentation) like mmx_download_file(), then, after
 * the length was verified and file and folder were flushed, POST /v1/files/delete ("File Delete") like mmx_delete_file() with
 * MMX_CALL_MISSING_OK. If a step fails, the file is not deleted, and the message says what is where. With a ledger, a delete
 * that a crash prevented is carried out by mmx_sweep().
 * @param client          From mmx_client_new().
 * @param file_id         The file's id, 1 or more.
 * @param purpose_or_null As for mmx_delete_file(); NULL = it is found out.
 * @param path            The target, a regular file. UTF-8.
 * @param options         Options of this call; timeout_ms bounds both parts. NULL = as the client is configured.
 * @param out_json        Receives the object of mmx_download_file() with path, deleted and delete (docs/json.md) once the file
 *   is on the disk, whatever the call returns; free it with mmx_string_free(). NULL = not wanted.
 * @param out_error       Receives the error. NULL = not wanted.
 * @return MMX_OK: the file is whole on the disk, and deleted at the service.
 *   MMX_ERROR_FILE: the target can't be written, flushed or renamed, or the ledger can't be written; it was not deleted.
 *   Others as for mmx_download_file() and mmx_delete_file().
 * @since 1.0.0
 */
mmx_status mmx_take_file(const mmx_client *client, int64_t file_id, const char *purpose_or_null, const char *path,
                         const mmx_call_options *options, char **out_json, mmx_error **out_error);

/** Options of mmx_sweep(). Initialise with MMX_SWEEP_OPTIONS_INIT. */
typedef struct mmx_sweep_options {
    /** Set by MMX_SWEEP_OPTIONS_INIT. */
    size_t struct_size;
    /** Timeout of the whole run, in milliseconds; 0 or -1 = none. */
    int64_t timeout_ms;
    /** MMX_BULK_DRY_RUN, or 0. */
    uint32_t flags;
    /** Cancellation token; used until the call returns. */
    mmx_cancel *cancel;
    /** As in mmx_bulk_options. */
    mmx_outcome_fn on_outcome;
    /** Passed to on_outcome. */
    void *user_data;
} mmx_sweep_options;

#define MMX_SWEEP_OPTIONS_INIT { sizeof(mmx_sweep_options), 0, 0, NULL, NULL, NULL }

/** Settles what processes that are gone left in the client's ledger, and deletes what is due. Thread-safe.
 *
 * Sends GET /v1/files/list ("File List" in the API documentation), if it has to look for files or needs the service's clock, and
 * POST /v1/files/delete ("File Delete"). An upload whose id is not known is looked for in the list: name, size, purpose, and time by the service's clock. If several
 * files or uploads fit each other, none is chosen, and "unsettled" in out_json has them. Deleted are temporary files, files that
 * mmx_take_file() had brought to the disk, and those whose time (expires_after_s) is over by the service's clock and this machine's.
 * Everything else stays, and so does what a process may still be at. Two sweeps at once share the work. With
 * MMX_BULK_DRY_RUN nothing is written, and the files that would be deleted are KEPT.
 * @param client    From mmx_client_new(); it has a ledger.
 * @param options   NULL = as the client is configured.
 * @param out_json  Receives a bulk result, whatever the call returns, as mmx_delete_files(), with "sweep" (docs/json.md); free
 *   it with mmx_string_free(). NULL = not wanted.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK: all that was left is settled.
 *   MMX_ERROR_PARTIAL: some files were not deleted, or some uploads are unsettled.
 *   MMX_ERROR_FILE: the ledger can't be read or written, or has been locked for 10 s; nothing was deleted.
 *   MMX_ERROR_PROTOCOL: as for mmx_prune_files().
 *   Others as for mmx_list_files(), before a delete was sent, and as for mmx_delete_files().
 * @since 1.0.0
 */
mmx_status mmx_sweep(const mmx_client *client, const mmx_sweep_options *options, char **out_json,
                     mmx_error **out_error);

/** Strikes a file out of the client's ledger: no sweep deletes it. Thread-safe. Sends no request.
 * @param client    From mmx_client_new(); it has a ledger.
 * @param file_id   The file's id, 1 or more.
 * @param out_error Receives the error. NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_NOT_FOUND: the ledger has no such file. MMX_ERROR_FILE: the ledger can't be written.
 *   MMX_ERROR_INVALID_ARGUMENT: an argument is invalid, or the client has no ledger.
 * @since 1.0.0
 */
mmx_status mmx_ledger_keep(const mmx_client *client, int64_t file_id, mmx_error **out_error);

/* ---- Cancellation --------------------------------------------------------------------------------------------------
 *
 * A cancellation token ends calls early. Put it into the options of any number of calls and trigger it from any thread
 * or from a signal handler: wherever a call waits, it closes its connection and returns MMX_ERROR_CANCELLED. A token
 * works in the process that created it, not in a child after fork().
 */

/** Creates a token, which holds one file descriptor until it is freed. Thread-safe.
 * @param out_cancel Receives the token, or NULL; free it with mmx_cancel_free().
 * @param out_error  Receives the error. NULL = not wanted.
 * @return MMX_OK.
 *   MMX_ERROR_INVALID_ARGUMENT: out_cancel is NULL.
 *   MMX_ERROR_INTERNAL: the process is out of file descriptors, or the machine out of memory: see mmx_error_errno().
 * @since 1.0.0
 */
mmx_status mmx_cancel_new(mmx_cancel **out_cancel, mmx_error **out_error);

/** Frees a token. One thread at a time, while no call uses the token.
 * @param cancel From mmx_cancel_new(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_cancel_free(mmx_cancel *cancel);

/** Cancels every call that has the token, and those that get it later, until mmx_cancel_reset(). Thread-safe and
 * async-signal-safe; keeps errno.
 * @param cancel From mmx_cancel_new(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_cancel_trigger(mmx_cancel *cancel);

/** Returns whether a token is triggered. Thread-safe and async-signal-safe.
 * @param cancel From mmx_cancel_new(), or NULL.
 * @return true from mmx_cancel_trigger() to mmx_cancel_reset(); false for NULL.
 * @since 1.0.0
 */
bool mmx_cancel_is_triggered(const mmx_cancel *cancel);

/** Makes a triggered token usable again. One thread at a time, while no call uses the token.
 * @param cancel From mmx_cancel_new(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_cancel_reset(mmx_cancel *cancel);

/* ---- Errors --------------------------------------------------------------------------------------------------------
 *
 * Why a call failed. An error belongs to the caller and depends on nothing else: it outlives the client and may be
 * read by any thread. For NULL the functions return what fits a success.
 */

/** Returns the status that the call returned. Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return MMX_ERROR_...; MMX_OK for NULL.
 * @since 1.0.0
 */
mmx_status mmx_error_status(const mmx_error *error);

/** Returns what went wrong and what to do, as one line for people. It begins with the call and never contains the key.
 * Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return UTF-8 without control characters, valid until mmx_error_free(); "" for NULL.
 * @since 1.0.0
 */
const char *mmx_error_message(const mmx_error *error);

/** Returns which call failed: the name of its function without "mmx_". Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return For example "delete_file", valid until mmx_error_free(); "" for NULL.
 * @since 1.0.0
 */
const char *mmx_error_call(const mmx_error *error);

/** Returns the name of the argument at fault, with MMX_ERROR_INVALID_ARGUMENT. Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return For example "options.timeout_ms"; "purpose" for purpose_or_null. Valid until mmx_error_free(); "": none.
 * @since 1.0.0
 */
const char *mmx_error_parameter(const mmx_error *error);

/** Returns the service's error code: base_resp.status_code, or the number at the end of an error message. Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return For example 1004; 0 if there was none.
 * @since 1.0.0
 */
int32_t mmx_error_api_code(const mmx_error *error);

/** Returns the service's own message, such as base_resp.status_msg, as one line. Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return UTF-8 without control characters, valid until mmx_error_free(); "" if there was none.
 * @since 1.0.0
 */
const char *mmx_error_api_message(const mmx_error *error);

/** Returns the HTTP status of the response. The service reports most failures with 200. Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return For example 502; 0 if no response was received.
 * @since 1.0.0
 */
int32_t mmx_error_http_status(const mmx_error *error);

/** Returns the service's id of the request, which its support asks for. Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return Visible ASCII, valid until mmx_error_free(); "" if there was none.
 * @since 1.0.0
 */
const char *mmx_error_trace_id(const mmx_error *error);

/** Returns the number of requests sent, or tried to send. Auxiliary requests, for a download link or after a redirect,
 * are not counted. Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return 0 if the call failed before the first one.
 * @since 1.0.0
 */
int32_t mmx_error_attempts(const mmx_error *error);

/** Returns how long the service asks to wait: its Retry-After header, in seconds or as a date. Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return Milliseconds; -1 if it didn't say.
 * @since 1.0.0
 */
int64_t mmx_error_retry_after_ms(const mmx_error *error);

/** Returns whether the service may have carried out the call although it failed. Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return true: the request was sent, and its result is unknown. false: nothing was sent, or it was refused.
 * @since 1.0.0
 */
bool mmx_error_is_ambiguous(const mmx_error *error);

/** Returns the errno of a local file's failure, that of open(), read(), write() and so on; or of what this machine refused a
 * call, such as a descriptor, a thread or memory. Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return For example ENOENT or EMFILE; 0 if there was none.
 * @since 1.0.0
 */
int32_t mmx_error_errno(const mmx_error *error);

/** Returns everything about an error as a JSON object (docs/json.md): status, status_name, call, message, parameter,
 * api_code, api_message, http_status, trace_id, attempts, retry_after_ms, ambiguous, errno. Later versions may add fields.
 * Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return UTF-8; free it with mmx_string_free(). NULL for NULL.
 * @since 1.0.0
 */
char *mmx_error_json(const mmx_error *error);

/** Copies an error, for example that of an outcome, which is borrowed. Thread-safe.
 * @param error From a call's out_error, or NULL.
 * @return The copy; free it with mmx_error_free(). NULL for NULL.
 * @since 1.0.0
 */
mmx_error *mmx_error_clone(const mmx_error *error);

/** Frees an error. One thread at a time.
 * @param error From a call's out_error. NULL does nothing.
 * @since 1.0.0
 */
void mmx_error_free(mmx_error *error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MMX_H */
