/* Ids to the last digit of int64, on the wire and back; answers that still say success, as they came. */
#include "contract.h"

/* One delete that succeeds, with the answer's exact bytes. */
static void answers(const mmx_client *client, int64_t file_id, const char *wanted) {
    char *json = FILLED;
    mmx_error *error = FILLED;
    if (mmx_delete_file(client, file_id, "voice_clone", NULL, &json, &error) != MMX_OK)
        FAIL("%s", mmx_error_message(error));
    CHECK(error == NULL);
    CHECK_TEXT(json, wanted);
    mmx_string_free(json);
}

static void every_digit(const mmx_client *client) {
    static const int64_t ids[] = {
        1, 2147483648, 9007199254740991, 9007199254740992, 9007199254740993, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char *file = format("{\"file_id\": %" PRId64 ", \"purpose\": \"voice_clone\"}", ids[i]);
        free(control("POST", "/control/ids/files", file));
        char *answer =
            format("{\"file_id\":%" PRId64 ",\"base_resp\":{\"status_code\":0,\"status_msg\":\"success\"}}", ids[i]);
        answers(client, ids[i], answer);
        char *body = format("\"body\":\"{\\\"file_id\\\":%" PRId64 ",\\\"purpose\\\":\\\"voice_clone\\\"}\"", ids[i]);
        assert_journal_has("ids", body, true);
        char *count = format("count?performed=1&file_id=%" PRId64, ids[i]);
        CHECK_INT(count_of("ids", count), 1);
        free(count);
        free(body);
        free(answer);
        free(file);
    }
}

/* Neighbours that a floating point number would take for each other. */
static void a_neighbour_is_another(const mmx_client *client) {
    static const struct {
        int64_t asked;
        const char *answered;
    } pairs[] = {
        {9007199254740993, "9007199254740992"},
        {9007199254740993, "\"9007199254740992\""},
        {INT64_MAX, "9223372036854775806"},
        {INT64_MAX, "9223372036854775808"},
        {INT64_MAX, "9223372036854775807.0"},
        {7, "\"07x\""},
        {7, "-7"},
        {7, "[7]"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char quoted[64] = {0};
        size_t length = 0;
        for (const char *at = pairs[i].answered; *at; at++) {
            if (*at == '"') quoted[length++] = '\\';
            quoted[length++] = *at;
        }
        char *fault = format("{\"body\": \"{\\\"file_id\\\":%s,\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}", quoted);
        script("ids", fault);
        mmx_error *error = FILLED;
        CHECK_INT(mmx_delete_file(client, pairs[i].asked, "voice_clone", NULL, NULL, &error), MMX_ERROR_PROTOCOL);
        CHECK(mmx_error_is_ambiguous(error));
        CHECK_INT(mmx_error_http_status(error), 200);
        mmx_error_free(error);
        free(fault);
    }
}

static void success_in_other_shapes(const mmx_client *client) {
#define BASE_RESP "\"base_resp\":{\"status_code\":0,\"status_msg\":\"success\"}"
    static const struct {
        const char *fault, *answer;
    } shapes[] = {
        {"{\"shape\": \"id_as_string\"}", NULL},
        {"{\"shape\": \"id_missing\"}", "{" BASE_RESP "}"},
        {"{\"shape\": \"unknown_fields\"}", NULL},
        {"{\"shape\": \"json_text_plain\"}", "{\"file_id\":3," BASE_RESP "}"},
        {"{\"shape\": \"informational\"}", "{\"file_id\":3," BASE_RESP "}"},
        {"{\"shape\": \"status_code_string\"}", NULL},
        {"{\"trickle_ms\": 1}", "{\"file_id\":3," BASE_RESP "}"},
        /* Byte for byte: white space, order, escapes, numbers that no double holds, what comes twice. */
        {"{\"body\": \" {\\r\\n \\\"z\\\" : [1e300, 0.10, 18446744073709551617],\\t\\\"\\\\u00e9\\\": "
         "\\\"\\\\u4e2d\xe4\xb8\xad\\\","
         "\\\"base_resp\\\":{\\\"status_code\\\":0,\\\"trace\\\":{}}, \\\"file_id\\\":3}\\n\"}",
            " {\r\n \"z\" : [1e300, 0.10, 18446744073709551617],\t\"\\u00e9\": \"\\u4e2d\xe4\xb8\xad\","
            "\"base_resp\":{\"status_code\":0,\"trace\":{}}, \"file_id\":3}\n"},
        {"{\"body\": \"{\\\"file_id\\\":\\\"3\\\",\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}",
            "{\"file_id\":\"3\",\"base_resp\":{\"status_code\":0}}"},
        {"{\"http_status\": 202, \"body\": \"{\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}",
            "{\"base_resp\":{\"status_code\":0}}"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        account("ids", 5);
        script("ids", shapes[i].fault);
        char *json = FILLED;
        mmx_error *error = FILLED;
        if (mmx_delete_file(client, 3, "voice_clone", NULL, &json, &error) != MMX_OK)
            FAIL("%s: %s", shapes[i].fault, mmx_error_message(error));
        if (shapes[i].answer) CHECK_TEXT(json, shapes[i].answer);
        if (strstr(shapes[i].fault, "id_as_string")) CHECK_HAS(json, "\"file_id\":\"3\"");
        if (strstr(shapes[i].fault, "unknown_fields")) CHECK_HAS(json, "\"detail\":{\"hint\":\"new next year\"}");
        mmx_string_free(json);
        CHECK_INT(count_of("ids", "count"), 1);
    }
}

/* The service takes new purposes every few months: a well-formed one is its business. */
static void a_purpose_nobody_knows(const mmx_client *client) {
    account("ids", 0);
    free(control("POST", "/control/ids/files", "{\"file_id\": 8, \"purpose\": \"hologram_2031\"}"));
    CHECK_INT(mmx_delete_file(client, 8, "hologram_2031", NULL, NULL, NULL), MMX_OK);
    assert_journal_has("ids", "\\\"purpose\\\":\\\"hologram_2031\\\"", true);
    CHECK_INT(count_of("ids", "count?performed=1"), 1);
    CHECK_INT(mmx_delete_file(client, 8, "0", NULL, NULL, NULL), MMX_ERROR_NOT_FOUND);
    CHECK_INT(count_of("ids", "count?call=delete"), 2);
}

int main(void) {
    account("ids", 0);
    mmx_client *client = client_for("ids", false);
    every_digit(client);
    a_neighbour_is_another(client);
    success_in_other_shapes(client);
    a_purpose_nobody_knows(client);
    mmx_client_free(client);
    return 0;
}
