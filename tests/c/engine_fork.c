/* A client that was made and used before fork() works in the child and in the parent, over HTTP and TLS, also with other
 * threads in mid-call at the fork; freeing it in the child is safe; no connection is used by two processes. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { FORKS = 200, THREADS = 4, EACH = 10 };
static atomic_bool stop;
static mmx_client *client;

/* File ids say which process asked: the parent's begin at 1, those of child n at (n + 1) * 1000000. */
static void *in_the_parent(void *first) {
    int64_t id = *(const int64_t *)first;
    while (!atomic_load(&stop)) {
        mmx_error *error = NULL;
        /* Not a file that is there: what matters is which connection carries it. */
        CHECK_INT(mmx_delete_file(client, id, "voice_clone", NULL, NULL, &error), MMX_ERROR_NOT_FOUND);
        mmx_error_free(error);
    }
    return NULL;
}

/* Whose connection it is, by the ids that it carried: none may carry two processes'. */
static long check_connections(const char *name) {
    static long owner[1 << 20];
    memset(owner, -1, sizeof owner);
    char *path = format("/control/%s/journal", name);
    char *journal = control("GET", path, NULL);
    long requests = 0;
    for (char *at = journal; (at = strstr(at, "file_id\\\":")); requests++) {
        long process = atol(at + strlen("file_id\\\":")) / 1000000;
        at = strstr(at, "\"connection\":");
        long connection = atol(at + strlen("\"connection\":"));
        CHECK(connection >= 0 && connection < (1 << 20));
        if (owner[connection] == -1) owner[connection] = process;
        if (owner[connection] != process)
            FAIL("%s: connection %ld used by processes %ld and %ld", name, connection, owner[connection], process);
    }
    free(journal);
    free(path);
    return requests;
}

static void run(const char *name, bool https, bool with_threads) {
    account(name, FORKS * 2 + 1);
    client = client_for(name, https);
    assert_deletes(client, FORKS * 2 + 1);
    pthread_t threads[THREADS];
    int64_t first[THREADS];
    atomic_store(&stop, false);
    for (int i = 0; with_threads && i < THREADS; i++) {
        first[i] = 500000 + i;
        CHECK_INT(pthread_create(&threads[i], NULL, in_the_parent, &first[i]), 0);
    }
    for (int64_t n = 0; n < FORKS; n++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60); /* a child that hangs is a failure, not a wait */
            char *file = format("[{\"file_id\": %" PRId64 ", \"purpose\": \"voice_clone\"}]", (n + 1) * 1000000);
            char *path = format("/control/%s/files", name);
            free(control("POST", path, file));
            assert_deletes(client, (n + 1) * 1000000);
            mmx_client_free(client);
            _exit(0);
        }
        CHECK(child > 0);
        assert_deletes(client, n + 1);
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            FAIL("%s: child %d ended with %#x", name, (int)n, (unsigned)status);
    }
    atomic_store(&stop, true);
    for (int i = 0; with_threads && i < THREADS; i++) pthread_join(threads[i], NULL);
    mmx_client_free(client);
    CHECK_INT(count_of(name, "count?performed=1"), FORKS * 2 + 1);
    CHECK(check_connections(name) >= FORKS * 2 + 1);
}

int main(void) {
    run("fork-http", false, false);
    run("fork-tls", true, false);
    run("fork-http-threads", false, true);
    run("fork-tls-threads", true, true);
    return 0;
}
