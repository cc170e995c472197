/* A delete works from a pthread-key destructor, from atexit and from an ELF destructor, where thread-locals are gone.
 * The program fails unless the last of the three, the ELF destructor, has seen all deletes. */
#include "check.h"
#include <pthread.h>

static mmx_client *clients[2];

static void in_key_destructor(void *value) {
    (void)value;
    for (int i = 0; i < 2; i++) assert_deletes(clients[i], 2);
}

static void *thread(void *key) {
    CHECK_INT(pthread_setspecific(*(pthread_key_t *)key, key), 0);
    for (int i = 0; i < 2; i++) assert_deletes(clients[i], 1);
    return NULL;
}

static void at_exit(void) {
    for (int i = 0; i < 2; i++) assert_deletes(clients[i], 3);
}

__attribute__((destructor)) static void in_elf_destructor(void) {
    if (!clients[0]) return;
    for (int i = 0; i < 2; i++) assert_deletes(clients[i], 4);
    bool all = count_of("at-exit-0", "count?performed=1") == 4 && count_of("at-exit-1", "count?performed=1") == 4;
    for (int i = 0; i < 2; i++) mmx_client_free(clients[i]);
    _exit(all ? 0 : 1);
}

int main(void) {
    pthread_key_t key;
    pthread_t id;
    for (int i = 0; i < 2; i++) {
        char *name = format("at-exit-%d", i);
        account(name, 4);
        clients[i] = client_for(name, i == 1);
        free(name);
    }
    atexit(at_exit);
    CHECK_INT(pthread_key_create(&key, in_key_destructor), 0);
    CHECK_INT(pthread_create(&id, NULL, thread, &key), 0);
    pthread_join(id, NULL);
    return 1; /* overruled by the destructor */
}
