/* An upload goes again only where it is certain that nothing was stored: wherever it breaks, what was sent again, what
 * was reported, how often the source went back, and what the server then holds: never two files, never a part of one. */
#include "files.h"
#include "relay.h"
#include "retry.h"

enum { SEED = 7, SMALL = 300000, LARGE = 16 << 20 /* more than fits between the two ends */ };
enum from { PATH, REWINDS, ONCE, SOURCES };
static const char *const froms[] = {"a path", "a source that rewinds", "a source that doesn't"};
static const int64_t sizes[] = {SMALL, LARGE};
static char *hashes[2]; /* of contents of these sizes */

/* What is certain when it breaks. */
enum proof {
    UNREAD,  /* nothing was sent, nor asked of the source */
    UNSURE,  /* the source may have been asked for bytes: the service can't have all */
    NOT_ALL, /* it was, and the service can't have all */
    ALL,     /* the last byte was taken: stored or not */
    REFUSED, /* the answer says that it was not stored, and to come again */
    NOTHING, /* the answer says that it was not stored, and that is that */
};

struct sending {
    const char *name, *faults;
    enum proof proof;
    mmx_status status;
    bool stored, large; /* stored: by the attempt that fails */
    long up;            /* a relay breaks the connection after so many bytes, 0 = none */
    bool reset;
};

#define UPLOAD(fault) "{'call':'upload'," fault "}"

static const struct sending sendings[] = {
    {"as it should be", "{}", UNREAD, .status = MMX_OK},
    /* Before the head is whole, and behind it. */
    {"in the head, fin", "{}", UNSURE, .status = MMX_ERROR_NETWORK, .up = 20, .large = true},
    {"in the head, rst", "{}", UNSURE, .status = MMX_ERROR_NETWORK, .up = 20, .reset = true, .large = true},
    {"behind the head, fin", UPLOAD("'stop_reading_after':0,'then':'fin'"), UNSURE, .status = MMX_ERROR_NETWORK,
        .large = true},
    {"behind the head, rst", UPLOAD("'stop_reading_after':0,'then':'rst'"), UNSURE, .status = MMX_ERROR_NETWORK,
        .large = true},
    /* In the body. */
    {"in the body, fin", UPLOAD("'stop_reading_after':200000,'then':'fin'"), NOT_ALL, .status = MMX_ERROR_NETWORK,
        .large = true},
    {"in the body, rst", UPLOAD("'stop_reading_after':200000,'then':'rst'"), NOT_ALL, .status = MMX_ERROR_NETWORK,
        .large = true},
    /* The last byte was taken. */
    {"lost, fin", UPLOAD("'close_before_answer':'fin'"), ALL, .status = MMX_ERROR_NETWORK, .stored = true},
    {"lost, rst", UPLOAD("'close_before_answer':'rst'"), ALL, .status = MMX_ERROR_NETWORK, .stored = true},
    {"lost before, fin", UPLOAD("'close_before_answer':'fin','perform':false"), ALL, .status = MMX_ERROR_NETWORK},
    {"lost before, rst", UPLOAD("'close_before_answer':'rst','perform':false"), ALL, .status = MMX_ERROR_NETWORK},
    /* In the answer. */
    {"half a head, fin", UPLOAD("'cut_after':30"), ALL, .status = MMX_ERROR_NETWORK, .stored = true},
    {"half a head, rst", UPLOAD("'cut_after':30,'close':'rst','perform':false"), ALL, .status = MMX_ERROR_NETWORK},
    {"half a body, fin", UPLOAD("'wrong_length':9"), ALL, .status = MMX_ERROR_NETWORK, .stored = true},
    {"half a body, rst", UPLOAD("'wrong_length':9,'close':'rst'"), ALL, .status = MMX_ERROR_NETWORK, .stored = true},
    {"garbage", UPLOAD("'shape':'garbage','perform':true"), ALL, .status = MMX_ERROR_PROTOCOL, .stored = true},
    {"no base_resp", UPLOAD("'shape':'no_base_resp'"), ALL, .status = MMX_ERROR_PROTOCOL},
    {"answered, then closed", UPLOAD("'close_after_answer':'fin'"), UNREAD, .status = MMX_OK},
    /* An answer that comes before the body is whole proves that nothing was stored, whatever it says. */
    {"refused early for the rate", UPLOAD("'refuse_after':0,'keep':true,'code':1002," NOW), UNSURE,
        .status = MMX_ERROR_RATE_LIMITED, .large = true},
    {"refused early by a gateway", UPLOAD("'refuse_after':0,'keep':true,'shape':'html_502'," NOW), UNSURE,
        .status = MMX_ERROR_SERVER, .large = true},
    {"refused early for good", UPLOAD("'refuse_after':0,'keep':true,'code':1004"), NOTHING,
        .status = MMX_ERROR_AUTHENTICATION, .large = true},
};

/* The file's content as the server would hash it. */
static char *hash_of(const char *account_name, int64_t file_id) {
    char *path = format("/control/%s/sha256?file_id=%" PRId64, account_name, file_id);
    char *hash = control("GET", path, NULL);
    free(path);
    return hash;
}

/* The account holds so many files, each whole. */
static void holds_whole(const char *account_name, const char *what, long wanted, int64_t size) {
    char *path = format("/control/%s/files", account_name), *files = control("GET", path, NULL);
    long count = 0;
    for (char *at = files; (at = strstr(at, "\"file_id\":")); at++, count++) {
        char *hash = hash_of(account_name, atoll(at + strlen("\"file_id\":")));
        if (strcmp(hash, hashes[size == LARGE]) != 0) FAIL("%s: a file of other bytes: %s", what, files);
        free(hash);
    }
    if (count != wanted) FAIL("%s: %ld files, not %ld: %s", what, count, wanted, files);
    free(files);
    free(path);
}

static void holds_nothing(const char *account_name) {
    char *path = format("/control/%s/files", account_name);
    free(control("DELETE", path, NULL));
    free(path);
}

/* An account that holds nothing. Not one that was used: its connections would be closed, also in the hands of others. */
static void empty(const char *account_name) {
    account(account_name, 0);
    holds_nothing(account_name);
}

/* What the callbacks of one upload see. */
struct watcher {
    struct giver giver;
    int rewinds, refuses_to_rewind;
    int64_t size, done;
    int back; /* how often progress went back */
};

static int64_t give(void *user_data, uint8_t *buffer, size_t capacity) {
    return give_made(&((struct watcher *)user_data)->giver, buffer, capacity);
}

static int32_t rewind_it(void *user_data) {
    struct watcher *watcher = user_data;
    watcher->rewinds++;
    watcher->giver.at = 0;
    return watcher->refuses_to_rewind;
}

/* It goes back to the start alone, and never beyond the end. */
static int32_t watch(void *user_data, int64_t done, int64_t total) {
    struct watcher *watcher = user_data;
    CHECK(total == -1 || total == watcher->size);
    CHECK(done >= 0 && done <= watcher->size);
    if (done < watcher->done) {
        CHECK_INT(done, 0);
        watcher->back++;
    }
    watcher->done = done;
    return 0;
}

static char *path_of(int64_t size) { return in_folder(size == SMALL ? "small.mp3" : "large.mp3"); }

/* One upload. */
static mmx_status upload(const mmx_client *client, enum from from, struct watcher *watcher, int32_t max_attempts,
    char **answer, mmx_error **error) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.max_attempts = max_attempts;
    options.progress = watch;
    options.user_data = watcher;
    watcher->giver = (struct giver){.seed = SEED, .gives = watcher->size, .piece = 65536};
    if (from == PATH) {
        char *path = path_of(watcher->size);
        mmx_status status = mmx_upload_file(client, path, MMX_PURPOSE_VOICE_CLONE, &options, answer, error);
        free(path);
        return status;
    }
    mmx_source source = MMX_SOURCE_INIT;
    /* In chunks, too: those end with a piece of their own. */
    source.size = from == ONCE ? -1 : watcher->size;
    source.read = give;
    source.rewind = from == REWINDS ? rewind_it : NULL;
    source.user_data = watcher;
    return mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, answer, error);
}

static void run(const char *account_name, bool https, enum from from, const struct sending *it) {
    struct watcher watcher = {.size = it->large ? LARGE : SMALL};
    char *what = format("%s, %s, from %s", it->name, https ? "HTTPS" : "HTTP", froms[from]);
    empty(account_name);
    faults(account_name, it->faults);
    struct relay *relay = it->up ? relay_to(https, 1, it->up, -1, it->reset) : NULL;
    mmx_config *config = relay ? config_behind(relay, account_name, https) : config_for(account_name, https);
    mmx_client *client = client_of(config);
    char *answer = NULL;
    mmx_error *error = NULL;
    mmx_status status = upload(client, from, &watcher, 4, &answer, &error);
    const char *said = status == MMX_OK ? answer : mmx_error_message(error);

    bool again = it->proof == UNSURE || it->proof == NOT_ALL || it->proof == REFUSED;
    bool is_stuck = again && from == ONCE && (it->proof != UNSURE || status != MMX_OK);
    again = again && !is_stuck;
    if (status != (again ? MMX_OK : it->status)) FAIL("%s: %s: %s", what, mmx_status_name(status), said);
    /* Where it is a matter of moments whether the source was asked for bytes, it goes back or not. */
    bool goes_back = again && from == REWINDS;
    if (watcher.rewinds != goes_back && !(it->proof == UNSURE && watcher.rewinds == 0))
        FAIL("%s: rewound %d times: %s", what, watcher.rewinds, said);
    if (mmx_error_is_ambiguous(error) != (it->proof == ALL))
        FAIL("%s: ambiguous isn't %d: %s", what, it->proof == ALL, said);
    if ((strstr(said, "; the file may have been stored all the same") != NULL) != (it->proof == ALL))
        FAIL("%s: %s", what, said);
    if (status != MMX_OK) CHECK_INT(mmx_error_attempts(error), 1);
    if (is_stuck) CHECK_HAS(said, "; not sent again, for what is uploaded can't go back to its start");
    holds_whole(account_name, what, status == MMX_OK || it->stored, watcher.size);
    CHECK_INT(count_of(account_name, "count?call=upload&performed=1"), status == MMX_OK || it->stored);
    if (status == MMX_OK) CHECK_INT(watcher.done, watcher.size);
    if (it->proof == REFUSED ? watcher.back != again : watcher.back > again)
        FAIL("%s: the progress went back %d times", what, watcher.back);
    mmx_string_free(answer);
    mmx_error_free(error);
    mmx_client_free(client);
    if (relay) relay_ends(relay);
    holds_nothing(account_name);
    free(what);
}

static void in_the_table(size_t number) {
    char *name = format("retry-uploads-%zu", number);
    run(name, number % 2, number / 2 % SOURCES, &sendings[number / 2 / SOURCES]);
    free(name);
}

/* Each answer once in place of that to a whole upload. */
static void answered(size_t number) {
    size_t at = number / 2 / SOURCES;
    char *name = format("retry-uploads-answer-%zu", number), *other = format("%s-done", name),
         *fault = format(UPLOAD("%s," NOW), answers[at].fault);
    enum proof proof = answers[at].in_doubt ? ALL : answers[at].again ? REFUSED : NOTHING;
    struct sending expected = {fault, fault, proof, answers[at].status, .stored = false};
    run(name, number % 2, number / 2 % SOURCES, &expected);
    if (proof == ALL) {
        char *done = format(UPLOAD("'perform':true,%s," NOW), answers[at].fault);
        expected = (struct sending){done, done, proof, answers[at].status, .stored = true};
        run(other, number % 2, number / 2 % SOURCES, &expected);
        free(done);
    }
    free(fault);
    free(other);
    free(name);
}

/* Nobody listens, or nobody speaks TLS: not one byte is asked of the source, so it need not go back. */
static void not_connected(size_t number) {
    bool https = number % 2;
    enum from from = number / 2 % SOURCES;
    struct watcher watcher = {.size = SMALL};
    mmx_config *config = config_for("retry-uploads-none", https);
    char *url = format("http%s://127.0.0.1:%d", https ? "s" : "", closed_port());
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    mmx_error *error = NULL;
    CHECK_INT(upload(client, from, &watcher, 4, NULL, &error), MMX_ERROR_CONNECT);
    CHECK_HAS(mmx_error_message(error), "(the last of 4 attempts)");
    CHECK_INT(mmx_error_attempts(error), 4);
    CHECK(!mmx_error_is_ambiguous(error));
    CHECK_INT(watcher.giver.at + watcher.rewinds + watcher.back, 0);
    mmx_error_free(error);
    mmx_client_free(client);
    free(url);
    if (!https) return;
    /* The first two connections end in the handshake. */
    char *name = format("retry-uploads-handshake-%zu", number);
    struct relay *relay = relay_to(https, 2, 0, -1, false);
    empty(name);
    client = client_of(config_behind(relay, name, https));
    error = NULL;
    watcher = (struct watcher){.size = SMALL};
    SUCCEEDS(upload(client, from, &watcher, 4, NULL, &error), error);
    CHECK_INT(watcher.rewinds + watcher.back, 0);
    holds_whole(name, name, 1, SMALL);
    mmx_client_free(client);
    relay_ends(relay);
    free(name);
}

/* However often: the source goes back before each. What is told is the last. */
static void however_often(size_t number) {
    bool https = number % 2;
    struct watcher watcher = {.size = SMALL};
    char *name = format("retry-uploads-often-%zu", number);
    empty(name);
    mmx_client *client = client_for(name, https);
    mmx_error *error = NULL;
    faults(name, UPLOAD("'times':5,'code':1002," NOW));
    CHECK_INT(upload(client, REWINDS, &watcher, 4, NULL, &error), MMX_ERROR_RATE_LIMITED);
    CHECK_HAS(mmx_error_message(error), "(the last of 4 attempts)");
    CHECK_INT(mmx_error_attempts(error), 4);
    CHECK_INT(watcher.rewinds, 3);
    CHECK_INT(watcher.back, 3);
    mmx_error_free(error);
    /* The doubt of one is the call's. */
    error = NULL;
    watcher = (struct watcher){.size = SMALL};
    faults(name, UPLOAD("'close_before_answer':'rst'"));
    FAILS(upload(client, REWINDS, &watcher, 4, NULL, &error), error, MMX_ERROR_NETWORK,
        "; the file may have been stored all the same", true);
    CHECK_INT(watcher.rewinds, 1);
    CHECK_INT(watcher.back, 1);
    CHECK_INT(requests(name, "upload"), 6);
    holds_whole(name, name, 1, SMALL);
    mmx_client_free(client);
    free(name);
}

/* One that can't go back after all. */
static void stuck(size_t number) {
    struct watcher watcher = {.size = SMALL, .refuses_to_rewind = 9};
    char *name = format("retry-uploads-stuck-%zu", number);
    empty(name);
    mmx_client *client = client_for(name, number % 2);
    mmx_error *error = NULL;
    faults(name, UPLOAD("'code':1041," NOW));
    CHECK_INT(upload(client, REWINDS, &watcher, 4, NULL, &error), MMX_ERROR_FILE);
    CHECK_HAS(mmx_error_message(error),
        "can't go back to its start (its rewind returned 9); before that: the service answered 1041");
    CHECK(!mmx_error_is_ambiguous(error));
    CHECK_INT(mmx_error_attempts(error), 1);
    CHECK_INT(mmx_error_api_code(error), 1041);
    CHECK_INT(watcher.rewinds, 1);
    CHECK_INT(requests(name, "upload"), 1);
    holds_whole(name, name, 0, SMALL);
    mmx_error_free(error);
    mmx_client_free(client);
    free(name);
}

int main(void) {
    account("retry-uploads", 0);
    for (int i = 0; i < 2; i++) {
        char *path = path_of(sizes[i]);
        uint8_t *bytes = made_whole(SEED, (size_t)sizes[i]);
        write_file(path, bytes, (size_t)sizes[i]);
        store_file("retry-uploads", sizes[i], sizes[i], SEED);
        hashes[i] = hash_of("retry-uploads", sizes[i]);
        free(bytes);
        free(path);
    }
    at_once(not_connected, 2 * SOURCES);
    at_once(in_the_table, 2 * SOURCES * LENGTH_OF(sendings));
    at_once(answered, 2 * SOURCES * LENGTH_OF(answers));
    at_once(however_often, 2);
    at_once(stuck, 2);
    remove_folder();
    return 0;
}
