/* What the log tells of each call, in order and by level, and what it never tells. */
#include "contract.h"
#include "files.h"
#include "log.h"

/* The lines must be these, by parts of each between spaces; then the log is empty. */
static void told(struct log *log, const char *const *expected) {
    int count = 0;
    for (; expected[count]; count++) {
        if (count == log->count) FAIL("no line for %s", expected[count]);
        char *parts = format("%s", expected[count]), *rest = parts;
        for (char *part; (part = strsep(&rest, " "));) {
            for (char *at = part; (at = strchr(at, '\'')); at++) *at = '"';
            if (!strstr(log->lines[count], part)) FAIL("line %d is %s, without %s", count, log->lines[count], part);
        }
        free(parts);
    }
    if (count != log->count) FAIL("one line more: %s", log->lines[count]);
    empty(log);
}

/* Each way that a delete can go, line by line. */
static void events(bool https) {
    static struct log log;
    static const char *const well[] = {
        "'event':'attempt' 'call':'delete_file' 'attempt':1 'method':'POST' 'path':'v1/files/delete'",
        "'event':'connection' 'attempt':1 'how':'made'",
        "'event':'answer' 'attempt':1 'http_status':200 'ms': 'trace_id':", NULL};
    static const char *const reused[] = {"'attempt'", "'how':'reused'", "'answer'", NULL};
    static const char *const settled[] = {"'event':'attempt' 'attempt':1",
        "'event':'no_answer' 'attempt':1 'status_name':'MMX_ERROR_NETWORK' 'message':'delete_file:",
        "'event':'retry' 'attempt':1 'wait_ms': 'status_name':'MMX_ERROR_NETWORK' 'message':'delete_file:",
        "'event':'attempt' 'attempt':2", "'event':'connection' 'attempt':2 'how':'made'",
        "'event':'answer' 'attempt':2 'http_status':200 'api_code':2013 'status_name':'MMX_ERROR_INVALID_REQUEST'",
        "'event':'settling' 'file_id':2 'status_name':'MMX_ERROR_INVALID_REQUEST'",
        "'event':'attempt' 'attempt':1 'method':'GET' 'path':'v1/files/retrieve'",
        "'event':'connection' 'how':'reused'", "'event':'answer' 'http_status':200 'api_code':2013",
        "'event':'settled' 'file_id':2 'found':'gone' 'evidence':'retrieve' 'trace_id':", NULL};
    static const char *const there[] = {"'settling'", "'found':'there'", "'retry' 'wait_ms'", NULL};
    static const char *const unknown[] = {"'settling'", "'found':'unknown' 'trace_id'",
        "'failed' 'ambiguous':true 'attempts':1 'MMX_ERROR_PROTOCOL'", NULL};
    static const char *const failed[] = {
        "'event':'failed' 'call':'delete_file' 'status_name':'MMX_ERROR_AUTHENTICATION' 'api_code':1004 "
        "'http_status':200 'attempts':1 'ambiguous':false 'ms': 'message':'delete_file:",
        NULL};
    static const char *const nothing[] = {NULL};
    begin(&log, MMX_LOG_DEBUG);
    account("log-events", 9);
    free(control(
        "POST", "/control/log-events/files", "[{\"file_id\": 100, \"purpose\": \"voice_clone\", \"size\": 5000}]"));
    mmx_client *client = logging("log-events", https, record_event, &log, MMX_LOG_DEBUG);
    /* On a connection of its own, whatever ran before. */
    faults("log-events", "{'close_after_answer':'fin'}");
    assert_deletes(client, 9);
    empty(&log);
    count_of("log-events", "wait?open=0");
    assert_deletes(client, 1);
    told(&log, well);
    faults("log-events", "[{},{'call':'delete','close_before_answer':'rst'}]");
    assert_deletes(client, 3);
    told(&log, reused);
    assert_deletes(client, 2);
    told(&log, settled);
    mmx_client_free(client);

    log.level = MMX_LOG_WARN;
    client = logging("log-events", https, record_event, &log, MMX_LOG_WARN);
    faults("log-events", "{'shape':'garbage'}");
    assert_deletes(client, 4);
    told(&log, there);
    faults("log-events", "[{'shape':'garbage'},{'shape':'text_404'}]");
    CHECK_INT(mmx_delete_file(client, 5, "voice_clone", NULL, NULL, NULL), MMX_ERROR_PROTOCOL);
    told(&log, unknown);
    assert_deletes(client, 6);
    told(&log, nothing);
    mmx_client_free(client);

    /* Only what is wanted. */
    log.level = MMX_LOG_ERROR;
    client = logging("log-events", https, record_event, &log, MMX_LOG_ERROR);
    faults("log-events", "[{'code':1013," NOW "},{'code':1004}]");
    CHECK_INT(mmx_delete_file(client, 7, "voice_clone", NULL, NULL, NULL), MMX_OK);
    told(&log, nothing);
    faults("log-events", "{'code':1004}");
    CHECK_INT(mmx_delete_file(client, 8, "voice_clone", NULL, NULL, NULL), MMX_ERROR_AUTHENTICATION);
    told(&log, failed);
    mmx_client_free(client);
}

/* Uploads and downloads, one of them mended and by a signed link, and many deletes at once. */
static void transfers(bool https) {
    static struct log log;
    begin(&log, MMX_LOG_DEBUG);
    account("log-transfers", 20);
    store_file("log-transfers", 50, 300000, 50);
    mmx_client *client = logging("log-transfers", https, record_event, &log, MMX_LOG_DEBUG);
    mmx_error *error = NULL;
    char *path = in_folder("log.mp3");
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.flags = MMX_CALL_VIA_DOWNLOAD_URL;
    faults("log-transfers", "[{'call':'store','cut_after':100000},{'call':'delete','code':1013," NOW "}]");
    SUCCEEDS(mmx_download_file(client, 50, path, &options, NULL, &error), error);
    mmx_file_ref files[20];
    for (int i = 0; i < 20; i++) files[i] = (mmx_file_ref){i + 1, "voice_clone"};
    SUCCEEDS(mmx_delete_files(client, files, 20, NULL, NULL, &error), error);
    /* The last lines of a call that went well. */
    faults("log-transfers", "{'call':'upload','close_before_answer':'rst'}");
    options.flags = MMX_CALL_RECONCILE;
    SUCCEEDS(mmx_upload_file(client, path, "prompt_audio", &options, NULL, &error), error);
    /* The last: what follows a refusal for the rate goes slower. */
    faults("log-transfers", "{'call':'upload','code':1002," NOW "}");
    SUCCEEDS(mmx_upload_file(client, path, "voice_clone", NULL, NULL, &error), error);
    bool resumed = false, uploaded = false, deleted = false, settled = false;
    for (int i = 0; i < log.count; i++) {
        resumed |= strstr(log.lines[i], "\"event\":\"resumed\"") && log.levels[i] == MMX_LOG_INFO;
        uploaded |= strstr(log.lines[i], "\"event\":\"retry\"") && strstr(log.lines[i], "\"call\":\"upload_file\"");
        deleted |= strstr(log.lines[i], "\"event\":\"retry\"") && strstr(log.lines[i], "\"call\":\"delete_files\"");
        settled |= strstr(log.lines[i], "\"event\":\"settled\"") && strstr(log.lines[i], "\"found\":\"there\"");
    }
    CHECK(resumed && uploaded && deleted && settled);
    empty(&log);
    mmx_client_free(client);
    free(path);
}

/* Whatever the service echoes, also of a key that JSON has to escape. */
static void hides(void *user_data, int32_t level, const char *line) {
    const char *key = user_data;
    (void)level;
    check_object(line);
    /* Its backslashes doubled or not, the key has this part in the middle. */
    if (strstr(line, "hijklmnop")) FAIL("the key %s is in %s", key, line);
}

static void secrecy(void) {
    static const char *const keys[] = {"sk-api-abcdefghijklmnopqrstuvwxyz", "sk-api-abcdefg\"hijklmnop\\qrstuvw\"xyz",
        /* What the lines themselves are made of. */
        "\"", ":", "{", "}", ",", "\\", "e", "\"event\":", "0"};
    /* Where it stands in a header, and where it stands in JSON. */
    static const char *const echoes[] = {
        "{\"headers\": {\"Trace-Id\": \"%s\"}, \"perform\": false}",
        "{\"code\": 1013, \"message\": \"%s\", \"headers\": {\"Trace-Id\": \"%s\", \"Retry-After\": \"0\"}}",
        "{\"http_status\": 500, \"content_type\": \"text/plain\", \"body\": \"%s\", \"headers\": {\"Retry-After\": "
        "\"0\"}}",
        "{\"code\": 4711, \"message\": \"%s\"}",
        "{\"http_status\": 302, \"body\": \"\", \"headers\": {\"Location\": \"https://user:%s@a.example/%s\"}}",
    };
    account("log-secrecy", 1);
    for (size_t i = 0; i < LENGTH_OF(keys); i++) {
        mmx_config *config = config_for("log-secrecy", false);
        CHECK_INT(mmx_config_set_api_key(config, keys[i], NULL), MMX_OK);
        CHECK_INT(mmx_config_set_logger(config, hides, (void *)(uintptr_t)keys[i], MMX_LOG_DEBUG, NULL), MMX_OK);
        CHECK_INT(mmx_config_set_max_attempts(config, 2, NULL), MMX_OK);
        mmx_client *client = client_of(config);
        for (size_t j = 0; j < LENGTH_OF(echoes); j++) {
            /* As JSON has it. */
            char escaped[200] = "", *end = escaped;
            for (const char *at = keys[i]; *at; at++) end += sprintf(end, strchr("\"\\", *at) ? "\\%c" : "%c", *at);
            char *fault = NULL;
            size_t length = 0;
            FILE *out = open_memstream(&fault, &length);
            for (const char *at = echoes[j]; *at; at++) {
                if (*at == '%') fputs(escaped, out), at++;
                else fputc(*at, out);
            }
            fclose(out);
            script("log-secrecy", fault);
            mmx_delete_file(client, 1, "voice_clone", NULL, NULL, NULL);
            free(fault);
            /* A success, with its trace id. */
            script("log-secrecy", "{\"http_status\": 200, \"body\": \"{\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}");
            CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, NULL), MMX_OK);
        }
        mmx_client_free(client);
    }
}

/* The setter refuses what is no level, and leaves what was set; without a function there is no log. */
static void settings(void) {
    static const int32_t bad[] = {0, 5, -1, INT32_MAX, INT32_MIN};
    static struct log log;
    begin(&log, MMX_LOG_ERROR);
    account("log-settings", 1);
    mmx_config *config = config_for("log-settings", false);
    CHECK_INT(mmx_config_set_logger(config, record_event, &log, MMX_LOG_ERROR, NULL), MMX_OK);
    mmx_error *error = FILLED;
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        REFUSES(mmx_config_set_logger(config, record_event, NULL, bad[i], &error), error, "level",
            "must be MMX_LOG_ERROR (1) to MMX_LOG_DEBUG (4)");
    mmx_client *kept = client_from(config);
    CHECK_INT(mmx_config_set_logger(config, NULL, NULL, MMX_LOG_DEBUG, NULL), MMX_OK);
    mmx_client *silent = client_of(config);
    CHECK_INT(mmx_delete_file(silent, 2, "voice_clone", NULL, NULL, NULL), MMX_ERROR_NOT_FOUND);
    CHECK_INT(log.count, 0);
    CHECK_INT(mmx_delete_file(kept, 2, "voice_clone", NULL, NULL, NULL), MMX_ERROR_NOT_FOUND);
    CHECK_INT(log.count, 1);
    empty(&log);
    mmx_client_free(kept);
    mmx_client_free(silent);
}

int main(void) {
    for (int https = 0; https < 2; https++) {
        events(https);
        transfers(https);
    }
    secrecy();
    settings();
    remove_folder();
    return 0;
}
