/* Fields that are off, but can be understood: they spoil neither a list nor an upload's id nor a settled delete. */
#include "contract.h"
#include "files.h"
#include "log.h"

static const char NAME[] = "odd-fields";
#define SUCCESS "\"base_resp\":{\"status_code\":0}"
#define HALF "a\\ud83d.mp3"
#define U_FFFD "\xef\xbf\xbd"

/* The next request is answered with this text, as it stands. */
static void says(const char *call, const char *body) {
    char *fault = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&fault, &length);
    fprintf(out, "{\"call\": \"%s\", \"perform\": true, \"body\": \"", call);
    for (const char *at = body; *at; at++) {
        if (*at == '"' || *at == '\\') fprintf(out, "\\%c", *at);
        else if ((unsigned char)*at < ' ') fprintf(out, "\\u%04x", *at);
        else fputc(*at, out);
    }
    fputs("\"}", out);
    fclose(out);
    script(NAME, fault);
    free(fault);
}

static mmx_files *parsed(const char *json) {
    mmx_files *files = NULL;
    mmx_error *error = NULL;
    SUCCEEDS(mmx_files_parse(json, &files, &error), error);
    return files;
}

/* Lists; `json` is what must be handed out, NULL: anything. */
static mmx_files *listed(const mmx_client *client, const char *expected) {
    char *json = NULL;
    mmx_error *error = NULL;
    SUCCEEDS(mmx_list_files(client, NULL, NULL, &json, &error), error);
    if (expected) CHECK_TEXT(json, expected);
    mmx_files *files = parsed(json);
    mmx_string_free(json);
    return files;
}

static void lists(const mmx_client *client, struct log *log) {
    static const char half[] =
        "{\"files\":[{\"file_id\":1,\"bytes\":1,\"filename\":\"" HALF "\",\"purpose\":\"voice_clone\"},"
        "{\"file_id\":2,\"bytes\":1,\"filename\":\"b.mp3\",\"purpose\":\"voice_clone\"}]," SUCCESS "}";
    says("list", half);
    mmx_files *files = listed(client, half);
    CHECK_INT(mmx_files_count(files), 2);
    CHECK_TEXT(mmx_files_get(files, 0)->filename, "a" U_FFFD ".mp3");
    CHECK_TEXT(mmx_files_get(files, 1)->filename, "b.mp3");
    mmx_files_free(files);

    /* In GBK: what isn't UTF-8 can't be handed out as it came. */
    script(NAME, "{\"body_base64\": "
                 "\"eyJmaWxlcyI6W3siZmlsZV9pZCI6MSwiYnl0ZXMiOjEsImNyZWF0ZWRfYXQiOjE3MDAwMDAwMDAsImZpbGVuYW1lIjoiyfnS9C5"
                 "tcDMiLCJwdXJwb3NlIjoidm9pY2VfY2xvbmUifV0sImJhc2VfcmVzcCI6eyJzdGF0dXNfY29kZSI6MH19\"}");
    files = listed(client,
        "{\"files\":[{\"file_id\":1,\"bytes\":1,\"created_at\":1700000000,\"filename\":\"" U_FFFD U_FFFD U_FFFD U_FFFD
        ".mp3\",\"purpose\":\"voice_clone\"}]," SUCCESS "}");
    CHECK_INT(mmx_files_count(files), 1);
    CHECK_TEXT(mmx_files_get(files, 0)->filename, U_FFFD U_FFFD U_FFFD U_FFFD ".mp3");
    mmx_files_free(files);

    static const char raw[] =
        "{\"files\":[{\"file_id\":1,\"filename\":\"a\tb\x01\x1f.mp3\",\"purpose\":\"voice_clone\"}]," SUCCESS "}";
    says("list", raw);
    files = listed(client, raw);
    CHECK_TEXT(mmx_files_get(files, 0)->filename, "a\tb\x01\x1f.mp3");
    mmx_files_free(files);

    /* A byte order mark is left out, for other parsers refuse it. */
    says("list", "\xef\xbb\xbf{\"files\":[{\"file_id\":9}]," SUCCESS "}");
    files = listed(client, "{\"files\":[{\"file_id\":9}]," SUCCESS "}");
    CHECK_INT(mmx_files_get(files, 0)->file_id, 9);
    mmx_files_free(files);

    says("list", "{\"files\":{}," SUCCESS "}");
    files = listed(client, "{\"files\":{}," SUCCESS "}");
    CHECK_INT(mmx_files_count(files), 0);
    mmx_files_free(files);

    /* What can't be read is counted and said. */
    static const char *const odd[] = {"null", "7", "\"x\"", "[]", "{}", "{\"file_id\":1.5}",
        "{\"file_id\":null,\"bytes\":1}", "{\"file_id\":1,\"file_id\":2}"};
    for (size_t i = 0; i < LENGTH_OF(odd); i++) {
        empty(log);
        char *body = format("{\"files\":[%s,{\"file_id\":2,\"filename\":\"b\",\"bytes\":{\"x\":[null]},\"purpose\":"
                            "\"voice_clone\"},%s]," SUCCESS "}",
            odd[i], odd[i]);
        says("list", body);
        files = listed(client, body);
        CHECK_INT(mmx_files_count(files), 1);
        CHECK_INT(mmx_files_get(files, 0)->file_id, 2);
        mmx_files_free(files);
        free(body);
        CHECK_INT(log->count, 1);
        CHECK_INT(log->levels[0], MMX_LOG_WARN);
        CHECK_HAS(log->lines[0], "\"event\":\"unreadable\"");
        CHECK_HAS(log->lines[0], "\"entries\":2");
    }
    empty(log);
    says("list", "{\"files\":[null]," SUCCESS "}");
    files = listed(client, NULL);
    CHECK_INT(mmx_files_count(files), 0);
    mmx_files_free(files);
    /* Another shape is no list with odd entries. */
    static const char *const other[] = {
        "{\"a\":1}", "\"x\"", "7", "[7]", "[{\"bytes\":1}]", "[null,{\"file_id\":1.5}]"};
    for (size_t i = 0; i < LENGTH_OF(other); i++) {
        mmx_error *error = NULL;
        char *body = format("{\"files\":%s," SUCCESS "}", other[i]);
        says("list", body);
        FAILS(mmx_list_files(client, NULL, NULL, NULL, &error), error, MMX_ERROR_PROTOCOL,
            "not what the API's documents say", false);
        free(body);
    }
}

/* The plan says what can't be read, and prune never touches it. */
static void prunes(const mmx_client *client) {
    mmx_filter filter = MMX_FILTER_INIT;
    filter.purpose = "voice_clone";
    filter.flags = MMX_FILTER_ALL;
    char *json = NULL;
    mmx_error *error = NULL;
    account(NAME, 3);
    says("list", "{\"files\":[null,{\"file_id\":2,\"filename\":\"" HALF
                 "\",\"purpose\":\"voice_clone\",\"created_at\":1700000000},{\"file_id\":[1]}]," SUCCESS "}");
    SUCCEEDS(mmx_prune_files(client, &filter, NULL, &json, &error), error);
    CHECK_HAS(json, "\"deleted\":1");
    CHECK_HAS(json, "\"unreadable\":2");
    CHECK_HAS(json, "\"listed\":1");
    CHECK_HAS(json, "a" U_FFFD ".mp3");
    mmx_string_free(json);
    CHECK_INT(count_of(NAME, "count?call=delete"), 1);
    CHECK_INT(count_of(NAME, "count?call=delete&file_id=2"), 1);
}

static void one_file(const mmx_client *client) {
    mmx_error *error = NULL;
    char *json = NULL;
    account(NAME, 9);
    static const char retrieved[] =
        "{\"file\":{\"file_id\":1,\"filename\":\"" HALF "\",\"purpose\":\"x\ty\"}," SUCCESS "}";
    says("retrieve", retrieved);
    SUCCEEDS(mmx_retrieve_file(client, 1, NULL, &json, &error), error);
    CHECK_TEXT(json, retrieved);
    mmx_files *files = parsed(json);
    CHECK_TEXT(mmx_files_get(files, 0)->filename, "a" U_FFFD ".mp3");
    mmx_files_free(files);
    mmx_string_free(json);
    /* An upload keeps its id. */
    char *path = in_folder("odd.mp3");
    write_file(path, "x", 1);
    static const char uploaded[] = "{\"file\":{\"file_id\":\"77\",\"filename\":\"" HALF
                                   "\"},\"base_resp\":{\"status_code\":0,\"status_msg\":\"\\udc00\"}}";
    says("upload", uploaded);
    SUCCEEDS(mmx_upload_file(client, path, "voice_clone", NULL, &json, &error), error);
    CHECK_TEXT(json, uploaded);
    files = parsed(json);
    CHECK_INT(mmx_files_get(files, 0)->file_id, 77);
    mmx_files_free(files);
    mmx_string_free(json);
    free(path);
    /* A delete that was carried out stays so. */
    script(NAME, "{\"call\": \"delete\", \"shape\": \"invalid_utf8\", \"perform\": true}");
    SUCCEEDS(mmx_delete_file(client, 3, "voice_clone", NULL, &json, &error), error);
    CHECK_HAS(json, "\"status_msg\":\"" U_FFFD);
    mmx_string_free(json);
    says("delete", "\xef\xbb\xbf{\"file_id\":4,\"base_resp\":{\"status_code\":0,\"status_msg\":\"\\ud83d\t\"}}");
    SUCCEEDS(mmx_delete_file(client, 4, "voice_clone", NULL, NULL, &error), error);
}

/* Of two codes none is believed. */
static void twice(const mmx_client *client) {
    static const char *const odd[] = {"\"base_resp\":{\"status_code\":1004,\"status_code\":0}",
        "\"base_resp\":{\"status_code\":0,\"status_\\u0063ode\":1004}",
        "\"base_resp\":{\"status_code\":1004},\"base_resp\":{\"status_code\":0}",
        "\"file_id\":1,\"file_id\":2,\"base_resp\":{\"status_code\":0}"};
    account(NAME, 2);
    for (size_t i = 0; i < LENGTH_OF(odd); i++) {
        mmx_error *error = NULL;
        char *body = format("{%s,\"files\":[],\"file\":{\"file_id\":1}}", odd[i]);
        says("list", body);
        FAILS(mmx_list_files(client, NULL, NULL, NULL, &error), error, MMX_ERROR_PROTOCOL, "duplicate field", false);
        says("retrieve", body);
        FAILS(mmx_retrieve_file(client, 1, NULL, NULL, &error), error, MMX_ERROR_PROTOCOL, "duplicate field", false);
        says("delete", body);
        FAILS(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error), error, MMX_ERROR_PROTOCOL,
            "duplicate field", true);
        free(body);
    }
}

int main(void) {
    static struct log log;
    begin(&log, MMX_LOG_WARN);
    account(NAME, 0);
    mmx_client *client = logging(NAME, false, record_event, &log, MMX_LOG_WARN);
    lists(client, &log);
    mmx_client_free(client);
    client = client_for(NAME, true);
    prunes(client);
    one_file(client);
    twice(client);
    mmx_client_free(client);
    remove_folder();
    return 0;
}
