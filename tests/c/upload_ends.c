/* An upload that is watched, cancelled, called from within or forked, and one that is large. */
#include "contract.h"
#include "files.h"
#include <pthread.h>
#include <sys/wait.h>

static const char NAME[] = "upload-ends";

/* What the callbacks of one upload do and see. */
struct watcher {
    int64_t at, gives;
    const mmx_client *client;
    mmx_cancel *cancel;
    int calls, rewinds, reports, ends, returns_at; /* the report that returns non-zero; 0 = none */
    int64_t last_done, last_total, first_at, pause_us;
    pid_t child;
    bool forks; /* in its rewind */
    pthread_t thread;
    int32_t attempts; /* 0 = as the client is configured: one */
};

static int64_t give(void *user_data, uint8_t *buffer, size_t capacity) {
    struct watcher *watcher = user_data;
    int64_t left = watcher->gives - watcher->at;
    size_t length = (int64_t)capacity < left ? capacity : (size_t)left;
    CHECK(pthread_equal(watcher->thread, pthread_self()));
    memset(buffer, 'x', length);
    watcher->at += (int64_t)length;
    watcher->calls++;
    if (watcher->pause_us) usleep((useconds_t)watcher->pause_us);
    return (int64_t)length;
}

static void works(const mmx_client *client);

/* The child knows itself by it; nothing of its copy of the call is called any more. */
static void fork_here(struct watcher *watcher) {
    fflush(NULL);
    watcher->child = fork();
    if (watcher->child != 0) return;
    alarm(60);
    watcher->child = -1;
}

static int32_t give_anew(void *user_data) {
    struct watcher *watcher = user_data;
    CHECK(pthread_equal(watcher->thread, pthread_self()) && watcher->child != -1);
    watcher->rewinds++;
    watcher->at = 0;
    if (watcher->forks) fork_here(watcher);
    if (!watcher->client) return 0;
    CHECK_INT(mmx_list_files(watcher->client, NULL, NULL, NULL, NULL), MMX_OK);
    works(watcher->client);
    return 0;
}

static int32_t watch(void *user_data, int64_t done, int64_t total) {
    struct watcher *watcher = user_data;
    CHECK(pthread_equal(watcher->thread, pthread_self()));
    CHECK(done >= watcher->last_done);
    if (watcher->reports++ == 0) watcher->first_at = now_ms();
    watcher->ends += done == total;
    watcher->last_done = done;
    watcher->last_total = total;
    /* Whatever isn't 0. */
    static const int32_t cancels[] = {1, -1, INT32_MIN};
    return watcher->reports == watcher->returns_at ? cancels[watcher->reports % 3] : 0;
}

static mmx_status upload(const mmx_client *client, struct watcher *watcher, int64_t size, mmx_error **error) {
    mmx_source source = MMX_SOURCE_INIT;
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    source.size = size;
    source.read = give;
    source.rewind = watcher->attempts ? give_anew : NULL;
    source.user_data = watcher;
    options.max_attempts = watcher->attempts;
    options.progress = watch;
    options.user_data = watcher;
    options.cancel = watcher->cancel;
    watcher->thread = pthread_self();
    return mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, NULL, error);
}

static void works(const mmx_client *client) {
    mmx_error *error = NULL;
    struct watcher watcher = {.gives = 1000};
    SUCCEEDS(upload(client, &watcher, 1000, &error), error);
}

static void progress(const mmx_client *client, int64_t size, bool known) {
    mmx_error *error = NULL;
    struct watcher watcher = {.gives = size, .pause_us = 5000};
    account(NAME, 0);
    int64_t started = now_ms();
    SUCCEEDS(upload(client, &watcher, known ? size : -1, &error), error);
    int64_t took = now_ms() - started;
    CHECK_INT(watcher.last_done, size);
    CHECK_INT(watcher.last_total, size);
    CHECK_INT(watcher.ends, 1);
    /* One at once, one at the end, and at most one every 50 ms between. */
    if (watcher.reports < 1 || watcher.reports > took / 50 + 2) FAIL("%d reports in %d ms", watcher.reports, (int)took);
}

static void cancelled_by_progress(const mmx_client *client) {
    mmx_error *error = NULL;
    for (int at = 1; at <= 3; at++) {
        struct watcher watcher = {.gives = 64 << 20, .pause_us = 20000, .returns_at = at};
        account(NAME, 0);
        long had = files_of(NAME);
        FAILS(upload(client, &watcher, watcher.gives, &error), error, MMX_ERROR_CANCELLED,
            "cancelled by the progress callback", false);
        CHECK_INT(watcher.reports, at);
        CHECK_INT(count_of(NAME, "wait?open=0"), 0);
        CHECK_INT(files_of(NAME), had);
        works(client);
    }
}

/* What the last report does: it comes with the service's answer, which nothing takes away any more. */
static int32_t at_the_end(void *user_data, int64_t done, int64_t total) {
    struct watcher *watcher = user_data;
    (void)total;
    if (done < watcher->gives) return 0;
    CHECK_INT(count_of(NAME, "count?performed=1"), 1);
    watcher->reports++;
    if (!watcher->cancel) return 1;
    mmx_cancel_trigger(watcher->cancel);
    return 0;
}

/* All is read before the last of it may go out. */
static int64_t give_in_two(void *user_data, uint8_t *buffer, size_t capacity) {
    struct watcher *watcher = user_data;
    return give(user_data, buffer, capacity < (size_t)watcher->gives / 2 ? capacity : (size_t)watcher->gives / 2);
}

static void too_late(const mmx_client *client, const char *fault, bool by_token) {
    char *json = NULL;
    mmx_error *error = NULL;
    mmx_source source = MMX_SOURCE_INIT;
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    /* Each read takes longer than two reports are apart. */
    struct watcher watcher = {.gives = 1000, .thread = pthread_self(), .pause_us = 60000};
    account(NAME, 0);
    script(NAME, fault);
    if (by_token) CHECK_INT(mmx_cancel_new(&watcher.cancel, NULL), MMX_OK);
    source.size = watcher.gives;
    source.read = give_in_two;
    source.user_data = options.user_data = &watcher;
    options.progress = at_the_end;
    options.cancel = watcher.cancel;
    SUCCEEDS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, &json, &error), error);
    CHECK_INT(watcher.reports, 1);
    CHECK_HAS(json, "\"file_id\":");
    CHECK_INT(count_of(NAME, "count?performed=1"), 1);
    mmx_string_free(json);
    mmx_cancel_free(watcher.cancel);
    works(client);
    CHECK_INT(count_of(NAME, "open"), 1); /* over the same connection */
}

static void *trigger(void *given) {
    struct watcher *watcher = given;
    count_of(NAME, "wait?open=1&timeout_ms=1");
    usleep(30000);
    mmx_cancel_trigger(watcher->cancel);
    return NULL;
}

static void *trigger_later(void *given) {
    struct watcher *watcher = given;
    count_of(NAME, "wait?count=1");
    count_of(NAME, "wait?open=0");
    mmx_cancel_trigger(watcher->cancel);
    return NULL;
}

/* From another thread, while the source gives and while the server does not read. */
static void cancelled_by_token(const mmx_client *client, const char *fault, bool ambiguous) {
    mmx_error *error = NULL;
    pthread_t thread;
    struct watcher watcher = {.gives = 256 << 20, .pause_us = ambiguous ? 0 : 2000};
    if (ambiguous) watcher.gives = 1000;
    account(NAME, 0);
    long had = files_of(NAME);
    script(NAME, fault);
    CHECK_INT(mmx_cancel_new(&watcher.cancel, NULL), MMX_OK);
    CHECK_INT(pthread_create(&thread, NULL, trigger, &watcher), 0);
    FAILS(upload(client, &watcher, watcher.gives, &error), error, MMX_ERROR_CANCELLED, "cancelled while ", ambiguous);
    pthread_join(thread, NULL);
    mmx_cancel_free(watcher.cancel);
    /* A server that doesn't read doesn't see the end, which stands behind what it hasn't read. */
    if (!strstr(fault, "stop_reading")) CHECK_INT(count_of(NAME, "wait?open=0"), 0);
    if (!ambiguous) CHECK_INT(files_of(NAME), had);
    works(client);
}

/* Between two attempts, of which the next never comes. */
static void cancelled_in_a_wait(const mmx_client *client) {
    mmx_error *error = NULL;
    pthread_t thread;
    struct watcher watcher = {.gives = 16 << 20, .attempts = 4};
    account(NAME, 0);
    long had = files_of(NAME);
    script(NAME, "{\"refuse_after\": 0, \"keep\": true, \"http_status\": 503, \"body\": \"\", \"headers\": "
                 "{\"Retry-After\": \"30\"}}");
    CHECK_INT(mmx_cancel_new(&watcher.cancel, NULL), MMX_OK);
    CHECK_INT(pthread_create(&thread, NULL, trigger_later, &watcher), 0);
    int64_t started = now_ms();
    mmx_status status = upload(client, &watcher, watcher.gives, &error);
    CHECK(now_ms() - started < 20000);
    CHECK_INT(mmx_error_attempts(error), 1);
    CHECK_INT(mmx_error_http_status(error), 503);
    FAILS(status, error, MMX_ERROR_CANCELLED, "cancelled while waiting", false);
    pthread_join(thread, NULL);
    mmx_cancel_free(watcher.cancel);
    CHECK_INT(watcher.rewinds, 0);
    CHECK_INT(count_of(NAME, "count"), 1);
    CHECK_INT(files_of(NAME), had);
    works(client);
}

/* Each read makes calls of its own with the same client, one an upload that reads in turn. */
static int64_t give_and_call(void *user_data, uint8_t *buffer, size_t capacity) {
    struct watcher *watcher = user_data;
    CHECK_INT(mmx_list_files(watcher->client, NULL, NULL, NULL, NULL), MMX_OK);
    works(watcher->client);
    return give(user_data, buffer, capacity > 1000 ? 1000 : capacity);
}

static void calls_from_within(const mmx_client *client) {
    struct watcher watcher = {.gives = 3000, .client = client, .thread = pthread_self()};
    mmx_source source = MMX_SOURCE_INIT;
    mmx_error *error = NULL;
    account(NAME, 0);
    source.size = 3000;
    source.read = give_and_call;
    source.user_data = &watcher;
    SUCCEEDS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error);
    CHECK_INT(count_of(NAME, "count?call=upload&performed=1"), 5);
    CHECK_INT(count_of(NAME, "count?call=list&performed=1"), 4);
}

static int32_t report_and_call(void *user_data, int64_t done, int64_t total) {
    struct watcher *watcher = user_data;
    CHECK_INT(total, watcher->gives);
    CHECK_INT(mmx_list_files(watcher->client, NULL, NULL, NULL, NULL), MMX_OK);
    watcher->reports++;
    watcher->last_done = done;
    return 0;
}

/* The end of the parent's call and of the child's copy of it. */
static void ends_in_both(const mmx_client *client, const struct watcher *watcher, mmx_status status, mmx_error *error) {
    if (watcher->child == -1) {
        CHECK_INT(status, MMX_ERROR_CANCELLED);
        CHECK_HAS(mmx_error_message(error), "forked");
        CHECK_INT(mmx_list_files(client, NULL, NULL, NULL, NULL), MMX_OK);
        _exit(0);
    }
    SUCCEEDS(status, error);
    int ended = -1;
    CHECK(watcher->child > 0 && waitpid(watcher->child, &ended, 0) == watcher->child);
    CHECK(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
}

/* The report and the rewind, too, may call the library, and the rewind may fork. */
static void within_the_others(const mmx_client *client) {
    for (int forks = 0; forks < 2; forks++) {
        struct watcher watcher = {.client = forks ? NULL : client, .forks = forks, .thread = pthread_self()};
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        mmx_source source = MMX_SOURCE_INIT;
        mmx_error *error = NULL;
        account(NAME, 0);
        script(NAME, "{\"stop_reading_after\": 200000, \"then\": \"rst\"}");
        source.size = watcher.gives = 16 << 20; /* more than fits between the two ends */
        source.read = give;
        source.rewind = give_anew;
        source.user_data = options.user_data = &watcher;
        options.progress = forks ? NULL : report_and_call;
        options.max_attempts = 2;
        mmx_status status =
            mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error);
        if (forks) ends_in_both(client, &watcher, status, error);
        SUCCEEDS(status, error);
        CHECK_INT(watcher.rewinds, 1);
        CHECK(forks || (watcher.reports > 1 && watcher.last_done == watcher.gives));
        assert_journal_holds(NAME, "\"bytes\":16777216,", 1);
    }
}

static int64_t give_and_fork(void *user_data, uint8_t *buffer, size_t capacity) {
    struct watcher *watcher = user_data;
    CHECK(watcher->child != -1); /* nothing is called in the child any more */
    int64_t given = give(user_data, buffer, capacity > 100000 ? 100000 : capacity);
    if (watcher->at >= watcher->last_done && watcher->child == 0) fork_here(watcher);
    return given;
}

static int32_t report_and_fork(void *user_data, int64_t done, int64_t total) {
    struct watcher *watcher = user_data;
    CHECK(watcher->child != -1);
    (void)total;
    if (watcher->child == 0 && done >= watcher->gives - watcher->last_done) fork_here(watcher);
    return 0;
}

/* The child's copy of the call ends as cancelled, the parent's goes on; both go on using the client. */
static void forks_within(const mmx_client *client, int64_t at, bool in_read) {
    struct watcher watcher = {.gives = 1 << 20, .last_done = at, .thread = pthread_self()};
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_source source = MMX_SOURCE_INIT;
    mmx_error *error = NULL;
    account(NAME, 0);
    source.size = watcher.gives;
    source.read = in_read ? give_and_fork : give;
    source.user_data = options.user_data = &watcher;
    options.progress = in_read ? NULL : report_and_fork;
    mmx_status status = mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error);
    ends_in_both(client, &watcher, status, error);
    CHECK_INT(count_of(NAME, "count?call=upload"), 1);
    CHECK_INT(count_of(NAME, "count?call=upload&performed=1"), 1);
    works(client);
}

/* The peak of memory from now on. */
static void forget_peak(void) {
    FILE *marks = fopen("/proc/self/clear_refs", "w");
    if (marks) fputs("5", marks), fclose(marks);
}

static int32_t does_nothing(void *user_data, int64_t done, int64_t total) {
    (void)user_data, (void)done, (void)total;
    return 0;
}

/* 512 MiB: from a source of a known size, of an unknown one, and by a path. */
static void large(const mmx_client *client, const char *over, int how) {
    mmx_error *error = NULL;
    account(NAME, 0);
    works(client);
    struct watcher watcher = {.gives = INT64_C(512) << 20};
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.progress = does_nothing;
    char *path = in_folder("large.mp3");
    write_file(path, "", 0);
    CHECK_INT(truncate(path, watcher.gives), 0);
    /* To hash them would take the server its time. */
    free(control("POST", "/control/upload-ends/settings", "{\"count_only\": true, \"any_file\": true}"));
    forget_peak();
    long before = peak_kib();
    mmx_status status = how < 2 ? upload(client, &watcher, how ? -1 : watcher.gives, &error)
                                : mmx_upload_file(client, path, MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error);
    SUCCEEDS(status, error);
    long grown = peak_kib() - before;
    free(control("POST", "/control/upload-ends/settings", "{}"));
    unlink(path);
    free(path);
    assert_journal_holds(NAME, "\"bytes\":536870912,", 1);
    if (getenv("MMX_TEST_VERBOSE")) printf("512 MiB up over %s: the peak grew by %ld KiB\n", over, grown);
    /* Tools that shadow memory have pages of their own. */
    if (!getenv("MMX_TEST_UNDER") && grown > 16 << 10) FAIL("the peak grew by %ld KiB", grown);
}

int main(void) {
    for (int https = 0; https < 2; https++) {
        account(NAME, 0);
        mmx_client *client = client_for(NAME, https);
        for (int how = 0; how < 3; how++) large(client, https ? "HTTPS" : "HTTP", how);
        progress(client, 0, true);
        progress(client, 100, true);
        progress(client, 8 << 20, true);
        progress(client, 8 << 20, false);
        cancelled_by_progress(client);
        for (int by_token = 0; by_token < 2; by_token++) {
            too_late(client, "{}", by_token);
            too_late(client, "{\"trickle_ms\": 1}", by_token); /* the answer's body comes after its head */
        }
        cancelled_by_token(client, "{}", false);
        cancelled_by_token(client, "{\"stop_reading_after\": 1000}", false);
        cancelled_by_token(client, "{\"hang\": true}", true);
        cancelled_in_a_wait(client);
        calls_from_within(client);
        within_the_others(client);
        for (int64_t at = 0; at <= 1 << 20; at += 1 << 19) {
            forks_within(client, at, true);
            forks_within(client, at, false);
        }
        mmx_client_free(client);
    }
    remove_folder();
    return 0;
}
