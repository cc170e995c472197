/* Ports of this machine at which something is wrong; they last as long as the program. */
#ifndef PORTS_H
#define PORTS_H
#include "check.h"

static inline int port_of(int fd) {
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) FAIL("a socket without a port");
    return ntohs(address.sin_port);
}

/* A socket at a port of its own; listening, if so many may wait there. -1 = it doesn't listen. */
static inline int socket_at_a_port(int may_wait) {
    struct sockaddr_in address = {0};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) FAIL("no port to be had");
    if (may_wait >= 0 && listen(fd, may_wait) != 0) FAIL("no port to listen at");
    return fd;
}

/* Nobody listens: a connect is refused. */
static inline int closed_port(void) { return port_of(socket_at_a_port(-1)); }

/* Its queue is full, so a further connect never gets an answer. */
static inline int full_port(void) {
    struct sockaddr_in address = {0};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int port = port_of(socket_at_a_port(0));
    address.sin_port = htons((uint16_t)port);
    for (int i = 0; i < 4; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fd, (struct sockaddr *)&address, sizeof address);
    }
    return port;
}

/* The kernel accepts its connections and nobody speaks on them. */
static inline int silent_port(void) { return port_of(socket_at_a_port(64)); }

#endif
