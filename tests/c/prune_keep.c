/* Patterns and what they keep: an empty one, the two normal forms of a name, a count for each, and very long ones. */
#include "contract.h"
#include "files.h"
#include <pthread.h>

#define MUELLER_COMPOSED "M\xc3\xbcller"    /* NFC: U+00FC */
#define MUELLER_DECOMPOSED "Mu\xcc\x88ller" /* NFD: u and U+0308 */
#define LONG_NAME 6000

static mmx_client *named(const char *account_name, const char *const *names, size_t count) {
    account(account_name, 0);
    char *path = format("/control/%s/files", account_name);
    free(control("DELETE", path, NULL));
    for (size_t i = 0; i < count; i++) {
        char *file = format(
            "[{\"file_id\": %zu, \"purpose\": \"voice_clone\", \"filename\": \"%s\", \"created_at\": 1700000000}]",
            i + 1, names[i]);
        free(control("POST", path, file));
        free(file);
    }
    free(path);
    return retrying_client_for(account_name, false);
}

static mmx_filter everything(void) {
    mmx_filter filter = MMX_FILTER_INIT;
    filter.flags = MMX_FILTER_ALL;
    return filter;
}

static void assert_json_has(const char *json, const char *part) {
    if (!json || !strstr(json, part)) FAIL("%s is missing in %.3000s", part, json ? json : "NULL");
}

static bool is_listed(const char *account_name, int64_t file_id) {
    char *path = format("/control/%s/files", account_name), *mark = format("\"file_id\":%" PRId64 ",", file_id);
    char *files = control("GET", path, NULL);
    bool is_there = strstr(files, mark) != NULL;
    free(files);
    free(mark);
    free(path);
    return is_there;
}

/* An empty pattern keeps nothing, or chooses nothing: it can't be meant. */
static void empty_patterns(void) {
    const char *names[] = {"a.mp3"};
    mmx_client *client = named("prune-empty", names, 1);
    mmx_error *error = FILLED;
    char *json = FILLED;
    mmx_filter filter = everything();
    filter.keep_glob = "";
    REFUSES(mmx_prune_files(client, &filter, NULL, &json, &error), error, "filter.keep_glob", "empty");
    CHECK(json == NULL);
    filter = everything();
    filter.name_glob = "";
    REFUSES(mmx_prune_files(client, &filter, NULL, &json, &error), error, "filter.name_glob", "empty");
    CHECK_INT(count_of("prune-empty", "count"), 0);
    mmx_client_free(client);
}

static void a_name_in_the_other_normal_form(void) {
    static const char *const forms[] = {MUELLER_COMPOSED, MUELLER_DECOMPOSED};
    for (size_t pattern = 0; pattern < 2; pattern++) {
        for (size_t name = 0; name < 2; name++) {
            char *file = format("%s.mp3", forms[name]), *glob = format("%s*", forms[pattern]);
            const char *names[] = {file, "other.mp3"};
            mmx_client *client = named("prune-forms", names, 2);
            mmx_error *error = NULL;
            mmx_filter filter = everything();
            filter.keep_glob = glob;
            SUCCEEDS(mmx_prune_files(client, &filter, NULL, NULL, &error), error);
            CHECK(is_listed("prune-forms", 1) && !is_listed("prune-forms", 2));
            filter = (mmx_filter)MMX_FILTER_INIT;
            filter.name_glob = glob;
            SUCCEEDS(mmx_prune_files(client, &filter, NULL, NULL, &error), error);
            CHECK(!is_listed("prune-forms", 1));
            mmx_client_free(client);
            free(file);
            free(glob);
        }
    }
}

/* The plan says of each pattern and each id how many files it keeps, and how many are listed that it would fit. */
static void counts(void) {
    const char *names[] = {"take[1].mp3", "keep-1.mp3", "keep-2.mp3", "young.mp3"};
    mmx_client *client = named("prune-counts", names, 4);
    mmx_error *error = NULL;
    char *json = NULL;
    mmx_filter filter = everything();
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    int64_t ids[] = {1, 42};
    options.flags = MMX_BULK_DRY_RUN;
    filter.keep_glob = "take[1].mp3";
    filter.keep_ids = ids;
    filter.keep_count = 2;
    SUCCEEDS(mmx_prune_files(client, &filter, &options, &json, &error), error);
    assert_json_has(json, "{\"keep_glob\":\"take[1].mp3\",\"kept\":0,\"listed\":0}");
    assert_json_has(json, "{\"keep_id\":1,\"kept\":1,\"listed\":1}");
    assert_json_has(json, "{\"keep_id\":42,\"kept\":0,\"listed\":0}");
    mmx_string_free(json);
    filter.keep_glob = "keep-?.mp3";
    filter.name_glob = "*[!2].mp3";
    SUCCEEDS(mmx_prune_files(client, &filter, &options, &json, &error), error);
    assert_json_has(json, "{\"keep_glob\":\"keep-?.mp3\",\"kept\":1,\"listed\":2}");
    mmx_string_free(json);
    mmx_client_free(client);
}

static char *repeated(const char *text, size_t count, const char *end) {
    char *all = malloc(strlen(text) * count + strlen(end) + 1);
    if (!all) abort();
    *all = 0;
    for (char *at = all; count; count--) at = stpcpy(at, text);
    return strcat(all, end);
}

/* Neither the pattern's length nor the name's may cost stack: a thread may have little of it. */
static void *long_patterns(void *client) {
    char *stars = repeated("*a", 600, "b"), *name = repeated("a", LONG_NAME, "");
    char *classes = repeated("[a-z]", LONG_NAME, "*");
    mmx_error *error = NULL;
    mmx_filter filter = MMX_FILTER_INIT;
    filter.name_glob = stars;
    SUCCEEDS(mmx_prune_files(client, &filter, NULL, NULL, &error), error);
    CHECK(is_listed("prune-long", 1));
    stars[strlen(stars) - 1] = 0;
    filter = everything();
    filter.keep_glob = stars;
    SUCCEEDS(mmx_prune_files(client, &filter, NULL, NULL, &error), error);
    CHECK(is_listed("prune-long", 1));
    filter.keep_glob = classes;
    SUCCEEDS(mmx_prune_files(client, &filter, NULL, NULL, &error), error);
    CHECK(is_listed("prune-long", 1));
    filter.keep_glob = NULL;
    filter.name_glob = name;
    SUCCEEDS(mmx_prune_files(client, &filter, NULL, NULL, &error), error);
    CHECK(!is_listed("prune-long", 1));
    free(stars);
    free(name);
    free(classes);
    return NULL;
}

static void on_a_small_stack(void) {
    char *name = repeated("a", LONG_NAME, "");
    const char *names[] = {name};
    mmx_client *client = named("prune-long", names, 1);
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK_INT(pthread_attr_init(&attributes), 0);
    CHECK_INT(pthread_attr_setstacksize(&attributes, ENOUGH_STACK), 0);
    CHECK_INT(pthread_create(&thread, &attributes, long_patterns, client), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    mmx_client_free(client);
    free(name);
}

/* A file without a name can't be judged by names: no delete is sent. */
static void a_name_that_is_not_known_stops_it(void) {
    const char *names[] = {"a.mp3"};
    mmx_client *client = named("prune-nameless", names, 1);
    script("prune-nameless", "{\"call\": \"list\", \"times\": 3, \"body\": \"{\\\"files\\\":[{\\\"file_id\\\":1,"
                             "\\\"purpose\\\":\\\"voice_clone\\\"}],\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}");
    mmx_error *error = NULL;
    char *json = NULL;
    mmx_filter filter = everything();
    filter.keep_glob = "master-*";
    FAILS(mmx_prune_files(client, &filter, NULL, &json, &error), error, MMX_ERROR_GUARD, "such as 1, and", false);
    assert_json_has(json, "\"matched\":1");
    mmx_string_free(json);
    filter = everything();
    filter.name_glob = "*";
    FAILS(mmx_prune_files(client, &filter, NULL, &json, &error), error, MMX_ERROR_GUARD, "ask for names", false);
    mmx_string_free(json);
    CHECK(is_listed("prune-nameless", 1));
    /* Without a condition on names it goes. */
    filter = everything();
    SUCCEEDS(mmx_prune_files(client, &filter, NULL, NULL, &error), error);
    CHECK(!is_listed("prune-nameless", 1));
    mmx_client_free(client);
}

int main(void) {
    empty_patterns();
    a_name_that_is_not_known_stops_it();
    a_name_in_the_other_normal_form();
    counts();
    on_a_small_stack();
    return 0;
}
