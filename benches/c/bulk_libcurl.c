/* libcurl: a multi handle with an easy handle for each request under way, which takes the next file when it is done. */
#include "bulk.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct handle {
    CURL *curl;
    char body[128];
    char answer[4096];
    size_t length;
};

static CURLM *multi;
static struct handle *handles;

static void check(CURLcode code) {
    if (code != CURLE_OK) fail("%s", curl_easy_strerror(code));
}

static void check_multi(CURLMcode code) {
    if (code != CURLM_OK) fail("%s", curl_multi_strerror(code));
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

static CURL *with_settings(struct handle *handle, const char *url, struct curl_slist *headers) {
    CURL *curl = curl_easy_init();
    if (curl == NULL) fail("out of memory");
    check(curl_easy_setopt(curl, CURLOPT_URL, url));
    check(curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers));
    check(curl_easy_setopt(curl, CURLOPT_USERAGENT, "bench"));
    check(curl_easy_setopt(curl, CURLOPT_CAINFO, setting("SSL_CERT_FILE")));
    check(curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 60000L));
    check(curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep));
    check(curl_easy_setopt(curl, CURLOPT_WRITEDATA, handle));
    check(curl_easy_setopt(curl, CURLOPT_PRIVATE, handle));
    check(curl_easy_setopt(curl, CURLOPT_POSTFIELDS, handle->body)); /* Not copied: each call fills it anew. */
    return curl;
}

void contestant_begin(size_t width) {
    char url[256], authorization[256];
    check(curl_global_init(CURL_GLOBAL_DEFAULT));
    snprintf(url, sizeof(url), "%s/v1/files/delete", setting("MINIMAX_BASE_URL"));
    snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", setting("MINIMAX_API_KEY"));
    struct curl_slist *headers = curl_slist_append(curl_slist_append(NULL, authorization), "Content-Type: application/json");
    multi = curl_multi_init();
    handles = calloc(width, sizeof(*handles));
    if (multi == NULL || handles == NULL) fail("out of memory");
    check_multi(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)width));
    for (size_t i = 0; i < width; i++) handles[i].curl = with_settings(&handles[i], url, headers);
}

static void start(struct handle *handle, int64_t file_id) {
    int length = snprintf(handle->body, sizeof(handle->body), "{\"file_id\":%lld,\"purpose\":\"voice_clone\"}", (long long)file_id);
    handle->length = 0;
    check(curl_easy_setopt(handle->curl, CURLOPT_POSTFIELDSIZE, (long)length));
    check_multi(curl_multi_add_handle(multi, handle->curl));
}

static void verify(struct handle *handle) {
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

void contestant_delete_all(int64_t first_id, size_t count, size_t width) {
    size_t begun = 0, done = 0;
    for (; begun < count && begun < width; begun++) start(&handles[begun], first_id + (int64_t)begun);
    while (done < count) {
        int running = 0, left = 0;
        check_multi(curl_multi_perform(multi, &running));
        for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;) {
            struct handle *handle = NULL;
            check(message->data.result);
            check(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&handle));
            verify(handle);
            check_multi(curl_multi_remove_handle(multi, handle->curl));
            done++;
            if (begun < count) start(handle, first_id + (int64_t)begun++);
        }
        if (done < count) check_multi(curl_multi_poll(multi, NULL, 0, 1000, NULL));
    }
}

const char *contestant_about(void) {
    return curl_version();
}
