/* A delete without the purpose: retrieve says it, or one list says many. */
#include "bulk.h"
#include "contract.h"

static const char NAME[] = "unknown-purpose";
static mmx_error *error;

static void single(const mmx_client *client) {
    mmx_call_info info = MMX_CALL_INFO_INIT;
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    char *json = NULL;
    options.info = &info;
    account(NAME, 3);
    SUCCEEDS(mmx_delete_file(client, 1, NULL, &options, &json, &error), error);
    CHECK_HAS(json, "\"file_id\":1");
    mmx_string_free(json);
    CHECK_INT(info.attempts, 1);
    CHECK_TEXT(info.evidence, "answer");
    CHECK_INT(requests(NAME, "retrieve"), 1);
    CHECK_INT(requests(NAME, "delete"), 1);
    assert_journal_has(NAME, "\\\"purpose\\\":\\\"voice_clone\\\"", true);
    /* One that isn't there: the service's refusal of the retrieve, and no delete. */
    FAILS(mmx_delete_file(client, 1, NULL, &options, &json, &error), error, MMX_ERROR_NOT_FOUND,
        "the service doesn't know the file 1, as retrieve shows", false);
    CHECK_INT(info.attempts, 0);
    CHECK_INT(info.http_status, 200);
    CHECK_INT(requests(NAME, "delete"), 1);
    options.flags = MMX_CALL_MISSING_OK;
    SUCCEEDS(mmx_delete_file(client, 1, NULL, &options, &json, &error), error);
    CHECK_TEXT(json, "{\"evidence\":\"retrieve\",\"file_id\":1}");
    CHECK_TEXT(info.evidence, "retrieve");
    mmx_string_free(json);
    options.flags = 0;
    /* Whatever else retrieve says, nothing is deleted. */
    static const struct {
        const char *fault;
        mmx_status status;
        const char *part;
    } cases[] = {{"'code':1004", MMX_ERROR_AUTHENTICATION, "its purpose was asked for"},
        {"'http_status':503", MMX_ERROR_SERVER, "its purpose was asked for"},
        {"'close_before_answer':'fin'", MMX_ERROR_NETWORK, "its purpose was asked for"},
        {"'shape':'text_404'", MMX_ERROR_HTTP, "its purpose was asked for"},
        {"'body':'{\\'file\\':{\\'file_id\\':2},\\'base_resp\\':{\\'status_code\\':0}}'", MMX_ERROR_PROTOCOL,
            "doesn't say the purpose of the file 2"}};
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        char *fault = format("{'call':'retrieve','times':-1,%s}", cases[i].fault);
        account(NAME, 3);
        mmx_client *once = client_for(NAME, false);
        options.max_attempts = 1;
        for (char *at = fault; (at = strstr(at, "\\'")); at++) memcpy(at, "\\\x01", 2);
        for (char *at = fault; (at = strchr(at, '\'')); at++) *at = '"';
        for (char *at = fault; (at = strchr(at, '\x01')); at++) *at = '"';
        script(NAME, fault);
        FAILS(mmx_delete_file(once, 2, NULL, &options, NULL, &error), error, cases[i].status, cases[i].part, false);
        CHECK_INT(requests(NAME, "delete"), 0);
        mmx_client_free(once);
        free(fault);
    }
}

/* Some with and some without, some that are not there. */
static void few(const mmx_client *client) {
    account(NAME, 4);
    store_file(NAME, 50, 10, 1);
    mmx_file_ref files[] = {
        {1, NULL}, {2, "voice_clone"}, {900, NULL}, {3, NULL}, {1, NULL}, {50, NULL}, {4, "t2a_async"}};
    char *json = NULL;
    FAILS(mmx_delete_files(client, files, LENGTH_OF(files), NULL, &json, &error), error, MMX_ERROR_PARTIAL, "failed",
        false);
    static const char *const outcomes[] = {
        "deleted", "deleted", "already_absent", "deleted", "deleted", "deleted", "failed"};
    for (size_t i = 0; i < LENGTH_OF(files); i++) {
        char *part = format("\"outcome\":\"%s\"", outcomes[i]);
        assert_json_outcome(json, i, part);
        free(part);
    }
    assert_json_outcome(json, 0, "\"purpose\":\"voice_clone\"");
    assert_json_outcome(json, 2, "\"purpose\":\"\"");
    assert_json_has(json, "{\"attempts\":0,\"error\":null,\"evidence\":\"retrieve\",\"file_id\":900,");
    CHECK_INT(requests(NAME, "list"), 0);
    CHECK_INT(requests(NAME, "delete"), 5);
    mmx_string_free(json);
}

/* More than 20 are listed once; those that the list lacks are asked for one by one. */
static void many(const mmx_client *client) {
    enum { COUNT = 60 };
    mmx_file_ref *files = refs(COUNT);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    char *json = NULL;
    account(NAME, COUNT - 2);
    for (size_t i = 0; i < COUNT; i++) files[i].purpose = NULL;
    options.flags = MMX_BULK_DRY_RUN;
    SUCCEEDS(mmx_delete_files(client, files, COUNT, &options, NULL, &error), error);
    CHECK_INT(count_of(NAME, "count"), 0);
    options.flags = MMX_BULK_VERIFY;
    SUCCEEDS(mmx_delete_files(client, files, COUNT, &options, &json, &error), error);
    assert_json_has(json, "\"deleted\":58,");
    assert_json_has(json, "\"already_absent\":2,");
    assert_json_has(json, "\"still_listed\":[]");
    assert_json_has(json, "\"evidence\":\"retrieve\",\"file_id\":60,");
    CHECK_INT(requests(NAME, "retrieve"), 2);
    CHECK_INT(requests(NAME, "delete"), COUNT - 2);
    mmx_string_free(json);
    /* A list that fails is replaced by as many retrieves. */
    account(NAME, COUNT);
    script(NAME, "{\"call\": \"list\", \"times\": -1, \"http_status\": 418}");
    SUCCEEDS(mmx_delete_files(client, files, COUNT, NULL, &json, &error), error);
    assert_json_has(json, "\"deleted\":60,");
    CHECK_INT(requests(NAME, "retrieve"), COUNT);
    mmx_string_free(json);
    /* A refused key ends it before anything is deleted. */
    account(NAME, COUNT);
    script(NAME, "{\"call\": \"list\", \"times\": -1, \"code\": 1004}");
    FAILS(mmx_delete_files(client, files, COUNT, NULL, &json, &error), error, MMX_ERROR_AUTHENTICATION, "1004", false);
    assert_json_has(json, "\"not_attempted\":60,");
    CHECK_INT(count_of(NAME, "count"), 1);
    mmx_string_free(json);
    free(files);
}

int main(void) {
    mmx_client *client = retrying_client_for(NAME, false);
    single(client);
    few(client);
    many(client);
    mmx_client_free(client);
    return 0;
}
