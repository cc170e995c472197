// flags: -Wno-format-nonliteral -Wno-format-extra-args
/* A download that is cut, sent elsewhere, or of a file that odd things are said of. */
#define TEST_NAME "download-resume"
#include "resume.h"
#include <sys/wait.h>

/* Each by path over one of HTTP and HTTPS, and by sink over the other. */
static void cuts(const mmx_client *client, size_t https, uint32_t flags, const char *call) {
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
        {"[{%s\"cut_after\": 1000000}, {%s\"http_status\": 416, \"body\": \"\"}]", 0, 1, 1},
        {"[{%s\"cut_after\": 1000000}, {%s\"http_status\": 206, \"body\": \"x\"}]", 0, 1, 1},
        /* Whoever pays no heed to If-Range tells by the rest's own headers that it is of another file. */
        {"[{%s\"cut_after\": 1000000}, {%s\"headers\": {\"ETag\": \"\\\"other\\\"\"}}]", 0, 1, 1},
        {"[{%s\"cut_after\": 1000000, \"no_etag\": true}, {%s\"headers\": {\"ETag\": null, \"Last-Modified\": \"Mon, "
         "01 Jan 2024 00:00:00 GMT\"}}]",
            0, 1, 1},
        {"[{%s\"cut_after\": 1000000}, {%s\"headers\": {\"ETag\": null, \"Last-Modified\": null}}]", 1, 0, 1},
        /* By its time where there is no tag; anew where there is neither. */
        {"[{%s\"cut_after\": 1000000, \"no_etag\": true}]", 1, 0, 1},
        {"[{%s\"cut_after\": 1000000, \"headers\": {\"ETag\": \"W/\\\"weak\\\"\", \"Last-Modified\": null}}]", 0, 1, 0},
        {"[{%s\"cut_after\": 1000000, \"headers\": {\"ETag\": null, \"Last-Modified\": null}}]", 0, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *faults = format(cases[i].faults, call, call, call);
        if (cases[i].resumed >= 0)
            mended(client, faults, (i + https) % 2, flags, cases[i].resumed, cases[i].restarts, cases[i].ranges, 5);
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
    mended(client, faults, https, flags, 0, 1, 1, mixed(5));
    free(faults);
}

/* The rest may come in parts; what is left of it is asked for, and nothing short of the whole is taken for it. */
static void in_parts(const mmx_client *client, uint32_t flags, const char *call) {
#define FIRST "[{%s\"body\": \"abcd\", \"headers\": {\"ETag\": \"\\\"e\\\"\"}, "
#define PART(body, range)                                                                                              \
    "{%s\"http_status\": 206, \"body\": \"" body                                                                       \
    "\", \"headers\": {\"ETag\": \"\\\"e\\\"\", \"Content-Range\": \"bytes " range "\"}}"
#define KNOWN "\"wrong_length\": 6}, "
    static const struct {
        const char *faults;
        int resumed;
    } cases[] = {
        {FIRST KNOWN PART("efghij", "4-9/10") "]", 1},
        {FIRST KNOWN PART("ef", "4-5/10") ", " PART("ghij", "6-9/10") "]", 2},
        {FIRST KNOWN PART("ef", "4-5/*") ", " PART("ghij", "6-9/*") "]", 2},
        {FIRST KNOWN PART("ef", "4-9/10") ", " PART("ghij", "6-9/10") "]", 2},
        {FIRST KNOWN PART("ef", "4-5/10") ", " PART("gh", "6-7/10") ", " PART("ij", "8-9/10") "]", 3},
        /* One of another length is another file; so is one that doesn't end where it says. */
        {FIRST KNOWN PART("ef", "4-5/6") "]", 0},
        {FIRST KNOWN PART("efghijk", "4-10/11") "]", 0},
        {FIRST KNOWN PART("efghijk", "4-9/10") "]", -1},
    };
    char *path = in_folder("parts");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *faults = format(cases[i].faults, call, call, call, call), *json = NULL;
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        options.flags = flags;
        account(NAME, 0);
        adds("[{\"file_id\": 1, \"purpose\": \"voice_clone\", \"content\": \"abcdefghij\"}]");
        script(NAME, faults);
        SUCCEEDS(mmx_download_file(client, 1, path, &options, &json, &error), error);
        assert_file_holds(path, "abcdefghij", 10);
        CHECK_HAS(json, "\"bytes\":10,");
        char *resumed = format("\"resumed\":%d,", cases[i].resumed);
        if (cases[i].resumed >= 0) CHECK_HAS(json, resumed);
        mmx_string_free(json);
        free(resumed);
        free(faults);
    }
    unlink(path);
    free(path);
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
    static const char *const anew[] = {"[{\"cut_after\": 1000000}, {\"no_range\": true}]",
        "[{\"cut_after\": 1000000, \"changed\": true}]", "[{\"cut_after\": 1000000}, {\"range_shift\": 1}]"};
    for (size_t i = 0; i < sizeof anew / sizeof *anew; i++) {
        taker = (struct taker){.seed = 5};
        reset(anew[i]);
        FAILS(to_sink(client, &taker, false, 0, NULL), error, MMX_ERROR_NETWORK, "the sink can't begin anew", false);
        CHECK(!taker.differs && taker.at < SIZE);
        CHECK_INT(count_of(NAME, "count"), 2);
    }
    taker = (struct taker){.seed = 5};
    reset("[{\"cut_after\": 1000000, \"headers\": {\"ETag\": null, \"Last-Modified\": null}}]");
    FAILS(to_sink(client, &taker, false, 0, NULL), error, MMX_ERROR_NETWORK, "the connection broke", false);
    CHECK_INT(count_of(NAME, "count"), 1);
    /* Four attempts, then no more. */
    taker = (struct taker){.seed = 5};
    reset("{\"times\": -1, \"cut_after\": 100000}");
    mmx_status status = to_sink(client, &taker, true, 0, NULL);
    CHECK_INT(mmx_error_attempts(error), 4);
    FAILS(status, error, MMX_ERROR_NETWORK, "the connection broke while reading the answer", false);
    CHECK_INT(count_of(NAME, "count"), 4);
    /* A sink that gives up is asked once. */
    taker = (struct taker){.seed = 5, .gives_up_at = 1};
    reset(NULL);
    FAILS(to_sink(client, &taker, true, 0, NULL), error, MMX_ERROR_FILE, "the sink gave up (its write returned 7)",
        false);
    CHECK_INT(count_of(NAME, "wait?open=0"), 0);
    CHECK_INT(count_of(NAME, "count"), 1);
    taker = (struct taker){.seed = 5};
    SUCCEEDS(to_sink(client, &taker, true, 0, NULL), error);
}

static void redirects(const mmx_client *client, bool https) {
    static const char *const followed[] = {"{\"redirect_to\": \"store\"}",
        "{\"redirect_to\": \"store\", \"http_status\": 301}", "{\"redirect_to\": \"store\", \"http_status\": 303}",
        "{\"redirect_to\": \"store\", \"http_status\": 307}", "{\"redirect_to\": \"store\", \"http_status\": 308}",
        /* At the same place, with the key. */
        "{\"redirect_to\": \"self\"}", "{\"redirect_to\": \"retrieve_content?file_id=1\"}",
        "{\"redirect_to\": \"../../v1/files/retrieve_content?file_id=1\"}"};
    enum { AWAY = 5 };
    char *json = NULL;
    for (size_t i = 0; i < sizeof followed / sizeof *followed; i++) {
        struct taker taker = {.seed = 5};
        reset(followed[i]);
        SUCCEEDS(to_sink(client, &taker, true, 0, &json), error);
        CHECK(taker.at == SIZE && !taker.differs);
        mmx_string_free(json);
        CHECK_INT(count_of(NAME, "count"), 2);
        CHECK_INT(count_of(NAME, "count?call=store"), i < AWAY);
        assert_journal_holds(NAME, "\"leaked_key\":true", 0);
        assert_journal_holds(NAME, "[\"authorization\",", i < AWAY ? 1 : 2);
    }
    /* Once it has left the host the key doesn't come back, and another port is another place; the API asks for it then. */
    char *self = format(
        "%s/t/%s/v1/files/retrieve_content?file_id=1", setting(https ? "MMX_TEST_HTTPS" : "MMX_TEST_HTTP"), NAME);
    char *other = format("%s/t/%s/v1/files/retrieve_content?file_id=1", setting("MMX_TEST_HTTPS_TLS12"), NAME);
    char *astray[] = {format("[{\"redirect_to\": \"store\"}, {\"call\": \"store\", \"redirect_to\": \"%s\"}]", self),
        format("[{\"redirect_to\": \"%s\"}]", other), format("[{\"call\": \"store\", \"redirect_to\": \"%s\"}]", self)};
    for (size_t i = 0; i < sizeof astray / sizeof *astray; i++) {
        struct taker taker = {.seed = 5};
        reset(astray[i]);
        if (https || i != 1) {
            FAILS(to_sink(client, &taker, true, i == 2 ? MMX_CALL_VIA_DOWNLOAD_URL : 0, NULL), error,
                MMX_ERROR_AUTHENTICATION, "", false);
            CHECK_INT(taker.at, 0);
            CHECK_INT(count_of(NAME, "count"), i == 1 ? 2 : 3);
            assert_journal_holds(NAME, "[\"authorization\",", 1);
        }
        free(astray[i]);
    }
    free(self);
    free(other);
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
    for (size_t i = 0; i < 2 * sizeof refused_ones / sizeof *refused_ones; i++) {
        struct taker taker = {.seed = 5};
        const char *fault = refused_ones[i / 2].fault;
        if (!https && strstr(fault, "downgrade")) continue;
        if (https && i == 1) continue; /* that ring is of http:// */
        /* By the API, and by the store that a link leads to. */
        char *by_store = format("{\"call\": \"store\", %s", fault + 1);
        reset(i % 2 ? by_store : fault);
        FAILS(to_sink(client, &taker, true, i % 2 ? MMX_CALL_VIA_DOWNLOAD_URL : 0, NULL), error, MMX_ERROR_PROTOCOL,
            refused_ones[i / 2].part, false);
        CHECK_INT(taker.at, 0);
        CHECK(count_of(NAME, "count") <= 7);
        free(by_store);
    }
    /* Cut after a redirect: the rest comes from there, too. */
    struct taker taker = {.seed = 5};
    reset("[{\"times\": 2, \"redirect_to\": \"store\", \"call\": \"retrieve_content\"}, {\"call\": \"store\", "
          "\"cut_after\": 1000000}]");
    SUCCEEDS(to_sink(client, &taker, true, 0, &json), error);
    CHECK(taker.at == SIZE && !taker.differs);
    CHECK_HAS(json, "\"resumed\":1,");
    mmx_string_free(json);
    assert_journal_holds(NAME, "\"leaked_key\":true", 0);
}

/* Names, lengths and headers of the service's steer nothing. */
static void what_the_service_says(const mmx_client *client) {
    char *away = in_folder("evil.mp3"), *place = in_folder("here"), *path = in_folder("here/target");
    char *said[] = {format("\"filename\": \"../evil.mp3\", \"bytes\": 5"),
        format("\"filename\": \"%s\", \"bytes\": 1099511627776", away), format("\"purpose\": \"t2a_async\""),
        format("\"purpose\": \"video_generation\""), format("\"filename\": \"a\\u0000b\", \"bytes\": -1")};
    uint8_t *content = made_whole(5, SIZE);
    CHECK_INT(mkdir(place, 0700), 0);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        char *file = format("[{\"file_id\": 1, \"size\": %d, \"seed\": 5, %s%s}]", SIZE,
            strstr(said[i], "purpose") ? "" : "\"purpose\": \"voice_clone\", ", said[i]);
        for (int how = 0; how < 6; how++) {
            mmx_call_options options = MMX_CALL_OPTIONS_INIT;
            struct taker taker = {.seed = 5};
            mmx_sink sink = sink_to(&taker);
            char *fault = format("[{\"call\": \"%s\", \"no_length\": %s, \"headers\": {\"Content-Disposition\": "
                                 "\"attachment; filename=\\\"../evil.mp3\\\"\"}}]",
                how % 2 ? "store" : "retrieve_content", how < 2 ? "true" : "false");
            account(NAME, 0);
            adds(file);
            script(NAME, fault);
            options.flags = how % 2 ? MMX_CALL_VIA_DOWNLOAD_URL : 0;
            if (how < 4) {
                SUCCEEDS(mmx_download_file(client, 1, path, &options, NULL, &error), error);
                assert_file_holds(path, content, SIZE);
                CHECK_INT(entries_in(place), 1);
            } else {
                SUCCEEDS(mmx_download_stream(client, 1, &sink, &options, NULL, &error), error);
                CHECK(taker.at == SIZE && !taker.differs);
            }
            CHECK_INT(entries_in(folder()), 1);
            free(fault);
        }
        free(file);
        free(said[i]);
    }
    unlink(path);
    CHECK_INT(rmdir(place), 0);
    free(content);
    free(away);
    free(place);
    free(path);
}

/* Most of the time is spent waiting: HTTPS is for a child of its own. */
int main(void) {
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    bool https = child == 0;
    if (https) NAME = "download-resume-tls";
    /* One client for each: it doesn't try again without end. */
    for (int way = 0; way < 3; way++) {
        mmx_client *client = retrying_client_for(NAME, https);
        if (way == 0) cuts(client, https, 0, "");
        if (way == 1) cuts(client, https, MMX_CALL_VIA_DOWNLOAD_URL, "\"call\": \"store\", ");
        if (way == 2) {
            in_parts(client, https ? MMX_CALL_VIA_DOWNLOAD_URL : 0, https ? "\"call\": \"store\", " : "");
            not_mended(client);
            redirects(client, https);
            what_the_service_says(client);
        }
        mmx_client_free(client);
    }
    remove_folder();
    int status = 0;
    if (!https) CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}
