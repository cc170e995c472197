/* Facts about a call: on success and failure alike, of every call, and for structs of another size. */
#include "contract.h"
#include "files.h"
#include "retry.h"

static const char NAME[] = "call-info";
static mmx_call_info info;
static mmx_call_options options;
static mmx_error *error;

/* Options that ask for the facts, and old values where they will be. */
static const mmx_call_options *asking(void) {
    memset(&info, 0x7f, sizeof info);
    info.struct_size = sizeof info;
    options = (mmx_call_options)MMX_CALL_OPTIONS_INIT;
    options.info = &info;
    return &options;
}

static void assert_info(int32_t http_status, int32_t attempts, const char *evidence) {
    CHECK_INT(info.struct_size, sizeof info);
    CHECK_INT(info.http_status, http_status);
    CHECK_INT(info.attempts, attempts);
    CHECK(info.elapsed_ms >= 0 && info.elapsed_ms < 600000);
    CHECK(memchr(info.trace_id, 0, sizeof info.trace_id) != NULL);
    CHECK((http_status != 0) == (*info.trace_id != 0));
    CHECK_TEXT(info.evidence, evidence);
}

/* The service's id of the last request, as its journal has it. */
static void assert_last_trace_id(void) {
    char *journal = control("GET", "/control/call-info/journal", NULL);
    const char *last = NULL;
    for (const char *at = journal; (at = strstr(at, "\"trace_id\":\"")); last = at) at += strlen("\"trace_id\":\"");
    CHECK(last && strncmp(last, info.trace_id, strlen(info.trace_id)) == 0 && last[strlen(info.trace_id)] == '"');
    free(journal);
}

static void successes(const mmx_client *client) {
    struct giver giver = {.seed = 3, .gives = 1000, .piece = 100};
    struct taker taker = {.seed = 1};
    mmx_source source = source_of(&giver, 1000);
    mmx_sink sink = sink_to(&taker);
    account(NAME, 2);
    store_file(NAME, 900, 3000, 1);
    SUCCEEDS(mmx_list_files(client, NULL, asking(), NULL, &error), error);
    assert_info(200, 1, "");
    assert_last_trace_id();
    SUCCEEDS(mmx_retrieve_file(client, 1, asking(), NULL, &error), error);
    assert_info(200, 1, "");
    SUCCEEDS(mmx_wait_file(client, 1, asking(), NULL, &error), error);
    assert_info(200, 1, "");
    SUCCEEDS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, asking(), NULL, &error), error);
    assert_info(200, 1, "");
    assert_last_trace_id();
    SUCCEEDS(mmx_download_stream(client, 900, &sink, asking(), NULL, &error), error);
    assert_info(200, 1, "");
    assert_last_trace_id();
    /* The request for the link is no attempt of the download. */
    asking();
    options.flags = MMX_CALL_VIA_DOWNLOAD_URL;
    taker.at = 0;
    SUCCEEDS(mmx_download_stream(client, 900, &sink, &options, NULL, &error), error);
    CHECK_INT(info.http_status, 200);
    CHECK_INT(info.attempts, 1);
    SUCCEEDS(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, asking(), NULL, &error), error);
    assert_info(200, 1, "answer");
    assert_last_trace_id();
}

/* What the error says of a call that failed, the facts say as well. */
static void failures(const mmx_client *client) {
    static const struct {
        const char *fault;
        int32_t http_status;
    } cases[] = {{"'code':1004", 200}, {"'http_status':503", 503}, {"'close_before_answer':'fin'", 0},
        {"'cut_after':300,'shape':'endless_length'", 200}};
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        account(NAME, 1);
        char *fault = format("{%s}", cases[i].fault);
        faults(NAME, fault);
        free(fault);
        CHECK(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, asking(), NULL, &error) != MMX_OK);
        assert_info(cases[i].http_status, 1, "");
        CHECK_INT(info.http_status, mmx_error_http_status(error));
        CHECK_INT(info.attempts, mmx_error_attempts(error));
        CHECK_TEXT(info.trace_id, mmx_error_trace_id(error));
        mmx_error_free(error);
    }
    /* Refused before anything was sent. */
    REFUSES(mmx_delete_file(client, 1, "N o", asking(), NULL, &error), error, "purpose", "letters");
    assert_info(0, 0, "");
    REFUSES(mmx_delete_file(NULL, 1, MMX_PURPOSE_VOICE_CLONE, asking(), NULL, &error), error, "client", "NULL");
    assert_info(0, 0, "");
    asking();
    options.flags = 1u << 31;
    REFUSES(mmx_list_files(client, NULL, &options, NULL, &error), error, "options.flags", "bits");
    assert_info(0, 0, "");
}

/* All requests of the call, and the last response. */
static void several_attempts(void) {
    mmx_client *client = retrying_client_for(NAME, false);
    account(NAME, 3);
    faults(NAME, "[{'code':1033," NOW "},{'http_status':429," NOW "}]");
    SUCCEEDS(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, asking(), NULL, &error), error);
    assert_info(200, 3, "answer");
    assert_last_trace_id();
    /* Carried out, the response lost, the repetition refused: retrieve knows. */
    faults(NAME, "{'call':'delete','close_before_answer':'fin'}");
    SUCCEEDS(mmx_delete_file(client, 2, MMX_PURPOSE_VOICE_CLONE, asking(), NULL, &error), error);
    assert_info(200, 2, "retrieve");
    assert_last_trace_id();
    asking();
    options.flags = MMX_CALL_MISSING_OK;
    SUCCEEDS(mmx_delete_file(client, 2, MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error), error);
    assert_info(200, 1, "retrieve");
    mmx_client_free(client);
}

/* Structs of an older and of a newer caller. */
static void other_sizes(const mmx_client *client) {
    struct {
        size_t struct_size;
        int64_t timeout_ms;
        int32_t max_attempts;
        uint32_t flags;
        mmx_cancel *cancel;
        mmx_progress_fn progress;
        void *user_data;
    } old = {sizeof old, 0, 0, 0, NULL, NULL, NULL};
    account(NAME, 1);
    SUCCEEDS(mmx_list_files(client, NULL, (const mmx_call_options *)&old, NULL, &error), error);
    struct {
        mmx_call_info known;
        int64_t added[2];
    } newer;
    memset(&newer, 0x7f, sizeof newer);
    newer.known.struct_size = sizeof newer;
    asking();
    options.info = &newer.known;
    SUCCEEDS(mmx_list_files(client, NULL, &options, NULL, &error), error);
    CHECK_INT(newer.known.struct_size, sizeof newer);
    CHECK_INT(newer.known.http_status, 200);
    CHECK_TEXT(newer.known.evidence, "");
    CHECK_INT(newer.added[0], 0);
    CHECK_INT(newer.added[1], 0);
    static const size_t sizes[] = {0, 8, sizeof info - 1, SIZE_MAX};
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        asking();
        info.struct_size = sizes[i];
        REFUSES(mmx_list_files(client, NULL, &options, NULL, &error), error, "options.info.struct_size",
            "MMX_CALL_INFO_INIT");
        CHECK_INT(info.attempts, 0x7f7f7f7f);
    }
}

int main(void) {
    mmx_client *client = client_for(NAME, false);
    successes(client);
    failures(client);
    several_attempts();
    other_sizes(client);
    mmx_client_free(client);
    return 0;
}
