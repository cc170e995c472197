/* What the tests of a file's life share: contents that are computed from their place, as the stand-in server's are,
 * local files in a folder of the test's own, and looks at the journal. */
#ifndef FILES_H
#define FILES_H
#include "check.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* The most memory that the process has had resident. */
static inline long peak_kib(void) {
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &kib);
    if (status) fclose(status);
    return kib;
}

static inline uint64_t mixed(uint64_t value) {
    value *= 0x9E3779B97F4A7C15;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
    return value ^ (value >> 31);
}

/* The bytes from `at` on of what the server makes of a seed. */
static inline void fill_made(uint64_t seed, int64_t at, uint8_t *buffer, size_t length) {
    for (size_t i = 0; i < length;) {
        uint64_t place = (uint64_t)at + i, word = mixed(seed ^ ((place / 8) * 0xD6E8FEB86659FD93));
        for (size_t byte = place % 8; byte < 8 && i < length; byte++) buffer[i++] = (uint8_t)(word >> (8 * byte));
    }
}

static inline uint8_t *made_whole(uint64_t seed, size_t size) {
    uint8_t *bytes = malloc(size + 1);
    if (!bytes) abort();
    fill_made(seed, 0, bytes, size);
    return bytes;
}

/* A folder of the test's own, and a path in it; the caller frees the path. */
static inline const char *folder(void) {
    static char path[64];
    if (!*path) {
        snprintf(path, sizeof path, "%s/mmx-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
        if (!mkdtemp(path)) FAIL("%s: %s", path, strerror(errno));
    }
    return path;
}

/* Whether the server takes uploads of any extension and size, or only what it documents for their purpose. */
static inline void any_file(const char *account, bool taken) {
    char *path = format("/control/%s/settings", account);
    free(control("POST", path, taken ? "{\"any_file\": true}" : "{}"));
    free(path);
}

static inline char *in_folder(const char *name) { return format("%s/%s", folder(), name); }

/* How many entries it has: a temporary file that was left behind counts. */
static inline int entries_in(const char *path) {
    DIR *directory = opendir(path);
    int count = 0;
    if (!directory) FAIL("%s: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.' || entry->d_name[1] == 'm';
    closedir(directory);
    return count;
}

static inline void remove_folder(void) {
    DIR *directory = opendir(folder());
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char *path = in_folder(entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlink(path) != 0) rmdir(path);
        free(path);
    }
    if (directory) closedir(directory);
    rmdir(folder());
}

static inline void write_file(const char *path, const void *bytes, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) FAIL("%s: %s", path, strerror(errno));
    close(fd);
}

/* The file must hold just these bytes. */
static inline void assert_file_holds(const char *path, const void *bytes, size_t size) {
    uint8_t *found = malloc(size + 2);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !found) FAIL("%s: %s", path, strerror(errno));
    size_t length = 0;
    for (ssize_t got; length <= size && (got = read(fd, found + length, size + 1 - length)) > 0;) length += (size_t)got;
    close(fd);
    if (length != size) FAIL("%s holds %zu bytes or more, not %zu", path, length, size);
    if (memcmp(found, bytes, size) != 0) FAIL("%s holds other bytes", path);
    free(found);
}

/* A file at the server: `size` bytes made of `seed`. */
static inline void store_file(const char *account, int64_t id, long size, long seed) {
    char *path = format("/control/%s/files", account);
    char *file = format(
        "[{\"file_id\": %" PRId64 ", \"purpose\": \"voice_clone\", \"size\": %ld, \"seed\": %ld}]", id, size, seed);
    free(control("POST", path, file));
    free(file);
    free(path);
}

/* A source that gives `gives` bytes made of a seed, at most `piece` at a time, and ends with `end`. */
struct giver {
    uint64_t seed;
    int64_t at, gives, end;
    size_t piece;
};

static inline int64_t give_made(void *user_data, uint8_t *buffer, size_t capacity) {
    struct giver *giver = user_data;
    int64_t left = giver->gives - giver->at;
    size_t length = capacity < giver->piece ? capacity : giver->piece;
    if (left <= 0) return giver->end;
    if ((int64_t)length > left) length = (size_t)left;
    fill_made(giver->seed, giver->at, buffer, length);
    giver->at += (int64_t)length;
    return (int64_t)length;
}

static inline int32_t give_made_anew(void *user_data) {
    struct giver *giver = user_data;
    giver->at = 0;
    return 0;
}

static inline mmx_source source_of(struct giver *giver, int64_t size) {
    mmx_source source = MMX_SOURCE_INIT;
    source.size = size;
    source.read = give_made;
    source.rewind = give_made_anew;
    source.user_data = giver;
    return source;
}

/* A sink's end: what comes must be the bytes made of `seed`, in order. */
struct taker {
    uint64_t seed;
    int64_t at, gives_up_at; /* 0 = never */
    int restarts;
    bool differs;
};

static inline int32_t receive(void *user_data, const uint8_t *data, size_t length) {
    struct taker *taker = user_data;
    uint8_t *wanted = malloc(length + 1);
    fill_made(taker->seed, taker->at, wanted, length);
    if (memcmp(wanted, data, length) != 0) taker->differs = true;
    free(wanted);
    taker->at += (int64_t)length;
    return taker->gives_up_at && taker->at >= taker->gives_up_at ? 7 : 0;
}

static inline int32_t receive_anew(void *user_data) {
    struct taker *taker = user_data;
    taker->at = 0;
    taker->differs = false;
    taker->restarts++;
    return 0;
}

static inline mmx_sink sink_to(struct taker *taker) {
    mmx_sink sink = MMX_SINK_INIT;
    sink.write = receive;
    sink.restart = receive_anew;
    sink.user_data = taker;
    return sink;
}

static inline char *journal(const char *account) {
    char *path = format("/control/%s/journal", account);
    char *found = control("GET", path, NULL);
    free(path);
    return found;
}

/* The journal must hold `part` so many times. */
static inline void assert_journal_holds(const char *account, const char *part, long wanted) {
    char *found = journal(account);
    long count = 0;
    for (char *at = found; (at = strstr(at, part)); at += strlen(part)) count++;
    if (count != wanted)
        FAIL("the journal of %s holds %s %ld times, not %ld: %.3000s", account, part, count, wanted, found);
    free(found);
}

/* How many files the account has. */
static inline long files_of(const char *account) {
    char *path = format("/control/%s/files", account);
    char *found = control("GET", path, NULL);
    long count = 0;
    for (char *at = found; (at = strstr(at, "\"file_id\"")); at++) count++;
    free(found);
    free(path);
    return count;
}

/* What a call says of a failure, checked and freed: its status, a part of its message, and whether it is ambiguous. */
#define FAILS(call, error, status, part, ambiguous)                                                                    \
    assert_fails(__FILE__, __LINE__, #call, (call), &(error), status, part, ambiguous)

static inline void assert_fails(const char *file, int line, const char *call, mmx_status found, mmx_error **error,
    mmx_status status, const char *part, bool ambiguous) {
    const char *message = mmx_error_message(*error);
    if (found != status || mmx_error_status(*error) != status) {
        FAIL("%s:%d: %s: %s, not %s: %s", file, line, call, mmx_status_name(found), mmx_status_name(status), message);
    }
    check_text(file, line, call, message, part, 0);
    if (mmx_error_is_ambiguous(*error) != ambiguous)
        FAIL("%s:%d: %s: ambiguous is not %d: %s", file, line, call, ambiguous, message);
    char *json = mmx_error_json(*error);
    const char *const secrets[] = {setting("MMX_TEST_KEY"), "Signature", "Expires="};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        if (strstr(message, secrets[i]) || strstr(json, secrets[i]))
            FAIL("%s:%d: %s tells a secret: %s", file, line, call, json);
    }
    mmx_string_free(json);
    mmx_error_free(*error);
    *error = NULL;
}

/* A call that must succeed; `error` is the variable that it fills. */
#define SUCCEEDS(call, error) assert_succeeds(__FILE__, __LINE__, #call, (call), &(error))

static inline void assert_succeeds(
    const char *file, int line, const char *call, mmx_status status, mmx_error *const *error) {
    if (status != MMX_OK) FAIL("%s:%d: %s: %s", file, line, call, mmx_error_message(*error));
}

/* A fault, and how a call that reads fails of it. */
struct failing_read {
    const char *fault;
    mmx_status status;
    const char *part;
};

/* Each makes the call fail after one request, never ambiguous, and the next call succeeds. */
static inline void assert_each_fails(const char *account_name, const struct failing_read *cases, size_t count,
    const mmx_client *client, mmx_status (*call)(const mmx_client *client, char **json, mmx_error **error)) {
    static char filling_of_json;
    for (size_t i = 0; i < count; i++) {
        char *json = &filling_of_json;
        mmx_error *error = NULL;
        account(account_name, 2);
        script(account_name, cases[i].fault);
        FAILS(call(client, &json, &error), error, cases[i].status, cases[i].part, false);
        CHECK(json == NULL);
        CHECK_INT(count_of(account_name, "count"), 1);
        SUCCEEDS(call(client, &json, &error), error);
        mmx_string_free(json);
    }
}

#endif
