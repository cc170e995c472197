/* Take: a file is deleted only once it is whole on this disk. */
#include "ledger.h"
#include <dlfcn.h>

static const char NAME[] = "take";

/* Stands before the C library's: fails for files, or for folders. */
static int fsync_fails, folder_fsync_fails;

int fsync(int fd) {
    int (*real)(int);
    struct stat about;
    *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    int failure = fstat(fd, &about) == 0 && S_ISDIR(about.st_mode) ? folder_fsync_fails : fsync_fails;
    errno = failure;
    return failure ? -1 : real(fd);
}
static char *target, *ledger;
static mmx_error *error;

static void downloads_then_deletes(bool with_ledger, const char *purpose, const char *fault) {
    account(NAME, 0);
    store_file(NAME, 900, 3000, 1);
    if (fault) script(NAME, fault);
    unlink(target);
    mmx_client *client = with_ledger ? client_with_ledger(NAME, ledger) : client_for(NAME, false);
    char *json = NULL;
    SUCCEEDS(mmx_take_file(client, 900, purpose, target, NULL, &json, &error), error);
    CHECK_HAS(json, "\"bytes\":3000");
    CHECK_HAS(json, "\"deleted\":true");
    CHECK_HAS(json, "\"file_id\":900");
    CHECK_HAS(json, target);
    CHECK_HAS(json, "\"delete\":{\"");
    mmx_string_free(json);
    uint8_t *bytes = made_whole(1, 3000);
    assert_file_holds(target, bytes, 3000);
    free(bytes);
    CHECK_INT(count_of(NAME, "count?call=delete&performed=1"), 1);
    if (with_ledger) {
        assert_ledger_holds(ledger, "\"fact\":\"taken\"", 1);
        assert_ledger_holds(ledger, "\"why\":\"deleted\"", 1);
        unlink(ledger);
    }
    mmx_client_free(client);
}

/* The download fails: nothing is deleted, and the target is as it was. */
static void a_file_that_is_not_whole_is_not_deleted(void) {
    static const struct {
        const char *fault;
        mmx_status status;
        const char *part;
    } cases[] = {
        {"{\"call\": \"retrieve_content\", \"code\": 1004}", MMX_ERROR_AUTHENTICATION, ""},
        {"{\"call\": \"retrieve_content\", \"cut_after\": 1500}", MMX_ERROR_NETWORK, ""},
        {"{\"call\": \"retrieve_content\", \"wrong_length\": 10}", MMX_ERROR_NETWORK, ""},
        /* The end of the connection proves nothing, and retrieve says another size. */
        {"[{\"call\": \"retrieve_content\", \"until_close\": true}, {\"call\": \"retrieve\", \"body\": "
         "\"{\\\"file\\\":{\\\"file_id\\\":900,\\\"bytes\\\":3001},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}]",
            MMX_ERROR_PROTOCOL, "retrieve says 3001 bytes"},
        {"[{\"call\": \"retrieve_content\", \"until_close\": true}, {\"call\": \"retrieve\", \"code\": 1000}]",
            MMX_ERROR_PROTOCOL, "retrieve doesn't say its size"},
    };
    mmx_client *client = client_for(NAME, false);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        account(NAME, 0);
        store_file(NAME, 900, 3000, 1);
        script(NAME, cases[i].fault);
        write_file(target, "before", 6);
        char *json = FILLED;
        FAILS(mmx_take_file(client, 900, NULL, target, NULL, &json, &error), error, cases[i].status, cases[i].part,
            false);
        CHECK(json == NULL);
        assert_file_holds(target, "before", 6);
        CHECK_INT(count_of(NAME, "count?call=delete"), 0);
        CHECK_INT(entries_in(folder()), 1);
    }
    mmx_client_free(client);
}

/* Both copies stay, and the error says where. */
static void what_can_not_be_written_is_not_deleted(void) {
    mmx_client *client = client_for(NAME, false);
    account(NAME, 0);
    store_file(NAME, 900, 3000, 1);
    char *nowhere = in_folder("no/such/file");
    char *json = NULL;
    static const char *const none[] = {"/dev/null", "/dev/full"};
    for (size_t i = 0; i < LENGTH_OF(none); i++)
        FAILS(mmx_take_file(client, 900, NULL, none[i], NULL, &json, &error), error, MMX_ERROR_FILE,
            "is no regular file", false);
    FAILS(mmx_take_file(client, 900, NULL, nowhere, NULL, &json, &error), error, MMX_ERROR_FILE, "no such file", false);
    FAILS(mmx_take_file(client, 900, NULL, folder(), NULL, &json, &error), error, MMX_ERROR_FILE, "directory", false);
    CHECK_INT(count_of(NAME, "count"), 0);
    /* A file system that knows no flushing keeps nothing for sure. */
    FAILS(mmx_take_file(client, 900, NULL, "/proc/self/comm", NULL, &json, &error), error, MMX_ERROR_FILE, "", false);
    CHECK_INT(count_of(NAME, "count?call=delete"), 0);
    free(nowhere);
    /* What can't be flushed isn't kept for sure, also where a download would be content with it. */
    static const int failures[] = {EINVAL, EIO, ENOSPC};
    for (size_t i = 0; i < LENGTH_OF(failures); i++) {
        write_file(target, "before", 6);
        fsync_fails = failures[i];
        FAILS(mmx_take_file(client, 900, NULL, target, NULL, &json, &error), error, MMX_ERROR_FILE,
            "what was received is in ", false);
        fsync_fails = 0;
        assert_file_holds(target, "before", 6);
        CHECK_INT(entries_in(folder()), 2);
        unlink(target);
        remove_folder();
        CHECK_INT(mkdir(folder(), 0700), 0);
        folder_fsync_fails = failures[i];
        FAILS(mmx_take_file(client, 900, NULL, target, NULL, &json, &error), error, MMX_ERROR_FILE,
            "its folder can't be brought to the disk", false);
        folder_fsync_fails = 0;
        uint8_t *bytes = made_whole(1, 3000);
        assert_file_holds(target, bytes, 3000);
        free(bytes);
        CHECK_INT(unlink(target), 0);
    }
    CHECK_INT(count_of(NAME, "count?call=delete"), 0);
    mmx_client_free(client);
}

/* The file is on the disk, and the delete fails: the result says so, and where the file is. */
static void a_delete_that_fails_says_where_the_file_is(void) {
    mmx_client *client = client_for(NAME, false);
    char *json = NULL;
    account(NAME, 0);
    store_file(NAME, 900, 3000, 1);
    script(NAME, "{\"call\": \"delete\", \"code\": 1004}");
    FAILS(mmx_take_file(client, 900, "voice_clone", target, NULL, &json, &error), error, MMX_ERROR_AUTHENTICATION,
        "the whole file is in ", false);
    CHECK_HAS(json, "\"deleted\":false");
    CHECK_HAS(json, "\"bytes\":3000");
    mmx_string_free(json);
    script(NAME, "{\"call\": \"delete\", \"perform\": false, \"http_status\": 503}");
    FAILS(mmx_take_file(client, 900, "voice_clone", target, NULL, &json, &error), error, MMX_ERROR_SERVER,
        "the whole file is in ", true);
    CHECK_HAS(json, "\"deleted\":null");
    mmx_string_free(json);
    FAILS(mmx_take_file(client, 900, "t2a_async", target, NULL, &json, &error), error, MMX_ERROR_INVALID_REQUEST,
        "its purpose is voice_clone", false);
    mmx_string_free(json);
    /* Somebody else has deleted it meanwhile. */
    script(NAME, "[{\"call\": \"delete\", \"perform\": true, \"code\": 2013}]");
    SUCCEEDS(mmx_take_file(client, 900, "voice_clone", target, NULL, &json, &error), error);
    CHECK_HAS(json, "\"deleted\":true");
    mmx_string_free(json);
    mmx_client_free(client);
}

/* With a ledger, a sweep carries on where a process was killed: if the file is still there. */
static void a_sweep_carries_on(bool is_there) {
    account(NAME, 0);
    char *path = format("/control/%s/files", NAME);
    free(control("DELETE", path, NULL));
    free(path);
    store_file(NAME, 900, 3000, 1);
    script(NAME, "{\"call\": \"delete\", \"perform\": false, \"hang\": true}");
    pid_t child = fork();
    if (child == 0) {
        mmx_client *own = client_with_ledger(NAME, ledger);
        mmx_take_file(own, 900, "voice_clone", target, NULL, NULL, NULL);
        _exit(1);
    }
    CHECK_INT(count_of(NAME, "wait?count=1&call=delete"), 1);
    mmx_client *client = client_with_ledger(NAME, ledger);
    free(sweeps(client, 0, MMX_OK, 0, 0));
    kill(child, SIGKILL);
    CHECK(waitpid(child, NULL, 0) == child);
    if (!is_there) {
        CHECK_INT(truncate(target, 2999), 0);
        char *json = sweeps(client, 0, MMX_ERROR_PARTIAL, 0, 0);
        CHECK_HAS(json, "not there as it was");
        CHECK_HAS(json, target);
        free(json);
        CHECK_INT(files_of(NAME), 1);
        SUCCEEDS(mmx_ledger_keep(client, 900, &error), error);
    } else {
        free(sweeps(client, 0, MMX_OK, 1, 0));
        CHECK_INT(files_of(NAME), 0);
    }
    free(sweeps(client, 0, MMX_OK, 0, 0));
    unlink(ledger);
    mmx_client_free(client);
}

/* What can't be recorded isn't done. */
static void a_ledger_that_can_not_be_written_keeps_both(void) {
    account(NAME, 0);
    store_file(NAME, 900, 3000, 1);
    CHECK_INT(mkdir(ledger, 0700), 0);
    mmx_client *client = client_with_ledger(NAME, ledger);
    char *json = NULL;
    FAILS(mmx_take_file(client, 900, "voice_clone", target, NULL, &json, &error), error, MMX_ERROR_FILE,
        "the file was not deleted; the whole file is in ", false);
    CHECK_HAS(json, "\"deleted\":false");
    CHECK_INT(count_of(NAME, "count?call=delete"), 0);
    mmx_string_free(json);
    CHECK_INT(rmdir(ledger), 0);
    mmx_client_free(client);
}

int main(void) {
    in_memory();
    target = in_folder("target.mp3");
    ledger = in_folder("ledger.jsonl");
    downloads_then_deletes(false, "voice_clone", NULL);
    downloads_then_deletes(false, NULL, NULL);
    downloads_then_deletes(true, NULL, NULL);
    /* The response has no length, but chunks; or nothing, and retrieve knows the size. */
    downloads_then_deletes(false, NULL, "{\"call\": \"retrieve_content\", \"no_length\": true}");
    downloads_then_deletes(false, NULL, "{\"call\": \"retrieve_content\", \"until_close\": true}");
    unlink(target);
    a_file_that_is_not_whole_is_not_deleted();
    what_can_not_be_written_is_not_deleted();
    a_delete_that_fails_says_where_the_file_is();
    a_sweep_carries_on(true);
    a_sweep_carries_on(false);
    a_ledger_that_can_not_be_written_keeps_both();
    unlink(target);
    remove_folder();
    free(target);
    free(ledger);
    return 0;
}
