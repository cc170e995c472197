/* What is sent with every request, and what is taken of a response's head. */
#include "contract.h"
#include "files.h"
#include "retry.h"

static const char NAME[] = "wire";

static mmx_status one_of_five(int call, const mmx_client *client, const char *path, mmx_error **error) {
    if (call == 0) return mmx_delete_file(client, 1, "voice_clone", NULL, NULL, error);
    if (call == 1) return mmx_list_files(client, NULL, NULL, NULL, error);
    if (call == 2) return mmx_retrieve_file(client, 2, NULL, NULL, error);
    if (call == 3) return mmx_upload_file(client, path, "voice_clone", NULL, NULL, error);
    return mmx_download_file(client, 2, path, NULL, NULL, error);
}

/* 120 headers, of 64 KiB in all. */
static void many_headers(const char *path) {
    for (int https = 0; https < 2; https++) {
        account(NAME, 3);
        mmx_client *client = client_for(NAME, https);
        for (int call = 0; call < 5; call++) {
            mmx_error *error = NULL;
            faults(NAME, "{'extra_headers':112,'extra_header_bytes':65000}");
            SUCCEEDS(one_of_five(call, client, path, &error), error);
        }
        mmx_client_free(client);
    }
}

/* No cache answers, and nothing comes encoded: said with each request. */
static void headers_of_requests(const char *path) {
    account(NAME, 3);
    mmx_client *client = client_for(NAME, false);
    for (int call = 0; call < 5; call++) {
        mmx_error *error = NULL;
        SUCCEEDS(one_of_five(call, client, path, &error), error);
    }
    mmx_client_free(client);
    char *url = format("/control/%s/journal", NAME), *journal = control("GET", url, NULL);
    int requests = 0, no_cache = 0, identity = 0;
    for (char *at = journal; (at = strstr(at, "\"method\":")); at++) requests++;
    for (char *at = journal; (at = strstr(at, "no-cache")); at++) no_cache++;
    for (char *at = journal; (at = strstr(at, "identity")); at++) identity++;
    if (requests < 5 || no_cache != requests || identity != requests)
        FAIL("%d requests, %d no-cache, %d identity: %s", requests, no_cache, identity, journal);
    free(journal);
    free(url);
}

/* A gateway that caches GETs: what was seen before a delete isn't told after it. */
static void a_cache(void) {
    account(NAME, 3);
    char *path = format("/control/%s/settings", NAME);
    free(control("POST", path, "{\"cache\": true}"));
    mmx_client *client = client_for(NAME, false);
    mmx_error *error = NULL;
    SUCCEEDS(mmx_retrieve_file(client, 1, NULL, NULL, &error), error);
    assert_deletes(client, 1);
    CHECK_INT(mmx_retrieve_file(client, 1, NULL, NULL, &error), MMX_ERROR_INVALID_REQUEST);
    mmx_error_free(error);
    free(control("POST", path, "{}"));
    mmx_client_free(client);
    free(path);
}

/* A server that takes a whole upload and goes silent: the limit counts from the last byte. An upload that takes twice the
 * limit would be seen as late by the clock of the server's own end. */
static void idle_after_an_upload(const char *path) {
    account(NAME, 0);
    faults(NAME, "{'hang':true}");
    mmx_config *config = config_for(NAME, false);
    CHECK_INT(mmx_config_set_idle_timeout_ms(config, 2000, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    mmx_error *error = NULL;
    int64_t began = now_ms();
    CHECK_INT(mmx_upload_file(client, path, "voice_clone", NULL, NULL, &error), MMX_ERROR_TIMEOUT);
    int64_t took = now_ms() - began;
    CHECK_HAS(mmx_error_message(error), "no byte came for 2000 ms (the idle limit)");
    CHECK(mmx_error_is_ambiguous(error));
    if (took < 2000 || took >= 3900) FAIL("an idle limit of 2000 ms ended after %" PRId64 " ms", took);
    mmx_error_free(error);
    mmx_client_free(client);
}

/* A hundred and fifty clients of settings of their own leave the last one's connection at most. */
static void settings_of_their_own(void) {
    enum { CLIENTS = 150 };
    account(NAME, CLIENTS);
    int before = entries_in("/proc/self/fd");
    for (int i = 0; i < CLIENTS; i++) {
        mmx_config *config = config_for(NAME, i % 2);
        CHECK_INT(mmx_config_set_connect_timeout_ms(config, 20000 + i, NULL), MMX_OK);
        mmx_client *client = client_of(config);
        assert_deletes(client, i + 1);
        mmx_client_free(client);
    }
    int after = entries_in("/proc/self/fd");
    if (after > before + 1) FAIL("%d descriptors before, %d after", before, after);
}

int main(void) {
    char *path = in_folder("a.mp3");
    write_file(path, "abc", 3);
    many_headers(path);
    write_file(path, "abc", 3);
    headers_of_requests(path);
    write_file(path, "abc", 3);
    a_cache();
    idle_after_an_upload(path);
    settings_of_their_own();
    free(path);
    remove_folder();
    return 0;
}
