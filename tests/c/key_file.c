/* A key in a file: read again when the file changes, at the next call; one that can't be read is an error of that call. */
#include "contract.h"
#include "files.h"
#include "retry.h"

static const char NAME[] = "key-file";
static mmx_error *error;
static char *path;

static void write_key(const char *key) {
    char *next = in_folder("next");
    write_file(next, key, strlen(key));
    CHECK(rename(next, path) == 0);
    free(next);
}

static mmx_config *config_without_key(void) {
    mmx_config *config = mmx_config_new();
    char *url = format("%s/t/%s", setting("MMX_TEST_HTTP"), NAME);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 1, NULL), MMX_OK);
    free(url);
    return config;
}

static void lists(const mmx_client *client) { SUCCEEDS(mmx_list_files(client, NULL, NULL, NULL, &error), error); }

static void sends_key(const char *key, bool wanted) {
    char *header = format("\"Bearer %s\"", key);
    assert_journal_has(NAME, header, wanted);
    free(header);
}

static void rotates(void) {
    mmx_config *config = config_without_key();
    char *line = format("%s\n", setting("MMX_TEST_KEY")), *dos = format("%s\r\n", setting("MMX_TEST_KEY"));
    write_key(line);
    SUCCEEDS(mmx_config_set_api_key_file(config, path, &error), error);
    mmx_client *client = client_of(config);
    account(NAME, 1);
    lists(client);
    sends_key(setting("MMX_TEST_KEY"), true);
    /* Another key of another length, then another of the same one. */
    static const char *const others[] = {"sk-another-key-1", "sk-another-key-2\n"};
    for (size_t i = 0; i < LENGTH_OF(others); i++) {
        write_key(others[i]);
        account(NAME, 1);
        CHECK_INT(mmx_list_files(client, NULL, NULL, NULL, &error), MMX_ERROR_AUTHENTICATION);
        CHECK(!strstr(mmx_error_message(error), "sk-another"));
        mmx_error_free(error);
        sends_key(i == 0 ? "sk-another-key-1" : "sk-another-key-2", true);
    }
    write_key(dos);
    account(NAME, 1);
    lists(client);
    sends_key(setting("MMX_TEST_KEY"), true);
    assert_deletes(client, 1);
    /* Written in place. */
    write_file(path, line, strlen(line));
    lists(client);
    /* Gone, or no key: nothing is sent. */
    long before = count_of(NAME, "count");
    CHECK(unlink(path) == 0);
    FAILS(mmx_list_files(client, NULL, NULL, NULL, &error), error, MMX_ERROR_FILE, path, false);
    CHECK_INT(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), MMX_ERROR_FILE);
    CHECK_INT(mmx_error_errno(error), ENOENT);
    mmx_error_free(error);
    mmx_file_ref file = {1, MMX_PURPOSE_VOICE_CLONE};
    CHECK_INT(mmx_delete_files(client, &file, 1, NULL, NULL, &error), MMX_ERROR_FILE);
    mmx_error_free(error);
    write_key("");
    REFUSES(mmx_list_files(client, NULL, NULL, NULL, &error), error, "api_key_file", "is empty");
    write_key("two words");
    REFUSES(mmx_list_files(client, NULL, NULL, NULL, &error), error, "api_key_file", "a space");
    CHECK_INT(count_of(NAME, "count"), before);
    write_key(line);
    lists(client);
    mmx_client_free(client);
    free(line);
    free(dos);
}

/* The key itself, given in the place of its file, is in no message. */
static void key_for_path(void) {
    static const char *const keys[] = {"sk-api-in-the-wrong-place", "eyJhbGciOiJSUzI1NiJ9.in-the-wrong-place"};
    for (size_t i = 0; i < LENGTH_OF(keys); i++) {
        mmx_config *config = config_without_key();
        CHECK_INT(mmx_config_set_api_key_file(config, keys[i], &error), MMX_ERROR_FILE);
        CHECK_INT(mmx_error_errno(error), ENOENT);
        CHECK_HAS(mmx_error_message(error), "(a name like a key)");
        CHECK(!strstr(mmx_error_message(error), "wrong-place"));
        mmx_error_free(error);
        mmx_config_free(config);
        /* The environment's is read when a client is made. */
        mmx_client *client = FILLED;
        setenv("MINIMAX_API_KEY_FILE", keys[i], 1);
        CHECK_INT(mmx_client_new(NULL, &client, &error), MMX_ERROR_FILE);
        CHECK(client == NULL && !strstr(mmx_error_message(error), "wrong-place"));
        mmx_error_free(error);
        unsetenv("MINIMAX_API_KEY_FILE");
    }
}

static void refusals(void) {
    mmx_config *config = config_without_key();
    char *missing = in_folder("missing");
    const struct {
        const char *path;
        int number;
    } cases[] = {{missing, ENOENT}, {folder(), EISDIR}, {"/dev/null", EINVAL}};
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        CHECK_INT(mmx_config_set_api_key_file(config, cases[i].path, &error), MMX_ERROR_FILE);
        CHECK_HAS(mmx_error_message(error), cases[i].path);
        CHECK_INT(mmx_error_errno(error), cases[i].number);
        mmx_error_free(error);
    }
    write_key("caf\xc3\xa9");
    REFUSES(mmx_config_set_api_key_file(config, path, &error), error, "path", "not ASCII");
    /* The configuration is as before: without a key. */
    mmx_client *client = NULL;
    CHECK_INT(mmx_client_new(config, &client, &error), MMX_ERROR_INVALID_ARGUMENT);
    mmx_error_free(error);
    mmx_config_free(config);
    free(missing);
}

/* The later setter wins; a key of the environment takes precedence over its file. */
static void precedence(void) {
    account(NAME, 1);
    write_key("sk-of-the-file");
    setenv("MINIMAX_API_KEY_FILE", path, 1);
    mmx_client *client = client_of(config_without_key());
    CHECK_INT(mmx_list_files(client, NULL, NULL, NULL, NULL), MMX_ERROR_AUTHENTICATION);
    sends_key("sk-of-the-file", true);
    mmx_client_free(client);
    setenv("MINIMAX_API_KEY", setting("MMX_TEST_KEY"), 1);
    client = client_of(config_without_key());
    lists(client);
    mmx_client_free(client);
    mmx_config *config = config_without_key();
    CHECK_INT(mmx_config_set_api_key_file(config, path, NULL), MMX_OK);
    client = client_from(config);
    CHECK_INT(mmx_list_files(client, NULL, NULL, NULL, NULL), MMX_ERROR_AUTHENTICATION);
    mmx_client_free(client);
    CHECK_INT(mmx_config_set_api_key(config, setting("MMX_TEST_KEY"), NULL), MMX_OK);
    client = client_of(config);
    lists(client);
    mmx_client_free(client);
    unsetenv("MINIMAX_API_KEY");
    char *missing = in_folder("missing");
    setenv("MINIMAX_API_KEY_FILE", missing, 1);
    CHECK_INT(mmx_client_new(NULL, &client, &error), MMX_ERROR_FILE);
    CHECK_HAS(mmx_error_message(error), "(from MINIMAX_API_KEY_FILE)");
    CHECK_INT(mmx_error_errno(error), ENOENT);
    mmx_error_free(error);
    unsetenv("MINIMAX_API_KEY_FILE");
    free(missing);
}

int main(void) {
    unsetenv("MINIMAX_API_KEY");
    path = in_folder("key");
    rotates();
    key_for_path();
    refusals();
    precedence();
    remove_folder();
    free(path);
    return 0;
}
