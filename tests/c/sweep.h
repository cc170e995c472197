/* What the generated NULL sweep calls with (tests/common/null_sweep.rs). */
#ifndef SWEEP_H
#define SWEEP_H
#include "check.h"

/* Fresh and acceptable for every parameter that isn't NULL in a case. */
struct values {
    const char *call;
    mmx_config *config;
    mmx_client *client;
    mmx_call_options options;
    mmx_client *out_client;
    mmx_cancel *out_cancel;
    char *out_string;
    mmx_error *error;
};

/* What out parameters hold before; never a value of ours. */
static char filled_byte;
#define FILLED ((void *)&filled_byte)

static inline void sweep_begins(void) {
    account("null_sweep", 0);
    /* Every delete succeeds. */
    script("null_sweep", "{\"times\": -1, \"body\": \"{\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}");
    /* For the configuration NULL. */
    setenv("MINIMAX_API_KEY", "word", 1);
}

static inline struct values values(const char *call) {
    struct values v = {.call = call, .options = MMX_CALL_OPTIONS_INIT};
    v.config = config_for("null_sweep", false);
    v.client = client_for("null_sweep", false);
    v.out_client = FILLED;
    v.out_cancel = FILLED;
    v.out_string = FILLED;
    v.error = FILLED;
    return v;
}

/* NULL stood for something that is required. `named`: which one, when it is the only one. */
static inline void refused_null(struct values *v, mmx_status status, const char *named, bool has_error) {
    if (status != MMX_ERROR_INVALID_ARGUMENT) FAIL("%s: %s", v->call, mmx_status_name(status));
    if (!has_error) return;
    if (!v->error || v->error == FILLED) FAIL("%s: no error is set", v->call);
    CHECK_HAS(mmx_error_message(v->error), "is NULL");
    if (named) CHECK_HAS(mmx_error_message(v->error), named);
    CHECK_INT(mmx_error_attempts(v->error), 0);
}

static inline void done(struct values *v) {
    if (v->out_client != FILLED) mmx_client_free(v->out_client);
    if (v->out_cancel != FILLED) mmx_cancel_free(v->out_cancel);
    if (v->out_string != FILLED) mmx_string_free(v->out_string);
    if (v->error != FILLED) mmx_error_free(v->error);
    mmx_client_free(v->client);
    mmx_config_free(v->config);
}

/* Both kinds of call were made: refused ones, and ones that went out because what was NULL is optional. */
static inline void sweep_ends(void) { CHECK(number("null_sweep", "count") > 0); }

#endif
