/* How long a call waits before it goes again, what ends that, and how often all calls of a client may. Waits are read in
 * the log and then cut short, so that this takes no longer than it has to. */
#include "retry.h"

/* What the log tells of one call's waits. */
struct waits {
    int count, cancels_at; /* ends the call at so many; 0 = never */
    long last_ms;
    mmx_cancel *cancel;
};

static void record_event(void *user_data, int32_t level, const char *line) {
    struct waits *waits = user_data;
    const char *wait = strstr(line, "\"wait_ms\":");
    if (level != MMX_LOG_WARN || !strstr(line, "\"event\":\"retry\"")) return;
    CHECK(wait != NULL);
    waits->last_ms = atol(wait + strlen("\"wait_ms\":"));
    if (++waits->count == waits->cancels_at) mmx_cancel_trigger(waits->cancel);
}

/* A listing whose waits are noted. */
static mmx_status list(
    const char *account_name, struct waits *waits, const mmx_call_options *given, mmx_error **error) {
    mmx_config *config = config_for(account_name, false);
    CHECK_INT(mmx_config_set_logger(config, record_event, waits, MMX_LOG_WARN, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    mmx_call_options options = *given;
    CHECK_INT(mmx_cancel_new(&waits->cancel, NULL), MMX_OK);
    options.cancel = waits->cancel;
    mmx_status status = mmx_list_files(client, NULL, &options, NULL, error);
    mmx_client_free(client);
    mmx_cancel_free(waits->cancel);
    return status;
}

/* What the service asks for. */
#define DATE(date) "'Date':'Sun, 06 Nov 1994 08:49:37 GMT','Retry-After':'" date "'"
enum { OWN = -1, NEVER = -2 };

static const struct {
    const char *headers;
    long wait_ms, hint_ms; /* -1: none is told */
} hints[] = {
    {"'Retry-After':'0'", 0, 0},
    {"'Retry-After':'7'", 7000, 7000},
    {"'Retry-After':' 7 '", 7000, 7000},
    {"'Retry-After':'60'", 60000, 60000},
    {"'Retry-After':'61'", NEVER, 61000},
    {"'Retry-After':'86400'", NEVER, 86400000},
    {"'Retry-After':'99999999999999999999'", NEVER, 2147483648000},
    /* A date is read by the service's clock, not by this machine's. */
    {DATE("Sun, 06 Nov 1994 08:49:37 GMT"), 0, 0},
    {DATE("Sun, 06 Nov 1994 08:49:44 GMT"), 7000, 7000},
    {DATE("Sun, 06 Nov 1994 08:50:37 GMT"), 60000, 60000},
    {DATE("Sun, 06 Nov 1994 08:50:38 GMT"), NEVER, 61000},
    {DATE("Sunday, 06-Nov-94 08:49:44 GMT"), 7000, 7000},
    {DATE("Sun Nov  6 08:49:44 1994"), 7000, 7000},
    {DATE("Sun, 06 Nov 1994 08:00:00 GMT"), 0, 0},
    {"'Date':null,'Retry-After':'Sun, 06 Nov 1994 08:49:37 GMT'", 0, 0},
    /* What can't be read is nothing. */
    {"'Retry-After':'soon'", OWN, -1},
    {"'Retry-After':'-7'", OWN, -1},
    {"'Retry-After':'7.5'", OWN, -1},
    {"'Retry-After':''", OWN, -1},
    {"'X-Retry-After':'7'", OWN, -1},
};

/* Answers that may carry one. */
static const char *const kinds[] = {"'code':1002", "'code':1013", "'http_status':429", "'http_status':503"};

static void hinted(size_t number) {
    size_t at = number / LENGTH_OF(kinds), kind = number % LENGTH_OF(kinds);
    char *name = format("waits-hint-%zu", number),
         *fault = format("{'times':-1,%s,'headers':{%s}}", kinds[kind], hints[at].headers);
    account(name, 1);
    faults(name, fault);
    struct waits waits = {.cancels_at = 1};
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.max_attempts = 4;
    options.timeout_ms = -1;
    mmx_error *error = NULL;
    mmx_status status = list(name, &waits, &options, &error);
    const char *said = mmx_error_message(error);
    if (mmx_error_retry_after_ms(error) != hints[at].hint_ms)
        FAIL("%s: a hint of %" PRId64 " ms: %s", fault, mmx_error_retry_after_ms(error), said);
    if (hints[at].wait_ms == NEVER) {
        CHECK_INT(status, kind % 2 ? MMX_ERROR_SERVER : MMX_ERROR_RATE_LIMITED);
        CHECK_HAS(said, "; that wait is left to the caller");
        CHECK_HAS(said, "try again in ");
    } else {
        CHECK_INT(status, MMX_ERROR_CANCELLED);
        if (hints[at].wait_ms == OWN ? waits.last_ms > 2000 : waits.last_ms != hints[at].wait_ms)
            FAIL("%s: waits %ld ms", fault, waits.last_ms);
    }
    CHECK_INT(waits.count, hints[at].wait_ms != NEVER);
    CHECK_INT(mmx_error_attempts(error), 1);
    CHECK_INT(requests(name, "list"), 1);
    mmx_error_free(error);
    free(fault);
    free(name);
}

/* It is waited indeed. */
static void waited(size_t number) {
    static const char *const headers[] = {"'Retry-After':'1'", DATE("Sun, 06 Nov 1994 08:49:38 GMT")};
    char *name = format("waits-waited-%zu", number),
         *fault = format("{%s,'headers':{%s}}", kinds[number / 2], headers[number % 2]);
    account(name, 1);
    faults(name, fault);
    struct waits waits = {.count = 0};
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.max_attempts = 2;
    int64_t began = now_ms();
    CHECK_INT(list(name, &waits, &options, NULL), MMX_OK);
    CHECK(now_ms() - began >= 1000);
    CHECK_INT(waits.count, 1);
    free(fault);
    free(name);
}

/* Without a hint: anything up to a bound, which doubles; another one where the service is throttling. Of that, no more
 * than the first: after each refusal the rate limiter, too, makes a call wait. */
static const struct {
    int code, before;
    long bound_ms;
} own[] = {
    {1013, 0, 500},
    {1013, 1, 1000},
    {1013, 2, 2000},
    {1013, 3, 4000},
    {1013, 4, 8000},
    {1013, 5, 8000},
    {1002, 0, 2000},
    {1002, 1, 4000},
};

static void own_waits(size_t number) {
    enum { DRAWS = 40 };
    int before = own[number].before, code = own[number].code;
    long bound = own[number].bound_ms, longest = 0, shortest = bound;
    for (int i = 0; i < DRAWS; i++) {
        /* One for each: the rate limiter remembers what an account was refused for. */
        char *name = format("waits-own-%zu-%d", number, i);
        account(name, 1);
        char *fault = before ? format("[{'times':%d,'code':%d," NOW "},{'code':%d}]", before, code, code)
                             : format("{'code':%d}", code);
        faults(name, fault);
        struct waits waits = {.cancels_at = before + 1};
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        options.max_attempts = 20;
        CHECK_INT(list(name, &waits, &options, NULL), MMX_ERROR_CANCELLED);
        if (waits.last_ms > longest) longest = waits.last_ms;
        if (waits.last_ms < shortest) shortest = waits.last_ms;
        free(fault);
        free(name);
    }
    if (longest > bound || longest < bound / 2 || shortest > bound / 2)
        FAIL("%d after %d others: waits of %ld to %ld ms", code, before, shortest, longest);
}

/* The limit bounds all attempts together, not each. */
static void one_limit(void) {
    account("waits-limit", 1);
    faults("waits-limit", "{'times':-1,'delay_ms':300,'code':1013," NOW "}");
    struct waits waits = {.count = 0};
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 1000;
    options.max_attempts = 100;
    mmx_error *error = NULL;
    int64_t began = now_ms();
    CHECK_INT(list("waits-limit", &waits, &options, &error), MMX_ERROR_TIMEOUT);
    int64_t took = now_ms() - began;
    if (took < 1000 || took > 2000) FAIL("a limit of 1000 ms took %d ms", (int)took);
    CHECK_INT(mmx_error_attempts(error), waits.count + 1);
    CHECK_INT(count_of("waits-limit", "wait?count=2") >= 2, true);
    mmx_error_free(error);
}

/* A wait that can't fit into the limit isn't begun. */
static void no_room(void) {
    account("waits-room", 1);
    faults("waits-room", "{'code':1002,'headers':{'Retry-After':'30'}}");
    struct waits waits = {.count = 0};
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 20000;
    options.max_attempts = 4;
    mmx_error *error = NULL;
    int64_t began = now_ms();
    CHECK_INT(list("waits-room", &waits, &options, &error), MMX_ERROR_RATE_LIMITED);
    CHECK(now_ms() - began < 10000);
    CHECK_HAS(mmx_error_message(error), "; the time limit leaves no room for another attempt");
    CHECK_INT(mmx_error_retry_after_ms(error), 30000);
    CHECK_INT(waits.count, 0);
    mmx_error_free(error);
}

/* How often calls that fail for ever go again, all calls of a client together. */
static mmx_client *client_in_trouble;

static void fails_for_ever(size_t number) {
    (void)number;
    CHECK(mmx_list_files(client_in_trouble, NULL, NULL, NULL, NULL) != MMX_OK);
}

static long retries_of(mmx_client *client, size_t calls) {
    long before = requests("waits-budget", "list");
    client_in_trouble = client;
    at_once(fails_for_ever, calls);
    return requests("waits-budget", "list") - before - (long)calls;
}

static void trouble(const char *fault) {
    free(control("DELETE", "/control/waits-budget/faults", NULL));
    char *for_ever = format("{'times':-1,%s," NOW "}", fault);
    faults("waits-budget", for_ever);
    free(for_ever);
}

static void budget(void) {
    account("waits-budget", 1);
    mmx_client *client = retrying_client_for("waits-budget", false),
               *other = retrying_client_for("waits-budget", false);
    trouble("'call':'list','code':1013");
    CHECK_INT(retries_of(client, 100), 100);
    mmx_error *error = NULL;
    CHECK_INT(mmx_list_files(client, NULL, NULL, NULL, &error), MMX_ERROR_SERVER);
    CHECK_INT(mmx_error_attempts(error), 1);
    CHECK_HAS(mmx_error_message(error), "; not sent again, too many calls of this client have failed lately");
    mmx_error_free(error);
    /* A delete in doubt is settled all the same. */
    faults("waits-budget", "{'call':'delete','code':1013,'perform':true," NOW "}");
    assert_deletes(client, 1);
    CHECK_INT(requests("waits-budget", "retrieve"), 1);
    /* Other clients have their own. A timeout costs twice as much. */
    trouble("'call':'list','code':1001");
    CHECK_INT(retries_of(other, 60), 50);
    /* Each success gives a fifth of a retry back. */
    free(control("DELETE", "/control/waits-budget/faults", NULL));
    for (int i = 0; i < 14; i++) CHECK_INT(mmx_list_files(client, NULL, NULL, NULL, NULL), MMX_OK);
    trouble("'call':'list','code':1013");
    CHECK_INT(retries_of(client, 10), 2);
    /* A rate limit has a brake of its own, and is no failure. */
    trouble("'call':'list','code':1002");
    CHECK_INT(retries_of(client, 1), 3);
    mmx_client_free(client);
    mmx_client_free(other);
}

int main(void) {
    at_once(hinted, LENGTH_OF(hints) * LENGTH_OF(kinds));
    at_once(waited, 2 * LENGTH_OF(kinds));
    at_once(own_waits, LENGTH_OF(own));
    one_limit();
    no_room();
    budget();
    return 0;
}
