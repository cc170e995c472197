/* mmx_files_...: the files in the JSON of every call, for callers without a parser of their own. */
#include "contract.h"
#include "files.h"

static mmx_files *parsed(const char *json, size_t count) {
    mmx_files *files = NULL;
    mmx_error *error = NULL;
    SUCCEEDS(mmx_files_parse(json, &files, &error), error);
    CHECK_INT(mmx_files_count(files), count);
    CHECK(mmx_files_get(files, count) == NULL && mmx_files_get(files, SIZE_MAX) == NULL);
    return files;
}

static void file_is(const mmx_file *file, int64_t id, int64_t bytes, int64_t created_at, const char *filename,
    const char *purpose, const char *download_url) {
    CHECK(file != NULL);
    CHECK_INT(file->file_id, id);
    CHECK_INT(file->bytes, bytes);
    CHECK_INT(file->created_at, created_at);
    CHECK_TEXT(file->filename, filename);
    CHECK_TEXT(file->purpose, purpose);
    CHECK_TEXT(file->download_url, download_url);
}

static void written_by_hand(void) {
    static const char *const none[] = {
        "{}", "{\"files\":null}", "{\"files\":[]}", " { \"base_resp\": {\"status_code\": 0} } ", "{\"file\":null}"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) mmx_files_free(parsed(none[i], 0));

    mmx_files *files = parsed(
        "{\"files\":[{\"file_id\":9223372036854775807,\"bytes\":\"12\",\"created_at\":1700469398,"
        "\"filename\":\"\\u58f0\\n.mp3\",\"purpose\":\"a\",\"download_url\":\"https://x/?y\",\"new\":{\"file_id\":3}},"
        "{\"file_id\":\"9007199254740993\"},{\"file_id\":1,\"bytes\":null,\"filename\":null,\"purpose\":7,\"created_"
        "at\":\"x\"}]}",
        3);
    file_is(mmx_files_get(files, 0), INT64_MAX, 12, 1700469398, "\xe5\xa3\xb0\n.mp3", "a", "https://x/?y");
    file_is(mmx_files_get(files, 1), 9007199254740993, 0, 0, "", "", "");
    file_is(mmx_files_get(files, 2), 1, 0, 0, "", "", "");
    CHECK(mmx_files_get(files, 1) == mmx_files_get(files, 1));
    mmx_files_free(files);

    files = parsed("{\"file_id\":\"9223372036854775807\",\"bytes\":9223372036854775807}", 1);
    file_is(mmx_files_get(files, 0), INT64_MAX, INT64_MAX, 0, "", "", "");
    mmx_files_free(files);
    files = parsed("{\"file\":{\"file_id\":5,\"filename\":\"a\"},\"base_resp\":{}}", 1);
    file_is(mmx_files_get(files, 0), 5, 0, 0, "a", "", "");
    mmx_files_free(files);
    /* Some languages write an empty list as an empty object. */
    mmx_files_free(parsed("{\"files\":{}}", 0));
    files = parsed("{\"file_id\":6,\"base_resp\":{}}", 1);
    file_is(mmx_files_get(files, 0), 6, 0, 0, "", "", "");
    mmx_files_free(files);
    /* A NUL within a name can't be told in C, and ends nothing early in memory. */
    files = parsed("{\"file_id\":6,\"filename\":\"a\\u0000b\"}", 1);
    CHECK(mmx_files_get(files, 0)->filename[0] == 'a');
    mmx_files_free(files);
}

static void refused_ones(void) {
    static const char *const bad[] = {"", " ", "{", "[]", "null", "7", "\"{}\"", "{}{}", "nonsense",
        "{\"files\":{\"a\":1}}", "{\"files\":[7]}", "{\"files\":[{}]}", "{\"files\":[{\"file_id\":1.0}]}",
        "{\"files\":[{\"file_id\":1e3}]}", "{\"files\":[{\"file_id\":9223372036854775808}]}",
        "{\"files\":[{\"file_id\":\"x\"}]}", "{\"files\":[{\"file_id\":\"\"}]}", "{\"files\":[{\"file_id\":null}]}",
        "{\"file\":{\"file_id\":true}}", "{\"file_id\":\"-\"}", "{\"file_id\":\"9223372036854775808\"}",
        "{\"file_id\":\"1e3\"}", "{\"file\":[]}"};
    mmx_error *error = FILLED;
    mmx_files *files;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        files = FILLED;
        REFUSES(mmx_files_parse(bad[i], &files, &error), error, "json", "is not the JSON of a call");
        CHECK(files == NULL);
        CHECK_INT(mmx_files_parse(bad[i], &files, NULL), MMX_ERROR_INVALID_ARGUMENT);
    }
    enum { DEEP = 100000 };
    char *nested = malloc(DEEP + 1);
    memset(nested, '[', DEEP);
    nested[DEEP] = 0;
    REFUSES(mmx_files_parse(nested, &files, &error), error, "json", "is not the JSON of a call");
    free(nested);
    REFUSES(mmx_files_parse(NULL, &files, &error), error, "json", "is NULL");
    REFUSES(mmx_files_parse("{\"a\":\"\xc3\x28\"}", &files, &error), error, "json", "not valid UTF-8");
    REFUSES(mmx_files_parse("{}", NULL, &error), error, "out_files", "is NULL");
    CHECK_INT(mmx_files_count(NULL), 0);
    CHECK(mmx_files_get(NULL, 0) == NULL);
    mmx_files_free(NULL);
}

/* What each call hands over; the files live on without the JSON, the client and the server. */
static void of_every_call(void) {
    mmx_client *client = client_for("files-parse", false);
    mmx_error *error = NULL;
    char *list = NULL, *one = NULL, *upload = NULL, *download = NULL, *removed = NULL;
    account("files-parse", 3);
    char *path = in_folder("a.mp3");
    write_file(path, "abc", 3);
    SUCCEEDS(mmx_upload_file(client, path, MMX_PURPOSE_PROMPT_AUDIO, NULL, &upload, &error), error);
    SUCCEEDS(mmx_list_files(client, MMX_PURPOSE_PROMPT_AUDIO, NULL, &list, &error), error);
    mmx_files *files = parsed(upload, 1);
    int64_t id = mmx_files_get(files, 0)->file_id;
    file_is(mmx_files_get(files, 0), id, 3, mmx_files_get(files, 0)->created_at, "a.mp3", MMX_PURPOSE_PROMPT_AUDIO, "");
    mmx_files *all = NULL;
    SUCCEEDS(mmx_files_parse(list, &all, &error), error);
    bool found = false;
    for (size_t i = 0; i < mmx_files_count(all); i++) found = found || mmx_files_get(all, i)->file_id == id;
    CHECK(found);
    SUCCEEDS(mmx_retrieve_file(client, id, NULL, &one, &error), error);
    mmx_files *retrieved = parsed(one, 1);
    SUCCEEDS(mmx_download_file(client, id, path, NULL, &download, &error), error);
    mmx_files *downloaded = parsed(download, 1);
    CHECK_INT(mmx_files_get(downloaded, 0)->file_id, id);
    CHECK_INT(mmx_files_get(downloaded, 0)->bytes, 3);
    SUCCEEDS(mmx_delete_file(client, id, MMX_PURPOSE_PROMPT_AUDIO, NULL, &removed, &error), error);
    mmx_files *gone = parsed(removed, 1);
    CHECK_INT(mmx_files_get(gone, 0)->file_id, id);

    mmx_client_free(client);
    char *given[] = {list, one, upload, download, removed};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        memset(given[i], 'x', strlen(given[i])); /* not kept */
        mmx_string_free(given[i]);
    }
    CHECK_TEXT(mmx_files_get(retrieved, 0)->filename, "a.mp3");
    CHECK_HAS(mmx_files_get(retrieved, 0)->download_url, "/store/files-parse/");
    mmx_files *freed[] = {files, all, retrieved, downloaded, gone};
    for (size_t i = 0; i < sizeof freed / sizeof *freed; i++) mmx_files_free(freed[i]);
    free(path);
}

int main(void) {
    written_by_hand();
    refused_ones();
    of_every_call();
    remove_folder();
    return 0;
}
