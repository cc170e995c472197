/* A storm of setenv in another thread crashes nothing: no call reads the environment. Every second answer is lost, after
 * which the library makes everything anew, so that what is done only then is done under the storm too. */
#include "check.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_bool stop;

/* Stands in front of libc's: a crash comes by luck, a look at the environment is seen each time. */
static _Thread_local bool in_a_call;
char *getenv(const char *name) {
    if (in_a_call) FAIL("a call read %s from the environment", name);
    char *(*libc_getenv)(const char *) = NULL;
    *(void **)&libc_getenv = dlsym(RTLD_NEXT, "getenv");
    return libc_getenv(name);
}

static void *storm(void *given) {
    (void)given;
    for (unsigned n = 0; !atomic_load(&stop); n++) {
        char *name = format("MMX_STORM_%u", n % 5000);
        char *value = format("%0*u", (int)(n % 200) + 1, n);
        setenv(name, value, 1);
        if (n % 3 == 0) unsetenv(name);
        free(name);
        free(value);
    }
    return NULL;
}

int main(void) {
    enum { COUNT = 300 };
    mmx_client *clients[2];
    for (int https = 0; https < 2; https++) {
        const char *name = https ? "storm-tls" : "storm-http";
        account(name, COUNT);
        for (int i = 0; i < COUNT / 2; i++) script(name, "[{}, {\"close_before_answer\": \"rst\"}]");
        clients[https] = client_for(name, https);
    }
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, storm, NULL), 0);
    for (int https = 0; https < 2; https++)
        for (int64_t id = 1; id <= COUNT; id += 2) {
            in_a_call = true;
            deletes(clients[https], id);
            CHECK_INT(mmx_delete_file(clients[https], id + 1, "voice_clone", NULL, NULL, NULL), MMX_ERROR_NETWORK);
            in_a_call = false;
        }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    for (int https = 0; https < 2; https++) {
        CHECK_INT(number(https ? "storm-tls" : "storm-http", "count?performed=1"), COUNT);
        mmx_client_free(clients[https]);
    }
    return 0;
}
