/* Deletes of files that aren't there, or are there under another purpose: what is said of them, by a single call and in
 * bulk, and what MMX_CALL_MISSING_OK makes of it. */
#include "bulk.h"
#include "contract.h"
#include "log.h"

#define DELETE(fault) "{'call':'delete'," fault "}"
#define RETRIEVE(fault) "{'call':'retrieve'," fault "}"
#define DOES_NOT_KNOW                                                                                                  \
    "delete_file: the service doesn't know the file 99, as retrieve shows; it was deleted before, or its id is of "    \
    "another account; the service answered 2013 "
#define OTHER_PURPOSE "the file is there, but its purpose is voice_clone, not prompt_audio; the service answered 2013"
#define UNSETTLED "; retrieve could not settle it: "

/* Files 1 to 9 are there, as voice_clone. */
struct deletion {
    const char *name, *faults;
    int64_t file_id;
    const char *purpose;
    mmx_status plain, missing_ok; /* without the flag, and with it */
    const char *said;             /* in the message of an error */
    long retrieves;               /* with the flag */
    int api_code;
};

#define VOICE "voice_clone"
#define WRONG "prompt_audio"
#define BOTH(status) status, status

static const struct deletion deletions[] = {
    {"there", "{}", 7, VOICE, BOTH(MMX_OK), "", 0, 0},
    {"absent", "{}", 99, VOICE, MMX_ERROR_NOT_FOUND, MMX_OK, DOES_NOT_KNOW "\"invalid params, file not exist\"", 1,
        2013},
    {"absent, by any purpose", "{}", 99, WRONG, MMX_ERROR_NOT_FOUND, MMX_OK, DOES_NOT_KNOW, 1, 2013},
    {"absent, with HTTP 404",
        "[" DELETE("'code':2013,'http_status':404") "," RETRIEVE("'code':2013,'http_status':404") "]", 99, VOICE,
        MMX_ERROR_NOT_FOUND, MMX_OK, "doesn't know the file 99", 1, 2013},
    {"absent, the newer shape",
        "[" DELETE("'shape':'new_error','http_status':400,'code':2013") "," RETRIEVE(
            "'shape':'new_error','http_status':400,'code':2013") "]",
        99, VOICE, MMX_ERROR_NOT_FOUND, MMX_OK, "doesn't know the file 99", 1, 2013},
    {"absent, at the third lookup", RETRIEVE("'times':2,'code':1013," NOW), 99, VOICE, MMX_ERROR_NOT_FOUND, MMX_OK,
        DOES_NOT_KNOW, 3, 2013},
    /* Nothing but a lookup proves it. */
    {"the lookup: a bad key", RETRIEVE("'code':1004"), 99, VOICE, BOTH(MMX_ERROR_INVALID_REQUEST),
        UNSETTLED "the service answered 1004", 1, 2013},
    {"the lookup: the balance", RETRIEVE("'code':1008"), 99, VOICE, BOTH(MMX_ERROR_INVALID_REQUEST), UNSETTLED, 1,
        2013},
    {"the lookup: no access", RETRIEVE("'code':2038"), 99, VOICE, BOTH(MMX_ERROR_INVALID_REQUEST), UNSETTLED, 1, 2013},
    {"the lookup: throttled", RETRIEVE("'code':1002,'times':-1," NOW), 99, VOICE, BOTH(MMX_ERROR_INVALID_REQUEST),
        UNSETTLED, 4, 2013},
    {"the lookup: out of order", RETRIEVE("'code':1013,'times':-1," NOW), 99, VOICE, BOTH(MMX_ERROR_INVALID_REQUEST),
        UNSETTLED, 4, 2013},
    {"the lookup: a page", RETRIEVE("'http_status':404,'content_type':'text/html','body':'<html>nginx</html>'"), 99,
        VOICE, BOTH(MMX_ERROR_INVALID_REQUEST), UNSETTLED, 1, 2013},
    {"the lookup: a bare 404", RETRIEVE("'shape':'text_404'"), 99, VOICE, BOTH(MMX_ERROR_INVALID_REQUEST), UNSETTLED, 1,
        2013},
    {"the lookup: lost", RETRIEVE("'close_before_answer':'rst','times':-1"), 99, VOICE, BOTH(MMX_ERROR_INVALID_REQUEST),
        UNSETTLED, 4, 2013},
    {"the lookup: another file", RETRIEVE("'shape':'other_id'"), 7, WRONG, BOTH(MMX_ERROR_INVALID_REQUEST), UNSETTLED,
        1, 2013},
    /* There, and refused. */
    {"of another purpose", "{}", 7, WRONG, BOTH(MMX_ERROR_INVALID_REQUEST), OTHER_PURPOSE, 1, 2013},
    {"of a new purpose",
        RETRIEVE("'body':'{\\'file\\':{\\'file_id\\':7,\\'purpose\\':\\'fine-tune-result\\'},\\'base_resp\\':{\\'"
                 "status_code\\':0}}'"),
        7, WRONG, BOTH(MMX_ERROR_INVALID_REQUEST), "its purpose is fine-tune-result, not prompt_audio", 1, 2013},
    {"of a purpose that isn't said",
        RETRIEVE("'body':'{\\'file\\':{\\'file_id\\':7},\\'base_resp\\':{\\'status_code\\':0}}'"), 7, WRONG,
        BOTH(MMX_ERROR_INVALID_REQUEST), "delete_file: the service answered 2013", 1, 2013},
    {"of the key as a purpose",
        RETRIEVE("'body':'{\\'file\\':{\\'file_id\\':7,\\'purpose\\':\\'sk-api-sandbox\\'},\\'base_resp\\':{\\'status_"
                 "code\\':0}}'"),
        7, WRONG, BOTH(MMX_ERROR_INVALID_REQUEST), "its purpose is ", 1, 2013},
    {"of its own purpose", DELETE("'code':2013"), 7, VOICE, BOTH(MMX_ERROR_INVALID_REQUEST),
        "delete_file: the service answered 2013", 1, 2013},
    {"rejected", DELETE("'code':1026"), 7, VOICE, BOTH(MMX_ERROR_CONTENT_REJECTED), "1026", 1, 1026},
    /* What has nothing to do with the file. */
    {"a bad key", DELETE("'code':1004"), 99, VOICE, BOTH(MMX_ERROR_AUTHENTICATION), "1004", 0, 1004},
    {"no balance", DELETE("'code':1008"), 99, VOICE, BOTH(MMX_ERROR_QUOTA), "1008", 0, 1008},
    {"no access", DELETE("'code':2038"), 99, VOICE, BOTH(MMX_ERROR_PERMISSION), "2038", 0, 2038},
    {"a gateway's 404", DELETE("'http_status':404,'content_type':'text/html','body':'<html>nginx</html>'"), 99, VOICE,
        BOTH(MMX_ERROR_HTTP), "404", 0, 0},
    {"a code of its own", DELETE("'code':4711"), 99, VOICE, MMX_ERROR_API, MMX_OK, "the service answered 4711", 1,
        4711},
};

static void one(size_t number) {
    const struct deletion *it = &deletions[number / 4];
    bool https = number % 2, missing_ok = number / 2 % 2;
    char *name = format("absent-%zu", number);
    account(name, 9);
    faults(name, it->faults);
    mmx_client *client = retrying_client_for(name, https);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.flags = missing_ok ? MMX_CALL_MISSING_OK : 0;
    char *json = NULL;
    mmx_error *error = NULL;
    mmx_status status = mmx_delete_file(client, it->file_id, it->purpose, &options, &json, &error),
               expected = missing_ok ? it->missing_ok : it->plain;
    if (status != expected)
        FAIL("%s, flag %d: %s: %s", it->name, missing_ok, mmx_status_name(status), mmx_error_message(error));
    CHECK(!mmx_error_is_ambiguous(error));
    if (status == MMX_OK && it->plain != MMX_OK) {
        CHECK_TEXT(json, "{\"evidence\":\"retrieve\",\"file_id\":99}");
    } else if (status != MMX_OK) {
        CHECK_INT(mmx_error_api_code(error), it->api_code);
        CHECK_HAS(mmx_error_message(error), it->said);
        CHECK(!strstr(mmx_error_message(error), setting("MMX_TEST_KEY")));
        CHECK(strstr(it->said, "its purpose is") || !strstr(mmx_error_message(error), "its purpose is"));
        CHECK(json == NULL);
    }
    long retrieves = requests(name, "retrieve");
    /* A code that isn't known for absent files is looked into only where it matters. */
    bool looks = missing_ok || it->api_code == 2013;
    if (retrieves != (looks ? it->retrieves : 0)) FAIL("%s, flag %d: %ld retrieves", it->name, missing_ok, retrieves);
    CHECK_INT(requests(name, "delete"), 1);
    CHECK(holds_file(name, 7) == (it->plain != MMX_OK));
    mmx_string_free(json);
    mmx_error_free(error);
    mmx_client_free(client);
    free(name);
}

/* The second delete of a file is the commonest case of all. */
static void twice(void) {
    account("absent-twice", 3);
    mmx_client *client = client_for("absent-twice", false);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_error *error = NULL;
    options.flags = MMX_CALL_MISSING_OK;
    assert_deletes(client, 1);
    FAILS(mmx_delete_file(client, 1, VOICE, NULL, NULL, &error), error, MMX_ERROR_NOT_FOUND,
        "the service doesn't know the file 1, as retrieve shows", false);
    SUCCEEDS(mmx_delete_file(client, 1, VOICE, &options, NULL, &error), error);
    SUCCEEDS(mmx_delete_file(client, 2, VOICE, &options, NULL, &error), error);
    CHECK_INT(count_of("absent-twice", "count?performed=1&call=delete"), 2);
    mmx_client_free(client);
}

/* The flag is one of deletes alone. */
static void only_for_deletes(void) {
    account("absent-flag", 1);
    mmx_client *client = client_for("absent-flag", false);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    struct giver giver = {.gives = 1, .piece = 1};
    struct taker taker = {0};
    mmx_source source = source_of(&giver, 1);
    mmx_sink sink = sink_to(&taker);
    mmx_error *error = FILLED;
    options.flags = MMX_CALL_MISSING_OK;
    REFUSES(mmx_list_files(client, NULL, &options, NULL, &error), error, "options.flags", "does not know");
    REFUSES(mmx_retrieve_file(client, 1, &options, NULL, &error), error, "options.flags", "does not know");
    REFUSES(mmx_upload_stream(client, &source, "a.mp3", VOICE, &options, NULL, &error), error, "options.flags",
        "does not know");
    REFUSES(mmx_download_stream(client, 1, &sink, &options, NULL, &error), error, "options.flags", "does not know");
    options.flags |= MMX_CALL_RECONCILE;
    REFUSES(mmx_delete_file(client, 1, VOICE, &options, NULL, &error), error, "options.flags", "(0x1)");
    CHECK_INT(count_of("absent-flag", "count"), 0);
    mmx_client_free(client);
}

static int32_t says_the_purpose(struct tally *tally, const mmx_outcome *outcome) {
    (void)tally;
    if (outcome->outcome == MMX_OUTCOME_DELETED) return 0;
    CHECK_INT(outcome->outcome, MMX_OUTCOME_FAILED);
    CHECK_INT(mmx_error_status(outcome->error), MMX_ERROR_INVALID_REQUEST);
    CHECK_INT(mmx_error_api_code(outcome->error), 2013);
    CHECK_HAS(mmx_error_message(outcome->error),
        "delete_files: the file is there, but its purpose is prompt_audio, not voice_clone; ");
    return 0;
}

/* Files of another purpose among others: each is told of, few and many, where the rest is settled by a list. */
static void wrong_purposes(void) {
    enum { MANY = 150 };
    for (int many = 0; many < 2; many++) {
        size_t wrong = many ? MANY : 3, count = wrong + 20;
        account("absent-purpose", 0);
        free(control("DELETE", "/control/absent-purpose/files", NULL));
        char *files = format("{\"count\": %zu, \"first_id\": 1, \"purpose\": \"prompt_audio\"}", wrong);
        free(control("POST", "/control/absent-purpose/files", files));
        free(files);
        files = format("{\"count\": 20, \"first_id\": %zu, \"purpose\": \"voice_clone\"}", wrong + 1);
        free(control("POST", "/control/absent-purpose/files", files));
        free(files);
        mmx_client *client = retrying_client_for("absent-purpose", false);
        mmx_file_ref *all = refs(count);
        struct tally tally = tally_of(all, count);
        tally.then = says_the_purpose;
        mmx_bulk_options options = recording_options(&tally);
        mmx_error *error = NULL;
        FAILS(mmx_delete_files(client, all, count, &options, NULL, &error), error, MMX_ERROR_PARTIAL, "failed", false);
        CHECK_INT(tally.of[MMX_OUTCOME_FAILED], wrong);
        CHECK_INT(tally.of[MMX_OUTCOME_DELETED], 20);
        CHECK_INT(files_of("absent-purpose"), wrong);
        tally_free(&tally);
        free(all);
        mmx_client_free(client);
    }
}

struct counted {
    atomic_int levels[5];
    char worst[LONGEST];
};

static void counts(void *user_data, int32_t level, const char *line) {
    struct counted *counted = user_data;
    check_object(line);
    /* Fields that say nothing are left out. */
    if (strstr(line, "\"api_code\":0") || strstr(line, "\"trace_id\":\"\"") || strstr(line, "\"http_status\":0"))
        FAIL("an empty field: %s", line);
    atomic_fetch_add(&counted->levels[level], 1);
    if (level <= MMX_LOG_WARN) snprintf(counted->worst, sizeof counted->worst, "%s", line);
}

/* Each is asked for once and looked up at most once, and none of it is worth a warning. */
static void thousands(void) {
    enum { COUNT = 3000, THERE = 10 };
    static struct counted counted;
    account("absent-many", THERE);
    mmx_client *client = logging("absent-many", false, counts, &counted, MMX_LOG_DEBUG);
    mmx_file_ref *files = refs(COUNT);
    struct tally tally = tally_of(files, COUNT);
    mmx_bulk_options options = recording_options(&tally);
    mmx_error *error = NULL;
    SUCCEEDS(mmx_delete_files(client, files, COUNT, &options, NULL, &error), error);
    assert_agrees_with_server("absent-many", &tally, THERE);
    CHECK_INT(tally.of[MMX_OUTCOME_DELETED], THERE);
    CHECK_INT(tally.of[MMX_OUTCOME_ALREADY_ABSENT], COUNT - THERE);
    CHECK_INT(requests("absent-many", "delete"), COUNT);
    CHECK(requests("absent-many", "retrieve") <= COUNT - THERE && requests("absent-many", "list") <= 2);
    if (counted.levels[MMX_LOG_ERROR] + counted.levels[MMX_LOG_WARN] > 0) FAIL("a warning: %s", counted.worst);
    CHECK(counted.levels[MMX_LOG_DEBUG] >= COUNT);
    /* One that is already absent for a single call, too. */
    mmx_call_options single = MMX_CALL_OPTIONS_INIT;
    single.flags = MMX_CALL_MISSING_OK;
    SUCCEEDS(mmx_delete_file(client, 1, VOICE, &single, NULL, &error), error);
    if (counted.levels[MMX_LOG_ERROR] + counted.levels[MMX_LOG_WARN] > 0) FAIL("a warning: %s", counted.worst);
    tally_free(&tally);
    free(files);
    mmx_client_free(client);
}

int main(void) {
    at_once(one, 4 * LENGTH_OF(deletions));
    twice();
    only_for_deletes();
    wrong_purposes();
    thousands();
    return 0;
}
