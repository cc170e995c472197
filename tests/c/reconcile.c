/* MMX_CALL_RECONCILE: an upload whose answer was lost is looked for in the list, and is neither sent twice nor guessed. */
#include "files.h"
#include "retry.h"

enum { SIZE = 1000, OLD = 1 /* the id of the file that is there before */, IN_1994 = 784111777 };
enum from { REWINDS, ONCE, PATH };
#define DATE_1994 "'headers':{'Date':'Sun, 06 Nov 1994 08:49:37 GMT'}"
#define NAME "a.mp3"
#define ODD "a\"b\r\n\xe5\xa3\xb0.mp3"

struct upload {
    const char *name, *faults;
    const char *said;          /* in the answer, or in the message of an error */
    long uploads, lists, held; /* requests, and files in the end */
    mmx_status status;
    bool ambiguous, without; /* the flag */
    const char *filename;    /* NULL: NAME */
    const char *before;      /* fields of the file that is there before, other than the uploaded one's; NULL: none is */
    int64_t made_at, made_ago; /* of it; 0: now */
    enum from from;
    int64_t timeout_ms;
};

#define UPLOAD(fault) "{'call':'upload'," fault "}"
#define LIST(fault) "{'call':'list'," fault "}"
#define LOST UPLOAD("'close_before_answer':'rst'")
#define LOST_ASIDE UPLOAD("'close_before_answer':'fin','perform':false")

/* What is told: the service's own answer, the file as the list has it, or that it may be there. */
#define SERVICE "\"base_resp\":{\"status_code\":0"
#define FOUND "\"evidence\":\"list\"}"
#define THE_OLD_ONE "{\"file\":{\"file_id\":1,"
#define LISTED(fields) .before = fields
#define UNSURE(how) .status = how, .ambiguous = true

static const struct upload uploads[] = {
    {"as it should be", "{}", SERVICE, 1, 0, 1, .status = MMX_OK},
    /* Stored, and the answer lost in one way or another: it is found, and not sent again. */
    {"lost", LOST, FOUND, 1, 1, 1, .status = MMX_OK},
    {"lost, fin", UPLOAD("'close_before_answer':'fin'"), FOUND, 1, 1, 1, .status = MMX_OK},
    {"half an answer", UPLOAD("'wrong_length':9"), FOUND, 1, 1, 1, .status = MMX_OK},
    {"trouble", UPLOAD("'code':1013,'perform':true"), FOUND, 1, 1, 1, .status = MMX_OK},
    {"a gateway's limit", UPLOAD("'http_status':504,'perform':true"), FOUND, 1, 1, 1, .status = MMX_OK},
    {"garbage", UPLOAD("'shape':'garbage','perform':true"), FOUND, 1, 1, 1, .status = MMX_OK},
    {"no base_resp", UPLOAD("'shape':'no_base_resp','perform':true"), FOUND, 1, 1, 1, .status = MMX_OK},
    {"lost, of a source that can't go back", LOST, FOUND, 1, 1, 1, .status = MMX_OK, .from = ONCE},
    {"lost, of a path", LOST, FOUND, 1, 1, 1, .status = MMX_OK, .from = PATH},
    {"without the flag", LOST, "; the file may have been stored", 1, 0, 1, UNSURE(MMX_ERROR_NETWORK), .without = true},
    /* Not stored: sent again, where that can be. */
    {"lost before", LOST_ASIDE, SERVICE, 2, 1, 1, .status = MMX_OK},
    {"trouble before", UPLOAD("'code':1013," NOW), SERVICE, 2, 1, 1, .status = MMX_OK},
    {"garbage before", UPLOAD("'shape':'garbage'"), SERVICE, 2, 1, 1, .status = MMX_OK},
    {"lost before, then lost", "[" LOST_ASIDE "," LOST "]", FOUND, 2, 2, 1, .status = MMX_OK},
    {"lost before, of a path", LOST_ASIDE, SERVICE, 2, 1, 1, .status = MMX_OK, .from = PATH},
    {"lost before, of a source that can't go back", LOST_ASIDE,
        "; the list does not show it; not sent again, for what is uploaded can't go back to its start", 1, 1, 0,
        UNSURE(MMX_ERROR_NETWORK), .from = ONCE},
    {"lost before for ever", UPLOAD("'times':-1,'close_before_answer':'rst','perform':false"),
        "; the list does not show it (the last of 4 attempts)", 4, 4, 0, UNSURE(MMX_ERROR_NETWORK)},
    /* The doubt of one attempt outlives what another is refused for. */
    {"lost before, then a bad key", "[" LOST_ASIDE "," UPLOAD("'code':1004") "]", "; the list does not show it", 2, 2,
        0, UNSURE(MMX_ERROR_AUTHENTICATION)},
    {"lost before, then throttled", "[" LOST_ASIDE "," UPLOAD("'times':-1,'code':1002," NOW) "]",
        "(the last of 4 attempts)", 4, 4, 0, UNSURE(MMX_ERROR_RATE_LIMITED)},
    /* Where there is no doubt nothing is looked for. */
    {"refused", UPLOAD("'code':2013"), "2013", 1, 0, 0, .status = MMX_ERROR_INVALID_REQUEST},
    {"throttled", UPLOAD("'code':1039," NOW), SERVICE, 2, 0, 1, .status = MMX_OK},
    /* Another file isn't taken for it. */
    {"an older one", LOST_ASIDE, SERVICE, 2, 1, 2, .status = MMX_OK, LISTED(""), .made_ago = 60},
    {"an older one, and lost", LOST, FOUND, 1, 1, 2, .status = MMX_OK, LISTED(""), .made_ago = 60},
    {"of no time", LOST_ASIDE, SERVICE, 2, 1, 2, .status = MMX_OK, LISTED("'created_at':null,")},
    {"of another size", LOST_ASIDE, SERVICE, 2, 1, 2, .status = MMX_OK, LISTED("'bytes':1001,")},
    {"of another purpose", LOST_ASIDE, SERVICE, 2, 1, 2, .status = MMX_OK, LISTED("'purpose':'prompt_audio',")},
    {"of another name", LOST_ASIDE, SERVICE, 2, 1, 2, .status = MMX_OK, LISTED("'filename':'A.mp3',")},
    /* Two that fit are told, not guessed between. */
    {"two", LOST, "; several files of that name and size were made since: 1, ", 1, 1, 2, UNSURE(MMX_ERROR_NETWORK),
        LISTED("")},
    /* What is new is told by the service's clock. */
    {"another clock", "[" LOST_ASIDE "," LIST(DATE_1994) "]", THE_OLD_ONE, 1, 1, 1, .status = MMX_OK, LISTED(""),
        .made_at = IN_1994},
    {"another clock, an older one", "[" LOST_ASIDE "," LIST(DATE_1994) "]", SERVICE, 2, 1, 2, .status = MMX_OK,
        LISTED(""), .made_at = IN_1994 - 60},
    {"no clock", "[" LOST "," LIST("'headers':{'Date':null}") "]",
        "; the list has no Date header, without which it can't be told", 1, 1, 1, UNSURE(MMX_ERROR_NETWORK)},
    {"a broken clock", "[" LOST "," LIST("'headers':{'Date':'noon'}") "]", "; the list has no Date header", 1, 1, 1,
        UNSURE(MMX_ERROR_NETWORK)},
    /* The list is a call of its own, which may fail. */
    {"the second list", "[" LOST "," LIST("'close_before_answer':'rst'") "]", FOUND, 1, 2, 1, .status = MMX_OK},
    {"no list", "[" LOST "," LIST("'times':-1,'code':1013," NOW) "]",
        "; the list could not settle it: the service answered 1013", 1, 4, 1, UNSURE(MMX_ERROR_NETWORK)},
    {"a list refused", "[" LOST "," LIST("'code':1004") "]",
        "; the list could not settle it: the service answered 1004", 1, 1, 1, UNSURE(MMX_ERROR_NETWORK)},
    {"a list that isn't one", "[" LOST "," LIST("'shape':'files_not_array'") "]",
        "; the list could not settle it: the answer is not what", 1, 1, 1, UNSURE(MMX_ERROR_NETWORK)},
    {"half a list", "[" LOST "," LIST("'shape':'truncated_json'") "]", "; the list could not settle it: ", 1, 1, 1,
        UNSURE(MMX_ERROR_NETWORK)},
    {"a list of strings", "[" LOST "," LIST("'shape':'id_as_string'") "]", FOUND, 1, 1, 1, .status = MMX_OK},
    {"no files", "[" LOST_ASIDE "," LIST("'shape':'files_null'") "]", SERVICE, 2, 1, 1, .status = MMX_OK},
    {"out of time in the list", "[" LOST "," LIST("'hang':true") "]",
        "the time limit of 700 ms passed while looking for the file in the list; before that: the connection broke", 1,
        1, 1, UNSURE(MMX_ERROR_TIMEOUT), .timeout_ms = 700},
    {"out of time before", UPLOAD("'hang':true"), "the time limit of 700 ms passed while waiting for the answer", 1, 0,
        1, UNSURE(MMX_ERROR_TIMEOUT), .timeout_ms = 700},
    /* Names of which the form holds some characters as %22: the service may list them in one form or another. */
    {"an odd name", LOST, FOUND, 1, 1, 1, .status = MMX_OK, .filename = ODD},
    {"an odd name, encoded", LOST_ASIDE, THE_OLD_ONE, 1, 1, 1, .status = MMX_OK, .filename = ODD,
        LISTED("'filename':'a%22b%0D%0A\xe5\xa3\xb0.mp3',")},
    {"an odd name, all encoded", LOST_ASIDE, THE_OLD_ONE, 1, 1, 1, .status = MMX_OK, .filename = ODD,
        LISTED("'filename':'a%22b%0d%0a%e5%a3%b0.mp3',")},
    {"an odd name, an older one", LOST_ASIDE, SERVICE, 2, 1, 2, .status = MMX_OK, .filename = ODD,
        LISTED("'filename':'a%22b%0D%0A\xe5\xa3\xb0.mp3',"), .made_ago = 60},
    {"a name that looks encoded", LOST, FOUND, 1, 1, 1, .status = MMX_OK, .filename = "a%22b%.mp3"},
    {"a name that looks encoded, of a path", LOST, FOUND, 1, 1, 1, .status = MMX_OK, .filename = "a%22b\"c.mp3",
        .from = PATH},
    {"an odd name, spoilt", LOST_ASIDE, "one of them may be this one under another name: 1", 1, 1, 1,
        UNSURE(MMX_ERROR_NETWORK), .filename = ODD, LISTED("'filename':'a_b___.mp3',")},
    {"two odd names", LOST, "; several files of that name and size were made since: 1, ", 1, 1, 2,
        UNSURE(MMX_ERROR_NETWORK), .filename = ODD, LISTED("'filename':'a%22b%0D%0A\xe5\xa3\xb0.mp3',")},
};

/* An account that holds nothing, or one file. */
static void prepare(const char *account_name, const struct upload *it) {
    char *path = format("/control/%s/files", account_name);
    account(account_name, 0);
    free(control("DELETE", path, NULL));
    if (it->before) {
        /* What the row says comes first, and counts. */
        struct {
            const char *name;
            char *field;
        } usual[] = {
            {"'filename'", format("'filename':'" NAME "',")},
            {"'purpose'", format("'purpose':'voice_clone',")},
            {"'bytes'", format("'bytes':%d,", SIZE)},
            {"'created_at'",
                format("'created_at':%" PRId64 ",", it->made_at ? it->made_at : (int64_t)time(NULL) - it->made_ago)},
        };
        char *file = format("[{%s", it->before);
        for (size_t i = 0; i < LENGTH_OF(usual); i++) {
            char *longer = format("%s%s", file, strstr(it->before, usual[i].name) ? "" : usual[i].field);
            free(usual[i].field);
            free(file);
            file = longer;
        }
        char *whole = format("%s'file_id':%d}]", file, OLD);
        for (char *at = whole; (at = strchr(at, '\'')); at++) *at = '"';
        free(control("POST", path, whole));
        free(whole);
        free(file);
    }
    free(path);
    faults(account_name, it->faults);
}

static mmx_status upload(const mmx_client *client, const struct upload *it, const mmx_call_options *options,
    char **answer, mmx_error **error) {
    struct giver giver = {.seed = 1, .gives = SIZE, .piece = SIZE};
    const char *filename = it->filename ? it->filename : NAME;
    if (it->from == PATH) {
        char *path = in_folder(filename);
        mmx_status status = mmx_upload_file(client, path, MMX_PURPOSE_VOICE_CLONE, options, answer, error);
        free(path);
        return status;
    }
    mmx_source source = source_of(&giver, SIZE);
    if (it->from == ONCE) source.rewind = NULL;
    return mmx_upload_stream(client, &source, filename, MMX_PURPOSE_VOICE_CLONE, options, answer, error);
}

static void run(const char *account_name, bool https, const struct upload *it) {
    prepare(account_name, it);
    mmx_client *client = retrying_client_for(account_name, https);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = it->timeout_ms;
    options.flags = it->without ? 0 : MMX_CALL_RECONCILE;
    char *answer = NULL;
    mmx_error *error = NULL;
    mmx_status status = upload(client, it, &options, &answer, &error);
    const char *said = status == MMX_OK ? answer : mmx_error_message(error);
    if (status != it->status) FAIL("%s: %s: %s", it->name, mmx_status_name(status), said);
    if (mmx_error_is_ambiguous(error) != it->ambiguous)
        FAIL("%s: ambiguous isn't %d: %s", it->name, it->ambiguous, said);
    if (!strstr(said, it->said)) FAIL("%s: no \"%s\" in \"%s\"", it->name, it->said, said);
    if ((strstr(said, "; the file may have been stored all the same") != NULL) != it->ambiguous)
        FAIL("%s: %s", it->name, said);
    if (status == MMX_OK && (strstr(said, THE_OLD_ONE) != NULL) != (strcmp(it->said, THE_OLD_ONE) == 0))
        FAIL("%s: another file: %s", it->name, said);
    if (status != MMX_OK) CHECK_INT(mmx_error_attempts(error), it->uploads);
    long uploads = requests(account_name, "upload"), lists = requests(account_name, "list"),
         held = files_of(account_name);
    if (uploads != it->uploads || lists != it->lists)
        FAIL("%s: %ld uploads, %ld lists: %s", it->name, uploads, lists, said);
    if (held != it->held) FAIL("%s: %ld files: %s", it->name, held, said);
    if (status == MMX_OK) {
        mmx_files *files = NULL;
        CHECK_INT(mmx_files_parse(answer, &files, NULL), MMX_OK);
        CHECK_INT(mmx_files_count(files), 1);
        CHECK_INT(mmx_files_get(files, 0)->bytes, SIZE);
        CHECK(holds_file(account_name, mmx_files_get(files, 0)->file_id));
        mmx_files_free(files);
    }
    mmx_string_free(answer);
    mmx_error_free(error);
    mmx_client_free(client);
}

static void in_the_table(size_t number) {
    char *name = format("reconcile-%zu", number);
    run(name, number % 2, &uploads[number / 2]);
    free(name);
}

static void *triggers(void *cancel) {
    count_of("reconcile-cancel", "wait?call=list&count=1");
    mmx_cancel_trigger(cancel);
    return NULL;
}

/* In the middle of the look. */
static void cancelled(void) {
    static const struct upload it = {.faults = "[" LOST "," LIST("'hang':true") "]"};
    pthread_t other;
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_error *error = NULL;
    prepare("reconcile-cancel", &it);
    mmx_client *client = retrying_client_for("reconcile-cancel", false);
    options.flags = MMX_CALL_RECONCILE;
    CHECK_INT(mmx_cancel_new(&options.cancel, NULL), MMX_OK);
    CHECK(pthread_create(&other, NULL, triggers, options.cancel) == 0);
    FAILS(upload(client, &it, &options, NULL, &error), error, MMX_ERROR_CANCELLED,
        "cancelled while looking for the file in the list; before that: ", true);
    pthread_join(other, NULL);
    mmx_cancel_free(options.cancel);
    mmx_client_free(client);
}

int main(void) {
    for (size_t i = 0; i < LENGTH_OF(uploads); i++) {
        if (uploads[i].from != PATH) continue;
        char *path = in_folder(uploads[i].filename ? uploads[i].filename : NAME);
        uint8_t *bytes = made_whole(1, SIZE);
        write_file(path, bytes, SIZE);
        free(bytes);
        free(path);
    }
    at_once(in_the_table, 2 * LENGTH_OF(uploads));
    cancelled();
    remove_folder();
    return 0;
}
