/* A storm of setenv in another thread crashes nothing: no call reads the environment. Every second answer is lost, after
 * which the library makes everything anew, so that what is done only then is done under the storm too. */
#include "proxies.h"
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

/* Straight, over TLS, and over TLS through a proxy. */
static const char *const names[] = {"storm-http", "storm-tls", "storm-proxy"};
enum { COUNT = 200, WAYS = 3 };

int main(void) {
    mmx_client *clients[WAYS];
    for (int way = 0; way < WAYS; way++) {
        account(names[way], COUNT);
        for (int i = 0; i < COUNT / 2; i++) script(names[way], "[{}, {\"close_before_answer\": \"rst\"}]");
        mmx_config *config = config_for(names[way], way > 0);
        char *proxy = proxy_with(names[way], "{}");
        if (way == 2) CHECK_INT(mmx_config_set_proxy(config, proxy, NULL), MMX_OK);
        clients[way] = client_of(config);
        free(proxy);
    }
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, storm, NULL), 0);
    for (int way = 0; way < WAYS; way++)
        for (int64_t id = 1; id <= COUNT; id += 2) {
            in_a_call = true;
            assert_deletes(clients[way], id);
            CHECK_INT(mmx_delete_file(clients[way], id + 1, "voice_clone", NULL, NULL, NULL), MMX_ERROR_NETWORK);
            in_a_call = false;
        }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    for (int way = 0; way < WAYS; way++) {
        CHECK_INT(count_of(names[way], "count?performed=1"), COUNT);
        mmx_client_free(clients[way]);
    }
    return 0;
}
