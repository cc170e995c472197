/* A callback may free the client of its own call: the call ends as if it hadn't, and nothing leaks or is used again. */
#include "contract.h"

#define NAME "callback-frees"

/* Freed by the first callback of a call. */
static mmx_client *client;

static void frees(void) {
    mmx_client_free(client);
    client = NULL;
}

static int32_t progress(void *user_data, int64_t done, int64_t total) {
    (void)user_data, (void)done, (void)total;
    return frees(), 0;
}

static int64_t reads(void *user_data, uint8_t *buffer, size_t capacity) {
    int *left = user_data;
    frees();
    if (capacity == 0 || (*left)-- == 0) return 0;
    *buffer = 'a';
    return 1;
}

static int32_t writes(void *user_data, const uint8_t *data, size_t length) {
    (void)user_data, (void)data, (void)length;
    return frees(), 0;
}

static int32_t outcomes(void *user_data, const mmx_outcome *outcome) {
    int *deleted = user_data;
    frees();
    *deleted += outcome->outcome == MMX_OUTCOME_DELETED;
    return 0;
}

static void logs(void *user_data, int32_t level, const char *json_line) {
    (void)user_data, (void)level;
    CHECK_HAS(json_line, "\"event\":");
    frees();
}

/* The client is gone when the call returns, and the call went well. */
#define ENDS_WELL(call)                                                                                                \
    do {                                                                                                               \
        mmx_error *error = NULL;                                                                                       \
        client = client_for(NAME, false);                                                                              \
        if ((call) != MMX_OK) FAIL("%s: %s", #call, mmx_error_message(error));                                         \
        CHECK(client == NULL);                                                                                         \
    } while (0)

static void of_one_file(void) {
    int left = 3;
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_source source = MMX_SOURCE_INIT;
    mmx_sink sink = MMX_SINK_INIT;
    source.read = reads;
    source.user_data = &left;
    sink.write = writes;
    ENDS_WELL(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error));
    ENDS_WELL(mmx_download_stream(client, 1, &sink, NULL, NULL, &error));
    options.progress = progress;
    left = 3;
    ENDS_WELL(mmx_upload_stream(client, &source, "b.mp3", MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error));
    ENDS_WELL(mmx_download_stream(client, 1, &sink, &options, NULL, &error));
}

static void of_many_files(void) {
    enum { FILES = 30 };
    mmx_file_ref files[FILES];
    int deleted = 0;
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    mmx_filter filter = MMX_FILTER_INIT;
    for (int i = 0; i < FILES; i++) files[i] = (mmx_file_ref){i + 1, MMX_PURPOSE_VOICE_CLONE};
    options.on_outcome = outcomes;
    options.user_data = &deleted;
    ENDS_WELL(mmx_delete_files(client, files, FILES, &options, NULL, &error));
    CHECK_INT(deleted, FILES);
    filter.flags = MMX_FILTER_ALL;
    ENDS_WELL(mmx_prune_files(client, &filter, &options, NULL, &error));
    CHECK(deleted > FILES);
}

static void of_a_logger(void) {
    account(NAME, 1);
    mmx_config *config = config_for(NAME, false);
    CHECK_INT(mmx_config_set_logger(config, logs, NULL, MMX_LOG_DEBUG, NULL), MMX_OK);
    client = client_of(config);
    CHECK_INT(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, NULL), MMX_OK);
    CHECK(client == NULL);
}

int main(void) {
    account(NAME, 40);
    of_one_file();
    of_many_files();
    of_a_logger();
    return 0;
}
