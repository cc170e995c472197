/* What the service refuses for its rate slows all clients of the key down, until it is as fast as the service allows.
 * Bounds from below only: nothing here fails because a machine is slow. */
#include "contract.h"
#include "files.h"
#include "rate.h"
#include "retry.h"

/* A refusal for the rate holds the next call back, too, of whichever client. */
static void a_refusal_pauses_all(void) {
    account("rate-pause", 3);
    mmx_client *first = limited("rate-pause", 0), *second = limited("rate-pause", 0);
    script("rate-pause", "{\"code\": 1002, \"headers\": {\"Retry-After\": \"1\"}}");
    mmx_call_options once = MMX_CALL_OPTIONS_INIT;
    once.max_attempts = 1;
    CHECK_INT(mmx_delete_file(first, 1, "voice_clone", &once, NULL, NULL), MMX_ERROR_RATE_LIMITED);
    int64_t began = now_ms();
    assert_deletes(second, 2);
    int64_t took = now_ms() - began;
    if (took < 900) FAIL("a call went out %" PRId64 " ms after a refusal that asks for a second", took);
    mmx_client_free(first);
    mmx_client_free(second);
}

/* By whichever code. */
static const int codes[] = {1002, 1039, 1041, 2045, 429};

static void each_code_pauses(size_t which) {
    char *name = format("rate-code-%d", codes[which]);
    char *limit = format("'requests_per_minute':1,'throttle':%d", codes[which]);
    account(name, 3);
    assert_rate_allows(name, limit);
    mmx_client *client = limited(name, 0);
    mmx_call_options once = MMX_CALL_OPTIONS_INIT;
    once.max_attempts = 1;
    assert_deletes(client, 1);
    CHECK_INT(mmx_delete_file(client, 2, "voice_clone", &once, NULL, NULL), MMX_ERROR_RATE_LIMITED);
    CHECK_INT(count_of(name, "throttled"), 1);
    assert_rate_allows(name, "");
    int64_t began = now_ms();
    assert_deletes(client, 2);
    int64_t took = now_ms() - began;
    if (took < 350) FAIL("a call went out %" PRId64 " ms after %d", took, codes[which]);
    mmx_client_free(client);
    free(limit);
    free(name);
}

/* "At once" is no pause, but whatever comes then goes slower. */
static void at_once_is_slower_too(void) {
    account("rate-zero", 3);
    mmx_client *client = limited("rate-zero", 0);
    faults("rate-zero", "{'code':1002," NOW "}");
    assert_deletes(client, 1);
    int64_t began = now_ms();
    assert_deletes(client, 2);
    int64_t took = now_ms() - began;
    if (took < 1000) FAIL("a call went out %" PRId64 " ms after one that was refused at first", took);
    mmx_client_free(client);
}

/* A bulk that knows nothing of the limit: every file is deleted, and few requests are refused on the way. */
static void a_bulk_finds_it(void) {
    enum { COUNT = 150 };
    account("rate-found", COUNT);
    assert_rate_allows("rate-found", "'requests_per_minute':6000,'window_ms':500");
    mmx_client *client = limited("rate-found", 0);
    mmx_file_ref files[COUNT];
    for (int i = 0; i < COUNT; i++) files[i] = (mmx_file_ref){i + 1, "voice_clone"};
    mmx_error *error = NULL;
    SUCCEEDS(mmx_delete_files(client, files, COUNT, NULL, NULL, &error), error);
    CHECK_INT(count_of("rate-found", "count?performed=1"), COUNT);
    long refused = count_of("rate-found", "throttled");
    if (refused < 1 || refused > COUNT / 3) FAIL("%ld requests were refused on the way to %d", refused, COUNT);
    mmx_client_free(client);
}

int main(void) {
    a_refusal_pauses_all();
    at_once(each_code_pauses, LENGTH_OF(codes));
    at_once_is_slower_too();
    a_bulk_finds_it();
    return 0;
}
