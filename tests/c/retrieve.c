/* Retrieve: what is asked for, what comes of every answer, and that nothing is lost of it. */
#include "contract.h"
#include "files.h"

static const char NAME[] = "retrieve";

/* Retrieves, and must get this id. */
static void retrieves(const mmx_client *client, int64_t id) {
    char *json = NULL;
    mmx_error *error = NULL;
    mmx_files *files = NULL;
    SUCCEEDS(mmx_retrieve_file(client, id, NULL, &json, &error), error);
    SUCCEEDS(mmx_files_parse(json, &files, &error), error);
    CHECK_INT(mmx_files_count(files), 1);
    CHECK_INT(mmx_files_get(files, 0)->file_id, id);
    mmx_files_free(files);
    mmx_string_free(json);
}

static void requests(const mmx_client *client, bool https) {
    mmx_files *files = NULL;
    mmx_error *error = NULL;
    char *json = NULL;
    account(NAME, 1);
    store_file(NAME, INT64_MAX, 12345, 1);
    SUCCEEDS(mmx_retrieve_file(client, INT64_MAX, NULL, &json, &error), error);
    SUCCEEDS(mmx_files_parse(json, &files, &error), error);
    const mmx_file *file = mmx_files_get(files, 0);
    CHECK_INT(file->file_id, INT64_MAX);
    CHECK_INT(file->bytes, 12345);
    CHECK(file->created_at > 0);
    CHECK(*file->filename);
    CHECK_TEXT(file->purpose, MMX_PURPOSE_VOICE_CLONE);
    CHECK_HAS(file->download_url, https ? "https://127.0.0.2:" : "http://127.0.0.2:");
    mmx_files_free(files);
    mmx_string_free(json);
    CHECK_INT(count_of(NAME, "count"), 1);
    assert_journal_holds(NAME, "\"query\":\"file_id=9223372036854775807\"", 1);
    assert_journal_holds(NAME, "\"path\":\"/v1/files/retrieve\"", 1);
    assert_journal_holds(NAME, "\"method\":\"GET\"", 1);
    script(NAME, "[{\"shape\": \"id_as_string\"}, {\"shape\": \"unknown_fields\"}, {\"shape\": \"json_text_plain\"}, "
                 "{\"shape\": \"informational\"}]");
    for (int i = 0; i < 4; i++) retrieves(client, INT64_MAX);
    CHECK_INT(mmx_retrieve_file(client, 1, NULL, NULL, NULL), MMX_OK);
}

/* Byte for byte, with what nobody knows yet. */
static void as_it_came(const mmx_client *client) {
    char *json = NULL;
    mmx_error *error = NULL;
    script(NAME,
        "{\"body\": \" {\\\"file\\\":{ \\\"x\\\":1e2,\\\"file_id\\\":\\\"7\\\",\\\"backup_download_url\\\":\\\"u\\\"},"
        "\\\"base_resp\\\":{\\\"status_code\\\":0},\\\"z\\\":[]}\\n\"}");
    SUCCEEDS(mmx_retrieve_file(client, 7, NULL, &json, &error), error);
    CHECK_TEXT(json,
        " {\"file\":{ "
        "\"x\":1e2,\"file_id\":\"7\",\"backup_download_url\":\"u\"},\"base_resp\":{\"status_code\":0},\"z\":[]}\n");
    mmx_string_free(json);
}

static mmx_status retrieve_2(const mmx_client *client, char **json, mmx_error **error) {
    return mmx_retrieve_file(client, 2, NULL, json, error);
}

static void failures(const mmx_client *client) {
    static const struct failing_read cases[] = {
        {"{\"shape\": \"other_id\"}", MMX_ERROR_PROTOCOL, "not about 2"},
        {"{\"shape\": \"id_missing\"}", MMX_ERROR_PROTOCOL, "file_id"},
        {"{\"body\": \"{\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}", MMX_ERROR_PROTOCOL, "file"},
        {"{\"body\": \"{\\\"file\\\":{\\\"file_id\\\":2.0},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}",
            MMX_ERROR_PROTOCOL, "64 bits"},
        {"{\"code\": 1004}", MMX_ERROR_AUTHENTICATION, "check the key"},
        {"{\"code\": 1039}", MMX_ERROR_RATE_LIMITED, "1039"},
        {"{\"code\": 2013}", MMX_ERROR_INVALID_REQUEST, "2013"},
        {"{\"shape\": \"html_502\"}", MMX_ERROR_SERVER, "502"},
        {"{\"shape\": \"no_base_resp\"}", MMX_ERROR_PROTOCOL, "base_resp"},
        {"{\"body_base64\": \"eyJiYXNlX3Jlc3AiOnsic3RhdHVzX2NvZGUiOv/+fX0=\"}", MMX_ERROR_PROTOCOL, "retrieve_file: "},
        {"{\"shape\": \"redirect\"}", MMX_ERROR_HTTP, "redirects are not followed"},
        {"{\"shape\": \"garbage\"}", MMX_ERROR_PROTOCOL, "not valid HTTP"},
        {"{\"close_before_answer\": \"fin\"}", MMX_ERROR_NETWORK, "the connection broke"},
    };
    assert_each_fails(NAME, cases, sizeof cases / sizeof *cases, client, retrieve_2);
    retrieves(client, 2);
    mmx_error *error = NULL;
    /* Neighbours that a floating point number would take for each other. */
    static const char *const neighbours[] = {
        "9007199254740992", "\\\"9007199254740992\\\"", "\\\"9007199254740993.0\\\"", "9007199254740993.0"};
    for (size_t i = 0; i < sizeof neighbours / sizeof *neighbours; i++) {
        char *fault =
            format("{\"body\": \"{\\\"file\\\":{\\\"file_id\\\":%s},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}",
                neighbours[i]);
        script(NAME, fault);
        FAILS(mmx_retrieve_file(client, 9007199254740993, NULL, NULL, &error), error, MMX_ERROR_PROTOCOL,
            i < 2 ? "not about 9007199254740993" : "64 bits", false);
        free(fault);
    }
    account(NAME, 0);
    FAILS(mmx_retrieve_file(client, 3, NULL, NULL, &error), error, MMX_ERROR_INVALID_REQUEST, "2013", false);
    error = FILLED;
    account(NAME, 0);
    REFUSES(mmx_retrieve_file(client, 0, NULL, NULL, &error), error, "file_id", "must be 1 or more, not 0");
    REFUSES(mmx_retrieve_file(client, INT64_MIN, NULL, NULL, &error), error, "file_id", "must be 1 or more");
    REFUSES(mmx_retrieve_file(NULL, 1, NULL, NULL, &error), error, "client", "is NULL");
    CHECK_INT(count_of(NAME, "count"), 0);
}

int main(void) {
    for (int https = 0; https < 2; https++) {
        account(NAME, 0);
        mmx_client *client = client_for(NAME, https);
        requests(client, https);
        as_it_came(client);
        failures(client);
        mmx_client_free(client);
    }
    return 0;
}
