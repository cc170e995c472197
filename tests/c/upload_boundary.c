/* An upload whose body was handed over whole counts as that, also while a callback holds the call up; a success before the
 * body was taken is not believed. */
#include "contract.h"
#include "files.h"
#include "retry.h"

static const char NAME[] = "upload-boundary";

struct slow {
    int64_t left;
    int reports, cancels_at, rewinds;
};

static int64_t give(void *user_data, uint8_t *buffer, size_t capacity) {
    struct slow *slow = user_data;
    size_t length = (int64_t)capacity < slow->left ? capacity : (size_t)slow->left;
    memset(buffer, 'x', length);
    slow->left -= (int64_t)length;
    return (int64_t)length;
}

static int32_t anew(void *user_data) {
    struct slow *slow = user_data;
    slow->left = 100000;
    slow->rewinds++;
    return 0;
}

/* The server has time to answer or to reset meanwhile. */
static int32_t slowly(void *user_data, int64_t done, int64_t total) {
    struct slow *slow = user_data;
    (void)done, (void)total;
    usleep(300000);
    return ++slow->reports == slow->cancels_at;
}

static mmx_status upload(const mmx_client *client, struct slow *slow, char **json, mmx_error **error) {
    mmx_source source = MMX_SOURCE_INIT;
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    source.size = -1;
    source.read = give;
    source.rewind = anew;
    source.user_data = slow;
    options.progress = slowly;
    options.user_data = slow;
    return mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, json, error);
}

/* The server stores at the closing boundary and resets: never stored twice. */
static void stored_at_the_boundary(void) {
    mmx_client *client = retrying_client_for(NAME, false);
    for (int cancels_at = 0; cancels_at <= 8; cancels_at++) {
        account(NAME, 0);
        long had = files_of(NAME);
        faults(NAME, "[{'store_at_boundary':true,'close_before_answer':'rst'}]");
        struct slow slow = {.left = 100000, .cancels_at = cancels_at};
        char *json = NULL;
        mmx_error *error = NULL;
        mmx_status status = upload(client, &slow, &json, &error);
        long stored = files_of(NAME) - had;
        if (stored > 1) FAIL("stored %ld times (report %d cancels)", stored, cancels_at);
        CHECK_INT(slow.rewinds, 0);
        if (stored == 1) {
            /* The list that is looked at may have shown it. */
            if (status != MMX_OK && !mmx_error_is_ambiguous(error))
                FAIL("stored, and not ambiguous: %s", mmx_error_message(error));
            if (cancels_at == 0 && status != MMX_OK) CHECK_INT(mmx_error_status(error), MMX_ERROR_NETWORK);
        } else {
            CHECK_INT(status, MMX_ERROR_CANCELLED);
        }
        mmx_string_free(json);
        mmx_error_free(error);
    }
    mmx_client_free(client);
}

static void a_success_before_the_body(void) {
    enum { SIZE = 8 << 20 };
    char *path = in_folder("large.mp3");
    uint8_t *content = made_whole(3, SIZE);
    write_file(path, content, SIZE);
    for (int https = 0; https < 2; https++) {
        mmx_client *client = retrying_client_for(NAME, https);
        account(NAME, 0);
        long had = files_of(NAME);
        faults(NAME, "{'refuse_after':0,'http_status':200,'body':'{\\'file\\':{\\'file_id\\':7,\\'bytes\\':0},\\'base_"
                     "resp\\':{\\'status_code\\':0}}'}");
        mmx_error *error = NULL;
        char *json = FILLED;
        mmx_status status = mmx_upload_file(client, path, "voice_clone", NULL, &json, &error);
        CHECK_INT(status, MMX_ERROR_PROTOCOL);
        CHECK(json == NULL && mmx_error_is_ambiguous(error));
        CHECK_INT(mmx_error_attempts(error), 1);
        mmx_error_free(error);
        CHECK_INT(files_of(NAME), had);
        mmx_client_free(client);
    }
    free(content);
    free(path);
}

int main(void) {
    stored_at_the_boundary();
    a_success_before_the_body();
    remove_folder();
    return 0;
}
