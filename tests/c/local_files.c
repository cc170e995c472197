/* Errors of local files have the system's errno, in mmx_error_errno() and in the JSON; other errors have none. */
#include "contract.h"
#include "files.h"
#include "retry.h"
#include <sys/stat.h>

#define NAME "local-files"

static mmx_client *client;
static char *path;

static mmx_status uploads(const char *name, mmx_error **error) {
    return mmx_upload_file(client, name, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, error);
}
static mmx_status downloads(const char *name, mmx_error **error) {
    return mmx_download_file(client, 1, name, NULL, NULL, error);
}
static mmx_status by_link(const char *name, mmx_error **error) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.flags = MMX_CALL_VIA_DOWNLOAD_URL;
    return mmx_download_file(client, 1, name, &options, NULL, error);
}
static mmx_status ca_file(const char *name, mmx_error **error) {
    mmx_config *config = mmx_config_new();
    mmx_status status = mmx_config_set_ca_file(config, name, error);
    mmx_config_free(config);
    return status;
}

static const struct {
    mmx_status (*call)(const char *name, mmx_error **error);
    const char *name; /* in the folder of the test, unless it begins with / */
    int number;
    const char *part;
    long requests; /* -1: one may have begun */
} cases[] = {
    {uploads, "none.mp3", ENOENT, "none.mp3", 0},
    {uploads, "none/a.mp3", ENOENT, "a.mp3", 0},
    {uploads, "file/a.mp3", ENOTDIR, "a.mp3", 0},
    {uploads, "folder", EISDIR, "folder", 0},
    {uploads, "loop", ELOOP, "loop", 0},
    {uploads, "dangling", ENOENT, "dangling", 0},
    {uploads, "/proc/self/mem", EIO, "can't be read", -1},
    {downloads, "none/a.mp3", ENOENT, "the folder ", 0},
    {downloads, "none/none/a.mp3", ENOENT, "the folder ", 0},
    {downloads, "file/a.mp3", ENOTDIR, "a.mp3", 0},
    {downloads, "folder", EISDIR, "folder", 0},
    {downloads, "folder/", EISDIR, "folder", 0},
    {downloads, "loop", ELOOP, "loop", 0},
    {downloads, "/dev/full", ENOSPC, "/dev/full", 1},
    {downloads, "/proc/none", ENOENT, "/proc/none can't be written: no such file or directory", 0},
    {by_link, "none/a.mp3", ENOENT, "the folder ", 0},
    {by_link, "/dev/full", ENOSPC, "/dev/full", 2},
    {ca_file, "none.pem", ENOENT, "none.pem", 0},
    {ca_file, "none/ca.pem", ENOENT, "ca.pem", 0},
    {ca_file, "folder", EISDIR, "folder", 0},
    {ca_file, "file/ca.pem", ENOTDIR, "ca.pem", 0},
};

static void local(void) {
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        char *name = *cases[i].name == '/' ? format("%s", cases[i].name) : in_folder(cases[i].name);
        mmx_error *error = NULL;
        account(NAME, 1);
        int entries = entries_in(folder());
        mmx_status status = cases[i].call(name, &error);
        if (status != MMX_ERROR_FILE)
            FAIL("%zu, %s: %s: %s", i, name, mmx_status_name(status), mmx_error_message(error));
        if (mmx_error_errno(error) != cases[i].number)
            FAIL("%zu, %s: errno is %d, not %d: %s", i, name, mmx_error_errno(error), cases[i].number,
                mmx_error_message(error));
        char *json = mmx_error_json(error), *part = format("\"errno\":%d", cases[i].number);
        CHECK_HAS(json, part);
        CHECK_HAS(mmx_error_message(error), cases[i].part);
        CHECK(!strstr(mmx_error_message(error), "os error"));
        if (cases[i].requests >= 0) CHECK_INT(count_of(NAME, "count"), cases[i].requests);
        CHECK_INT(entries_in(folder()), entries);
        free(part);
        mmx_string_free(json);
        mmx_error_free(error);
        free(name);
    }
}

/* Where it isn't a local file that fails. */
static void others(void) {
    mmx_error *error = NULL;
    CHECK_INT(mmx_error_errno(NULL), 0);
    account(NAME, 1);
    CHECK_INT(mmx_delete_file(client, 9, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), MMX_ERROR_NOT_FOUND);
    CHECK_INT(mmx_error_errno(error), 0);
    char *json = mmx_error_json(error);
    CHECK_HAS(json, "\"errno\":0");
    mmx_string_free(json);
    mmx_error_free(error);
    mmx_config *config = config_for(NAME, false);
    CHECK_INT(mmx_config_set_base_url(config, "http://127.0.0.1:1", NULL), MMX_OK);
    mmx_client *nobody = client_of(config);
    CHECK_INT(mmx_list_files(nobody, NULL, NULL, NULL, &error), MMX_ERROR_CONNECT);
    CHECK_INT(mmx_error_errno(error), 0);
    mmx_error_free(error);
    CHECK_INT(uploads("", &error), MMX_ERROR_INVALID_ARGUMENT);
    CHECK_INT(mmx_error_errno(error), 0);
    mmx_error_free(error);
    mmx_client_free(nobody);
}

int main(void) {
    client = client_for(NAME, false);
    path = in_folder("file");
    write_file(path, "x", 1);
    free(path);
    path = in_folder("folder");
    CHECK(mkdir(path, 0700) == 0);
    free(path);
    path = in_folder("loop");
    CHECK(symlink("loop", path) == 0);
    free(path);
    path = in_folder("dangling");
    CHECK(symlink("nowhere/at/all", path) == 0);
    free(path);
    local();
    others();
    mmx_client_free(client);
    remove_folder();
    return 0;
}
