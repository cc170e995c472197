/* List: what is asked for, what comes of every answer, and that nothing is lost of it. */
#include "contract.h"
#include "files.h"

static const char NAME[] = "list";

/* Lists, and says how many files the answer holds. */
static size_t listed(const mmx_client *client, const char *purpose) {
    char *json = NULL;
    mmx_error *error = NULL;
    mmx_files *files = NULL;
    SUCCEEDS(mmx_list_files(client, purpose, NULL, &json, &error), error);
    SUCCEEDS(mmx_files_parse(json, &files, &error), error);
    size_t count = mmx_files_count(files);
    mmx_files_free(files);
    mmx_string_free(json);
    return count;
}

static void requests(const mmx_client *client) {
    static const char *const purposes[] = {MMX_PURPOSE_VOICE_CLONE, MMX_PURPOSE_PROMPT_AUDIO,
        MMX_PURPOSE_T2A_ASYNC_INPUT, MMX_PURPOSE_T2A_ASYNC, MMX_PURPOSE_VIDEO_GENERATION,
        MMX_PURPOSE_VIDEO_UNDERSTANDING, MMX_PURPOSE_VIDEO_GENERATION_INPUT, "new_next_year_2"};
    enum { COUNT = sizeof purposes / sizeof *purposes };
    account(NAME, 0);
    for (size_t i = 0; i < COUNT; i++) {
        /* As many of each as its place says, and one. */
        char *files =
            format("{\"count\": %zu, \"first_id\": %zu, \"purpose\": \"%s\"}", i + 1, (i + 1) * 1000, purposes[i]);
        char *path = format("/control/%s/files", NAME);
        free(control("POST", path, files));
        free(path);
        free(files);
    }
    long had = files_of(NAME);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK(listed(client, purposes[i]) >= i + 1);
        char *query = format("\"query\":\"purpose=%s\"", purposes[i]);
        assert_journal_holds(NAME, query, 1);
        free(query);
    }
    /* Every file of the account, and nothing in the query. */
    CHECK_INT(listed(client, NULL), had);
    assert_journal_holds(NAME, "\"query\":null", 1);
    assert_journal_holds(NAME, "\"path\":\"/v1/files/list\"", COUNT + 1);
    assert_journal_holds(NAME, "\"method\":\"GET\"", COUNT + 1);
    assert_journal_holds(NAME, "\"body\":\"\"", COUNT + 1);
    CHECK_INT(count_of(NAME, "count"), COUNT + 1);
}

static void no_files(const mmx_client *client) {
    account(NAME, 0);
    script(NAME, "[{\"shape\": \"files_missing\"}, {\"shape\": \"files_null\"}, {\"body\": "
                 "\"{\\\"files\\\":[],\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}]");
    for (int i = 0; i < 3; i++) CHECK_INT(listed(client, MMX_PURPOSE_VOICE_CLONE), 0);
}

/* Byte for byte, with what nobody knows yet; ids as numbers and as strings, to the last digit. */
static void as_it_came(const mmx_client *client) {
    static const char answer[] = "{ \"new\" : [1.50, {\"a\":null}] "
                                 ",\"files\":[{\"file_id\":9223372036854775807,\"bytes\":0,\"extra\":\"\\u58f0\"},"
                                 "{\"file_id\":\"9007199254740993\",\"created_at\":1700469398,\"filename\":\"a "
                                 "\\\"b\\\".mp3\",\"purpose\":\"x\"}],"
                                 "\"base_resp\":{\"status_code\":0,\"status_msg\":\"success\"}}\n";
    char *json = NULL;
    mmx_error *error = NULL;
    mmx_files *files = NULL;
    account(NAME, 0);
    script(NAME,
        "{\"body\": \"{ \\\"new\\\" : [1.50, {\\\"a\\\":null}] "
        ",\\\"files\\\":[{\\\"file_id\\\":9223372036854775807,\\\"bytes\\\":0,"
        "\\\"extra\\\":\\\"\\\\u58f0\\\"},{\\\"file_id\\\":\\\"9007199254740993\\\",\\\"created_at\\\":1700469398,"
        "\\\"filename\\\":\\\"a \\\\\\\"b\\\\\\\".mp3\\\",\\\"purpose\\\":\\\"x\\\"}],"
        "\\\"base_resp\\\":{\\\"status_code\\\":0,\\\"status_msg\\\":\\\"success\\\"}}\\n\"}");
    SUCCEEDS(mmx_list_files(client, NULL, NULL, &json, &error), error);
    CHECK_TEXT(json, answer);
    SUCCEEDS(mmx_files_parse(json, &files, &error), error);
    CHECK_INT(mmx_files_count(files), 2);
    CHECK_INT(mmx_files_get(files, 0)->file_id, INT64_MAX);
    CHECK_INT(mmx_files_get(files, 1)->file_id, 9007199254740993);
    CHECK_TEXT(mmx_files_get(files, 1)->filename, "a \"b\".mp3");
    mmx_files_free(files);
    mmx_string_free(json);
}

static mmx_status list_voices(const mmx_client *client, char **json, mmx_error **error) {
    return mmx_list_files(client, MMX_PURPOSE_VOICE_CLONE, NULL, json, error);
}

static void failures(const mmx_client *client) {
    static const struct failing_read cases[] = {
        {"{\"code\": 1002}", MMX_ERROR_RATE_LIMITED, "the service answered 1002"},
        {"{\"code\": 1004}", MMX_ERROR_AUTHENTICATION, "check the key"},
        {"{\"code\": 1013}", MMX_ERROR_SERVER, "1013"},
        {"{\"code\": 2013}", MMX_ERROR_INVALID_REQUEST, "2013"},
        {"{\"code\": 4242}", MMX_ERROR_API, "4242"},
        {"{\"shape\": \"new_error\"}", MMX_ERROR_AUTHENTICATION, "list_files: "},
        {"{\"shape\": \"html_502\"}", MMX_ERROR_SERVER, "502"},
        {"{\"shape\": \"text_404\"}", MMX_ERROR_HTTP, "404"},
        {"{\"shape\": \"empty\"}", MMX_ERROR_PROTOCOL, "list_files: "},
        {"{\"shape\": \"null\"}", MMX_ERROR_PROTOCOL, "list_files: "},
        {"{\"shape\": \"truncated_json\"}", MMX_ERROR_PROTOCOL, "list_files: "},
        {"{\"shape\": \"no_base_resp\"}", MMX_ERROR_PROTOCOL, "base_resp"},
        {"{\"shape\": \"files_not_array\"}", MMX_ERROR_PROTOCOL, "list_files: "},
        {"{\"shape\": \"deep_nesting\"}", MMX_ERROR_PROTOCOL, "list_files: "},
        {"{\"body\": \"{\\\"files\\\":[{\\\"file_id\\\":1.5}],\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}",
            MMX_ERROR_PROTOCOL, "64 bits"},
        {"{\"body\": \"{\\\"files\\\":[{\\\"bytes\\\":1}],\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}",
            MMX_ERROR_PROTOCOL, "file_id"},
        {"{\"close_before_answer\": \"rst\"}", MMX_ERROR_NETWORK, "the connection broke"},
        {"{\"cut_after\": 150}", MMX_ERROR_NETWORK, "before the answer was whole"},
        {"{\"wrong_length\": 10}", MMX_ERROR_NETWORK, "before the answer was whole"},
    };
    assert_each_fails(NAME, cases, sizeof cases / sizeof *cases, client, list_voices);
    CHECK(listed(client, MMX_PURPOSE_VOICE_CLONE) >= 2);
}

static void limits(const mmx_client *client) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_error *error = NULL;
    account(NAME, 2);
    script(NAME, "{\"hang\": true}");
    options.timeout_ms = 200;
    FAILS(mmx_list_files(client, NULL, &options, NULL, &error), error, MMX_ERROR_TIMEOUT,
        "the time limit of 200 ms passed while asking 127.0.0.1:", false);
    CHECK_INT(mmx_cancel_new(&options.cancel, NULL), MMX_OK);
    mmx_cancel_trigger(options.cancel);
    FAILS(mmx_list_files(client, NULL, &options, NULL, &error), error, MMX_ERROR_CANCELLED, "before anything was sent",
        false);
    mmx_cancel_free(options.cancel);
    error = FILLED;
    REFUSES(mmx_list_files(client, "Voice Clone", NULL, NULL, &error), error, "purpose",
        "must be 1 to 64 letters, digits, _, - and .");
    REFUSES(mmx_list_files(client, "", NULL, NULL, &error), error, "purpose",
        "must be 1 to 64 letters, digits, _, - and .");
    REFUSES(mmx_list_files(client, "a&purpose=b", NULL, NULL, &error), error, "purpose",
        "must be 1 to 64 letters, digits, _, - and .");
    REFUSES(mmx_list_files(NULL, NULL, NULL, NULL, &error), error, "client", "is NULL");
    options = (mmx_call_options)MMX_CALL_OPTIONS_INIT;
    options.flags = MMX_CALL_VIA_DOWNLOAD_URL;
    REFUSES(mmx_list_files(client, NULL, &options, NULL, &error), error, "options.flags", "this call does not know");
    CHECK_INT(count_of(NAME, "count"), 1);
}

static void fifty_thousand(const mmx_client *client) {
    enum { COUNT = 50000 };
    char *json = NULL;
    mmx_error *error = NULL;
    mmx_files *files = NULL;
    account(NAME, COUNT);
    SUCCEEDS(mmx_list_files(client, MMX_PURPOSE_VOICE_CLONE, NULL, &json, &error), error);
    SUCCEEDS(mmx_files_parse(json, &files, &error), error);
    mmx_string_free(json);
    static bool seen[COUNT + 1];
    CHECK(mmx_files_count(files) >= COUNT);
    for (size_t i = 0; i < mmx_files_count(files); i++) {
        const mmx_file *file = mmx_files_get(files, i);
        CHECK_TEXT(file->purpose, MMX_PURPOSE_VOICE_CLONE);
        if (file->file_id >= 1 && file->file_id <= COUNT) seen[file->file_id] = true;
    }
    for (int id = 1; id <= COUNT; id++) CHECK(seen[id]);
    mmx_files_free(files);
    account(NAME, 0);
}

int main(void) {
    for (int https = 0; https < 2; https++) {
        account(NAME, 0);
        mmx_client *client = client_for(NAME, https);
        requests(client);
        no_files(client);
        as_it_came(client);
        failures(client);
        limits(client);
        fifty_thousand(client);
        mmx_client_free(client);
    }
    return 0;
}
