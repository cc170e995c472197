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

/* Flags of mmx_call_options. */
#define MMX_CALL_RECONCILE 1u /* upload: look for the file when the answer was lost */
#define MMX_CALL_VIA_DOWNLOAD_URL 2u /* download: through the link of mmx_retrieve_file() */

/* What became of a file, in bulk. More may come: never index an array by one. */
#define MMX_OUTCOME_DELETED 1 /* the service said so, or our request was lost and the file is seen to be gone since */
#define MMX_OUTCOME_ALREADY_ABSENT 2 /* it was not there before we asked, and we have seen that */
#define MMX_OUTCOME_FAILED 3 /* refused, or nothing could be sent: error says why */
#define MMX_OUTCOME_UNKNOWN 4 /* sent, and what became of it could not be settled: error says why */
#define MMX_OUTCOME_NOT_ATTEMPTED 5 /* cancelled, out of time, or a key that is refused */
#define MMX_OUTCOME_KEPT 6 /* prune: matched, but a guard or a dry run keeps it */

/* Flags of mmx_bulk_options and mmx_filter. */
#define MMX_BULK_DRY_RUN 1u /* send no delete: every match comes back as KEPT */
#define MMX_BULK_VERIFY 2u /* list again at the end and say what is still there */
#define MMX_FILTER_ALL 1u /* really everything of that purpose */

/* The levels of mmx_config_set_logger(). */
#define MMX_LOG_ERROR 1 /* a call that failed */
#define MMX_LOG_WARN 2 /* what was sent again, or settled after a lost answer */
#define MMX_LOG_INFO 3 /* a download that went on where it was cut */
#define MMX_LOG_DEBUG 4 /* each attempt, answer, wait and connection */

/* Sets struct_size and leaves the rest as the client has it. */
#define MMX_CALL_OPTIONS_INIT { sizeof(mmx_call_options), 0, 0, 0, NULL, NULL, NULL }
#define MMX_SOURCE_INIT { sizeof(mmx_source), -1, NULL, NULL, NULL }
#define MMX_SINK_INIT { sizeof(mmx_sink), NULL, NULL, NULL }
#define MMX_BULK_OPTIONS_INIT { sizeof(mmx_bulk_options), 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL }
#define MMX_FILTER_INIT { sizeof(mmx_filter), NULL, 0, 0, NULL, NULL, NULL, 0, 0, 0, 0 }

/** A token to end calls with. */
typedef struct mmx_cancel mmx_cancel;

/** An account at a place: what calls are made with. */
typedef struct mmx_client mmx_client;

/** Settings for clients to come. */
typedef struct mmx_config mmx_config;

/** Why a call failed. */
typedef struct mmx_error mmx_error;

/** The files of one answer. */
typedef struct mmx_files mmx_files;

/** The outcome of a call: MMX_OK or one of MMX_ERROR_...; more may come in later versions. */
typedef int32_t mmx_status;

/**
 * Told what happens in the calls of a client: one JSON object a line, without a line break.
 *
 * Runs on the thread that makes the call, while it waits in the call, with nothing of the library locked: it may call
 * the library, take its time, or wait for a lock of its own. level is one of MMX_LOG_... json_line is borrowed until it
 * returns.
 */
typedef void (*mmx_log_fn)(void *user_data, int32_t level, const char *json_line);

/**
 * Told how far a call is, on the thread that made it, while it waits in the call.
 *
 * done and total are in bytes; total is -1 when it isn't known. Returning anything but 0 cancels the call. The last report
 * of an upload comes when the service has answered: nothing is left to cancel, and the call returns the answer. That of a
 * download still cancels: it comes when every byte was written, but before a path's file takes the target's place.
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
    /** MMX_CALL_..., where the call knows it; otherwise 0. */
    uint32_t flags;
    /** Ends the call early when triggered. Borrowed for the length of the call. */
    mmx_cancel *cancel;
    /** For uploads and downloads. */
    mmx_progress_fn progress;
    /** Handed to progress. */
    void *user_data;
} mmx_call_options;

/** Where an upload reads from. Begin with MMX_SOURCE_INIT, which sets size to -1. */
typedef struct mmx_source {
    /** sizeof(mmx_source) of the header that the caller was built with. */
    size_t struct_size;
    /** Bytes to come; -1 = not known. Where it is known, fewer or more are MMX_ERROR_FILE, and nothing is stored. */
    int64_t size;
    /** Puts up to capacity bytes into buffer and returns how many; 0 = the end; negative = give up. */
    int64_t (*read)(void *user_data, uint8_t *buffer, size_t capacity);
    /**
     * Goes back to the start, where read begins anew; 0 = done, anything else ends the call as MMX_ERROR_FILE. May be
     * NULL: then nothing that was read is sent again.
     */
    int32_t (*rewind)(void *user_data);
    /** Handed to both. */
    void *user_data;
} mmx_source;

/** Where a download writes to. Begin with MMX_SINK_INIT. */
typedef struct mmx_sink {
    /** sizeof(mmx_sink) of the header that the caller was built with. */
    size_t struct_size;
    /** Takes all of data; 0 = done; anything else gives up. */
    int32_t (*write)(void *user_data, const uint8_t *data, size_t length);
    /**
     * Forgets what was written: the file begins anew; 0 = done. May be NULL: then a download that was cut goes on only
     * where the service can send the rest of the same file.
     */
    int32_t (*restart)(void *user_data);
    /** Handed to both. */
    void *user_data;
} mmx_sink;

/** A file as the service tells of it. Filled by the library; later versions may add fields at its end. */
typedef struct mmx_file {
    int64_t file_id;
    /** 0 for generated files: not a length to rely on. */
    int64_t bytes;
    /** Unix seconds; 0 = not said. */
    int64_t created_at;
    /** "" = not said; never NULL. A name of the service's: check it before it becomes a path or goes to a terminal. */
    const char *filename;
    /** "" = not said; never NULL. */
    const char *purpose;
    /** "" = not said; never NULL. Whoever has it can fetch the file: keep it out of logs. */
    const char *download_url;
} mmx_file;

/** One file to delete. Stands in arrays, so it never grows. */
typedef struct mmx_file_ref {
    int64_t file_id;
    /** As for mmx_delete_file(). Borrowed for the length of the call. */
    const char *purpose;
} mmx_file_ref;

/**
 * What became of one file. Filled by the library, and gone when the callback returns; later versions may add fields at
 * its end.
 */
typedef struct mmx_outcome {
    /** Its place in the input, or in the plan. */
    size_t index;
    int64_t file_id;
    const char *purpose;
    /** MMX_OUTCOME_... */
    int32_t outcome;
    /** Deletes that were sent for it. */
    int32_t attempts;
    /** Who says so: "answer", "retrieve", "list", or "". */
    const char *evidence;
    /** "" = none came. */
    const char *trace_id;
    /** Unix milliseconds. */
    int64_t settled_at_ms;
    /** NULL unless failed or unknown; borrowed. */
    const mmx_error *error;
} mmx_outcome;

/**
 * Told of each file once, as it settles. Returning anything but 0 stops the run: what is under way is settled, the rest
 * is not attempted.
 */
typedef int32_t (*mmx_outcome_fn)(void *user_data, const mmx_outcome *outcome);

/** How many files are deleted. Begin with MMX_BULK_OPTIONS_INIT; 0 and NULL mean "as the client is configured". */
typedef struct mmx_bulk_options {
    /** sizeof(mmx_bulk_options) of the header that the caller was built with. */
    size_t struct_size;
    /** One bound over the whole, in milliseconds; 0 or -1 = none. */
    int64_t timeout_ms;
    /** Of each file, in milliseconds, its waits for the rate limiter left out; -1 = none. */
    int64_t call_timeout_ms;
    /** Deletes that are sent for a file at most. */
    int32_t max_attempts;
    /**
     * Files under way at once at most, 1 to 1,000; 0 = 16. It begins with 2 and grows, for the service refuses a sudden
     * rise; soon after a run of the same key that went well it begins with as many as that had.
     */
    int32_t concurrency;
    /** MMX_BULK_..., or 0. */
    uint32_t flags;
    /** Ends the call early when triggered. Borrowed for the length of the call. */
    mmx_cancel *cancel;
    /** Told how many files have settled, of how many. */
    mmx_progress_fn progress;
    /** Told of each file as it settles; then out_json holds no outcomes, and memory use does not grow with them. */
    mmx_outcome_fn on_outcome;
    /** Handed to both. */
    void *user_data;
} mmx_bulk_options;

/**
 * Which files go: all conditions must hold. Begin with MMX_FILTER_INIT. At least one condition beside the purpose must be
 * given, or the flag MMX_FILTER_ALL.
 */
typedef struct mmx_filter {
    /** sizeof(mmx_filter) of the header that the caller was built with. */
    size_t struct_size;
    /** NULL = of every purpose. */
    const char *purpose;
    /**
     * In seconds, by the service's clock and by this machine's, both; a file of unknown or future time is never old. 0 =
     * no condition.
     */
    int64_t older_than_s;
    /** 0 = no condition. The service says 0 for the files that it makes itself. */
    int64_t min_bytes;
    /** A pattern of * ? [a-z] for the file's name, compared in the normal form NFC; NULL = no condition, "" is refused. */
    const char *name_glob;
    /** Files whose name matches are kept, and the plan says how many; NULL = none, "" is refused. */
    const char *keep_glob;
    /** Files that are kept. */
    const int64_t *keep_ids;
    size_t keep_count;
    /** If more would be deleted, nothing is: MMX_ERROR_GUARD, and out_json holds the plan. 0 = no cap. */
    int64_t max_files;
    /** The same, in per cent of all that was listed; 0 = no cap. */
    int32_t max_percent;
    /** MMX_FILTER_ALL, or 0. */
    uint32_t flags;
} mmx_filter;

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
 * Reads MINIMAX_API_KEY, MINIMAX_BASE_URL, SSL_CERT_FILE, SSL_CERT_DIR, and for mmx_config_set_proxy() HTTPS_PROXY,
 * HTTP_PROXY, ALL_PROXY, NO_PROXY (each in lower case, too) and REQUEST_METHOD, here and nowhere else: no other function
 * of this library looks at the environment, so another thread may change it later (a name is looked up by libc, whose
 * getaddrinfo() has variables of its own). One that is set to nothing is not set. What is wrong with a value is said by
 * mmx_client_new(). Free it with mmx_config_free().
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
 * Sets the HTTP proxy that everything goes through, also what stays on this machine; or none.
 *
 * Without it the environment's count: https_proxy for https://, http_proxy for http://, all_proxy where the one is not
 * set; no_proxy lists what is reached directly, separated by commas: names with all names below them, addresses,
 * networks such as 10.0.0.0/8, or * for everything. Each may be written in upper case; lower case counts first, and
 * HTTP_PROXY not where REQUEST_METHOD is set, for there it comes from whoever asks a web server (CGI). This machine
 * (localhost, 127.0.0.0/8, ::1) is never reached through a proxy of the environment.
 *
 * To an https:// address the proxy is asked for a tunnel (CONNECT), and sees neither the key nor anything else of a
 * call. With http:// it sees everything: one on another machine is refused by mmx_client_new() then, unless
 * mmx_config_set_allow_insecure(). A failure of the proxy is MMX_ERROR_CONNECT, for nothing has reached the service,
 * and names the proxy. The credentials are in no message; our copies are wiped when they are freed.
 *
 * @param config      The configuration to change.
 * @param url_or_none "http://host:port", or with credentials "http://user:password@host:port", where characters that
 *   mean something in a URL are written as %40; https:// speaks TLS to the proxy itself. Without a port it is 80 or 443.
 *   "none": no proxy, not even the environment's. "" or NULL = what the environment says, the default.
 * @param out_error   Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: not such a URL, or a SOCKS proxy.
 * @since 1.0.0
 */
mmx_status mmx_config_set_proxy(mmx_config *config,
                                const char *url_or_none,
                                mmx_error **out_error);

/**
 * Sets the one bound over everything that a call does: look-up, connect, every attempt, every wait.
 *
 * @param config     The configuration to change.
 * @param timeout_ms Milliseconds, 1 or more; 0 = the default, 60,000, or no limit for uploads and downloads; -1 = no
 *   limit.
 * @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: below -1.
 * @since 1.0.0
 */
mmx_status mmx_config_set_timeout_ms(mmx_config *config,
                                     int64_t timeout_ms,
                                     mmx_error **out_error);

/**
 * Sets how long a connection may take to come to be: look-up, connect, a proxy's consent and TLS handshake together.
 *
 * One that takes longer is MMX_ERROR_TIMEOUT with nothing sent, so it is never ambiguous. A host with several addresses
 * gets a share of the time for each.
 *
 * @param config     The configuration to change.
 * @param timeout_ms Milliseconds, 1 or more; 0 = the default, 10,000; -1 = no limit but that of the call.
 * @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: below -1.
 * @since 1.0.0
 */
mmx_status mmx_config_set_connect_timeout_ms(mmx_config *config,
                                             int64_t timeout_ms,
                                             mmx_error **out_error);

/**
 * Sets how long the other end may be silent while a call waits for it.
 *
 * The time starts anew with every piece of a body that comes or is taken, so it bounds no call that moves on. One that
 * doesn't is MMX_ERROR_TIMEOUT, ambiguous as any call that is interrupted there. It runs while a connection is made,
 * too; it doesn't while a callback of yours runs.
 *
 * @param config     The configuration to change.
 * @param timeout_ms Milliseconds, 1 or more; 0 = the default, 60,000; -1 = no limit.
 * @param out_error  Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: below -1.
 * @since 1.0.0
 */
mmx_status mmx_config_set_idle_timeout_ms(mmx_config *config,
                                          int64_t timeout_ms,
                                          mmx_error **out_error);

/* ---- Files ---------------------------------------------------------------------------------------------------------
 *
 * The calls of the file API. Each blocks its thread until the answer is there, or a limit ends it, and needs no other
 * thread. Where a call hands over JSON, it is the service's answer as it came, unknown fields included.
 */

/* ---- Uploads and downloads -----------------------------------------------------------------------------------------
 *
 * A file's bytes, from and to a path or functions of the caller's. Callbacks run on the thread that made the call, while
 * it waits in the call, and none is kept after it; they may call the library, but not free what the call uses. Memory
 * use does not grow with the file. There is no time limit unless one is set, but a service that moves no byte for 60 s
 * ends a transfer (mmx_config_set_idle_timeout_ms()). A path may lead to a FIFO, whose other end may come later.
 *
 * A callback that forks: the call goes on in the parent; the child's copy of it ends as MMX_ERROR_CANCELLED when the
 * callback returns there, and touches no file.
 */

/**
 * Sets how many requests one call may send at most, the first one included.
 *
 * What is sent again stands at mmx_delete_file() and mmx_upload_file().
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
 * Sets how many requests a minute may go out, retries and look-ups of a file included.
 *
 * All threads and all clients of this process that have the same key and base URL share one limiter, first come, first
 * served: requests are spread evenly over the minute, and the waits count towards a call's time limit (in bulk they
 * don't). A forked process has a limiter of its own: divide the number by that of your processes. With or without a
 * number set, the rate adapts by itself when the service says that requests come too fast (1002, 1039, 1041, 2045, HTTP
 * 429): all pause, then go on at half the rate, which grows again.
 *
 * @param config    The configuration to change.
 * @param requests  Requests a minute, 1 or more; 0 = the default: as many as there are.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: negative.
 * @since 1.0.0
 */
mmx_status mmx_config_set_requests_per_minute(mmx_config *config,
                                              int32_t requests,
                                              mmx_error **out_error);

/**
 * Sets who is told of what happens in the calls of the clients to come.
 *
 * Each line is an object with "event" and "call", and what is known: "attempt" (its number), "http_status",
 * "api_code", "ms", "trace_id", "message" and others. The events: "attempt", "connection" ("how" is "made" or "reused"),
 * "answer", "no_answer", "wait" (for the rate limiter) and "redirect" at MMX_LOG_DEBUG; "resumed" at MMX_LOG_INFO;
 * "retry" ("wait_ms"), "settling" and "settled" ("found" is "gone", "there" or "unknown") at MMX_LOG_WARN; "failed" at
 * MMX_LOG_ERROR. More may come. No line holds the key or a signed link.
 *
 * @param config    The configuration to change.
 * @param log       The function; NULL = none, the default. It and user_data stay valid until the last client made with
 *   it is freed and its calls have returned. Called from every thread that makes a call, by several at once.
 * @param user_data Handed to log; NULL = nothing.
 * @param level     The least important that is wanted: MMX_LOG_ERROR, MMX_LOG_WARN, MMX_LOG_INFO or MMX_LOG_DEBUG.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK, or MMX_ERROR_INVALID_ARGUMENT: another level.
 * @since 1.0.0
 */
mmx_status mmx_config_set_logger(mmx_config *config,
                                 mmx_log_fn log,
                                 void *user_data,
                                 int32_t level,
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
 *   MMX_ERROR_INVALID_ARGUMENT: no key, or a key, base URL or proxy from the environment that can't be used, or http:// to
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

/**
 * Deletes one file.
 *
 * Sends POST /v1/files/delete ("File Delete" in the API's documents) and waits for the answer: at most the call's
 * timeout. Safe from any number of threads.
 *
 * It goes again, up to max_attempts requests, where nothing was sent, where no answer came, and after 1000, 1001, 1002,
 * 1013, 1024, 1033, 1039, 1041, 2045 and HTTP 408, 429 and 5xx. Where an answer was lost, an error of the next attempt is
 * checked by one retrieve: if the file is there it is deleted again; if it is gone the call succeeds, and out_json is
 * {"file_id": ..., "evidence": "retrieve"}, for the service gave no answer of its own.
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

/* ---- Reading an answer without a JSON parser -----------------------------------------------------------------------
 *
 * The files in the JSON that a call handed over: all of a listing, the one of a retrieve or an upload, the id of a
 * delete. All 64 bits of an id are kept, whether it came as a number or as a decimal string.
 */

/**
 * Lists files.
 *
 * Sends GET /v1/files/list ("File List" in the API's documents) and waits for the answer: at most the call's timeout.
 * There is no paging: the one answer holds every file, and is read up to 256 MiB. Safe from any number of threads.
 *
 * @param client          From mmx_client_new().
 * @param purpose_or_null Only files of this purpose: 1 to 64 of a-z, 0-9 and _. NULL = of every purpose.
 * @param options         For this call only; NULL = the client's settings.
 * @param out_json        Gets the service's answer, for mmx_files_parse() or a JSON parser; free with mmx_string_free().
 *   NULL = not wanted.
 * @param out_error       Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK: out_json holds every file; its "files" may be missing or null where there is none.
 *   MMX_ERROR_PROTOCOL: the answer is not a listing.
 *   Others as for mmx_delete_file(). A failed call is never an empty listing.
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
mmx_status mmx_list_files(const mmx_client *client,
                          const char *purpose_or_null,
                          const mmx_call_options *options,
                          char **out_json,
                          mmx_error **out_error);

/**
 * Retrieves what the service knows of one file, a link to its bytes among it.
 *
 * Sends GET /v1/files/retrieve ("File Retrieve" in the API's documents) and waits for the answer: at most the call's
 * timeout. Safe from any number of threads.
 *
 * @param client    From mmx_client_new().
 * @param file_id   The file's id, 1 or more.
 * @param options   For this call only; NULL = the client's settings.
 * @param out_json  Gets the service's answer, for mmx_files_parse() or a JSON parser; free with mmx_string_free().
 *   NULL = not wanted.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK: out_json tells of the file.
 *   MMX_ERROR_PROTOCOL: the answer is not about this file.
 *   Others as for mmx_delete_file().
 * @since 1.0.0
 */
mmx_status mmx_retrieve_file(const mmx_client *client,
                             int64_t file_id,
                             const mmx_call_options *options,
                             char **out_json,
                             mmx_error **out_error);

/**
 * Uploads a local file under its own name.
 *
 * Sends POST /v1/files/upload ("File Upload" in the API's documents) and waits for the answer. The media type follows
 * the name's ending. A FIFO or a device is sent up to its end, in chunks; the request begins once a FIFO has something
 * to read. It is sent again where nothing can have been stored: the connection broke before the last byte was taken, or
 * the service refused it for its rate. Safe from any number of threads.
 *
 * With MMX_CALL_RECONCILE in options.flags, an upload that may or may not be stored, for its answer was lost, is looked
 * for in the list: a file of the same name, size and purpose, made since the call began by the service's clock. One that
 * fits is returned, as {"file":...,"evidence":"list"}. Where there is none, it is sent again; where several fit or the
 * list can't tell, the error stays ambiguous and says why.
 *
 * @param client    From mmx_client_new().
 * @param path      The file to read. UTF-8.
 * @param purpose   What it is for: one of MMX_PURPOSE_..., or a newer one: 1 to 64 of a-z, 0-9 and _.
 * @param options   For this call only, its progress among it; NULL = the client's settings.
 * @param out_json  Gets the service's answer, with the file's id, for mmx_files_parse() or a JSON parser; free with
 *   mmx_string_free(). NULL = not wanted.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK: the service has stored it.
 *   MMX_ERROR_FILE: it can't be read, or shrank or grew while it was read; nothing was stored.
 *   MMX_ERROR_CANCELLED: by the token or the progress function.
 *   MMX_ERROR_TIMEOUT, MMX_ERROR_NETWORK: it may be stored all the same if mmx_error_is_ambiguous() says so.
 *   Others as for mmx_delete_file(). A refusal in the middle is told as the service says it, and nothing more is sent.
 * @since 1.0.0
 */
mmx_status mmx_upload_file(const mmx_client *client,
                           const char *path,
                           const char *purpose,
                           const mmx_call_options *options,
                           char **out_json,
                           mmx_error **out_error);

/**
 * Uploads what a source gives.
 *
 * As mmx_upload_file(), with a Content-Length where the source's size is known, in chunks where it isn't.
 *
 * @param client    From mmx_client_new().
 * @param source    Where the bytes come from. Used until the call returns.
 * @param filename  The name that the service gets, with an ending that fits. UTF-8, 1 to 1,024 bytes.
 * @param purpose   What it is for: one of MMX_PURPOSE_..., or a newer one: 1 to 64 of a-z, 0-9 and _.
 * @param options   For this call only, its progress among it; NULL = the client's settings.
 * @param out_json  Gets the service's answer; free with mmx_string_free(). NULL = not wanted.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK: the service has stored it.
 *   MMX_ERROR_FILE: the source gave up, gave fewer or more bytes than its size, or could not go back to its start.
 *   Others as for mmx_upload_file().
 * @since 1.0.0
 */
mmx_status mmx_upload_stream(const mmx_client *client,
                             const mmx_source *source,
                             const char *filename,
                             const char *purpose,
                             const mmx_call_options *options,
                             char **out_json,
                             mmx_error **out_error);

/**
 * Downloads a file to a path.
 *
 * Sends GET /v1/files/retrieve_content ("File Retrieve Content" in the API's documents), or fetches the link of
 * mmx_retrieve_file() if the options' flags have MMX_CALL_VIA_DOWNLOAD_URL; the key is never sent to another host. A
 * download that is cut goes on where it was cut, or begins anew, up to max_attempts requests. What is written stands
 * beside the target under a temporary name until it is whole: the target is whole or untouched. An existing target
 * keeps its mode; what a symlink leads to is written; a device or a FIFO is written straight; the request begins once a
 * FIFO has a reader. Safe from any number of threads.
 *
 * @param client    From mmx_client_new().
 * @param file_id   The file's id, 1 or more.
 * @param path      The target. UTF-8. The name that the service has for the file plays no part.
 * @param options   For this call only, its progress among it; NULL = the client's settings.
 * @param out_json  Gets file_id, bytes, content_type, resumed, via and trace_id; free with mmx_string_free(). NULL =
 *   not wanted.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK: the target holds the whole file.
 *   MMX_ERROR_FILE: the target can't be written, or the disk is full.
 *   MMX_ERROR_CANCELLED: by the token or the progress function.
 *   MMX_ERROR_PROTOCOL: the answer holds no file, or leads astray.
 *   Others as for mmx_delete_file(); none is ambiguous.
 * @since 1.0.0
 */
mmx_status mmx_download_file(const mmx_client *client,
                             int64_t file_id,
                             const char *path,
                             const mmx_call_options *options,
                             char **out_json,
                             mmx_error **out_error);

/**
 * Downloads a file to a sink.
 *
 * As mmx_download_file(), but the bytes go to the sink's functions as they come.
 *
 * @param client    From mmx_client_new().
 * @param file_id   The file's id, 1 or more.
 * @param sink      Where the bytes go. Used until the call returns.
 * @param options   For this call only, its progress among it; NULL = the client's settings.
 * @param out_json  Gets file_id, bytes, content_type, resumed, via and trace_id; free with mmx_string_free(). NULL =
 *   not wanted.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK: the sink has got the whole file.
 *   MMX_ERROR_FILE: the sink gave up.
 *   MMX_ERROR_NETWORK: cut, and neither to be mended nor to be begun anew.
 *   Others as for mmx_download_file().
 * @since 1.0.0
 */
mmx_status mmx_download_stream(const mmx_client *client,
                               int64_t file_id,
                               const mmx_sink *sink,
                               const mmx_call_options *options,
                               char **out_json,
                               mmx_error **out_error);

/**
 * Reads the files from a call's JSON.
 *
 * @param json      What a call handed over as its out_json. UTF-8. Not kept.
 * @param out_files Gets the files, or NULL; free with mmx_files_free().
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK: an answer without files is an empty list.
 *   MMX_ERROR_INVALID_ARGUMENT: not the JSON of a call, or an id in it that isn't a whole number of 64 bits.
 * @since 1.0.0
 */
mmx_status mmx_files_parse(const char *json,
                           mmx_files **out_files,
                           mmx_error **out_error);

/**
 * How many files there are.
 *
 * @param files From mmx_files_parse(), or NULL.
 * @return The count; 0 for NULL.
 * @since 1.0.0
 */
size_t mmx_files_count(const mmx_files *files);

/**
 * One of the files.
 *
 * @param files From mmx_files_parse(), or NULL.
 * @param index From 0.
 * @return The file, which lives as long as files; NULL past the end and for NULL.
 * @since 1.0.0
 */
const mmx_file *mmx_files_get(const mmx_files *files, size_t index);

/**
 * Frees the files and everything that was borrowed from them.
 *
 * @param files From mmx_files_parse(). NULL does nothing.
 * @since 1.0.0
 */
void mmx_files_free(mmx_files *files);

/* ---- Many files at once --------------------------------------------------------------------------------------------
 *
 * Up to a hundred thousand files by one call, and an outcome for every one of them: several requests are under way at
 * once, all driven by the calling thread, with no other thread. Callbacks run on that thread between the requests, with
 * nothing locked; they may call the library. One refused file stops nothing; a key that is refused, or an empty account
 * (1008), stops everything, and says which files were not attempted.
 *
 * DELETED and ALREADY_ABSENT are said on evidence only: of an answer, or of a look at the file (retrieve or list) where
 * the answer was lost or the file was refused.
 */

/**
 * Deletes many files.
 *
 * Sends POST /v1/files/delete ("File Delete" in the API's documents) for each, as mmx_delete_file() does: what fails is
 * sent again, what is in doubt is settled by retrieve; where more than 20 are in doubt, by a list first. A file that
 * stands in the array twice is sent once. A refused file is looked for: if it isn't there it is ALREADY_ABSENT.
 *
 * @param client    From mmx_client_new().
 * @param files     The files. NULL only with a count of 0.
 * @param count     How many.
 * @param options   NULL = the client's settings.
 * @param out_json  Gets counts and, unless on_outcome is set, every outcome in input order, whatever the call returns,
 *   once a request went out; free with mmx_string_free(). NULL = not wanted.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK: every outcome is DELETED, ALREADY_ABSENT or KEPT.
 *   MMX_ERROR_PARTIAL: not every one is, and nothing stopped the run.
 *   MMX_ERROR_INVALID_ARGUMENT: an argument can't be right; nothing was sent, the message names it.
 *   MMX_ERROR_CANCELLED: by the token, the progress or the outcome function; MMX_ERROR_TIMEOUT: by options->timeout_ms.
 *   MMX_ERROR_AUTHENTICATION, MMX_ERROR_QUOTA: the key was refused, or the account is empty.
 *   Others as for mmx_list_files(), with MMX_BULK_VERIFY: the list at the end failed.
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
mmx_status mmx_delete_files(const mmx_client *client,
                            const mmx_file_ref *files,
                            size_t count,
                            const mmx_bulk_options *options,
                            char **out_json,
                            mmx_error **out_error);

/**
 * Deletes what a filter chooses of the files that are listed.
 *
 * Lists (mmx_list_files()), filters, and deletes as mmx_delete_files() does. A file is old only by the service's clock
 * (the Date of the list) and by this machine's. With MMX_BULK_DRY_RUN nothing is deleted, and out_json holds the plan:
 * the files, and how many bytes they hold at least. MMX_BULK_VERIFY lists again and says what is still there.
 *
 * @param client    From mmx_client_new().
 * @param filter    Which files go, which are kept, and how many may go at most.
 * @param options   NULL = the client's settings.
 * @param out_json  Gets counts, the plan and, unless on_outcome is set, every outcome in the plan's order, whatever the
 *   call returns, as soon as the list is there; free with mmx_string_free(). NULL = not wanted.
 * @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
 * @return MMX_OK: every outcome is DELETED, ALREADY_ABSENT or KEPT; also when no file matches.
 *   MMX_ERROR_GUARD: more files would go than the filter allows; no delete was sent.
 *   MMX_ERROR_PROTOCOL: the answer is not a listing, or lacks the Date that an age is told by; no delete was sent. A list
 *   that failed is never read as an empty one.
 *   MMX_ERROR_INVALID_ARGUMENT: an argument can't be right; nothing was sent, the message names it.
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
mmx_status mmx_prune_files(const mmx_client *client,
                           const mmx_filter *filter,
                           const mmx_bulk_options *options,
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
 * How many requests the call sent, or tried to send. One that belongs to another isn't counted: for a download's link,
 * or after a redirect.
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
