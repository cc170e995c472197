/* What the tests of resumed downloads share: a file whose downloads meet faults, fetched by path and by sink. */
#ifndef RESUME_H
#define RESUME_H
#include "contract.h"
#include "files.h"

static const char *NAME = TEST_NAME;
enum { SIZE = 3 << 20 };
static mmx_error *error;

static inline void reset(const char *faults) {
    account(NAME, 0);
    store_file(NAME, 1, SIZE, 5);
    if (faults) script(NAME, faults);
}

/* A file as the control plane is told of it. */
static inline void adds(const char *files) {
    char *path = format("/control/%s/files", NAME);
    free(control("POST", path, files));
    free(path);
}

/* Downloads to a sink, with what went before in `taker`. */
static inline mmx_status to_sink(
    const mmx_client *client, struct taker *taker, bool restarts, uint32_t flags, char **json) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_sink sink = sink_to(taker);
    if (!restarts) sink.restart = NULL;
    options.flags = flags;
    return mmx_download_stream(client, 1, &sink, &options, json, &error);
}

/* By path or by sink, whole in the end. */
static inline void mended(const mmx_client *client, const char *faults, bool by_path, uint32_t flags, int resumed,
    int restarts, long ranges, uint64_t seed) {
    char *part = format("\"resumed\":%d,", resumed), *json = NULL;
    reset(faults);
    if (by_path) {
        char *path = in_folder("mended");
        uint8_t *wanted = made_whole(seed, SIZE);
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        options.flags = flags;
        SUCCEEDS(mmx_download_file(client, 1, path, &options, &json, &error), error);
        assert_file_holds(path, wanted, SIZE);
        CHECK_INT(entries_in(folder()), 1);
        unlink(path);
        free(wanted);
        free(path);
    } else {
        struct taker taker = {.seed = seed};
        SUCCEEDS(to_sink(client, &taker, true, flags, &json), error);
        /* What came before the file changed was of the old one. */
        CHECK_INT(taker.at, SIZE);
        CHECK(!taker.differs);
        CHECK_INT(taker.restarts, restarts);
    }
    CHECK_HAS(json, part);
    mmx_string_free(json);
    assert_journal_holds(NAME, "[\"range\",\"bytes=", ranges);
    assert_journal_holds(NAME, "[\"if-range\",\"", ranges);
    free(part);
}

#endif
