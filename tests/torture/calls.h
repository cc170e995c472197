/* The calls that are disturbed: each is made once, with or without retries, and what it reports is written down and
 * checked. */
#ifndef CALLS_H
#define CALLS_H
#include "report.h"

struct call {
    const char *name;
    mmx_status (*make)(
        const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error);
    void (*check)(const struct place *place, const struct report *report);
};

static inline mmx_status make_delete(
    const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error) {
    (void)place, (void)report;
    mmx_call_options options = in_time();
    return mmx_delete_file(client, FILE_ID, MMX_PURPOSE_VOICE_CLONE, &options, json, error);
}

static inline mmx_status make_list(
    const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error) {
    (void)place, (void)report;
    mmx_call_options options = in_time();
    return mmx_list_files(client, MMX_PURPOSE_VOICE_CLONE, &options, json, error);
}

static inline mmx_status make_retrieve(
    const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error) {
    (void)place, (void)report;
    mmx_call_options options = in_time();
    return mmx_retrieve_file(client, FILE_ID, &options, json, error);
}

static inline mmx_status make_upload(
    const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error) {
    (void)report;
    mmx_call_options options = in_time();
    options.flags = (place->has_ledger ? MMX_CALL_TEMPORARY : 0) | (place->retries ? MMX_CALL_RECONCILE : 0);
    return mmx_upload_file(client, place->source, MMX_PURPOSE_VOICE_CLONE, &options, json, error);
}

static inline mmx_status make_upload_stream(
    const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error) {
    (void)report;
    mmx_call_options options = in_time();
    options.flags = place->retries ? MMX_CALL_RECONCILE : 0;
    struct giver giver = {.seed = 7, .gives = place->size, .piece = 5000};
    mmx_source source = source_of(&giver, -1);
    return mmx_upload_stream(client, &source, "torture.mp3", MMX_PURPOSE_VOICE_CLONE, &options, json, error);
}

static inline mmx_status make_download(
    const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error) {
    (void)report;
    mmx_call_options options = in_time();
    return mmx_download_file(client, FILE_ID, place->target, &options, json, error);
}

static inline mmx_status make_download_stream(
    const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error) {
    (void)place;
    mmx_call_options options = in_time();
    struct taker taker = {.seed = (uint64_t)FILE_ID};
    mmx_sink sink = sink_to(&taker);
    mmx_status status = mmx_download_stream(client, FILE_ID, &sink, &options, json, error);
    report->taken = taker.at;
    report->differs = taker.differs;
    return status;
}

static inline mmx_status make_bulk(
    const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error) {
    (void)place, (void)report;
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.timeout_ms = 30000;
    return mmx_delete_files(client, two_files, 2, &options, json, error);
}

static inline mmx_status make_take(
    const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error) {
    (void)report;
    mmx_call_options options = in_time();
    return mmx_take_file(client, FILE_ID, MMX_PURPOSE_VOICE_CLONE, place->target, &options, json, error);
}

static inline mmx_status make_sweep(
    const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error) {
    (void)place, (void)report;
    mmx_sweep_options options = MMX_SWEEP_OPTIONS_INIT;
    options.timeout_ms = 30000;
    return mmx_sweep(client, &options, json, error);
}

/* The five calls; an upload and a download by path and by callback. */
static const struct call five_calls[] = {
    {"delete", make_delete, check_delete},
    {"list", make_list, check_read},
    {"retrieve", make_retrieve, check_read},
    {"upload", make_upload, check_upload},
    {"upload_stream", make_upload_stream, check_upload},
    {"download", make_download, check_download},
    {"download_stream", make_download_stream, check_download_stream},
};

/* A client with these settings; NULL if there is none, which the report says then. */
static inline mmx_client *client_at(const struct place *place, struct report *report, mmx_error **error) {
    mmx_client *client = NULL;
    /* Without memory of this program's own: an allocation that fails is the library's. */
    char url[160];
    snprintf(url, sizeof url, "%s/t/%s", place->url, place->account);
    mmx_config *config = mmx_config_new();
    mmx_status status = mmx_config_set_base_url(config, url, error);
    if (status == MMX_OK) status = mmx_config_set_api_key(config, setting("MMX_TEST_KEY"), error);
    if (status == MMX_OK) status = mmx_config_set_max_attempts(config, place->retries ? 3 : 1, error);
    if (status == MMX_OK && place->https) status = mmx_config_set_ca_file(config, setting("MMX_TEST_CA"), error);
    if (status == MMX_OK && place->has_ledger) status = mmx_config_set_ledger(config, place->ledger, error);
    if (status == MMX_OK) status = mmx_client_new(config, &client, error);
    mmx_config_free(config);
    report->status = status;
    return client;
}

static inline void copy_text(char *to, size_t room, const char *from) { snprintf(to, room, "%s", from ? from : ""); }

/* The idle connections of freed clients are closed when a client of other network settings is freed: of this one, which
 * finds nobody at port 1. */
static inline void close_idle_connections(void) {
    mmx_config *config = mmx_config_new();
    CHECK_INT(mmx_config_set_base_url(config, "http://127.0.0.1:1", NULL), MMX_OK);
    CHECK_INT(mmx_config_set_api_key(config, "word", NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 1, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_connect_timeout_ms(config, 9999, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    CHECK_INT(mmx_retrieve_file(client, 1, NULL, NULL, NULL), MMX_ERROR_CONNECT);
    mmx_client_free(client);
}

/* Makes the call and reports it, disturbed from `arm` to `disarm`. Then the client must be usable, and leave nothing. */
static inline void work(const struct call *call, const struct place *place, struct report *report, void (*arm)(void),
    void (*disarm)(void)) {
    int before = descriptors();
    char *json = NULL;
    mmx_error *error = NULL;
    memset(report, 0, sizeof *report);
    if (arm) arm();
    mmx_client *client = client_at(place, report, &error);
    if (client) report->status = call->make(client, place, report, &json, &error);
    if (disarm) disarm();
    report->ambiguous = mmx_error_is_ambiguous(error);
    report->attempts = mmx_error_attempts(error);
    report->error_number = mmx_error_errno(error);
    report->has_error = error != NULL;
    report->has_json = json != NULL;
    copy_text(report->message, sizeof report->message, mmx_error_message(error));
    copy_text(report->json, sizeof report->json, json);
    mmx_string_free(json);
    mmx_error_free(error);
    error = NULL;
    if (client) {
        /* A connection may be kept that ends with the next response: reads are sent again. */
        mmx_call_options options = in_time();
        options.max_attempts = 3;
        report->after = mmx_retrieve_file(client, INT64_C(9007199254740993), &options, NULL, &error);
        copy_text(report->message_after, sizeof report->message_after, mmx_error_message(error));
        mmx_error_free(error);
    }
    mmx_client_free(client);
    close_idle_connections();
    wait_for_lookups();
    report->descriptors_left = descriptors() - before;
    if (report->descriptors_left != 0) print_descriptors();
    report->has_ended = true;
}

/* What is the same for every call. */
static inline void check_report(const struct call *call, const struct place *place, const struct report *report) {
    if (!report->has_ended) WRONG(report, "the call did not end");
    if (report->after != MMX_OK) WRONG(report, "the client can't be used: %s", report->message_after);
    if (report->descriptors_left != 0) WRONG(report, "%d descriptors left", report->descriptors_left);
    call->check(place, report);
}

/* Nothing is left of an earlier failure after the last byte, which keeps its temporary file. */
static inline void remove_remains(const char *path) {
    DIR *directory = opendir(path);
    if (!directory) FAIL("%s: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strncmp(entry->d_name, ".mmx-", 5) == 0) unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
}

/* An account and a folder, as they are before a call. */
static inline void place_at(struct place *place, const char *account_name, const char *in) {
    copy_text(place->account, sizeof place->account, account_name);
    copy_text(place->folder, sizeof place->folder, in);
    snprintf(place->source, sizeof place->source, "%s/torture.mp3", in);
    snprintf(place->target, sizeof place->target, "%s/target", in);
    snprintf(place->ledger, sizeof place->ledger, "%s/ledger", in);
    remove_remains(in);
    write_file(place->target, BEFORE, strlen(BEFORE));
    place->files = files_of(place->account);
}

/* Whatever was disturbed: a sweep that is not settles the rest, and nothing but what is due is deleted. */
static inline void sweep_afterwards(const struct place *place, const struct report *report) {
    struct report ignored;
    mmx_error *error = NULL;
    mmx_client *client = client_at(place, &ignored, &error);
    char *json = NULL;
    if (!client || mmx_sweep(client, NULL, &json, &error) != MMX_OK)
        WRONG(report, "the sweep afterwards: %s, %s", mmx_error_message(error), json ? json : "");
    mmx_string_free(json);
    mmx_client_free(client);
}

/* By a process of its own: this one stays as it was. */
static inline void settle(const struct place *place, const struct report *report) {
    pid_t child = fork();
    int status;
    if (child == 0) {
        sweep_afterwards(place, report);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) exit(1);
}

#endif
