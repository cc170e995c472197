/* Every scripted failure of tests/failures*.json: the error says exactly what the table says, as many requests were sent,
 * and the client works on. */
#include "files.h"

struct failure {
    /* The call. */
    const char *name, *call, *fault, *base, *file_id, *purpose, *timeout_ms, *max_attempts, *filename, *bytes;
    /* What must come of it. */
    const char *status, *status_name, *api_code, *http_status, *trace_id, *ambiguous, *attempts, *retry_after_ms;
    const char *parameter, *api_message, *message, *requests;
};

enum { FIELDS = sizeof(struct failure) / sizeof(const char *) };

static int wrong;

static void differs(const struct failure *failure, const char *what, const char *found, const char *wanted) {
    fprintf(stderr, "%s: %s is\n    \"%s\", not\n    \"%s\"\n", failure->name, what, found, wanted);
    wrong = 1;
}

static void equals(const struct failure *failure, const char *what, const char *found, const char *wanted) {
    if (strcmp(found, wanted) != 0) differs(failure, what, found, wanted);
}

static void equals_int(const struct failure *failure, const char *what, int64_t found, const char *wanted) {
    char *text = format("%" PRId64, found);
    equals(failure, what, text, wanted);
    free(text);
}

/* What the places in a message stand for. */
struct places {
    const char *server, *host, *store, *trace_id;
};

/* The message with {server}, {host}, {store} and {trace_id} filled in. */
static char *message_for(const struct failure *failure, const struct places *places) {
    const char *const filled[][2] = {{"{server}", places->server}, {"{host}", places->host}, {"{store}", places->store},
        {"{trace_id}", places->trace_id}};
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    for (const char *at = failure->message; *at;) {
        size_t i = 0;
        while (i < 4 && strncmp(at, filled[i][0], strlen(filled[i][0])) != 0) i++;
        if (i < 4) {
            fputs(filled[i][1], out);
            at += strlen(filled[i][0]);
        } else {
            fputc(*at++, out);
        }
    }
    fclose(out);
    return text;
}

/* The same facts by every getter and in the JSON. */
static void error_is(const struct failure *failure, const mmx_error *error, struct places *places) {
    const char *trace_id = places->trace_id = mmx_error_trace_id(error);
    equals_int(failure, "status", mmx_error_status(error), failure->status);
    equals(failure, "the status's name", mmx_status_name(mmx_error_status(error)), failure->status_name);
    equals_int(failure, "api_code", mmx_error_api_code(error), failure->api_code);
    equals_int(failure, "http_status", mmx_error_http_status(error), failure->http_status);
    equals(failure, "whether a trace id is there", *trace_id ? "1" : "0", failure->trace_id);
    equals(failure, "ambiguous", mmx_error_is_ambiguous(error) ? "1" : "0", failure->ambiguous);
    equals_int(failure, "attempts", mmx_error_attempts(error), failure->attempts);
    equals_int(failure, "retry_after_ms", mmx_error_retry_after_ms(error), failure->retry_after_ms);
    char *message = message_for(failure, places);
    equals(failure, "message", mmx_error_message(error), message);
    free(message);

    char *json = mmx_error_json(error);
    const char *quote = *failure->parameter ? "\"" : "";
    const char *parameter = *failure->parameter ? failure->parameter : "null";
    char *parts[] = {
        format("\"status\":%s,\"status_name\":\"%s\"", failure->status, failure->status_name),
        format("\"parameter\":%s%s%s", quote, parameter, quote),
        format("\"api_code\":%s", failure->api_code),
        format("\"api_message\":\"%s\"", failure->api_message),
        format("\"http_status\":%s", failure->http_status),
        format("\"trace_id\":\"%s\"", trace_id),
        format("\"attempts\":%s", failure->attempts),
        format("\"retry_after_ms\":%s", failure->retry_after_ms),
        format("\"ambiguous\":%s", strcmp(failure->ambiguous, "1") == 0 ? "true" : "false"),
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!strstr(json, parts[i])) differs(failure, "the JSON", json, parts[i]);
        free(parts[i]);
    }
    mmx_string_free(json);
}

/* The address of a port that is taken, so that nobody else gets it, and where nobody listens. */
static char *closed_port(int *fd) {
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(*fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(getsockname(*fd, (struct sockaddr *)&address, &length) == 0);
    return format("127.0.0.1:%d", ntohs(address.sin_port));
}

static mmx_status makes_call(const struct failure *failure, const mmx_client *client, char **json, mmx_error **error) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    const char *call = failure->call, *purpose = failure->purpose;
    int64_t file_id = strtoll(failure->file_id, NULL, 10);
    options.timeout_ms = atoll(failure->timeout_ms);
    options.max_attempts = atoi(failure->max_attempts);
    if (strcmp(call, "delete") == 0) return mmx_delete_file(client, file_id, purpose, &options, json, error);
    if (strcmp(call, "list") == 0) return mmx_list_files(client, purpose, &options, json, error);
    if (strcmp(call, "retrieve") == 0) return mmx_retrieve_file(client, file_id, &options, json, error);
    if (strcmp(call, "upload") == 0) {
        struct giver giver = {.gives = atoll(failure->bytes), .piece = SIZE_MAX};
        mmx_source source = source_of(&giver, giver.gives);
        return mmx_upload_stream(client, &source, failure->filename, purpose, &options, json, error);
    }
    if (strcmp(call, "download_by_link") == 0) options.flags = MMX_CALL_VIA_DOWNLOAD_URL;
    else if (strcmp(call, "download") != 0) FAIL("%s: what is the call \"%s\"?", failure->name, call);
    struct taker taker = {.seed = (uint64_t)file_id};
    mmx_sink sink = sink_to(&taker);
    mmx_status status = mmx_download_stream(client, file_id, &sink, &options, json, error);
    if (taker.differs) differs(failure, "what came", "other bytes", "the file's");
    return status;
}

static void run(const struct failure *failure) {
    char *name = format("failures-%s", failure->name);
    account(name, 8);
    if (*failure->fault) script(name, failure->fault);

    bool https = strcmp(failure->base, "https") == 0, in_account = https || strcmp(failure->base, "account") == 0;
    char *server = format("%s", strstr(setting(https ? "MMX_TEST_HTTPS" : "MMX_TEST_HTTP"), "//") + 2);
    mmx_config *config = config_for(name, https);
    int fd = -1;
    if (strcmp(failure->base, "closed_port") == 0) {
        free(server);
        server = closed_port(&fd);
        char *url = format("http://%s", server);
        CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
        free(url);
    } else if (strncmp(failure->base, "https_", 6) == 0) {
        const char *what = failure->base + 6;
        const char *url = setting(strcmp(what, "expired") == 0      ? "MMX_TEST_HTTPS_EXPIRED"
                                  : strcmp(what, "wrong_host") == 0 ? "MMX_TEST_HTTPS_WRONG_HOST"
                                                                    : "MMX_TEST_HTTPS_UNKNOWN_CA");
        free(server);
        server = format("%s", strstr(url, "//") + 2);
        CHECK_INT(mmx_config_set_ca_file(config, setting("MMX_TEST_CA"), NULL), MMX_OK);
        CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    } else if (strcmp(failure->base, "no_key") == 0) {
        mmx_config_free(config);
        config = mmx_config_new();
    } else if (!in_account) {
        FAIL("%s: what is the base \"%s\"?", failure->name, failure->base);
    }

    mmx_client *client = NULL;
    mmx_error *error = NULL;
    char *json = (char *)"before", *host = format("%.*s", (int)strcspn(server, ":"), server);
    struct places places = {
        server, host, strstr(setting(https ? "MMX_TEST_HTTPS_STORE" : "MMX_TEST_STORE"), "//") + 2, NULL};
    mmx_status status = mmx_client_new(config, &client, &error);
    if (status == MMX_OK) {
        status = makes_call(failure, client, &json, &error);
        CHECK(json == NULL || status == MMX_OK);
    }
    equals_int(failure, "what the call returned", status, failure->status);
    if (error) error_is(failure, error, &places);
    mmx_error_free(error);
    if (status == MMX_OK) mmx_string_free(json);

    if (in_account) {
        const char *requests = *failure->requests ? failure->requests : failure->attempts;
        char *arrived = format("wait?count=%s", requests);
        equals_int(failure, "the number of requests", count_of(name, arrived), requests);
        free(arrived);
        /* What a fault for ever had in store for it is over. */
        char *faults = format("/control/%s/faults", name);
        free(control("DELETE", faults, NULL));
        free(faults);
        if (status == MMX_ERROR_RATE_LIMITED) {
            /* It holds the account's next call back, which isn't looked at here: that goes by another name. */
            mmx_config *again = config_for(name, false);
            char *by_name = format("http://localhost:%s/t/%s", strrchr(setting("MMX_TEST_HTTP"), ':') + 1, name);
            CHECK_INT(mmx_config_set_base_url(again, by_name, NULL), MMX_OK);
            mmx_client_free(client);
            client = client_of(again);
            free(by_name);
        }
        assert_deletes(client, 1);
    }
    mmx_client_free(client);
    mmx_config_free(config);
    if (fd >= 0) close(fd);
    free(host);
    free(server);
    free(name);
}

int main(void) {
    FILE *table = fopen(setting("MMX_TEST_FAILURES"), "r");
    CHECK(table != NULL);
    char *line = NULL;
    size_t room = 0;
    int rows = 0;
    for (ssize_t length; (length = getline(&line, &room, table)) > 0; rows++) {
        line[length - 1] = 0;
        const char *fields[FIELDS];
        char *rest = line;
        for (int i = 0; i < FIELDS; i++) {
            fields[i] = strsep(&rest, "\t");
            CHECK(fields[i] != NULL);
        }
        CHECK(rest == NULL);
        struct failure failure;
        memcpy(&failure, fields, sizeof failure);
        run(&failure);
    }
    free(line);
    fclose(table);
    CHECK(rows > 300);
    return wrong;
}
