/* Makes one call, and then the same call CALLS times more, so that the cost of one can be counted from outside:
 *
 *   counted delete CALLS FIRST_ID      counted upload CALLS PATH
 *   counted list CALLS FILES           counted download CALLS FILE_ID PATH
 *   counted parse CALLS FILES
 *
 * The first call makes the connection. `list` and `parse` make sure that there are at least FILES files; `parse` lists
 * once and reads that listing CALLS times more. Server, key and roots are in MINIMAX_BASE_URL, MINIMAX_API_KEY and
 * SSL_CERT_FILE. Prints nothing; the exit code is 0 if all calls succeeded. */
#include "bench.h"
#include <mmx.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static char *list(const mmx_client *client) {
    char *json = NULL;
    mmx_error *error = NULL;
    if (mmx_list_files(client, MMX_PURPOSE_VOICE_CLONE, NULL, &json, &error) != MMX_OK) {
        fail("%s", mmx_error_message(error));
    }
    return json;
}

static void parse(const char *json, size_t least) {
    mmx_files *files = NULL;
    mmx_error *error = NULL;
    if (mmx_files_parse(json, &files, &error) != MMX_OK) fail("%s", mmx_error_message(error));
    if (mmx_files_count(files) < least) fail("%zu files are listed", mmx_files_count(files));
    mmx_files_free(files);
}

int main(int argc, char **argv) {
    if (argc < 4) fail("usage: %s delete|list|parse|upload|download CALLS ARGUMENT...", argv[0]);
    const char *call = argv[1], *argument = argv[3];
    long calls = strtol(argv[2], NULL, 10);
    int64_t number = strtoll(argument, NULL, 10);
    contestant_begin();
    void *client = contestant_open();
    if (strcmp(call, "delete") == 0) {
        for (long i = 0; i <= calls; i++) contestant_delete(client, number + i);
    } else if (strcmp(call, "upload") == 0) {
        for (long i = 0; i <= calls; i++) contestant_upload(client, argument);
    } else if (strcmp(call, "download") == 0 && argc == 5) {
        for (long i = 0; i <= calls; i++) contestant_download(client, number, argv[4]);
    } else if (strcmp(call, "list") == 0) {
        for (long i = 0; i <= calls; i++) {
            char *json = list(client);
            if (i == 0) parse(json, (size_t)number);
            mmx_string_free(json);
        }
    } else if (strcmp(call, "parse") == 0) {
        char *json = list(client);
        for (long i = 0; i <= calls; i++) parse(json, (size_t)number);
        mmx_string_free(json);
    } else {
        fail("%s with %d arguments is not known", call, argc - 3);
    }
    contestant_close(client);
    return 0;
}
