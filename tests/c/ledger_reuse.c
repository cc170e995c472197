/* Reuse: the same bytes and purpose give the same id while the service knows it, in any number of processes. */
#include "ledger.h"

static const char NAME[] = "ledger-reuse";
static char *ledger;
static mmx_error *error;

static mmx_client *begin(void) {
    empty_account(NAME);
    unlink(ledger);
    return client_with_ledger(NAME, ledger);
}

static void the_same_bytes_give_the_same_id(void) {
    mmx_client *client = begin();
    int64_t first = uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 0);
    CHECK_INT(uploads(client, "another-name.mp3", 1, 1000, MMX_CALL_REUSE, 0), first);
    CHECK_INT(count_of(NAME, "count?call=upload"), 1);
    /* Of other bytes, and of another purpose. */
    CHECK(uploads(client, "a.mp3", 2, 1000, MMX_CALL_REUSE, 0) != first);
    CHECK(uploads(client, "a.mp3", 1, 999, MMX_CALL_REUSE, 0) != first);
    struct giver giver = {.seed = 1, .gives = 1000, .piece = 1000};
    mmx_source source = source_of(&giver, 1000);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.flags = MMX_CALL_REUSE;
    SUCCEEDS(mmx_upload_stream(client, &source, "a.mp3", "prompt_audio", &options, NULL, &error), error);
    CHECK_INT(count_of(NAME, "count?call=upload"), 4);
    /* Without the flag it is another file. */
    CHECK(uploads(client, "a.mp3", 1, 1000, 0, 0) != first);
    mmx_client_free(client);
}

static void a_file_that_is_gone_is_uploaded_again(void) {
    mmx_client *client = begin();
    mmx_client *plain = client_for(NAME, false);
    int64_t first = uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 0);
    assert_deletes(plain, first);
    int64_t second = uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 0);
    CHECK(second != first);
    assert_ledger_holds(ledger, "\"why\":\"absent\"", 1);
    assert_deletes(client, second);
    CHECK(uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 0) != second);
    CHECK_INT(files_of(NAME), 1);
    mmx_client_free(client);
    mmx_client_free(plain);
}

/* Whether it is there can't be told: nothing is uploaded twice, and the error says why. */
static void a_lookup_that_fails_is_the_error(void) {
    mmx_client *client = begin();
    struct giver giver = {.seed = 1, .gives = 1000, .piece = 1000};
    mmx_source source = source_of(&giver, 1000);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    int64_t first = uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 0);
    options.flags = MMX_CALL_REUSE;
    script(NAME, "{\"call\": \"retrieve\", \"code\": 1004}");
    FAILS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error), error,
        MMX_ERROR_AUTHENTICATION, "can be used again", false);
    CHECK_INT(count_of(NAME, "count?call=upload"), 1);
    CHECK_INT(uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 0), first);
    mmx_client_free(client);
}

/* A temporary file of another call is not to be relied on; one that expires stays as long as any upload wants it. */
static void what_others_need_stays(void) {
    mmx_client *client = begin();
    int64_t temporary = uploads(client, "a.mp3", 1, 1000, MMX_CALL_TEMPORARY, 0);
    int64_t lasting = uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 60);
    CHECK(lasting != temporary);
    assert_ledger_holds(ledger, "\"fact\":\"expiry\"", 0);
    CHECK_INT(uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 30), lasting);
    assert_ledger_holds(ledger, "\"fact\":\"expiry\"", 0);
    CHECK_INT(uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 90), lasting);
    assert_ledger_holds(ledger, "\"fact\":\"expiry\",\"entry\":", 1);
    assert_ledger_holds(ledger, "\"expires_after_s\":90", 1);
    CHECK_INT(uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 0), lasting);
    assert_ledger_holds(ledger, "\"fact\":\"expiry\",\"entry\":", 2);
    CHECK_INT(uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 30), lasting);
    assert_ledger_holds(ledger, "\"fact\":\"expiry\",\"entry\":", 2);
    mmx_client_free(client);
}

/* The ledger as if its one intent had been written so many seconds earlier. */
static void make_older(int64_t seconds) {
    char *text = text_of(ledger), *at = strstr(text, "\"at_ms\":");
    CHECK(at != NULL);
    char *number = at + strlen("\"at_ms\":"), *rest = NULL;
    int64_t at_ms = strtoll(number, &rest, 10) - seconds * 1000;
    *number = 0;
    char *older = format("%s%" PRId64 "%s", text, at_ms, rest), *beside = in_folder("older");
    write_file(beside, older, strlen(older));
    CHECK_INT(rename(beside, ledger), 0);
    free(beside);
    free(older);
    free(text);
}

/* The time of an upload that shares the file is counted from that upload on, not from the first one. */
static void the_time_begins_with_each_upload(void) {
    mmx_client *client = begin();
    int64_t first = uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 3600);
    make_older(3000);
    CHECK_INT(uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 1800), first);
    char *text = text_of(ledger), *expiry = strstr(text, "\"fact\":\"expiry\"");
    CHECK(expiry != NULL);
    int64_t after = strtoll(strstr(expiry, "\"expires_after_s\":") + strlen("\"expires_after_s\":"), NULL, 10);
    if (after < 3000 + 1800 || after > 3000 + 1800 + 60) FAIL("it expires after %" PRId64 " s: %s", after, text);
    free(text);
    mmx_client_free(client);
}

/* Sixteen processes at once make one file. */
static void many_processes_make_one_file(void) {
    enum { PROCESSES = 16 };
    mmx_client *client = begin();
    script(NAME, "{\"call\": \"upload\", \"delay_ms\": 100}");
    int ids[2];
    CHECK_INT(pipe(ids), 0);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() != 0) continue;
        mmx_client *own = client_with_ledger(NAME, ledger);
        int64_t id = uploads(own, "a.mp3", 5, 100000, MMX_CALL_REUSE, 0);
        _exit(write(ids[1], &id, sizeof id) == sizeof id ? 0 : 1);
    }
    int64_t first = 0;
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        int64_t id;
        CHECK(wait(&status) > 0 && status == 0);
        CHECK(read(ids[0], &id, sizeof id) == sizeof id);
        if (first == 0) first = id;
        CHECK_INT(id, first);
    }
    CHECK_INT(count_of(NAME, "count?call=upload"), 1);
    CHECK_INT(files_of(NAME), 1);
    close(ids[0]);
    close(ids[1]);
    mmx_client_free(client);
}

/* The wait for another's upload ends with the call's time; a process that dies is not waited for. */
static void the_wait_for_another_ends(void) {
    mmx_client *client = begin();
    script(NAME, "{\"call\": \"upload\", \"perform\": false, \"hang\": true}");
    pid_t child = fork();
    if (child == 0) {
        mmx_client *own = client_with_ledger(NAME, ledger);
        uploads(own, "a.mp3", 1, 1000, MMX_CALL_REUSE, 0);
        _exit(1);
    }
    CHECK_INT(count_of(NAME, "wait?count=1&call=upload"), 1);
    struct giver giver = {.seed = 1, .gives = 1000, .piece = 1000};
    mmx_source source = source_of(&giver, 1000);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.flags = MMX_CALL_REUSE;
    options.timeout_ms = 200;
    FAILS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error), error,
        MMX_ERROR_TIMEOUT, "which uploads the same bytes", false);
    CHECK_INT(count_of(NAME, "count?call=upload"), 1);
    kill(child, SIGKILL);
    CHECK(uploads(client, "a.mp3", 1, 1000, MMX_CALL_REUSE, 0) > 0);
    CHECK_INT(count_of(NAME, "count?call=upload"), 2);
    CHECK(waitpid(child, NULL, 0) == child);
    mmx_client_free(client);
}

int main(void) {
    in_memory();
    ledger = in_folder("ledger.jsonl");
    the_same_bytes_give_the_same_id();
    a_file_that_is_gone_is_uploaded_again();
    a_lookup_that_fails_is_the_error();
    what_others_need_stays();
    the_time_begins_with_each_upload();
    many_processes_make_one_file();
    the_wait_for_another_ends();
    unlink(ledger);
    remove_folder();
    free(ledger);
    return 0;
}
