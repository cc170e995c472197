/* Purposes as they are: hyphens, dots, capital letters and words that nobody knows are sent on by every call; what can't be
 * a purpose is refused before sending; and where the service doesn't list by a purpose, the files are chosen here. */
#include "bulk.h"
#include "contract.h"
#include "log.h"

#define LONGEST_PURPOSE "a-0123456789-0123456789-0123456789-0123456789-0123456789-1234567"

static const char *const good[] = {"fine-tune", "fine-tune-result", "role-recognition", "retrieval", "Voice.Clone-2",
    "-", ".", "new_in_2031", LONGEST_PURPOSE};
static const char *const bad[] = {"", " ", "voice clone", "a/b", "a&b", "a=b", "a%2Db", "voice_clone\n", "\t", "\"",
    "\\", "fine\xe2\x80\x93tune", "\xc3\xa9", LONGEST_PURPOSE "8"};

static mmx_status uploads(const mmx_client *client, const char *purpose, mmx_error **error) {
    struct giver giver = {.gives = 3, .piece = 3};
    mmx_source source = source_of(&giver, 3);
    return mmx_upload_stream(client, &source, "a.jsonl", purpose, NULL, NULL, error);
}

static void are_sent(bool https) {
    for (size_t i = 0; i < LENGTH_OF(good); i++) {
        char *name = format("purpose-%zu", i), *path = format("/control/%s/files", name), *body;
        account(name, 0);
        body = format("{\"count\": 6, \"first_id\": 1, \"purpose\": \"%s\"}", good[i]);
        free(control("POST", path, body));
        free(body);
        any_file(name, true);
        long before = files_of(name);
        mmx_client *client = client_for(name, https);
        mmx_error *error = NULL;
        char *json = NULL;
        SUCCEEDS(uploads(client, good[i], &error), error);
        char *part = format("\"purpose\":\"%s\"", good[i]), *query = format("\"query\":\"purpose=%s\"", good[i]);
        assert_journal_holds(name, part, 1);
        SUCCEEDS(mmx_list_files(client, good[i], NULL, &json, &error), error);
        assert_journal_holds(name, query, 1);
        mmx_files *files = NULL;
        SUCCEEDS(mmx_files_parse(json, &files, &error), error);
        CHECK_INT(mmx_files_count(files), 7);
        CHECK_TEXT(mmx_files_get(files, 0)->purpose, good[i]);
        mmx_files_free(files);
        mmx_string_free(json);
        SUCCEEDS(mmx_delete_file(client, 1, good[i], NULL, NULL, &error), error);
        mmx_file_ref refs[] = {{2, good[i]}, {3, good[i]}};
        mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
        options.flags = MMX_BULK_VERIFY;
        SUCCEEDS(mmx_delete_files(client, refs, 2, &options, &json, &error), error);
        assert_json_has(json, "\"still_listed\":[]");
        assert_json_has(json, part);
        mmx_string_free(json);
        mmx_filter filter = MMX_FILTER_INIT;
        filter.purpose = good[i];
        filter.flags = MMX_FILTER_ALL;
        /* Nothing of the purpose is left, and nobody knows it then. */
        SUCCEEDS(mmx_prune_files(client, &filter, &options, &json, &error), error);
        assert_json_has(json, "\"deleted\":4");
        assert_json_has(json, "\"still_listed\":[]");
        mmx_string_free(json);
        CHECK_INT(files_of(name), before - 6);
        body = format("\\\"purpose\\\":\\\"%s\\\"}", good[i]);
        assert_journal_holds(name, body, 7);
        free(body);
        free(part);
        free(query);
        free(path);
        free(name);
        mmx_client_free(client);
    }
}

static void are_refused(void) {
    static const char why[] = "must be 1 to 64 letters, digits, _, - and .";
    account("purpose-bad", 1);
    mmx_client *client = client_for("purpose-bad", false);
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        mmx_error *error = FILLED;
        mmx_filter filter = MMX_FILTER_INIT;
        mmx_file_ref files[] = {{1, "voice_clone"}, {2, bad[i]}};
        filter.purpose = bad[i];
        filter.flags = MMX_FILTER_ALL;
        REFUSES(mmx_list_files(client, bad[i], NULL, NULL, &error), error, "purpose", why);
        REFUSES(mmx_delete_file(client, 1, bad[i], NULL, NULL, &error), error, "purpose", why);
        mmx_status status = uploads(client, bad[i], &error);
        CHECK_HAS(mmx_error_message(error), why);
        CHECK_INT(status, MMX_ERROR_INVALID_ARGUMENT);
        mmx_error_free(error);
        error = FILLED;
        status = mmx_prune_files(client, &filter, NULL, NULL, &error);
        CHECK_HAS(mmx_error_message(error), why);
        CHECK_INT(status, MMX_ERROR_INVALID_ARGUMENT);
        mmx_error_free(error);
        error = NULL;
        FAILS(mmx_delete_files(client, files, 2, NULL, NULL, &error), error, MMX_ERROR_INVALID_ARGUMENT,
            "files[1]: purpose must be 1 to 64", false);
    }
    CHECK_INT(count_of("purpose-bad", "count"), 0);
    mmx_client_free(client);
}

/* Files 1 to 4 as t2a_async, of which 1 and 2 are old; 11 to 14 as voice_clone, likewise. */
static void aged(const char *name) {
    char *path = format("/control/%s/files", name);
    long seconds = (long)time(NULL), ago[] = {9, 8, 1, 0};
    account(name, 0);
    free(control("DELETE", path, NULL));
    for (long i = 0; i < 8; i++) {
        const char *purpose = i < 4 ? "t2a_async" : "voice_clone";
        char *file = format(
            "[{\"file_id\": %ld, \"purpose\": \"%s\", \"created_at\": %ld, \"filename\": \"%ld.mp3\", \"bytes\": 100}]",
            i < 4 ? i + 1 : i + 7, purpose, seconds - ago[i % 4] * 86400, i);
        free(control("POST", path, file));
        free(file);
    }
    free(path);
}

static const char REFUSED[] = "{'call':'list','purpose':'t2a_async','times':-1,%s}";

static void refuses_the_list(const char *name, const char *how) {
    char *fault = format(REFUSED, how);
    aged(name);
    faults(name, fault);
    free(fault);
}

static mmx_filter week(const char *purpose) {
    mmx_filter filter = MMX_FILTER_INIT;
    filter.purpose = purpose;
    filter.older_than_s = 7 * 86400;
    return filter;
}

/* Where it isn't listed by the purpose, all are listed, and the filter applies as if it were. */
static void chosen_here(bool https) {
    static const char *const name = "purpose-list";
    static const char *const refusals[] = {
        "'code':2013", "'code':2013,'http_status':400", "'shape':'new_error','http_status':400,'code':2013"};
    static struct log log;
    for (size_t i = 0; i < LENGTH_OF(refusals); i++) {
        refuses_the_list(name, refusals[i]);
        begin(&log, MMX_LOG_INFO);
        mmx_client *client = logging(name, https, record_event, &log, MMX_LOG_INFO);
        mmx_filter filter = week("t2a_async");
        mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
        mmx_error *error = NULL;
        char *json = NULL;
        /* Guards count the files of the purpose alone. */
        filter.max_percent = 49;
        FAILS(mmx_prune_files(client, &filter, NULL, &json, &error), error, MMX_ERROR_GUARD,
            "2 of 4 files would be deleted", false);
        mmx_string_free(json);
        filter.max_percent = 50;
        filter.keep_glob = "1.mp3";
        options.flags = MMX_BULK_VERIFY;
        SUCCEEDS(mmx_prune_files(client, &filter, &options, &json, &error), error);
        assert_json_has(json, "\"deleted\":1");
        assert_json_has(json, "\"listed\":4");
        assert_json_has(json, "\"matched\":2");
        assert_json_has(json, "\"still_listed\":[]");
        mmx_string_free(json);
        CHECK_INT(requests(name, "delete"), 1);
        CHECK(!holds_file(name, 1) && holds_file(name, 2) && holds_file(name, 11) && holds_file(name, 12));
        int told = 0;
        for (int line = 0; line < log.count; line++) {
            bool is_told = strstr(log.lines[line], "\"event\":\"listing_all\"") != NULL;
            CHECK(log.levels[line] == MMX_LOG_INFO);
            if (is_told) CHECK(strstr(log.lines[line], "\"purpose\":\"t2a_async\""));
            told += is_told;
        }
        CHECK_INT(told, 3);
        empty(&log);
        mmx_client_free(client);
        /* What is left after a bulk delete is looked up in the same way. */
        client = client_for(name, https);
        mmx_file_ref files[] = {{2, "t2a_async"}, {3, "t2a_async"}};
        faults(name, "{'call':'delete','file_id':3,'perform':false}");
        SUCCEEDS(mmx_delete_files(client, files, 2, &options, &json, &error), error);
        assert_json_has(json, "\"still_listed\":[3]");
        mmx_string_free(json);
        mmx_client_free(client);
    }
}

/* Any other failure stays one, and so does a purpose that no file has. */
static void not_chosen(void) {
    static const char *const name = "purpose-unlisted";
    static const struct {
        const char *how, *more;
        mmx_status status;
    } cases[] = {
        {"'code':1004", NULL, MMX_ERROR_AUTHENTICATION},
        {"'code':1008", NULL, MMX_ERROR_QUOTA},
        {"'code':2038", NULL, MMX_ERROR_PERMISSION},
        {"'code':4711", NULL, MMX_ERROR_API},
        {"'http_status':400", NULL, MMX_ERROR_INVALID_REQUEST},
        {"'shape':'truncated_json'", NULL, MMX_ERROR_PROTOCOL},
        {"'code':2013", "{'call':'list','code':1004}", MMX_ERROR_AUTHENTICATION},
        {"'code':2013", "{'call':'list','code':2013}", MMX_ERROR_INVALID_REQUEST},
        {"'code':2013", "{'call':'list','shape':'truncated_json'}", MMX_ERROR_PROTOCOL},
        {"'code':2013", "{'call':'list','headers':{'Date':null}}", MMX_ERROR_PROTOCOL},
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        mmx_filter filter = week("t2a_async");
        mmx_error *error = NULL;
        refuses_the_list(name, cases[i].how);
        if (cases[i].more) faults(name, cases[i].more);
        mmx_client *client = client_for(name, false);
        FAILS(mmx_prune_files(client, &filter, NULL, NULL, &error), error, cases[i].status, "prune_files: ", false);
        CHECK_INT(requests(name, "list"), cases[i].more ? 2 : 1);
        CHECK_INT(requests(name, "delete"), 0);
        mmx_client_free(client);
    }
    aged(name);
    faults(name, "{'call':'list','purpose':'t2a_asinc','code':2013}");
    mmx_client *client = client_for(name, false);
    mmx_filter filter = week("t2a_asinc");
    mmx_error *error = NULL;
    FAILS(mmx_prune_files(client, &filter, NULL, NULL, &error), error, MMX_ERROR_INVALID_REQUEST,
        "did you mean t2a_async?", false);
    mmx_client_free(client);
}

/* An upload whose response was lost is found there, too. */
static void an_upload_is_found(void) {
    static const char *const name = "purpose-reconcile";
    account(name, 0);
    faults(name, "[{'call':'list','purpose':'prompt_audio','times':-1,'code':2013},{'call':'upload','close_before_"
                 "answer':'rst'}]");
    mmx_client *client = retrying_client_for(name, false);
    struct giver giver = {.seed = 7, .gives = 300, .piece = 300};
    mmx_source source = source_of(&giver, 300);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_error *error = NULL;
    char *json = NULL;
    options.flags = MMX_CALL_RECONCILE;
    SUCCEEDS(mmx_upload_stream(client, &source, "a.mp3", "prompt_audio", &options, &json, &error), error);
    CHECK_HAS(json, "\"evidence\":\"list\"");
    CHECK_INT(requests(name, "upload"), 1);
    CHECK_INT(requests(name, "list"), 2);
    mmx_string_free(json);
    mmx_client_free(client);
}

int main(void) {
    for (int https = 0; https < 2; https++) {
        are_sent(https);
        chosen_here(https);
    }
    are_refused();
    not_chosen();
    an_upload_is_found();
    return 0;
}
