/* What a disturbed call reports, and what must be so afterwards: at the stand-in server, in the local files, in the
 * process. */
#ifndef REPORT_H
#define REPORT_H
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
    /* What fails is sent again, and looked up. */
    bool retries;
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

static const char *now_at = "";

/* A failure names where it came about. */
#define WRONG(report, ...)                                                                                             \
    (fprintf(stderr, "%s: ", now_at), fprintf(stderr, __VA_ARGS__),                                                    \
        fprintf(stderr, "\n  status %s, ambiguous %d, attempts %d: %s\n  json %s\n",                                   \
            mmx_status_name((report)->status), (report)->ambiguous, (report)->attempts, (report)->message,             \
            (report)->json),                                                                                           \
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

static const mmx_file_ref two_files[] = {{FILE_ID, MMX_PURPOSE_VOICE_CLONE}, {OTHER_ID, MMX_PURPOSE_VOICE_CLONE}};

static inline void check_error(const struct report *report, bool may_have_json) {
    bool is_ok = report->status == MMX_OK;
    if (report->has_error == is_ok) WRONG(report, "an error object: %d", report->has_error);
    if (!is_ok && !*report->message) WRONG(report, "an error without a message");
    if (report->has_json != is_ok && !may_have_json) WRONG(report, "out_json: %d", report->has_json);
    if (is_ok && report->ambiguous) WRONG(report, "an ambiguous success");
    /* Nothing was wrong with the arguments, the key, the file or what the server said, and no time was over. */
    static const mmx_status possible[] = {MMX_OK, MMX_ERROR_FILE, MMX_ERROR_CONNECT, MMX_ERROR_NETWORK,
        MMX_ERROR_PARTIAL, MMX_ERROR_INTERNAL, MMX_ERROR_CONTENT_REJECTED};
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

/* The target is whole or untouched, whatever happened; says which. */
static inline bool holds_whole(const struct place *place, const struct report *report) {
    uint8_t *whole = made_whole((uint64_t)FILE_ID, CONTENT);
    char found[CONTENT + 1];
    int fd = open(place->target, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, found, sizeof found);
    if (fd >= 0) close(fd);
    bool is_whole = length == CONTENT && memcmp(found, whole, CONTENT) == 0;
    bool is_untouched = length == (ssize_t)strlen(BEFORE) && memcmp(found, BEFORE, strlen(BEFORE)) == 0;
    free(whole);
    if (!is_whole && !is_untouched) WRONG(report, "the target holds %zd bytes: neither whole nor untouched", length);
    return is_whole;
}

/* The same, and a file that is left beside it is named. */
static inline bool target_is_whole(const struct place *place, const struct report *report) {
    bool is_whole = holds_whole(place, report);
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
    long deleted = times_in(report->json, "\"outcome\":\"deleted\""),
         unknown = times_in(report->json, "\"outcome\":\"unknown\"");
    if (left != 0 && left != 1) WRONG(report, "%ld files more than before", left);
    if (report->status == MMX_OK && left && !strstr(report->untold, "process"))
        WRONG(report, "a success that left a file");
    if (deleted && left) WRONG(report, "reported as deleted, and is there");
    if (!left && !deleted && !unknown && !report->ambiguous) WRONG(report, "deleted, and not reported");
}

#endif
