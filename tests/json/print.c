/* Prints the JSON of the library for the test of docs/json.md: a line each, the section of the page before a tab. Log
 * events have their level before the JSON, after another tab. */
#include "files.h"
#include <sys/wait.h>

static void print(const char *section, const char *json) { printf("%s\t%s\n", section, json); }

/* As a caller gets it; freed. */
static void print_out(const char *section, char *json) {
    CHECK(json != NULL);
    print(section, json);
    mmx_string_free(json);
}

static void print_error(mmx_error *error) {
    CHECK(error != NULL);
    print_out("error", mmx_error_json(error));
    mmx_error_free(error);
}

/* Triggered by the next event of the log, so that a call is cancelled after it began. */
static mmx_cancel *cancel_at_event;

static void print_event(void *user_data, int32_t level, const char *json_line) {
    (void)user_data;
    mmx_cancel_trigger(cancel_at_event);
    printf("log-event\t%" PRId32 "\t%s\n", level, json_line);
}

static int32_t ignore(void *user_data, const mmx_outcome *outcome) {
    (void)user_data;
    return outcome->file_id > 0 ? 0 : 1;
}

static mmx_client *logging_client(int32_t requests_per_minute) {
    setenv("HTTP_PROXY", "http://127.0.0.1:1", 1);
    setenv("NO_PROXY", "10.0.0.0/99", 1);
    mmx_config *config = config_for("json", false);
    CHECK_INT(mmx_config_set_max_attempts(config, 2, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_requests_per_minute(config, requests_per_minute, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_logger(config, print_event, NULL, MMX_LOG_DEBUG, NULL), MMX_OK);
    return client_of(config);
}

static void single_calls(const mmx_client *client) {
    mmx_error *error = NULL;
    char *json = NULL, *path = in_folder("a.mp3");

    CHECK_INT(mmx_delete_file(client, 0, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), MMX_ERROR_INVALID_ARGUMENT);
    print_error(error);
    script("json", "{\"code\": 1004}");
    CHECK_INT(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), MMX_ERROR_AUTHENTICATION);
    print_error(error);

    /* Carried out, and its response lost; the next one is refused. */
    script("json", "{\"call\": \"delete\", \"close_before_answer\": \"rst\"}");
    SUCCEEDS(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, NULL, &json, &error), error);
    print_out("delete-without-a-response", json);

    /* Refused, because the file doesn't exist. */
    CHECK_INT(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), MMX_ERROR_NOT_FOUND);
    print_error(error);

    script("json", "{\"call\": \"list\", \"code\": 1002}");
    SUCCEEDS(mmx_list_files(client, NULL, NULL, NULL, &error), error);

    mmx_call_options cancelled = MMX_CALL_OPTIONS_INIT;
    CHECK_INT(mmx_cancel_new(&cancel_at_event, NULL), MMX_OK);
    cancelled.cancel = cancel_at_event;
    CHECK_INT(mmx_list_files(client, NULL, &cancelled, NULL, &error), MMX_ERROR_CANCELLED);
    print_error(error);
    mmx_cancel_free(cancel_at_event);
    cancel_at_event = NULL;

    script("json", "{\"call\": \"retrieve\", \"code\": 2013}");
    SUCCEEDS(mmx_wait_file(client, 50, NULL, NULL, &error), error);

    script("json", "[{\"redirect_to\": \"store\"}, {\"call\": \"store\", \"cut_after\": 100000}]");
    SUCCEEDS(mmx_download_file(client, 50, path, NULL, &json, &error), error);
    print_out("download", json);

    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.flags = MMX_CALL_RECONCILE;
    script("json", "{\"call\": \"upload\", \"close_before_answer\": \"rst\"}");
    SUCCEEDS(mmx_upload_file(client, path, MMX_PURPOSE_PROMPT_AUDIO, &options, &json, &error), error);
    print_out("upload-without-a-response", json);
    free(path);
}

/* Each line of the ledger. */
static void print_ledger(const char *path) {
    FILE *file = fopen(path, "r");
    char line[4096];
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        print(strncmp(line, "{\"ledger\"", 9) == 0 ? "ledger-first-line" : "ledger-line", line);
    }
    fclose(file);
}

static mmx_status upload(const mmx_client *client, uint32_t flags, int64_t expires_after_s, mmx_error **error) {
    struct giver giver = {.seed = 1, .gives = 100, .piece = 100};
    mmx_source source = source_of(&giver, flags ? 100 : -1);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.flags = flags;
    options.expires_after_s = expires_after_s;
    if (!flags) source.rewind = NULL;
    return mmx_upload_stream(client, &source, "l.mp3", MMX_PURPOSE_VOICE_CLONE, &options, NULL, error);
}

/* A file of its own each time. */
static mmx_status take(const mmx_client *client, const char *target, char **json, mmx_error **error) {
    static int64_t id = 300;
    store_file("json", ++id, 3000, 1);
    return mmx_take_file(client, id, NULL, target, NULL, json, error);
}

static void ledgers(void) {
    mmx_error *error = NULL;
    char *json = NULL, *path = in_folder("ledger.jsonl"), *target = in_folder("taken.mp3");
    mmx_config *config = config_for("json", false);
    CHECK_INT(mmx_config_set_ledger(config, path, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_logger(config, print_event, NULL, MMX_LOG_WARN, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    SUCCEEDS(upload(client, MMX_CALL_REUSE, 60, &error), error);
    SUCCEEDS(upload(client, MMX_CALL_REUSE, 0, &error), error);
    SUCCEEDS(take(client, target, &json, &error), error);
    print_out("take", json);
    script("json",
        "[{\"call\": \"retrieve_content\", \"until_close\": true}, {\"call\": \"delete\", \"perform\": false, "
        "\"http_status\": 503}]");
    CHECK_INT(take(client, target, &json, &error), MMX_ERROR_SERVER);
    print_error(error);
    print_out("take", json);
    /* A process that is gone could not delete the file, and what it had taken is gone, too. */
    pid_t child = fork();
    if (child == 0) {
        script("json", "{\"call\": \"delete\", \"code\": 1004}");
        _exit(take(client, target, &json, &error) == MMX_ERROR_AUTHENTICATION ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK_INT(unlink(target), 0);
    script("json", "{\"call\": \"delete\", \"code\": 1004}");
    CHECK_INT(take(client, target, &json, &error), MMX_ERROR_AUTHENTICATION);
    print_error(error);
    print_out("take", json);
    CHECK_INT(unlink(target), 0);
    CHECK_INT(mmx_sweep(client, NULL, &json, &error), MMX_ERROR_PARTIAL);
    print_error(error);
    print_out("bulk-result", json);
    /* Two files of that name fit an upload that nobody waits for any more. */
    script("json", "{\"call\": \"upload\", \"close_before_answer\": \"fin\"}");
    CHECK_INT(upload(client, 0, 0, &error), MMX_ERROR_NETWORK);
    print_error(error);
    mmx_client *plain = client_for("json", false);
    SUCCEEDS(upload(plain, 0, 0, &error), error);
    CHECK_INT(mmx_sweep(client, NULL, &json, &error), MMX_ERROR_PARTIAL);
    print_error(error);
    print_out("bulk-result", json);
    /* Kept, and no candidate any more. */
    char *text = NULL;
    SUCCEEDS(mmx_list_files(plain, MMX_PURPOSE_VOICE_CLONE, NULL, &text, &error), error);
    mmx_files *files = NULL;
    SUCCEEDS(mmx_files_parse(text, &files, &error), error);
    for (size_t i = 0; i < mmx_files_count(files); i++) {
        const mmx_file *file = mmx_files_get(files, i);
        if (strcmp(file->filename, "l.mp3") == 0 && mmx_ledger_keep(client, file->file_id, NULL) == MMX_OK) break;
    }
    mmx_files_free(files);
    mmx_string_free(text);
    print_ledger(path);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(mkdir(path, 0700), 0);
    SUCCEEDS(mmx_delete_file(client, 20, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error);
    CHECK_INT(rmdir(path), 0);
    mmx_client_free(plain);
    mmx_client_free(client);
    free(path);
    free(target);
}

static void bulk_calls(const mmx_client *client) {
    mmx_error *error = NULL;
    char *json = NULL;
    mmx_file_ref files[] = {{2, MMX_PURPOSE_VOICE_CLONE}, {3, MMX_PURPOSE_VOICE_CLONE}, {999, MMX_PURPOSE_VOICE_CLONE}};
    script("json", "{\"call\": \"delete\", \"file_id\": 3, \"code\": 2013}");
    CHECK_INT(mmx_delete_files(client, files, 3, NULL, &json, &error), MMX_ERROR_PARTIAL);
    print_error(error);
    print_out("bulk-result", json);

    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.flags = MMX_BULK_VERIFY;
    options.on_outcome = ignore;
    /* Reported as deleted, and listed afterwards. */
    mmx_file_ref listed = {12, MMX_PURPOSE_VOICE_CLONE};
    script("json", "{\"call\": \"delete\", \"perform\": false}");
    SUCCEEDS(mmx_delete_files(client, &listed, 1, &options, &json, &error), error);
    CHECK_HAS(json, "\"still_listed\":[12]");
    print_out("bulk-result", json);

    static const int64_t keep[] = {60};
    mmx_filter filter = MMX_FILTER_INIT;
    filter.purpose = MMX_PURPOSE_VOICE_CLONE;
    filter.older_than_s = 1;
    filter.min_bytes = 1;
    filter.name_glob = "*";
    filter.keep_glob = "nothing";
    filter.keep_ids = keep;
    filter.keep_count = 1;
    filter.max_files = 1000;
    filter.max_percent = 100;
    options = (mmx_bulk_options)MMX_BULK_OPTIONS_INIT;
    options.flags = MMX_BULK_DRY_RUN;
    SUCCEEDS(mmx_prune_files(client, &filter, &options, &json, &error), error);
    CHECK_HAS(json, "\"kept\":\"keep_ids\"");
    print_out("bulk-result", json);

    /* The service refuses to list the purpose, and lists all; one entry can't be read. */
    script("json", "[{\"call\": \"list\", \"code\": 2013}, {\"call\": \"list\", \"body\": "
                   "\"{\\\"files\\\":[null],\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}]");
    SUCCEEDS(mmx_prune_files(client, &filter, &options, &json, &error), error);
    CHECK_HAS(json, "\"unreadable\":1");
    print_out("bulk-result", json);

    filter = (mmx_filter)MMX_FILTER_INIT;
    filter.flags = MMX_FILTER_ALL;
    script("json", "{\"call\": \"list\", \"headers\": {\"Date\": null}}");
    SUCCEEDS(mmx_prune_files(client, &filter, &options, &json, &error), error);
    print_out("bulk-result", json);
}

int main(void) {
    /* A ledger is flushed at each step. */
    setenv("TMPDIR", "/dev/shm", 1);
    account("json", 30);
    /* Old enough for the filter. */
    free(control("POST", "/control/json/files",
        "[{\"file_id\": 60, \"purpose\": \"voice_clone\", \"created_at\": 1500000000, \"filename\": \"old.mp3\"}]"));
    store_file("json", 50, 300000, 50);
    mmx_client *client = logging_client(0);
    single_calls(client);
    bulk_calls(client);
    mmx_client_free(client);

    /* The second request waits for the rate limiter. */
    client = logging_client(600);
    assert_deletes(client, 10);
    assert_deletes(client, 11);
    mmx_client_free(client);
    ledgers();
    remove_folder();
    return 0;
}
