/* A ledger: the intent of an upload is in it before the first byte is sent, the id after the response, and a delete
 * strikes both out. */
#include "ledger.h"

static const char NAME[] = "ledger";
static char *ledger;
static mmx_error *error;
static char seen_while_sending[4096];

/* Takes down what the ledger holds when the bytes begin to move. */
static int32_t look(void *user_data, int64_t done, int64_t total) {
    (void)user_data, (void)total;
    if (done == 0) {
        char *text = text_of(ledger);
        snprintf(seen_while_sending, sizeof seen_while_sending, "%s", text);
        free(text);
    }
    return 0;
}

static void an_upload_is_known_until_it_is_deleted(void) {
    empty_account(NAME);
    mmx_client *client = client_with_ledger(NAME, ledger);
    struct giver giver = {.seed = 1, .gives = 3000, .piece = 1000};
    mmx_source source = source_of(&giver, 3000);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.progress = look;
    char *json = NULL;
    SUCCEEDS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, &json, &error), error);
    int64_t id = id_in(json);
    mmx_string_free(json);
    static const char *const facts[] = {"{\"ledger\":1}\n", "\"fact\":\"intent\"", "\"filename\":\"a.mp3\"",
        "\"purpose\":\"voice_clone\"", "\"bytes\":3000", "\"sha256\":\"",
        "\"started\":", "\"key_fingerprint\":\"sha256:", "\"temporary\":false", "\"expires_after_s\":null"};
    for (size_t i = 0; i < LENGTH_OF(facts); i++) CHECK_HAS(seen_while_sending, facts[i]);
    CHECK(!strstr(seen_while_sending, "\"fact\":\"id\""));
    CHECK(!strstr(seen_while_sending, setting("MMX_TEST_KEY")));
    char *fact = format("\"file_id\":%" PRId64, id);
    assert_ledger_holds(ledger, fact, 1);
    /* The hash that the service has of the bytes. */
    char *found = journal(NAME), *sha256 = strstr(found, "\"sha256\":\"");
    CHECK(sha256 != NULL);
    sha256[strlen("\"sha256\":\"") + 64] = 0;
    assert_ledger_holds(ledger, sha256, 2);
    struct stat about;
    CHECK(stat(ledger, &about) == 0 && (about.st_mode & 0777) == 0600);
    assert_deletes(client, id);
    assert_ledger_holds(ledger, "\"fact\":\"struck\"", 1);
    assert_ledger_holds(ledger, "\"why\":\"deleted\"", 1);
    free(found);
    free(fact);
    mmx_client_free(client);
}

static void a_bulk_delete_strikes_out(void) {
    account(NAME, 3);
    unlink(ledger);
    mmx_client *client = client_with_ledger(NAME, ledger);
    int64_t id = uploads(client, "b.mp3", 2, 100, 0, 0);
    mmx_file_ref files[] = {{1, "voice_clone"}, {id, "voice_clone"}, {id, "voice_clone"}, {77, "voice_clone"}};
    SUCCEEDS(mmx_delete_files(client, files, LENGTH_OF(files), NULL, NULL, &error), error);
    assert_ledger_holds(ledger, "\"why\":\"deleted\"", 1);
    assert_ledger_holds(ledger, "\"fact\"", 3);
    mmx_client_free(client);
}

static void an_upload_that_fails_is_struck_out_unless_it_may_be_stored(void) {
    empty_account(NAME);
    unlink(ledger);
    mmx_client *client = client_with_ledger(NAME, ledger);
    struct giver giver = {.seed = 1, .gives = 3000, .piece = 1000};
    mmx_source source = source_of(&giver, 3000);
    script(NAME, "{\"code\": 1004}");
    FAILS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error,
        MMX_ERROR_AUTHENTICATION, "", false);
    assert_ledger_holds(ledger, "\"why\":\"not_stored\"", 1);
    giver.at = 0;
    script(NAME, "{\"close_before_answer\": \"fin\"}");
    FAILS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error,
        MMX_ERROR_NETWORK, "may have been stored", true);
    assert_ledger_holds(ledger, "\"fact\":\"unknown\"", 1);
    CHECK_INT(files_of(NAME), 1);
    /* It is found, and stays: nobody has said that it is temporary. */
    char *json = sweeps(client, 0, MMX_OK, 0, 1);
    CHECK_HAS(json, "\"unsettled\":[]");
    free(json);
    assert_ledger_holds(ledger, "\"fact\":\"id\"", 1);
    CHECK_INT(files_of(NAME), 1);
    free(sweeps(client, 0, MMX_OK, 0, 0));
    mmx_client_free(client);
}

static void a_source_that_can_not_go_back_is_hashed_as_it_is_sent(void) {
    empty_account(NAME);
    unlink(ledger);
    mmx_client *client = client_with_ledger(NAME, ledger);
    struct giver giver = {.seed = 5, .gives = 3000, .piece = 1000};
    mmx_source source = source_of(&giver, -1);
    source.rewind = NULL;
    SUCCEEDS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error);
    assert_ledger_holds(ledger, "\"sha256\":null", 1);
    assert_ledger_holds(ledger, "\"bytes\":null", 1);
    assert_ledger_holds(ledger, "\"bytes\":3000", 1);
    assert_ledger_holds(ledger, "\"sha256\":\"", 1);
    mmx_client_free(client);
}

static void what_needs_a_ledger_says_so(void) {
    mmx_client *client = client_for(NAME, false);
    struct giver giver = {.seed = 5, .gives = 3000, .piece = 1000};
    mmx_source source = source_of(&giver, 3000);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    char *json = FILLED;
    error = FILLED;
    options.flags = MMX_CALL_TEMPORARY;
    REFUSES(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, &json, &error), error,
        "client", "MMX_LEDGER");
    options.flags = MMX_CALL_REUSE;
    REFUSES(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, &json, &error), error,
        "client", "MMX_LEDGER");
    options.flags = 0;
    options.expires_after_s = 1;
    REFUSES(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, &json, &error), error,
        "client", "MMX_LEDGER");
    options.expires_after_s = -1;
    REFUSES(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, &json, &error), error,
        "options.expires_after_s", "must be 0 or more");
    options.expires_after_s = 1;
    REFUSES(mmx_list_files(client, NULL, &options, &json, &error), error, "options.expires_after_s", "uploads alone");
    REFUSES(mmx_sweep(client, NULL, &json, &error), error, "client", "mmx_config_set_ledger()");
    REFUSES(mmx_ledger_keep(client, 1, &error), error, "client", "mmx_config_set_ledger()");
    REFUSES(mmx_ledger_keep(client, 0, &error), error, "file_id", "must be 1 or more");
    mmx_client_free(client);
    client = client_with_ledger(NAME, ledger);
    options.expires_after_s = 0;
    options.flags = MMX_CALL_TEMPORARY | MMX_CALL_REUSE;
    REFUSES(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, &json, &error), error,
        "options.flags", "can't be both");
    options.flags = MMX_CALL_REUSE;
    source.rewind = NULL;
    REFUSES(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, &options, &json, &error), error,
        "options.flags", "go back to its start");
    mmx_sweep_options sweep = MMX_SWEEP_OPTIONS_INIT;
    sweep.flags = MMX_BULK_VERIFY;
    REFUSES(mmx_sweep(client, &sweep, &json, &error), error, "options.flags", "0x2");
    sweep.struct_size = 1;
    REFUSES(mmx_sweep(client, &sweep, &json, &error), error, "options.struct_size", "MMX_SWEEP_OPTIONS_INIT");
    error = NULL;
    FAILS(mmx_ledger_keep(client, 4711, &error), error, MMX_ERROR_NOT_FOUND, "has no entry of the file 4711", false);
    mmx_client_free(client);
}

/* Also without a setter. */
static void the_environment_may_name_it(void) {
    empty_account(NAME);
    unlink(ledger);
    setenv("MMX_LEDGER", ledger, 1);
    mmx_client *client = client_for(NAME, false);
    uploads(client, "a.mp3", 1, 10, 0, 0);
    assert_ledger_holds(ledger, "\"fact\":\"id\"", 1);
    mmx_client_free(client);
    client = client_with_ledger(NAME, "");
    uploads(client, "a.mp3", 1, 10, 0, 0);
    assert_ledger_holds(ledger, "\"fact\":\"id\"", 1);
    mmx_client_free(client);
    unsetenv("MMX_LEDGER");
}

/* What is struck out doesn't make it grow, and the rest stays. */
static void it_is_rewritten_when_more_than_half_is_struck_out(void) {
    empty_account(NAME);
    unlink(ledger);
    mmx_client *client = client_with_ledger(NAME, ledger);
    int64_t stays = uploads(client, "stays.mp3", 9, 10, 0, 3600);
    off_t most = 0;
    for (int i = 0; i < 200; i++) {
        struct stat about;
        assert_deletes(client, uploads(client, "goes.mp3", (uint64_t)i, 10, 0, 0));
        CHECK(stat(ledger, &about) == 0);
        if (about.st_size > most) most = about.st_size;
    }
    if (most > 24 << 10) FAIL("the ledger has grown to %ld bytes", (long)most);
    char *fact = format("\"file_id\":%" PRId64, stays);
    assert_ledger_holds(ledger, fact, 1);
    assert_ledger_holds(ledger, "\"expires_after_s\":3600", 1);
    CHECK_INT(entries_in(folder()), 1);
    SUCCEEDS(mmx_ledger_keep(client, stays, &error), error);
    assert_ledger_holds(ledger, "\"why\":\"kept\"", 1);
    SUCCEEDS(mmx_ledger_keep(client, stays, &error), error);
    free(fact);
    mmx_client_free(client);
}

int main(void) {
    in_memory();
    ledger = in_folder("ledger.jsonl");
    an_upload_is_known_until_it_is_deleted();
    a_bulk_delete_strikes_out();
    an_upload_that_fails_is_struck_out_unless_it_may_be_stored();
    a_source_that_can_not_go_back_is_hashed_as_it_is_sent();
    what_needs_a_ledger_says_so();
    the_environment_may_name_it();
    it_is_rewritten_when_more_than_half_is_struck_out();
    unlink(ledger);
    remove_folder();
    free(ledger);
    return 0;
}
