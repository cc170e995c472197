/* Deletes COUNT files from FIRST_ID on with one bulk call: rate REQUESTS_PER_MINUTE FIRST_ID COUNT, 0 for no ceiling.
 * Server and key are in MINIMAX_BASE_URL and MINIMAX_API_KEY. Prints one line of JSON; fails unless all are deleted. */
#define _GNU_SOURCE
#include "common.h"
#include <mmx.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void check(mmx_status status, const mmx_error *error) {
    if (status != MMX_OK) fail("%s", mmx_error_message(error));
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 4) fail("usage: %s REQUESTS_PER_MINUTE FIRST_ID COUNT", argv[0]);
    int64_t first_id = atoll(argv[2]);
    size_t count = (size_t)atoll(argv[3]);
    mmx_file_ref *files = calloc(count, sizeof *files);
    if (files == NULL) fail("out of memory");
    for (size_t i = 0; i < count; i++) files[i] = (mmx_file_ref){first_id + (int64_t)i, MMX_PURPOSE_VOICE_CLONE};
    mmx_error *error = NULL;
    mmx_client *client = NULL;
    mmx_config *config = mmx_config_new();
    check(mmx_config_set_requests_per_minute(config, atoi(argv[1]), &error), error);
    check(mmx_client_new(config, &client, &error), error);
    double began = now();
    check(mmx_delete_files(client, files, count, NULL, NULL, &error), error);
    printf("{\"about\":\"libmmx %s\",\"seconds\":%.3f}\n", mmx_version(), now() - began);
    mmx_client_free(client);
    mmx_config_free(config);
    free(files);
    return 0;
}
