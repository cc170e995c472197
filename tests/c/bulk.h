/* What the tests of bulk share: arrays of files, what the JSON says of one, outcomes as they are streamed, and whether
 * they agree with what the server holds. */
#ifndef BULK_H
#define BULK_H
#include "files.h"
#include "retry.h"

/* Files of ids from 1 on; the caller frees them. */
static inline mmx_file_ref *refs(size_t count) {
    mmx_file_ref *files = calloc(count, sizeof *files);
    if (!files) abort();
    for (size_t i = 0; i < count; i++) files[i] = (mmx_file_ref){(int64_t)i + 1, MMX_PURPOSE_VOICE_CLONE};
    return files;
}

static inline void assert_json_has(const char *json, const char *part) {
    if (!json || !strstr(json, part)) FAIL("%s is missing in %.2000s", part, json ? json : "NULL");
}

/* What became of one of the files, from the JSON: `"outcome":"deleted"` and the like behind its index. */
static inline void assert_json_outcome(const char *json, size_t index, const char *part) {
    char *mark = format("\"index\":%zu,", index);
    const char *at = json ? strstr(json, mark) : NULL;
    const char *end = at ? strchr(at, '}') : NULL, *found = at ? strstr(at, part) : NULL;
    if (!found || !end || found > end) FAIL("outcome %zu lacks %s: %.3000s", index, part, json ? json : "NULL");
    free(mark);
}

/* The outcomes of one run, by the index. */
struct tally {
    const mmx_file_ref *files;
    size_t count, told, of[7]; /* so many of each outcome */
    int8_t *outcomes;          /* 0 = not told */
    bool *was_looked_up;       /* evidence is a lookup, not the service's response */
    int32_t *attempts;
    mmx_status *statuses; /* of the errors */
    /* What else the callback does; non-zero stops. */
    int32_t (*then)(struct tally *tally, const mmx_outcome *outcome);
    void *with;
};

static inline struct tally tally_of(const mmx_file_ref *files, size_t count) {
    struct tally tally = {.files = files, .count = count};
    tally.outcomes = calloc(count + 1, sizeof *tally.outcomes);
    tally.was_looked_up = calloc(count + 1, sizeof *tally.was_looked_up);
    tally.attempts = calloc(count + 1, sizeof *tally.attempts);
    tally.statuses = calloc(count + 1, sizeof *tally.statuses);
    if (!tally.outcomes || !tally.was_looked_up || !tally.attempts || !tally.statuses) abort();
    return tally;
}

static inline void tally_free(struct tally *tally) {
    free(tally->outcomes);
    free(tally->was_looked_up);
    free(tally->attempts);
    free(tally->statuses);
}

/* Everything that can be said of a single outcome. */
static inline int32_t record_outcome(void *user_data, const mmx_outcome *outcome) {
    struct tally *tally = user_data;
    CHECK(outcome->index < tally->count);
    CHECK_INT(outcome->file_id, tally->files[outcome->index].file_id);
    CHECK_TEXT(outcome->purpose, tally->files[outcome->index].purpose);
    CHECK(outcome->outcome >= MMX_OUTCOME_DELETED && outcome->outcome <= MMX_OUTCOME_KEPT);
    if (tally->outcomes[outcome->index]) FAIL("outcome %zu is told twice", outcome->index);
    bool is_settled = outcome->outcome <= MMX_OUTCOME_ALREADY_ABSENT;
    CHECK(is_settled == (*outcome->evidence != 0));
    CHECK((outcome->outcome == MMX_OUTCOME_FAILED || outcome->outcome == MMX_OUTCOME_UNKNOWN) ==
          (outcome->error != NULL));
    CHECK(mmx_error_is_ambiguous(outcome->error) == (outcome->outcome == MMX_OUTCOME_UNKNOWN));
    if (outcome->outcome == MMX_OUTCOME_NOT_ATTEMPTED) CHECK_INT(outcome->attempts, 0);
    CHECK(outcome->settled_at_ms > 1700000000000);
    tally->outcomes[outcome->index] = (int8_t)outcome->outcome;
    tally->was_looked_up[outcome->index] = *outcome->evidence && strcmp(outcome->evidence, "answer") != 0;
    tally->attempts[outcome->index] = outcome->attempts;
    tally->statuses[outcome->index] = mmx_error_status(outcome->error);
    tally->of[outcome->outcome]++;
    tally->told++;
    return tally->then ? tally->then(tally, outcome) : 0;
}

static inline mmx_bulk_options recording_options(struct tally *tally) {
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.on_outcome = record_outcome;
    options.user_data = tally;
    return options;
}

/* Each was told once; none disagrees with the server, where the files of ids 1 to `there` were. */
static inline void assert_agrees_with_server(const char *account, const struct tally *tally, int64_t there) {
    CHECK_INT(tally->told, tally->count);
    bool *is_there = calloc((size_t)there + 1, 1);
    char *path = format("/control/%s/files", account), *found = control("GET", path, NULL);
    if (!is_there) abort();
    for (char *at = found; (at = strstr(at, "\"file_id\":")); at++) {
        int64_t id = strtoll(at + strlen("\"file_id\":"), NULL, 10);
        if (id <= there) is_there[id] = true;
    }
    for (size_t i = 0; i < tally->count; i++) {
        int64_t id = tally->files[i].file_id;
        bool was = id <= there, is = was && is_there[id];
        int outcome = tally->outcomes[i];
        if (is && outcome <= MMX_OUTCOME_ALREADY_ABSENT)
            FAIL("file %" PRId64 " is reported gone (%d), and there", id, outcome);
        if (was && !is && (outcome == MMX_OUTCOME_FAILED || outcome >= MMX_OUTCOME_NOT_ATTEMPTED))
            FAIL("file %" PRId64 " is gone, not %d", id, outcome);
        /* One whose response was lost, with a connection that the server closed, counts as deleted when it is seen to be gone. */
        if (!was && outcome == MMX_OUTCOME_DELETED && !tally->was_looked_up[i])
            FAIL("file %" PRId64 " was never there, and is reported deleted", id);
    }
    free(found);
    free(path);
    free(is_there);
}

/* The counts in the JSON are those that were told. */
static inline void assert_counts(const char *json, const struct tally *tally) {
    char *counts = format("\"deleted\":%zu,", tally->of[MMX_OUTCOME_DELETED]);
    assert_json_has(json, counts);
    free(counts);
    counts = format("\"not_attempted\":%zu,", tally->of[MMX_OUTCOME_NOT_ATTEMPTED]);
    assert_json_has(json, counts);
    free(counts);
    counts = format("\"unknown\":%zu", tally->of[MMX_OUTCOME_UNKNOWN]);
    assert_json_has(json, counts);
    free(counts);
    CHECK(strstr(json, "\"outcomes\"") == NULL);
}

#endif
