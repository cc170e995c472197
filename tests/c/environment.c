/* The environment is read in mmx_config_new() alone: the key and the address (proxies: proxy_environment.c). */
#include "contract.h"

static void assert_succeeds(const mmx_config *config) {
    mmx_client *client = client_from(config);
    assert_deletes(client, 1);
    mmx_client_free(client);
}

/* With a file 1 that can be deleted, and the account's address in the environment. */
static void put_address(const char *name) {
    account(name, 1);
    char *url = format("%s/t/%s", setting("MMX_TEST_HTTP"), name);
    setenv("MINIMAX_BASE_URL", url, 1);
    free(url);
}

static void clear(void) {
    unsetenv("MINIMAX_BASE_URL");
    unsetenv("MINIMAX_API_KEY");
}

static void it_is_read_once(void) {
    put_address("environment");
    setenv("MINIMAX_API_KEY", setting("MMX_TEST_KEY"), 1);
    mmx_config *config = mmx_config_new();
    setenv("MINIMAX_API_KEY", "sk-api-changed-later", 1);
    setenv("MINIMAX_BASE_URL", "http://127.0.0.1:1", 1);
    assert_succeeds(config);
    CHECK_INT(count_of("environment", "count?performed=1"), 1);
    assert_journal_has("environment", "changed-later", false);
    mmx_config_free(config);

    /* A client without a configuration reads it too. */
    put_address("environment-none");
    setenv("MINIMAX_API_KEY", setting("MMX_TEST_KEY"), 1);
    assert_succeeds(NULL);
    CHECK_INT(count_of("environment-none", "count?performed=1"), 1);
    clear();
}

static void a_setter_wins(void) {
    put_address("environment-overruled");
    setenv("MINIMAX_API_KEY", "bad key", 1);
    setenv("MINIMAX_BASE_URL", "ftp://bad", 1);
    mmx_config *config = config_for("environment-overruled", false);
    assert_succeeds(config);
    mmx_config_free(config);
    /* Set to nothing is not set. */
    setenv("MINIMAX_API_KEY", "", 1);
    setenv("MINIMAX_BASE_URL", "", 1);
    mmx_client *client = FILLED;
    mmx_error *error = FILLED;
    REFUSES(mmx_client_new(NULL, &client, &error), error, "api_key", "is missing");
    config = mmx_config_new();
    CHECK_INT(mmx_config_set_api_key(config, "key", NULL), MMX_OK);
    mmx_client_free(client_from(config));
    mmx_config_free(config);
    clear();
}

/* What is wrong with a value is said when a client is made, with the name of the variable and without the value. */
static void bad_values(void) {
    static const struct {
        const char *variable, *value, *parameter, *why;
    } bad[] = {
        {"MINIMAX_API_KEY", "sk-hidden-part\n", "api_key", "line break"},
        {"MINIMAX_API_KEY", "sk hidden-part", "api_key", "space"},
        {"MINIMAX_API_KEY", "sk-hidden-part\xff", "api_key", "not ASCII"},
        {"MINIMAX_BASE_URL", "hidden-part", "base_url", "not a URL"},
        {"MINIMAX_BASE_URL", "ftp://hidden-part", "base_url", "begin with https://"},
        {"MINIMAX_BASE_URL", "https://a:hidden-part@b", "base_url", "password"},
        {"MINIMAX_BASE_URL", "https://a\xff", "base_url", ""},
        {"MINIMAX_BASE_URL", "http://10.0.0.1", "base_url", "another machine"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("MINIMAX_API_KEY", "key", 1);
        setenv(bad[i].variable, bad[i].value, 1);
        mmx_config *config = mmx_config_new();
        CHECK(config != NULL);
        mmx_client *client = FILLED;
        mmx_error *error = FILLED;
        CHECK_INT(mmx_client_new(config, &client, &error), MMX_ERROR_INVALID_ARGUMENT);
        CHECK_HAS(mmx_error_message(error), bad[i].variable);
        char *json = mmx_error_json(error);
        CHECK(!strstr(json, "hidden-part"));
        mmx_string_free(json);
        mmx_error_free(error);
        error = FILLED;
        REFUSES(mmx_client_new(NULL, &client, &error), error, bad[i].parameter, bad[i].why);
        mmx_config_free(config);
        clear();
    }
}

int main(void) {
    it_is_read_once();
    a_setter_wins();
    bad_values();
    return 0;
}
