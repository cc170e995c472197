/* libcurl: an easy handle for each thread, used again for each call, as its manual recommends. */
#include "bench.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct handle {
    CURL *curl;
    struct curl_slist *headers;
    char body[128];
    char answer[4096];
    size_t length;
};

static char base_url[256], url[300], authorization[256];

static void check(CURLcode code) {
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

void contestant_begin(void) {
    check(curl_global_init(CURL_GLOBAL_DEFAULT));
    snprintf(base_url, sizeof(base_url), "%s/v1/files", setting("MINIMAX_BASE_URL"));
    snprintf(url, sizeof(url), "%s/delete", base_url);
    snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", setting("MINIMAX_API_KEY"));
}

void *contestant_open(void) {
    struct handle *handle = calloc(1, sizeof(*handle));
    CURL *curl = curl_easy_init();
    if (handle == NULL || curl == NULL) fail("out of memory");
    handle->curl = curl;
    handle->headers = curl_slist_append(handle->headers, authorization);
    handle->headers = curl_slist_append(handle->headers, "Content-Type: application/json");
    check(curl_easy_setopt(curl, CURLOPT_URL, url));
    check(curl_easy_setopt(curl, CURLOPT_HTTPHEADER, handle->headers));
    check(curl_easy_setopt(curl, CURLOPT_USERAGENT, "bench"));
    check(curl_easy_setopt(curl, CURLOPT_CAINFO, setting("SSL_CERT_FILE")));
    check(curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 60000L));
    check(curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L)); /* For threads. */
    check(curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep));
    check(curl_easy_setopt(curl, CURLOPT_WRITEDATA, handle));
    check(curl_easy_setopt(curl, CURLOPT_POSTFIELDS, handle->body)); /* Not copied: each call fills it anew. */
    return handle;
}

/* Called once an answer is there. */
static void check_answer(struct handle *handle) {
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

void contestant_delete(void *opened, int64_t file_id) {
    struct handle *handle = opened;
    int length = snprintf(handle->body, sizeof(handle->body), "{\"file_id\":%lld,\"purpose\":\"voice_clone\"}",
                          (long long)file_id);
    handle->length = 0;
    check(curl_easy_setopt(handle->curl, CURLOPT_POSTFIELDSIZE, (long)length));
    check(curl_easy_perform(handle->curl));
    check_answer(handle);
}

/* The same handle, set for a transfer: without the header that says JSON. */
static void set_for_transfer(struct handle *handle) {
    struct curl_slist *headers = curl_slist_append(NULL, authorization);
    check(curl_easy_setopt(handle->curl, CURLOPT_HTTPHEADER, headers));
    curl_slist_free_all(handle->headers);
    handle->headers = headers;
}

/* As the example postit2.c of its documentation: the file is read by libcurl. */
void contestant_upload(void *opened, const char *path) {
    struct handle *handle = opened;
    char upload_url[320];
    snprintf(upload_url, sizeof(upload_url), "%s/upload", base_url);
    set_for_transfer(handle);
    check(curl_easy_setopt(handle->curl, CURLOPT_URL, upload_url));
    curl_mime *form = curl_mime_init(handle->curl);
    curl_mimepart *part = curl_mime_addpart(form);
    check(curl_mime_name(part, "purpose"));
    check(curl_mime_data(part, "voice_clone", CURL_ZERO_TERMINATED));
    part = curl_mime_addpart(form);
    check(curl_mime_name(part, "file"));
    check(curl_mime_type(part, "audio/mpeg"));
    check(curl_mime_filedata(part, path));
    check(curl_easy_setopt(handle->curl, CURLOPT_MIMEPOST, form));
    handle->length = 0;
    check(curl_easy_perform(handle->curl));
    check_answer(handle);
    curl_mime_free(form);
}

/* As the example url2file.c: written by fwrite. */
void contestant_download(void *opened, int64_t file_id, const char *path) {
    struct handle *handle = opened;
    char download_url[360];
    snprintf(download_url, sizeof(download_url), "%s/retrieve_content?file_id=%lld", base_url, (long long)file_id);
    set_for_transfer(handle);
    FILE *file = fopen(path, "wb");
    if (file == NULL) fail("%s can't be written", path);
    check(curl_easy_setopt(handle->curl, CURLOPT_HTTPGET, 1L));
    check(curl_easy_setopt(handle->curl, CURLOPT_URL, download_url));
    check(curl_easy_setopt(handle->curl, CURLOPT_WRITEFUNCTION, fwrite));
    check(curl_easy_setopt(handle->curl, CURLOPT_WRITEDATA, file));
    check(curl_easy_setopt(handle->curl, CURLOPT_FAILONERROR, 1L));
    check(curl_easy_perform(handle->curl));
    if (fclose(file) != 0) fail("%s is not whole", path);
}

void contestant_close(void *opened) {
    struct handle *handle = opened;
    curl_easy_cleanup(handle->curl);
    curl_slist_free_all(handle->headers);
    free(handle);
}

const char *contestant_about(void) {
    return curl_version();
}
