/* What stops a run of many deletes, and what is said of each file then: what is settled, what was under way, and what was
 * not attempted. */
#include "bulk.h"
#include <signal.h>

enum { COUNT = 400 };
static mmx_cancel *token;

/* Runs, and checks all that goes for every end; returns what was told. */
static struct tally stopped(const char *name, const mmx_client *client, mmx_bulk_options options, mmx_status status,
    const char *part, int32_t (*then)(struct tally *, const mmx_outcome *)) {
    mmx_file_ref *files = refs(COUNT);
    struct tally tally = tally_of(files, COUNT);
    tally.then = then;
    options.on_outcome = record_outcome;
    options.user_data = &tally;
    char *json = NULL;
    mmx_error *error = NULL;
    mmx_status found = mmx_delete_files(client, files, COUNT, &options, &json, &error);
    FAILS(found, error, status, part, false);
    assert_agrees_with_server(name, &tally, COUNT);
    assert_counts(json, &tally);
    CHECK(tally.of[MMX_OUTCOME_NOT_ATTEMPTED] > 0);
    CHECK(tally.of[MMX_OUTCOME_UNKNOWN] <= (options.concurrency ? (size_t)options.concurrency : 16));
    mmx_string_free(json);
    tally.files = NULL;
    free(files);
    return tally;
}

static void *triggers(void *name) {
    count_of(name, "wait?count=50");
    mmx_cancel_trigger(token);
    return NULL;
}

/* From another thread, while the server takes its time for each. */
static void cancelled_from_a_thread(bool https) {
    static const char *const name = "bulk-cancel-thread";
    account(name, COUNT);
    script(name, "{\"times\": -1, \"delay_ms\": 20}");
    mmx_client *client = retrying_client_for(name, https);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    mmx_cancel_reset(token);
    options.cancel = token;
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, triggers, (void *)(uintptr_t)name), 0);
    struct tally tally = stopped(name, client, options, MMX_ERROR_CANCELLED, "cancelled", NULL);
    pthread_join(thread, NULL);
    CHECK(tally.of[MMX_OUTCOME_DELETED] >= 50 - 16);
    tally_free(&tally);
    mmx_client_free(client);
}

static void on_alarm(int number_of_signal) {
    (void)number_of_signal;
    mmx_cancel_trigger(token);
}

/* From a signal handler, while all that is under way hangs: after what was settled before. */
static void cancelled_from_a_handler(void) {
    static const char *const name = "bulk-cancel-signal";
    account(name, COUNT);
    script(name, "{\"skip\": 30, \"times\": -1, \"hang\": true}");
    mmx_client *client = retrying_client_for(name, false);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    mmx_cancel_reset(token);
    options.cancel = token;
    struct sigaction action = {.sa_handler = on_alarm}, before;
    sigaction(SIGALRM, &action, &before);
    alarm(1);
    struct tally tally = stopped(name, client, options, MMX_ERROR_CANCELLED, "cancelled", NULL);
    sigaction(SIGALRM, &before, NULL);
    CHECK_INT(tally.of[MMX_OUTCOME_DELETED], 30);
    CHECK(tally.of[MMX_OUTCOME_UNKNOWN] > 0);
    tally_free(&tally);
    mmx_client_free(client);
}

static int32_t triggers_at_40(struct tally *tally, const mmx_outcome *outcome) {
    (void)outcome;
    if (tally->told == 40) mmx_cancel_trigger(token);
    return 0;
}

/* From within a callback. */
static void cancelled_in_a_callback(void) {
    static const char *const name = "bulk-cancel-callback";
    account(name, COUNT);
    mmx_client *client = retrying_client_for(name, false);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    mmx_cancel_reset(token);
    options.cancel = token;
    struct tally tally = stopped(name, client, options, MMX_ERROR_CANCELLED, "cancelled", triggers_at_40);
    CHECK(tally.of[MMX_OUTCOME_DELETED] >= 40);
    tally_free(&tally);
    mmx_client_free(client);
}

/* A token that was triggered before: nothing is sent. */
static void cancelled_before(void) {
    static const char *const name = "bulk-cancel-before";
    account(name, 3);
    mmx_client *client = retrying_client_for(name, false);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    mmx_cancel_reset(token);
    mmx_cancel_trigger(token);
    options.cancel = token;
    mmx_file_ref *files = refs(3);
    mmx_error *error = NULL;
    char *json = NULL;
    FAILS(mmx_delete_files(client, files, 3, &options, &json, &error), error, MMX_ERROR_CANCELLED,
        "before anything was sent", false);
    CHECK(json == NULL);
    CHECK_INT(count_of(name, "count"), 0);
    free(files);
    mmx_client_free(client);
}

static int32_t stops_at_40(struct tally *tally, const mmx_outcome *outcome) {
    (void)outcome;
    return tally->told >= 40;
}

static int32_t stops_after_a_while(void *user_data, int64_t done, int64_t total) {
    (void)user_data;
    CHECK_INT(total, COUNT);
    return done >= 20;
}

/* What a callback returns stops the run as well: then what is under way is waited for, and nothing stays unknown. */
static void stopped_by_what_is_returned(void) {
    static const char *const name = "bulk-returns";
    account(name, COUNT);
    script(name, "{\"times\": -1, \"delay_ms\": 10}");
    mmx_client *client = retrying_client_for(name, false);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    struct tally tally = stopped(name, client, options, MMX_ERROR_CANCELLED, "outcome function", stops_at_40);
    CHECK_INT(tally.of[MMX_OUTCOME_UNKNOWN], 0);
    CHECK(tally.of[MMX_OUTCOME_DELETED] >= 40 && tally.of[MMX_OUTCOME_DELETED] < 40 + 16);
    CHECK_INT(count_of(name, "count"), tally.of[MMX_OUTCOME_DELETED]);
    tally_free(&tally);
    account(name, COUNT);
    script(name, "{\"times\": -1, \"delay_ms\": 10}");
    options.progress = stops_after_a_while;
    tally = stopped(name, client, options, MMX_ERROR_CANCELLED, "progress callback", NULL);
    CHECK_INT(tally.of[MMX_OUTCOME_UNKNOWN], 0);
    CHECK(tally.of[MMX_OUTCOME_DELETED] >= 20);
    tally_free(&tally);
    mmx_client_free(client);
}

/* Time is up for the whole. */
static void out_of_time(void) {
    static const char *const name = "bulk-whole";
    account(name, COUNT);
    script(name, "{\"skip\": 30, \"times\": -1, \"hang\": true}");
    mmx_client *client = retrying_client_for(name, false);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.timeout_ms = 1000;
    struct tally tally = stopped(name, client, options, MMX_ERROR_TIMEOUT, "the time limit of 1000 ms passed", NULL);
    CHECK_INT(tally.of[MMX_OUTCOME_DELETED], 30);
    CHECK_INT(tally.of[MMX_OUTCOME_UNKNOWN] + 30, count_of(name, "count"));
    tally_free(&tally);
    mmx_client_free(client);
}

/* A key that is refused, or an account that is empty, is so for every file: no other one is asked about. */
static void of_no_use_for_any(void) {
    static const struct {
        const char *fault;
        mmx_status status;
    } cases[] = {
        {"{\"skip\": 20, \"times\": -1, \"code\": 1004}", MMX_ERROR_AUTHENTICATION},
        {"{\"skip\": 20, \"times\": -1, \"code\": 2049}", MMX_ERROR_AUTHENTICATION},
        {"{\"skip\": 20, \"times\": -1, \"http_status\": 401}", MMX_ERROR_AUTHENTICATION},
        {"{\"skip\": 20, \"times\": -1, \"code\": 1008}", MMX_ERROR_QUOTA},
        {"{\"skip\": 20, \"times\": -1, \"http_status\": 402}", MMX_ERROR_QUOTA},
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        char *name = format("bulk-refused-%zu", i);
        account(name, COUNT);
        script(name, cases[i].fault);
        mmx_client *client = retrying_client_for(name, false);
        mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
        struct tally tally = stopped(name, client, options, cases[i].status, "not attempted", NULL);
        CHECK_INT(tally.of[MMX_OUTCOME_DELETED], 20);
        CHECK_INT(tally.of[MMX_OUTCOME_UNKNOWN], 0);
        /* What was under way is refused, too. */
        size_t refused = tally.of[MMX_OUTCOME_FAILED];
        CHECK(refused > 0 && refused <= 16);
        CHECK_INT(requests(name, "delete"), 20 + refused);
        for (size_t at = 0; at < COUNT; at++)
            if (tally.outcomes[at] == MMX_OUTCOME_FAILED) CHECK_INT(tally.statuses[at], cases[i].status);
        tally_free(&tally);
        mmx_client_free(client);
        free(name);
    }
}

/* One that doesn't answer is given up after its own time; the others go on. */
static void one_takes_too_long(void) {
    static const char *const name = "bulk-one-hangs";
    account(name, 20);
    script(name, "{\"call\": \"delete\", \"file_id\": 7, \"times\": -1, \"hang\": true}");
    mmx_client *client = retrying_client_for(name, false);
    mmx_file_ref *files = refs(20);
    struct tally tally = tally_of(files, 20);
    mmx_bulk_options options = recording_options(&tally);
    options.call_timeout_ms = 500;
    options.max_attempts = 1;
    mmx_error *error = NULL;
    FAILS(mmx_delete_files(client, files, 20, &options, NULL, &error), error, MMX_ERROR_PARTIAL,
        "of 20 files 1 unknown are not deleted", false);
    CHECK_INT(tally.of[MMX_OUTCOME_DELETED], 19);
    CHECK_INT(tally.outcomes[6], MMX_OUTCOME_UNKNOWN);
    CHECK_INT(tally.statuses[6], MMX_ERROR_TIMEOUT);
    CHECK_INT(tally.attempts[6], 1);
    tally_free(&tally);
    free(files);
    mmx_client_free(client);
}

/* A wait for the rate limiter is none of a call's time: the last one waits for twice as long as a call may take. */
static void waits_are_not_counted(void) {
    static const char *const name = "bulk-limited";
    account(name, 10);
    mmx_config *config = config_for(name, false);
    CHECK_INT(mmx_config_set_requests_per_minute(config, 600, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    mmx_file_ref *files = refs(10);
    struct tally tally = tally_of(files, 10);
    mmx_bulk_options options = recording_options(&tally);
    options.call_timeout_ms = 400;
    mmx_error *error = NULL;
    SUCCEEDS(mmx_delete_files(client, files, 10, &options, NULL, &error), error);
    int64_t began = now_ms();
    account(name, 10);
    struct tally again = tally_of(files, 10);
    options.user_data = &again;
    SUCCEEDS(mmx_delete_files(client, files, 10, &options, NULL, &error), error);
    CHECK(now_ms() - began >= 9 * 100);
    CHECK_INT(again.of[MMX_OUTCOME_DELETED], 10);
    tally_free(&tally);
    tally_free(&again);
    free(files);
    mmx_client_free(client);
}

int main(void) {
    CHECK_INT(mmx_cancel_new(&token, NULL), MMX_OK);
    cancelled_from_a_thread(false);
    cancelled_from_a_thread(true);
    cancelled_from_a_handler();
    cancelled_in_a_callback();
    cancelled_before();
    stopped_by_what_is_returned();
    out_of_time();
    of_no_use_for_any();
    one_takes_too_long();
    waits_are_not_counted();
    mmx_cancel_free(token);
    return 0;
}
