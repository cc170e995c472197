/* What the tests of proxies share: the stand-in server's forward proxies, and what came to them. */
#ifndef PROXIES_H
#define PROXIES_H
#include "contract.h"

/* Makes a proxy of that name with an empty journal; the caller frees its URL. */
static inline char *proxy_with(const char *name, const char *settings) {
    char *path = format("/control/proxies/%s", name);
    char *answer = control("POST", path, settings);
    char *url = strstr(answer, "http"), *end = url ? strchr(url, '"') : NULL;
    if (!end) FAIL("no proxy: %s", answer);
    char *copy = format("%.*s", (int)(end - url), url);
    free(answer);
    free(path);
    return copy;
}

/* What it was asked; the caller frees it. */
static inline char *asked_of(const char *name) {
    char *path = format("/control/proxies/%s", name);
    char *journal = control("GET", path, NULL);
    free(path);
    return journal;
}

/* So many requests came to it, and each has `part`. */
static inline void assert_proxy_asked(const char *name, int times, const char *part) {
    char *journal = asked_of(name);
    int requests = 0, with = 0;
    for (char *at = journal; (at = strstr(at, "\"method\":")); at++) requests++;
    for (char *at = journal; (at = strstr(at, part)); at++) with++;
    if (requests != times || with != times) FAIL("%s was not asked %d times with %s: %s", name, times, part, journal);
    free(journal);
}

/* `http://user:password@host:port` of `http://host:port`. */
static inline char *with_credentials(const char *url, const char *credentials) {
    const char *host = strstr(url, "://") + 3;
    return format("%.*s%s@%s", (int)(host - url), url, credentials, host);
}

/* A delete that comes to nothing because of the proxy: the message has each part, and the proxy's host and port. */
static inline void assert_proxy_fails(
    const mmx_config *config, mmx_status status, const char *proxy, const char *part, const char *help) {
    mmx_client *client = client_from(config);
    mmx_error *error = NULL;
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error), status);
    char *json = mmx_error_json(error);
    CHECK_HAS(mmx_error_message(error), part);
    CHECK_HAS(mmx_error_message(error), help);
    CHECK_HAS(mmx_error_message(error), strstr(proxy, "://") + 3);
    CHECK(!mmx_error_is_ambiguous(error) && !strstr(json, "secret") && !strstr(json, setting("MMX_TEST_KEY")));
    CHECK_INT(mmx_error_attempts(error), 1);
    CHECK_INT(mmx_error_api_code(error), 0);
    mmx_string_free(json);
    mmx_error_free(error);
    mmx_client_free(client);
}

static inline void assert_deletes_with(const mmx_config *config, int64_t file_id) {
    mmx_client *client = client_from(config);
    assert_deletes(client, file_id);
    mmx_client_free(client);
}

#endif
