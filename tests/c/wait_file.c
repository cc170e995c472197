/* mmx_wait_file: until retrieve knows the file, within the time limit; nothing else is waited for. */
#include "contract.h"
#include "files.h"
#include "retry.h"

static const char NAME[] = "wait-file";
static mmx_error *error;

static void *adds_the_file(void *unused) {
    (void)unused;
    count_of(NAME, "wait?count=1&call=retrieve");
    store_file(NAME, 77, 500, 1);
    return NULL;
}

static void comes_later(const mmx_client *client) {
    pthread_t other;
    char *json = NULL, *retrieved = NULL;
    mmx_files *files = NULL;
    account(NAME, 1);
    CHECK_INT(pthread_create(&other, NULL, adds_the_file, NULL), 0);
    SUCCEEDS(mmx_wait_file(client, 77, NULL, &json, &error), error);
    pthread_join(other, NULL);
    SUCCEEDS(mmx_files_parse(json, &files, &error), error);
    CHECK_INT(mmx_files_count(files), 1);
    CHECK_INT(mmx_files_get(files, 0)->file_id, 77);
    CHECK_INT(mmx_files_get(files, 0)->bytes, 500);
    long polls = count_of(NAME, "count?call=retrieve");
    CHECK(polls >= 2 && polls <= 4);
    CHECK_INT(count_of(NAME, "count"), polls);
    /* One that is there is asked for once. */
    SUCCEEDS(mmx_wait_file(client, 77, NULL, &retrieved, &error), error);
    CHECK_INT(count_of(NAME, "count"), polls + 1);
    mmx_files_free(files);
    mmx_string_free(json);
    mmx_string_free(retrieved);
}

/* It never comes: 1 s, then 2 s and so on. */
static void in_time(const mmx_client *client) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_call_info info = MMX_CALL_INFO_INIT;
    char *json = FILLED;
    options.timeout_ms = 2500;
    options.info = &info;
    account(NAME, 1);
    FAILS(mmx_wait_file(client, 78, &options, &json, &error), error, MMX_ERROR_TIMEOUT,
        "the time limit of 2500 ms passed while waiting for the file to be there; before that: ", false);
    CHECK(json == NULL);
    long polls = count_of(NAME, "count");
    CHECK(polls >= 1 && polls <= 2);
    CHECK_INT(info.attempts, polls);
    CHECK_INT(info.http_status, 200);
    mmx_cancel *token = NULL;
    CHECK_INT(mmx_cancel_new(&token, NULL), MMX_OK);
    mmx_cancel_trigger(token);
    options.cancel = token;
    FAILS(mmx_wait_file(client, 78, &options, NULL, &error), error, MMX_ERROR_CANCELLED, "before anything", false);
    mmx_cancel_free(token);
}

static void nothing_else(const mmx_client *client) {
    static const struct {
        const char *fault;
        mmx_status status;
    } cases[] = {{"'code':1004", MMX_ERROR_AUTHENTICATION}, {"'http_status':401", MMX_ERROR_AUTHENTICATION},
        {"'code':1008", MMX_ERROR_QUOTA}, {"'code':4711", MMX_ERROR_API}, {"'shape':'text_404'", MMX_ERROR_HTTP},
        {"'http_status':503", MMX_ERROR_SERVER}, {"'shape':'other_id'", MMX_ERROR_PROTOCOL},
        {"'close_before_answer':'fin'", MMX_ERROR_NETWORK}};
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        char *fault = format("{%s}", cases[i].fault);
        account(NAME, 1);
        faults(NAME, fault);
        FAILS(mmx_wait_file(client, 1, NULL, NULL, &error), error, cases[i].status, "wait_file: ", false);
        CHECK_INT(count_of(NAME, "count"), 1);
        free(fault);
    }
    REFUSES(mmx_wait_file(client, 0, NULL, NULL, &error), error, "file_id", "1 or more");
}

/* Each poll is sent again as a retrieve is. */
static void with_retries(void) {
    mmx_client *client = retrying_client_for(NAME, false);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.max_attempts = 2;
    account(NAME, 1);
    faults(NAME, "[{'code':2013},{'http_status':503," NOW "},{'code':2013},{'code':1033," NOW "}]");
    SUCCEEDS(mmx_wait_file(client, 1, &options, NULL, &error), error);
    CHECK_INT(count_of(NAME, "count"), 5);
    faults(NAME, "[{'http_status':503," NOW "},{'http_status':503," NOW "}]");
    FAILS(mmx_wait_file(client, 1, &options, NULL, &error), error, MMX_ERROR_SERVER, "the last of 2 attempts", false);
    mmx_client_free(client);
}

int main(void) {
    mmx_client *client = client_for(NAME, false);
    comes_later(client);
    in_time(client);
    nothing_else(client);
    with_retries();
    mmx_client_free(client);
    return 0;
}
