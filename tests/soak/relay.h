/* A relay in a process of its own, as a bad network has it: a connection that is idle for a second ends, and one in eight is
 * reset after a random number of bytes. */
#ifndef SOAK_RELAY_H
#define SOAK_RELAY_H
#include "../c/ports.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

enum { IDLE_MS = 1000, RESETS_ONE_IN = 8, LONGEST_LIFE = 60000 };

struct relayed {
    int client, server_port;
    long left; /* bytes until the reset; -1 = never */
};

static inline void ends_by_reset(int fd) {
    struct linger at_once = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* Passes on what is there; 0 = the connection ends. */
static inline int relays(int from, int to, struct relayed *relayed) {
    char bytes[16384];
    ssize_t got = recv(from, bytes, sizeof bytes, 0);
    if (got <= 0) return 0;
    if (relayed->left >= 0 && (relayed->left -= got) < 0) {
        ends_by_reset(from);
        ends_by_reset(to);
        return 0;
    }
    for (ssize_t at = 0; at < got;) {
        ssize_t sent = send(to, bytes + at, (size_t)(got - at), MSG_NOSIGNAL);
        if (sent <= 0) return 0;
        at += sent;
    }
    return 1;
}

static inline void *relays_a_connection(void *given) {
    struct relayed relayed = *(struct relayed *)given;
    free(given);
    int server = connect_to(relayed.server_port);
    struct pollfd both[] = {{.fd = relayed.client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    while (poll(both, 2, IDLE_MS) > 0) {
        if (both[1].revents && !relays(server, relayed.client, &relayed)) break;
        if (both[0].revents && !relays(relayed.client, server, &relayed)) break;
    }
    close(server);
    close(relayed.client);
    return NULL;
}

/* Returns the relay's port. It ends with this process. */
static inline int relay_in_a_process(const char *server_url) {
    int listener = socket_at_a_port(128), port = port_of(listener);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child > 0) {
        close(listener);
        return port;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    unsigned random = (unsigned)port;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&detached, 128 << 10);
    for (int client; (client = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        struct relayed *relayed = malloc(sizeof *relayed);
        pthread_t thread;
        if (!relayed) abort();
        *relayed = (struct relayed){client, atoi(strrchr(server_url, ':') + 1), -1};
        if (rand_r(&random) % RESETS_ONE_IN == 0) relayed->left = rand_r(&random) % LONGEST_LIFE;
        CHECK(pthread_create(&thread, &detached, relays_a_connection, relayed) == 0);
    }
    _exit(1);
}

#endif
