/* What the tests of the contract share: how a refusal looks that nothing was sent for. */
#ifndef CONTRACT_H
#define CONTRACT_H
#include "check.h"

/* What out parameters hold before a call; each must be overwritten. */
static char filling;
#define FILLED ((void *)&filling)

/* `call` refuses the argument `parameter`, with `part` in the message; `error` is the variable that it fills. */
#define REFUSES(call, error, parameter, part)                                                                          \
    assert_refused(__FILE__, __LINE__, #call, (call), &(error), parameter, part)

static inline void assert_refused(const char *file, int line, const char *call, mmx_status status, mmx_error **error,
    const char *parameter, const char *part) {
    check_int(file, line, call, status, MMX_ERROR_INVALID_ARGUMENT);
    if (!*error || *error == FILLED) FAIL("%s:%d: %s: the error is not set", file, line, call);
    char *json = mmx_error_json(*error);
    char *named = format("\"parameter\":\"%s\"", parameter);
    check_text(file, line, call, json, named, 0);
    const char *message = mmx_error_message(*error);
    check_text(file, line, call, message, parameter, 0);
    check_text(file, line, call, message, part, 0);
    CHECK(strncmp(message, "client_new: ", 12) == 0 ||
          strncmp(call + strlen("mmx_"), message, strcspn(message, ":")) == 0);
    CHECK_INT(mmx_error_status(*error), MMX_ERROR_INVALID_ARGUMENT);
    CHECK_INT(mmx_error_attempts(*error), 0);
    CHECK(!mmx_error_is_ambiguous(*error));
    CHECK_INT(mmx_error_http_status(*error), 0);
    CHECK_INT(mmx_error_api_code(*error), 0);
    CHECK_INT(mmx_error_retry_after_ms(*error), -1);
    CHECK_TEXT(mmx_error_trace_id(*error), "");
    free(named);
    mmx_string_free(json);
    mmx_error_free(*error);
    *error = FILLED;
}

/* A client that must come to be; the configuration stays the caller's. */
static inline mmx_client *client_from(const mmx_config *config) {
    mmx_client *client = NULL;
    mmx_error *error = NULL;
    if (mmx_client_new(config, &client, &error) != MMX_OK) FAIL("%s", mmx_error_message(error));
    return client;
}

/* The journal of an account must hold (or must not) `part`. */
static inline void assert_journal_has(const char *account, const char *part, bool wanted) {
    char *path = format("/control/%s/journal", account);
    char *journal = control("GET", path, NULL);
    if ((strstr(journal, part) != NULL) != wanted)
        FAIL("the journal %s %s: %s", wanted ? "lacks" : "holds", part, journal);
    free(journal);
    free(path);
}

#endif
