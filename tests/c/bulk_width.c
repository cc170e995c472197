/* How many requests are under way at once: 2 to begin with, twice as many with each round of answers; and in a run soon
 * after as many as the last one had come to, until the service refuses one for coming too fast. */
#include "bulk.h"

enum { COUNT = 200 };

/* How many a run sends when none is answered. */
static long begins_with(const char *name, const mmx_client *client, int32_t concurrency) {
    account(name, COUNT);
    script(name, "{\"times\": -1, \"hang\": true}");
    mmx_file_ref *files = refs(COUNT);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.concurrency = concurrency;
    options.timeout_ms = 500;
    mmx_error *error = NULL;
    FAILS(mmx_delete_files(client, files, COUNT, &options, NULL, &error), error, MMX_ERROR_TIMEOUT, "not attempted",
        false);
    free(files);
    return count_of(name, "count");
}

static void deletes_all(const char *name, const mmx_client *client, int32_t concurrency, const char *fault) {
    account(name, COUNT);
    if (fault) script(name, fault);
    mmx_file_ref *files = refs(COUNT);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.concurrency = concurrency;
    mmx_error *error = NULL;
    SUCCEEDS(mmx_delete_files(client, files, COUNT, &options, NULL, &error), error);
    free(files);
}

static void grows_and_is_kept(void) {
    static const char *const name = "bulk-width";
    mmx_client *client = retrying_client_for(name, false), *other = retrying_client_for(name, false);
    CHECK_INT(begins_with(name, client, 16), 2);
    deletes_all(name, client, 10, NULL);
    /* As wide as the last one had come to, and no wider than is asked for; of another client of the account as well. */
    CHECK_INT(begins_with(name, client, 64), 10);
    CHECK_INT(begins_with(name, other, 7), 7);
    deletes_all(name, other, 40, NULL);
    /* So many connections are kept for nobody. */
    CHECK_INT(count_of(name, "wait?open=0"), 0);
    CHECK_INT(begins_with(name, client, 64), 40);
    mmx_client_free(client);
    mmx_client_free(other);
}

static void belongs_to_its_account(void) {
    mmx_client *client = retrying_client_for("bulk-width-other", false);
    CHECK_INT(begins_with("bulk-width-other", client, 64), 2);
    mmx_client_free(client);
}

/* 2045 is for a sudden rise: the next run begins as the first one did. */
static void is_forgotten_after_a_refusal(void) {
    static const char *const name = "bulk-width-refused";
    mmx_client *client = retrying_client_for(name, false);
    deletes_all(name, client, 10, NULL);
    CHECK_INT(begins_with(name, client, 10), 10);
    account(name, 1);
    script(name, "{\"code\": 2045, \"headers\": {\"Retry-After\": \"1\"}}");
    mmx_call_options once = MMX_CALL_OPTIONS_INIT;
    once.max_attempts = 1;
    mmx_error *error = NULL;
    FAILS(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, &once, NULL, &error), error, MMX_ERROR_RATE_LIMITED,
        "2045", false);
    /* The pause of the whole account ends with the answer to the one that goes alone. */
    assert_deletes(client, 1);
    CHECK(begins_with(name, client, 10) <= 3);
    mmx_client_free(client);
}

/* Each answer lets one more go: two rounds of a server that takes its time are two, then four. */
static void doubles(void) {
    static const char *const name = "bulk-width-doubles";
    account(name, COUNT);
    script(name, "[{\"times\": 6, \"perform\": true}, {\"times\": -1, \"hang\": true}]");
    mmx_client *client = retrying_client_for(name, false);
    mmx_file_ref *files = refs(COUNT);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.timeout_ms = 500;
    mmx_error *error = NULL;
    FAILS(mmx_delete_files(client, files, COUNT, &options, NULL, &error), error, MMX_ERROR_TIMEOUT, "not attempted",
        false);
    /* Six answered, eight under way. */
    CHECK_INT(count_of(name, "count"), 6 + 8);
    free(files);
    mmx_client_free(client);
}

int main(void) {
    grows_and_is_kept();
    belongs_to_its_account();
    is_forgotten_after_a_refusal();
    doubles();
    return 0;
}
