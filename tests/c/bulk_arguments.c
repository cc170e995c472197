/* What can't be right is refused before anything is sent, by its name. */
#include "bulk.h"
#include "contract.h"

static const char *const NAME = "bulk-arguments";
static mmx_client *client;
static mmx_error *error = FILLED;

/* A single thing wrong with the options. */
#define WRONG_OPTION(field, value, part)                                                                               \
    do {                                                                                                               \
        mmx_file_ref file = {1, MMX_PURPOSE_VOICE_CLONE};                                                              \
        mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;                                                              \
        mmx_filter filter = MMX_FILTER_INIT;                                                                           \
        char *json = FILLED;                                                                                           \
        filter.flags = MMX_FILTER_ALL;                                                                                 \
        options.field = (value);                                                                                       \
        REFUSES(mmx_delete_files(client, &file, 1, &options, &json, &error), error, "options." #field, part);          \
        CHECK(json == NULL);                                                                                           \
        json = FILLED;                                                                                                 \
        REFUSES(mmx_prune_files(client, &filter, &options, &json, &error), error, "options." #field, part);            \
        CHECK(json == NULL);                                                                                           \
    } while (0)

static void options(void) {
    WRONG_OPTION(timeout_ms, -2, "-2");
    WRONG_OPTION(timeout_ms, INT64_MIN, "");
    WRONG_OPTION(call_timeout_ms, -2, "-2");
    WRONG_OPTION(max_attempts, -1, "-1");
    WRONG_OPTION(concurrency, -1, "must be 1 to 1000");
    WRONG_OPTION(concurrency, 1001, "1001");
    WRONG_OPTION(concurrency, INT32_MIN, "");
    WRONG_OPTION(flags, 4, "0x4");
    WRONG_OPTION(flags, 0x80000001, "0x80000000");
    WRONG_OPTION(struct_size, 0, "MMX_BULK_OPTIONS_INIT");
    WRONG_OPTION(struct_size, sizeof(mmx_bulk_options) - 1, "");
}

/* A newer caller's struct is longer: with nothing in its tail it is read as far as it is known. */
static void struct_sizes(void) {
    struct {
        mmx_bulk_options options;
        int64_t later;
    } longer = {MMX_BULK_OPTIONS_INIT, 0};
    mmx_file_ref file = {1, MMX_PURPOSE_VOICE_CLONE};
    char *json = FILLED;
    longer.options.struct_size = sizeof longer;
    longer.later = 1;
    REFUSES(mmx_delete_files(client, &file, 1, &longer.options, &json, &error), error, "options", "does not know");
    longer.later = 0;
    longer.options.flags = MMX_BULK_DRY_RUN;
    CHECK_INT(mmx_delete_files(client, &file, 1, &longer.options, &json, NULL), MMX_OK);
    assert_json_has(json, "\"kept\":1");
    mmx_string_free(json);
}

static void files(void) {
    static const struct {
        mmx_file_ref file;
        const char *part;
    } cases[] = {
        {{0, "voice_clone"}, "files[2]: file_id must be 1 or more, not 0"},
        {{-7, "voice_clone"}, "files[2]: file_id must be 1 or more, not -7"},
        {{INT64_MIN, "voice_clone"}, "files[2]"},
        {{3, ""}, "files[2]"},
        {{3, "voice\xff"}, "files[2].purpose"},
        {{3, "voice\nclone"}, "files[2]"},
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        mmx_file_ref array[] = {{1, "voice_clone"}, {2, "voice_clone"}, cases[i].file, {1, "voice_clone"}};
        char *json = FILLED;
        REFUSES(mmx_delete_files(client, array, 4, NULL, &json, &error), error, "files", cases[i].part);
        CHECK(json == NULL);
    }
    mmx_file_ref file = {1, MMX_PURPOSE_VOICE_CLONE};
    char *json = FILLED;
    REFUSES(mmx_delete_files(client, NULL, 1, NULL, &json, &error), error, "files", "NULL");
    CHECK(json == NULL);
    json = FILLED;
    REFUSES(mmx_delete_files(NULL, &file, 1, NULL, &json, &error), error, "client", "NULL");
    CHECK(json == NULL);
}

int main(void) {
    account(NAME, 3);
    client = retrying_client_for(NAME, false);
    options();
    struct_sizes();
    files();
    CHECK_INT(count_of(NAME, "count"), 0);
    /* All the out parameters may be NULL. */
    mmx_file_ref file = {1, MMX_PURPOSE_VOICE_CLONE};
    CHECK_INT(mmx_delete_files(client, &file, 1, NULL, NULL, NULL), MMX_OK);
    CHECK_INT(mmx_delete_files(client, NULL, 0, NULL, NULL, NULL), MMX_OK);
    CHECK_INT(count_of(NAME, "count"), 1);
    mmx_client_free(client);
    return 0;
}
