/* 10,000 deletes of all kinds while answers are lost, requests refused and connections reset: no reported outcome
 * disagrees with what the server holds, and none is unknown. MMX_TEST_SEED repeats a run. */
#include "retry.h"

enum { CALLS = 10000, THREADS = 8, ABSENT = 1000000 };
static const char *const NAME = "retry-random";

struct item {
    int64_t id;
    bool was_there, twice, is_wrong; /* wrong: of another purpose */
    bool is_faulty;
    bool is_gone; /* as was reported */
};
static struct item items[CALLS];
static size_t count_of_items;
static long faulty, settled;
static bool still_there[CALLS + 1];
static uint64_t seed;
static mmx_client *clients[2];
static atomic_size_t next;

#define WRONG(item, ...)                                                                                               \
    (fprintf(stderr, "MMX_TEST_SEED=%" PRIu64 ": file %" PRId64 ": ", seed, (item)->id), FAIL(__VA_ARGS__))

/* splitmix64 */
static uint64_t draw(uint64_t below) {
    static uint64_t state;
    if (!state) state = seed;
    uint64_t z = (state += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return (z ^ (z >> 31)) % below;
}

static const char *any_of(const char *const *choices, size_t count) { return choices[draw(count)]; }

/* What happens to the first request of an item, if anything does. */
static const char *fault_of_one(void) {
    static const char *const lost[] = {
        "'close_before_answer':'fin'", "'close_before_answer':'rst'", "'code':1013,'perform':true," NOW};
    static const char *const refused[] = {"'code':1013," NOW, "'http_status':503," NOW, "'code':2013"};
    static const char *const reset[] = {"'close_before_answer':'rst','perform':false",
        "'close_before_answer':'fin','perform':false", "'cut_after':20,'perform':false"};
    switch (draw(100)) {
    case 0: return any_of(lost, LENGTH_OF(lost));
    /* Few for the rate: each halves it, for all that come after. */
    case 1: return draw(25) == 0 ? "'code':1002," NOW : any_of(refused, LENGTH_OF(refused));
    case 2: return any_of(reset, LENGTH_OF(reset));
    default: return NULL;
    }
}

/* Draws the items and scripts what goes wrong. */
static void plan(void) {
    char *script = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&script, &length);
    long there = 0;
    for (int calls = 0; calls < CALLS; count_of_items++) {
        struct item *item = &items[count_of_items];
        uint64_t kind = draw(10);
        item->was_there = kind != 0;
        item->twice = kind == 1 && calls + 2 <= CALLS;
        item->is_wrong = kind == 2;
        item->id = item->was_there ? ++there : ABSENT + (int64_t)count_of_items;
        calls += 1 + item->twice;
        const char *fault = fault_of_one();
        item->is_faulty = fault != NULL;
        if (fault) fprintf(out, "%s{'call':'delete','file_id':%" PRId64 ",%s}", faulty++ ? "," : "[", item->id, fault);
    }
    fputc(']', out);
    fclose(out);
    account(NAME, there);
    faults(NAME, script);
    free(script);
}

/* One delete, and what is reported of it. */
static void once(const mmx_client *client, struct item *item, bool is_second) {
    mmx_error *error = NULL;
    char *answer = NULL;
    const char *purpose = item->is_wrong ? MMX_PURPOSE_PROMPT_AUDIO : MMX_PURPOSE_VOICE_CLONE;
    mmx_status status = mmx_delete_file(client, item->id, purpose, NULL, &answer, &error);
    if (mmx_error_is_ambiguous(error)) WRONG(item, "unknown: %s", mmx_error_message(error));
    bool succeeds = item->was_there && !item->is_wrong && !is_second, is_there = item->was_there && !item->is_gone;
    if ((!item->is_faulty || is_second) && status != (succeeds      ? MMX_OK
                                                         : is_there ? MMX_ERROR_INVALID_REQUEST
                                                                    : MMX_ERROR_NOT_FOUND))
        WRONG(item, "nothing went wrong, but: %s: %s", mmx_status_name(status), mmx_error_message(error));
    if (status == MMX_OK) {
        item->is_gone = true;
        if (strstr(answer, "\"evidence\":\"retrieve\"")) __atomic_add_fetch(&settled, 1, __ATOMIC_SEQ_CST);
    } else if (status != MMX_ERROR_INVALID_REQUEST && status != MMX_ERROR_NOT_FOUND) {
        WRONG(item, "%s", mmx_error_message(error));
    }
    mmx_string_free(answer);
    mmx_error_free(error);
}

static void *some(void *client) {
    for (size_t at; (at = atomic_fetch_add(&next, 1)) < count_of_items;) {
        once(client, &items[at], false);
        /* One that was refused is there still, and the next delete succeeds. */
        if (items[at].twice && items[at].is_gone) once(client, &items[at], true);
    }
    return NULL;
}

int main(void) {
    const char *given = getenv("MMX_TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    plan();
    clients[0] = retrying_client_for(NAME, false);
    clients[1] = retrying_client_for(NAME, true);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, some, clients[i % 2]) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);

    char *files = control("GET", "/control/retry-random/files", NULL);
    for (char *at = files; (at = strstr(at, "\"file_id\":")); at++) {
        int64_t id = strtoll(at + strlen("\"file_id\":"), NULL, 10);
        if (id <= CALLS) still_there[id] = true;
    }
    free(files);
    for (size_t i = 0; i < count_of_items; i++) {
        bool is_there = items[i].was_there && still_there[items[i].id], was_there = items[i].was_there;
        if (is_there && items[i].is_gone) WRONG(&items[i], "reported gone, and there");
        if (!is_there && was_there && !items[i].is_gone) WRONG(&items[i], "reported refused, and gone");
    }
    /* Or this has seen nothing. */
    CHECK(faulty > 150);
    CHECK(settled > 20);
    mmx_client_free(clients[0]);
    mmx_client_free(clients[1]);
    return 0;
}
