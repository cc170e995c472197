/* Download: what isn't the file never becomes the file, whichever headers it has; and a file that looks like an error or
 * a page does. What others wrote is quoted without their links and the key, and called by the name of who wrote it. */
#include "contract.h"
#include "files.h"

static const char NAME[] = "contents";
static mmx_error *error;
static char *path;

enum way { CONTENT, LINK, REDIRECT, WAYS };

/* The fault for whoever sends the file's bytes, by each way; {} is what the fault holds. */
static void meets(enum way way, const char *fault) {
    account(NAME, 0);
    free(control("POST", "/control/contents/files",
        "[{\"file_id\": 1, \"purpose\": \"voice_clone\", \"filename\": \"a.mp3\", \"size\": 5000, \"seed\": 5}]"));
    if (way == REDIRECT) script(NAME, "{\"call\": \"retrieve_content\", \"redirect_to\": \"store\"}");
    char *whole = format("{\"call\": \"%s\", %s}", way == CONTENT ? "retrieve_content" : "store", fault);
    script(NAME, whole);
    free(whole);
}

static mmx_call_options options_of(enum way way) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.flags = way == LINK ? MMX_CALL_VIA_DOWNLOAD_URL : 0;
    return options;
}

/* No file, to a path and to a sink; the old target is untouched. */
static void no_file(
    const mmx_client *client, enum way way, const char *fault, mmx_status status, int api_code, const char *part) {
    mmx_call_options options = options_of(way);
    for (int there = 0; there < 2; there++) {
        meets(way, fault);
        if (there) write_file(path, "old", 3);
        mmx_status found = mmx_download_file(client, 1, path, &options, NULL, &error);
        if (found == MMX_OK) FAIL("way %d: %s became the file", way, fault);
        CHECK_INT(mmx_error_api_code(error), api_code);
        FAILS(found, error, status, part, false);
        if (there) assert_file_holds(path, "old", 3);
        CHECK_INT(entries_in(folder()), there);
        unlink(path);
    }
    struct taker taker = {.seed = 5};
    mmx_sink sink = sink_to(&taker);
    meets(way, fault);
    FAILS(mmx_download_stream(client, 1, &sink, &options, NULL, &error), error, status, part, false);
    CHECK_INT(taker.at, 0);
}

#define JSON(code) "\"body\": \"{\\\"base_resp\\\":{\\\"status_code\\\":" code ",\\\"status_msg\\\":\\\"m\\\"}}\""

static void errors(const mmx_client *client) {
    static const char *const headers[] = {"{}", "{\"ETag\": \"W/\\\"5f\\\"\"}", "{\"Accept-Ranges\": \"bytes\"}",
        "{\"Content-Disposition\": \"attachment\"}", "{\"Last-Modified\": \"Mon, 20 Nov 2023 08:36:38 GMT\"}",
        "{\"ETag\": \"\\\"a\\\"\", \"Accept-Ranges\": \"bytes\", \"Content-Disposition\": \"attachment; "
        "filename=a.mp3\", \"Content-Type\": \"audio/mpeg\"}"};
    for (int way = 0; way < WAYS; way++) {
        for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
            char *fault = format("\"headers\": %s, " JSON("1004"), headers[i]);
            no_file(client, way, fault, MMX_ERROR_AUTHENTICATION, 1004, "1004");
            free(fault);
        }
        no_file(client, way, "\"headers\": {\"Accept-Ranges\": \"bytes\"}, " JSON("2013"), MMX_ERROR_INVALID_REQUEST,
            2013, "2013");
        no_file(client, way, "\"headers\": {\"Content-Disposition\": \"attachment\"}, " JSON("1000"), MMX_ERROR_SERVER,
            1000, "1000");
        no_file(client, way, "\"body\": \"\\ufeff{\\\"base_resp\\\":{\\\"status_code\\\":1004}}\"",
            MMX_ERROR_AUTHENTICATION, 1004, "1004");
        no_file(client, way,
            "\"body\": \"\\ufeff\\r\\n {\\\"base_resp\\\":{\\\"status_code\\\":1004}}\", \"trickle_ms\": 1, "
            "\"trickle_bytes\": 7",
            MMX_ERROR_AUTHENTICATION, 1004, "1004");
        no_file(client, way,
            "\"headers\": {\"ETag\": \"x\"}, \"body\": "
            "\"{\\\"type\\\":\\\"error\\\",\\\"error\\\":{\\\"message\\\":\\\"no "
            "(2049)\\\"},\\\"request_id\\\":\\\"r\\\"}\"",
            MMX_ERROR_AUTHENTICATION, 2049, "2049");
        no_file(client, way, "\"no_length\": true, \"headers\": {\"ETag\": \"x\"}, " JSON("1004"),
            MMX_ERROR_AUTHENTICATION, 1004, "1004");
        /* Pages. */
        no_file(client, way,
            "\"content_type\": \"text/html; charset=utf-8\", \"body\": \"<!DOCTYPE html><title>Sign in to the "
            "network</title>\"",
            MMX_ERROR_PROTOCOL, 0,
            "an HTML page, as a gateway or a proxy sends it, \"<!DOCTYPE html><title>Sign in to the network</title>\"");
        no_file(client, way,
            "\"content_type\": \"text/html\", \"headers\": {\"ETag\": \"x\"}, \"body\": \"\\ufeff \\n<HTML><body>Sign "
            "in</body></HTML>\"",
            MMX_ERROR_PROTOCOL, 0, "an HTML page");
        no_file(client, way,
            "\"content_type\": \"application/xml\", \"body\": \"<?xml "
            "version=\\\"1.0\\\"?><Error><Code>AccessDenied</Code></Error>\"",
            MMX_ERROR_PROTOCOL, 0, "AccessDenied");
        no_file(client, way,
            "\"content_type\": \"audio/mpeg\", \"body_parts\": [[\"<html>\", 1], [\"1234567890\", 900]]",
            MMX_ERROR_PROTOCOL, 0, "an HTML page");
        /* An encoding that nobody asked for. */
        no_file(client, way, "\"encoding\": \"gzip\"", MMX_ERROR_PROTOCOL, 0, "\"gzip\"");
        no_file(client, way, "\"headers\": {\"Content-Encoding\": \"br\"}", MMX_ERROR_PROTOCOL, 0, "\"br\"");
    }
}

/* Sent again by a client that does so. */
static void sent_again(void) {
    mmx_client *client = retrying_client_for(NAME, false);
    uint8_t *wanted = made_whole(5, 5000);
    meets(CONTENT, "\"headers\": {\"Content-Disposition\": \"attachment\"}, " JSON("1000"));
    SUCCEEDS(mmx_download_file(client, 1, path, NULL, NULL, &error), error);
    assert_file_holds(path, wanted, 5000);
    CHECK_INT(count_of(NAME, "count?call=retrieve_content"), 2);
    /* A link that is gone is renewed, as one that is refused. */
    mmx_call_options options = options_of(LINK);
    meets(LINK, "\"http_status\": 410, \"body\": \"gone\"");
    SUCCEEDS(mmx_download_file(client, 1, path, &options, NULL, &error), error);
    assert_file_holds(path, wanted, 5000);
    CHECK_INT(count_of(NAME, "count?call=retrieve"), 2);
    CHECK_INT(count_of(NAME, "count?call=store"), 2);
    free(wanted);
    unlink(path);
    mmx_client_free(client);
}

/* Stored files that begin as an error or a page does. */
static void files(const mmx_client *client) {
    static const struct {
        const char *name, *content, *headers;
    } cases[] = {
        {"subtitles.json", "[{\"text\":\"hello\"}]",
            "{\"Content-Type\": \"application/json\", \"Content-Disposition\": \"attachment; "
            "filename=subtitles.json\"}"},
        {"a.json", "{\"log\":[{\"base_resp\":{\"status_code\":1004}}]}",
            "{\"ETag\": null, \"Last-Modified\": null, \"Accept-Ranges\": null}"},
        {"a.json", "{\"base_resp\":{\"status_code\":0}}", "{}"},
        {"a.json", "{\"error\":{\"message\":\"of a program\"}}", "{}"},
        {"a.html", "<!DOCTYPE html><p>x</p>", "{\"Content-Type\": \"text/html\"}"},
        {"a.mp3", "<html>x</html>",
            "{\"Content-Type\": \"text/html\", \"Content-Disposition\": \"attachment; filename=\\\"page.htm\\\"\"}"},
        {"a.xml", "<?xml version=\"1.0\"?><a/>", "{\"Content-Type\": \"application/xml\"}"},
        {"a.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "{\"Content-Type\": \"image/svg+xml\"}"},
        {"a.txt", "<b>not HTML</b>", "{\"Content-Type\": \"text/plain\"}"},
        {"odd", "<odd>", "{\"Content-Type\": \"application/octet-stream\"}"},
        {"a.srt", "<i>a line</i>", "{\"Content-Type\": null}"},
    };
    for (int way = 0; way < WAYS; way++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            mmx_call_options options = options_of(way);
            char *content = calloc(1, 2 * strlen(cases[i].content) + 1), *to = content;
            for (const char *at = cases[i].content; *at; *to++ = *at++)
                if (*at == '"') *to++ = '\\';
            char *fault = format("\"headers\": %s", cases[i].headers);
            meets(way, fault);
            free(control("DELETE", "/control/contents/files", NULL));
            char *file =
                format("[{\"file_id\": 1, \"purpose\": \"t2a_async\", \"filename\": \"%s\", \"content\": \"%s\"}]",
                    cases[i].name, content);
            free(control("POST", "/control/contents/files", file));
            SUCCEEDS(mmx_download_file(client, 1, path, &options, NULL, &error), error);
            assert_file_holds(path, cases[i].content, strlen(cases[i].content));
            free(content);
            free(fault);
            free(file);
        }
    unlink(path);
}

/* Nothing compressed is read as an answer either. */
static void encodings(const mmx_client *client) {
    account(NAME, 3);
    script(NAME, "{\"times\": 4, \"encoding\": \"gzip\"}");
    FAILS(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error), error, MMX_ERROR_PROTOCOL, "\"gzip\"", true);
    FAILS(mmx_list_files(client, "voice_clone", NULL, NULL, &error), error, MMX_ERROR_PROTOCOL, "\"gzip\"", false);
    FAILS(mmx_retrieve_file(client, 2, NULL, NULL, &error), error, MMX_ERROR_PROTOCOL, "\"gzip\"", false);
    struct giver giver = {.gives = 100, .piece = SIZE_MAX};
    mmx_source source = source_of(&giver, 100);
    FAILS(mmx_upload_stream(client, &source, "a.mp3", "voice_clone", NULL, NULL, &error), error, MMX_ERROR_PROTOCOL,
        "\"gzip\"", true);
}

static void redirects(const mmx_client *client, bool https) {
    uint8_t *wanted = made_whole(5, 5000);
    static const char *const names[] = {"\"redirect_to\": \"utf8\"", "\"redirect_to\": \"store_utf8\""};
    for (size_t i = 0; i < 2; i++) {
        meets(CONTENT, names[i]);
        SUCCEEDS(mmx_download_file(client, 1, path, NULL, NULL, &error), error);
        assert_file_holds(path, wanted, 5000);
        unlink(path);
    }
    free(wanted);
    if (!https) {
        for (size_t i = 0; i < 2; i++) {
            meets(CONTENT, i ? "\"redirect_to\": \"upgrade\"" : "\"redirect_to\": \"upgrade\", \"http_status\": 301");
            FAILS(mmx_download_file(client, 1, path, NULL, NULL, &error), error, MMX_ERROR_HTTP,
                "redirected to https://127.0.0.1 ", false);
            CHECK_INT(count_of(NAME, "count"), 1);
        }
        script(NAME, "{\"http_status\": 301, \"body\": \"\", \"headers\": {\"Location\": \"https://127.0.0.1/v1\"}}");
        FAILS(mmx_list_files(client, "voice_clone", NULL, NULL, &error), error, MMX_ERROR_HTTP,
            "a redirect to https://127.0.0.1 ", false);
        return;
    }
    /* An API elsewhere sends nobody to what listens on this machine alone. */
    meets(LINK, "\"delay_ms\": 0");
    free(control("POST", "/control/contents/settings", "{\"http_links\": true}"));
    mmx_call_options options = options_of(LINK);
    FAILS(mmx_download_file(client, 1, path, &options, NULL, &error), error, MMX_ERROR_PROTOCOL,
        "leads to http:// on this machine", false);
    CHECK_INT(count_of(NAME, "count?call=store"), 0);
}

#define PAGE "\"content_type\": \"text/html\", \"body\": \"<html><title>nginx</title></html>\""

/* What a gateway refuses is no matter of the key, nor of its region. */
static void gateways(const mmx_client *client) {
    static const struct {
        int http_status;
        mmx_status status;
        const char *part;
    } cases[] = {{400, MMX_ERROR_INVALID_REQUEST, "a proxy or gateway at 127.0.0.1 refused"},
        {401, MMX_ERROR_AUTHENTICATION, "a proxy or gateway at 127.0.0.1 refused"},
        {403, MMX_ERROR_AUTHENTICATION, "a proxy or gateway at 127.0.0.1 refused"},
        {413, MMX_ERROR_INVALID_REQUEST, "too large for a proxy or gateway at 127.0.0.1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int call = 0; call < 5; call++) {
            account(NAME, 3);
            char *fault = format("{\"http_status\": %d, " PAGE "}", cases[i].http_status);
            struct giver giver = {.gives = 100, .piece = SIZE_MAX};
            mmx_source source = source_of(&giver, 100);
            script(NAME, fault);
            mmx_status status = call == 0   ? mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error)
                                : call == 1 ? mmx_list_files(client, "voice_clone", NULL, NULL, &error)
                                : call == 2 ? mmx_retrieve_file(client, 1, NULL, NULL, &error)
                                : call == 3
                                    ? mmx_upload_stream(client, &source, "a.mp3", "voice_clone", NULL, NULL, &error)
                                    : mmx_download_file(client, 1, path, NULL, NULL, &error);
            const char *message = mmx_error_message(error);
            if (strstr(message, "region") || strstr(message, "check the key")) FAIL("%s", message);
            CHECK_HAS(message, "nginx");
            FAILS(status, error, cases[i].status, cases[i].part, false);
            free(fault);
        }
    /* A long one is cut, not empty. */
    meets(CONTENT, "\"http_status\": 403, \"content_type\": \"text/html\", \"body_parts\": "
                   "[[\"<html><title>Blocked</title>\", 1], [\"0123456789\", 10000]]");
    FAILS(mmx_download_file(client, 1, path, NULL, NULL, &error), error, MMX_ERROR_AUTHENTICATION,
        "an HTML page, as a gateway or a proxy sends it, \"<html><title>Blocked</title>", false);
    meets(CONTENT, "\"http_status\": 403, \"content_type\": \"text/html\", \"cut_after\": 20000, \"body_parts\": "
                   "[[\"<html>\", 1], [\"0123456789\", 10000]]");
    FAILS(mmx_download_file(client, 1, path, NULL, NULL, &error), error, MMX_ERROR_NETWORK,
        "the connection broke while reading", false);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 300;
    meets(CONTENT, "\"http_status\": 403, \"content_type\": \"text/html\", \"hang_after\": 20000, \"body_parts\": "
                   "[[\"<html>\", 1], [\"0123456789\", 10000]]");
    FAILS(mmx_download_file(client, 1, path, &options, NULL, &error), error, MMX_ERROR_TIMEOUT,
        "the time limit of 300 ms passed while reading", false);
}

static char *logged;

static void logs(void *user_data, int32_t level, const char *line) {
    (void)user_data, (void)level;
    char *longer = format("%s%s\n", logged ? logged : "", line);
    free(logged);
    logged = longer;
}

/* Neither a signed link nor the key is quoted of what others wrote. */
static void secrets(bool https) {
    mmx_config *config = config_for(NAME, https);
    CHECK_INT(mmx_config_set_logger(config, logs, NULL, MMX_LOG_DEBUG, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    char *json = NULL;
    account(NAME, 1);
    /* A byte-order mark is none of them. */
    script(NAME, "{\"body\": "
                 "\"\\ufeff{\\\"file\\\":{\\\"file_id\\\":7,\\\"download_url\\\":\\\"https://oss.example/"
                 "f?Signature=SECRETSIG\\\"},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}");
    SUCCEEDS(mmx_retrieve_file(client, 7, NULL, &json, &error), error);
    CHECK_HAS(json, "{\"file\":{\"file_id\":7");
    CHECK(*json == '{');
    mmx_string_free(json);
    static const struct {
        mmx_status status;
        const char *fault;
    } cases[] = {
        {MMX_ERROR_PROTOCOL, "\"body\": \"see https://oss.example/f?Signature=SECRETSIG&x=sk-api-sandbox\""},
        {MMX_ERROR_PROTOCOL, "\"body\": \"<html><a "
                             "href='https://oss.example/f?Expires=1&amp;Signature=SECRETSIG'>sk-api-sandbox</a></"
                             "html>\", \"content_type\": \"text/html\""},
        {MMX_ERROR_PROTOCOL,
            "\"body\": \"x{\\\"u\\\":\\\"https://oss.example/f\\\\u003fSignature\\\\u003dSECRETSIG\\\"}\""},
        {MMX_ERROR_API, "\"code\": 4242, \"message\": \"no https://oss.example/f?Signature=SECRETSIG\""},
        {MMX_ERROR_AUTHENTICATION,
            "\"shape\": \"new_error\", \"message\": \"no (https://oss.example/f?Signature=SECRETSIG)\""},
        {MMX_ERROR_AUTHENTICATION,
            "\"http_status\": 403, \"body\": \"GET /f?Signature=SECRETSIG\", \"content_type\": \"text/plain\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int call = 0; call < 2; call++) {
            char *fault = format("{%s%s}", call ? "\"call\": \"retrieve\", " : "", cases[i].fault);
            script(NAME, fault);
            mmx_call_options options = options_of(LINK);
            mmx_status status = call ? mmx_download_file(client, 1, path, &options, NULL, &error)
                                     : mmx_retrieve_file(client, 1, NULL, NULL, &error);
            CHECK_INT(status, cases[i].status);
            json = mmx_error_json(error);
            if (strstr(json, "SECRETSIG") || strstr(logged, "SECRETSIG") || strstr(logged, "sk-api-sandbox"))
                FAIL("%s: %s %s", fault, json, logged);
            FAILS(status, error, cases[i].status, "", false);
            mmx_string_free(json);
            free(fault);
        }
    mmx_client_free(client);
}

/* What is said of a success. */
static void successes(const mmx_client *client) {
    static const struct {
        const char *fault, *length;
    } lengths[] = {{"\"until_close\": true", "\"length\":null"}, {"\"no_length\": true", "\"length\":null"},
        {"\"delay_ms\": 0", "\"length\":5000"}};
    char *json = NULL;
    for (size_t i = 0; i < 3; i++) {
        meets(CONTENT, lengths[i].fault);
        SUCCEEDS(mmx_download_file(client, 1, path, NULL, &json, &error), error);
        CHECK_HAS(json, lengths[i].length);
        CHECK_HAS(json, "\"bytes\":5000");
        mmx_string_free(json);
    }
    meets(CONTENT, "\"headers\": {\"Trace-Id\": \"id-sk-api-sandbox\", \"Content-Type\": \"audio/sk-api-sandbox\"}");
    SUCCEEDS(mmx_download_file(client, 1, path, NULL, &json, &error), error);
    CHECK(strstr(json, setting("MMX_TEST_KEY")) == NULL);
    CHECK_HAS(json, "\"content_type\":\"audio/[the key]\"");
    CHECK_HAS(json, "\"trace_id\":\"id-[the key]\"");
    mmx_string_free(json);
    unlink(path);
    account(NAME, 2);
    script(NAME, "{\"times\": 2, \"headers\": {\"Trace-Id\": \"id-sk-api-sandbox\"}}");
    static const mmx_file_ref refs[] = {
        {.file_id = 1, .purpose = "voice_clone"}, {.file_id = 2, .purpose = "voice_clone"}};
    SUCCEEDS(mmx_delete_files(client, refs, 2, NULL, &json, &error), error);
    CHECK(strstr(json, setting("MMX_TEST_KEY")) == NULL);
    CHECK_HAS(json, "id-[the key]");
    mmx_string_free(json);
}

int main(void) {
    path = in_folder("a");
    for (int https = 0; https < 2; https++) {
        mmx_client *client = client_for(NAME, https);
        errors(client);
        files(client);
        encodings(client);
        redirects(client, https);
        gateways(client);
        secrets(https);
        successes(client);
        mmx_client_free(client);
    }
    sent_again();
    free(logged);
    free(path);
    remove_folder();
    return 0;
}
