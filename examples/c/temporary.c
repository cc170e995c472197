/* A file that is needed for a moment: ./temporary PATH PURPOSE LEDGER uploads it, uses it and deletes it. If this process is
 * killed on the way, `mmx-files sweep --ledger LEDGER` deletes the file. The key is in MINIMAX_API_KEY.
 *
 * cc -Iinclude examples/c/temporary.c -Ltarget/release -lmmx -o temporary */
#include <mmx.h>
#include <stdio.h>

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: %s PATH PURPOSE LEDGER\n", argv[0]);
        return 2;
    }
    mmx_config *config = mmx_config_new();
    mmx_client *client = NULL;
    mmx_error *error = NULL;
    mmx_files *files = NULL;
    char *json = NULL;
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.flags = MMX_CALL_TEMPORARY;

    if (mmx_config_set_ledger(config, argv[3], &error) == MMX_OK && mmx_client_new(config, &client, &error) == MMX_OK &&
        mmx_upload_file(client, argv[1], argv[2], &options, &json, &error) == MMX_OK &&
        mmx_files_parse(json, &files, &error) == MMX_OK && mmx_files_count(files) == 1) {
        int64_t id = mmx_files_get(files, 0)->file_id;
        printf("stored: %lld\n", (long long)id);
        /* Here it is used. */
        if (mmx_delete_file(client, id, argv[2], NULL, NULL, &error) == MMX_OK)
            printf("deleted: %lld\n", (long long)id);
    }
    if (error) fprintf(stderr, "%s\n%s\n", mmx_status_name(mmx_error_status(error)), mmx_error_message(error));
    int failed = error != NULL;
    mmx_files_free(files);
    mmx_string_free(json);
    mmx_error_free(error);
    mmx_client_free(client);
    mmx_config_free(config);
    return failed;
}
