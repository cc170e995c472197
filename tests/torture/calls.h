/* The calls that are disturbed: each is made once, what it reports is written down, and the report is compared with what
 * the stand-in server and the local files hold. */
#ifndef CALLS_H
#define CALLS_H
#include "ledger.h"
#include <sys/mman.h>

/* Files that every fresh account of the stand-in server has; their content is made of their ids. */
#define FILE_ID INT64_C(176844028768320)
#define OTHER_ID INT64_MAX
enum { CONTENT = 1024 };
static const char BEFORE[] = "what was there before";

/* Where a call works: an account of its own, and a folder with what it reads and writes. */
struct place {
    char account[48], folder[80], source[112], target[112], ledger[112];
    long files;      /* of the account, before the call */
    int64_t size;    /* of an upload */
    const char *url; /* of the server, or of what stands before it */
    bool https, has_ledger;
};

/* Shared with a child that makes the call. */
struct report {
    mmx_status status;
    bool ambiguous, has_ended, has_json, has_error;
    int32_t attempts, error_number;
    char message[600], json[8000];
    /* Of a sink: how much came, and whether it was right. */
    int64_t taken;
    bool differs;
    /* Of the same client, afterwards and undisturbed. */
    mmx_status after;
    char message_after[600];
    int descriptors_left;
    /* "process": the system did not tell which processes run, so that they may still run. */
    char untold[16];
};

struct call {
    const char *name;
    mmx_status (*make)(const mmx_client *client, const struct place *place, struct report *report, char **json,
        mmx_error **error);
    void (*check)(const struct place *place, const struct report *report);
};

static const char *now_at = "";

/* A failure names where it came about. */
#define WRONG(report, ...)                                                                                             \
    (fprintf(stderr, "%s: ", now_at), fprintf(stderr, __VA_ARGS__),                                                    \
        fprintf(stderr, "\n  status %s, ambiguous %d, attempts %d: %s\n  json %s\n", mmx_status_name((report)->status),\
            (report)->ambiguous, (report)->attempts, (report)->message, (report)->json),                               \
        exit(1))

/* Without that of /dev/urandom, which a process keeps where the kernel has no getrandom(). */
static inline int descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    if (!directory) FAIL("/proc/self/fd: %s", strerror(errno));
    for (struct dirent *entry; (entry = readdir(directory));) {
        char target[16] = "";
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target);
        count += !(length == 12 && memcmp(target, "/dev/urandom", 12) == 0);
    }
    closedir(directory);
    return count - 3; /* . and .. and the folder's own */
}

/* Into the log of the process. */
static inline void print_descriptors(void) {
    for (int fd = 0; fd < 64; fd++) {
        char path[32], target[200];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(path, target, sizeof target - 1);
        if (length >= 0) fprintf(stderr, "descriptor %d: %.*s\n", fd, (int)length, target);
    }
}

/* The thread of a name lookup ends by itself, soon after the call that asked; until then it has the call's event. */
static inline void wait_for_lookups(void) {
    for (int64_t until = now_ms() + 10000; now_ms() < until; usleep(1000)) {
        DIR *directory = opendir("/proc/self/task");
        int count = -2;
        while (directory && readdir(directory)) count++;
        if (directory) closedir(directory);
        if (count == 1) return;
    }
    FAIL("a thread is left");
}

static inline mmx_call_options in_time(void) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 30000;
    return options;
}

/* ---- Each call ---- */

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
    options.flags = place->has_ledger ? MMX_CALL_TEMPORARY : 0;
    return mmx_upload_file(client, place->source, MMX_PURPOSE_VOICE_CLONE, &options, json, error);
}

static inline mmx_status make_upload_stream(
    const mmx_client *client, const struct place *place, struct report *report, char **json, mmx_error **error) {
    (void)report;
    mmx_call_options options = in_time();
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

static const mmx_file_ref two_files[] = {{FILE_ID, MMX_PURPOSE_VOICE_CLONE}, {OTHER_ID, MMX_PURPOSE_VOICE_CLONE}};

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

/* ---- What must be so afterwards ---- */

static inline void check_error(const struct report *report, bool may_have_json) {
    bool is_ok = report->status == MMX_OK;
    if (report->has_error == is_ok) WRONG(report, "an error object: %d", report->has_error);
    if (!is_ok && !*report->message) WRONG(report, "an error without a message");
    if (report->has_json != is_ok && !may_have_json) WRONG(report, "out_json: %d", report->has_json);
    if (is_ok && report->ambiguous) WRONG(report, "an ambiguous success");
    /* Nothing was wrong with the arguments, the key, the file or what the server said, and no time was over. */
    static const mmx_status possible[] = {MMX_OK, MMX_ERROR_FILE, MMX_ERROR_CONNECT, MMX_ERROR_NETWORK, MMX_ERROR_PARTIAL,
        MMX_ERROR_INTERNAL, MMX_ERROR_CONTENT_REJECTED};
    bool is_possible = false;
    for (size_t i = 0; i < LENGTH_OF(possible); i++) is_possible |= report->status == possible[i];
    if (!is_possible) WRONG(report, "a status for another failure");
    if ((report->status == MMX_ERROR_CONNECT) && report->ambiguous) WRONG(report, "nothing was sent, but ambiguous");
}

static inline bool is_stored(const struct place *place, int64_t id) { return holds_file(place->account, id); }

static inline void check_delete(const struct place *place, const struct report *report) {
    check_error(report, false);
    bool is_there = is_stored(place, FILE_ID);
    if (report->status == MMX_OK && is_there) WRONG(report, "reported as deleted, and is there");
    if (report->status != MMX_OK && !report->ambiguous && !is_there) WRONG(report, "deleted, but not ambiguous");
    if (files_of(place->account) != place->files - !is_there) WRONG(report, "another file is gone");
}

static inline void check_read(const struct place *place, const struct report *report) {
    check_error(report, false);
    if (report->ambiguous) WRONG(report, "reads are never ambiguous");
    if (report->status == MMX_OK && !strstr(report->json, "176844028768320")) WRONG(report, "the file is missing");
    if (files_of(place->account) != place->files) WRONG(report, "a file is gone");
}

static inline void check_upload(const struct place *place, const struct report *report) {
    check_error(report, false);
    long stored = files_of(place->account) - place->files;
    if (stored != 0 && stored != 1) WRONG(report, "%ld files were stored", stored);
    if (report->status == MMX_OK && stored != 1) WRONG(report, "reported as stored, and isn't there");
    if (report->status != MMX_OK && !report->ambiguous && stored) WRONG(report, "stored, but not ambiguous");
    if (report->status == MMX_OK) {
        int64_t id = id_in(report->json);
        if (!is_stored(place, id)) WRONG(report, "stored under another id than %" PRId64, id);
    }
}

/* The target is whole or untouched, and a file that is left beside it is named. */
static inline bool target_is_whole(const struct place *place, const struct report *report) {
    uint8_t *whole = made_whole((uint64_t)FILE_ID, CONTENT);
    char found[CONTENT + 1];
    int fd = open(place->target, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, found, sizeof found);
    if (fd >= 0) close(fd);
    bool is_whole = length == CONTENT && memcmp(found, whole, CONTENT) == 0;
    bool is_untouched = length == (ssize_t)strlen(BEFORE) && memcmp(found, BEFORE, strlen(BEFORE)) == 0;
    free(whole);
    if (!is_whole && !is_untouched) WRONG(report, "the target holds %zd bytes: neither whole nor untouched", length);
    DIR *directory = opendir(place->folder);
    if (!directory) FAIL("%s: %s", place->folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strncmp(entry->d_name, ".mmx-", 5) == 0 && !strstr(report->message, entry->d_name))
            WRONG(report, "%s was left and isn't named", entry->d_name);
    closedir(directory);
    return is_whole;
}

static inline void check_download(const struct place *place, const struct report *report) {
    check_error(report, false);
    if (report->ambiguous) WRONG(report, "reads are never ambiguous");
    bool is_whole = target_is_whole(place, report);
    if (report->status == MMX_OK && !is_whole) WRONG(report, "the target isn't whole");
    if (files_of(place->account) != place->files) WRONG(report, "a file is gone");
}

static inline void check_download_stream(const struct place *place, const struct report *report) {
    check_error(report, false);
    if (report->ambiguous) WRONG(report, "reads are never ambiguous");
    if (report->differs) WRONG(report, "the sink got other bytes");
    if (report->status == MMX_OK && report->taken != CONTENT) WRONG(report, "the sink got %" PRId64, report->taken);
    if (files_of(place->account) != place->files) WRONG(report, "a file is gone");
}

static inline void check_bulk(const struct place *place, const struct report *report) {
    check_error(report, true);
    long gone = 0;
    mmx_outcomes *outcomes = NULL;
    if (report->has_json && mmx_outcomes_parse(report->json, &outcomes, NULL) != MMX_OK) WRONG(report, "no outcomes");
    if (report->has_json && mmx_outcomes_count(outcomes) != 2) WRONG(report, "not every file has an outcome");
    if (!report->has_json && report->status == MMX_OK) WRONG(report, "no outcomes");
    for (size_t i = 0; i < 2; i++) {
        const mmx_outcome *outcome = mmx_outcomes_get(outcomes, i);
        bool is_there = is_stored(place, two_files[i].file_id);
        gone += !is_there;
        int32_t said = outcome ? outcome->outcome : MMX_OUTCOME_NOT_ATTEMPTED;
        bool says_gone = said == MMX_OUTCOME_DELETED || said == MMX_OUTCOME_ALREADY_ABSENT;
        if (says_gone && is_there) WRONG(report, "file %zu: reported as gone, and is there", i);
        if (!says_gone && said != MMX_OUTCOME_UNKNOWN && !is_there) WRONG(report, "file %zu is gone: %d", i, said);
        if (!says_gone && report->status == MMX_OK) WRONG(report, "file %zu: a success with outcome %d", i, said);
    }
    mmx_outcomes_free(outcomes);
    if (files_of(place->account) != place->files - gone) WRONG(report, "another file is gone");
}

static inline void check_take(const struct place *place, const struct report *report) {
    bool is_whole = target_is_whole(place, report), is_there = is_stored(place, FILE_ID);
    check_error(report, true);
    if (!is_there && !is_whole) WRONG(report, "the file is lost: neither here nor there");
    if (report->status == MMX_OK && (is_there || !is_whole)) WRONG(report, "not taken");
    if (report->status != MMX_OK && !report->ambiguous && !is_there) WRONG(report, "deleted, but not ambiguous");
    if (report->has_json && !is_whole) WRONG(report, "out_json without the file");
    if (files_of(place->account) != place->files - !is_there) WRONG(report, "another file is gone");
}

/* One temporary file is due. */
static inline void check_sweep(const struct place *place, const struct report *report) {
    check_error(report, true);
    long left = files_of(place->account) - place->files;
    long deleted = times_in(report->json, "\"outcome\":\"deleted\""), unknown = times_in(report->json, "\"outcome\":\"unknown\"");
    if (left != 0 && left != 1) WRONG(report, "%ld files more than before", left);
    if (report->status == MMX_OK && left && !strstr(report->untold, "process"))
        WRONG(report, "a success that left a file");
    if (deleted && left) WRONG(report, "reported as deleted, and is there");
    if (!left && !deleted && !unknown && !report->ambiguous) WRONG(report, "deleted, and not reported");
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
    char *url = format("%s/t/%s", place->url, place->account);
    mmx_config *config = mmx_config_new();
    mmx_status status = mmx_config_set_base_url(config, url, error);
    if (status == MMX_OK) status = mmx_config_set_api_key(config, setting("MMX_TEST_KEY"), error);
    if (status == MMX_OK) status = mmx_config_set_max_attempts(config, 1, error);
    if (status == MMX_OK && place->https) status = mmx_config_set_ca_file(config, setting("MMX_TEST_CA"), error);
    if (status == MMX_OK && place->has_ledger) status = mmx_config_set_ledger(config, place->ledger, error);
    if (status == MMX_OK) status = mmx_client_new(config, &client, error);
    mmx_config_free(config);
    free(url);
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
