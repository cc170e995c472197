/* libmmx: one client for all threads. */
#include "bench.h"
#include <mmx.h>
#include <stdio.h>

static mmx_client *client;

void contestant_begin(void) {
    mmx_error *error = NULL;
    if (mmx_client_new(NULL, &client, &error) != MMX_OK) fail("%s", mmx_error_message(error));
}

void *contestant_open(void) { return client; }

void contestant_delete(void *opened, int64_t file_id) {
    mmx_error *error = NULL;
    if (mmx_delete_file(opened, file_id, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error) != MMX_OK) {
        fail("%s", mmx_error_message(error));
    }
}

void contestant_upload(void *opened, const char *path) {
    mmx_error *error = NULL;
    if (mmx_upload_file(opened, path, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error) != MMX_OK) {
        fail("%s", mmx_error_message(error));
    }
}

void contestant_download(void *opened, int64_t file_id, const char *path) {
    mmx_error *error = NULL;
    if (mmx_download_file(opened, file_id, path, NULL, NULL, &error) != MMX_OK) fail("%s", mmx_error_message(error));
}

void contestant_close(void *opened) { (void)opened; /* The client is everybody's, and goes with the process. */ }

const char *contestant_about(void) {
    static char about[64];
    snprintf(about, sizeof(about), "libmmx %s", mmx_version());
    return about;
}
