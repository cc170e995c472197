/* 64 threads at once: calls over HTTP and TLS, with clients that are made and freed, cancels from another thread, timeouts,
 * bulk deletes and forks in between. Every call ends as it may, and nothing of it is left. MMX_TEST_CALLS says how many
 * calls: `make sanitize` makes 200,000. */
#include "files.h"
#include "retry.h"
#include <sys/wait.h>

enum { THREADS = 64, SHARED = 4, FILES = 16, MOST_IDLE = 64 };
/* A child of many threads may find what a sanitizer locks itself locked for ever, so there are no forks under one. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { WITH_FORKS = 0 };
#else
enum { WITH_FORKS = 1 };
#endif
/* ThreadSanitizer has a thread of its own. */
#ifdef __SANITIZE_THREAD__
enum { SANITIZER_THREADS = 1 };
#else
enum { SANITIZER_THREADS = 0 };
#endif
static const char NAME[] = "many-threads";
static mmx_client *clients[SHARED];
static mmx_cancel *cancels[THREADS];
static long calls_of_each;
static atomic_long made, cancelled, timed_out, forked;
static atomic_bool done;

static int entries_of(const char *path) {
    DIR *folder = opendir(path);
    int count = 0;
    if (!folder) FAIL("%s: %s", path, strerror(errno));
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

static mmx_client *new_client(bool https) {
    mmx_config *config = config_for(NAME, https);
    CHECK_INT(mmx_config_set_timeout_ms(config, 60000, NULL), MMX_OK);
    return client_of(config);
}

/* The call's end is one of those that it may have; its error is whole. */
static void ends(mmx_status found, mmx_error **given, mmx_status wanted, bool may_be_cut) {
    mmx_error *error = *given;
    bool is_cut = found == MMX_ERROR_CANCELLED || found == MMX_ERROR_TIMEOUT;
    if (found != wanted && !(may_be_cut && is_cut))
        FAIL("%s, not %s: %s", mmx_status_name(found), mmx_status_name(wanted), mmx_error_message(error));
    CHECK_INT(mmx_error_status(error), found);
    if (found != MMX_OK) {
        char *json = mmx_error_json(error);
        CHECK_HAS(json, mmx_status_name(found));
        mmx_string_free(json);
    }
    if (found == MMX_ERROR_CANCELLED) atomic_fetch_add(&cancelled, 1);
    if (found == MMX_ERROR_TIMEOUT) atomic_fetch_add(&timed_out, 1);
    mmx_error_free(error);
}

static void retrieves(const mmx_client *client, int64_t id, const mmx_call_options *options, bool may_be_cut) {
    mmx_error *error = NULL;
    char *json = NULL;
    mmx_status status = mmx_retrieve_file(client, id, options, &json, &error);
    CHECK((status == MMX_OK) == (json != NULL));
    mmx_string_free(json);
    ends(status, &error, MMX_OK, may_be_cut);
}

static void lists(const mmx_client *client) {
    mmx_error *error = NULL;
    mmx_files *files = NULL;
    char *json = NULL;
    SUCCEEDS(mmx_list_files(client, MMX_PURPOSE_VOICE_CLONE, NULL, &json, &error), error);
    SUCCEEDS(mmx_files_parse(json, &files, &error), error);
    CHECK(mmx_files_count(files) >= FILES);
    mmx_files_free(files);
    mmx_string_free(json);
}

static void deletes_many(const mmx_client *client, int64_t first) {
    mmx_file_ref files[5];
    for (size_t i = 0; i < LENGTH_OF(files); i++)
        files[i] = (mmx_file_ref){first + (int64_t)i, MMX_PURPOSE_VOICE_CLONE};
    mmx_error *error = NULL;
    char *json = NULL;
    mmx_outcomes *outcomes = NULL;
    SUCCEEDS(mmx_delete_files(client, files, LENGTH_OF(files), NULL, &json, &error), error);
    SUCCEEDS(mmx_outcomes_parse(json, &outcomes, &error), error);
    CHECK_INT(mmx_outcomes_total(outcomes, MMX_OUTCOME_ALREADY_ABSENT), LENGTH_OF(files));
    mmx_outcomes_free(outcomes);
    mmx_string_free(json);
}

/* A child of a process of 65 threads makes a call with what it has inherited. */
static void forks(const mmx_client *client, int64_t id) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(100); /* a child that hangs is a failure, not a wait */
        retrieves(client, id, NULL, false);
        _exit(0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) FAIL("a child ended with %#x", (unsigned)status);
    atomic_fetch_add(&forked, 1);
}

static void *works(void *given) {
    long number = (long)(intptr_t)given;
    unsigned random = (unsigned)number + 1;
    int64_t absent = 1000000 * (number + 1);
    for (long i = 0; i < calls_of_each; i++, atomic_fetch_add(&made, 1)) {
        int kind = rand_r(&random) % 1000, shared = rand_r(&random) % SHARED;
        const mmx_client *client = clients[shared];
        int64_t id = 1 + rand_r(&random) % FILES;
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        mmx_error *error = NULL;
        if (kind < 4 && WITH_FORKS) {
            forks(client, id);
        } else if (kind < 60) {
            mmx_client *own = new_client(shared & 1);
            retrieves(own, id, NULL, false);
            mmx_client_free(own);
        } else if (kind < 80) {
            deletes_many(client, absent += 5);
        } else if (kind < 120) {
            lists(client);
        } else if (kind < 250) {
            ends(mmx_delete_file(client, ++absent, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), &error,
                MMX_ERROR_NOT_FOUND, false);
        } else if (kind < 450) {
            options.cancel = cancels[number];
            retrieves(client, id, &options, true);
            mmx_cancel_reset(cancels[number]);
        } else if (kind < 500) {
            options.timeout_ms = 1 + rand_r(&random) % 3;
            retrieves(client, id, &options, true);
        } else {
            retrieves(client, id, NULL, false);
        }
    }
    return NULL;
}

static void *cancels_some(void *unused) {
    unsigned random = 4711;
    while (!atomic_load(&done)) {
        mmx_cancel_trigger(cancels[rand_r(&random) % THREADS]);
        struct timespec pause = {0, 200000};
        nanosleep(&pause, NULL);
    }
    return unused;
}

int main(void) {
    const char *wanted = getenv("MMX_TEST_CALLS");
    calls_of_each = (wanted ? atol(wanted) : 6400) / THREADS;
    account(NAME, FILES);
    free(control("POST", "/control/many-threads/journal_off", NULL));
    int descriptors = entries_of("/proc/self/fd");
    pthread_t threads[THREADS], canceller;
    for (int i = 0; i < SHARED; i++) clients[i] = new_client(i & 1);
    for (int i = 0; i < THREADS; i++) CHECK_INT(mmx_cancel_new(&cancels[i], NULL), MMX_OK);
    CHECK_INT(pthread_create(&canceller, NULL, cancels_some, NULL), 0);
    for (intptr_t i = 0; i < THREADS; i++) CHECK_INT(pthread_create(&threads[i], NULL, works, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    atomic_store(&done, true);
    pthread_join(canceller, NULL);
    for (int i = 0; i < SHARED; i++) mmx_client_free(clients[i]);
    for (int i = 0; i < THREADS; i++) mmx_cancel_free(cancels[i]);
    /* The settings of the last client keep idle connections for the next one. */
    CHECK(entries_of("/proc/self/fd") <= descriptors + MOST_IDLE);
    CHECK_INT(entries_of("/proc/self/task"), 3 + SANITIZER_THREADS);
    CHECK_INT(made, calls_of_each * THREADS);
    CHECK(cancelled > 0 && (forked > 0) == WITH_FORKS);
    printf("%ld calls, %ld cancelled, %ld timed out, %ld in children\n", made, cancelled, timed_out, forked);
    return 0;
}
