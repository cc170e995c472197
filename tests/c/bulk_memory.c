/* A hundred thousand files within 64 MiB, when each outcome is told as it settles; and what all of them in one JSON take.
 * MMX_TEST_FILES = how many, without it 20,000: their bounds are what a hundred thousand need, and a little room. */
#include "bulk.h"

static const long MOST_KIB = 64 << 10;
static size_t count;

/* Bytes a file, and room for what is under way. */
enum { STREAMED = 112, IN_JSON = 560, ROOM_KIB = 2 << 10 };

static int32_t counts(void *user_data, const mmx_outcome *outcome) {
    *(size_t *)user_data += outcome->outcome == MMX_OUTCOME_DELETED;
    return 0;
}

/* How much more memory was resident at most than before, in KiB. */
static long growth(bool streams) {
    static const char *const name = "bulk-memory";
    account(name, (long)count);
    char *path = format("/control/%s/journal_off", name);
    free(control("POST", path, NULL));
    free(path);
    mmx_client *client = retrying_client_for(name, false);
    mmx_file_ref *files = refs(count);
    size_t deleted = 0;
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.user_data = &deleted;
    options.on_outcome = counts;
    mmx_error *error = NULL;
    char *json = NULL;
    /* What the first calls of a process bring along is there before. */
    SUCCEEDS(mmx_delete_files(client, files, 100, &options, NULL, &error), error);
    long before = peak_kib();
    if (!streams) options.on_outcome = NULL;
    SUCCEEDS(mmx_delete_files(client, files + 100, count - 100, &options, &json, &error), error);
    long after = peak_kib();
    char *part = format("\"deleted\":%zu,", count - 100);
    assert_json_has(json, part);
    if (streams) CHECK_INT(deleted, count);
    free(part);
    mmx_string_free(json);
    free(files);
    mmx_client_free(client);
    if (getenv("MMX_TEST_FILES"))
        printf("%zu files, %s: %ld KiB, %ld of them for the run\n", count, streams ? "streamed" : "in the JSON", after,
            after - before);
    return after - before;
}

static void takes_at_most(long kib, size_t bytes_a_file) {
    long most = ROOM_KIB + (long)(count * bytes_a_file / 1024);
    if (kib > most) FAIL("%zu files took %ld KiB, more than %ld", count, kib, most);
}

int main(void) {
    const char *given = getenv("MMX_TEST_FILES");
    count = given ? strtoull(given, NULL, 10) : 20000;
    CHECK(count > 1000 && count <= 100000);
    takes_at_most(growth(true), STREAMED);
    if (peak_kib() > MOST_KIB) FAIL("%zu files took %ld KiB in all, more than %ld", count, peak_kib(), MOST_KIB);
    takes_at_most(growth(false), IN_JSON);
    return 0;
}
