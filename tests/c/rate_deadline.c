/* A turn of the rate limiter that can't come within a call's time: said at once, and nothing is sent. */
#include "bulk.h"
#include "contract.h"
#include "rate.h"

/* After a 429 with Retry-After: 7 each call of five seconds ends without a request. */
static void after_a_refusal(void) {
    account("rate-deadline", 9);
    mmx_client *client = limited("rate-deadline", 0);
    mmx_error *error = NULL;
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 5000;
    faults("rate-deadline", "{'http_status':429,'headers':{'Retry-After':'7'}}");
    /* The first one was sent. */
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", &options, NULL, &error), MMX_ERROR_RATE_LIMITED);
    CHECK_INT(mmx_error_attempts(error), 1);
    CHECK_INT(mmx_error_retry_after_ms(error), 7000);
    mmx_error_free(error);
    int64_t began = now_ms();
    for (int call = 0; call < 5; call++) {
        char *json = FILLED, *path = in_folder("a.mp3");
        mmx_status status = MMX_OK;
        error = NULL;
        write_file(path, "abc", 3);
        if (call == 0) status = mmx_delete_file(client, 1, "voice_clone", &options, &json, &error);
        if (call == 1) status = mmx_list_files(client, NULL, &options, &json, &error);
        if (call == 2) status = mmx_retrieve_file(client, 1, &options, &json, &error);
        if (call == 3) status = mmx_upload_file(client, path, "voice_clone", &options, &json, &error);
        if (call == 4) status = mmx_download_file(client, 1, path, &options, &json, &error);
        if (status != MMX_ERROR_RATE_LIMITED) FAIL("call %d: %s", call, mmx_error_message(error));
        CHECK(json == NULL);
        CHECK_INT(mmx_error_attempts(error), 0);
        CHECK_INT(mmx_error_http_status(error), 0);
        CHECK(!mmx_error_is_ambiguous(error));
        CHECK_HAS(mmx_error_message(error), "not sent: the rate limiter");
        if (now_ms() - began < 1000 && mmx_error_retry_after_ms(error) <= 5000)
            FAIL("call %d: %d ms: %s", call, (int)mmx_error_retry_after_ms(error), mmx_error_message(error));
        CHECK(mmx_error_retry_after_ms(error) <= 7700);
        mmx_error_free(error);
        free(path);
    }
    CHECK_INT(count_of("rate-deadline", "count"), 1);
    /* One without a limit waits and is sent. */
    options.timeout_ms = 0;
    SUCCEEDS(mmx_delete_file(client, 1, "voice_clone", &options, NULL, &error), error);
    CHECK_INT(count_of("rate-deadline", "count"), 2);
    mmx_client_free(client);
}

/* Of many files the run's own time counts: what can't be sent within it is not attempted; a call's doesn't. */
static void of_many_files(void) {
    enum { FILES = 4 };
    account("rate-deadline-bulk", FILES);
    mmx_client *client = limited("rate-deadline-bulk", 0);
    mmx_file_ref files[FILES];
    for (int i = 0; i < FILES; i++) files[i] = (mmx_file_ref){i + 1, "voice_clone"};
    mmx_error *error = NULL;
    mmx_call_options once = MMX_CALL_OPTIONS_INIT;
    once.max_attempts = 1;
    faults("rate-deadline-bulk", "{'http_status':429,'headers':{'Retry-After':'3'}}");
    FAILS(mmx_delete_file(client, 1, "voice_clone", &once, NULL, &error), error, MMX_ERROR_RATE_LIMITED, "", false);
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.timeout_ms = 1500;
    char *json = NULL;
    CHECK_INT(mmx_delete_files(client, files, FILES, &options, &json, &error), MMX_ERROR_RATE_LIMITED);
    CHECK_HAS(mmx_error_message(error), "not sent: the rate limiter");
    CHECK(mmx_error_retry_after_ms(error) > 0);
    mmx_error_free(error);
    for (int i = 0; i < FILES; i++) assert_json_outcome(json, (size_t)i, "\"outcome\":\"not_attempted\"");
    mmx_string_free(json);
    CHECK_INT(count_of("rate-deadline-bulk", "count"), 1);
    options.timeout_ms = 0;
    options.call_timeout_ms = 500;
    SUCCEEDS(mmx_delete_files(client, files, FILES, &options, NULL, &error), error);
    CHECK_INT(count_of("rate-deadline-bulk", "count"), 1 + FILES);
    mmx_client_free(client);
}

int main(void) {
    after_a_refusal();
    of_many_files();
    remove_folder();
    return 0;
}
