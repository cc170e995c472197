// flags: -Wno-format-nonliteral -Wno-format-extra-args
/* A download that is cut, sent elsewhere, or fetched by its link. */
#include "contract.h"
#include "files.h"

static const char NAME[] = "download-resume";
enum { SIZE = 3 << 20 };
static mmx_error *error;

static void reset(const char *faults) {
    account(NAME, 0);
    has_file(NAME, 1, SIZE, 5);
    if (faults) script(NAME, faults);
}

/* Downloads to a sink, with what went before in `taker`. */
static mmx_status to_sink(const mmx_client *client, struct taker *taker, bool restarts, uint32_t flags, char **json) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_sink sink = sink_to(taker);
    if (!restarts) sink.restart = NULL;
    options.flags = flags;
    return mmx_download_stream(client, 1, &sink, &options, json, &error);
}

/* By path and by sink, whole in the end. */
static void mended(const mmx_client *client, const char *faults, uint32_t flags, int resumed, int restarts, long ranges, uint64_t seed) {
    char *part = format("\"resumed\":%d,", resumed), *json = NULL;
    for (int by_path = 0; by_path < 2; by_path++) {
        reset(faults);
        if (by_path) {
            char *path = in_folder("mended");
            uint8_t *wanted = made_whole(seed, SIZE);
            mmx_call_options options = MMX_CALL_OPTIONS_INIT;
            options.flags = flags;
            SUCCEEDS(mmx_download_file(client, 1, path, &options, &json, &error), error);
            holds(path, wanted, SIZE);
            CHECK_INT(entries_in(folder()), 1);
            unlink(path);
            free(wanted);
            free(path);
        } else {
            struct taker taker = {.seed = seed};
            SUCCEEDS(to_sink(client, &taker, true, flags, &json), error);
            /* What came before the file changed was of the old one. */
            CHECK_INT(taker.at, SIZE);
            CHECK(!taker.differs);
            CHECK_INT(taker.restarts, restarts);
        }
        CHECK_HAS(json, part);
        mmx_string_free(json);
        journal_holds(NAME, "[\"range\",\"bytes=", ranges);
        journal_holds(NAME, "[\"if-range\",\"", ranges);
    }
    free(part);
}

static void cuts(const mmx_client *client, uint32_t flags, const char *call) {
    static const struct {
        const char *faults;
        int resumed, restarts, ranges;
    } cases[] = {
        {"[{%s\"cut_after\": 1000000}]", 1, 0, 1},
        {"[{%s\"cut_after\": 1000000, \"close\": \"rst\"}]", -1, -1, -1},
        {"[{%s\"cut_after\": 1000000}, {%s\"cut_after\": 500000}, {%s\"cut_after\": 500000}]", 3, 0, 3},
        {"[{%s\"close_before_answer\": \"rst\"}]", 0, 0, 0},
        {"[{%s\"cut_after\": 30}]", 0, 0, 0},
        {"[{%s\"wrong_length\": 7}, {%s\"wrong_length\": 7}]", -1, -1, -1},
        {"[{%s\"no_length\": true, \"cut_after\": 1000000}]", 1, 0, 1},
        /* The rest can't be had: the file comes anew. */
        {"[{%s\"cut_after\": 1000000}, {%s\"no_range\": true}]", 0, 1, 1},
        {"[{%s\"cut_after\": 1000000}, {%s\"range_shift\": 5}]", 0, 1, 1},
        {"[{%s\"cut_after\": 1000000}, {%s\"range_shift\": -5}]", 0, 1, 1},
        /* By its time where there is no tag; anew where there is neither. */
        {"[{%s\"cut_after\": 1000000, \"no_etag\": true}]", 1, 0, 1},
        {"[{%s\"cut_after\": 1000000, \"headers\": {\"ETag\": \"W/\\\"weak\\\"\", \"Last-Modified\": null}}]", 0, 1, 0},
        {"[{%s\"cut_after\": 1000000, \"headers\": {\"ETag\": null, \"Last-Modified\": null}}]", 0, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *faults = format(cases[i].faults, call, call, call);
        if (cases[i].resumed >= 0) mended(client, faults, flags, cases[i].resumed, cases[i].restarts, cases[i].ranges, 5);
        else {
            /* How much of it had got through isn't known. */
            struct taker taker = {.seed = 5};
            reset(faults);
            SUCCEEDS(to_sink(client, &taker, true, flags, NULL), error);
            CHECK(taker.at == SIZE && !taker.differs);
        }
        free(faults);
    }
    /* Another file by now. */
    char *faults = format("[{%s\"cut_after\": 1000000, \"changed\": true}]", call);
    mended(client, faults, flags, 0, 1, 1, mixed(5));
    free(faults);
}

static void not_mended(const mmx_client *client) {
    struct taker taker = {.seed = 5};
    char *json = NULL;
    /* Without restart: only the rest of the same file. */
    reset("[{\"cut_after\": 1000000}]");
    SUCCEEDS(to_sink(client, &taker, false, 0, &json), error);
    CHECK(taker.at == SIZE && !taker.differs);
    CHECK_HAS(json, "\"resumed\":1,");
    mmx_string_free(json);
    static const char *const anew[] = {"[{\"cut_after\": 1000000}, {\"no_range\": true}]", "[{\"cut_after\": 1000000, \"changed\": true}]",
                                       "[{\"cut_after\": 1000000}, {\"range_shift\": 1}]"};
    for (size_t i = 0; i < sizeof anew / sizeof *anew; i++) {
        taker = (struct taker){.seed = 5};
        reset(anew[i]);
        FAILS(to_sink(client, &taker, false, 0, NULL), error, MMX_ERROR_NETWORK, "the sink can't begin anew", false);
        CHECK(!taker.differs && taker.at < SIZE);
        CHECK_INT(number(NAME, "count"), 2);
    }
    taker = (struct taker){.seed = 5};
    reset("[{\"cut_after\": 1000000, \"headers\": {\"ETag\": null, \"Last-Modified\": null}}]");
    FAILS(to_sink(client, &taker, false, 0, NULL), error, MMX_ERROR_NETWORK, "the connection broke", false);
    CHECK_INT(number(NAME, "count"), 1);
    /* Four attempts, then no more. */
    taker = (struct taker){.seed = 5};
    reset("{\"times\": -1, \"cut_after\": 100000}");
    mmx_status status = to_sink(client, &taker, true, 0, NULL);
    CHECK_INT(mmx_error_attempts(error), 4);
    FAILS(status, error, MMX_ERROR_NETWORK, "the connection broke while reading the answer", false);
    CHECK_INT(number(NAME, "count"), 4);
    /* A sink that gives up is asked once. */
    taker = (struct taker){.seed = 5, .gives_up_at = 1};
    reset(NULL);
    FAILS(to_sink(client, &taker, true, 0, NULL), error, MMX_ERROR_FILE, "the sink gave up (its write returned 7)", false);
    CHECK_INT(number(NAME, "wait?open=0"), 0);
    CHECK_INT(number(NAME, "count"), 1);
    taker = (struct taker){.seed = 5};
    SUCCEEDS(to_sink(client, &taker, true, 0, NULL), error);
}

static void redirects(const mmx_client *client, bool https) {
    static const char *const followed[] = {"{\"redirect_to\": \"store\"}", "{\"redirect_to\": \"self\"}", "{\"redirect_to\": \"store\", \"http_status\": 307}"};
    char *json = NULL;
    for (size_t i = 0; i < sizeof followed / sizeof *followed; i++) {
        struct taker taker = {.seed = 5};
        reset(followed[i]);
        SUCCEEDS(to_sink(client, &taker, true, 0, &json), error);
        CHECK(taker.at == SIZE && !taker.differs);
        mmx_string_free(json);
        CHECK_INT(number(NAME, "count"), 2);
        CHECK_INT(number(NAME, "count?call=store"), i != 1);
        journal_holds(NAME, "\"leaked_key\":true", 0);
        journal_holds(NAME, "[\"authorization\",", i == 1 ? 2 : 1);
    }
    static const struct {
        const char *fault, *part;
    } refused_ones[] = {
        {"{\"redirect_to\": \"loop\", \"times\": -1}", "in a ring, or too often"},
        {"{\"redirect_to\": \"self\", \"times\": -1}", "in a ring, or too often"},
        {"{\"redirect_to\": \"other_scheme\"}", "to something that is not the web"},
        {"{\"redirect_to\": \"file:///etc/hostname\"}", "to something that is not the web"},
        {"{\"http_status\": 302, \"body\": \"\"}", "to no place"},
        {"{\"redirect_to\": \"http://\"}", "to no place"},
        {"{\"redirect_to\": \"downgrade\"}", "from https:// to http://"},
    };
    for (size_t i = 0; i < sizeof refused_ones / sizeof *refused_ones; i++) {
        struct taker taker = {.seed = 5};
        if (!https && strstr(refused_ones[i].fault, "downgrade")) continue;
        reset(refused_ones[i].fault);
        FAILS(to_sink(client, &taker, true, 0, NULL), error, MMX_ERROR_PROTOCOL, refused_ones[i].part, false);
        CHECK_INT(taker.at, 0);
        CHECK(number(NAME, "count") <= 7);
    }
    /* Cut after a redirect: the rest comes from there, too. */
    struct taker taker = {.seed = 5};
    reset("[{\"times\": 2, \"redirect_to\": \"store\", \"call\": \"retrieve_content\"}, {\"call\": \"store\", \"cut_after\": 1000000}]");
    SUCCEEDS(to_sink(client, &taker, true, 0, &json), error);
    CHECK(taker.at == SIZE && !taker.differs);
    CHECK_HAS(json, "\"resumed\":1,");
    mmx_string_free(json);
    journal_holds(NAME, "\"leaked_key\":true", 0);
}

static void by_link(const mmx_client *client) {
    struct taker taker = {.seed = 5};
    char *json = NULL;
    reset(NULL);
    SUCCEEDS(to_sink(client, &taker, true, MMX_CALL_VIA_DOWNLOAD_URL, &json), error);
    CHECK(taker.at == SIZE && !taker.differs);
    CHECK_HAS(json, "\"via\":\"download_url\"");
    CHECK(strstr(json, "Signature") == NULL);
    mmx_string_free(json);
    CHECK_INT(number(NAME, "count?call=retrieve"), 1);
    CHECK_INT(number(NAME, "count?call=store"), 1);
    CHECK_INT(number(NAME, "count"), 2);
    journal_holds(NAME, "[\"authorization\",", 1);

    /* One that has run out is asked for anew, once. */
    taker = (struct taker){.seed = 5};
    reset("{\"expired_url\": true}");
    SUCCEEDS(to_sink(client, &taker, true, MMX_CALL_VIA_DOWNLOAD_URL, NULL), error);
    CHECK(taker.at == SIZE && !taker.differs);
    CHECK_INT(number(NAME, "count?call=retrieve"), 2);
    CHECK_INT(number(NAME, "count?call=store"), 2);
    reset("{\"expired_url\": true, \"times\": -1}");
    FAILS(to_sink(client, &taker, true, MMX_CALL_VIA_DOWNLOAD_URL, NULL), error, MMX_ERROR_HTTP, "the file store answered HTTP 403", false);
    CHECK_INT(number(NAME, "count?call=retrieve"), 2);
    CHECK_INT(number(NAME, "count?call=store"), 2);
    /* Run out between two attempts. */
    taker = (struct taker){.seed = 5};
    reset("[{\"call\": \"store\", \"cut_after\": 1000000}, {\"call\": \"store\", \"http_status\": 403, \"body\": \"<Error/>\"}]");
    SUCCEEDS(to_sink(client, &taker, true, MMX_CALL_VIA_DOWNLOAD_URL, &json), error);
    CHECK(taker.at == SIZE && !taker.differs && taker.restarts == 0);
    CHECK_HAS(json, "\"resumed\":1,");
    mmx_string_free(json);
    CHECK_INT(number(NAME, "count?call=retrieve"), 2);

    static const struct {
        const char *fault;
        mmx_status status;
        const char *part;
    } cases[] = {
        {"{\"call\": \"store\", \"http_status\": 503, \"body\": \"x\", \"times\": -1}", MMX_ERROR_SERVER, "the file store answered HTTP 503"},
        {"{\"call\": \"store\", \"http_status\": 404, \"body\": \"x\", \"times\": -1}", MMX_ERROR_HTTP, "the file store answered HTTP 404"},
        {"{\"call\": \"store\", \"times\": -1, \"close_before_answer\": \"rst\"}", MMX_ERROR_NETWORK, "the connection broke"},
        {"{\"call\": \"retrieve\", \"code\": 1004}", MMX_ERROR_AUTHENTICATION, "download_stream: "},
        {"{\"call\": \"retrieve\", \"body\": \"{\\\"file\\\":{\\\"file_id\\\":1},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}", MMX_ERROR_PROTOCOL, "no download_url"},
        {"{\"call\": \"retrieve\", \"body\": \"{\\\"file\\\":{\\\"file_id\\\":1,\\\"download_url\\\":\\\"ftp://x/?Signature=s\\\"},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}", MMX_ERROR_PROTOCOL, "no download_url"},
        /* Only https beyond this machine, whatever the link says. */
        {"{\"call\": \"retrieve\", \"body\": \"{\\\"file\\\":{\\\"file_id\\\":1,\\\"download_url\\\":\\\"http://store.invalid/?Signature=s\\\"},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}", MMX_ERROR_CONNECT, "store.invalid"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reset(cases[i].fault);
        taker = (struct taker){.seed = 5};
        FAILS(to_sink(client, &taker, true, MMX_CALL_VIA_DOWNLOAD_URL, NULL), error, cases[i].status, cases[i].part, false);
        CHECK_INT(taker.at, 0);
    }
    journal_holds(NAME, "\"leaked_key\":true", 0);
    /* One bound over the look for the link and the fetch. */
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_sink sink = sink_to(&taker);
    options.flags = MMX_CALL_VIA_DOWNLOAD_URL;
    options.timeout_ms = 400;
    reset("[{\"call\": \"retrieve\", \"delay_ms\": 250}, {\"call\": \"store\", \"delay_ms\": 250}]");
    int64_t started = now_ms();
    FAILS(mmx_download_stream(client, 1, &sink, &options, NULL, &error), error, MMX_ERROR_TIMEOUT, "the time limit of 400 ms passed", false);
    CHECK(now_ms() - started < 2000);
}

int main(void) {
    for (int https = 0; https < 2; https++) {
        mmx_client *client = retrying_client_for(NAME, https);
        cuts(client, 0, "");
        cuts(client, MMX_CALL_VIA_DOWNLOAD_URL, "\"call\": \"store\", ");
        not_mended(client);
        redirects(client, https);
        by_link(client);
        mmx_client_free(client);
    }
    remove_folder();
    return 0;
}
