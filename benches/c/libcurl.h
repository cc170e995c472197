/* An easy handle with what it sends and gets; one at a time, or many of them in a multi handle. */
#ifndef LIBCURL_H
#define LIBCURL_H

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

struct handle {
    CURL *curl;
    struct curl_slist *headers;
    char body[128];
    char answer[4096];
    size_t length;
};

/* Ends the process where libcurl reports an error. */
void check(CURLcode code);
/* Fills in the request for a file. */
void prepare(struct handle *handle, int64_t file_id);
/* Makes sure that the answer says success. */
void verify(struct handle *handle);

#endif
