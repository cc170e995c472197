/* Calls that the caller cancels are no errors in the log: by a token, by a callback, one at a time and many at once. */
#include "bulk.h"
#include "log.h"

#define NAME "own-cancels"

static atomic_int cancelled;

/* Nothing above INFO, and one line for each call that was cancelled after it began. */
static void calm(void *user_data, int32_t level, const char *line) {
    (void)user_data;
    check_object(line);
    if (level < MMX_LOG_INFO) FAIL("level %d: %s", level, line);
    if (strstr(line, "\"event\":\"failed\"")) {
        CHECK_INT(level, MMX_LOG_INFO);
        CHECK_HAS(line, "\"status_name\":\"MMX_ERROR_CANCELLED\"");
        atomic_fetch_add(&cancelled, 1);
    }
}

static mmx_client *client;
static mmx_cancel *token;

/* A call of each kind. */
static void hangs(size_t number) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    struct giver giver = {.gives = 1, .piece = 1};
    struct taker taker = {0};
    mmx_source source = source_of(&giver, 1);
    mmx_sink sink = sink_to(&taker);
    options.cancel = token;
    mmx_status status;
    switch (number % 5) {
    case 0: status = mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, &options, NULL, NULL); break;
    case 1: status = mmx_list_files(client, NULL, &options, NULL, NULL); break;
    case 2: status = mmx_retrieve_file(client, 1, &options, NULL, NULL); break;
    case 3: status = mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, NULL, NULL); break;
    default: status = mmx_download_stream(client, 1, &sink, &options, NULL, NULL);
    }
    CHECK_INT(status, MMX_ERROR_CANCELLED);
}

static void *triggers(void *how_many) {
    count_of(NAME, how_many);
    mmx_cancel_trigger(token);
    return NULL;
}

/* at_once() has 32 threads; those that come later find the token triggered. */
static void many(void) {
    static const char all[] = "wait?count=32";
    pthread_t other;
    account(NAME, 3);
    faults(NAME, "{'times':-1,'hang':true}");
    CHECK_INT(mmx_cancel_new(&token, NULL), MMX_OK);
    CHECK(pthread_create(&other, NULL, triggers, (void *)(uintptr_t)all) == 0);
    at_once(hangs, 64);
    pthread_join(other, NULL);
    mmx_cancel_free(token);
    CHECK(cancelled >= 32);
}

static int32_t gives_up(void *user_data, int64_t done, int64_t total) {
    (void)user_data, (void)total;
    return done > 0;
}

static int32_t stops(void *user_data, const mmx_outcome *outcome) {
    (void)user_data, (void)outcome;
    return 1;
}

static void by_callbacks(void) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_bulk_options bulk = MMX_BULK_OPTIONS_INIT;
    mmx_error *error = NULL;
    account(NAME, 50);
    store_file(NAME, 900, 300000, 1);
    struct taker taker = {.seed = 1};
    mmx_sink sink = sink_to(&taker);
    options.progress = gives_up;
    cancelled = 0;
    FAILS(mmx_download_stream(client, 900, &sink, &options, NULL, &error), error, MMX_ERROR_CANCELLED, "", false);
    CHECK_INT(cancelled, 1);
    mmx_file_ref *files = refs(50);
    bulk.on_outcome = stops;
    FAILS(mmx_delete_files(client, files, 50, &bulk, NULL, &error), error, MMX_ERROR_CANCELLED, "not attempted", false);
    bulk.on_outcome = NULL;
    bulk.progress = gives_up;
    FAILS(mmx_delete_files(client, files, 50, &bulk, NULL, &error), error, MMX_ERROR_CANCELLED, "", false);
    free(files);
}

static void notes_worst(void *user_data, int32_t level, const char *line) {
    int32_t *worst = user_data;
    (void)line;
    if (level < *worst) *worst = level;
}

/* A time limit is one still. */
static void a_time_limit(void) {
    int32_t worst = MMX_LOG_DEBUG;
    account(NAME, 1);
    faults(NAME, "{'hang':true}");
    mmx_client *limited = logging(NAME, false, notes_worst, &worst, MMX_LOG_DEBUG);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 100;
    CHECK_INT(mmx_list_files(limited, NULL, &options, NULL, NULL), MMX_ERROR_TIMEOUT);
    CHECK_INT(worst, MMX_LOG_ERROR);
    mmx_client_free(limited);
}

int main(void) {
    client = logging(NAME, false, calm, NULL, MMX_LOG_DEBUG);
    many();
    by_callbacks();
    mmx_client_free(client);
    a_time_limit();
    return 0;
}
