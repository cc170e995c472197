/* A download through the presigned link of retrieve. */
#define TEST_NAME "download-link"
#include "resume.h"

static void by_link(const mmx_client *client) {
    struct taker taker = {.seed = 5};
    char *json = NULL;
    reset(NULL);
    SUCCEEDS(to_sink(client, &taker, true, MMX_CALL_VIA_DOWNLOAD_URL, &json), error);
    CHECK(taker.at == SIZE && !taker.differs);
    CHECK_HAS(json, "\"via\":\"download_url\"");
    CHECK(strstr(json, "Signature") == NULL);
    mmx_string_free(json);
    CHECK_INT(count_of(NAME, "count?call=retrieve"), 1);
    CHECK_INT(count_of(NAME, "count?call=store"), 1);
    CHECK_INT(count_of(NAME, "count"), 2);
    assert_journal_holds(NAME, "[\"authorization\",", 1);

    /* One that has run out is asked for anew, once. */
    taker = (struct taker){.seed = 5};
    reset("{\"expired_url\": true}");
    SUCCEEDS(to_sink(client, &taker, true, MMX_CALL_VIA_DOWNLOAD_URL, NULL), error);
    CHECK(taker.at == SIZE && !taker.differs);
    CHECK_INT(count_of(NAME, "count?call=retrieve"), 2);
    CHECK_INT(count_of(NAME, "count?call=store"), 2);
    reset("{\"expired_url\": true, \"times\": -1}");
    FAILS(to_sink(client, &taker, true, MMX_CALL_VIA_DOWNLOAD_URL, NULL), error, MMX_ERROR_HTTP,
        "the file store answered HTTP 403", false);
    CHECK_INT(count_of(NAME, "count?call=retrieve"), 2);
    CHECK_INT(count_of(NAME, "count?call=store"), 2);
    /* Run out between two attempts. */
    taker = (struct taker){.seed = 5};
    reset("[{\"call\": \"store\", \"cut_after\": 1000000}, {\"call\": \"store\", \"http_status\": 403, \"body\": "
          "\"<Error/>\"}]");
    SUCCEEDS(to_sink(client, &taker, true, MMX_CALL_VIA_DOWNLOAD_URL, &json), error);
    CHECK(taker.at == SIZE && !taker.differs && taker.restarts == 0);
    CHECK_HAS(json, "\"resumed\":1,");
    mmx_string_free(json);
    CHECK_INT(count_of(NAME, "count?call=retrieve"), 2);

    static const struct {
        const char *fault;
        mmx_status status;
        const char *part;
    } cases[] = {
        {"{\"call\": \"store\", \"http_status\": 503, \"body\": \"x\", \"times\": -1}", MMX_ERROR_SERVER,
            "the file store answered HTTP 503"},
        {"{\"call\": \"store\", \"http_status\": 404, \"body\": \"x\", \"times\": -1}", MMX_ERROR_HTTP,
            "the file store answered HTTP 404"},
        {"{\"call\": \"store\", \"times\": -1, \"close_before_answer\": \"rst\"}", MMX_ERROR_NETWORK,
            "the connection broke"},
        {"{\"call\": \"retrieve\", \"code\": 1004}", MMX_ERROR_AUTHENTICATION, "download_stream: "},
        {"{\"call\": \"retrieve\", \"body\": "
         "\"{\\\"file\\\":{\\\"file_id\\\":1},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}",
            MMX_ERROR_PROTOCOL, "no download_url"},
        {"{\"call\": \"retrieve\", \"body\": "
         "\"{\\\"file\\\":{\\\"file_id\\\":1,\\\"download_url\\\":\\\"ftp://x/"
         "?Signature=s\\\"},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}",
            MMX_ERROR_PROTOCOL, "no download_url"},
        /* Only https beyond this machine, whatever the link says. */
        {"{\"call\": \"retrieve\", \"body\": "
         "\"{\\\"file\\\":{\\\"file_id\\\":1,\\\"download_url\\\":\\\"http://store.invalid/"
         "?Signature=s\\\"},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}",
            MMX_ERROR_CONNECT, "store.invalid"},
        {"{\"call\": \"retrieve\", \"shape\": \"other_id\"}", MMX_ERROR_PROTOCOL, "not about 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reset(cases[i].fault);
        taker = (struct taker){.seed = 5};
        FAILS(to_sink(client, &taker, true, MMX_CALL_VIA_DOWNLOAD_URL, NULL), error, cases[i].status, cases[i].part,
            false);
        CHECK_INT(taker.at, 0);
    }
    assert_journal_holds(NAME, "\"leaked_key\":true", 0);
    /* One bound over the look for the link and the fetch. */
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_sink sink = sink_to(&taker);
    options.flags = MMX_CALL_VIA_DOWNLOAD_URL;
    options.timeout_ms = 400;
    reset("[{\"call\": \"retrieve\", \"delay_ms\": 250}, {\"call\": \"store\", \"delay_ms\": 250}]");
    int64_t started = now_ms();
    FAILS(mmx_download_stream(client, 1, &sink, &options, NULL, &error), error, MMX_ERROR_TIMEOUT,
        "the time limit of 400 ms passed", false);
    CHECK(now_ms() - started < 2000);
}

int main(void) {
    for (int https = 0; https < 2; https++) {
        mmx_client *client = retrying_client_for(NAME, https);
        by_link(client);
        mmx_client_free(client);
    }
    remove_folder();
    return 0;
}
