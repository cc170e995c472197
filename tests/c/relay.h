/* Stands between a client and the stand-in server, and breaks the first connections at a given byte. */
#ifndef RELAY_H
#define RELAY_H
#include "ports.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

struct relay {
    int server_port;
    int breaks;    /* so many connections are broken */
    long up, down; /* after so many bytes to the server, or from it; -1 = however many */
    bool reset;    /* by RST, otherwise by an orderly end */
    int listener, port;
    atomic_int accepted;
    atomic_long passed_up, passed_down; /* bytes in all */
    pthread_t thread;
    struct relay *earlier;
};

struct passage {
    struct relay *relay;
    int client;
    bool breaks;
};

/* Passes on what there is, so many bytes at most. Returns how many, 0 at the end. */
static inline long pass_on(int from, int to, long most, atomic_long *passed) {
    char buffer[4096];
    if (most < 0 || most > (long)sizeof buffer) most = sizeof buffer;
    ssize_t got = recv(from, buffer, (size_t)most, 0);
    /* Counted before whoever gets it can look. */
    if (got > 0) atomic_fetch_add(passed, got);
    for (ssize_t sent = 0, now; sent < got; sent += now)
        if ((now = send(to, buffer + sent, (size_t)(got - sent), MSG_NOSIGNAL)) <= 0) return 0;
    return got > 0 ? got : 0;
}

/* Closed so that the client sees the one end or the other, whatever of it has not been read. */
static inline void break_off(int client, bool reset) {
    if (reset) {
        struct linger at_once = {1, 0};
        setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    } else {
        char rest[4096];
        shutdown(client, SHUT_WR);
        while (recv(client, rest, sizeof rest, 0) > 0) continue;
    }
    close(client);
}

static inline void *passes(void *given) {
    struct passage passage = *(struct passage *)given;
    struct relay *relay = passage.relay;
    free(given);
    long up_left = passage.breaks ? relay->up : -1, down_left = passage.breaks ? relay->down : -1;
    int server = up_left == 0 ? -1 : connect_to(relay->server_port);
    bool broken = up_left == 0;
    while (!broken) {
        struct pollfd both[] = {{.fd = passage.client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
        if (poll(both, 2, -1) < 0) continue;
        if (both[1].revents) {
            /* What the server has sent is seen before it is broken off: its answer is lost, or a part of it. */
            if (down_left == 0) {
                broken = true;
                break;
            }
            long got = pass_on(server, passage.client, down_left, &relay->passed_down);
            if (got == 0) break;
            if (down_left > 0) down_left -= got;
        }
        if (both[0].revents) {
            long got = pass_on(passage.client, server, up_left, &relay->passed_up);
            if (got == 0) break;
            if (up_left > 0 && (up_left -= got) == 0) broken = true;
        }
    }
    if (server >= 0) close(server);
    break_off(passage.client, broken && relay->reset);
    return NULL;
}

static inline void *accepts(void *given) {
    struct relay *relay = given;
    for (int client; (client = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        struct passage *passage = malloc(sizeof *passage);
        pthread_t thread;
        if (!passage) abort();
        *passage = (struct passage){relay, client, atomic_fetch_add(&relay->accepted, 1) < relay->breaks};
        CHECK(pthread_create(&thread, NULL, passes, passage) == 0);
        pthread_detach(thread);
    }
    return NULL;
}

/* All that were made. A relay is never freed: its connections may outlast the test that made it. */
static _Atomic(struct relay *) last_relay;

static inline struct relay *relay_to(bool https, int breaks, long up, long down, bool reset) {
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay) abort();
    relay->server_port = atoi(strrchr(setting(https ? "MMX_TEST_HTTPS" : "MMX_TEST_HTTP"), ':') + 1);
    relay->breaks = breaks;
    relay->up = up;
    relay->down = down;
    relay->reset = reset;
    relay->listener = socket_at_a_port(64);
    relay->port = port_of(relay->listener);
    relay->earlier = atomic_load(&last_relay);
    while (!atomic_compare_exchange_weak(&last_relay, &relay->earlier, relay)) continue;
    CHECK(pthread_create(&relay->thread, NULL, accepts, relay) == 0);
    return relay;
}

/* No connection more. */
static inline void relay_ends(struct relay *relay) {
    shutdown(relay->listener, SHUT_RDWR);
    pthread_join(relay->thread, NULL);
    close(relay->listener);
}

/* A configuration for an account of the server behind it. */
static inline mmx_config *config_behind(const struct relay *relay, const char *account, bool https) {
    mmx_config *config = config_for(account, https);
    char *url = format("%s://127.0.0.1:%d/t/%s", https ? "https" : "http", relay->port, account);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    free(url);
    return config;
}

#endif
