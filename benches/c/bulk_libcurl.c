/* libcurl: a multi handle with an easy handle for each request under way, which takes the next file when it is done. */
#include "bulk.h"
#include "easy.h"
#include <stdlib.h>

static CURLM *multi;
static struct handle *handles;

static void check_multi(CURLMcode code) {
    if (code != CURLM_OK) fail("%s", curl_multi_strerror(code));
}

void contestant_begin(size_t width) {
    char url[256], authorization[256];
    check(curl_global_init(CURL_GLOBAL_DEFAULT));
    snprintf(url, sizeof(url), "%s/v1/files/delete", setting("MINIMAX_BASE_URL"));
    authorize(authorization, sizeof(authorization));
    multi = curl_multi_init();
    handles = calloc(width, sizeof(*handles));
    if (multi == NULL || handles == NULL) fail("out of memory");
    check_multi(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)width));
    for (size_t i = 0; i < width; i++) {
        set_up(&handles[i], url, authorization);
        check(curl_easy_setopt(handles[i].curl, CURLOPT_PRIVATE, &handles[i]));
    }
}

static void start(struct handle *handle, int64_t file_id) {
    set_file(handle, file_id);
    check_multi(curl_multi_add_handle(multi, handle->curl));
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
            check_answer(handle);
            check_multi(curl_multi_remove_handle(multi, handle->curl));
            done++;
            if (begun < count) start(handle, first_id + (int64_t)begun++);
        }
        if (done < count) check_multi(curl_multi_poll(multi, NULL, 0, 1000, NULL));
    }
}

const char *contestant_about(void) { return curl_version(); }
