/* Headers of the caller's own: with every request to the API and with no other, and in no message. */
#include "contract.h"
#include "files.h"
#include "retry.h"

static const char NAME[] = "own-headers";
static const char SECRET[] = "gateway-secret-1234567890";
static mmx_error *error;
static char logged[1 << 16];

static void logs(void *user_data, int32_t level, const char *line) {
    (void)user_data, (void)level;
    strncat(logged, line, sizeof logged - strlen(logged) - 1);
}

static void names_and_values(void) {
    static const char *const names[] = {"Authorization", "authorization", "HOST", "Content-Type", "Content-Length",
        "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer",
        "Upgrade", "Expect", "User-Agent", "Accept-Encoding", "Range", "If-Range", "", "X Team",
        "X-Team:", "X-T\xc3\xa9", "X\r\nY"};
    static const char *const values[] = {"", " ", " a", "a ", "a\r\nX-Other: b", "a\nb", "a\tb", "caf\xc3\xa9", "\x7f"};
    mmx_config *config = config_for(NAME, false);
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        REFUSES(mmx_config_add_header(config, names[i], SECRET, &error), error, "name", "");
    for (size_t i = 0; i < LENGTH_OF(values); i++)
        REFUSES(mmx_config_add_header(config, "X-Team", values[i], &error), error, "value", "printable ASCII");
    mmx_status status = mmx_config_add_header(config, "X-Team: gateway-secret-1234567890", "a", &error);
    CHECK_INT(status, MMX_ERROR_INVALID_ARGUMENT);
    CHECK(!strstr(mmx_error_message(error), SECRET));
    mmx_error_free(error);
    /* None of them was kept. */
    account(NAME, 1);
    mmx_client *client = client_of(config);
    SUCCEEDS(mmx_list_files(client, NULL, NULL, NULL, &error), error);
    assert_journal_has(NAME, "-secret-", false);
    assert_journal_has(NAME, "-team", false);
    mmx_client_free(client);
}

/* How often the header is in the journal. */
static size_t sent(void) {
    char *journal = control("GET", "/control/own-headers/journal", NULL);
    size_t count = 0;
    for (const char *at = journal; (at = strstr(at, SECRET)); at++) count++;
    free(journal);
    return count;
}

static void where_it_goes(const mmx_client *client) {
    struct giver giver = {.seed = 3, .gives = 1000, .piece = 100};
    struct taker taker = {.seed = 1};
    mmx_source source = source_of(&giver, 1000);
    mmx_sink sink = sink_to(&taker);
    mmx_call_options by_link = MMX_CALL_OPTIONS_INIT;
    by_link.flags = MMX_CALL_VIA_DOWNLOAD_URL;
    account(NAME, 3);
    store_file(NAME, 900, 3000, 1);
    SUCCEEDS(mmx_list_files(client, NULL, NULL, NULL, &error), error);
    SUCCEEDS(mmx_retrieve_file(client, 1, NULL, NULL, &error), error);
    SUCCEEDS(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error);
    SUCCEEDS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error);
    SUCCEEDS(mmx_download_stream(client, 900, &sink, NULL, NULL, &error), error);
    mmx_file_ref file = {2, MMX_PURPOSE_VOICE_CLONE};
    SUCCEEDS(mmx_delete_files(client, &file, 1, NULL, NULL, &error), error);
    CHECK_INT(sent(), 6);
    CHECK_INT(count_of(NAME, "count"), 6);
    assert_journal_has(NAME, "[\"x-team\",\"voice\"]", true);
    assert_journal_has(NAME, "[\"x-team\",\"data\"]", true);
    /* With the request for the link, and not to the store. */
    taker.at = 0;
    SUCCEEDS(mmx_download_stream(client, 900, &sink, &by_link, NULL, &error), error);
    CHECK_INT(count_of(NAME, "count?call=store"), 1);
    CHECK_INT(sent(), 7);
    /* Nor where a redirect leads to the store. */
    taker.at = 0;
    faults(NAME, "{'redirect_to':'store'}");
    SUCCEEDS(mmx_download_stream(client, 900, &sink, NULL, NULL, &error), error);
    CHECK_INT(count_of(NAME, "count?call=store"), 2);
    CHECK_INT(sent(), 8);
}

/* A gateway that quotes it. */
static void in_no_message(const mmx_client *client) {
    account(NAME, 1);
    faults(NAME, "{'code':1004,'message':'no access with gateway-secret-1234567890'}");
    CHECK_INT(mmx_list_files(client, NULL, NULL, NULL, &error), MMX_ERROR_AUTHENTICATION);
    char *json = mmx_error_json(error);
    CHECK_HAS(json, "no access with [a header]");
    CHECK(!strstr(json, SECRET));
    CHECK_HAS(logged, "no access with [a header]");
    CHECK(!strstr(logged, SECRET));
    mmx_string_free(json);
    mmx_error_free(error);
}

int main(void) {
    names_and_values();
    mmx_config *config = config_for(NAME, false);
    CHECK_INT(mmx_config_add_header(config, "X-Gateway", SECRET, NULL), MMX_OK);
    CHECK_INT(mmx_config_add_header(config, "X-Team", "voice", NULL), MMX_OK);
    CHECK_INT(mmx_config_add_header(config, "X-Team", "data", NULL), MMX_OK);
    CHECK_INT(mmx_config_set_logger(config, logs, NULL, MMX_LOG_DEBUG, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    where_it_goes(client);
    in_no_message(client);
    mmx_client_free(client);
    return 0;
}
