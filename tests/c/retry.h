/* What the tests of retry share: scripts that are easy on the eye, what the server has seen and holds, and many cases at
 * once, for most of their time is spent waiting. */
#ifndef RETRY_H
#define RETRY_H
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

/* For an answer: without a wait where the wait isn't the point. */
#define NOW "'headers':{'Retry-After':'0'}"
#define LENGTH_OF(array) (sizeof array / sizeof *array)

/* Answers by what they are: whether they go again, and whether the call may have been carried out all the same. */
static const struct {
    const char *fault;
    mmx_status status;
    bool again, in_doubt;
} answers[] = {
    {"'code':1000", MMX_ERROR_SERVER, true, true},
    {"'code':1001", MMX_ERROR_SERVER_TIMEOUT, true, true},
    {"'code':1013", MMX_ERROR_SERVER, true, true},
    {"'code':1024", MMX_ERROR_SERVER, true, true},
    {"'code':1033", MMX_ERROR_SERVER, true, true},
    {"'http_status':408", MMX_ERROR_SERVER_TIMEOUT, true, true},
    {"'http_status':500", MMX_ERROR_SERVER, true, true},
    {"'shape':'html_502'", MMX_ERROR_SERVER, true, true},
    {"'http_status':503", MMX_ERROR_SERVER, true, true},
    {"'http_status':504", MMX_ERROR_SERVER_TIMEOUT, true, true},
    {"'http_status':599", MMX_ERROR_SERVER, true, true},
    {"'shape':'new_error','http_status':500,'code':1013", MMX_ERROR_SERVER, true, true},
    {"'code':1002", MMX_ERROR_RATE_LIMITED, true, false},
    {"'code':1039", MMX_ERROR_RATE_LIMITED, true, false},
    {"'code':1041", MMX_ERROR_RATE_LIMITED, true, false},
    {"'code':2045", MMX_ERROR_RATE_LIMITED, true, false},
    {"'http_status':429", MMX_ERROR_RATE_LIMITED, true, false},
    {"'code':1004", MMX_ERROR_AUTHENTICATION, false, false},
    {"'code':2049", MMX_ERROR_AUTHENTICATION, false, false},
    {"'http_status':401", MMX_ERROR_AUTHENTICATION, false, false},
    {"'http_status':403", MMX_ERROR_AUTHENTICATION, false, false},
    {"'code':1008", MMX_ERROR_QUOTA, false, false},
    {"'code':2056", MMX_ERROR_QUOTA, false, false},
    {"'http_status':402", MMX_ERROR_QUOTA, false, false},
    {"'code':1026", MMX_ERROR_CONTENT_REJECTED, false, false},
    {"'code':1042", MMX_ERROR_INVALID_REQUEST, false, false},
    {"'code':2013", MMX_ERROR_INVALID_REQUEST, false, false},
    {"'http_status':400", MMX_ERROR_INVALID_REQUEST, false, false},
    {"'http_status':413", MMX_ERROR_INVALID_REQUEST, false, false},
    {"'code':2042", MMX_ERROR_PERMISSION, false, false},
    {"'code':4711", MMX_ERROR_API, false, false},
    {"'code':-1", MMX_ERROR_API, false, false},
    {"'shape':'text_404'", MMX_ERROR_HTTP, false, false},
    {"'http_status':418", MMX_ERROR_HTTP, false, false},
    {"'http_status':404,'body':'{\\'error\\':{}}'", MMX_ERROR_NOT_FOUND, false, false},
};

/* Appends faults that are written with ' for ". */
static inline void faults(const char *account, const char *given) {
    char *text = format("%s", given);
    for (char *at = text; (at = strchr(at, '\'')); at++) *at = '"';
    script(account, text);
    free(text);
}

/* How many requests of a call came to the account. */
static inline long requests(const char *account, const char *call) {
    char *what = format("count?call=%s", call);
    long count = count_of(account, what);
    free(what);
    return count;
}

static inline bool holds_file(const char *account, int64_t file_id) {
    char *path = format("/control/%s/files", account), *part = format("\"file_id\":%" PRId64 ",", file_id);
    char *files = control("GET", path, NULL);
    bool is_there = strstr(files, part) != NULL;
    free(files);
    free(part);
    free(path);
    return is_there;
}

struct crowd {
    void (*work)(size_t number);
    size_t count;
    atomic_size_t next;
};

static inline void *join_in(void *given) {
    struct crowd *crowd = given;
    for (size_t number; (number = atomic_fetch_add(&crowd->next, 1)) < crowd->count;) crowd->work(number);
    return NULL;
}

/* work(0) to work(count - 1), on several threads. */
static inline void at_once(void (*work)(size_t number), size_t count) {
    enum { THREADS = 32 };
    pthread_t threads[THREADS];
    struct crowd crowd = {work, count, 0};
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, join_in, &crowd) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

/* A client of an account with these faults, and the options of a call. */
static inline mmx_client *client_with_faults(const char *account_name, bool https, const char *given, long files,
    int32_t max_attempts, int64_t timeout_ms, mmx_call_options *options) {
    account(account_name, files);
    faults(account_name, given);
    *options = (mmx_call_options)MMX_CALL_OPTIONS_INIT;
    options->max_attempts = max_attempts;
    options->timeout_ms = timeout_ms;
    return retrying_client_for(account_name, https);
}

#endif
