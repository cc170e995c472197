/* A download that is watched, cancelled, called from within or forked, and one that is large. */
#include "contract.h"
#include "files.h"
#include <pthread.h>
#include <sys/wait.h>

static const char NAME[] = "download-ends";
enum { SIZE = 3 << 20 };
static mmx_error *error;

struct watcher {
    struct taker taker; /* first: its functions get this, too */
    const mmx_client *client;
    pthread_t thread;
    uint32_t flags; /* of the call */
    bool calls;     /* from the report and the restart, too */
    int reports, backwards, ends;
    int64_t done, total;
    useconds_t pause_us;
    /* Where the callback forks: in the write, the report or the restart that has reached so many bytes; -1 = nowhere */
    int64_t forks_at;
    enum { IN_WRITE, IN_REPORT, IN_RESTART } forks_in;
    pid_t child;
    bool is_child;
};

/* The child's copy of the call ends before the parent's goes on. */
static void fork_here(struct watcher *watcher) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        watcher->is_child = true;
        return;
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) FAIL("the child ended with %#x", (unsigned)status);
    watcher->child = child;
}

static void maybe_fork(struct watcher *watcher, int in, int64_t at) {
    CHECK(pthread_equal(watcher->thread, pthread_self()));
    CHECK(!watcher->is_child); /* nothing is called in the child any more */
    if (watcher->child == 0 && watcher->forks_at >= 0 && (int)watcher->forks_in == in && at >= watcher->forks_at)
        fork_here(watcher);
}

static int32_t watched_take(void *user_data, const uint8_t *data, size_t length) {
    struct watcher *watcher = user_data;
    int32_t took = receive(&watcher->taker, data, length);
    if (watcher->pause_us) usleep(watcher->pause_us);
    maybe_fork(watcher, IN_WRITE, watcher->taker.at);
    return took;
}

/* Calls of its own with the same client, in the middle of another. */
static void calls_within(const struct watcher *watcher) {
    struct taker taker = {.seed = 5};
    mmx_sink sink = sink_to(&taker);
    CHECK_INT(mmx_list_files(watcher->client, NULL, NULL, NULL, NULL), MMX_OK);
    SUCCEEDS(mmx_download_stream(watcher->client, 1, &sink, NULL, NULL, &error), error);
    CHECK(taker.at == SIZE && !taker.differs);
}

static int32_t watched_restart(void *user_data) {
    struct watcher *watcher = user_data;
    if (watcher->calls) calls_within(watcher);
    maybe_fork(watcher, IN_RESTART, watcher->taker.at);
    return receive_anew(&watcher->taker);
}

static int32_t watch(void *user_data, int64_t done, int64_t total) {
    struct watcher *watcher = user_data;
    watcher->reports++;
    watcher->backwards += done < watcher->done;
    watcher->ends += done == total;
    watcher->done = done;
    watcher->total = total;
    if (watcher->calls) calls_within(watcher);
    maybe_fork(watcher, IN_REPORT, done);
    return 0;
}

static mmx_status download(const mmx_client *client, struct watcher *watcher, const char *path, mmx_cancel *cancel) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_sink sink = MMX_SINK_INIT;
    sink.write = watched_take;
    sink.restart = watched_restart;
    sink.user_data = options.user_data = watcher;
    options.progress = watch;
    options.cancel = cancel;
    options.flags = watcher->flags;
    watcher->thread = pthread_self();
    if (path) return mmx_download_file(client, 1, path, &options, NULL, &error);
    return mmx_download_stream(client, 1, &sink, &options, NULL, &error);
}

static void reset(long size, const char *faults) {
    account(NAME, 0);
    store_file(NAME, 1, size, 5);
    if (faults) script(NAME, faults);
}

static void works(const mmx_client *client) {
    struct watcher watcher = {.taker = {.seed = 5}, .forks_at = -1};
    SUCCEEDS(download(client, &watcher, NULL, NULL), error);
    CHECK(!watcher.taker.differs);
}

static void progress(const mmx_client *client) {
    static const long sizes[] = {0, 1, 100000, SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int known = 0; known < 2; known++) {
            struct watcher watcher = {.taker = {.seed = 5}, .forks_at = -1, .pause_us = 5000};
            reset(sizes[i], known ? NULL : "{\"no_length\": true}");
            int64_t started = now_ms();
            SUCCEEDS(download(client, &watcher, NULL, NULL), error);
            int64_t took = now_ms() - started;
            CHECK_INT(watcher.done, sizes[i]);
            CHECK_INT(watcher.total, sizes[i]);
            CHECK_INT(watcher.ends, 1);
            CHECK_INT(watcher.backwards, 0);
            if (watcher.reports < 1 || watcher.reports > took / 50 + 2)
                FAIL("%d reports in %d ms", watcher.reports, (int)took);
        }
    }
    /* An attempt that begins anew says so. */
    struct watcher watcher = {.taker = {.seed = 5}, .forks_at = -1, .pause_us = 20000};
    reset(SIZE, "[{\"cut_after\": 2000000}, {\"no_range\": true}]");
    SUCCEEDS(download(client, &watcher, NULL, NULL), error);
    CHECK_INT(watcher.backwards, 1);
    CHECK_INT(watcher.done, SIZE);
    /* One that goes on doesn't go back. */
    watcher = (struct watcher){.taker = {.seed = 5}, .forks_at = -1, .pause_us = 20000};
    reset(SIZE, "[{\"cut_after\": 2000000}]");
    SUCCEEDS(download(client, &watcher, NULL, NULL), error);
    CHECK_INT(watcher.backwards, 0);
    CHECK_INT(watcher.total, SIZE);
}

static void *trigger(void *token) {
    count_of(NAME, "wait?count=1");
    usleep(30000);
    mmx_cancel_trigger(token);
    return NULL;
}

/* Wherever it waits: for the head, in the body, in the caller's own function. */
static void cancelled(const mmx_client *client) {
    static const char *const faults[] = {"{\"hang\": true}", "{\"hang_after\": 100000}", "{\"hang_after\": 2000000}",
        "{\"trickle_ms\": 50}", "{}", "{\"call\": \"retrieve\", \"hang\": true}",
        "{\"call\": \"store\", \"hang\": true}", "{\"call\": \"store\", \"hang_after\": 2000000}",
        /* Between two attempts. */
        "{\"http_status\": 503, \"body\": \"\", \"headers\": {\"Retry-After\": \"30\"}}"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        for (int by_path = 0; by_path < 2; by_path++) {
            if (by_path && i == 4) continue; /* done before it is cancelled */
            pthread_t thread;
            mmx_cancel *token = NULL;
            char *path = in_folder("cancelled");
            struct watcher watcher = {.taker = {.seed = 5}, .forks_at = -1, .pause_us = 20000};
            watcher.flags = strstr(faults[i], "\"call\"") ? MMX_CALL_VIA_DOWNLOAD_URL : 0;
            reset(i == 4 ? 64 << 20 : SIZE, faults[i]);
            write_file(path, "old", 3);
            CHECK_INT(mmx_cancel_new(&token, NULL), MMX_OK);
            CHECK_INT(pthread_create(&thread, NULL, trigger, token), 0);
            int64_t started = now_ms();
            FAILS(download(client, &watcher, by_path ? path : NULL, token), error, MMX_ERROR_CANCELLED,
                "cancelled while ", false);
            CHECK(now_ms() - started < 5000);
            pthread_join(thread, NULL);
            mmx_cancel_free(token);
            assert_file_holds(path, "old", 3);
            CHECK_INT(entries_in(folder()), 1);
            CHECK_INT(count_of(NAME, "wait?open=0"), 0);
            unlink(path);
            free(path);
            reset(SIZE, NULL);
            works(client);
        }
    }
}

static int32_t take_and_call(void *user_data, const uint8_t *data, size_t length) {
    struct watcher *watcher = user_data;
    CHECK_INT(mmx_list_files(watcher->client, NULL, NULL, NULL, NULL), MMX_OK);
    works(watcher->client);
    return receive(&watcher->taker, data, length);
}

static void calls_from_within(const mmx_client *client) {
    struct watcher watcher = {.taker = {.seed = 5}, .client = client};
    mmx_sink sink = MMX_SINK_INIT;
    reset(SIZE, NULL);
    sink.write = take_and_call;
    sink.user_data = &watcher;
    SUCCEEDS(mmx_download_stream(client, 1, &sink, NULL, NULL, &error), error);
    CHECK(watcher.taker.at == SIZE && !watcher.taker.differs);
    CHECK(count_of(NAME, "count?call=list&performed=1") > 0);
    /* The report and the restart likewise. */
    watcher = (struct watcher){.taker = {.seed = 5}, .client = client, .calls = true, .forks_at = -1};
    reset(SIZE, "[{\"cut_after\": 1000000, \"headers\": {\"ETag\": null, \"Last-Modified\": null}}]");
    SUCCEEDS(download(client, &watcher, NULL, NULL), error);
    CHECK(watcher.taker.at == SIZE && !watcher.taker.differs);
    CHECK_INT(watcher.taker.restarts, 1);
}

/* The child's copy of the call ends as cancelled and touches no file; the parent's goes on. */
static void forks(const mmx_client *client, int in, int64_t at, const char *faults, bool by_path) {
    struct watcher watcher = {.taker = {.seed = 5}, .forks_at = at, .forks_in = (unsigned)in};
    char *path = in_folder("forked");
    reset(SIZE, faults);
    write_file(path, "old", 3);
    mmx_status status = download(client, &watcher, by_path ? path : NULL, NULL);
    if (watcher.is_child) {
        FAILS(status, error, MMX_ERROR_CANCELLED, "forked", false);
        assert_file_holds(path, "old", 3);
        CHECK_INT(entries_in(folder()), 1 + by_path); /* the parent's temporary file is still there */
        CHECK_INT(mmx_list_files(client, NULL, NULL, NULL, NULL), MMX_OK);
        _exit(0);
    }
    SUCCEEDS(status, error);
    CHECK(watcher.child > 0);
    uint8_t *wanted = made_whole(5, SIZE);
    if (by_path) assert_file_holds(path, wanted, SIZE);
    else CHECK(watcher.taker.at == SIZE && !watcher.taker.differs);
    CHECK_INT(entries_in(folder()), 1);
    unlink(path);
    free(wanted);
    free(path);
    works(client);
}

static int32_t only_count(void *user_data, const uint8_t *data, size_t length) {
    (void)data;
    *(int64_t *)user_data += (int64_t)length;
    return 0;
}

static void large(const mmx_client *client, const char *over) {
    int64_t came = 0;
    mmx_sink sink = MMX_SINK_INIT;
    sink.write = only_count;
    sink.user_data = &came;
    reset(1000, NULL);
    works(client);
    /* To make all of it up would take the server its time. */
    free(control("POST", "/control/download-ends/files",
        "[{\"file_id\": 1, \"purpose\": \"voice_clone\", \"size\": 536870912, \"content\": \"0123456789abcdef\"}]"));
    long before = peak_kib();
    SUCCEEDS(mmx_download_stream(client, 1, &sink, NULL, NULL, &error), error);
    long grown = peak_kib() - before;
    CHECK_INT(came, 512 << 20);
    if (getenv("MMX_TEST_VERBOSE")) printf("512 MiB down over %s: the peak grew by %ld KiB\n", over, grown);
    if (!getenv("MMX_TEST_UNDER") && grown > 16 << 10) FAIL("the peak grew by %ld KiB", grown);
}

int main(void) {
    for (int https = 0; https < 2; https++) {
        mmx_client *client = retrying_client_for(NAME, https);
        large(client, https ? "HTTPS" : "HTTP");
        progress(client);
        cancelled(client);
        calls_from_within(client);
        for (int64_t at = 0; at <= SIZE; at += SIZE / 2) {
            forks(client, IN_WRITE, at, NULL, false);
            forks(client, IN_REPORT, at, NULL, false);
            forks(client, IN_REPORT, at, NULL, true);
        }
        static const char anew[] = "[{\"cut_after\": 1000000, \"headers\": {\"ETag\": null, \"Last-Modified\": null}}]";
        forks(client, IN_RESTART, 0, anew, false);
        forks(client, IN_RESTART, 0, "[{\"cut_after\": 1000000}, {\"no_range\": true}]", false);
        mmx_client_free(client);
    }
    remove_folder();
    return 0;
}
