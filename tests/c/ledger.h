/* What the tests of the ledger share: clients with one, its text, and sweeps. */
#ifndef LEDGER_H
#define LEDGER_H
#include "contract.h"
#include "files.h"
#include "retry.h"
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

/* A client of an account with a ledger in the test's folder. */
static inline mmx_client *client_with_ledger(const char *account, const char *ledger) {
    mmx_config *config = config_for(account, false);
    mmx_error *error = NULL;
    SUCCEEDS(mmx_config_set_ledger(config, ledger, &error), error);
    return client_of(config);
}

/* A whole file as text; the caller frees it. "" where it is not there. */
static inline char *text_of(const char *path) {
    size_t length = 0, room = 1 << 16;
    char *text = malloc(room);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t got; text && fd >= 0 && (got = read(fd, text + length, room - length - 1)) > 0;) {
        length += (size_t)got;
        if (length + 1 >= room) text = realloc(text, room *= 2);
    }
    if (!text) abort();
    if (fd >= 0) close(fd);
    text[length] = 0;
    return text;
}

static inline long times_in(const char *text, const char *part) {
    long count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) count++;
    return count;
}

/* The ledger must hold `part` so many times. */
static inline void assert_ledger_holds(const char *ledger, const char *part, long wanted) {
    char *text = text_of(ledger);
    if (times_in(text, part) != wanted)
        FAIL("the ledger holds %s %ld times, not %ld: %.4000s", part, times_in(text, part), wanted, text);
    free(text);
}

/* The test's folder lies in memory: flushing a thousand times to a disk would take minutes. */
static inline void in_memory(void) { setenv("TMPDIR", "/dev/shm", 1); }

/* An account without a file. */
static inline void empty_account(const char *name) {
    account(name, 0);
    char *path = format("/control/%s/files", name);
    free(control("DELETE", path, NULL));
    free(path);
    any_file(name, true);
}

/* The id in the response to an upload. */
static inline int64_t id_in(const char *json) {
    mmx_files *files = NULL;
    mmx_error *error = NULL;
    SUCCEEDS(mmx_files_parse(json, &files, &error), error);
    CHECK_INT(mmx_files_count(files), 1);
    int64_t id = mmx_files_get(files, 0)->file_id;
    mmx_files_free(files);
    return id;
}

/* Uploads `size` bytes made of a seed under a name, and returns the id; `flags` as in mmx_call_options. */
static inline int64_t uploads(
    const mmx_client *client, const char *name, uint64_t seed, int64_t size, uint32_t flags, int64_t expires_after_s) {
    struct giver giver = {.seed = seed, .gives = size, .piece = 1000};
    mmx_source source = source_of(&giver, size);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.flags = flags;
    options.expires_after_s = expires_after_s;
    char *json = NULL;
    mmx_error *error = NULL;
    SUCCEEDS(mmx_upload_stream(client, &source, name, MMX_PURPOSE_VOICE_CLONE, &options, &json, &error), error);
    int64_t id = id_in(json);
    mmx_string_free(json);
    return id;
}

/* A sweep that must end with this status; it came to so many deleted files, and its JSON is returned. */
static inline char *sweeps(const mmx_client *client, uint32_t flags, mmx_status wanted, long deleted, long kept) {
    mmx_sweep_options options = MMX_SWEEP_OPTIONS_INIT;
    options.flags = flags;
    char *json = NULL;
    mmx_error *error = NULL;
    mmx_status status = mmx_sweep(client, &options, &json, &error);
    if (status != wanted) FAIL("the sweep: %s: %s, %s", mmx_status_name(status), mmx_error_message(error), json);
    mmx_error_free(error);
    mmx_outcomes *outcomes = NULL;
    SUCCEEDS(mmx_outcomes_parse(json, &outcomes, &error), error);
    if ((long)mmx_outcomes_total(outcomes, MMX_OUTCOME_DELETED) != deleted ||
        (long)mmx_outcomes_total(outcomes, MMX_OUTCOME_KEPT) != kept)
        FAIL("the sweep did not delete %ld and keep %ld: %s", deleted, kept, json);
    mmx_outcomes_free(outcomes);
    char *copy = format("%s", json);
    mmx_string_free(json);
    return copy;
}

/* Runs in a process of its own, which is killed at its end: nothing of it runs on. */
#define IN_KILLED_PROCESS(...)                                                                                         \
    do {                                                                                                               \
        pid_t child = fork();                                                                                          \
        int status;                                                                                                    \
        if (child == 0) {                                                                                              \
            __VA_ARGS__;                                                                                               \
            fflush(NULL);                                                                                              \
            raise(SIGKILL);                                                                                            \
        }                                                                                                              \
        CHECK(waitpid(child, &status, 0) == child);                                                                    \
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) FAIL("the child ended with %#x", (unsigned)status);   \
    } while (0)

#endif
