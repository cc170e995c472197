/* libmmx: the native client for the MiniMax file API.
 *
 * Generated from the Rust sources by `make header`; edited by nobody.
 */

#ifndef MMX_H
#define MMX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of this header; mmx_version() has that of the library. */
#define MMX_VERSION "1.0.0"
/* Compare with mmx_abi_version(). */
#define MMX_ABI_VERSION 1

/* The values of mmx_status. More may come: treat an unknown one as a failure. */
#define MMX_OK 0 /* success */
#define MMX_ERROR_INVALID_ARGUMENT 1 /* caught here, nothing was sent */
#define MMX_ERROR_FILE 2 /* a local file or the caller's stream: missing, unreadable, disk full, given up */
#define MMX_ERROR_CONNECT 3 /* DNS, connect, TLS, proxy: nothing was sent */
#define MMX_ERROR_NETWORK 4 /* the connection broke once the request was under way */
#define MMX_ERROR_TIMEOUT 5 /* a time limit of ours */
#define MMX_ERROR_CANCELLED 6 /* the call was cancelled */
#define MMX_ERROR_PROTOCOL 7 /* an answer that isn't this API's */
#define MMX_ERROR_HTTP 8 /* an HTTP error with no API code in it */
#define MMX_ERROR_PARTIAL 9 /* bulk: not every file came to the wanted end; the outcomes say which */
#define MMX_ERROR_GUARD 10 /* prune: a guard stopped it before a delete was sent */
#define MMX_ERROR_AUTHENTICATION 20 /* 1004, 2049, HTTP 401 and 403 */
#define MMX_ERROR_RATE_LIMITED 21 /* 1002, 1039, 1041, 2045, HTTP 429 */
#define MMX_ERROR_QUOTA 22 /* 1008, 1028, 1030, 2056, 2061, HTTP 402 */
#define MMX_ERROR_INVALID_REQUEST 23 /* 2013, 1042, 1043, 1044, 2037, 2039, 2048, HTTP 400, 413 and 422 */
#define MMX_ERROR_CONTENT_REJECTED 24 /* 1026, 1027 */
#define MMX_ERROR_NOT_FOUND 25 /* HTTP 404 with an API error in it */
#define MMX_ERROR_PERMISSION 26 /* 2038, 2042 */
#define MMX_ERROR_SERVER 27 /* 1000, 1013, 1024, 1033, HTTP 5xx */
#define MMX_ERROR_SERVER_TIMEOUT 28 /* 1001, HTTP 408 and 504 */
#define MMX_ERROR_API 29 /* any other code of the service */
#define MMX_ERROR_INTERNAL 99 /* a bug of ours */

/* The purposes known when this was made; the service takes new ones every few months. */
#define MMX_PURPOSE_VOICE_CLONE "voice_clone" /* audio to clone a voice from */
#define MMX_PURPOSE_PROMPT_AUDIO "prompt_audio" /* short audio that accompanies a clone */
#define MMX_PURPOSE_T2A_ASYNC_INPUT "t2a_async_input" /* text for asynchronous speech */
#define MMX_PURPOSE_T2A_ASYNC "t2a_async" /* what asynchronous speech produced */
#define MMX_PURPOSE_VIDEO_GENERATION "video_generation" /* what video generation produced */
#define MMX_PURPOSE_VIDEO_UNDERSTANDING "video_understanding" /* video for chat requests */
#define MMX_PURPOSE_VIDEO_GENERATION_INPUT "video_generation_input" /* material for video generation */

/* Sets struct_size and leaves the rest as the client has it. */
#define MMX_CALL_OPTIONS_INIT { sizeof(mmx_call_options), 0, 0, 0, NULL, NULL, NULL }

/** A token to end calls with. */
typedef struct mmx_cancel mmx_cancel;

/** An account at a place: what calls are made with. */
typedef struct mmx_client mmx_client;

/** Settings for clients to come. */
typedef struct mmx_config mmx_config;

/** Why a call failed. */
typedef struct mmx_error mmx_error;

/** The outcome of a call: MMX_OK or one of MMX_ERROR_...; more may come in later versions. */
typedef int32_t mmx_status;

/**
 * Told how far a call is, on the thread that made it, while it waits in the call.
 *
 * done and total are in bytes; total is -1 when it isn't known. Returning anything but 0 cancels the call.
 */
typedef int32_t (*mmx_progress_fn)(void *user_data, int64_t done, int64_t total);

/**
 * What one call has different from its client. Begin with MMX_CALL_OPTIONS_INIT; 0 and NULL mean "as the client is
 * configured".
 */
typedef struct mmx_call_options {
    /** sizeof(mmx_call_options) of the header that the caller was built with. */
    size_t struct_size;
    /** One bound over everything the call does, in milliseconds; -1 = none. */
    int64_t timeout_ms;
    /** Requests at most, the first one included. */
    int32_t max_attempts;
    /** None are known yet: 0. */
    uint32_t flags;
    /** Ends the call early when triggered. Borrowed for the length of the call. */
    mmx_cancel *cancel;
    /** Not used by mmx_delete_file(), which moves no file's bytes. */
    mmx_progress_fn progress;
    /** Handed to progress. */
    void *user_data;
} mmx_call_options;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ---- Library -------------------------------------------------------------------------------------------------------
 *
 * A call that can fail returns an mmx_status: MMX_OK, which is 0, or why not. Its last parameter takes an mmx_error **,
 * which gets the whole story; it may be NULL. There is no "last error" of a thread.
 *
 * Every out parameter is set on every path: to the result, or to NULL. What it held before is overwritten, not freed.
 *
 * A `char *` belongs to the caller, who frees it with mmx_string_free(); a `const char *` is borrowed from the object
 * that it came from. Every `_free` function takes NULL. Handles are opaque.
 *
 * Text is NUL-terminated UTF-8; other bytes are MMX_ERROR_INVALID_ARGUMENT. So is NULL, where it isn't allowed.
 *
 * The library has no threads at work between calls and needs no setting up. 64 KiB of stack suffice for every call. It
 * may be called after fork() in parent and child, in atexit() handlers and in destructors; it never changes a signal's
 * disposition, and a call leaves the thread's signal mask as it was.
 */

/**
 * The version of the library that is loaded.
 *
 * Safe from any thread.
 *
 * @return For example "1.0.0". Static; don't free it.
 * @since 1.0.0
 */
const char *mmx_version(void);

/**
 * The version of the binary interface of the library that is loaded.
 *
 * A program that loads the library at run time compares it with the MMX_ABI_VERSION of the header it was built with,
 * and does not go on where they differ. Safe from any thread.
 *
 * @return 1.
 * @since 1.0.0
 */
uint32_t mmx_abi_version(void);

/**
 * The name of a status, as in this header.
 *
 * Safe from any thread.
 *
 * @param status Any value.
 * @return For example "MMX_ERROR_TIMEOUT"; "MMX_ERROR_UNKNOWN" for a value that this version doesn't know. Static;
 *   don't free it.
 * @since 1.0.0
 */
const char *mmx_status_name(mmx_status status);

/**
 * Frees a string that the library handed over.
 *
 * Safe from any thread, once for each string.
 *
 * @param string From an out parameter or function of type `char *`. NULL does nothing.
 * @since 1.0.0
 */
void mmx_string_free(char *string);

/* ---- Configuration -------------------------------------------------------------------------------------------------
 *
 * What a client is made with. A configuration belongs to one thread at a time; clients copy what they need, so it can
 * be changed, used again and freed at will. Each setter checks its value at once; one that fails leaves the
 * configuration as it was.
 *
 * Where a number is a setting, 0 is the default; a time of -1 is "no limit"; anything else below 1 is
 * MMX_ERROR_INVALID_ARGUMENT.
 */

/* ---- Client --------------------------------------------------------------------------------------------------------
 *
 * A client is cheap: no thread, no connection, no certificate read until the first call needs it. Clients with the same
 * network settings share their connections. Use one from any number of threads at once, also in a child after fork().
 */

/**
 * Makes a configuration with the defaults and what the environment says.
 *
 * Reads MINIMAX_API_KEY, MINIMAX_BASE_URL, SSL_CERT_FILE and SSL_CERT_DIR, here and nowhere else: no other function of
 * this library looks at the environment, so another thread may change it later (a name is looked up by libc, whose
 * getaddrinfo() has variables of its own). What is wrong with a value is said by mmx_client_new(). Free it with
 * mmx_config_free().
 *
 * @return The configuration; NULL only if something went badly wrong within the library.
 * @since 1.0.0
 */
mmx_config *mmx_config_new(void);

/**
 * Frees a configuration. Clients made with it are not affected. The copy of the key in it is wiped.
 *
 * @param config From mmx_config_new(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_config_free(mmx_config *config);

/**
 * Sets the API key: what "Authorization: Bearer ..." carries.
 *
 * The library's own copies are wiped when they are freed, and the key is in no error, log or debug print. The HTTP and
 * TLS layers and the environment may keep copies of their own.
 *
 * @param config    The configuration to change.
 * @param api_key   The key, without "Bearer ". Visible ASCII characters.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: empty, a line break, a space, or not ASCII.
 * @since 1.0.0
 */
mmx_status mmx_config_set_api_key(mmx_config *config,
                                  const char *api_key,
                                  mmx_error **out_error);

/**
 * Sets where the API is.
 *
 * A key belongs to one region: https://api.minimaxi.com, the default, is China's; https://api.minimax.io is the global
 * one. A path in the URL goes before that of each call.
 *
 * @param config    The configuration to change.
 * @param base_url  http:// or https:// and a host, perhaps with a port and a path; no user name, password, query or
 *   fragment. http:// to another machine is refused by mmx_client_new() unless mmx_config_set_allow_insecure().
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: not such a URL.
 * @since 1.0.0
 */
mmx_status mmx_config_set_base_url(mmx_config *config,
                                   const char *base_url,
                                   mmx_error **out_error);

/**
 * Allows http:// to another machine. Whoever sees the traffic then sees the key.
 *
 * To this machine (localhost, 127.0.0.0/8, ::1) http:// is always allowed. The check of a server's certificate can't be
 * switched off.
 *
 * @param config    The configuration to change.
 * @param allow     false is the default.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: config is NULL.
 * @since 1.0.0
 */
mmx_status mmx_config_set_allow_insecure(mmx_config *config,
                                         bool allow,
                                         mmx_error **out_error);

/**
 * Trusts the certificates of a PEM file beside the system's: those of a private CA.
 *
 * The file is read now. A later call replaces what an earlier one set.
 *
 * @param config    The configuration to change.
 * @param pem_path  Path of a file with one or more CERTIFICATE sections. UTF-8.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK.
 *   MMX_ERROR_FILE: the file can't be read.
 *   MMX_ERROR_INVALID_ARGUMENT: it holds no certificate, or one that can't be parsed.
 * @since 1.0.0
 */
mmx_status mmx_config_set_ca_file(mmx_config *config,
                                  const char *pem_path,
                                  mmx_error **out_error);

/**
 * Names the program in the User-Agent header, before the library's own "libmmx/1.0.0".
 *
 * @param config     The configuration to change.
 * @param user_agent For example "reports/2.1". Printable ASCII; "" leaves the library's own alone.
 * @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: holds something else.
 * @since 1.0.0
 */
mmx_status mmx_config_set_user_agent(mmx_config *config,
                                     const char *user_agent,
                                     mmx_error **out_error);

/**
 * Sets the one bound over everything that a call does: look-up, connect, every attempt, every wait.
 *
 * @param config     The configuration to change.
 * @param timeout_ms Milliseconds, 1 or more; 0 = the default, 60,000; -1 = no limit.
 * @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: below -1.
 * @since 1.0.0
 */
mmx_status mmx_config_set_timeout_ms(mmx_config *config,
                                     int64_t timeout_ms,
                                     mmx_error **out_error);

/**
 * Sets how many requests one call may send at most, the first one included.
 *
 * This version sends one, whatever is set here; the value is checked and kept for the version that sends more.
 *
 * @param config       The configuration to change.
 * @param max_attempts 1 or more; 0 = the default, 4.
 * @param out_error    Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: negative.
 * @since 1.0.0
 */
mmx_status mmx_config_set_max_attempts(mmx_config *config,
                                       int32_t max_attempts,
                                       mmx_error **out_error);

/**
 * Makes a client.
 *
 * Sends nothing and starts nothing. Free it with mmx_client_free().
 *
 * @param config     Its settings, copied. NULL = the defaults and the environment, as mmx_config_new() has them.
 * @param out_client Gets the client, or NULL.
 * @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK.
 *   MMX_ERROR_INVALID_ARGUMENT: no key, or a key or base URL from the environment that can't be used, or http:// to
 *   another machine; the message says which.
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
mmx_status mmx_client_new(const mmx_config *config,
                          mmx_client **out_client,
                          mmx_error **out_error);

/**
 * Frees a client. Never waits.
 *
 * Calls that have entered finish as they would; none may begin during or after it. Safe in a child after fork().
 *
 * @param client From mmx_client_new(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_client_free(mmx_client *client);

/* ---- Files ---------------------------------------------------------------------------------------------------------
 *
 * The calls of the file API. Each blocks its thread until the answer is there, or a limit ends it, and needs no other
 * thread. Where a call hands over JSON, it is the service's answer as it came, unknown fields included.
 */

/**
 * Deletes one file.
 *
 * Sends POST /v1/files/delete ("File Delete" in the API's documents) and waits for the answer: at most the call's
 * timeout. Sends one request; it is not repeated. Safe from any number of threads.
 *
 * @param client    From mmx_client_new().
 * @param file_id   The file's id, 1 or more.
 * @param purpose   What the file is for, as it was uploaded or made: one of MMX_PURPOSE_..., or a newer one: 1 to 64 of
 *   a-z, 0-9 and _. A wrong one is refused by the service.
 * @param options   For this call only; NULL = the client's settings.
 * @param out_json  Gets the service's answer; free with mmx_string_free(). NULL = not wanted.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK: the service reports it deleted.
 *   MMX_ERROR_INVALID_ARGUMENT: an argument can't be right; nothing was sent, the message names it.
 *   MMX_ERROR_AUTHENTICATION: a wrong key, or a key of the other region.
 *   MMX_ERROR_RATE_LIMITED, MMX_ERROR_QUOTA, MMX_ERROR_PERMISSION, MMX_ERROR_CONTENT_REJECTED: refused, nothing
 *   changed.
 *   MMX_ERROR_INVALID_REQUEST, MMX_ERROR_NOT_FOUND, MMX_ERROR_API: refused; so is a file that isn't there, under a code
 *   that the documents don't fix.
 *   MMX_ERROR_CONNECT: no connection; nothing was sent.
 *   MMX_ERROR_TIMEOUT, MMX_ERROR_CANCELLED, MMX_ERROR_NETWORK: it may be gone all the same, see
 *   mmx_error_is_ambiguous().
 *   MMX_ERROR_SERVER, MMX_ERROR_SERVER_TIMEOUT, MMX_ERROR_PROTOCOL: an answer that leaves it open, too.
 *   MMX_ERROR_HTTP: an HTTP error of something between, such as a proxy.
 *   MMX_ERROR_INTERNAL: a bug of the library, or the process is out of descriptors.
 * @since 1.0.0
 * @code
 * mmx_error *error = NULL;
 * if (mmx_delete_file(client, 176844028768320, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error) != MMX_OK) {
 *     fprintf(stderr, "%s\n", mmx_error_message(error));
 *     mmx_error_free(error);
 * }
 * @endcode
 */
mmx_status mmx_delete_file(const mmx_client *client,
                           int64_t file_id,
                           const char *purpose,
                           const mmx_call_options *options,
                           char **out_json,
                           mmx_error **out_error);

/* ---- Cancelling ----------------------------------------------------------------------------------------------------
 *
 * A token ends calls early: hand it to them in their options, trigger it from wherever it suits. A call hears it
 * wherever it waits, closes its connection, and returns MMX_ERROR_CANCELLED. One token serves any number of calls at
 * once. A token is good in the process that made it, not in a child after fork().
 */

/**
 * Makes a token. It holds one descriptor until it is freed with mmx_cancel_free().
 *
 * @param out_cancel Gets the token, or NULL.
 * @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK.
 *   MMX_ERROR_INVALID_ARGUMENT: out_cancel is NULL.
 *   MMX_ERROR_INTERNAL: the process is out of descriptors.
 * @since 1.0.0
 */
mmx_status mmx_cancel_new(mmx_cancel **out_cancel,
                          mmx_error **out_error);

/**
 * Cancels every call that has the token, and those that get it later, until mmx_cancel_reset().
 *
 * From any thread, at any time, also in a signal handler: it is async-signal-safe and keeps errno.
 *
 * @param cancel From mmx_cancel_new(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_cancel_trigger(mmx_cancel *cancel);

/**
 * Makes a triggered token good for further calls. Only while no call uses it.
 *
 * @param cancel From mmx_cancel_new(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_cancel_reset(mmx_cancel *cancel);

/**
 * Frees a token. Only while no call uses it.
 *
 * @param cancel From mmx_cancel_new(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_cancel_free(mmx_cancel *cancel);

/* ---- Errors --------------------------------------------------------------------------------------------------------
 *
 * Why a call failed. An error belongs to the caller and stands for itself: it outlives the client, and may be read from
 * any thread. The getters take NULL and answer as for success.
 */

/**
 * The status that the call returned.
 *
 * @param error From a call's out_error, or NULL.
 * @return MMX_ERROR_...; MMX_OK for NULL.
 * @since 1.0.0
 */
mmx_status mmx_error_status(const mmx_error *error);

/**
 * What went wrong and what to do, on one line, for a person. Begins with the call; never holds the key.
 *
 * @param error From a call's out_error, or NULL.
 * @return UTF-8 without control characters, valid until mmx_error_free(); "" for NULL.
 * @since 1.0.0
 */
const char *mmx_error_message(const mmx_error *error);

/**
 * The service's own number: base_resp.status_code, or the one in parentheses at the end of a newer error's message.
 *
 * @param error From a call's out_error, or NULL.
 * @return For example 1004; 0 when none came.
 * @since 1.0.0
 */
int32_t mmx_error_api_code(const mmx_error *error);

/**
 * The HTTP status of the answer. The service answers most failures with 200.
 *
 * @param error From a call's out_error, or NULL.
 * @return For example 502; 0 when no answer came.
 * @since 1.0.0
 */
int32_t mmx_error_http_status(const mmx_error *error);

/**
 * The id under which the service knows the request: its support asks for it.
 *
 * @param error From a call's out_error, or NULL.
 * @return Visible ASCII, valid until mmx_error_free(); "" when none came.
 * @since 1.0.0
 */
const char *mmx_error_trace_id(const mmx_error *error);

/**
 * How many requests the call sent, or tried to send.
 *
 * @param error From a call's out_error, or NULL.
 * @return 0 when the call was refused before.
 * @since 1.0.0
 */
int32_t mmx_error_attempts(const mmx_error *error);

/**
 * How long the service asks to wait: its Retry-After, in seconds or as a date.
 *
 * @param error From a call's out_error, or NULL.
 * @return Milliseconds; -1 when it didn't say.
 * @since 1.0.0
 */
int64_t mmx_error_retry_after_ms(const mmx_error *error);

/**
 * Whether the service may have carried the call out although it failed.
 *
 * @param error From a call's out_error, or NULL.
 * @return true: it was sent, and what became of it isn't known. false: nothing was sent, or it was refused.
 * @since 1.0.0
 */
bool mmx_error_is_ambiguous(const mmx_error *error);

/**
 * All of an error as a JSON object: status, status_name, call, message, parameter, api_code, api_message, http_status,
 * trace_id, attempts, retry_after_ms, ambiguous. Fields may be added.
 *
 * @param error From a call's out_error, or NULL.
 * @return UTF-8; free with mmx_string_free(). NULL for NULL.
 * @since 1.0.0
 */
char *mmx_error_json(const mmx_error *error);

/**
 * Frees an error.
 *
 * @param error From a call's out_error. NULL does nothing.
 * @since 1.0.0
 */
void mmx_error_free(mmx_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MMX_H */
