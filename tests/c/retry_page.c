/* docs/retries.md plays: each line of its tables is made to happen, and what comes of it is what the line says. A line that
 * nobody knows how to play fails, and so does one that is missing. */
#include "files.h"
#include "proxies.h"
#include "relay.h"
#include "retry.h"

enum { FILE_ID = 3, SMALL = 1000, LARGE = 8 << 20, LIMIT = 400 };

/* A cell: what comes (wanted) of a call (column) to which something happens (row). */
struct cell {
    char *heading, *column, *row, *wanted;
};

/* One call, and what is seen of it. */
struct play {
    const struct cell *cell;
    char *account;
    mmx_config *config;
    mmx_call_options options;
    int64_t size; /* of an upload */
    bool waits_for_cancel;
    atomic_int retries; /* in the log */
    mmx_status status;
    mmx_error *error;
};

static atomic_int plays;

static void record_event(void *user_data, int32_t level, const char *line) {
    (void)level;
    if (strstr(line, "\"event\":\"retry\"")) atomic_fetch_add(&((struct play *)user_data)->retries, 1);
}

static mmx_status lists(const mmx_client *client, struct play *play) {
    return mmx_list_files(client, NULL, &play->options, NULL, &play->error);
}

static mmx_status retrieves(const mmx_client *client, struct play *play) {
    return mmx_retrieve_file(client, FILE_ID, &play->options, NULL, &play->error);
}

static mmx_status deletes_it(const mmx_client *client, struct play *play) {
    return mmx_delete_file(client, FILE_ID, MMX_PURPOSE_VOICE_CLONE, &play->options, NULL, &play->error);
}

static mmx_status downloads(const mmx_client *client, struct play *play) {
    struct taker taker = {.seed = FILE_ID};
    mmx_sink sink = sink_to(&taker);
    mmx_status status = mmx_download_stream(client, FILE_ID, &sink, &play->options, NULL, &play->error);
    if (status == MMX_OK) CHECK(!taker.differs && taker.at > 0);
    return status;
}

static mmx_status uploads(const mmx_client *client, struct play *play, bool can_go_back) {
    struct giver giver = {.seed = 1, .gives = play->size, .piece = 1 << 20};
    mmx_source source = source_of(&giver, play->size);
    if (!can_go_back) source.rewind = NULL;
    return mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &play->options, NULL, &play->error);
}

static mmx_status uploads_again(const mmx_client *client, struct play *play) { return uploads(client, play, true); }
static mmx_status uploads_once(const mmx_client *client, struct play *play) { return uploads(client, play, false); }

static const struct call {
    const char *name, *of_server;
    mmx_status (*make)(const mmx_client *client, struct play *play);
    bool changes;
} calls[] = {
    {"list", "list", lists, false},
    {"retrieve", "retrieve", retrieves, false},
    {"download", "retrieve_content", downloads, false},
    {"delete", "delete", deletes_it, true},
    {"upload that can rewind", "upload", uploads_again, true},
    {"upload that can't", "upload", uploads_once, true},
    {"result of the delete", "delete", deletes_it, true},
};

static bool takes(const char **text, const char *part) {
    size_t length = strlen(part);
    if (strncmp(*text, part, length) != 0) return false;
    *text += length;
    return true;
}

/* What came of it is what the cell says. */
static void judge(const struct play *play, const struct call *call) {
    const struct cell *cell = play->cell;
    const char *said = play->status == MMX_OK ? "" : mmx_error_message(play->error), *wanted = cell->wanted;
    char *what = format("%s: %s: %s: %s", cell->heading, call->name, cell->row, wanted),
         *done = format("count?call=%s&performed=1", call->of_server);
    bool succeeds = strncmp(wanted, "MMX_ERROR_", 10) != 0 && strncmp(wanted, "its own", 7) != 0;
    if ((play->status == MMX_OK) != succeeds) FAIL("%s: %s: %s", what, mmx_status_name(play->status), said);
    if (succeeds) {
        long sent = requests(play->account, call->of_server), settling = requests(play->account, "retrieve");
        bool so = false;
        if (strcmp(wanted, "retried") == 0) so = play->retries >= 1;
        else if (strcmp(wanted, "looked up") == 0) so = settling >= 1;
        else if (strcmp(wanted, "deleted") == 0) so = settling >= 1 && sent == 1;
        else if (strcmp(wanted, "the file") == 0) so = sent == 1 && requests(play->account, "list") >= 1;
        else FAIL("%s: what is that?", what);
        if (!so) FAIL("%s: %ld requests, %d retries, %ld looks", what, sent, play->retries, settling);
        if (call->changes && count_of(play->account, done) != 1)
            FAIL("%s: carried out %ld times", what, count_of(play->account, done));
    } else {
        const char *name = takes(&wanted, "its own error") ? "MMX_ERROR_PROTOCOL" : mmx_status_name(play->status);
        if (wanted == cell->wanted && !takes(&wanted, name)) FAIL("%s: %s: %s", what, name, said);
        if (strcmp(name, mmx_status_name(play->status)) != 0)
            FAIL("%s: %s: %s", what, mmx_status_name(play->status), said);
        if (takes(&wanted, ", ambiguous") != mmx_error_is_ambiguous(play->error))
            FAIL("%s: ambiguous, or not: %s", what, said);
        int attempts = takes(&wanted, ", after 4 attempts") ? 4 : mmx_error_attempts(play->error);
        if (takes(&wanted, ", at once")) attempts = 1;
        CHECK_INT(mmx_error_attempts(play->error), attempts);
        if (*wanted) FAIL("%s: what is \"%s\"?", what, wanted);
    }
    free(done);
    free(what);
}

static void *cancels(void *given) {
    struct play *play = given;
    count_of(play->account, "wait?count=1");
    mmx_cancel_trigger(play->options.cancel);
    return NULL;
}

/* An account of its own, where this happens; NULL: nothing. */
static struct play *prepared(const struct cell *cell, bool https, const char *happens) {
    struct play *play = calloc(1, sizeof *play);
    if (!play) abort();
    *play = (struct play){.cell = cell,
        .account = format("retry-page-%d", atomic_fetch_add(&plays, 1)),
        .options = MMX_CALL_OPTIONS_INIT,
        .size = SMALL};
    account(play->account, FILE_ID);
    if (happens) faults(play->account, happens);
    play->config = config_for(play->account, https);
    CHECK_INT(mmx_config_set_max_attempts(play->config, 0, NULL), MMX_OK);
    return play;
}

static void make(struct play *play, const struct call *call) {
    pthread_t canceller;
    CHECK_INT(mmx_config_set_logger(play->config, record_event, play, MMX_LOG_WARN, NULL), MMX_OK);
    CHECK_INT(mmx_cancel_new(&play->options.cancel, NULL), MMX_OK);
    mmx_client *client = client_of(play->config);
    if (play->waits_for_cancel) CHECK(pthread_create(&canceller, NULL, cancels, play) == 0);
    play->status = call->make(client, play);
    if (play->waits_for_cancel) pthread_join(canceller, NULL);
    judge(play, call);
    mmx_client_free(client);
    mmx_cancel_free(play->options.cancel);
    mmx_error_free(play->error);
    free(play->account);
    free(play);
}

/* A row of a table; `used` once the page has it. */
struct row {
    const char *name;
    const char *faults[3]; /* each in turn; %s is the call */
    bool large, is_cancelled, has_old,
        has_new; /* large: an upload; the other two: a file of the upload's name is there */
    int64_t idle_ms, timeout_ms;
    atomic_bool used;
};

#define GARBLED "{'call':'delete','shape':'garbage','perform':true}"
#define LOST "{'call':'upload','close_before_answer':'rst'}"
#define LOST_ASIDE "{'call':'upload','close_before_answer':'rst','perform':false}"
#define HANGS "{'call':'%s','hang':true}"

static struct row breaks[] = {
    {"no connection is made: name lookup, TCP, TLS", .faults = {"relay"}},
    {"it breaks before the request is sent completely", .faults = {"relay"}, .large = true},
    {"it breaks after the request, before the response",
        .faults = {"{'call':'%s','close_before_answer':'rst'}", "{'call':'%s','close_before_answer':'fin'}"}},
    {"it breaks in the middle of the response",
        .faults = {"{'call':'%s','cut_after':30}", "{'call':'%s','cut_after':30,'close':'rst'}"}},
    {"the idle timeout expires", .faults = {HANGS}, .idle_ms = LIMIT},
    {"the response isn't HTTP", .faults = {"{'call':'%s','shape':'garbage','perform':true}"}},
    {"the timeout of the call expires before the response", .faults = {HANGS}, .timeout_ms = LIMIT},
    {"it is cancelled before the response", .faults = {HANGS}, .is_cancelled = true},
};

static struct row settlings[] = {
    {"the file still exists", .faults = {"{'call':'delete','shape':'garbage'}"}},
    {"the id is refused with a code, such as 2013",
        .faults = {GARBLED, "[" GARBLED ",{'call':'retrieve','code':4711}]"}},
    {"HTTP 404 without an API error, which is a wrong path",
        .faults = {"[" GARBLED ",{'call':'retrieve','shape':'text_404'}]"}},
    {"nothing, because the service fails or can't be reached",
        .faults = {"[" GARBLED ",{'call':'retrieve','times':-1,'code':1013," NOW "}]",
            "[" GARBLED ",{'call':'retrieve','times':-1,'close_before_answer':'rst'}]"}},
    {"a response that isn't of this API", .faults = {"[" GARBLED ",{'call':'retrieve','shape':'garbage'}]",
                                              "[" GARBLED ",{'call':'retrieve','shape':'no_base_resp'}]"}},
};

static struct row looks[] = {
    {"one match", .faults = {LOST, "[" LOST ",{'call':'list','code':1013," NOW "}]"}},
    {"no match", .faults = {LOST_ASIDE}},
    {"only an older file of that name", .faults = {LOST_ASIDE}, .has_old = true},
    {"several matches", .faults = {LOST}, .has_new = true},
    {"no Date header, without which no file can be called new",
        .faults = {"[" LOST ",{'call':'list','headers':{'Date':null}}]"}},
    {"nothing, because the list fails", .faults = {"[" LOST ",{'call':'list','times':-1,'code':1013," NOW "}]",
                                            "[" LOST ",{'call':'list','code':1004}]"}},
};

static struct row hints[] = {
    {"up to 60 s", .faults = {"{'code':1002,'headers':{'Retry-After':'1'}}"}},
    {"more than 60 s", .faults = {"{'code':1002,'headers':{'Retry-After':'61'}}"}},
    {"more than the timeout of the call leaves", .faults = {"{'code':1002,'headers':{'Retry-After':'30'}}"},
        .timeout_ms = 20000},
    {"something that can't be read", .faults = {"{'code':1002,'headers':{'Retry-After':'soon'}}"}},
};

/* Those that a cell of the row happens to: "list, retrieve, download" are three. */
static const struct call *next_call(const char **column) {
    for (size_t i = 0; i < LENGTH_OF(calls); i++) {
        const char *rest = *column;
        if (!takes(&rest, calls[i].name) || (*rest && !takes(&rest, ", "))) continue;
        *column = rest;
        return &calls[i];
    }
    FAIL("no call: %s", *column);
}

static void has_file_of(const struct play *play, int64_t age) {
    char *path = format("/control/%s/files", play->account);
    char *file = format(
        "[{\"file_id\":900,\"purpose\":\"voice_clone\",\"filename\":\"a.mp3\",\"bytes\":%d,\"created_at\":%" PRId64
        "}]",
        SMALL, (int64_t)time(NULL) - age);
    free(control("POST", path, file));
    free(file);
    free(path);
}

static void happens(const struct cell *cell, const struct row *row, const struct call *call, const char *fault) {
    bool is_upload = strcmp(call->of_server, "upload") == 0, https = row == &breaks[0];
    /* An upload breaks off in its body, what is shorter in its head. */
    bool by_relay = strcmp(fault, "relay") == 0 && !(row->large && is_upload);
    char *pattern =
             format("%s", !strcmp(fault, "relay") && !by_relay ? "{'stop_reading_after':200000,'then':'rst'}" : fault),
         *at = strstr(pattern, "%s");
    char *script =
        at ? format("%.*s%s%s", (int)(at - pattern), pattern, call->of_server, at + 2) : format("%s", pattern);
    struct play *play = prepared(cell, https, by_relay ? NULL : script);
    struct relay *relay = by_relay ? relay_to(https, 1, row->large ? 20 : 0, -1, true) : NULL;
    if (relay) {
        mmx_config_free(play->config);
        play->config = config_behind(relay, play->account, https);
        CHECK_INT(mmx_config_set_max_attempts(play->config, 0, NULL), MMX_OK);
    }
    if (row->large) play->size = LARGE;
    if (row->has_old || row->has_new) has_file_of(play, row->has_old ? 60 : 0);
    if (row->idle_ms) CHECK_INT(mmx_config_set_idle_timeout_ms(play->config, row->idle_ms, NULL), MMX_OK);
    play->options.timeout_ms = row->timeout_ms;
    play->options.flags = row >= looks && row < looks + LENGTH_OF(looks) ? MMX_CALL_RECONCILE : 0;
    play->waits_for_cancel = row->is_cancelled;
    make(play, call);
    if (relay) relay_ends(relay);
    free(script);
    free(pattern);
}

static void plays_row(const struct cell *cell, struct row *rows, size_t count) {
    struct row *row = rows;
    while (row < rows + count && strcmp(row->name, cell->row) != 0) row++;
    if (row == rows + count) FAIL("%s: \"%s\": who knows that?", cell->heading, cell->row);
    atomic_store(&row->used, true);
    for (const char *column = cell->column; *column;) {
        const struct call *call = next_call(&column);
        for (int i = 0; i < 3 && row->faults[i]; i++) happens(cell, row, call, row->faults[i]);
    }
}

/* "1002, HTTP 429, any other code": the fault of each. */
static char *next_answer(const char **list) {
    static const char *const named[][2] = {{"any other HTTP 5xx", "'http_status':599"},
        {"any other HTTP status", "'http_status':418"}, {"any other code", "'code':4711"},
        {"HTTP 404 with an error of this API", "'http_status':404,'body':'{\\'error\\':{}}'"}};
    int length = 0, value = 0;
    for (size_t i = 0; i < LENGTH_OF(named); i++)
        if (takes(list, named[i][0])) {
            takes(list, ", ");
            return format("%s", named[i][1]);
        }
    char *answer = NULL;
    if (sscanf(*list, "HTTP %d%n", &value, &length) == 1) answer = format("'http_status':%d", value);
    else if (sscanf(*list, "%d%n", &value, &length) == 1) answer = format("'code':%d", value);
    else FAIL("no answer: %s", *list);
    *list += length;
    takes(list, ", ");
    return answer;
}

/* The rows that list what the service says. */
static void plays_answers(const struct cell *cell, const char *answers, const char *before) {
    while (*answers) {
        char *answer = next_answer(&answers);
        for (const char *column = cell->column; *column;) {
            const struct call *call = next_call(&column);
            char *fault = before ? format("[%s,{'call':'retrieve','times':-1,%s," NOW "}]", before, answer)
                                 : format("{'call':'%s',%s," NOW "}", call->of_server, answer);
            make(prepared(cell, plays % 2, fault), call);
            free(fault);
        }
        free(answer);
    }
}

/* Proxies, and whom the server shows itself to be. */
static void plays_trust(const struct cell *cell) {
    static const char *const listeners[][2] = {{"the certificate has expired", "MMX_TEST_HTTPS_EXPIRED"},
        {"the certificate is for another host", "MMX_TEST_HTTPS_WRONG_HOST"},
        {"the certificate is of an unknown CA", "MMX_TEST_HTTPS_UNKNOWN_CA"}};
    const char *column = cell->column, *refusals = cell->row;
    const struct call *call = next_call(&column);
    if (takes(&refusals, "the proxy refuses the connection: ")) {
        for (int status; sscanf(refusals, "HTTP %d", &status) == 1;
             refusals += strcspn(refusals, ",") + 2 * (strchr(refusals, ',') != NULL)) {
            struct play *play = prepared(cell, true, NULL);
            char *settings = format("{\"refuse\":%d}", status), *proxy = proxy_with(play->account, settings);
            CHECK_INT(mmx_config_set_proxy(play->config, proxy, NULL), MMX_OK);
            make(play, call);
            free(proxy);
            free(settings);
        }
        return;
    }
    struct play *play = prepared(cell, true, NULL);
    char *proxy = NULL, *url = NULL;
    for (size_t i = 0; i < LENGTH_OF(listeners); i++)
        if (strcmp(cell->row, listeners[i][0]) == 0) url = format("%s/t/%s", setting(listeners[i][1]), play->account);
    if (strcmp(cell->row, "the server doesn't speak TLS") == 0)
        url = format("https%s", setting("MMX_TEST_HTTP") + strlen("http"));
    if (strcmp(cell->row, "the proxy can't be reached") == 0) proxy = format("http://127.0.0.1:%d", closed_port());
    if (strcmp(cell->row, "the proxy requires credentials, or other ones") == 0)
        proxy = proxy_with(play->account, "{\"credentials\":\"a:b\"}");
    if (strcmp(cell->row, "what is set as the proxy is no HTTP proxy") == 0)
        proxy = proxy_with(play->account, "{\"socks\":true}");
    if (!url && !proxy) FAIL("%s: who knows that?", cell->row);
    if (url) CHECK_INT(mmx_config_set_base_url(play->config, url, NULL), MMX_OK);
    if (proxy) CHECK_INT(mmx_config_set_proxy(play->config, proxy, NULL), MMX_OK);
    make(play, call);
    free(proxy);
    free(url);
}

static struct cell cells[200];
static size_t count_of_cells;
static atomic_int of_answers, of_trust;

static void read_page(void) {
    static char line[4096];
    FILE *page = fopen(setting("MMX_TEST_RETRIES"), "r");
    if (!page) FAIL("%s: %s", setting("MMX_TEST_RETRIES"), strerror(errno));
    while (fgets(line, sizeof line, page)) {
        char *parts[4] = {0}, *rest = line;
        for (int i = 0; i < 4; i++) parts[i] = strsep(&rest, "\t\n");
        CHECK(parts[3] && count_of_cells < LENGTH_OF(cells));
        cells[count_of_cells++] = (struct cell){strdup(parts[0]), strdup(parts[1]), strdup(parts[2]), strdup(parts[3])};
    }
    fclose(page);
}

static void plays_cell(size_t number) {
    const struct cell *cell = &cells[number];
    const char *refusals = cell->row;
    if (strcmp(cell->heading, "Connection failures") == 0) plays_row(cell, breaks, LENGTH_OF(breaks));
    else if (strcmp(cell->heading, "Responses of the service") == 0) plays_answers(cell, cell->row, NULL), of_answers++;
    else if (takes(&refusals, "the key, the account or the rate is refused: ")) plays_answers(cell, refusals, GARBLED);
    else if (strcmp(cell->heading, "Lookup after a delete") == 0) plays_row(cell, settlings, LENGTH_OF(settlings));
    else if (strcmp(cell->heading, "Lookup after an upload") == 0) plays_row(cell, looks, LENGTH_OF(looks));
    else if (strcmp(cell->heading, "Waits") == 0) plays_row(cell, hints, LENGTH_OF(hints));
    else if (strcmp(cell->heading, "Proxies and certificates") == 0) plays_trust(cell), of_trust++;
    else FAIL("%s: no table that can be played", cell->heading);
}

static void all_used(const struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!rows[i].used) FAIL("the page doesn't tell of: %s", rows[i].name);
}

int main(void) {
    read_page();
    at_once(plays_cell, count_of_cells);
    all_used(breaks, LENGTH_OF(breaks));
    all_used(settlings, LENGTH_OF(settlings));
    all_used(looks, LENGTH_OF(looks));
    all_used(hints, LENGTH_OF(hints));
    CHECK(of_answers == 11 * 4 && of_trust == 8);
    return 0;
}
