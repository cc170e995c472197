/* libcurl: an easy handle for each thread, used again for each call, as its manual recommends. */
#include "bench.h"
#include "easy.h"
#include <stdlib.h>

static char base_url[256], url[300], authorization[256];

void contestant_begin(void) {
    check(curl_global_init(CURL_GLOBAL_DEFAULT));
    snprintf(base_url, sizeof(base_url), "%s/v1/files", setting("MINIMAX_BASE_URL"));
    snprintf(url, sizeof(url), "%s/delete", base_url);
    authorize(authorization, sizeof(authorization));
}

void *contestant_open(void) {
    struct handle *handle = calloc(1, sizeof(*handle));
    if (handle == NULL) fail("out of memory");
    set_up(handle, url, authorization);
    check(curl_easy_setopt(handle->curl, CURLOPT_NOSIGNAL, 1L)); /* For threads. */
    return handle;
}

void contestant_delete(void *opened, int64_t file_id) {
    struct handle *handle = opened;
    set_file(handle, file_id);
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

const char *contestant_about(void) { return curl_version(); }
