/* A ledger that can't be used fails an upload before anything is sent, in clear words; a torn last line counts for
 * nothing. */
#include "ledger.h"
#include <sys/resource.h>

static const char NAME[] = "ledger-faults";
static char *ledger;
static mmx_error *error;

static mmx_status upload(const mmx_client *client, int64_t timeout_ms) {
    struct giver giver = {.seed = 1, .gives = 100, .piece = 100};
    mmx_source source = source_of(&giver, 100);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = timeout_ms;
    return mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error);
}

/* The upload and the sweep fail so, and nothing was sent. */
static void assert_unusable(const mmx_client *client, const char *part, int32_t with_errno) {
    upload(client, 0);
    CHECK_INT(mmx_error_errno(error), with_errno);
    CHECK_HAS(mmx_error_message(error), "nothing was sent");
    CHECK_HAS(mmx_error_message(error), ledger);
    FAILS(mmx_error_status(error), error, MMX_ERROR_FILE, part, false);
    FAILS(mmx_sweep(client, NULL, NULL, &error), error, MMX_ERROR_FILE, part, false);
    CHECK_INT(count_of(NAME, "count"), 0);
}

static void files_that_are_no_ledger(void) {
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{\"ledger\":2}\n", "is of version 2, which this version of libmmx can't read"},
        {"{\"journal\":1}\n", "is no ledger"},
        {"hello\n", "is no ledger"},
        {"{\"ledger\":1}\nhello\n", "is damaged in line 2"},
        {"{\"ledger\":1}\n{\"fact\":\"other\"}\n{\"fact\":\"swept\",\"sweep\":\"a\"}\n", "is damaged in line 2"},
        {"{\"ledger\":1}\n{\"fact\":\"swept\",\"sweep\":\"a\"}\n{\"fact\":\"id\"}\n", "is damaged in line 3"},
    };
    mmx_client *client = client_with_ledger(NAME, ledger);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        write_file(ledger, cases[i].text, strlen(cases[i].text));
        assert_unusable(client, cases[i].part, 0);
        char *text = text_of(ledger);
        CHECK_TEXT(text, cases[i].text);
        free(text);
    }
    /* It was mended: the same client goes on. */
    unlink(ledger);
    SUCCEEDS(upload(client, 0), error);
    mmx_client_free(client);
}

static void torn_last_lines(void) {
    static const char *const torn[] = {"", "{", "{\"ledger\":", "{\"ledger\":1}", "{\"ledger\":1}\n{\"fact\":\"inte",
        "{\"ledger\":1}\n{\"fact\":\"swept\",\"sweep\":\"a\"}\n\0\0\0"};
    mmx_client *client = client_with_ledger(NAME, ledger);
    for (size_t i = 0; i < LENGTH_OF(torn); i++) {
        account(NAME, 0);
        write_file(ledger, torn[i], strlen(torn[i]) + (i == LENGTH_OF(torn) - 1 ? 3 : 0));
        SUCCEEDS(upload(client, 0), error);
        assert_ledger_holds(ledger, "{\"ledger\":1}\n", 1);
        assert_ledger_holds(ledger, "\"fact\":\"id\"", 1);
        assert_ledger_holds(ledger, "\"inte\n", 0);
        free(sweeps(client, 0, MMX_OK, 0, 0));
    }
    mmx_client_free(client);
}

static void files_that_can_not_be_written(void) {
    mmx_client *client = client_with_ledger(NAME, ledger);
    account(NAME, 0);
    unlink(ledger);
    CHECK_INT(mkdir(ledger, 0700), 0);
    assert_unusable(client, "is a directory", EISDIR);
    CHECK_INT(rmdir(ledger), 0);
    write_file(ledger, "", 0);
    CHECK_INT(chmod(ledger, 0400), 0);
    assert_unusable(client, "permission denied", EACCES);
    CHECK_INT(chmod(ledger, 0620), 0);
    assert_unusable(client, "can be written by others", 0);
    CHECK_INT(unlink(ledger), 0);
    CHECK_INT(mkfifo(ledger, 0600), 0);
    assert_unusable(client, "is no file", 0);
    CHECK_INT(unlink(ledger), 0);
    if (geteuid() == 0) {
        write_file(ledger, "", 0);
        CHECK_INT(chown(ledger, 12345, 12345), 0);
        assert_unusable(client, "belongs to another user", 0);
        CHECK_INT(unlink(ledger), 0);
    }
    mmx_client_free(client);
    char *nowhere = in_folder("no/such/ledger"), *kept = ledger;
    ledger = nowhere;
    client = client_with_ledger(NAME, ledger);
    assert_unusable(client, "no such file or directory", ENOENT);
    mmx_client_free(client);
    ledger = kept;
    free(nowhere);
}

/* The disk is full: the line is taken back, and the next upload writes again. */
static void a_full_disk(void) {
    struct rlimit before, small;
    mmx_client *client = client_with_ledger(NAME, ledger);
    account(NAME, 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    for (rlim_t room = 0; room < 400; room += 13) {
        unlink(ledger);
        small = (struct rlimit){room, before.rlim_max};
        CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
        upload(client, 0);
        CHECK_INT(setrlimit(RLIMIT_FSIZE, &before), 0);
        CHECK_INT(mmx_error_errno(error), EFBIG);
        FAILS(mmx_error_status(error), error, MMX_ERROR_FILE, "nothing was sent", false);
        char *text = text_of(ledger);
        CHECK_TEXT(text, "");
        free(text);
    }
    CHECK_INT(count_of(NAME, "count"), 0);
    SUCCEEDS(upload(client, 0), error);
    CHECK_INT(count_of(NAME, "count"), 1);
    mmx_client_free(client);
}

static char log_line[2000];

static void logs(void *user_data, int32_t level, const char *json_line) {
    (void)user_data, (void)level;
    if (strstr(json_line, "\"event\":\"ledger\"")) snprintf(log_line, sizeof log_line, "%s", json_line);
}

/* The file is stored, and the id can't be written: the upload has succeeded, and the fact follows with the next one. */
static int32_t fills_the_disk(void *user_data, int64_t done, int64_t total) {
    (void)user_data, (void)total;
    struct stat about;
    struct rlimit now;
    if (done != 0 || stat(ledger, &about) != 0) return 0;
    getrlimit(RLIMIT_FSIZE, &now);
    now.rlim_cur = (rlim_t)about.st_size;
    return setrlimit(RLIMIT_FSIZE, &now);
}

static void what_was_received_is_not_thrown_away(void) {
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    unlink(ledger);
    account(NAME, 0);
    mmx_config *config = config_for(NAME, false);
    CHECK_INT(mmx_config_set_ledger(config, ledger, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_logger(config, logs, NULL, MMX_LOG_WARN, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    struct giver giver = {.seed = 1, .gives = 100, .piece = 100};
    mmx_source source = source_of(&giver, 100);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.progress = fills_the_disk;
    SUCCEEDS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error), error);
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &before), 0);
    CHECK_HAS(log_line, "can't be written");
    CHECK_HAS(log_line, "\"status_name\":\"MMX_ERROR_FILE\"");
    assert_ledger_holds(ledger, "\"fact\":\"id\"", 0);
    SUCCEEDS(upload(client, 0), error);
    assert_ledger_holds(ledger, "\"fact\":\"id\"", 2);
    mmx_client_free(client);
}

/* Another process has the lock: the call's own time counts, and without one 10 s. */
static void a_lock_that_is_never_released(void) {
    mmx_client *client = client_with_ledger(NAME, ledger);
    account(NAME, 0);
    int fd = open(ledger, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && flock(fd, LOCK_EX) == 0);
    FAILS(upload(client, 200), error, MMX_ERROR_TIMEOUT, "waiting for the lock of the ledger", false);
    int64_t began = now_ms();
    FAILS(upload(client, 0), error, MMX_ERROR_FILE, "has been locked by another process for 10 s", false);
    CHECK(now_ms() - began >= 10000 && now_ms() - began < 40000);
    CHECK_INT(count_of(NAME, "count"), 0);
    mmx_cancel *cancel = NULL;
    CHECK_INT(mmx_cancel_new(&cancel, NULL), MMX_OK);
    mmx_sweep_options options = MMX_SWEEP_OPTIONS_INIT;
    options.timeout_ms = 100;
    FAILS(mmx_sweep(client, &options, NULL, &error), error, MMX_ERROR_TIMEOUT, "waiting for the lock", false);
    mmx_cancel_trigger(cancel);
    options.cancel = cancel;
    FAILS(mmx_sweep(client, &options, NULL, &error), error, MMX_ERROR_CANCELLED, "", false);
    mmx_cancel_free(cancel);
    CHECK_INT(flock(fd, LOCK_UN), 0);
    SUCCEEDS(upload(client, 0), error);
    close(fd);
    mmx_client_free(client);
}

int main(void) {
    in_memory();
    ledger = in_folder("ledger.jsonl");
    account(NAME, 0);
    files_that_are_no_ledger();
    torn_last_lines();
    files_that_can_not_be_written();
    a_full_disk();
    what_was_received_is_not_thrown_away();
    a_lock_that_is_never_released();
    unlink(ledger);
    remove_folder();
    free(ledger);
    return 0;
}
