/* Who owns what: out parameters are overwritten on every path, errors stand for themselves, NULL is nothing. */
#include "contract.h"

/* The four ways of wanting an answer and an error; both are set or left alone as they must be. */
static void out_parameters(void) {
    account("ownership", 10);
    mmx_client *client = client_for("ownership", false);
    char *json = FILLED;
    mmx_error *error = FILLED;
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, &json, &error), MMX_OK);
    CHECK_TEXT(json, "{\"file_id\":1,\"base_resp\":{\"status_code\":0,\"status_msg\":\"success\"}}");
    CHECK(error == NULL);
    mmx_string_free(json);
    error = FILLED;
    CHECK_INT(mmx_delete_file(client, 2, "voice_clone", NULL, NULL, &error), MMX_OK);
    CHECK(error == NULL);
    json = FILLED;
    CHECK_INT(mmx_delete_file(client, 3, "voice_clone", NULL, &json, NULL), MMX_OK);
    CHECK(json != NULL && json != FILLED);
    mmx_string_free(json);
    CHECK_INT(mmx_delete_file(client, 4, "voice_clone", NULL, NULL, NULL), MMX_OK);

    /* Refused by the service, by us, cancelled, cut off. */
    script("ownership", "{\"times\": 4, \"code\": 1008}");
    mmx_cancel *cancel = FILLED;
    error = FILLED;
    CHECK_INT(mmx_cancel_new(&cancel, &error), MMX_OK);
    CHECK(error == NULL && cancel != NULL && cancel != FILLED);
    mmx_cancel_trigger(cancel);
    mmx_call_options cancelled = MMX_CALL_OPTIONS_INIT;
    cancelled.cancel = cancel;
    const struct {
        int64_t file_id;
        const mmx_call_options *options;
        mmx_status status;
    } paths[] = {
        {5, NULL, MMX_ERROR_QUOTA},
        {0, NULL, MMX_ERROR_INVALID_ARGUMENT},
        {5, &cancelled, MMX_ERROR_CANCELLED},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        json = FILLED;
        error = FILLED;
        CHECK_INT(
            mmx_delete_file(client, paths[i].file_id, "voice_clone", paths[i].options, &json, &error), paths[i].status);
        CHECK(json == NULL && error != NULL && error != FILLED);
        CHECK_INT(mmx_error_status(error), paths[i].status);
        mmx_error_free(error);
        error = FILLED;
        CHECK_INT(
            mmx_delete_file(client, paths[i].file_id, "voice_clone", paths[i].options, NULL, &error), paths[i].status);
        CHECK(error != NULL && error != FILLED);
        mmx_error_free(error);
        json = FILLED;
        CHECK_INT(
            mmx_delete_file(client, paths[i].file_id, "voice_clone", paths[i].options, &json, NULL), paths[i].status);
        CHECK(json == NULL);
        CHECK_INT(
            mmx_delete_file(client, paths[i].file_id, "voice_clone", paths[i].options, NULL, NULL), paths[i].status);
    }
    CHECK_INT(count_of("ownership", "count"), 8);
    script("ownership", "{\"close_before_answer\": \"fin\"}");
    json = FILLED;
    error = FILLED;
    CHECK_INT(mmx_delete_file(client, 6, "voice_clone", NULL, &json, &error), MMX_ERROR_NETWORK);
    CHECK(json == NULL && error != NULL && error != FILLED);
    mmx_error_free(error);

    /* A call that was cancelled before it began has sent nothing, and says so. */
    CHECK_INT(mmx_delete_file(client, 5, "voice_clone", &cancelled, NULL, &error), MMX_ERROR_CANCELLED);
    CHECK_INT(mmx_error_attempts(error), 0);
    CHECK(!mmx_error_is_ambiguous(error));
    mmx_error_free(error);
    mmx_cancel_reset(cancel);
    CHECK_INT(mmx_delete_file(client, 5, "voice_clone", &cancelled, NULL, &error), MMX_OK);
    CHECK(error == NULL);
    mmx_cancel_free(cancel);
    mmx_client_free(client);
}

/* A setter has one out parameter; it is set too. */
static void setters(void) {
    mmx_config *config = mmx_config_new();
    mmx_error *error = FILLED;
    CHECK_INT(mmx_config_set_api_key(config, "key", &error), MMX_OK);
    CHECK(error == NULL);
    error = FILLED;
    CHECK_INT(mmx_config_set_api_key(config, "", &error), MMX_ERROR_INVALID_ARGUMENT);
    CHECK(error != NULL && error != FILLED);
    mmx_error_free(error);
    mmx_client *client = FILLED;
    error = FILLED;
    CHECK_INT(mmx_client_new(config, &client, &error), MMX_OK);
    CHECK(error == NULL && client != NULL && client != FILLED);
    mmx_client_free(client);
    mmx_config_free(config);
}

/* An error outlives what made it, and is not changed by the next one. */
static void errors_stand_for_themselves(void) {
    account("ownership-errors", 0);
    script("ownership-errors", "[{\"code\": 1008}, {\"code\": 2013}]");
    mmx_client *client = client_for("ownership-errors", false);
    mmx_error *first = NULL, *second = NULL;
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &first), MMX_ERROR_QUOTA);
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &second), MMX_ERROR_NOT_FOUND);
    mmx_client_free(client);
    CHECK_INT(mmx_error_api_code(first), 1008);
    CHECK_INT(mmx_error_api_code(second), 2013);
    CHECK_HAS(mmx_error_message(first), "1008 \"insufficient balance\"");
    CHECK_INT(strlen(mmx_error_trace_id(first)), 32);
    CHECK(strcmp(mmx_error_trace_id(first), mmx_error_trace_id(second)) != 0);
    /* What is borrowed stays; what is owned is fresh each time. */
    CHECK(mmx_error_message(first) == mmx_error_message(first));
    char *json = mmx_error_json(first), *again = mmx_error_json(first);
    CHECK(json != again);
    CHECK_TEXT(json, again);
    mmx_error_free(first);
    CHECK_HAS(json, "\"call\":\"delete_file\"");
    CHECK_HAS(json, "\"api_message\":\"insufficient balance\"");
    mmx_string_free(json);
    mmx_string_free(again);
    CHECK_INT(mmx_error_status(second), MMX_ERROR_NOT_FOUND);
    mmx_error_free(second);
}

static void null_is_nothing(void) {
    mmx_string_free(NULL);
    mmx_config_free(NULL);
    mmx_client_free(NULL);
    mmx_cancel_free(NULL);
    mmx_cancel_trigger(NULL);
    mmx_cancel_reset(NULL);
    mmx_error_free(NULL);
    CHECK_INT(mmx_error_status(NULL), MMX_OK);
    CHECK_TEXT(mmx_error_message(NULL), "");
    CHECK_INT(mmx_error_api_code(NULL), 0);
    CHECK_INT(mmx_error_http_status(NULL), 0);
    CHECK_TEXT(mmx_error_trace_id(NULL), "");
    CHECK_INT(mmx_error_attempts(NULL), 0);
    CHECK_INT(mmx_error_retry_after_ms(NULL), -1);
    CHECK(!mmx_error_is_ambiguous(NULL));
    CHECK(mmx_error_json(NULL) == NULL);
}

#define EACH_STATUS(X)                                                                                                 \
    X(MMX_OK, 0)                                                                                                       \
    X(MMX_ERROR_INVALID_ARGUMENT, 1)                                                                                   \
    X(MMX_ERROR_FILE, 2)                                                                                               \
    X(MMX_ERROR_CONNECT, 3)                                                                                            \
    X(MMX_ERROR_NETWORK, 4)                                                                                            \
    X(MMX_ERROR_TIMEOUT, 5)                                                                                            \
    X(MMX_ERROR_CANCELLED, 6)                                                                                          \
    X(MMX_ERROR_PROTOCOL, 7)                                                                                           \
    X(MMX_ERROR_HTTP, 8)                                                                                               \
    X(MMX_ERROR_PARTIAL, 9)                                                                                            \
    X(MMX_ERROR_GUARD, 10)                                                                                             \
    X(MMX_ERROR_AUTHENTICATION, 20)                                                                                    \
    X(MMX_ERROR_RATE_LIMITED, 21)                                                                                      \
    X(MMX_ERROR_QUOTA, 22)                                                                                             \
    X(MMX_ERROR_INVALID_REQUEST, 23)                                                                                   \
    X(MMX_ERROR_CONTENT_REJECTED, 24)                                                                                  \
    X(MMX_ERROR_NOT_FOUND, 25)                                                                                         \
    X(MMX_ERROR_PERMISSION, 26)                                                                                        \
    X(MMX_ERROR_SERVER, 27)                                                                                            \
    X(MMX_ERROR_SERVER_TIMEOUT, 28)                                                                                    \
    X(MMX_ERROR_API, 29)                                                                                               \
    X(MMX_ERROR_INTERNAL, 99)

static void names_and_versions(void) {
    int known = 0;
#define NAMED(status, value)                                                                                           \
    CHECK_INT(status, value);                                                                                          \
    CHECK_TEXT(mmx_status_name(status), #status);                                                                      \
    known++;
    EACH_STATUS(NAMED)
    int named = 0;
    for (mmx_status status = -1000; status <= 1000; status++)
        named += strcmp(mmx_status_name(status), "MMX_ERROR_UNKNOWN") != 0;
    CHECK_INT(named, known);
    CHECK_TEXT(mmx_status_name(INT32_MAX), "MMX_ERROR_UNKNOWN");
    CHECK_TEXT(mmx_status_name(INT32_MIN), "MMX_ERROR_UNKNOWN");
    CHECK_TEXT(mmx_version(), MMX_VERSION);
    CHECK_INT(mmx_abi_version(), MMX_ABI_VERSION);
    CHECK_TEXT(MMX_PURPOSE_VOICE_CLONE " " MMX_PURPOSE_PROMPT_AUDIO " " MMX_PURPOSE_T2A_ASYNC_INPUT
                                       " " MMX_PURPOSE_T2A_ASYNC,
        "voice_clone prompt_audio t2a_async_input t2a_async");
    CHECK_TEXT(MMX_PURPOSE_VIDEO_GENERATION " " MMX_PURPOSE_VIDEO_UNDERSTANDING " " MMX_PURPOSE_VIDEO_GENERATION_INPUT,
        "video_generation video_understanding video_generation_input");
}

int main(void) {
    out_parameters();
    setters();
    errors_stand_for_themselves();
    null_is_nothing();
    names_and_versions();
    return 0;
}
