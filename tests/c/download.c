/* Download: what becomes of the target. Whole or untouched, whatever happens, and nothing left beside it. */
#include "contract.h"
#include "files.h"
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const char NAME[] = "download";
enum { SIZE = 3 << 20 };
static uint8_t *content; /* of file 1, made of seed 5 */
static mmx_error *error;

static void reset(void) {
    account(NAME, 0);
    store_file(NAME, 1, SIZE, 5);
}

/* Stands before the C library's: the mask is the whole process's, so only the test itself may call this. */
static int masked;

mode_t umask(mode_t mask) {
    mode_t (*real)(mode_t);
    *(void **)&real = dlsym(RTLD_NEXT, "umask");
    masked++;
    return real(mask);
}

static mode_t mode_of(const char *path) {
    struct stat found;
    if (lstat(path, &found) != 0) FAIL("%s: %s", path, strerror(errno));
    return found.st_mode;
}

static void whole(const mmx_client *client) {
    static const long sizes[] = {0, 1, 1000, 256 << 10, SIZE};
    char *path = in_folder("whole");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *json = NULL, *part = format("\"bytes\":%ld,", sizes[i]);
        uint8_t *wanted = made_whole(9, (size_t)sizes[i]);
        account(NAME, 0);
        store_file(NAME, 77, sizes[i], 9);
        SUCCEEDS(mmx_download_file(client, 77, path, NULL, &json, &error), error);
        assert_file_holds(path, wanted, (size_t)sizes[i]);
        CHECK_HAS(json, "\"file_id\":77");
        CHECK_HAS(json, part);
        CHECK_HAS(json, "\"resumed\":0");
        CHECK_HAS(json, "\"via\":\"retrieve_content\"");
        CHECK_HAS(json, "\"content_type\":\"");
        CHECK(strstr(json, "\"trace_id\":\"\"") == NULL);
        mmx_string_free(json);
        struct taker taker = {.seed = 9};
        mmx_sink sink = sink_to(&taker);
        SUCCEEDS(mmx_download_stream(client, 77, &sink, NULL, &json, &error), error);
        CHECK_INT(taker.at, sizes[i]);
        CHECK(!taker.differs && taker.restarts == 0);
        CHECK_HAS(json, part);
        mmx_string_free(json);
        static const char *const lengths[] = {"{\"no_length\": true}", "{\"until_close\": true}"};
        for (size_t j = 0; j < 2; j++) {
            script(NAME, lengths[j]);
            SUCCEEDS(mmx_download_file(client, 77, path, NULL, NULL, &error), error);
            assert_file_holds(path, wanted, (size_t)sizes[i]);
        }
        CHECK_INT(count_of(NAME, "count?call=retrieve_content"), 4);
        assert_journal_holds(NAME, "\"query\":\"file_id=77\"", 4);
        free(wanted);
        free(part);
    }
    CHECK_INT(entries_in(folder()), 1);
    unlink(path);
    free(path);
}

static void modes(const mmx_client *client) {
    static const struct {
        mode_t mask, before, after;
    } cases[] = {{022, 0, 0644}, {077, 0, 0600}, {0, 0, 0666}, {022, 0600, 0600}, {077, 0664, 0664}, {022, 0755, 0755},
        {0, 0400, 0400}};
    char *path = in_folder("mode");
    reset();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        umask(cases[i].mask);
        unlink(path);
        if (cases[i].before) {
            write_file(path, "old", 3);
            CHECK_INT(chmod(path, cases[i].before), 0);
        }
        masked = 0;
        SUCCEEDS(mmx_download_file(client, 1, path, NULL, NULL, &error), error);
        CHECK_INT(masked, 0);
        CHECK_INT(mode_of(path) & 07777, cases[i].after);
        CHECK_INT(umask(022), cases[i].mask);
        chmod(path, 0600);
        assert_file_holds(path, content, SIZE);
    }
    unlink(path);
    free(path);
}

static void links(const mmx_client *client) {
    char *target = in_folder("target"), *link = in_folder("link"), *second = in_folder("second");
    reset();
    write_file(target, "old", 3);
    CHECK_INT(symlink("target", link), 0);
    CHECK_INT(symlink(link, second), 0);
    for (int there = 1; there >= 0; there--) {
        SUCCEEDS(mmx_download_file(client, 1, second, NULL, NULL, &error), error);
        CHECK(S_ISLNK(mode_of(link)) && S_ISLNK(mode_of(second)) && S_ISREG(mode_of(target)));
        assert_file_holds(target, content, SIZE);
        unlink(target); /* the second time they lead to nothing yet */
    }
    unlink(link);
    CHECK_INT(symlink("second", link), 0); /* in a ring */
    FAILS(mmx_download_file(client, 1, link, NULL, NULL, &error), error, MMX_ERROR_FILE, "symbolic links", false);
    unlink(link);
    unlink(second);
    CHECK_INT(entries_in(folder()), 0);
    free(target);
    free(link);
    free(second);
}

/* While it comes there is one file more beside the target, which holds what it held, and none beside the link. */
static int32_t looks_beside(void *user_data, int64_t done, int64_t total) {
    char *target = format("%s/target", (const char *)user_data);
    (void)done, (void)total;
    assert_file_holds(target, "old", 3);
    CHECK_INT(entries_in(user_data), 2);
    CHECK_INT(entries_in(folder()), 2);
    free(target);
    return 0;
}

static void beside(const mmx_client *client) {
    char *other = in_folder("other"), *target = in_folder("other/target"), *link = in_folder("link");
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    reset();
    CHECK_INT(mkdir(other, 0700), 0);
    write_file(target, "old", 3);
    CHECK_INT(symlink("other/target", link), 0);
    options.progress = looks_beside;
    options.user_data = other;
    SUCCEEDS(mmx_download_file(client, 1, link, &options, NULL, &error), error);
    assert_file_holds(target, content, SIZE);
    CHECK_INT(entries_in(other), 1);
    unlink(target);
    unlink(link);
    CHECK_INT(rmdir(other), 0);
    free(other);
    free(target);
    free(link);
}

static void *reads_fifo(void *path) {
    assert_file_holds(path, content, SIZE);
    return NULL;
}

static void no_regular_files(const mmx_client *client) {
    pthread_t thread;
    char *fifo = in_folder("fifo"), *missing = in_folder("missing/file");
    reset();
    CHECK_INT(mkfifo(fifo, 0600), 0);
    CHECK_INT(pthread_create(&thread, NULL, reads_fifo, fifo), 0);
    SUCCEEDS(mmx_download_file(client, 1, fifo, NULL, NULL, &error), error);
    pthread_join(thread, NULL);
    CHECK(S_ISFIFO(mode_of(fifo)));
    SUCCEEDS(mmx_download_file(client, 1, "/dev/null", NULL, NULL, &error), error);
    CHECK(S_ISCHR(mode_of("/dev/null")));
    FAILS(mmx_download_file(client, 1, "/dev/full", NULL, NULL, &error), error, MMX_ERROR_FILE, "no space left", false);
    long sent = count_of(NAME, "count");
    FAILS(mmx_download_file(client, 1, folder(), NULL, NULL, &error), error, MMX_ERROR_FILE, "directory", false);
    FAILS(mmx_download_file(client, 1, missing, NULL, NULL, &error), error, MMX_ERROR_FILE, "no such file or directory",
        false);
    error = FILLED;
    REFUSES(mmx_download_file(client, 1, "", NULL, NULL, &error), error, "path", "is empty");
    REFUSES(mmx_download_file(client, 0, fifo, NULL, NULL, &error), error, "file_id", "must be 1 or more");
    mmx_sink sink = MMX_SINK_INIT;
    REFUSES(mmx_download_stream(client, 1, &sink, NULL, NULL, &error), error, "sink.write", "is NULL");
    REFUSES(mmx_download_stream(client, 1, NULL, NULL, NULL, &error), error, "sink", "is NULL");
    error = NULL;
    /* Refused before anything was asked for. */
    CHECK_INT(count_of(NAME, "count"), sent);
    unlink(fifo);
    CHECK_INT(entries_in(folder()), 0);
    free(fifo);
    free(missing);
}

/* A reader that leaves: the host, with the default SIGPIPE, lives. */
static void *leaves(void *path) {
    close(open(path, O_RDONLY | O_CLOEXEC));
    return NULL;
}

static void broken_pipe(const mmx_client *client) {
    pthread_t thread;
    char *fifo = in_folder("fifo");
    CHECK_INT(mkfifo(fifo, 0600), 0);
    CHECK_INT(pthread_create(&thread, NULL, leaves, fifo), 0);
    FAILS(mmx_download_file(client, 1, fifo, NULL, NULL, &error), error, MMX_ERROR_FILE, "broken pipe", false);
    pthread_join(thread, NULL);
    unlink(fifo);
    free(fifo);
}

static int32_t stop(void *user_data, int64_t done, int64_t total) {
    (void)total;
    return done >= *(const int64_t *)user_data;
}

/* Lets time pass when all has come: the limit counts up to the target's change. */
static int32_t dawdle(void *user_data, int64_t done, int64_t total) {
    (void)user_data;
    if (done == total) usleep(500000);
    return 0;
}

/* The target keeps what it held, or goes on not being there; nothing is left beside it. */
static void untouched(
    const mmx_client *client, const char *fault, const mmx_call_options *options, mmx_status status, const char *part) {
    for (int there = 0; there < 2; there++) {
        char *path = in_folder("untouched");
        char *json = FILLED;
        reset();
        script(NAME, fault);
        if (there) write_file(path, "old", 3);
        FAILS(mmx_download_file(client, 1, path, options, &json, &error), error, status, part, false);
        CHECK(json == NULL);
        if (there) assert_file_holds(path, "old", 3);
        CHECK_INT(entries_in(folder()), there);
        script(NAME, "{}");
        SUCCEEDS(mmx_download_file(client, 1, path, NULL, NULL, &error), error);
        unlink(path);
        free(path);
    }
}

static void failures(const mmx_client *client) {
    mmx_call_options once = MMX_CALL_OPTIONS_INIT, stopping = MMX_CALL_OPTIONS_INIT, timed = MMX_CALL_OPTIONS_INIT;
    int64_t stop_at[] = {0, 1 << 20, SIZE};
    once.max_attempts = 1;
    static const char *const cuts[] = {"{\"cut_after\": 100000}", "{\"cut_after\": 100000, \"close\": \"rst\"}",
        "{\"cut_after\": 2000000}", "{\"wrong_length\": 1}", "{\"no_length\": true, \"cut_after\": 500000}",
        "{\"close_before_answer\": \"rst\"}"};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        untouched(client, cuts[i], &once, MMX_ERROR_NETWORK, "download_file: the connection broke while ");
    for (size_t i = 0; i < 3; i++) {
        stopping.progress = stop;
        stopping.user_data = &stop_at[i];
        untouched(client, "{}", &stopping, MMX_ERROR_CANCELLED, "cancelled by the progress callback");
    }
    timed.timeout_ms = 300;
    untouched(client, "{\"hang_after\": 500000}", &timed, MMX_ERROR_TIMEOUT,
        "the time limit of 300 ms passed while reading the answer");
    untouched(client, "{\"hang\": true}", &timed, MMX_ERROR_TIMEOUT, "the time limit of 300 ms passed while asking ");
    timed.progress = dawdle;
    untouched(client, "{}", &timed, MMX_ERROR_TIMEOUT, "the time limit of 300 ms passed while ");
    /* An error in JSON, with 200 as the service has it, and others. */
    untouched(client, "{\"code\": 1004}", NULL, MMX_ERROR_AUTHENTICATION, "check the key");
    untouched(client, "{\"code\": 1013, \"no_length\": true}", &once, MMX_ERROR_SERVER, "1013");
    untouched(client, "{\"code\": 2013, \"content_type\": \"application/octet-stream\"}", NULL,
        MMX_ERROR_INVALID_REQUEST, "2013");
    untouched(client, "{\"shape\": \"new_error\"}", NULL, MMX_ERROR_AUTHENTICATION, "download_file: ");
    untouched(client, "{\"shape\": \"html_502\"}", &once, MMX_ERROR_SERVER, "HTML");
    untouched(client, "{\"shape\": \"text_404\"}", NULL, MMX_ERROR_HTTP, "404");
    untouched(client, "{\"http_status\": 206, \"body\": \"x\"}", NULL, MMX_ERROR_PROTOCOL, "download_file: ");
    untouched(
        client, "{\"redirect_to\": \"other_scheme\"}", NULL, MMX_ERROR_PROTOCOL, "to something that is not the web");
    /* A sink gets nothing of them either. */
    static const char *const errors[] = {"{\"code\": 1004}", "{\"code\": 1004, \"no_length\": true}",
        "{\"code\": 1004, \"trickle_ms\": 1, \"trickle_bytes\": 40}",
        "{\"code\": 1004, \"content_type\": \"audio/mpeg\"}", "{\"shape\": \"new_error\"}"};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct taker taker = {.seed = 5};
        mmx_sink sink = sink_to(&taker);
        reset();
        script(NAME, errors[i]);
        FAILS(mmx_download_stream(client, 1, &sink, NULL, NULL, &error), error, MMX_ERROR_AUTHENTICATION,
            "download_stream: ", false);
        CHECK_INT(taker.at, 0);
    }
}

/* A file that happens to be JSON, even one that looks like an error to whoever reads no further. One that is an error of
 * the API, and nothing else, can't be told from it. */
#define BARE "\"headers\": {\"ETag\": null, \"Last-Modified\": null, \"Accept-Ranges\": null}, "
static void json_files(const mmx_client *client) {
    static const char *const files[] = {"{\"a\": 1}", "{\"base_resp\": {\"status_code\": 0}}",
        "[{\"base_resp\": {\"status_code\": 1004}}]", "{", "", "null", "{}"};
    char *path = in_folder("json");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        account(NAME, 0);
        char *escaped = calloc(1, 2 * strlen(files[i]) + 1), *to = escaped;
        for (const char *at = files[i]; *at; *to++ = *at++)
            if (*at == '"') *to++ = '\\';
        char *file = format("[{\"file_id\": 3, \"purpose\": \"voice_clone\", \"content\": \"%s\"}]", escaped);
        free(control("POST", "/control/download/files", file));
        SUCCEEDS(mmx_download_file(client, 3, path, NULL, NULL, &error), error);
        assert_file_holds(path, files[i], strlen(files[i]));
        free(file);
        /* Also without the headers that come with files. */
        file = format("{" BARE "\"body\": \"%s\", \"content_type\": \"application/json\"}", escaped);
        script(NAME, file);
        SUCCEEDS(mmx_download_file(client, 3, path, NULL, NULL, &error), error);
        assert_file_holds(path, files[i], strlen(files[i]));
        free(file);
        free(escaped);
    }
    /* Longer than any error, whatever it begins with, and one whose start came twice. */
    enum { LONG = 200000 };
    static const char start[] = "{\"base_resp\":{\"status_code\":1004}";
    char *body = format("%s%*s", start, LONG - (int)strlen(start), "}");
    char *fault =
        format("{" BARE "\"body\": \"{\\\"base_resp\\\":{\\\"status_code\\\":1004}%s\"}", body + strlen(start));
    reset();
    script(NAME, fault);
    SUCCEEDS(mmx_download_file(client, 1, path, NULL, NULL, &error), error);
    assert_file_holds(path, body, LONG);
    script(NAME, "{" BARE "\"body\": \"{\\\"a\\\"\", \"wrong_length\": 5}");
    SUCCEEDS(mmx_download_file(client, 1, path, NULL, NULL, &error), error);
    assert_file_holds(path, content, SIZE);
    free(fault);
    free(body);
    unlink(path);
    free(path);
}

static void full_disk(const mmx_client *client) {
    struct rlimit before, small = {1 << 20, 1 << 20};
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    char *path = in_folder("full");
    for (int there = 0; there < 2; there++) {
        reset();
        if (there) write_file(path, "old", 3);
        CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
        FAILS(mmx_download_file(client, 1, path, NULL, NULL, &error), error, MMX_ERROR_FILE, "file too large", false);
        CHECK_INT(setrlimit(RLIMIT_FSIZE, &before), 0);
        if (there) assert_file_holds(path, "old", 3);
        CHECK_INT(entries_in(folder()), there);
    }
    unlink(path);
    free(path);
    signal(SIGXFSZ, SIG_DFL);
}

/* A disk of its own, where this may mount one; a child's, so that it is gone with it. */
static void full_tmpfs(bool https) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("tmpfs", folder(), "tmpfs", 0, "size=1m") != 0)
            _exit(0);
        mmx_client *client = retrying_client_for(NAME, https);
        char *path = in_folder("full");
        reset();
        write_file(path, "old", 3);
        FAILS(mmx_download_file(client, 1, path, NULL, NULL, &error), error, MMX_ERROR_FILE, "no space left", false);
        assert_file_holds(path, "old", 3);
        CHECK_INT(entries_in(folder()), 1);
        if (getenv("MMX_TEST_VERBOSE")) printf("a full tmpfs was met\n"), fflush(stdout);
        _exit(0);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
    signal(SIGPIPE, SIG_DFL);
    umask(022);
    content = made_whole(5, SIZE);
    for (int https = 0; https < 2; https++) {
        mmx_client *client = retrying_client_for(NAME, https);
        whole(client);
        modes(client);
        links(client);
        beside(client);
        no_regular_files(client);
        broken_pipe(client);
        failures(client);
        json_files(client);
        full_disk(client);
        full_tmpfs(https);
        mmx_client_free(client);
    }
    free(content);
    remove_folder();
    return 0;
}
