/* An argument that can't be right is refused before anything is sent, and named. */
#include "contract.h"

/* Text that is not UTF-8. */
#define BAD_UTF8 "a\xff\xfe"

static void keys(mmx_config *config) {
    static const char *const bad[][2] = {
        {NULL, "is NULL"},
        {"", "is empty"},
        {"sk-api\n", "line break"},
        {"sk-api\r\n", "line break"},
        {"\nsk-api", "line break"},
        {"sk api", "space"},
        {"sk-api ", "space"},
        {"sk\tapi", "space or a control character"},
        {"sk\x7f", "space or a control character"},
        {"schl\xc3\xbcssel", "not ASCII"},
        {BAD_UTF8, "not valid UTF-8"},
    };
    mmx_error *error = FILLED;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        REFUSES(mmx_config_set_api_key(config, bad[i][0], &error), error, "api_key", bad[i][1]);
}

static void base_urls(mmx_config *config) {
    static const char *const bad[][2] = {
        {NULL, "is NULL"},
        {"", "not a URL"},
        {"api.minimaxi.com", "not a URL"},
        {"//api.minimaxi.com", "not a URL"},
        {"ftp://api.minimaxi.com", "begin with https://"},
        {"file:///etc/hostname", "begin with https://"},
        {"unix:/run/socket", "begin with https://"},
        {"https://", "not a URL"},
        {"https://:443", "not a URL"},
        {"https://h:99999", "not a URL"},
        {"https://[::1", "not a URL"},
        {"https://user@api.minimaxi.com", "user name or a password"},
        {"https://:secret@api.minimaxi.com", "user name or a password"},
        {"https://api.minimaxi.com?a=b", "query or a fragment"},
        {"https://api.minimaxi.com/?", "query or a fragment"},
        {"https://api.minimaxi.com/#a", "query or a fragment"},
        {"https://api.minimaxi.com\n", "control character"},
        {" https://api.minimaxi.com", "space"},
        {"https://api.mini maxi.com", "space"},
        {BAD_UTF8, "not valid UTF-8"},
    };
    mmx_error *error = FILLED;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        REFUSES(mmx_config_set_base_url(config, bad[i][0], &error), error, "base_url", bad[i][1]);
}

/* http:// stays on this machine, unless it is allowed to leave. Making a client sends nothing. */
static void plain_http(void) {
    static const char *const here[] = {
        "http://localhost", "http://LOCALHOST:1/a", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1"};
    static const char *const elsewhere[] = {"http://api.minimaxi.com", "http://10.0.0.1", "http://localhost.example",
        "http://127.0.0.1.example", "http://[fe80::1]", "HTTP://EXAMPLE"};
    mmx_config *config = config_for("arguments", false);
    for (size_t i = 0; i < sizeof here / sizeof *here; i++) {
        CHECK_INT(mmx_config_set_base_url(config, here[i], NULL), MMX_OK);
        mmx_client_free(client_from(config));
    }
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        mmx_client *client = FILLED;
        mmx_error *error = FILLED;
        CHECK_INT(mmx_config_set_base_url(config, elsewhere[i], NULL), MMX_OK);
        REFUSES(mmx_client_new(config, &client, &error), error, "base_url", "mmx_config_set_allow_insecure()");
        CHECK(client == NULL);
        CHECK_INT(mmx_config_set_allow_insecure(config, true, NULL), MMX_OK);
        mmx_client_free(client_from(config));
        CHECK_INT(mmx_config_set_allow_insecure(config, false, NULL), MMX_OK);
        client = FILLED;
        REFUSES(mmx_client_new(config, &client, &error), error, "base_url", "another machine");
        CHECK(client == NULL);
    }
    mmx_config_free(config);
}

static void other_settings(mmx_config *config) {
    static const char *const agents[][2] = {
        {NULL, "is NULL"},
        {"a\nb", "printable ASCII"},
        {"a\r\nX-Injected: 1", "printable ASCII"},
        {"caf\xc3\xa9", "printable ASCII"},
        {"\x01", "printable ASCII"},
        {BAD_UTF8, "not valid UTF-8"},
    };
    mmx_error *error = FILLED;
    for (size_t i = 0; i < sizeof agents / sizeof *agents; i++)
        REFUSES(mmx_config_set_user_agent(config, agents[i][0], &error), error, "user_agent", agents[i][1]);
    REFUSES(mmx_config_set_ca_file(config, NULL, &error), error, "pem_path", "is NULL");
    REFUSES(mmx_config_set_ca_file(config, BAD_UTF8, &error), error, "pem_path", "not valid UTF-8");
    REFUSES(mmx_config_set_timeout_ms(config, -2, &error), error, "timeout_ms", "-2");
    REFUSES(mmx_config_set_timeout_ms(config, INT64_MIN, &error), error, "timeout_ms", "-9223372036854775808");
    REFUSES(mmx_config_set_max_attempts(config, -1, &error), error, "max_attempts", "-1");
    REFUSES(mmx_config_set_max_attempts(config, INT32_MIN, &error), error, "max_attempts", "-2147483648");
    REFUSES(mmx_config_set_allow_insecure(NULL, true, &error), error, "config", "is NULL");
}

static void no_key(void) {
    mmx_config *config = mmx_config_new();
    mmx_client *client = FILLED;
    mmx_error *error = FILLED;
    REFUSES(mmx_client_new(config, &client, &error), error, "api_key", "MINIMAX_API_KEY");
    CHECK(client == NULL);
    client = FILLED;
    REFUSES(mmx_client_new(NULL, &client, &error), error, "api_key", "mmx_config_set_api_key()");
    CHECK(client == NULL);
    REFUSES(mmx_client_new(config, NULL, &error), error, "out_client", "is NULL");
    REFUSES(mmx_cancel_new(NULL, &error), error, "out_cancel", "is NULL");
    mmx_config_free(config);
}

static void refused_delete(const mmx_client *client, int64_t file_id, const char *purpose,
    const mmx_call_options *options, const char *parameter, const char *part) {
    char *json = FILLED;
    mmx_error *error = FILLED;
    REFUSES(mmx_delete_file(client, file_id, purpose, options, &json, &error), error, parameter, part);
    CHECK(json == NULL);
    /* The same for whoever doesn't want to know. */
    CHECK_INT(mmx_delete_file(client, file_id, purpose, options, NULL, NULL), MMX_ERROR_INVALID_ARGUMENT);
}

static void files_and_purposes(const mmx_client *client) {
    char long_purpose[66] = {0};
    memset(long_purpose, 'a', 65);
    const char *bad[] = {"", "voice clone", "voice/clone", "voice_clone ", "voice_clone\n", "\"", "{}",
        "voix_clon\xc3\xa9"
        "e",
        long_purpose};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused_delete(client, 1, bad[i], NULL, "purpose", "must be 1 to 64 letters, digits, _, - and .");
    refused_delete(client, 1, BAD_UTF8, NULL, "purpose", "not valid UTF-8");
    refused_delete(client, 0, "voice_clone", NULL, "file_id", "must be 1 or more, not 0");
    refused_delete(client, -1, "voice_clone", NULL, "file_id", "must be 1 or more, not -1");
    refused_delete(client, INT64_MIN, "voice_clone", NULL, "file_id", "not -9223372036854775808");
    refused_delete(NULL, 1, "voice_clone", NULL, "client", "is NULL");
}

/* The options of a header that is newer than the library. */
struct newer_options {
    mmx_call_options known;
    uint64_t added[4];
};

static void call_options(const mmx_client *client) {
    static const size_t sizes[] = {0, 1, offsetof(mmx_call_options, info) - 1, 1 << 20, SIZE_MAX};
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        options.struct_size = sizes[i];
        refused_delete(client, 1, "voice_clone", &options, "options.struct_size", "MMX_CALL_OPTIONS_INIT");
    }
    struct newer_options newer = {.known = MMX_CALL_OPTIONS_INIT};
    newer.known.struct_size = sizeof newer;
    newer.added[3] = 1;
    refused_delete(client, 1, "voice_clone", &newer.known, "options", "does not know");

    static const uint32_t flags[] = {1, 2, 0x80000000};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        mmx_call_options flagged = MMX_CALL_OPTIONS_INIT;
        flagged.flags = flags[i];
        refused_delete(client, 1, "voice_clone", &flagged, "options.flags", "this call does not know");
    }
    mmx_call_options timed = MMX_CALL_OPTIONS_INIT;
    timed.timeout_ms = -2;
    refused_delete(client, 1, "voice_clone", &timed, "options.timeout_ms", "not -2");
    timed.timeout_ms = INT64_MIN;
    refused_delete(client, 1, "voice_clone", &timed, "options.timeout_ms", "-9223372036854775808");
    mmx_call_options often = MMX_CALL_OPTIONS_INIT;
    often.max_attempts = -1;
    refused_delete(client, 1, "voice_clone", &often, "options.max_attempts", "not -1");
}

/* What is at an edge but right is sent. */
static void accepted(void) {
    account("arguments-sent", 5);
    mmx_client *client = client_for("arguments-sent", false);
    struct newer_options newer = {.known = MMX_CALL_OPTIONS_INIT};
    newer.known.struct_size = sizeof newer;
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", &newer.known, NULL, NULL), MMX_OK);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = INT64_MAX;
    options.max_attempts = INT32_MAX;
    CHECK_INT(mmx_delete_file(client, 2, "voice_clone", &options, NULL, NULL), MMX_OK);
    options.timeout_ms = -1;
    options.max_attempts = 1;
    CHECK_INT(mmx_delete_file(client, 3, "voice_clone", &options, NULL, NULL), MMX_OK);
    char longest[65] = {0};
    memset(longest, 'z', 64);
    CHECK_INT(mmx_delete_file(client, 4, longest, NULL, NULL, NULL), MMX_ERROR_INVALID_REQUEST);
    CHECK_INT(count_of("arguments-sent", "count?call=delete"), 4);
    mmx_client_free(client);
}

int main(void) {
    account("arguments", 1);
    mmx_config *config = config_for("arguments", false);
    mmx_client *client = client_from(config);
    keys(config);
    base_urls(config);
    other_settings(config);
    plain_http();
    no_key();
    files_and_purposes(client);
    call_options(client);
    CHECK_INT(count_of("arguments", "count"), 0);
    CHECK_INT(count_of("arguments", "open"), 0);
    mmx_client_free(client);
    mmx_config_free(config);
    accepted();
    return 0;
}
