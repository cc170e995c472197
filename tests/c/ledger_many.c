/* Sixty-four threads in each of sixteen processes write to one ledger, and none of their lines is lost. */
#include "ledger.h"
#include <pthread.h>

static const char NAME[] = "ledger-many";
enum { PROCESSES = 16, THREADS = 64, DELETED = 2 };
static char *ledger;
static mmx_client *client;

/* Three uploads, of which two are deleted. */
static void *works(void *number) {
    for (int i = 0; i <= DELETED; i++) {
        int64_t id = uploads(client, "a.mp3", (uint64_t)(size_t)number, 10, 0, 0);
        if (i < DELETED) assert_deletes(client, id);
    }
    return NULL;
}

int main(void) {
    in_memory();
    ledger = in_folder("ledger.jsonl");
    empty_account(NAME);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() != 0) continue;
        pthread_t threads[THREADS];
        mmx_config *config = config_for(NAME, false);
        CHECK_INT(mmx_config_set_ledger(config, ledger, NULL), MMX_OK);
        CHECK_INT(mmx_config_set_max_attempts(config, 0, NULL), MMX_OK);
        client = client_of(config);
        for (size_t t = 0; t < THREADS; t++) CHECK_INT(pthread_create(&threads[t], NULL, works, (void *)t), 0);
        for (size_t t = 0; t < THREADS; t++) CHECK_INT(pthread_join(threads[t], NULL), 0);
        mmx_client_free(client);
        _exit(0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        CHECK(wait(&status) > 0 && status == 0);
    }
    /* Each file that is there is known once, and no other is. */
    CHECK_INT(files_of(NAME), PROCESSES * THREADS);
    client = client_with_ledger(NAME, ledger);
    char *text = text_of(ledger), *there = NULL;
    char *path = format("/control/%s/files", NAME);
    there = control("GET", path, NULL);
    long known = 0;
    for (char *at = there; (at = strstr(at, "\"file_id\":")); at++) {
        char *id = format("\"file_id\":%ld,", strtol(at + strlen("\"file_id\":"), NULL, 10));
        if (times_in(text, id) != 1) FAIL("the ledger holds %s %ld times", id, times_in(text, id));
        known++;
        free(id);
    }
    CHECK_INT(known, PROCESSES * THREADS);
    free(path);
    free(there);
    free(text);
    free(sweeps(client, 0, MMX_OK, 0, 0));
    CHECK_INT(files_of(NAME), PROCESSES * THREADS);
    mmx_client_free(client);
    unlink(ledger);
    remove_folder();
    free(ledger);
    return 0;
}
