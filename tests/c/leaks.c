/* Deletes in a row, some that fail among them, and everything freed: `make valgrind` runs it where each error and each
 * lost byte counts. MMX_TEST_DELETES says how many, MMX_TEST_OVER whether over http or https alone. */
#include "check.h"

static void run(const char *name, bool https, long count) {
    account(name, count);
    for (int64_t id = 1; id <= count;) {
        mmx_client *client = client_for(name, https);
        mmx_cancel *cancel = NULL;
        CHECK_INT(mmx_cancel_new(&cancel, NULL), MMX_OK);
        for (long last = id + 100; id < last && id <= count; id++) {
            mmx_call_options options = MMX_CALL_OPTIONS_INIT;
            char *answer = NULL;
            options.cancel = id % 2 ? cancel : NULL;
            options.timeout_ms = id % 3 ? 0 : 60000;
            CHECK_INT(mmx_delete_file(client, id, "voice_clone", &options, &answer, NULL), MMX_OK);
            mmx_string_free(answer);
        }
        mmx_error *error = NULL;
        CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error), MMX_ERROR_NOT_FOUND);
        char *json = mmx_error_json(error);
        CHECK_HAS(json, "\"api_code\":2013");
        mmx_string_free(json);
        mmx_error_free(error);
        mmx_cancel_free(cancel);
        mmx_client_free(client);
    }
    CHECK_INT(count_of(name, "count?performed=1"), count);
}

int main(void) {
    const char *deletes_wanted = getenv("MMX_TEST_DELETES"), *over = getenv("MMX_TEST_OVER");
    long count = deletes_wanted ? atol(deletes_wanted) : 300;
    if (!over || strcmp(over, "http") == 0) run("leaks-http", false, count);
    if (!over || strcmp(over, "https") == 0) run("leaks-https", true, count);
    return 0;
}
