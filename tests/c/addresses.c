/* A name with several addresses: one that is dead or refuses holds no call up, a name that has moved is asked for again, and
 * IPv6 addresses stand in URLs. */
#include "ports.h"
#include "contract.h"
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>

static const char NAME[] = "addresses";

/* What the name has, in this order; "" is none. */
static const char *addresses[2] = {"", ""};
static atomic_int asked;

/* Stands in front of libc's. The result is libc's own, so that its freeaddrinfo frees it. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!strstr(node, ".two.example")) return real(node, service, hints, found);
    atomic_fetch_add(&asked, 1);
    struct addrinfo *first = NULL, *second = NULL;
    int failed = real(addresses[0], service, hints, &first);
    if (failed || !*addresses[1]) return *found = first, failed;
    failed = real(addresses[1], service, hints, &second);
    if (failed) return failed;
    struct addrinfo *last = first;
    while (last->ai_next) last = last->ai_next;
    last->ai_next = second;
    *found = first;
    return 0;
}

/* A listener at another address of this machine, at the stand-in server's port; -1 = it doesn't listen. */
static int at(const char *host, int port, int may_wait) {
    struct sockaddr_in address = {0};
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, host, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) FAIL("%s:%d can't be had", host, port);
    if (may_wait >= 0 && listen(fd, may_wait) != 0) FAIL("no listener at %s:%d", host, port);
    for (int i = 0; may_wait == 0 && i < 4; i++) {
        int guest = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(guest, (struct sockaddr *)&address, sizeof address);
    }
    return fd;
}

static int port(void) { return atoi(strrchr(setting("MMX_TEST_HTTP"), ':') + 1); }

/* A name of its own, for names are remembered. */
static mmx_config *config_of_two(void) {
    static int names;
    mmx_config *config = config_for(NAME, false);
    char *url = format("http://n%d.two.example:%d/t/%s", ++names, port(), NAME);
    account(NAME, 9);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_allow_insecure(config, true, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_proxy(config, "none", NULL), MMX_OK);
    free(url);
    return config;
}

/* Within three seconds by default; also where the connect limit is longer than the call's. */
static void the_first_is_dead(int connect_timeout_ms, int timeout_ms, const char *dead) {
    addresses[0] = dead;
    addresses[1] = "127.0.0.1";
    mmx_config *config = config_of_two();
    CHECK_INT(mmx_config_set_connect_timeout_ms(config, connect_timeout_ms, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_timeout_ms(config, timeout_ms, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    assert_deletes(client, 1);
    mmx_client_free(client);
}

/* The second is used at once: well before a dead one would be given up. */
static void the_first_refuses(void) {
    addresses[0] = "127.0.0.4";
    addresses[1] = "127.0.0.1";
    mmx_config *config = config_of_two();
    CHECK_INT(mmx_config_set_connect_timeout_ms(config, 200, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    assert_deletes(client, 1);
    mmx_client_free(client);
}

/* The address that was remembered refuses, so that the next attempt asks again and finds the new one. */
static void the_name_moves(void) {
    addresses[0] = "127.0.0.5";
    addresses[1] = "";
    mmx_config *config = config_of_two();
    CHECK_INT(mmx_config_set_connect_timeout_ms(config, 300, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    mmx_error *error = NULL;
    int before = atomic_load(&asked);
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error), MMX_ERROR_CONNECT);
    CHECK_HAS(mmx_error_message(error), "connection refused");
    mmx_error_free(error);
    addresses[0] = "127.0.0.1";
    assert_deletes(client, 1);
    CHECK_INT(atomic_load(&asked) - before, 2);
    mmx_client_free(client);
}

/* Answers each connection's first request with a success. */
static void *serves(void *given) {
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 43\r\nConnection: close\r\n\r\n"
        "{\"file_id\":1,\"base_resp\":{\"status_code\":0}}";
    for (int fd; (fd = accept(*(int *)given, NULL, NULL)) >= 0;) {
        char request[8192] = "";
        size_t length = 0;
        for (ssize_t got; length < sizeof request - 1 && !strstr(request, "\"voice_clone\"}");) {
            if ((got = read(fd, request + length, sizeof request - 1 - length)) <= 0) break;
            length += (size_t)got;
            request[length] = 0;
        }
        CHECK_HAS(request, "\r\nhost: [::1]:");
        CHECK(send(fd, answer, strlen(answer), MSG_NOSIGNAL) == (ssize_t)strlen(answer));
        close(fd);
    }
    return NULL;
}

static void an_address_of_ipv6(void) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0)
        FAIL("this machine has no IPv6 address ::1, which this test needs");
    CHECK(listen(listener, 4) == 0 && getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    pthread_t server;
    CHECK_INT(pthread_create(&server, NULL, serves, &listener), 0);
    mmx_config *config = config_for(NAME, false);
    char *url = format("http://[::1]:%d", ntohs(address.sin6_port));
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    for (int i = 0; i < 2; i++) assert_deletes(client, 1);
    mmx_client_free(client);
    free(url);
    shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listener);
}

int main(void) {
    alarm(60);
    at("127.0.0.3", port(), 0);
    at("127.0.0.6", port(), 0);
    /* Two dead ones, so that neither is known to be dead. */
    the_first_is_dead(0, 3000, "127.0.0.3");
    the_first_is_dead(9000, 4000, "127.0.0.6");
    the_first_refuses();
    the_name_moves();
    an_address_of_ipv6();
    return 0;
}
