/* What the tests of the log share: a listener that keeps the lines, each an object on its own without a secret. */
#ifndef LOG_H
#define LOG_H
#include "retry.h"

enum { LINES = 4096, LONGEST = 4096 };

/* The lines of one client's calls. */
struct log {
    pthread_mutex_t lock;
    pthread_t caller;
    bool by_one; /* all come on the caller's thread */
    int32_t level;
    int count;
    int32_t levels[LINES];
    char *lines[LINES];
};

static inline void skip_text(const char **at) {
    CHECK(*(*at)++ == '"');
    for (; **at != '"'; (*at)++) {
        CHECK((unsigned char)**at >= ' ');
        if (**at == '\\') CHECK(strchr("\"\\/bfnrtu", *++*at) != NULL);
    }
    (*at)++;
}

/* {"name":value,…}, a value being a text, a number, true, false or null. */
static inline void check_object(const char *line) {
    const char *at = line;
    CHECK(*at++ == '{');
    do {
        skip_text(&at);
        CHECK(*at++ == ':');
        if (*at == '"') skip_text(&at);
        else at += strspn(at, "-0123456789.truefalsn");
    } while (*at++ == ',');
    if (at[-1] != '}' || *at) FAIL("not an object of its own: %s", line);
    CHECK_HAS(line, "\"event\":\"");
    CHECK_HAS(line, "\"call\":\"");
}

static inline void record_event(void *user_data, int32_t level, const char *line) {
    struct log *log = user_data;
    check_object(line);
    CHECK(level >= MMX_LOG_ERROR && level <= log->level);
    if (log->by_one) CHECK(pthread_equal(pthread_self(), log->caller));
    if (strstr(line, setting("MMX_TEST_KEY")) || strstr(line, "Signature")) FAIL("a secret: %s", line);
    pthread_mutex_lock(&log->lock);
    CHECK(log->count < LINES);
    log->levels[log->count] = level;
    log->lines[log->count++] = format("%s", line);
    pthread_mutex_unlock(&log->lock);
}

static inline void empty(struct log *log) {
    while (log->count > 0) free(log->lines[--log->count]);
}

static inline void begin(struct log *log, int32_t level) {
    *log = (struct log){.lock = PTHREAD_MUTEX_INITIALIZER, .caller = pthread_self(), .by_one = true, .level = level};
}

/* A client that logs, and sends again as it does by default. */
static inline mmx_client *logging(
    const char *account_name, bool https, mmx_log_fn function, void *user_data, int32_t level) {
    mmx_config *config = config_for(account_name, https);
    CHECK_INT(mmx_config_set_max_attempts(config, 0, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_logger(config, function, user_data, level, NULL), MMX_OK);
    return client_of(config);
}

#endif
