/* Requests a minute: one limiter for all clients of a key in a process, retries and looks included. What it finds by
 * itself is in rate_found.c. Bounds from below only: nothing here fails because a machine is slow. */
#include "contract.h"
#include "files.h"
#include "rate.h"
#include "retry.h"
#include <sys/wait.h>

/* The clock of a ceiling runs so much slower than the minute it is of. */
#define LEAST_MS(requests, a_minute) ((requests) * INT64_C(61500) / (a_minute))

/* Two clients of one key: 12 requests at ten a second, whoever sends them. */
static void shared_by_clients(void) {
    account("rate-shared", 20);
    mmx_client *first = limited("rate-shared", 600), *second = limited("rate-shared", 600);
    int64_t began = now_ms();
    for (int id = 1; id <= 12; id += 2) {
        assert_deletes(first, id);
        assert_deletes(second, id + 1);
    }
    int64_t took = now_ms() - began;
    if (took < 1100) FAIL("12 requests at ten a second took %" PRId64 " ms", took);
    mmx_client_free(first);
    mmx_client_free(second);
}

/* A child begins with a limiter of its own: its first request doesn't wait for the parent's. */
static void a_child_has_its_own(void) {
    account("rate-fork", 3);
    mmx_client *client = limited("rate-fork", 1);
    assert_deletes(client, 1);
    pid_t child = fork();
    if (child == 0) {
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        options.timeout_ms = 20000;
        _exit(mmx_delete_file(client, 2, "voice_clone", &options, NULL, NULL) == MMX_OK ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    mmx_client_free(client);
}

struct waiting {
    mmx_client *client;
    mmx_cancel *cancel;
};

static void *cancels(void *data) {
    mmx_cancel_trigger(((struct waiting *)data)->cancel);
    return NULL;
}

/* The wait counts towards the call's time, and ends on cancel; nothing was sent. */
static void the_wait_ends(void) {
    account("rate-wait", 3);
    mmx_client *client = limited("rate-wait", 1);
    assert_deletes(client, 1);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 200;
    mmx_error *error = NULL;
    CHECK_INT(mmx_delete_file(client, 2, "voice_clone", &options, NULL, &error), MMX_ERROR_TIMEOUT);
    CHECK_HAS(mmx_error_message(error), "waiting for the rate limiter");
    CHECK(!mmx_error_is_ambiguous(error));
    CHECK_INT(mmx_error_attempts(error), 0);
    mmx_error_free(error);
    struct waiting waiting = {client, NULL};
    CHECK_INT(mmx_cancel_new(&waiting.cancel, NULL), MMX_OK);
    pthread_t thread;
    options.timeout_ms = 0;
    options.cancel = waiting.cancel;
    CHECK(pthread_create(&thread, NULL, cancels, &waiting) == 0);
    CHECK_INT(mmx_delete_file(client, 2, "voice_clone", &options, NULL, &error), MMX_ERROR_CANCELLED);
    CHECK_INT(mmx_error_attempts(error), 0);
    mmx_error_free(error);
    pthread_join(thread, NULL);
    CHECK_INT(count_of("rate-wait", "count?file_id=2"), 0);
    mmx_cancel_free(waiting.cancel);
    mmx_client_free(client);
}

/* When the requests of an account came, by the server's clock; how many. */
static size_t arrivals(const char *name, int64_t *at_ms, size_t room) {
    char *path = format("/control/%s/journal", name), *journal = control("GET", path, NULL);
    size_t count = 0;
    for (const char *at = journal; count < room && (at = strstr(at, "\"at_ms\":")); count++) {
        at += strlen("\"at_ms\":");
        at_ms[count] = strtoll(at, NULL, 10);
    }
    free(journal);
    free(path);
    return count;
}

/* A delete that fails, goes again, is refused and looked for: three requests, and each waits for its turn. */
static void all_requests_count(void) {
    enum { FILES = 5, REQUESTS = 3 * FILES, A_MINUTE = 600 };
    account("rate-all", FILES);
    mmx_client *client = limited("rate-all", A_MINUTE);
    int64_t began = now_ms();
    for (int id = 1; id <= FILES; id++) {
        faults("rate-all", "{'code':1013,'perform':true," NOW "}");
        assert_deletes(client, id);
    }
    int64_t took = now_ms() - began, at_ms[REQUESTS + 1];
    CHECK_INT(count_of("rate-all", "count?call=delete"), 2 * FILES);
    CHECK_INT(count_of("rate-all", "count?call=retrieve"), FILES);
    if (took < LEAST_MS(REQUESTS - 1, A_MINUTE)) FAIL("%d requests took %" PRId64 " ms", REQUESTS, took);
    /* On the wire no more come at once than make up for late ones, of a quarter of a second. */
    CHECK_INT(arrivals("rate-all", at_ms, REQUESTS + 1), REQUESTS);
    for (int i = 6; i < REQUESTS; i++)
        if (at_ms[i] - at_ms[i - 6] < 200) FAIL("7 requests came within %" PRId64 " ms", at_ms[i] - at_ms[i - 6]);
    mmx_client_free(client);
}

/* Those of every call. */
static void all_calls_count(void) {
    enum { REQUESTS = 8, A_MINUTE = 600 };
    account("rate-calls", 2);
    mmx_client *client = limited("rate-calls", A_MINUTE);
    mmx_error *error = NULL;
    int64_t began = now_ms();
    for (int id = 1; id <= 2; id++) {
        struct giver giver = {.gives = 1000, .piece = SIZE_MAX};
        struct taker taker = {.seed = (uint64_t)id};
        mmx_source source = source_of(&giver, giver.gives);
        mmx_sink sink = sink_to(&taker);
        SUCCEEDS(mmx_list_files(client, NULL, NULL, NULL, &error), error);
        SUCCEEDS(mmx_upload_stream(client, &source, "a.mp3", "voice_clone", NULL, NULL, &error), error);
        SUCCEEDS(mmx_retrieve_file(client, id, NULL, NULL, &error), error);
        SUCCEEDS(mmx_download_stream(client, id, &sink, NULL, NULL, &error), error);
    }
    int64_t took = now_ms() - began;
    CHECK_INT(count_of("rate-calls", "count"), REQUESTS);
    if (took < LEAST_MS(REQUESTS - 1, A_MINUTE)) FAIL("%d requests took %" PRId64 " ms", REQUESTS, took);
    mmx_client_free(client);
}

/* Of a slow client and a fast one: each takes what it asked for from what they share. */
static void ceilings_that_differ(void) {
    account("rate-differ", 20);
    mmx_client *slow = limited("rate-differ", 600), *fast = limited("rate-differ", 3000);
    int64_t began = now_ms();
    for (int id = 1; id <= 12; id += 2) {
        assert_deletes(slow, id);
        assert_deletes(fast, id + 1);
    }
    int64_t took = now_ms() - began;
    if (took < LEAST_MS(6, 600) + LEAST_MS(5, 3000)) FAIL("6 requests of each took %" PRId64 " ms", took);
    mmx_client_free(slow);
    mmx_client_free(fast);
}

/* A call beside a bulk of the same key waits for those that are in the queue already, not for the whole bulk; together
 * they stay below what the server allows. */
static void *deletes_many(void *client) {
    mmx_file_ref files[100];
    for (int i = 0; i < 100; i++) files[i] = (mmx_file_ref){i + 1, "voice_clone"};
    mmx_error *error = NULL;
    SUCCEEDS(mmx_delete_files(client, files, 100, NULL, NULL, &error), error);
    return NULL;
}

static void beside_a_bulk(void) {
    account("rate-bulk", 101);
    assert_rate_allows("rate-bulk", "'requests_per_minute':6000,'window_ms':500");
    mmx_client *client = limited("rate-bulk", 3000);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, deletes_many, client) == 0);
    CHECK(count_of("rate-bulk", "wait?count=10") >= 10);
    assert_deletes(client, 101);
    long before = count_of("rate-bulk", "count");
    /* 16 are under way at once. */
    if (before > 80) FAIL("%ld of 101 requests were sent before the one of a single call had its answer", before);
    pthread_join(thread, NULL);
    CHECK_INT(count_of("rate-bulk", "count"), 101);
    CHECK_INT(count_of("rate-bulk", "throttled"), 0);
    mmx_client_free(client);
}

/* In a bulk the wait for the limiter is no part of a call's time. */
static void no_part_of_a_calls_time(void) {
    account("rate-call", 12);
    mmx_client *client = limited("rate-call", 600);
    mmx_file_ref files[12];
    for (int i = 0; i < 12; i++) files[i] = (mmx_file_ref){i + 1, "voice_clone"};
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.call_timeout_ms = 500;
    options.max_attempts = 1;
    mmx_error *error = NULL;
    int64_t began = now_ms();
    SUCCEEDS(mmx_delete_files(client, files, 12, &options, NULL, &error), error);
    CHECK(now_ms() - began >= LEAST_MS(11, 600));
    mmx_client_free(client);
}

/* A wait that was ended has given its place up: whoever comes later has as much to wait as before. */
static void gives_up(size_t number) {
    (void)number;
    mmx_client *client = limited("rate-given-up", 60);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 100;
    CHECK_INT(mmx_delete_file(client, 2, "voice_clone", &options, NULL, NULL), MMX_ERROR_TIMEOUT);
    mmx_client_free(client);
}

static void places_are_given_up(void) {
    account("rate-given-up", 3);
    mmx_client *client = limited("rate-given-up", 60);
    assert_deletes(client, 1);
    at_once(gives_up, 32);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 20000; /* of 33 places it would take half a minute */
    CHECK_INT(mmx_delete_file(client, 3, "voice_clone", &options, NULL, NULL), MMX_OK);
    CHECK_INT(count_of("rate-given-up", "count"), 2);
    mmx_client_free(client);
}

static void bad_values(void) {
    mmx_config *config = config_for("rate-bad", false);
    mmx_error *error = FILLED;
    REFUSES(mmx_config_set_requests_per_minute(config, -1, &error), error, "requests", "not -1");
    REFUSES(mmx_config_set_requests_per_minute(config, INT32_MIN, &error), error, "requests", "1 or more");
    CHECK_INT(mmx_config_set_requests_per_minute(config, INT32_MAX, NULL), MMX_OK);
    mmx_config_free(config);
}

int main(void) {
    shared_by_clients();
    a_child_has_its_own();
    the_wait_ends();
    all_requests_count();
    all_calls_count();
    ceilings_that_differ();
    beside_a_bulk();
    no_part_of_a_calls_time();
    places_are_given_up();
    bad_values();
    return 0;
}
