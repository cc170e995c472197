/* An easy handle of libcurl that deletes files, and what came of the last answer. */
#ifndef EASY_H
#define EASY_H

#include "common.h"
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct handle {
    CURL *curl;
    struct curl_slist *headers;
    char body[128];
    char answer[4096];
    size_t length;
};

static inline void check(CURLcode code) {
    if (code != CURLE_OK) fail("%s", curl_easy_strerror(code));
}

/* Called by libcurl with what came of the answer. */
static size_t keep(char *data, size_t size, size_t count, void *user) {
    struct handle *handle = user;
    size_t length = size * count;
    if (length >= sizeof(handle->answer) - handle->length) return 0;
    memcpy(handle->answer + handle->length, data, length);
    handle->length += length;
    return length;
}

/* The header that has the key. */
static inline void authorize(char *header, size_t size) {
    snprintf(header, size, "Authorization: Bearer %s", setting("MINIMAX_API_KEY"));
}

static inline void set_up(struct handle *handle, const char *url, const char *authorization) {
    CURL *curl = handle->curl = curl_easy_init();
    if (curl == NULL) fail("out of memory");
    handle->headers = curl_slist_append(curl_slist_append(NULL, authorization), "Content-Type: application/json");
    check(curl_easy_setopt(curl, CURLOPT_URL, url));
    check(curl_easy_setopt(curl, CURLOPT_HTTPHEADER, handle->headers));
    check(curl_easy_setopt(curl, CURLOPT_USERAGENT, "bench"));
    check(curl_easy_setopt(curl, CURLOPT_CAINFO, setting("SSL_CERT_FILE")));
    check(curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 60000L));
    check(curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep));
    check(curl_easy_setopt(curl, CURLOPT_WRITEDATA, handle));
    check(curl_easy_setopt(curl, CURLOPT_POSTFIELDS, handle->body)); /* Not copied: each call fills it anew. */
}

/* The next request is the delete of this file. */
static inline void set_file(struct handle *handle, int64_t file_id) {
    int length = snprintf(
        handle->body, sizeof(handle->body), "{\"file_id\":%lld,\"purpose\":\"voice_clone\"}", (long long)file_id);
    handle->length = 0;
    check(curl_easy_setopt(handle->curl, CURLOPT_POSTFIELDSIZE, (long)length));
}

/* Called once an answer is there. */
static inline void check_answer(struct handle *handle) {
    static const char success[] = "\"status_code\":0";
    handle->answer[handle->length] = 0;
    /* Not a JSON parser, which a C program would need besides: libcurl is given that for nothing. */
    const char *found = strstr(handle->answer, success);
    long http_status = 0;
    check(curl_easy_getinfo(handle->curl, CURLINFO_RESPONSE_CODE, &http_status));
    if (http_status != 200 || found == NULL || strchr(",}", found[sizeof(success) - 1]) == NULL) {
        fail("HTTP %ld: %s", http_status, handle->answer);
    }
}

#endif
