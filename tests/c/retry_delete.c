/* A delete goes again by what its error proves, and never lies about the file: what was sent, what was reported, and what
 * the server then holds. */
#include "retry.h"

enum { FILE_ID = 7 };
enum left { STAYS, DONE };
enum sure { CERTAIN, AMBIGUOUS };

struct deletion {
    const char *name, *faults;
    const char *said;        /* in the answer, or in the message of an error */
    long deletes, retrieves; /* requests */
    enum left left;
    mmx_status status;
    int attempts; /* of an error */
    enum sure sure;
    int32_t max_attempts; /* 0: the default, 4 */
    int64_t timeout_ms;
    const char *purpose; /* NULL: the file's own */
};

/* The service's own answer, and what is told in its place when retrieve has settled it. */
#define SERVICE "\"base_resp\":{\"status_code\":0"
#define SETTLED "\"evidence\":\"retrieve\""
#define IN_DOUBT "the file may or may not be there still"
#define STILL_THERE "; the file is still there"
#define UNSETTLED(why) "; retrieve could not settle it: " why

/* Faults of the deletes and of the retrieves. */
#define DELETE(fault) "{'call':'delete'," fault "}"
#define RETRIEVE(fault) "{'call':'retrieve'," fault "}"
#define LOST DELETE("'close_before_answer':'fin'")
#define LOST_ASIDE DELETE("'close_before_answer':'rst','perform':false")
#define GARBLED DELETE("'shape':'garbage','perform':true")
#define BODY(text) "'body':'{" text "}'"

/* How it ends. */
#define WELL .status = MMX_OK
#define FAILS(how, after) .status = how, .attempts = after
#define UNSURE(how, after) .status = how, .attempts = after, .sure = AMBIGUOUS

static const struct deletion deletions[] = {
    {"as it should be", "{}", SERVICE, 1, 0, DONE, WELL},
    /* Sent, no answer, carried out: the next one is refused, and retrieve tells why. */
    {"lost, fin", LOST, SETTLED, 2, 1, DONE, WELL},
    {"lost, rst", DELETE("'close_before_answer':'rst'"), SETTLED, 2, 1, DONE, WELL},
    {"half a head, fin", DELETE("'cut_after':30"), SETTLED, 2, 1, DONE, WELL},
    {"half a head, rst", DELETE("'cut_after':30,'close':'rst'"), SETTLED, 2, 1, DONE, WELL},
    {"half a body, fin", DELETE("'wrong_length':9," NOW), SETTLED, 2, 1, DONE, WELL},
    {"half a body, rst", DELETE("'wrong_length':9,'close':'rst'," NOW), SETTLED, 2, 1, DONE, WELL},
    /* Not carried out: the next one does it. */
    {"lost before, fin", DELETE("'close_before_answer':'fin','perform':false"), SERVICE, 2, 0, DONE, WELL},
    {"lost before, rst", LOST_ASIDE, SERVICE, 2, 0, DONE, WELL},
    {"half a head before", DELETE("'cut_after':30,'perform':false"), SERVICE, 2, 0, DONE, WELL},
    {"lost before, then lost", "[" LOST_ASIDE "," LOST "]", SETTLED, 3, 1, DONE, WELL},
    /* However often. */
    {"all lost", DELETE("'times':-1,'close_before_answer':'fin','perform':false"),
        "(the last of 4 attempts)" STILL_THERE, 4, 1, STAYS, FAILS(MMX_ERROR_NETWORK, 4)},
    {"all lost, the first done", "[" LOST "," DELETE("'times':-1,'close_before_answer':'rst'") "]", SETTLED, 4, 1, DONE,
        WELL},
    {"all lost, the last done", "[" DELETE("'times':3,'close_before_answer':'rst','perform':false") "," LOST "]",
        SETTLED, 4, 1, DONE, WELL},
    {"two, both lost", "[" LOST_ASIDE "," LOST "]", SETTLED, 2, 1, DONE, .max_attempts = 2},
    {"one, lost", LOST, IN_DOUBT, 1, 0, DONE, UNSURE(MMX_ERROR_NETWORK, 1), .max_attempts = 1},
    {"one, lost before", LOST_ASIDE, IN_DOUBT, 1, 0, STAYS, UNSURE(MMX_ERROR_NETWORK, 1), .max_attempts = 1},
    {"one, half a body", DELETE("'wrong_length':9"), IN_DOUBT, 1, 0, DONE, UNSURE(MMX_ERROR_NETWORK, 1),
        .max_attempts = 1},
    {"one, garbage", GARBLED, IN_DOUBT, 1, 0, DONE, UNSURE(MMX_ERROR_PROTOCOL, 1), .max_attempts = 1},
    /* The doubt of a lost one outlives answers that bring none of their own. */
    {"lost, then throttled",
        "[" DELETE("'code':1013,'perform':true," NOW) "," DELETE("'times':-1,'code':1002," NOW) "]", SETTLED, 4, 1,
        DONE, WELL},
    {"lost before, then throttled", "[" DELETE("'code':1013," NOW) "," DELETE("'times':-1,'code':1002," NOW) "]",
        "1002", 4, 1, STAYS, FAILS(MMX_ERROR_RATE_LIMITED, 4)},
    {"lost, then a bad key", "[" LOST "," DELETE("'times':-1,'code':1004") "," RETRIEVE("'times':-1,'code':1004") "]",
        UNSETTLED("the service answered 1004"), 2, 1, DONE, UNSURE(MMX_ERROR_AUTHENTICATION, 2)},
    /* What can't be believed isn't asked for again: retrieve tells at once. Still there: deleted again. */
    {"garbage", GARBLED, SETTLED, 1, 1, DONE, WELL},
    {"garbage before", DELETE("'shape':'garbage'"), SERVICE, 2, 1, DONE, WELL},
    {"another id", DELETE("'shape':'other_id','perform':true"), SETTLED, 1, 1, DONE, WELL},
    {"another id before", DELETE("'shape':'other_id'"), SERVICE, 2, 1, DONE, WELL},
    {"no base_resp", DELETE("'shape':'no_base_resp','perform':true"), SETTLED, 1, 1, DONE, WELL},
    {"half the JSON", DELETE("'shape':'truncated_json','perform':true"), SETTLED, 1, 1, DONE, WELL},
    {"nothing", DELETE("'shape':'empty'"), SERVICE, 2, 1, DONE, WELL},
    {"garbage for ever", DELETE("'times':-1,'shape':'garbage'"), STILL_THERE, 4, 4, STAYS,
        FAILS(MMX_ERROR_PROTOCOL, 4)},
    {"a redirect", DELETE("'shape':'redirect'"), "a redirect", 1, 0, STAYS, FAILS(MMX_ERROR_HTTP, 1)},
    /* A refusal of a file that is there, after a lost one, is one of the file. */
    {"lost before, then refused", "[" LOST_ASIDE "," DELETE("'code':2013") "]", SERVICE, 3, 1, DONE, WELL},
    {"lost before, refused for ever", "[" LOST_ASIDE "," DELETE("'times':-1,'code':1008") "]", "1008", 3, 1, STAYS,
        FAILS(MMX_ERROR_QUOTA, 3)},
    {"lost, of another purpose", LOST, "the file is there, but its purpose is voice_clone, not prompt_audio; ", 3, 2,
        STAYS, FAILS(MMX_ERROR_INVALID_REQUEST, 3), .purpose = "prompt_audio"},
    {"of another purpose", "{}", "the file is there, but its purpose is voice_clone, not prompt_audio; ", 1, 1, STAYS,
        FAILS(MMX_ERROR_INVALID_REQUEST, 1), .purpose = "prompt_audio"},
    /* Gone is what retrieve refuses by a code that is about the id. */
    {"gone: a new code", "[" GARBLED "," RETRIEVE("'code':4711") "]", SETTLED, 1, 1, DONE, WELL},
    {"gone: with HTTP 404", "[" GARBLED "," RETRIEVE("'code':2013,'http_status':404") "]", SETTLED, 1, 1, DONE, WELL},
    {"gone: with HTTP 500", "[" GARBLED "," RETRIEVE("'code':2013,'http_status':500") "]", SETTLED, 1, 1, DONE, WELL},
    {"gone: the newer shape", "[" GARBLED "," RETRIEVE("'shape':'new_error','http_status':404,'code':2013") "]",
        SETTLED, 1, 1, DONE, WELL},
    {"gone: at the second look", "[" GARBLED "," RETRIEVE("'close_before_answer':'rst'") "]", SETTLED, 1, 2, DONE,
        WELL},
    {"gone: at the fourth look", "[" GARBLED "," RETRIEVE("'times':3,'code':1002," NOW) "]", SETTLED, 1, 4, DONE, WELL},
    {"there: at the third look", "[" DELETE("'shape':'garbage'") "," RETRIEVE("'times':2,'http_status':503," NOW) "]",
        SERVICE, 2, 3, DONE, WELL},
    /* Anything else leaves it open. */
    {"unknown: a bare 404", "[" GARBLED "," RETRIEVE("'shape':'text_404'") "]", UNSETTLED("the answer is plain text"),
        1, 1, DONE, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: a 404 of the API",
        "[" GARBLED "," RETRIEVE("'http_status':404," BODY("\\'error\\':{\\'message\\':\\'no such file\\'}")) "]",
        UNSETTLED("the service says \"no such file\""), 1, 1, DONE, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: a bad key", "[" GARBLED "," RETRIEVE("'code':1004") "]", UNSETTLED("the service answered 1004"), 1, 1,
        DONE, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: HTTP 403", "[" GARBLED "," RETRIEVE("'http_status':403") "]", UNSETTLED(""), 1, 1, DONE,
        UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: the balance", "[" GARBLED "," RETRIEVE("'code':1008") "]", UNSETTLED("the service answered 1008"), 1, 1,
        DONE, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: no access", "[" GARBLED "," RETRIEVE("'code':2038") "]", UNSETTLED("the service answered 2038"), 1, 1,
        DONE, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: throttled", "[" GARBLED "," RETRIEVE("'times':-1,'code':1039," NOW) "]",
        UNSETTLED("the service answered 1039"), 1, 4, DONE, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: in trouble", "[" GARBLED "," RETRIEVE("'times':-1,'code':1013," NOW) "]",
        UNSETTLED("the service answered 1013"), 1, 4, DONE, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: out of time", "[" GARBLED "," RETRIEVE("'times':-1,'code':1001," NOW) "]",
        UNSETTLED("the service answered 1001"), 1, 4, DONE, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: a gateway", "[" GARBLED "," RETRIEVE("'times':-1,'shape':'html_502'," NOW) "]",
        UNSETTLED("the answer is an HTML page"), 1, 4, DONE, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: another file", "[" DELETE("'shape':'garbage'") "," RETRIEVE("'shape':'other_id'") "]",
        UNSETTLED("the answer is about file_id 6, not about 7"), 1, 1, STAYS, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: another answer", "[" GARBLED "," RETRIEVE("'code':0") "]", UNSETTLED("the answer is not what"), 1, 1,
        DONE, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: garbage", "[" GARBLED "," RETRIEVE("'shape':'garbage'") "]", UNSETTLED("the answer of 127.0.0.1:"), 1, 1,
        DONE, UNSURE(MMX_ERROR_PROTOCOL, 1)},
    {"unknown: lost", "[" LOST "," RETRIEVE("'times':-1,'close_before_answer':'fin'") "]",
        UNSETTLED("the connection broke"), 2, 4, DONE, UNSURE(MMX_ERROR_INVALID_REQUEST, 2)},
    {"unknown says so", "[" LOST "," RETRIEVE("'code':1004") "]", IN_DOUBT, 2, 1, DONE,
        UNSURE(MMX_ERROR_INVALID_REQUEST, 2)},
    /* One limit over all of it. */
    {"limit: in a later attempt", "[" DELETE("'code':1013," NOW) "," DELETE("'hang':true") "]",
        "passed while waiting for the answer", 2, 0, DONE, UNSURE(MMX_ERROR_TIMEOUT, 2), .timeout_ms = 700},
    {"limit: in settling", "[" GARBLED "," RETRIEVE("'hang':true") "]", IN_DOUBT, 1, 1, DONE,
        UNSURE(MMX_ERROR_TIMEOUT, 1), .timeout_ms = 700},
    {"limit: before a wait, done", DELETE("'code':1013,'perform':true,'headers':{'Retry-After':'20'}"), SETTLED, 1, 1,
        DONE, .timeout_ms = 15000},
    {"limit: before a wait", DELETE("'code':1013,'headers':{'Retry-After':'20'}"),
        "; the time limit leaves no room for another attempt" STILL_THERE, 1, 1, STAYS, FAILS(MMX_ERROR_SERVER, 1),
        .timeout_ms = 15000},
    {"a wait too long, done", DELETE("'code':1013,'perform':true,'headers':{'Retry-After':'61'}"), SETTLED, 1, 1, DONE,
        WELL},
    {"a wait too long", DELETE("'http_status':503,'headers':{'Retry-After':'61'}"),
        "; that wait is left to the caller" STILL_THERE, 1, 1, STAYS, FAILS(MMX_ERROR_SERVER, 1)},
};

/* One delete, with all that must come of it. */
static void run(const char *account_name, bool https, const struct deletion *it) {
    mmx_call_options options;
    mmx_client *client =
        client_with_faults(account_name, https, it->faults, FILE_ID, it->max_attempts, it->timeout_ms, &options);
    char *answer = NULL;
    mmx_error *error = NULL;
    const char *purpose = it->purpose ? it->purpose : MMX_PURPOSE_VOICE_CLONE;
    mmx_status status = mmx_delete_file(client, FILE_ID, purpose, &options, &answer, &error);
    const char *said = status == MMX_OK ? answer : mmx_error_message(error);
    if (status != it->status) FAIL("%s: %s: %s", it->name, mmx_status_name(status), said);
    if (mmx_error_is_ambiguous(error) != it->sure) FAIL("%s: ambiguous isn't %d: %s", it->name, it->sure, said);
    if (mmx_error_attempts(error) != it->attempts)
        FAIL("%s: %d attempts: %s", it->name, mmx_error_attempts(error), said);
    if (!strstr(said, it->said)) FAIL("%s: no \"%s\" in \"%s\"", it->name, it->said, said);
    if (status == MMX_OK && !strstr(said, "\"file_id\":7")) FAIL("%s: of which file? %s", it->name, said);
    if (status != MMX_OK && (strstr(said, IN_DOUBT) != NULL) != it->sure)
        FAIL("%s: ambiguous, or not: %s", it->name, said);
    long deletes = requests(account_name, "delete"), retrieves = requests(account_name, "retrieve");
    if (deletes != it->deletes || retrieves != it->retrieves)
        FAIL("%s: %ld deletes, %ld retrieves: %s", it->name, deletes, retrieves, said);
    if (count_of(account_name, "count?call=delete&performed=1") != it->left)
        FAIL("%s: not carried out as it should be: %s", it->name, said);
    if (holds_file(account_name, FILE_ID) == (it->left == DONE))
        FAIL("%s: the file isn't as it should be: %s", it->name, said);
    mmx_string_free(answer);
    mmx_error_free(error);
    mmx_client_free(client);
}

static void in_the_table(size_t number) {
    char *name = format("retry-delete-%zu", number);
    run(name, number % 2, &deletions[number / 2]);
    free(name);
}

/* Each answer once in place of a delete, and once after one that was carried out. */
static void answered(size_t number) {
    size_t at = number / 4;
    bool done = number / 2 % 2;
    if (done && !answers[at].in_doubt) return;
    char *name = format("retry-answer-%zu", number);
    char *fault = format(DELETE("'perform':%s,%s," NOW), done ? "true" : "false", answers[at].fault);
    /* A refusal that may be due to the file's not being there is looked into. */
    long looks = strstr(answers[at].fault, "'code':2013") || answers[at].status == MMX_ERROR_NOT_FOUND;
    struct deletion expected = {fault, fault, SERVICE, 2, 0, DONE, WELL};
    if (done) expected.said = SETTLED, expected.retrieves = 1;
    if (!answers[at].again) {
        expected = (struct deletion){fault, fault, "delete_file: ", 1, looks, STAYS, FAILS(answers[at].status, 1)};
    }
    run(name, number % 2, &expected);
    /* The last word where there is no other attempt. */
    expected = (struct deletion){fault, fault, "delete_file: ", 1, looks, done ? DONE : STAYS,
        FAILS(answers[at].status, 1), .sure = answers[at].in_doubt ? AMBIGUOUS : CERTAIN, .max_attempts = 1};
    run(name, number % 2, &expected);
    free(fault);
    free(name);
}

/* A cancel while the call waits, or settles. */
static const struct {
    const char *faults, *until, *said;
    enum sure sure;
} cancels[] = {
    {DELETE("'code':1013,'perform':true,'headers':{'Retry-After':'30'}"), "wait?count=1",
        "cancelled while waiting to try again; before that: the service answered 1013", AMBIGUOUS},
    {DELETE("'code':1002,'headers':{'Retry-After':'30'}"), "wait?count=1",
        "cancelled while waiting to try again; before that: the service answered 1002", CERTAIN},
    {"[" GARBLED "," RETRIEVE("'hang':true") "]", "wait?call=retrieve&count=1",
        "cancelled while asking 127.0.0.1:", AMBIGUOUS},
    {"[" GARBLED "," RETRIEVE("'code':1013,'headers':{'Retry-After':'30'}") "]", "wait?call=retrieve&count=1",
        "cancelled while waiting to try again", AMBIGUOUS},
};

struct trigger {
    const char *account, *until;
    mmx_cancel *cancel;
};

static void *triggers(void *given) {
    const struct trigger *when = given;
    count_of(when->account, when->until);
    /* So that it is heard in the wait rather than before it, which would be as right. */
    usleep(100000);
    mmx_cancel_trigger(when->cancel);
    return NULL;
}

static void cancelled(size_t number) {
    size_t at = number / 2;
    char *name = format("retry-cancel-%zu", number);
    account(name, FILE_ID);
    faults(name, cancels[at].faults);
    mmx_client *client = retrying_client_for(name, number % 2);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    CHECK_INT(mmx_cancel_new(&options.cancel, NULL), MMX_OK);
    struct trigger when = {name, cancels[at].until, options.cancel};
    pthread_t other;
    CHECK(pthread_create(&other, NULL, triggers, &when) == 0);
    mmx_error *error = NULL;
    int64_t began = now_ms();
    CHECK_INT(mmx_delete_file(client, FILE_ID, MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error), MMX_ERROR_CANCELLED);
    CHECK(now_ms() - began < 15000);
    CHECK_HAS(mmx_error_message(error), cancels[at].said);
    CHECK_INT(mmx_error_is_ambiguous(error), cancels[at].sure);
    CHECK_INT(mmx_error_attempts(error), 1);
    pthread_join(other, NULL);
    mmx_error_free(error);
    mmx_cancel_free(options.cancel);
    mmx_client_free(client);
    free(name);
}

/* Alone, and until the server has closed: nobody may be given a connection that is about to end. */
static void answered_then_closed(void) {
    const struct deletion expected = {
        "answered, then closed", DELETE("'close_after_answer':'fin'"), SERVICE, 1, 0, DONE, WELL};
    for (int https = 0; https < 2; https++) {
        run("retry-closed", https, &expected);
        count_of("retry-closed", "wait?open=0");
    }
}

int main(void) {
    answered_then_closed();
    at_once(in_the_table, 2 * LENGTH_OF(deletions));
    at_once(answered, 4 * LENGTH_OF(answers));
    at_once(cancelled, 2 * LENGTH_OF(cancels));
    return 0;
}
