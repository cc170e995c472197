/* mmx_outcomes_...: counts and outcomes of bulk results, and the files of plans, for callers without a parser of their own. */
#include "contract.h"
#include "files.h"

#define PLAN_HEAD "\"version\":1,\"host\":\"h\",\"key_fingerprint\":\"sha256:00\",\"made_at_ms\":1700469398123"
#define PLAN                                                                                                           \
    "{" PLAN_HEAD ",\"files\":["                                                                                       \
    "{\"file_id\":9007199254740993,\"purpose\":\"t2a_async\",\"filename\":\"a.tar\",\"bytes\":7,\"created_at\":"       \
    "1699000000},"                                                                                                     \
    "{\"file_id\":9223372036854775807,\"purpose\":\"voice_clone\",\"filename\":\"b\",\"bytes\":0,\"created_at\":0,"    \
    "\"kept\":\"keep_glob\"}]}"
#define COUNTS(total, deleted, kept)                                                                                   \
    "\"total\":" total ",\"deleted\":" deleted                                                                         \
    ",\"already_absent\":0,\"failed\":0,\"unknown\":0,\"not_attempted\":0,\"kept\":" kept
#define OUTCOME(index, id, name, error)                                                                                \
    "{\"index\":" index ",\"file_id\":" id ",\"purpose\":\"p\",\"outcome\":\"" name                                    \
    "\",\"evidence\":\"answer\",\"attempts\":2,"                                                                       \
    "\"trace_id\":\"t\",\"settled_at_ms\":9007199254740993,\"error\":" error "}"
#define ERROR                                                                                                          \
    "{\"status\":30,\"status_name\":\"MMX_ERROR_LATER\",\"call\":\"delete_files\",\"message\":\"one\\ntwo\\u0000\","   \
    "\"parameter\":\"files\","                                                                                         \
    "\"api_code\":1033,\"api_message\":\"said\",\"http_status\":500,\"trace_id\":\"t\",\"attempts\":2,\"retry_after_"  \
    "ms\":9007199254740993,"                                                                                           \
    "\"ambiguous\":true,\"errno\":5,\"new\":[]}"

static mmx_outcomes *parsed(const char *json, size_t count, size_t total) {
    mmx_outcomes *outcomes = NULL;
    mmx_error *error = NULL;
    SUCCEEDS(mmx_outcomes_parse(json, &outcomes, &error), error);
    CHECK_INT(mmx_outcomes_count(outcomes), count);
    CHECK_INT(mmx_outcomes_total(outcomes, 0), total);
    CHECK(mmx_outcomes_get(outcomes, count) == NULL && mmx_outcomes_get(outcomes, SIZE_MAX) == NULL);
    return outcomes;
}

static void bulk_results(void) {
    mmx_outcomes *outcomes = parsed("{" COUNTS("0", "0", "0") ",\"outcomes\":[]}", 0, 0);
    mmx_outcomes_free(outcomes);
    outcomes = parsed("{" COUNTS("1", "1", "0") ",\"outcomes\":[" OUTCOME(
                          "0", "9223372036854775807", "deleted", "null") "],\"new\":{}}",
        1, 1);
    const mmx_outcome *outcome = mmx_outcomes_get(outcomes, 0);
    CHECK_INT(outcome->index, 0);
    CHECK_INT(outcome->file_id, INT64_MAX);
    CHECK_TEXT(outcome->purpose, "p");
    CHECK_INT(outcome->outcome, MMX_OUTCOME_DELETED);
    CHECK_INT(outcome->attempts, 2);
    CHECK_TEXT(outcome->evidence, "answer");
    CHECK_TEXT(outcome->trace_id, "t");
    CHECK_INT(outcome->settled_at_ms, 9007199254740993);
    CHECK(outcome->error == NULL);
    CHECK_INT(mmx_outcomes_total(outcomes, MMX_OUTCOME_DELETED), 1);
    mmx_outcomes_free(outcomes);

    /* An error is whole, also one whose status only a later version knows. */
    outcomes = parsed("{\"total\":1,\"deleted\":0,\"already_absent\":0,\"failed\":0,\"unknown\":1,\"not_attempted\":0,"
                      "\"kept\":0,\"plan\":null,"
                      "\"outcomes\":[" OUTCOME("0", "3", "unknown", ERROR) "]}",
        1, 1);
    mmx_error *error = mmx_error_clone(mmx_outcomes_get(outcomes, 0)->error);
    CHECK(error != mmx_outcomes_get(outcomes, 0)->error);
    mmx_outcomes_free(outcomes);
    CHECK_INT(mmx_error_status(error), 30);
    CHECK_TEXT(mmx_error_call(error), "delete_files");
    CHECK_TEXT(mmx_error_message(error), "one two\xef\xbf\xbd");
    CHECK_TEXT(mmx_error_parameter(error), "files");
    CHECK_INT(mmx_error_api_code(error), 1033);
    CHECK_TEXT(mmx_error_api_message(error), "said");
    CHECK_INT(mmx_error_http_status(error), 500);
    CHECK_TEXT(mmx_error_trace_id(error), "t");
    CHECK_INT(mmx_error_attempts(error), 2);
    CHECK_INT(mmx_error_retry_after_ms(error), 9007199254740993);
    CHECK(mmx_error_is_ambiguous(error));
    CHECK_INT(mmx_error_errno(error), 5);
    char *json = mmx_error_json(error);
    CHECK_HAS(json, "\"status_name\":\"MMX_ERROR_LATER\"");
    CHECK_HAS(json, "\"parameter\":\"files\"");
    mmx_string_free(json);
    mmx_error_free(error);

    /* Streamed: the counts alone, as large as they may be. */
    outcomes =
        parsed("{" COUNTS("18446744073709551615", "9007199254740993", "3") ",\"still_listed\":null}", 0, SIZE_MAX);
    CHECK_INT(mmx_outcomes_total(outcomes, MMX_OUTCOME_DELETED), 9007199254740993);
    CHECK_INT(mmx_outcomes_total(outcomes, MMX_OUTCOME_KEPT), 3);
    CHECK_INT(mmx_outcomes_total(outcomes, 7), 0);
    CHECK_INT(mmx_outcomes_total(outcomes, -1), 0);
    CHECK_INT(mmx_outcomes_total(outcomes, INT32_MAX), 0);
    mmx_outcomes_free(outcomes);
}

static void plans(void) {
    mmx_outcomes *outcomes = parsed(PLAN, 2, 2);
    CHECK_INT(mmx_outcomes_total(outcomes, MMX_OUTCOME_KEPT), 2);
    const int64_t ids[] = {9007199254740993, INT64_MAX};
    for (size_t i = 0; i < 2; i++) {
        const mmx_outcome *outcome = mmx_outcomes_get(outcomes, i);
        CHECK_INT(outcome->index, i);
        CHECK_INT(outcome->file_id, ids[i]);
        CHECK_TEXT(outcome->purpose, i ? "voice_clone" : "t2a_async");
        CHECK_INT(outcome->outcome, MMX_OUTCOME_KEPT);
        CHECK_INT(outcome->attempts, 0);
        CHECK_TEXT(outcome->evidence, "");
        CHECK_TEXT(outcome->trace_id, "");
        CHECK_INT(outcome->settled_at_ms, 1700469398123);
        CHECK(outcome->error == NULL);
    }
    mmx_outcomes_free(outcomes);
    mmx_outcomes_free(parsed("{" PLAN_HEAD ",\"files\":[]}", 0, 0));
}

/* A file that the plan keeps is not handed to someone who deletes what he is given. */
static void files_of_plans(void) {
    static const char *const with_plan[] = {PLAN, "{" COUNTS("2", "0", "2") ",\"plan\":" PLAN "}"};
    mmx_error *error = NULL;
    mmx_files *files = NULL;
    for (size_t i = 0; i < 2; i++) {
        SUCCEEDS(mmx_files_parse(with_plan[i], &files, &error), error);
        CHECK_INT(mmx_files_count(files), 1);
        const mmx_file *file = mmx_files_get(files, 0);
        CHECK_INT(file->file_id, 9007199254740993);
        CHECK_INT(file->bytes, 7);
        CHECK_INT(file->created_at, 1699000000);
        CHECK_TEXT(file->filename, "a.tar");
        CHECK_TEXT(file->purpose, "t2a_async");
        CHECK_TEXT(file->download_url, "");
        mmx_files_free(files);
    }
    static const char *const without[] = {
        "{" COUNTS("0", "0", "0") ",\"plan\":null,\"outcomes\":[]}", "{" COUNTS("9", "9", "0") "}"};
    for (size_t i = 0; i < 2; i++) {
        files = FILLED;
        REFUSES(mmx_files_parse(without[i], &files, &error), error, "json", "a bulk result without a plan");
        CHECK(files == NULL);
    }
    /* Only a name looks like a plan's field: a list, as it ever was. */
    SUCCEEDS(mmx_files_parse("{\"files\":[{\"file_id\":1,\"key_fingerprint\":1,\"not_attempted\":2}]}", &files, &error),
        error);
    CHECK_INT(mmx_files_count(files), 1);
    mmx_files_free(files);
    REFUSES(mmx_files_parse("{\"version\":2,\"key_fingerprint\":\"\",\"files\":[]}", &files, &error), error, "json",
        "another version");
}

static void refused_ones(void) {
    static const char *const bad[] = {"", " ", "{", "[]", "null", "7", "\"{}\"", "{}{}", "nonsense", "{}",
        "{\"files\":[]}", "{\"file_id\":1}", "{\"version\":1,\"files\":[]}",
        "{\"version\":2,\"key_fingerprint\":\"\",\"made_at_ms\":0,\"files\":[]}",
        "{\"version\":\"1\",\"key_fingerprint\":\"\",\"made_at_ms\":0,\"files\":[]}", "{" PLAN_HEAD "}",
        "{" PLAN_HEAD ",\"files\":null}", "{" PLAN_HEAD ",\"files\":{}}", "{" PLAN_HEAD ",\"files\":[7]}",
        "{" PLAN_HEAD ",\"files\":[{}]}", "{\"total\":1,\"not_attempted\":0}", "{" COUNTS("-1", "0", "0") "}",
        "{" COUNTS("1.5", "0", "0") "}", "{" COUNTS("18446744073709551616", "0", "0") "}",
        "{" COUNTS("\"1\"", "1", "0") "}", "{" COUNTS("0", "0", "0") ",\"outcomes\":{}}",
        "{" COUNTS("1", "1", "0") ",\"outcomes\":[null]}",
        "{" COUNTS("1", "1", "0") ",\"outcomes\":[" OUTCOME("0", "9223372036854775808", "deleted", "null") "]}",
        "{" COUNTS("1", "1", "0") ",\"outcomes\":[" OUTCOME("0", "1.0", "deleted", "null") "]}",
        "{" COUNTS("1", "1", "0") ",\"outcomes\":[" OUTCOME("0", "1", "vanished", "null") "]}",
        "{" COUNTS("1", "1", "0") ",\"outcomes\":[" OUTCOME("0", "1", "deleted", "{}") "]}",
        "{" COUNTS("1", "1", "0") ",\"outcomes\":[" OUTCOME("0", "1", "kept", "null") "]}",
        "{" COUNTS("1", "1", "0") ",\"outcomes\":[]}",
        "{" COUNTS("1", "1", "0") ",\"outcomes\":[" OUTCOME("0", "1", "deleted", "null"), PLAN "x"};
    mmx_error *error = FILLED;
    mmx_outcomes *outcomes;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        outcomes = FILLED;
        if (mmx_outcomes_parse(bad[i], &outcomes, &error) == MMX_OK) FAIL("not refused: %s", bad[i]);
        CHECK(outcomes == NULL);
        CHECK_INT(mmx_error_status(error), MMX_ERROR_INVALID_ARGUMENT);
        CHECK_TEXT(mmx_error_call(error), "outcomes_parse");
        CHECK_TEXT(mmx_error_parameter(error), "json");
        mmx_error_free(error);
        CHECK_INT(mmx_outcomes_parse(bad[i], &outcomes, NULL), MMX_ERROR_INVALID_ARGUMENT);
    }
    /* No text of the JSON is repeated: it can be anything. */
    REFUSES(mmx_outcomes_parse("{" COUNTS("\"secret\"", "1", "0") "}", &outcomes, &error), error, "json",
        "neither a bulk result nor a plan");
    CHECK_INT(
        mmx_outcomes_parse("{" COUNTS("\"secret\"", "1", "0") "}", &outcomes, &error), MMX_ERROR_INVALID_ARGUMENT);
    CHECK(strstr(mmx_error_message(error), "secret") == NULL);
    mmx_error_free(error);
    enum { DEEP = 100000 };
    char *nested = malloc(DEEP + 1);
    memset(nested, '[', DEEP);
    nested[DEEP] = 0;
    REFUSES(mmx_outcomes_parse(nested, &outcomes, &error), error, "json", "");
    free(nested);
    REFUSES(mmx_outcomes_parse(NULL, &outcomes, &error), error, "json", "is NULL");
    REFUSES(mmx_outcomes_parse("{\"a\":\"\xc3\x28\"}", &outcomes, &error), error, "json", "not valid UTF-8");
    REFUSES(mmx_outcomes_parse(PLAN, NULL, &error), error, "out_outcomes", "is NULL");
    CHECK_INT(mmx_outcomes_count(NULL), 0);
    CHECK_INT(mmx_outcomes_total(NULL, 0), 0);
    CHECK(mmx_outcomes_get(NULL, 0) == NULL);
    mmx_outcomes_free(NULL);
}

/* What the calls hand over; outcomes and a copy of an error live on without the JSON and the client. */
static void of_calls(void) {
    enum { COUNT = 3000 };
    account("outcomes-parse", COUNT);
    script("outcomes-parse", "{\"call\": \"delete\", \"file_id\": 7, \"times\": -1, \"code\": 1026}");
    mmx_client *client = client_for("outcomes-parse", false);
    mmx_error *error = NULL;
    char *json = NULL, *dry = NULL;

    mmx_filter filter = MMX_FILTER_INIT;
    filter.purpose = MMX_PURPOSE_VOICE_CLONE;
    filter.flags = MMX_FILTER_ALL;
    const int64_t keep = 5;
    filter.keep_ids = &keep;
    filter.keep_count = 1;
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.flags = MMX_BULK_DRY_RUN;
    SUCCEEDS(mmx_prune_files(client, &filter, &options, &dry, &error), error);
    mmx_outcomes *planned = NULL;
    SUCCEEDS(mmx_outcomes_parse(dry, &planned, &error), error);
    /* Beside those of a new account. */
    const size_t count = mmx_outcomes_count(planned);
    CHECK(count >= COUNT);
    CHECK_INT(mmx_outcomes_total(planned, 0), count);
    CHECK_INT(mmx_outcomes_total(planned, MMX_OUTCOME_KEPT), count);
    mmx_files *files = NULL;
    SUCCEEDS(mmx_files_parse(dry, &files, &error), error);
    CHECK_INT(mmx_files_count(files), count - 1);
    for (size_t i = 0; i < count - 1; i++) CHECK(mmx_files_get(files, i)->file_id != keep);

    mmx_file_ref *refs = calloc(count - 1, sizeof *refs);
    for (size_t i = 0; i < count - 1; i++)
        refs[i] = (mmx_file_ref){mmx_files_get(files, i)->file_id, mmx_files_get(files, i)->purpose};
    CHECK_INT(mmx_delete_files(client, refs, count - 1, NULL, &json, &error), MMX_ERROR_PARTIAL);
    CHECK_TEXT(mmx_error_call(error), "delete_files");
    CHECK_TEXT(mmx_error_parameter(error), "");
    CHECK_TEXT(mmx_error_api_message(error), "");
    mmx_error_free(error);
    mmx_outcomes *outcomes = parsed(json, count - 1, count - 1);
    CHECK_INT(mmx_outcomes_total(outcomes, MMX_OUTCOME_DELETED), count - 2);
    CHECK_INT(mmx_outcomes_total(outcomes, MMX_OUTCOME_FAILED), 1);
    REFUSES(mmx_files_parse(json, &(mmx_files *){NULL}, &error), error, "json", "a bulk result without a plan");

    mmx_client_free(client);
    memset(json, 'x', strlen(json)); /* not kept */
    mmx_string_free(json);
    mmx_string_free(dry);
    mmx_error *copy = NULL;
    for (size_t i = 0; i < count - 1; i++) {
        const mmx_outcome *outcome = mmx_outcomes_get(outcomes, i);
        CHECK_INT(outcome->index, i);
        CHECK_INT(outcome->file_id, refs[i].file_id);
        CHECK_TEXT(outcome->purpose, MMX_PURPOSE_VOICE_CLONE);
        CHECK((outcome->error != NULL) == (outcome->outcome == MMX_OUTCOME_FAILED));
        if (outcome->error) copy = mmx_error_clone(outcome->error);
    }
    mmx_outcomes_free(outcomes);
    mmx_outcomes_free(planned);
    mmx_files_free(files);
    free(refs);
    CHECK_INT(mmx_error_status(copy), MMX_ERROR_CONTENT_REJECTED);
    CHECK_INT(mmx_error_api_code(copy), 1026);
    CHECK(strlen(mmx_error_api_message(copy)) > 0);
    CHECK_INT(strlen(mmx_error_trace_id(copy)), 32);
    mmx_error *second = mmx_error_clone(copy);
    mmx_error_free(copy);
    CHECK_INT(mmx_error_api_code(second), 1026);
    mmx_error_free(second);
    CHECK(mmx_error_clone(NULL) == NULL);
    CHECK_TEXT(mmx_error_call(NULL), "");
    CHECK_TEXT(mmx_error_parameter(NULL), "");
    CHECK_TEXT(mmx_error_api_message(NULL), "");
}

int main(void) {
    bulk_results();
    plans();
    files_of_plans();
    refused_ones();
    of_calls();
    return 0;
}
