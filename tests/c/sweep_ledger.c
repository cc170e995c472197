/* A sweep settles what a crash left in the ledger, deletes what is due, and lets everything else stay. */
#include "ledger.h"

static const char NAME[] = "sweep-ledger";
static char *ledger;
static mmx_error *error;

static mmx_client *begin(void) {
    empty_account(NAME);
    unlink(ledger);
    return client_with_ledger(NAME, ledger);
}

/* The number of files that the service has, and that the ledger knows. */
static void assert_left(long there, long known) {
    CHECK_INT(files_of(NAME), there);
    char *text = text_of(ledger);
    long struck = times_in(text, "\"fact\":\"struck\""), begun = times_in(text, "\"fact\":\"intent\"");
    if (begun - struck != known) FAIL("the ledger knows %ld files, not %ld: %s", begun - struck, known, text);
    free(text);
}

static void temporary_files_go_with_their_process(void) {
    mmx_client *client = begin();
    uploads(client, "mine.mp3", 1, 100, MMX_CALL_TEMPORARY, 0);
    IN_KILLED_PROCESS({
        mmx_client *own = client_with_ledger(NAME, ledger);
        uploads(own, "temporary.mp3", 2, 100, MMX_CALL_TEMPORARY, 0);
        uploads(own, "lasting.mp3", 3, 100, 0, 0);
    });
    assert_left(3, 3);
    char *json = sweeps(client, MMX_BULK_DRY_RUN, MMX_OK, 0, 1);
    free(json);
    assert_left(3, 3);
    json = sweeps(client, 0, MMX_OK, 1, 0);
    CHECK_HAS(json, "\"sweep\":{\"not_stored\":0,\"unsettled\":[],\"waiting\":0}");
    CHECK_HAS(json, "\"evidence\":\"answer\"");
    free(json);
    assert_left(2, 2);
    free(sweeps(client, 0, MMX_OK, 0, 0));
    /* No list was needed. */
    assert_journal_holds(NAME, "/v1/files/list", 0);
    mmx_client_free(client);
}

/* Killed between the request and the response: the service has the file, and the ledger no id. */
static void an_upload_without_an_id_is_looked_for(void) {
    static const struct {
        uint32_t flags;
        long left;
    } cases[] = {{MMX_CALL_TEMPORARY, 0}, {0, 1}};
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        mmx_client *client = begin();
        uploads(client, "same.mp3", 4, 100, 0, 0);
        script(NAME, "{\"call\": \"upload\", \"hang\": true}");
        pid_t child = fork();
        if (child == 0) {
            mmx_client *own = client_with_ledger(NAME, ledger);
            uploads(own, "same.mp3", 4, 100, cases[i].flags, 0);
            _exit(1);
        }
        CHECK_INT(count_of(NAME, "wait?count=2&call=upload"), 2);
        /* It still runs: nothing is settled. */
        free(sweeps(client, 0, MMX_OK, 0, 0));
        kill(child, SIGKILL);
        /* Dead, and its parent has not heard of it. */
        siginfo_t ended;
        CHECK_INT(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
        free(sweeps(client, 0, MMX_OK, cases[i].left == 0, cases[i].left == 1));
        assert_left(1 + cases[i].left, 1 + cases[i].left);
        CHECK(waitpid(child, NULL, 0) == child);
        mmx_client_free(client);
    }
}

/* A process uploads a temporary file of 100 bytes, whose response is lost, and is killed. */
static void lost_upload(const char *name) {
    IN_KILLED_PROCESS({
        mmx_client *own = client_with_ledger(NAME, ledger);
        struct giver giver = {.seed = 1, .gives = 100, .piece = 100};
        mmx_source source = source_of(&giver, 100);
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        options.flags = MMX_CALL_TEMPORARY;
        CHECK_INT(
            mmx_upload_stream(own, &source, name, MMX_PURPOSE_VOICE_CLONE, &options, NULL, NULL), MMX_ERROR_NETWORK);
    });
}

/* Two that fit are told, and none is chosen. */
static void none_of_two_is_guessed(void) {
    mmx_client *client = begin();
    mmx_client *plain = client_for(NAME, false);
    script(NAME, "{\"call\": \"upload\", \"close_before_answer\": \"fin\"}");
    lost_upload("two.mp3");
    int64_t other = uploads(plain, "two.mp3", 1, 100, 0, 0);
    char *json = sweeps(client, 0, MMX_ERROR_PARTIAL, 0, 0);
    CHECK_HAS(json, "\"why\":\"several files fit this upload\"");
    char *id = format("%" PRId64, other);
    CHECK_HAS(json, id);
    CHECK_HAS(json, "\"filename\":\"two.mp3\"");
    free(id);
    free(json);
    assert_left(2, 1);
    assert_deletes(plain, other);
    free(sweeps(client, 0, MMX_OK, 1, 0));
    assert_left(0, 0);
    mmx_client_free(plain);
    mmx_client_free(client);
}

/* Of another name, size, purpose or an earlier time: not the upload's. */
static void what_does_not_fit_is_another_file(void) {
    mmx_client *client = begin();
    mmx_client *plain = client_for(NAME, false);
    script(NAME, "{\"call\": \"upload\", \"close_before_answer\": \"fin\", \"perform\": false}");
    lost_upload("a.mp3");
    uploads(plain, "b.mp3", 1, 100, 0, 0);
    uploads(plain, "a.mp3", 1, 101, 0, 0);
    char *path = format("/control/%s/files", NAME);
    free(control("POST", path,
        "[{\"file_id\": 70, \"purpose\": \"voice_clone\", \"filename\": \"a.mp3\", \"size\": 100, \"created_at\": "
        "1700000000},"
        " {\"file_id\": 71, \"purpose\": \"t2a_async\", \"filename\": \"a.mp3\", \"size\": 100}]"));
    free(path);
    char *json = sweeps(client, 0, MMX_OK, 0, 0);
    /* Begun just now, so it is not given up yet. */
    CHECK_HAS(json, "\"waiting\":1");
    free(json);
    assert_left(4, 1);
    mmx_client_free(plain);
    mmx_client_free(client);
}

/* Lines as docs/json.md has them, of a process that is gone. */
static void writes_entry(int64_t file_id, long long at_ms, long long created_at, const char *more) {
    mmx_client *client = client_with_ledger(NAME, ledger);
    char *account_of_client = NULL;
    uploads(client, "for-its-account.mp3", 77, 1, 0, 0);
    char *text = text_of(ledger);
    char *from = strstr(text, "\"base_url\""), *to = from ? strstr(from, ",\"purpose\"") : NULL;
    CHECK(from && to);
    *to = 0;
    account_of_client = format("%s", from);
    free(text);
    FILE *file = fopen(ledger, "a");
    fprintf(file,
        "{\"fact\":\"intent\",\"entry\":\"e%" PRId64
        "\",\"at_ms\":%lld,%s,\"purpose\":\"voice_clone\",\"filename\":\"f\","
        "\"bytes\":100,\"sha256\":null,\"process\":{\"id\":1,\"started\":7,\"boot\":\"another\",\"namespace\":1},%s}\n",
        file_id, at_ms, account_of_client, more);
    if (created_at >= 0)
        fprintf(file,
            "{\"fact\":\"id\",\"entry\":\"e%" PRId64 "\",\"file_id\":%" PRId64
            ",\"created_at\":%lld,\"bytes\":100,\"sha256\":null}\n",
            file_id, file_id, created_at);
    fclose(file);
    free(account_of_client);
    mmx_client_free(client);
}

static void a_file_expires_by_both_clocks(void) {
    long long now = (long long)time(NULL);
    static const char *const hour = "\"temporary\":false,\"expires_after_s\":3600";
    mmx_client *client = begin();
    store_file(NAME, 1, 100, 1); /* due */
    store_file(NAME, 2, 100, 1); /* not by this machine's clock */
    store_file(NAME, 3, 100, 1); /* not by the service's */
    store_file(NAME, 4, 100, 1); /* its age isn't known */
    store_file(NAME, 5, 100, 1); /* kept */
    char *path = format("/control/%s/files", NAME);
    free(control("DELETE", path, NULL));
    char *files = format("[{\"file_id\": 1, \"purpose\": \"voice_clone\", \"size\": 100, \"created_at\": %lld},"
                         "{\"file_id\": 2, \"purpose\": \"voice_clone\", \"size\": 100, \"created_at\": %lld},"
                         "{\"file_id\": 3, \"purpose\": \"voice_clone\", \"size\": 100, \"created_at\": %lld},"
                         "{\"file_id\": 4, \"purpose\": \"voice_clone\", \"size\": 100, \"created_at\": 0},"
                         "{\"file_id\": 5, \"purpose\": \"voice_clone\", \"size\": 100, \"created_at\": %lld}]",
        now - 7200, now - 7200, now - 60, now - 7200);
    free(control("POST", path, files));
    free(files);
    free(path);
    writes_entry(1, (now - 7200) * 1000, now - 7200, hour);
    writes_entry(2, (now - 60) * 1000, now - 7200, hour);
    writes_entry(3, (now - 7200) * 1000, now - 60, hour);
    writes_entry(4, (now - 7200) * 1000, 0, hour);
    writes_entry(5, (now - 7200) * 1000, now - 7200, hour);
    SUCCEEDS(mmx_ledger_keep(client, 5, &error), error);
    char *json = sweeps(client, 0, MMX_OK, 1, 2);
    CHECK_HAS(json, "\"file_id\":1,\"index\":0,\"outcome\":\"deleted\"");
    free(json);
    CHECK_INT(count_of(NAME, "count?call=delete"), 1);
    /* Without the service's clock no file can be called due. */
    script(NAME, "{\"call\": \"list\", \"headers\": {\"Date\": null}}");
    mmx_error *failure = NULL;
    FAILS(mmx_sweep(client, NULL, NULL, &failure), failure, MMX_ERROR_PROTOCOL, "no Date header", false);
    CHECK_INT(count_of(NAME, "count?call=delete"), 1);
    mmx_client_free(client);
}

/* An upload that was never stored is given up once nothing of it can be on the way. */
static void an_old_upload_is_given_up(void) {
    long long now = (long long)time(NULL);
    mmx_client *client = begin();
    writes_entry(9, (now - 3600) * 1000, -1, "\"temporary\":true,\"expires_after_s\":null");
    char *json = sweeps(client, 0, MMX_OK, 0, 0);
    CHECK_HAS(json, "\"not_stored\":1");
    free(json);
    assert_ledger_holds(ledger, "\"why\":\"not_stored\"", 1);
    /* Unless the list has entries that can't be read. */
    writes_entry(10, (now - 3600) * 1000, -1, "\"temporary\":true,\"expires_after_s\":null");
    script(NAME, "{\"call\": \"list\", \"times\": 2, \"body\": "
                 "\"{\\\"files\\\":[null],\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}");
    json = sweeps(client, 0, MMX_OK, 0, 0);
    CHECK_HAS(json, "\"waiting\":1");
    free(json);
    mmx_client_free(client);
}

/* Lines of another key or another service are nobody's here. */
static void another_account_is_left_alone(void) {
    mmx_client *client = begin();
    IN_KILLED_PROCESS({
        mmx_config *config = config_for("sweep-ledger-2", false);
        CHECK_INT(mmx_config_set_ledger(config, ledger, NULL), MMX_OK);
        empty_account("sweep-ledger-2");
        mmx_client *own = client_of(config);
        uploads(own, "theirs.mp3", 2, 100, MMX_CALL_TEMPORARY, 0);
    });
    char *before = text_of(ledger), *after;
    free(sweeps(client, 0, MMX_OK, 0, 0));
    after = text_of(ledger);
    CHECK_TEXT(after, before);
    CHECK_INT(files_of("sweep-ledger-2"), 1);
    free(before);
    free(after);
    mmx_client_free(client);
}

/* A refused delete is told, and tried again by the next sweep. */
static void a_refused_delete_stays_in_the_ledger(void) {
    mmx_client *client = begin();
    IN_KILLED_PROCESS({
        mmx_client *own = client_with_ledger(NAME, ledger);
        uploads(own, "temporary.mp3", 2, 100, MMX_CALL_TEMPORARY, 0);
    });
    script(NAME, "{\"call\": \"delete\", \"code\": 1026}");
    free(sweeps(client, 0, MMX_ERROR_PARTIAL, 0, 0));
    assert_left(1, 1);
    free(sweeps(client, 0, MMX_OK, 1, 0));
    assert_left(0, 0);
    mmx_client_free(client);
}

static int32_t counts(void *user_data, const mmx_outcome *outcome) {
    if (outcome->outcome == MMX_OUTCOME_DELETED) ++*(int *)user_data;
    return 0;
}

/* Two at once delete each file once. */
static void two_sweeps_share_the_work(void) {
    mmx_client *client = begin();
    IN_KILLED_PROCESS({
        mmx_client *own = client_with_ledger(NAME, ledger);
        for (int i = 0; i < 20; i++) uploads(own, "temporary.mp3", (uint64_t)i, 100, MMX_CALL_TEMPORARY, 0);
    });
    pid_t children[4];
    for (size_t i = 0; i < LENGTH_OF(children); i++) {
        children[i] = fork();
        if (children[i] != 0) continue;
        mmx_client *own = client_with_ledger(NAME, ledger);
        mmx_sweep_options options = MMX_SWEEP_OPTIONS_INIT;
        int deleted = 0;
        options.on_outcome = counts;
        options.user_data = &deleted;
        _exit(mmx_sweep(own, &options, NULL, NULL) == MMX_OK ? deleted : 100);
    }
    int deleted = 0;
    for (size_t i = 0; i < LENGTH_OF(children); i++) {
        int status;
        CHECK(waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status));
        deleted += WEXITSTATUS(status);
    }
    CHECK_INT(deleted, 20);
    CHECK_INT(count_of(NAME, "count?call=delete"), 20);
    assert_left(0, 0);
    mmx_client_free(client);
}

int main(void) {
    in_memory();
    ledger = in_folder("ledger.jsonl");
    temporary_files_go_with_their_process();
    an_upload_without_an_id_is_looked_for();
    none_of_two_is_guessed();
    what_does_not_fit_is_another_file();
    a_file_expires_by_both_clocks();
    an_old_upload_is_given_up();
    another_account_is_left_alone();
    a_refused_delete_stays_in_the_ledger();
    two_sweeps_share_the_work();
    unlink(ledger);
    remove_folder();
    free(ledger);
    return 0;
}
