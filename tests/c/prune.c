/* Prune: what a filter chooses of a list, what guards it, and what it says of each file. */
#include "files.h"

#define PURPOSE "t2a_async"
#define DAY 86400

/* Files of which two are old, one is new, one has no time, and one is of the future. */
static mmx_client *aged(const char *name) {
    account(name, 0);
    char *path = format("/control/%s/files", name), *now = NULL;
    free(control("DELETE", path, NULL));
    long seconds = (long)time(NULL);
    now = format("[{\"file_id\": 1, \"purpose\": \"" PURPOSE
                 "\", \"created_at\": %ld, \"filename\": \"old.mp3\", \"bytes\": 100},"
                 "{\"file_id\": 2, \"purpose\": \"" PURPOSE
                 "\", \"created_at\": %ld, \"filename\": \"keep.mp3\", \"bytes\": 0},"
                 "{\"file_id\": 3, \"purpose\": \"" PURPOSE
                 "\", \"created_at\": %ld, \"filename\": \"new.mp3\", \"bytes\": 100},"
                 "{\"file_id\": 4, \"purpose\": \"" PURPOSE
                 "\", \"created_at\": 0, \"filename\": \"timeless.mp3\", \"bytes\": 100},"
                 "{\"file_id\": 5, \"purpose\": \"" PURPOSE
                 "\", \"created_at\": %ld, \"filename\": \"future.mp3\", \"bytes\": 100}]",
        seconds - 8 * DAY, seconds - 9 * DAY, seconds - DAY, seconds + DAY);
    free(control("POST", path, now));
    free(now);
    free(path);
    return retrying_client_for(name, false);
}

static mmx_filter week(void) {
    mmx_filter filter = MMX_FILTER_INIT;
    filter.purpose = PURPOSE;
    filter.older_than_s = 7 * DAY;
    return filter;
}

static void assert_json_has(const char *json, const char *part) {
    if (!json || !strstr(json, part)) FAIL("%s is missing in %.3000s", part, json ? json : "NULL");
}

static void only_old_ones_go(void) {
    mmx_client *client = aged("prune-old");
    mmx_filter filter = week();
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    char *json = NULL;
    mmx_error *error = NULL;
    options.flags = MMX_BULK_DRY_RUN;
    SUCCEEDS(mmx_prune_files(client, &filter, &options, &json, &error), error);
    assert_json_has(json, "\"kept\":2");
    assert_json_has(json, "\"listed\":5");
    assert_json_has(json, "\"matched\":2");
    assert_json_has(json, "\"bytes_at_least\":100");
    assert_json_has(json, "\"sizes_unknown\":1");
    assert_json_has(json, "\"key_fingerprint\":\"sha256:");
    CHECK_INT(count_of("prune-old", "count?call=delete"), 0);
    mmx_string_free(json);

    int64_t keep[] = {7, 8};
    filter.keep_glob = "keep*";
    filter.keep_ids = keep;
    filter.keep_count = 2;
    options.flags = MMX_BULK_VERIFY;
    SUCCEEDS(mmx_prune_files(client, &filter, &options, &json, &error), error);
    assert_json_has(json, "\"deleted\":1");
    assert_json_has(json, "\"still_listed\":[]");
    CHECK_INT(count_of("prune-old", "count?call=delete&file_id=1"), 1);
    CHECK_INT(count_of("prune-old", "count?call=delete"), 1);
    CHECK_INT(files_of("prune-old"), 4);
    mmx_string_free(json);
    keep[0] = 2;
    filter.keep_glob = NULL;
    SUCCEEDS(mmx_prune_files(client, &filter, NULL, &json, &error), error);
    CHECK_INT(files_of("prune-old"), 4);
    mmx_string_free(json);
    mmx_client_free(client);
}

static void guards(void) {
    mmx_client *client = aged("prune-guards");
    mmx_filter filter = week();
    char *json = NULL;
    mmx_error *error = NULL;
    filter.max_files = 1;
    FAILS(mmx_prune_files(client, &filter, NULL, &json, &error), error, MMX_ERROR_GUARD,
        "2 files would be deleted, more than the 1 allowed", false);
    assert_json_has(json, "\"matched\":2");
    mmx_string_free(json);
    filter.max_files = 0;
    filter.max_percent = 39;
    FAILS(mmx_prune_files(client, &filter, NULL, &json, &error), error, MMX_ERROR_GUARD,
        "2 of 5 files would be deleted, more than the 39 % allowed", false);
    mmx_string_free(json);
    CHECK_INT(count_of("prune-guards", "count?call=delete"), 0);
    filter.max_percent = 40;
    SUCCEEDS(mmx_prune_files(client, &filter, NULL, NULL, &error), error);
    CHECK_INT(files_of("prune-guards"), 3);
    mmx_client_free(client);
}

/* A list that failed, was cut short or has no Date is never read as an empty one. */
static void a_list_that_can_not_be_trusted(void) {
    static const struct {
        const char *fault, *part;
        mmx_status status;
    } cases[] = {
        {"{\"call\": \"list\", \"code\": 2013, \"times\": 2}", "2013", MMX_ERROR_INVALID_REQUEST},
        {"{\"call\": \"list\", \"shape\": \"truncated_json\"}", "cut short", MMX_ERROR_PROTOCOL},
        {"{\"call\": \"list\", \"headers\": {\"Date\": null}}", "no Date header", MMX_ERROR_PROTOCOL},
    };
    mmx_client *client = aged("prune-list");
    mmx_filter filter = week();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *json = NULL;
        mmx_error *error = NULL;
        script("prune-list", cases[i].fault);
        FAILS(mmx_prune_files(client, &filter, NULL, &json, &error), error, cases[i].status, cases[i].part, false);
        CHECK(json == NULL);
    }
    CHECK_INT(count_of("prune-list", "count?call=delete"), 0);
    mmx_client_free(client);
}

static void bad_filters(void) {
    mmx_client *client = aged("prune-bad");
    mmx_error *error = NULL;
    mmx_filter none = MMX_FILTER_INIT, glob = week(), percent = week();
    none.purpose = PURPOSE;
    glob.name_glob = "[a";
    percent.max_percent = 101;
    FAILS(
        mmx_prune_files(client, &none, NULL, NULL, &error), error, MMX_ERROR_INVALID_ARGUMENT, "MMX_FILTER_ALL", false);
    FAILS(mmx_prune_files(client, &glob, NULL, NULL, &error), error, MMX_ERROR_INVALID_ARGUMENT, "filter.name_glob",
        false);
    FAILS(mmx_prune_files(client, &percent, NULL, NULL, &error), error, MMX_ERROR_INVALID_ARGUMENT,
        "filter.max_percent", false);
    CHECK_INT(count_of("prune-bad", "count"), 0);
    none.flags = MMX_FILTER_ALL;
    SUCCEEDS(mmx_prune_files(client, &none, NULL, NULL, &error), error);
    CHECK_INT(files_of("prune-bad"), 0);
    mmx_client_free(client);
}

int main(void) {
    only_old_ones_go();
    guards();
    a_list_that_can_not_be_trusted();
    bad_filters();
    return 0;
}
