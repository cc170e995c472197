/* What a host may do in the outcome function, and from many threads at once. */
#include "bulk.h"
#include <sys/wait.h>

enum { COUNT = 60 };

static int32_t forks(struct tally *tally, const mmx_outcome *outcome) {
    (void)outcome;
    if (tally->told == 20) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) alarm(60);
        *(pid_t *)tally->with = child;
    }
    return 0;
}

/* In the child the run ends as cancelled, and nobody is told anything more; in the parent it goes on. */
static void forked_in_a_callback(bool https) {
    static const char *const name = "bulk-fork";
    account(name, COUNT);
    mmx_client *client = retrying_client_for(name, https);
    mmx_file_ref *files = refs(COUNT);
    struct tally tally = tally_of(files, COUNT);
    pid_t child = -1;
    tally.then = forks;
    tally.with = &child;
    mmx_bulk_options options = recording_options(&tally);
    options.concurrency = 8;
    mmx_error *error = NULL;
    char *json = NULL;
    mmx_status status = mmx_delete_files(client, files, COUNT, &options, &json, &error);
    if (child == 0) {
        if (status != MMX_ERROR_CANCELLED || !strstr(mmx_error_message(error), "forked")) _exit(2);
        if (tally.told != 20) _exit(3);
        /* It can begin a run of its own. */
        struct tally own = tally_of(files, 2);
        mmx_bulk_options again = recording_options(&own);
        again.max_attempts = 1;
        mmx_status of_its_own = mmx_delete_files(client, files, 2, &again, NULL, NULL);
        _exit(of_its_own == MMX_OK && own.of[MMX_OUTCOME_ALREADY_ABSENT] == 2 ? 0 : 4);
    }
    SUCCEEDS(status, error);
    int ended = -1;
    CHECK(waitpid(child, &ended, 0) == child);
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0) FAIL("the child ended with %#x", (unsigned)ended);
    CHECK_INT(tally.of[MMX_OUTCOME_DELETED], COUNT);
    assert_agrees_with_server(name, &tally, COUNT);
    assert_counts(json, &tally);
    CHECK_INT(count_of(name, "count?call=delete&performed=1"), COUNT);
    mmx_string_free(json);
    tally_free(&tally);
    free(files);
    mmx_client_free(client);
}

/* Lists, and deletes others: by one call, and by a run of many within the run of many. */
static int32_t calls_again(struct tally *tally, const mmx_outcome *outcome) {
    const mmx_client *client = tally->with;
    if (outcome->index == 5) assert_deletes(client, 1000);
    if (outcome->index == 7) {
        mmx_file_ref others[] = {{1001, MMX_PURPOSE_VOICE_CLONE}, {1002, MMX_PURPOSE_VOICE_CLONE}};
        struct tally inner = tally_of(others, 2);
        mmx_bulk_options options = recording_options(&inner);
        CHECK_INT(mmx_delete_files(client, others, 2, &options, NULL, NULL), MMX_OK);
        CHECK_INT(inner.of[MMX_OUTCOME_DELETED], 2);
        tally_free(&inner);
    }
    if (outcome->index == 9) {
        char *json = NULL;
        CHECK_INT(mmx_list_files(client, NULL, NULL, &json, NULL), MMX_OK);
        mmx_string_free(json);
    }
    return 0;
}

static void calls_the_library(void) {
    static const char *const name = "bulk-again";
    account(name, 1002);
    mmx_client *client = retrying_client_for(name, false);
    mmx_file_ref *files = refs(COUNT);
    struct tally tally = tally_of(files, COUNT);
    tally.then = calls_again;
    tally.with = client;
    mmx_bulk_options options = recording_options(&tally);
    mmx_error *error = NULL;
    SUCCEEDS(mmx_delete_files(client, files, COUNT, &options, NULL, &error), error);
    CHECK_INT(tally.of[MMX_OUTCOME_DELETED], COUNT);
    CHECK_INT(count_of(name, "count?call=delete&performed=1"), COUNT + 3);
    CHECK_INT(requests(name, "list"), 1);
    tally_free(&tally);
    free(files);
    mmx_client_free(client);
}

/* Progress is told in files, of all that there are, and in the end of all of them. */
static int32_t moves(void *user_data, int64_t done, int64_t total) {
    int64_t *last = user_data;
    CHECK_INT(total, COUNT);
    CHECK(done >= *last && done <= COUNT);
    *last = done;
    return 0;
}

static void progress_in_files(void) {
    static const char *const name = "bulk-progress";
    account(name, COUNT);
    mmx_client *client = retrying_client_for(name, false);
    mmx_file_ref *files = refs(COUNT);
    int64_t last = 0;
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.progress = moves;
    options.user_data = &last;
    mmx_error *error = NULL;
    SUCCEEDS(mmx_delete_files(client, files, COUNT, &options, NULL, &error), error);
    CHECK_INT(last, COUNT);
    free(files);
    mmx_client_free(client);
}

enum { THREADS = 64, EACH = 25 };
static mmx_client *shared;

static void a_run_of_its_own(size_t thread) {
    mmx_file_ref files[EACH];
    for (size_t i = 0; i < EACH; i++)
        files[i] = (mmx_file_ref){(int64_t)(thread * EACH + i + 1), MMX_PURPOSE_VOICE_CLONE};
    struct tally tally = tally_of(files, EACH);
    mmx_bulk_options options = recording_options(&tally);
    options.concurrency = 4;
    mmx_error *error = NULL;
    char *json = NULL;
    SUCCEEDS(mmx_delete_files(shared, files, EACH, &options, &json, &error), error);
    CHECK_INT(tally.of[MMX_OUTCOME_DELETED], EACH);
    assert_counts(json, &tally);
    mmx_string_free(json);
    tally_free(&tally);
}

static void *runs(void *thread) {
    a_run_of_its_own((size_t)(uintptr_t)thread);
    return NULL;
}

static void many_threads(bool https) {
    static const char *const name = "bulk-threads";
    account(name, THREADS * EACH);
    shared = retrying_client_for(name, https);
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) CHECK_INT(pthread_create(&threads[i], NULL, runs, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    CHECK_INT(count_of(name, "count?call=delete&performed=1"), THREADS * EACH);
    CHECK_INT(count_of(name, "count"), THREADS * EACH);
    mmx_client_free(shared);
}

int main(void) {
    forked_in_a_callback(false);
    forked_in_a_callback(true);
    calls_the_library();
    progress_in_files();
    many_threads(false);
    many_threads(true);
    return 0;
}
