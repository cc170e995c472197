/* libmmx: one call, which tells of each file as it settles. */
#include "bulk.h"
#include <mmx.h>
#include <stdio.h>
#include <stdlib.h>

static mmx_client *client;

void contestant_begin(size_t width) {
    mmx_error *error = NULL;
    (void)width;
    if (mmx_client_new(NULL, &client, &error) != MMX_OK) fail("%s", mmx_error_message(error));
}

static int32_t settled(void *user_data, const mmx_outcome *outcome) {
    size_t *deleted = user_data;
    *deleted += outcome->outcome == MMX_OUTCOME_DELETED;
    return 0;
}

void contestant_delete_all(int64_t first_id, size_t count, size_t width) {
    mmx_file_ref *files = calloc(count, sizeof(*files));
    if (files == NULL) fail("out of memory");
    for (size_t i = 0; i < count; i++) files[i] = (mmx_file_ref){first_id + (int64_t)i, MMX_PURPOSE_VOICE_CLONE};
    size_t deleted = 0;
    mmx_bulk_options options = MMX_BULK_OPTIONS_INIT;
    options.concurrency = (int32_t)width;
    options.on_outcome = settled;
    options.user_data = &deleted;
    mmx_error *error = NULL;
    if (mmx_delete_files(client, files, count, &options, NULL, &error) != MMX_OK) fail("%s", mmx_error_message(error));
    if (deleted != count) fail("%zu of %zu files are deleted", deleted, count);
    free(files);
}

const char *contestant_about(void) {
    static char about[64];
    snprintf(about, sizeof(about), "libmmx %s", mmx_version());
    return about;
}
