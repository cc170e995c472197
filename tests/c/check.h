/* What every test program shares: checks that stop at the first failure, and the stand-in server's control plane. */
#ifndef CHECK_H
#define CHECK_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "mmx.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FAIL(...)                                                                                                      \
    (fprintf(stderr, "%s:%d: ", __FILE__, __LINE__), fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))
#define CHECK(condition) ((condition) ? (void)0 : FAIL("not so: %s", #condition))
#define CHECK_INT(found, wanted) check_int(__FILE__, __LINE__, #found, (int64_t)(found), (int64_t)(wanted))
#define CHECK_TEXT(found, wanted) check_text(__FILE__, __LINE__, #found, (found), (wanted), 1)
#define CHECK_HAS(found, part) check_text(__FILE__, __LINE__, #found, (found), (part), 0)

static inline void check_int(const char *file, int line, const char *what, int64_t found, int64_t wanted) {
    if (found == wanted) return;
    fprintf(stderr, "%s:%d: %s is %" PRId64 ", not %" PRId64 "\n", file, line, what, found, wanted);
    exit(1);
}

static inline void check_text(
    const char *file, int line, const char *what, const char *found, const char *wanted, int whole) {
    if (found && (whole ? strcmp(found, wanted) == 0 : strstr(found, wanted) != NULL)) return;
    fprintf(stderr, "%s:%d: %s is \"%s\", %s \"%s\"\n", file, line, what, found ? found : "(null)",
        whole ? "not" : "without", wanted);
    exit(1);
}

/* The runner says where the server is; without it a test fails. */
static inline const char *setting(const char *name) {
    const char *value = getenv(name);
    if (!value) FAIL("%s is not set: run this by `make test`", name);
    return value;
}

/* printf into a fresh string; the caller frees it. */
__attribute__((format(printf, 1, 2))) static inline char *format(const char *pattern, ...) {
    char *text = NULL;
    va_list arguments;
    va_start(arguments, pattern);
    if (vasprintf(&text, pattern, arguments) < 0) abort();
    va_end(arguments);
    return text;
}

/* So much stack is enough for every call; frames are larger with a sanitizer. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { ENOUGH_STACK = 1024 * 1024 };
#else
enum { ENOUGH_STACK = 64 * 1024 };
#endif

static inline int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int connect_to(int port) {
    struct sockaddr_in address = {0};
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        FAIL("no stand-in server at port %d", port);
    return fd;
}

/* One request to the control plane, e.g. control("POST", "/control/a/faults", "{\"code\":1002}"). The caller frees the
 * answer's body. */
static inline char *control(const char *method, const char *path, const char *body) {
    const char *url = setting("MMX_TEST_HTTP");
    int fd = connect_to(atoi(strrchr(url, ':') + 1));
    char *request =
        format("%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\n\r\n%s",
            method, path, body ? strlen(body) : 0, body ? body : "");
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
        FAIL("%s %s was not taken", method, path);
    free(request);
    size_t length = 0, room = 1 << 16;
    char *answer = malloc(room);
    for (ssize_t got; answer && (got = read(fd, answer + length, room - length - 1)) > 0;) {
        length += (size_t)got;
        if (length + 1 >= room) answer = realloc(answer, room *= 2);
    }
    close(fd);
    if (!answer) abort();
    answer[length] = 0;
    char *end = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.1 2", 10) != 0 || !end) FAIL("%s %s: %s", method, path, answer);
    memmove(answer, end + 4, strlen(end + 4) + 1);
    return answer;
}

/* The same where the answer doesn't matter. */
static inline void script(const char *account, const char *fault) {
    char *path = format("/control/%s/faults", account);
    free(control("POST", path, fault));
    free(path);
}

/* A plain number of an account: "count", "count?file_id=7", "open", "wait?open=0". */
static inline long count_of(const char *account, const char *what) {
    char *path = format("/control/%s/%s", account, what);
    char *answer = control("GET", path, NULL);
    long value = atol(answer);
    free(answer);
    free(path);
    return value;
}

/* The account as new, with `count` files of purpose voice_clone, ids from 1. */
static inline void account(const char *name, long count) {
    char *path = format("/control/%s/reset", name);
    free(control("POST", path, NULL));
    free(path);
    if (count == 0) return;
    path = format("/control/%s/files", name);
    char *files = format("{\"count\": %ld, \"first_id\": 1, \"purpose\": \"voice_clone\"}", count);
    free(control("POST", path, files));
    free(files);
    free(path);
}

/* A configuration for an account, over HTTP or HTTPS with the throw-away CA. Of one attempt a call, so that each fault is
 * seen as it is; what is sent again has programs of its own (retry_*.c), which set 0 for the default. */
static inline mmx_config *config_for(const char *account, bool https) {
    mmx_config *config = mmx_config_new();
    char *url = format("%s/t/%s", setting(https ? "MMX_TEST_HTTPS" : "MMX_TEST_HTTP"), account);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_api_key(config, setting("MMX_TEST_KEY"), NULL), MMX_OK);
    if (https) CHECK_INT(mmx_config_set_ca_file(config, setting("MMX_TEST_CA"), NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 1, NULL), MMX_OK);
    free(url);
    return config;
}

static inline mmx_client *client_of(mmx_config *config) {
    mmx_client *client = NULL;
    mmx_error *error = NULL;
    if (mmx_client_new(config, &client, &error) != MMX_OK) FAIL("%s", mmx_error_message(error));
    mmx_config_free(config);
    return client;
}

static inline mmx_client *client_for(const char *account, bool https) { return client_of(config_for(account, https)); }

/* One that sends again what failed, as it does by default. */
static inline mmx_client *retrying_client_for(const char *account, bool https) {
    mmx_config *config = config_for(account, https);
    CHECK_INT(mmx_config_set_max_attempts(config, 0, NULL), MMX_OK);
    return client_of(config);
}

/* A delete that must succeed. */
static inline void assert_deletes(const mmx_client *client, int64_t file_id) {
    mmx_error *error = NULL;
    if (mmx_delete_file(client, file_id, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error) != MMX_OK) {
        char *json = mmx_error_json(error);
        FAIL("file %" PRId64 ": %s", file_id, json);
    }
}

#endif
