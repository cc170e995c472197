/* Many files deleted by one call: an outcome for every one, in input order, and nothing that is known is lost. */
#include "files.h"

#define NAME "bulk"

static mmx_file_ref *refs(size_t count) {
    mmx_file_ref *files = calloc(count, sizeof *files);
    if (!files) abort();
    for (size_t i = 0; i < count; i++) files[i] = (mmx_file_ref){(int64_t)i + 1, MMX_PURPOSE_VOICE_CLONE};
    return files;
}

static void has(const char *json, const char *part) {
    if (!json || !strstr(json, part)) FAIL("%s is missing in %.2000s", part, json ? json : "NULL");
}

/* Each is deleted once, however wide; the outcomes stand in the input's order. */
static void all_are_deleted(bool https) {
    enum { COUNT = 200 };
    account(NAME, COUNT);
    long before = files_of(NAME);
    mmx_client *client = retrying_client_for(NAME, https);
    mmx_file_ref *files = refs(COUNT);
    mmx_error *error = NULL;
    char *json = NULL;
    SUCCEEDS(mmx_delete_files(client, files, COUNT, NULL, &json, &error), error);
    has(json, "\"total\":200");
    has(json, "\"deleted\":200");
    const char *at = json;
    for (int i = 0; i < COUNT; i++) {
        char *part = format("\"file_id\":%d,\"index\":%d,\"outcome\":\"deleted\"", i + 1, i);
        at = strstr(at, part);
        if (!at) FAIL("%s is missing or out of order: %.3000s", part, json);
        free(part);
    }
    CHECK_INT(number(NAME, "count?performed=1"), COUNT);
    CHECK_INT(files_of(NAME), before - COUNT);
    mmx_string_free(json);
    free(files);
    mmx_client_free(client);
}

int main(void) {
    all_are_deleted(false);
    all_are_deleted(true);
    return 0;
}
