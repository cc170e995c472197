/* The key and a password are in no error, whatever comes back and however it is cut, and nothing is printed. */
#include "contract.h"
#include <sys/mman.h>

static int printed = -1, terminal = -1;

/* What was printed is shown after all when a check fails. */
static void show_printed(void) {
    char buffer[4096];
    lseek(printed, 0, SEEK_SET);
    for (ssize_t got; (got = read(printed, buffer, sizeof buffer)) > 0;)
        if (write(terminal, buffer, (size_t)got) < 0) return;
}

static void catch_what_is_printed(void) {
    setenv("RUST_LOG", "trace", 1);
    setenv("RUST_BACKTRACE", "full", 1);
    printed = memfd_create("printed", MFD_CLOEXEC);
    terminal = dup(STDERR_FILENO);
    CHECK(printed >= 0 && terminal >= 0);
    CHECK(dup2(printed, STDOUT_FILENO) >= 0 && dup2(printed, STDERR_FILENO) >= 0);
    atexit(show_printed);
}

/* Not even eight characters of it in a row, as a cut in the wrong place would leave them. `from`: where it begins to
 * be secret. */
static void holds_nothing_of(const char *text, const char *secret, size_t from) {
    for (size_t at = from; at + 8 <= strlen(secret); at++) {
        char piece[9] = {0};
        memcpy(piece, secret + at, 8);
        if (strstr(text, piece)) FAIL("\"%s\" of the key is in: %s", piece, text);
    }
}

static void error_hides(mmx_error *error, const char *secret, size_t from) {
    CHECK(error != NULL && error != FILLED);
    char *json = mmx_error_json(error);
    holds_nothing_of(json, secret, from);
    holds_nothing_of(mmx_error_message(error), secret, from);
    holds_nothing_of(mmx_error_trace_id(error), secret, from);
    mmx_string_free(json);
    mmx_error_free(error);
}

/* `text` with KEY and the escapes of JSON filled in, inside `levels` strings. */
static char *with_key(const char *text, const char *key, int levels) {
    char *result = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&result, &length);
    for (; *text; text++) {
        if (strncmp(text, "KEY", 3) != 0) {
            fputc(*text, out);
            continue;
        }
        for (const char *at = key; *at; at++) {
            int backslashes = *at == '"' || *at == '\\' ? (1 << levels) - 1 : 0;
            for (int i = 0; i < backslashes; i++) fputc('\\', out);
            fputc(*at, out);
        }
        text += 2;
    }
    fclose(out);
    return result;
}

/* Faults whose answer holds the key; in those of two levels it stands in JSON within JSON. */
static const struct {
    int levels;
    mmx_status status;
    const char *fault;
} echoes[] = {
    {1, MMX_ERROR_AUTHENTICATION, "{\"code\": 2049, \"message\": \"invalid api key KEY\"}"},
    {1, MMX_ERROR_API, "{\"code\": 4242, \"message\": \"KEY, KEY and KEYKEY\"}"},
    {1, MMX_ERROR_QUOTA, "{\"code\": 1008, \"headers\": {\"Trace-Id\": \"KEY\"}}"},
    {1, MMX_ERROR_QUOTA, "{\"code\": 1008, \"headers\": {\"Trace-Id\": null, \"X-Mm-Request-Id\": \"id-KEY-id\"}}"},
    {1, MMX_ERROR_AUTHENTICATION, "{\"shape\": \"new_error\", \"message\": \"the key KEY is wrong\"}"},
    {2, MMX_ERROR_NOT_FOUND,
        "{\"http_status\": 404, \"body\": \"{\\\"error\\\":{\\\"message\\\":\\\"no KEY "
        "here\\\"},\\\"request_id\\\":\\\"KEY\\\"}\"}"},
    {1, MMX_ERROR_AUTHENTICATION,
        "{\"http_status\": 401, \"content_type\": \"text/plain\", \"body\": \"Bearer KEY is refused\"}"},
    {1, MMX_ERROR_PROTOCOL, "{\"content_type\": \"text/plain\", \"body\": \"KEY\"}"},
    {1, MMX_ERROR_PROTOCOL, "{\"content_type\": \"text/html\", \"body\": \"<html>KEY</html>\"}"},
    {1, MMX_ERROR_PROTOCOL, "{\"body\": \"{ KEY }\"}"},
    {2, MMX_ERROR_PROTOCOL, "{\"body\": \"{\\\"base_resp\\\":\\\"KEY\\\"}\"}"},
    {2, MMX_ERROR_PROTOCOL, "{\"body\": \"{\\\"base_resp\\\":{\\\"status_code\\\":\\\"KEY\\\"}}\"}"},
    {2, MMX_ERROR_PROTOCOL, "{\"body\": \"{\\\"file_id\\\":\\\"KEY\\\",\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}"},
    {2, MMX_ERROR_PROTOCOL,
        "{\"body\": \"{\\\"file_id\\\":{\\\"KEY\\\":[\\\"KEY\\\"]},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}"},
    {1, MMX_ERROR_HTTP,
        "{\"http_status\": 302, \"body\": \"\", \"headers\": {\"Location\": "
        "\"https://user:KEY@a.example/KEY?k=KEY\"}}"},
};

static mmx_client *client_with(const char *key) {
    mmx_config *config = config_for("secrecy", false);
    CHECK_INT(mmx_config_set_api_key(config, key, NULL), MMX_OK);
    return client_of(config);
}

static void what_the_service_echoes(const char *key, size_t from) {
    mmx_client *client = client_with(key);
    for (size_t i = 0; i < sizeof echoes / sizeof *echoes; i++) {
        char *fault = with_key(echoes[i].fault, key, echoes[i].levels);
        script("secrecy", fault);
        mmx_error *error = FILLED;
        mmx_status status = mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error);
        if (status != echoes[i].status) FAIL("%s: %s: %s", fault, mmx_status_name(status), mmx_error_message(error));
        error_hides(error, key, from);
        free(fault);
    }
    mmx_client_free(client);
}

/* Of a shape that the other calls don't expect; and what a store says, which never got the key. */
static void what_other_calls_read(const char *key, size_t from, size_t count) {
    static const struct {
        const char *call;
        int levels;
        mmx_status status;
        const char *fault;
    } cases[] = {
        {"list", 2, MMX_ERROR_PROTOCOL,
            "{\"body\": \"{\\\"files\\\":\\\"KEY\\\",\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}"},
        {"list", 2, MMX_ERROR_PROTOCOL,
            "{\"body\": \"{\\\"files\\\":[\\\"KEY\\\"],\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}"},
        {"retrieve", 2, MMX_ERROR_PROTOCOL,
            "{\"body\": \"{\\\"file\\\":\\\"KEY\\\",\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}"},
        {"link", 2, MMX_ERROR_PROTOCOL,
            "{\"call\": \"retrieve\", \"body\": "
            "\"{\\\"file\\\":{\\\"file_id\\\":1,\\\"download_url\\\":\\\"ftp://"
            "KEY\\\"},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}"},
        /* These need the key that the stand-in server takes. */
        {"list", 1, MMX_ERROR_PROTOCOL, "{\"shape\": \"files_not_array\", \"headers\": {\"Trace-Id\": \"KEY\"}}"},
        {"retrieve", 1, MMX_ERROR_PROTOCOL, "{\"shape\": \"other_id\", \"headers\": {\"Trace-Id\": \"KEY\"}}"},
        {"download", 1, MMX_ERROR_PROTOCOL,
            "{\"redirect_to\": \"ftp://user:KEY@127.0.0.2/KEY\", \"headers\": {\"Trace-Id\": \"KEY\"}}"},
        {"download", 1, MMX_ERROR_NETWORK, "{\"cut_after\": 600, \"headers\": {\"Trace-Id\": \"KEY\"}}"},
        {"link", 1, MMX_ERROR_HTTP,
            "{\"call\": \"store\", \"http_status\": 404, \"body\": \"KEY\", \"headers\": {\"Trace-Id\": \"KEY\"}}"},
    };
    mmx_client *client = client_with(key);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.max_attempts = 1;
    for (size_t i = 0; i < count && i < sizeof cases / sizeof *cases; i++) {
        char *fault = with_key(cases[i].fault, key, cases[i].levels);
        const char *call = cases[i].call;
        mmx_error *error = FILLED;
        mmx_status status;
        account("secrecy", 1);
        script("secrecy", fault);
        options.flags = strcmp(call, "link") == 0 ? MMX_CALL_VIA_DOWNLOAD_URL : 0;
        if (strcmp(call, "list") == 0) status = mmx_list_files(client, NULL, &options, NULL, &error);
        else if (strcmp(call, "retrieve") == 0) status = mmx_retrieve_file(client, 1, &options, NULL, &error);
        else status = mmx_download_file(client, 1, "/dev/null", &options, NULL, &error);
        if (status != cases[i].status) FAIL("%s: %s: %s", fault, mmx_status_name(status), mmx_error_message(error));
        error_hides(error, key, from);
        free(fault);
    }
    mmx_client_free(client);
}

/* Long texts are cut; the cut may fall into the key. */
static void where_texts_are_cut(const char *key, size_t from) {
    static const char *const kinds[] = {
        "{\"http_status\": 500, \"content_type\": \"text/plain\", \"body\": \"%s%s\"}",
        "{\"code\": 1013, \"message\": \"%s%s\"}",
        "{\"shape\": \"new_error\", \"message\": \"%s%s\"}",
    };
    mmx_client *client = client_with(key);
    for (int kind = 0; kind < 3; kind++) {
        for (size_t before = 170; before <= 640; before += before < 205 ? 5 : 29) {
            char padding[700] = {0};
            memset(padding, '.', before);
            char *fault = NULL;
            const char *rest = strstr(kinds[kind], "%s%s") + strlen("%s%s");
            fault = format("%.*s%s%s%s", (int)(rest - kinds[kind]) - 4, kinds[kind], padding, key, rest);
            script("secrecy", fault);
            mmx_error *error = FILLED;
            CHECK(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error) != MMX_OK);
            error_hides(error, key, from);
            free(fault);
        }
    }
    mmx_client_free(client);
}

/* No answer at all: what is said then is about the way, not about what was sent. */
static void what_goes_wrong_on_the_way(const char *key, size_t from) {
    static const char *const faults[] = {
        "{\"close_before_answer\": \"rst\"}",
        "{\"shape\": \"garbage\", \"cut_after\": 40}",
        "{\"hang\": true}",
        "{\"shape\": \"unknown_fields\", \"cut_after\": 300}",
    };
    mmx_client *client = client_with(key);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 200;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        script("secrecy", faults[i]);
        mmx_error *error = FILLED;
        CHECK(mmx_delete_file(client, 1, "voice_clone", &options, NULL, &error) != MMX_OK);
        error_hides(error, key, from);
    }
    mmx_client_free(client);
}

static void what_is_refused_here(void) {
    static const char *const keys[] = {
        "sk-api-0123456789\n", "sk-api-01 23456789", "sk-api-0123456789\xc3\xbc", "sk-api-0123456789\xff"};
    static const char *const urls[] = {
        "https://user:sk-api-0123456789@api.minimaxi.com",
        "https://user:sk-api-0123456789@",
        "https://user:sk-api-0123456789@a b",
        "https://user:sk-api-0123456789@h:99999",
        "ftp://user:sk-api-0123456789@h",
        "https://h/?key=sk-api-0123456789",
        "https://sk-api-0123456789@[::1",
        "https://user:sk-api-0123456789@h\xff",
    };
    mmx_config *config = config_for("secrecy", false);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        mmx_error *error = FILLED;
        CHECK_INT(mmx_config_set_api_key(config, keys[i], &error), MMX_ERROR_INVALID_ARGUMENT);
        error_hides(error, "sk-api-0123456789", 7);
    }
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        mmx_error *error = FILLED;
        CHECK_INT(mmx_config_set_base_url(config, urls[i], &error), MMX_ERROR_INVALID_ARGUMENT);
        error_hides(error, "sk-api-0123456789", 7);
    }
    mmx_config_free(config);
}

int main(void) {
    account("secrecy", 1);
    catch_what_is_printed();
    what_the_service_echoes("sk-api-abcdefghijklmnopqrstuvwxyz0123456789", 7);
    what_the_service_echoes("sk-api-abcdef\"ghijklm\\nopqrst'uvwxyz", 7);
    what_other_calls_read("sk-api-abcdefghijklmnopqrstuvwxyz0123456789", 7, 4);
    what_other_calls_read("sk-api-abcdef\"ghijklm\\nopqrst'uvwxyz", 7, 4);
    what_other_calls_read(setting("MMX_TEST_KEY"), 0, SIZE_MAX);
    where_texts_are_cut("sk-api-abcdefghijklmnopqrstuvwxyz0123456789", 7);
    what_goes_wrong_on_the_way("sk-api-abcdefghijklmnopqrstuvwxyz0123456789", 7);
    what_is_refused_here();
    CHECK_INT(lseek(printed, 0, SEEK_END), 0);
    return 0;
}
