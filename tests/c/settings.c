/* Every setting by what it does on the wire; a setter that fails changes nothing. */
#include "contract.h"

/* A delete with a client of this configuration, and what it comes to. */
static mmx_status once(const mmx_config *config, mmx_error **error) {
    mmx_client *client = client_from(config);
    mmx_status status = mmx_delete_file(client, 1, "voice_clone", NULL, NULL, error);
    mmx_client_free(client);
    return status;
}

static void assert_succeeds(const mmx_config *config) {
    mmx_error *error = NULL;
    if (once(config, &error) != MMX_OK) FAIL("%s", mmx_error_message(error));
}

#define SUCCESS "\"http_status\": 200, \"body\": \"{\\\"base_resp\\\":{\\\"status_code\\\":0}}\""

/* An account where every delete succeeds, whatever it asks and wherever. */
static mmx_config *willing(const char *name) {
    account(name, 0);
    script(name, "{\"times\": -1, " SUCCESS "}");
    return config_for(name, false);
}

static char *address(const char *below) { return format("%s/t/%s", setting("MMX_TEST_HTTP"), below); }

static void api_key(void) {
    mmx_config *config = willing("settings-key");
    CHECK_INT(mmx_config_set_api_key(config, "sk-api-another.~!\"#$%&'()*+,-/:;<=>?@[\\]^_`{|}", NULL), MMX_OK);
    assert_succeeds(config);
    assert_journal_has(
        "settings-key", "[\"authorization\",\"Bearer sk-api-another.~!\\\"#$%&'()*+,-/:;<=>?@[\\\\]^_`{|}\"]", true);
    CHECK_INT(mmx_config_set_api_key(config, "sk-api-third", NULL), MMX_OK);
    CHECK_INT(mmx_config_set_api_key(config, "sk-api-bad\n", NULL), MMX_ERROR_INVALID_ARGUMENT);
    CHECK_INT(mmx_config_set_api_key(config, NULL, NULL), MMX_ERROR_INVALID_ARGUMENT);
    assert_succeeds(config);
    assert_journal_has("settings-key", "[\"authorization\",\"Bearer sk-api-third\"]", true);
    mmx_config_free(config);
}

static void base_url(void) {
    static const char *const paths[][2] = {
        {"", "\"path\":\"/v1/files/delete\""},
        {"/", "\"path\":\"/v1/files/delete\""},
        {"/deeper/still", "\"path\":\"/deeper/still/v1/files/delete\""},
        {"/deeper/still/", "\"path\":\"/deeper/still/v1/files/delete\""},
        {"/a%20b", "\"path\":\"/a%20b/v1/files/delete\""},
    };
    mmx_config *config = willing("settings-url");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        free(control("POST", "/control/settings-url/reset", NULL));
        script("settings-url", "{" SUCCESS "}");
        char *below = format("settings-url%s", paths[i][0]), *url = address(below);
        CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
        assert_succeeds(config);
        assert_journal_has("settings-url", paths[i][1], true);
        assert_journal_has("settings-url", "\"query\":null", true);
        free(url);
        free(below);
    }
    /* One that fails leaves it where it was. */
    CHECK_INT(mmx_config_set_base_url(config, "ftp://127.0.0.1", NULL), MMX_ERROR_INVALID_ARGUMENT);
    script("settings-url", "{" SUCCESS "}");
    assert_succeeds(config);
    CHECK_INT(count_of("settings-url", "count"), 2);

    /* A path that the calls have themselves is a mistake often made. */
    mmx_error *error = NULL;
    char *url = address("settings-url/v1");
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(once(config, &error), MMX_ERROR_HTTP);
    CHECK_INT(mmx_error_http_status(error), 404);
    CHECK_HAS(mmx_error_message(error), "the base URL ends in /v1, leave that out");
    mmx_error_free(error);
    free(url);
    mmx_config_free(config);
}

static void user_agent(void) {
    static const char *const agents[][2] = {
        {"reports/2.1", "[\"user-agent\",\"reports/2.1 libmmx/" MMX_VERSION "\"]"},
        {" reports (nightly; \"x\") ", "[\"user-agent\",\"reports (nightly; \\\"x\\\") libmmx/" MMX_VERSION "\"]"},
        {"", "[\"user-agent\",\"libmmx/" MMX_VERSION "\"]"},
    };
    mmx_config *config = willing("settings-agent");
    for (size_t i = 0; i < sizeof agents / sizeof *agents; i++) {
        CHECK_INT(mmx_config_set_user_agent(config, agents[i][0], NULL), MMX_OK);
        assert_succeeds(config);
        assert_journal_has("settings-agent", agents[i][1], true);
    }
    CHECK_INT(mmx_config_set_user_agent(config, "kept/1", NULL), MMX_OK);
    CHECK_INT(mmx_config_set_user_agent(config, "a\r\nX-Injected: 1", NULL), MMX_ERROR_INVALID_ARGUMENT);
    assert_succeeds(config);
    assert_journal_has("settings-agent", "[\"user-agent\",\"kept/1 libmmx/" MMX_VERSION "\"]", true);
    assert_journal_has("settings-agent", "X-Injected", false);
    mmx_config_free(config);
}

static void ca_file(void) {
    mmx_config *config = willing("settings-ca");
    mmx_error *error = NULL;
    char *url = format("%s/t/settings-ca", setting("MMX_TEST_HTTPS"));
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(once(config, &error), MMX_ERROR_CONNECT);
    CHECK_HAS(mmx_error_message(error), "mmx_config_set_ca_file()");
    CHECK(!mmx_error_is_ambiguous(error));
    mmx_error_free(error);
    CHECK_INT(count_of("settings-ca", "count"), 0);

    CHECK_INT(mmx_config_set_ca_file(config, setting("MMX_TEST_CA"), NULL), MMX_OK);
    assert_succeeds(config);
    CHECK_INT(mmx_config_set_ca_file(config, "/no/such/file.pem", NULL), MMX_ERROR_FILE);
    CHECK_INT(mmx_config_set_ca_file(config, "/dev/null", NULL), MMX_ERROR_INVALID_ARGUMENT);
    assert_succeeds(config);
    assert_journal_has("settings-ca", "\"tls\":true", true);
    CHECK_INT(count_of("settings-ca", "count"), 2);
    free(url);
    mmx_config_free(config);
}

static void limit_is(const mmx_client *client, int64_t of_the_call, const char *said) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = of_the_call;
    mmx_error *error = NULL;
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", &options, NULL, &error), MMX_ERROR_TIMEOUT);
    CHECK_HAS(mmx_error_message(error), said);
    mmx_error_free(error);
}

static void timeout_ms(void) {
    account("settings-timeout", 0);
    script("settings-timeout", "{\"times\": -1, \"hang\": true}");
    mmx_config *config = config_for("settings-timeout", false);
    CHECK_INT(mmx_config_set_timeout_ms(config, 110, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_timeout_ms(config, -2, NULL), MMX_ERROR_INVALID_ARGUMENT);
    mmx_client *client = client_from(config);
    limit_is(client, 0, "time limit of 110 ms");
    limit_is(client, 90, "time limit of 90 ms");

    /* 0 is the default again, -1 no limit: a call longer than what was set before goes through. */
    CHECK_INT(mmx_config_set_timeout_ms(config, 0, NULL), MMX_OK);
    mmx_client *patient = client_from(config);
    limit_is(patient, 100, "time limit of 100 ms");
    free(control("DELETE", "/control/settings-timeout/faults", NULL));
    script("settings-timeout", "{\"times\": 3, \"delay_ms\": 150, " SUCCESS "}");
    assert_deletes(patient, 1);
    mmx_call_options endless = MMX_CALL_OPTIONS_INIT;
    endless.timeout_ms = -1;
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", &endless, NULL, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_timeout_ms(config, -1, NULL), MMX_OK);
    assert_succeeds(config);
    mmx_client_free(patient);
    mmx_client_free(client);
    mmx_config_free(config);
}

static void max_attempts(void) {
    static const struct {
        int32_t set, of_the_call;
        long requests;
    } cases[] = {{1, 0, 1}, {0, 0, 4}, {2, 0, 2}, {7, 0, 7}, {INT32_MAX, 3, 3}, {3, 1, 1}};
    account("settings-attempts", 0);
    script("settings-attempts", "{\"times\": -1, \"code\": 1013, \"headers\": {\"Retry-After\": \"0\"}}");
    mmx_config *config = config_for("settings-attempts", false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        long before = count_of("settings-attempts", "count");
        CHECK_INT(mmx_config_set_max_attempts(config, cases[i].set, NULL), MMX_OK);
        CHECK_INT(mmx_config_set_max_attempts(config, -1, NULL), MMX_ERROR_INVALID_ARGUMENT);
        mmx_client *client = client_from(config);
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        options.max_attempts = cases[i].of_the_call;
        mmx_error *error = NULL;
        CHECK_INT(mmx_list_files(client, NULL, &options, NULL, &error), MMX_ERROR_SERVER);
        CHECK_INT(mmx_error_attempts(error), cases[i].requests);
        CHECK_INT(count_of("settings-attempts", "count") - before, cases[i].requests);
        mmx_error_free(error);
        mmx_client_free(client);
    }
    mmx_config_free(config);
}

/* A client keeps what the configuration said when it was made. */
static void a_configuration_serves_many_clients(void) {
    mmx_config *config = willing("settings-first");
    mmx_client *first = client_from(config);
    mmx_config_free(willing("settings-second"));
    char *url = address("settings-second");
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_user_agent(config, "second/1", NULL), MMX_OK);
    mmx_client *second = client_from(config), *third = client_from(config);
    CHECK_INT(mmx_config_set_api_key(config, "sk-api-later", NULL), MMX_OK);
    mmx_config_free(config);
    CHECK_INT(mmx_delete_file(first, 1, "voice_clone", NULL, NULL, NULL), MMX_OK);
    CHECK_INT(mmx_delete_file(second, 1, "voice_clone", NULL, NULL, NULL), MMX_OK);
    CHECK_INT(mmx_delete_file(third, 1, "voice_clone", NULL, NULL, NULL), MMX_OK);
    CHECK_INT(count_of("settings-first", "count"), 1);
    CHECK_INT(count_of("settings-second", "count"), 2);
    assert_journal_has("settings-first", "second/1", false);
    assert_journal_has("settings-second", "second/1", true);
    assert_journal_has("settings-second", "sk-api-later", false);
    free(url);
    mmx_client_free(first);
    mmx_client_free(second);
    mmx_client_free(third);
}

int main(void) {
    api_key();
    base_url();
    user_agent();
    ca_file();
    timeout_ms();
    max_attempts();
    a_configuration_serves_many_clients();
    return 0;
}
