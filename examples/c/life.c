/* The whole life of a file: ./life PATH PURPOSE uploads it, lists, retrieves, downloads, compares and deletes it again.
 * The key is in MINIMAX_API_KEY.
 *
 * cc -Iinclude examples/c/life.c -Ltarget/release -lmmx -o life */
#include <mmx.h>
#include <stdio.h>

static int32_t bar(void *what, int64_t done, int64_t total) {
    int filled = total > 0 ? (int)(done * 40 / total) : 0;
    fprintf(stderr, "\r%-10s [%.*s%*s] %lld bytes", (const char *)what, filled,
        "########################################", 40 - filled, "", (long long)done);
    if (done == total) fputc('\n', stderr);
    return 0; /* anything else cancels */
}

static void list(const mmx_client *client, const char *purpose, mmx_error **error) {
    char *json = NULL;
    mmx_files *files = NULL;
    if (mmx_list_files(client, purpose, NULL, &json, error) == MMX_OK &&
        mmx_files_parse(json, &files, NULL) == MMX_OK) {
        printf("%20s %12s  %s\n", "file_id", "bytes", "filename");
        for (size_t i = 0; i < mmx_files_count(files); i++) {
            const mmx_file *file = mmx_files_get(files, i);
            printf("%20lld %12lld  %s\n", (long long)file->file_id, (long long)file->bytes, file->filename);
        }
    }
    mmx_files_free(files);
    mmx_string_free(json);
}

static int32_t compare(void *original, const uint8_t *data, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (getc(original) != data[i]) return 1; /* gives up */
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s PATH PURPOSE\n", argv[0]);
        return 2;
    }
    mmx_client *client = NULL;
    mmx_error *error = NULL;
    mmx_files *files = NULL;
    char *json = NULL;
    int64_t id = 0;
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_sink sink = MMX_SINK_INIT;
    FILE *original = fopen(argv[1], "rb");

    options.progress = bar;
    options.user_data = (void *)"uploading";
    if (mmx_client_new(NULL, &client, &error) == MMX_OK &&
        mmx_upload_file(client, argv[1], argv[2], &options, &json, &error) == MMX_OK &&
        mmx_files_parse(json, &files, &error) == MMX_OK && mmx_files_count(files) == 1) {
        id = mmx_files_get(files, 0)->file_id;
        list(client, argv[2], &error);
        mmx_string_free(json);
        json = NULL;
        mmx_files_free(files);
        files = NULL;
        if (!error && mmx_retrieve_file(client, id, NULL, &json, &error) == MMX_OK &&
            mmx_files_parse(json, &files, &error) == MMX_OK && mmx_files_count(files) == 1)
            printf("retrieved: %s, %s\n", mmx_files_get(files, 0)->filename, mmx_files_get(files, 0)->purpose);
        options.user_data = (void *)"comparing";
        sink.write = compare;
        sink.user_data = original;
        if (!error && original && mmx_download_stream(client, id, &sink, &options, NULL, &error) == MMX_OK)
            printf("%s\n", getc(original) == EOF ? "the same, byte for byte" : "NOT the same");
        if (!error && mmx_delete_file(client, id, argv[2], NULL, NULL, &error) == MMX_OK)
            printf("deleted: %lld\n", (long long)id);
    }
    if (error) fprintf(stderr, "%s\n%s\n", mmx_status_name(mmx_error_status(error)), mmx_error_message(error));
    int failed = error != NULL || id == 0;
    if (original) fclose(original);
    mmx_files_free(files);
    mmx_string_free(json);
    mmx_error_free(error);
    mmx_client_free(client);
    return failed;
}
