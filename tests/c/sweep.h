/* What the generated programs call with (tests/common/null_sweep.rs, bad_calls.rs). ACCOUNT is the account at the
 * stand-in server. */
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
    mmx_source source;
    mmx_sink sink;
    mmx_file_ref file;
    mmx_bulk_options bulk_options;
    mmx_sweep_options sweep_options;
    mmx_filter filter;
    mmx_files *files;
    mmx_files *out_files;
    mmx_outcomes *outcomes;
    mmx_outcomes *out_outcomes;
    /* A plan: every function that reads JSON takes it. */
    const char *json;
    /* One that can be read and written. */
    char path[32];
    /* Of the client; it knows file 1. */
    char ledger[40];
    char *out_string;
    mmx_error *error;
};

/* What out parameters hold before; never a value of ours. */
static char filled_byte;
#define FILLED ((void *)&filled_byte)

static int64_t ends(void *user_data, uint8_t *buffer, size_t capacity) {
    (void)user_data, (void)buffer, (void)capacity;
    return 0;
}

static int32_t takes(void *user_data, const uint8_t *data, size_t length) {
    (void)user_data, (void)data, (void)length;
    return 0;
}

static void reads(void *user_data, int32_t level, const char *json_line) {
    (void)user_data, (void)level, (void)json_line;
}

static inline void sweep_begins(void) {
    account(ACCOUNT, 0);
    /* Every call succeeds with this; a download takes it for the file. */
    static const char one[] =
        "{\\\"file_id\\\":1,\\\"filename\\\":\\\"aaa.mp3\\\",\\\"purpose\\\":\\\"voice_clone\\\"}";
    char *fault = format("{\"times\": -1, \"body\": \"{\\\"file\\\":%s,\\\"files\\\":[%s],\\\"base_resp\\\":{"
                         "\\\"status_code\\\":0}}\"}",
        one, one);
    script(ACCOUNT, fault);
    free(fault);
    /* For the configuration NULL. */
    setenv("MINIMAX_API_KEY", "word", 1);
}

static inline struct values values(const char *call) {
    struct values v = {.call = call,
        .options = MMX_CALL_OPTIONS_INIT,
        .source = MMX_SOURCE_INIT,
        .sink = MMX_SINK_INIT,
        .file = {1, MMX_PURPOSE_VOICE_CLONE},
        .bulk_options = MMX_BULK_OPTIONS_INIT,
        .sweep_options = MMX_SWEEP_OPTIONS_INIT,
        .filter = MMX_FILTER_INIT,
        .path = "/tmp/mmx-test-XXXXXX",
        .ledger = "/dev/shm/mmx-test-XXXXXX"};
    v.filter.flags = MMX_FILTER_ALL;
    v.source.read = ends;
    v.sink.write = takes;
    int fd = mkstemp(v.path);
    CHECK(write(fd, "word", 4) == 4);
    close(fd);
    CHECK_INT(mmx_files_parse("{\"file_id\": 1}", &v.files, NULL), MMX_OK);
    v.config = config_for(ACCOUNT, false);
    close(mkstemp(v.ledger));
    mmx_config *config = config_for(ACCOUNT, false);
    CHECK_INT(mmx_config_set_ledger(config, v.ledger, NULL), MMX_OK);
    v.client = client_of(config);
    CHECK_INT(mmx_upload_stream(v.client, &v.source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, NULL), MMX_OK);
    v.out_client = FILLED;
    v.out_cancel = FILLED;
    v.out_files = FILLED;
    v.json = "{\"version\": 1, \"key_fingerprint\": \"\", \"made_at_ms\": 0, \"files\": []}";
    CHECK_INT(mmx_outcomes_parse(v.json, &v.outcomes, NULL), MMX_OK);
    v.out_outcomes = FILLED;
    v.out_string = FILLED;
    v.error = FILLED;
    return v;
}

/* NULL stood for something that is required. `named`: which one, when it is the only one. */
static inline void assert_refused_null(struct values *v, mmx_status status, const char *named, bool has_error) {
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
    if (v->out_files != FILLED) mmx_files_free(v->out_files);
    if (v->out_string != FILLED) mmx_string_free(v->out_string);
    if (v->error != FILLED) mmx_error_free(v->error);
    if (v->out_outcomes != FILLED) mmx_outcomes_free(v->out_outcomes);
    mmx_files_free(v->files);
    mmx_outcomes_free(v->outcomes);
    unlink(v->ledger);
    unlink(v->path);
    mmx_client_free(v->client);
    mmx_config_free(v->config);
}

/* Both kinds of call were made: refused ones, and ones that went out because what was NULL is optional. */
static inline void sweep_ends(void) { CHECK(count_of(ACCOUNT, "count") > 0); }

#endif
