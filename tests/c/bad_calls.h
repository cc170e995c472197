/* What the generated bad calls are made of (tests/common/bad_calls.rs): texts, numbers and structs that a caller gets
 * wrong, and what must come of each. */
#ifndef BAD_CALLS_H
#define BAD_CALLS_H
#define ACCOUNT "bad_calls"
#include "bad_texts.h"
#include "sweep.h"
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#define LENGTH_OF(array) (sizeof(array) / sizeof *(array))

/* ANY: one of the statuses that are documented for the function. */
enum expected { ANY, REFUSED, ACCEPTED };

/* Calls that were made, and that came to something else than they must. */
static long bad_calls, wrong_calls;
/* Which argument is bad, and how, for failures. */
static char bad_case[200];
#define WRONG(...)                                                                                                     \
    (wrong_calls++, fprintf(stderr, "%s: ", bad_case), fprintf(stderr, __VA_ARGS__), (void)fputc('\n', stderr))

static const int64_t BAD_INT64[] = {INT64_MIN, INT64_MIN + 1, INT32_MIN, -2, -1, 0, 1, INT32_MAX, UINT32_MAX,
    (INT64_C(1) << 53) + 1, INT64_MAX - 1, INT64_MAX};
static const int32_t BAD_INT32[] = {
    INT32_MIN, INT32_MIN + 1, -2, -1, 0, 1, 5, 100, 101, 1001, INT32_MAX - 1, INT32_MAX};
static const size_t BAD_SIZE[] = {0, 1, 2, (SIZE_MAX >> 11) + 2, SIZE_MAX / 2, SIZE_MAX - 1, SIZE_MAX};
/* Each bit alone, and all. */
#define BAD_FLAGS 33
static inline uint32_t bad_flags(size_t i) { return i < 32 ? UINT32_C(1) << i : UINT32_MAX; }

/* ---- Structs whose struct_size is wrong ---- */

/* `known` is the size of the header. */
static const struct {
    const char *name;
    bool from_known;
    size_t claimed;
    /* Of the bytes behind what the header knows. */
    unsigned char rest;
    enum expected expected;
} BAD_SIZES[] = {
    {"0", false, 0, 0, REFUSED},
    {"1", false, 1, 0, REFUSED},
    {"4", false, 4, 0, REFUSED},
    {"7", false, 7, 0, REFUSED},
    {"8", false, 8, 0, REFUSED},
    {"sizeof - 1", true, (size_t)-1, 0, ANY},
    {"sizeof + 1", true, 1, 0, ACCEPTED},
    {"sizeof + 1, not zero", true, 1, 1, REFUSED},
    {"sizeof + 8", true, 8, 0, ACCEPTED},
    {"sizeof + 8, not zero", true, 8, 0x80, REFUSED},
    {"4096", false, 4096, 0, ACCEPTED},
    {"4096, not zero", false, 4096, 0xff, REFUSED},
    {"4097", false, 4097, 0, REFUSED},
    {"1 MiB", false, 1 << 20, 0, REFUSED},
    {"SIZE_MAX / 2", false, SIZE_MAX / 2, 0, REFUSED},
    {"SIZE_MAX - 7", false, SIZE_MAX - 7, 0, REFUSED},
    {"SIZE_MAX", false, SIZE_MAX, 0, REFUSED},
};

struct sized {
    void *at;
    /* Of the mapping; 0 if it is on the heap. */
    size_t mapped;
    char *mapping;
    enum expected expected;
    bool is_unknown_field;
};

/* A copy of a struct that claims another size and ends where its memory does: with a page that can't be read behind it,
 * or on the heap, where valgrind and AddressSanitizer see its end, if its size isn't aligned. */
static inline struct sized sized(const void *known, size_t size, size_t i) {
    size_t claimed = BAD_SIZES[i].claimed + (BAD_SIZES[i].from_known ? size : 0);
    size_t there = claimed > 4096 ? size : claimed < sizeof claimed ? sizeof claimed : claimed;
    struct sized s = {.expected = BAD_SIZES[i].expected, .is_unknown_field = BAD_SIZES[i].rest != 0};
    if (there % sizeof claimed == 0) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (there + page - 1) / page * page;
        s.mapped = pages + page;
        s.mapping = mmap(NULL, s.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(s.mapping != MAP_FAILED);
        CHECK_INT(mprotect(s.mapping + pages, page, PROT_NONE), 0);
        s.at = s.mapping + pages - there;
    } else {
        s.at = malloc(there);
        CHECK(s.at != NULL);
    }
    memset(s.at, BAD_SIZES[i].rest, there);
    memcpy(s.at, known, there < size ? there : size);
    memcpy(s.at, &claimed, sizeof claimed);
    return s;
}

static inline void free_sized(struct sized *s) {
    if (s->mapped) munmap(s->mapping, s->mapped);
    else free(s->at);
}

/* ---- What must come of a bad call ---- */

/* Requests that the server has got, and those that it may count only after their call has ended. */
static long sent, late;

static inline bool is_late(mmx_status status) {
    return status == MMX_ERROR_TIMEOUT || status == MMX_ERROR_NETWORK || status == MMX_ERROR_PARTIAL;
}

static inline const char *number_text(int64_t number) {
    static char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    return text;
}

/* Before a call: fresh values, and what the server has got until now. */
static inline struct values bad_values(const char *call, const char *bad) {
    alarm(100);
    snprintf(bad_case, sizeof bad_case, "%s: %s", call, bad);
    struct values v = values(bad_case);
    sent++; /* The upload of values(). */
    return v;
}

/* A message is one line of bounded length, whatever it is about, and without the key. */
static inline void assert_message(const mmx_error *error) {
    const char *message = mmx_error_message(error), *call = mmx_error_call(error);
    if (strlen(message) > 4000) WRONG("a message of %zu bytes", strlen(message));
    if (!is_one_line(message)) WRONG("not one line of UTF-8: %s", message);
    if (strstr(message, setting("MMX_TEST_KEY"))) WRONG("the key is in: %s", message);
    if (strncmp(message, call, strlen(call)) != 0 || strncmp(message + strlen(call), ": ", 2) != 0)
        WRONG("begins without the call: %s", message);
    char *json = mmx_error_json(error);
    if (strlen(json) > 10000) WRONG("JSON of %zu bytes", strlen(json));
    if (strstr(json, setting("MMX_TEST_KEY"))) WRONG("the key is in: %s", json);
    mmx_string_free(json);
}

static inline void assert_status(const mmx_error *error, mmx_status status, const mmx_status *documented) {
    while (*documented != status && *documented >= 0) documented++;
    if (*documented != status || status == MMX_ERROR_INTERNAL)
        WRONG("%s is not documented: %s", mmx_status_name(status), mmx_error_message(error));
    if (mmx_error_status(error) != status) WRONG("%s, and no error", mmx_status_name(status));
    if (error) assert_message(error);
}

/* `named` is a parameter, or a field as "parameter.field"; "_or_null" is no part of it. An element of an array is named by its message alone. */
static inline void assert_names(const mmx_error *error, const char *named) {
    const char *parameter = mmx_error_parameter(error), *message = mmx_error_message(error);
    size_t length = strlen(parameter);
    bool is_named = length > 0 && strncmp(named, parameter, length) == 0 && strchr(".", named[length]);
    const char *last = strrchr(named, '.') ? strrchr(named, '.') + 1 : named;
    if (!is_named || !strstr(message, parameter) || (named[length] && !strstr(message, last)))
        WRONG("%s is not named, but \"%s\": %s", named, parameter, message);
}

static inline void judge(const struct values *v, const char *named, enum expected expected, mmx_status status,
    const mmx_status *documented) {
    const long sent_before = sent;
    sent = count_of(ACCOUNT, "count");
    bad_calls++;
    if (v->error == FILLED) WRONG("the error is not set");
    const bool is_refused = status == MMX_ERROR_INVALID_ARGUMENT;
    if ((expected == REFUSED && !is_refused) || (expected == ACCEPTED && is_refused))
        WRONG("%s: %s", mmx_status_name(status), mmx_error_message(v->error));
    assert_status(v->error, status, documented);
    late += is_late(status);
    if (!is_refused) return;
    assert_names(v->error, named);
    if (mmx_error_attempts(v->error) != 0 || mmx_error_is_ambiguous(v->error)) WRONG("attempts");
    late -= sent - sent_before;
    if (late < 0) WRONG("a request was sent"), late = 0;
    const void *results[] = {v->out_client, v->out_cancel, v->out_files, v->out_outcomes, v->out_string};
    for (size_t i = 0; i < LENGTH_OF(results); i++)
        if (results[i] && results[i] != FILLED) WRONG("refused, with a result");
}

/* A struct_size that is refused is named itself; a field that isn't known, by its struct. */
static inline void judge_size(const struct values *v, const struct sized *s, const char *name, bool is_out,
    mmx_status status, const mmx_status *documented) {
    char *named = format(s->is_unknown_field ? "%s" : "%s.struct_size", name);
    judge(v, named, is_out && s->is_unknown_field ? ACCEPTED : s->expected, status, documented);
    free(named);
}

/* A setting that was accepted works: a client is made with it, and makes a call. */
static inline void use_config(mmx_config *config, const mmx_status *of_new, const mmx_status *of_delete) {
    mmx_client *client = NULL;
    mmx_error *error = NULL;
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    /* A rate that was set is waited for. */
    options.timeout_ms = 500;
    mmx_status status = mmx_client_new(config, &client, &error);
    assert_status(error, status, of_new);
    if (status == MMX_OK) {
        status = mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error);
        assert_status(error, status, of_delete);
        sent = count_of(ACCOUNT, "count");
        late += is_late(status);
    }
    mmx_error_free(error);
    mmx_client_free(client);
}

/* ---- The frame of the program ---- */

/* Also where the stack is full; AddressSanitizer has given the thread another one. */
static inline void use_other_stack(void) {
    static char stack[64 * 1024];
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    stack_t given;
    CHECK_INT(sigaltstack(NULL, &given), 0);
    if (given.ss_flags & SS_DISABLE) CHECK_INT(sigaltstack(&other, NULL), 0);
}

static void say_where(int number) {
    static const char what[] = "\nthe call that crashes or hangs: ";
    (void)!write(2, what, sizeof what - 1);
    (void)!write(2, bad_case, strlen(bad_case));
    (void)!write(2, "\n", 1);
    signal(number, SIG_DFL);
    raise(number);
}

/* Some texts are names of files: those stay in a folder of their own. */
static inline void bad_calls_run(void *(*all)(void *)) {
    char folder[] = "/tmp/mmx-test-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    CHECK_INT(chdir(folder), 0);
    struct sigaction action = {.sa_handler = say_where, .sa_flags = SA_ONSTACK};
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    make_bad_texts();
    sweep_begins();
    /* Deep JSON and long texts must not need more stack than any call: 64 KiB, and what this program takes itself. */
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK_INT(pthread_attr_init(&attributes), 0);
    CHECK_INT(pthread_attr_setstacksize(&attributes, ENOUGH_STACK + 16 * 1024), 0);
    CHECK_INT(pthread_create(&thread, &attributes, all, NULL), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    free_bad_texts();
    DIR *files = opendir(".");
    for (struct dirent *file; (file = readdir(files));)
        if (strcmp(file->d_name, ".") != 0 && strcmp(file->d_name, "..") != 0) CHECK_INT(unlink(file->d_name), 0);
    closedir(files);
    CHECK_INT(rmdir(folder), 0);
    printf("%ld bad calls\n", bad_calls);
    CHECK_INT(wrong_calls, 0);
}

#endif
