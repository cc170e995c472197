/* Many files deleted by one call: an outcome for every one, in input order, and nothing that is known is lost. */
#include "bulk.h"

#define NAME "bulk"

/* Each is deleted once, however wide; the outcomes stand in the input's order. */
static void all_are_deleted(bool https) {
    enum { COUNT = 200 };
    account(NAME, COUNT);
    long before = files_of(NAME);
    mmx_client *client = retrying_client_for(NAME, https);
    mmx_file_ref *files = refs(COUNT);
    mmx_error *error = NULL;
    char *json = NULL;
    SUCCEEDS(mmx_delete_files(client, files, COUNT, NULL, &json, &error), error);
    assert_json_has(json, "\"total\":200");
    assert_json_has(json, "\"deleted\":200");
    const char *at = json;
    for (int i = 0; i < COUNT; i++) {
        char *part = format("\"file_id\":%d,\"index\":%d,\"outcome\":\"deleted\"", i + 1, i);
        at = strstr(at, part);
        if (!at) FAIL("%s is missing or out of order: %.3000s", part, json);
        free(part);
    }
    CHECK_INT(count_of(NAME, "count?performed=1"), COUNT);
    CHECK_INT(files_of(NAME), before - COUNT);
    mmx_string_free(json);
    free(files);
    mmx_client_free(client);
}

/* One refused file stops nothing; what isn't there is found out; the same file twice is sent once. */
static void each_for_itself(void) {
    account("bulk-mixed", 5);
    script("bulk-mixed", "[{\"call\": \"delete\", \"file_id\": 2, \"times\": -1, \"code\": 2013},"
                         "{\"call\": \"delete\", \"file_id\": 3, \"close_before_answer\": \"rst\"}]");
    mmx_client *client = retrying_client_for("bulk-mixed", false);
    mmx_file_ref files[] = {{1, "voice_clone"}, {2, "voice_clone"}, {3, "voice_clone"}, {999, "voice_clone"},
        {1, "voice_clone"}, {4, "voice_clone"}};
    mmx_error *error = NULL;
    char *json = NULL;
    FAILS(mmx_delete_files(client, files, 6, NULL, &json, &error), error, MMX_ERROR_PARTIAL,
        "of 6 files 1 failed are not deleted", false);
    assert_json_outcome(json, 0, "\"outcome\":\"deleted\"");
    assert_json_outcome(json, 1, "\"outcome\":\"failed\"");
    assert_json_outcome(json, 2, "\"outcome\":\"deleted\"");
    assert_json_outcome(json, 3, "\"outcome\":\"already_absent\"");
    assert_json_outcome(json, 4, "\"outcome\":\"deleted\"");
    assert_json_outcome(json, 5, "\"outcome\":\"deleted\"");
    assert_json_has(json, "\"evidence\":\"retrieve\"");
    CHECK_INT(count_of("bulk-mixed", "count?file_id=1"), 1);
    mmx_string_free(json);
    mmx_client_free(client);
}

/* Where all came to the same end, no file is left to tell apart from the others. */
static void all_are_refused(void) {
    account("bulk-all-refused", 20);
    script("bulk-all-refused", "{\"call\": \"delete\", \"times\": -1, \"code\": 2013}");
    mmx_client *client = retrying_client_for("bulk-all-refused", false);
    mmx_file_ref *files = refs(20);
    mmx_error *error = NULL;
    FAILS(mmx_delete_files(client, files, 20, NULL, NULL, &error), error, MMX_ERROR_PARTIAL,
        "delete_files: 20 of 20 failed;", false);
    free(files);
    mmx_client_free(client);
}

/* A key that is refused is so for every file: the rest is not attempted, and the call says why. */
static void a_refused_key_stops_it(void) {
    account("bulk-key", 100);
    script("bulk-key", "{\"times\": -1, \"code\": 1004}");
    mmx_client *client = retrying_client_for("bulk-key", false);
    mmx_file_ref *files = refs(100);
    mmx_error *error = NULL;
    char *json = NULL;
    FAILS(mmx_delete_files(client, files, 100, NULL, &json, &error), error, MMX_ERROR_AUTHENTICATION, "not attempted",
        false);
    assert_json_outcome(json, 99, "\"outcome\":\"not_attempted\"");
    CHECK(count_of("bulk-key", "count") <= 4);
    mmx_string_free(json);
    free(files);
    mmx_client_free(client);
}

struct seen {
    int times[64], stops_after, told;
};

static int32_t sees(void *user_data, const mmx_outcome *outcome) {
    struct seen *seen = user_data;
    CHECK(outcome->index < 64 && outcome->file_id == (int64_t)outcome->index + 1);
    CHECK_TEXT(outcome->purpose, "voice_clone");
    CHECK((outcome->outcome == MMX_OUTCOME_DELETED) == (strcmp(outcome->evidence, "answer") == 0));
    CHECK(outcome->error == NULL);
    seen->times[outcome->index]++;
    return ++seen->told == seen->stops_after;
}

/* Streamed: each file is told once, also when the host stops the run; then out_json has the counts alone. */
static void streamed(int stops_after) {
    account("bulk-streamed", 64);
    mmx_client *client = retrying_client_for("bulk-streamed", false);
    mmx_file_ref *files = refs(64);
    struct seen seen = {.stops_after = stops_after};
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.on_outcome = sees;
    options.user_data = &seen;
    options.concurrency = 4;
    char *json = NULL;
    mmx_error *error = NULL;
    mmx_status status = mmx_delete_files(client, files, 64, &options, &json, &error);
    CHECK_INT(status, stops_after ? MMX_ERROR_CANCELLED : MMX_OK);
    for (int i = 0; i < 64; i++) CHECK_INT(seen.times[i], 1);
    CHECK(strstr(json, "\"outcomes\"") == NULL);
    char *deleted = format("\"deleted\":%ld,", count_of("bulk-streamed", "count?performed=1"));
    assert_json_has(json, deleted);
    free(deleted);
    mmx_error_free(error);
    mmx_string_free(json);
    free(files);
    mmx_client_free(client);
}

/* Of what was under way when time was up it is said that nobody knows; the rest was not attempted. */
static void out_of_time(void) {
    account("bulk-time", 50);
    script("bulk-time", "[{\"skip\": 3, \"times\": -1, \"hang\": true}]");
    mmx_client *client = retrying_client_for("bulk-time", false);
    mmx_file_ref *files = refs(50);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.timeout_ms = 400;
    char *json = NULL;
    mmx_error *error = NULL;
    FAILS(mmx_delete_files(client, files, 50, &options, &json, &error), error, MMX_ERROR_TIMEOUT,
        "the time limit of 400 ms passed", false);
    assert_json_has(json, "\"deleted\":3,");
    assert_json_outcome(json, 49, "\"outcome\":\"not_attempted\"");
    assert_json_has(json, "\"outcome\":\"unknown\"");
    mmx_string_free(json);
    free(files);
    mmx_client_free(client);
}

/* Forty answers lost at once: one list tells which are there still, those are sent again. */
static void many_in_doubt(void) {
    account("bulk-doubt", 40);
    for (int id = 1; id <= 40; id++) {
        char *fault = format("{\"call\": \"delete\", \"file_id\": %d, \"body\": \"<html>\", \"perform\": false}", id);
        script("bulk-doubt", fault);
        free(fault);
    }
    mmx_client *client = retrying_client_for("bulk-doubt", false);
    mmx_file_ref *files = refs(40);
    char *json = NULL;
    mmx_error *error = NULL;
    SUCCEEDS(mmx_delete_files(client, files, 40, NULL, &json, &error), error);
    assert_json_has(json, "\"deleted\":40,");
    CHECK(count_of("bulk-doubt", "count?call=list") >= 1);
    CHECK(count_of("bulk-doubt", "count?call=retrieve") <= 20);
    mmx_string_free(json);
    free(files);
    mmx_client_free(client);
}

/* Each second one fails once and goes again at once, beside others that settle in the same moment: none is forgotten. Five
 * times: what may fail of one client is bounded. */
static void each_goes_twice(void) {
    enum { COUNT = 100 };
    mmx_file_ref *files = refs(COUNT);
    for (int round = 0; round < 5; round++) {
        account("bulk-twice", COUNT);
        for (int id = 1; id <= COUNT; id += 2) {
            char *fault = format(
                "{\"call\": \"delete\", \"file_id\": %d, \"code\": 1013, \"headers\": {\"Retry-After\": \"0\"}}", id);
            script("bulk-twice", fault);
            free(fault);
        }
        mmx_client *client = retrying_client_for("bulk-twice", false);
        char *json = NULL;
        mmx_error *error = NULL;
        SUCCEEDS(mmx_delete_files(client, files, COUNT, NULL, &json, &error), error);
        assert_json_has(json, "\"deleted\":100,");
        CHECK_INT(count_of("bulk-twice", "count?call=delete"), COUNT + COUNT / 2);
        mmx_string_free(json);
        mmx_client_free(client);
    }
    free(files);
}

static void bad_arguments(void) {
    account("bulk-bad", 1);
    mmx_client *client = retrying_client_for("bulk-bad", false);
    mmx_file_ref files[] = {{1, "voice_clone"}, {0, "voice_clone"}};
    mmx_error *error = NULL;
    char *json = NULL;
    FAILS(mmx_delete_files(client, files, 2, NULL, &json, &error), error, MMX_ERROR_INVALID_ARGUMENT,
        "files[1]: file_id must be 1 or more", false);
    files[1] = (mmx_file_ref){2, "\xff"};
    FAILS(mmx_delete_files(client, files, 2, NULL, &json, &error), error, MMX_ERROR_INVALID_ARGUMENT,
        "files[1].purpose is not valid UTF-8", false);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.concurrency = 1001;
    FAILS(mmx_delete_files(client, files, 1, &options, &json, &error), error, MMX_ERROR_INVALID_ARGUMENT,
        "options.concurrency must be 1 to 1000", false);
    options.concurrency = 0;
    options.flags = 4;
    FAILS(mmx_delete_files(client, files, 1, &options, &json, &error), error, MMX_ERROR_INVALID_ARGUMENT,
        "options.flags", false);
    CHECK(json == NULL);
    CHECK_INT(count_of("bulk-bad", "count"), 0);
    SUCCEEDS(mmx_delete_files(client, NULL, 0, NULL, &json, &error), error);
    assert_json_has(json, "\"total\":0");
    mmx_string_free(json);
    mmx_client_free(client);
}

int main(void) {
    all_are_deleted(false);
    all_are_deleted(true);
    each_for_itself();
    all_are_refused();
    a_refused_key_stops_it();
    streamed(0);
    streamed(10);
    out_of_time();
    many_in_doubt();
    each_goes_twice();
    bad_arguments();
    return 0;
}
