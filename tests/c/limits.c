/* The limits beside the one over the whole call: how long a connection may take to come to be, and how long the other
 * end may be silent. */
#include "contract.h"
#include "files.h"
#include "ports.h"
#include <dlfcn.h>
#include <netdb.h>

/* Stands in front of libc's: the look-up of one name stalls. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (strcmp(node, "stalled.invalid") != 0) return real(node, service, hints, found);
    sleep(5);
    return EAI_AGAIN;
}

/* The configuration of an account at another address; it sends one request a call. */
static mmx_config *config_at(const char *url) {
    mmx_config *config = config_for("limits", true);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_allow_insecure(config, true, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 1, NULL), MMX_OK);
    return config;
}

/* A delete that takes too long, within half a second of its limit. */
static void times_out(const mmx_config *config, int64_t limit, bool ambiguous, const char *said) {
    mmx_client *client = client_from(config);
    mmx_error *error = NULL;
    int64_t started = now_ms();
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error), MMX_ERROR_TIMEOUT);
    int64_t took = now_ms() - started;
    CHECK_HAS(mmx_error_message(error), said);
    CHECK_INT(mmx_error_is_ambiguous(error), ambiguous);
    CHECK_INT(mmx_error_attempts(error), 1);
    if (took < limit || took > limit + 500) FAIL("%s: after %d ms", said, (int)took);
    mmx_error_free(error);
    mmx_client_free(client);
}

static void connect_timeout(void) {
    char *const urls[] = {format("http://stalled.invalid"), format("http://127.0.0.1:%d", full_port()),
        format("https://127.0.0.1:%d", silent_port())};
    static const char *const servers[] = {"stalled.invalid:80", "127.0.0.1:", "127.0.0.1:"};
    for (int i = 0; i < 3; i++) {
        mmx_config *config = config_at(urls[i]);
        char *said = format("connecting to %s", servers[i]);
        CHECK_INT(mmx_config_set_connect_timeout_ms(config, 150, NULL), MMX_OK);
        CHECK_INT(mmx_config_set_connect_timeout_ms(config, -2, NULL), MMX_ERROR_INVALID_ARGUMENT);
        times_out(config, 150, false, said);
        times_out(config, 150, false, "took longer than 150 ms (the connect limit)");
        /* The default is longer, and none is no limit: the call's own counts then. */
        static const int64_t others[] = {0, -1};
        CHECK_INT(mmx_config_set_timeout_ms(config, 300, NULL), MMX_OK);
        for (int j = 0; j < 2; j++) {
            CHECK_INT(mmx_config_set_connect_timeout_ms(config, others[j], NULL), MMX_OK);
            times_out(config, 300, false, "time limit of 300 ms passed while connecting to");
        }
        mmx_config_free(config);
        free(said);
        free(urls[i]);
    }
    /* It says nothing of what comes later. */
    for (int https = 0; https < 2; https++) {
        account("limits", 1);
        script("limits", "{\"delay_ms\": 700}");
        mmx_config *config = config_for("limits", https);
        CHECK_INT(mmx_config_set_connect_timeout_ms(config, 500, NULL), MMX_OK);
        mmx_client *client = client_of(config);
        assert_deletes(client, 1);
        mmx_client_free(client);
    }
}

/* A silence during each call: what was asked for is in doubt only where it changes something. */
static void silence(void) {
    mmx_config *config = config_for("limits", false);
    CHECK_INT(mmx_config_set_max_attempts(config, 1, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_idle_timeout_ms(config, 150, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_idle_timeout_ms(config, -2, NULL), MMX_ERROR_INVALID_ARGUMENT);
    account("limits", 4);
    script("limits", "{\"hang\": true}");
    times_out(config, 150, true, "no byte came for 150 ms (the idle limit) while waiting for the answer of 127.0.0.1:");
    script("limits", "{\"shape\": \"endless_length\", \"hang_after\": 2000}");
    times_out(config, 150, true, "no byte came for 150 ms (the idle limit) while reading the answer of 127.0.0.1:");

    mmx_client *client = client_from(config);
    for (int call = 0; call < 3; call++) {
        static const char *const said[] = {
            "list_files: no byte came", "retrieve_file: no byte came", "download_file: no byte came"};
        mmx_error *error = NULL;
        char *path = in_folder("silent");
        script("limits", "{\"hang\": true}");
        mmx_status status = call == 0   ? mmx_list_files(client, NULL, NULL, NULL, &error)
                            : call == 1 ? mmx_retrieve_file(client, 1, NULL, NULL, &error)
                                        : mmx_download_file(client, 1, path, NULL, NULL, &error);
        CHECK_INT(status, MMX_ERROR_TIMEOUT);
        CHECK_HAS(mmx_error_message(error), said[call]);
        CHECK(!mmx_error_is_ambiguous(error));
        mmx_error_free(error);
        free(path);
    }
    CHECK_INT(entries_in(folder()), 0);
    mmx_client_free(client);

    /* None, or a longer one. */
    static const int64_t others[] = {0, -1};
    for (int i = 0; i < 2; i++) {
        CHECK_INT(mmx_config_set_idle_timeout_ms(config, others[i], NULL), MMX_OK);
        script("limits", "{\"delay_ms\": 400}");
        client = client_from(config);
        assert_deletes(client, i + 3);
        mmx_client_free(client);
    }
    mmx_config_free(config);
}

/* An answer that takes much longer than the limit, but is never silent for so long. */
static void no_silence(void) {
    account("limits", 100);
    script("limits", "{\"trickle_ms\": 30, \"trickle_bytes\": 300}");
    mmx_config *config = config_for("limits", false);
    CHECK_INT(mmx_config_set_idle_timeout_ms(config, 500, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 1, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    mmx_error *error = NULL;
    int64_t started = now_ms();
    if (mmx_list_files(client, NULL, NULL, NULL, &error) != MMX_OK) FAIL("%s", mmx_error_message(error));
    CHECK(now_ms() - started > 500);
    mmx_client_free(client);
}

/* Each call. */
static mmx_status makes(int call, const mmx_client *client, const mmx_call_options *options, mmx_error **error) {
    char *path = in_folder("bounded");
    struct giver giver = {.gives = 1000, .piece = 1000};
    mmx_source source = source_of(&giver, 1000);
    mmx_status status = call == 0   ? mmx_delete_file(client, 2, "voice_clone", options, NULL, error)
                        : call == 1 ? mmx_list_files(client, NULL, options, NULL, error)
                        : call == 2 ? mmx_retrieve_file(client, 2, options, NULL, error)
                        : call == 3 ? mmx_upload_stream(client, &source, "a.mp3", "voice_clone", options, NULL, error)
                                    : mmx_download_file(client, 2, path, options, NULL, error);
    free(path);
    return status;
}

/* The call's own limit bounds the wait for the rate limiter, and all attempts and waits together. */
static void one_limit_over_all(void) {
    for (int call = 0; call < 5; call++) {
        for (int of_limiter = 0; of_limiter < 2; of_limiter++) {
            char *name = format("limits-all-%d-%d", call, of_limiter);
            account(name, 3);
            mmx_config *config = config_for(name, call % 2);
            if (of_limiter) CHECK_INT(mmx_config_set_requests_per_minute(config, 1, NULL), MMX_OK);
            else
                script(
                    name, "{\"times\": -1, \"code\": 1041, \"delay_ms\": 150, \"headers\": {\"Retry-After\": \"0\"}}");
            mmx_client *client = client_of(config);
            if (of_limiter) assert_deletes(client, 1);
            mmx_call_options options = MMX_CALL_OPTIONS_INIT;
            mmx_error *error = NULL;
            options.timeout_ms = 300;
            options.max_attempts = 1000;
            int64_t started = now_ms();
            mmx_status status = makes(call, client, &options, &error);
            int64_t took = now_ms() - started;
            CHECK(!of_limiter || !mmx_error_is_ambiguous(error));
            FAILS(status, error, MMX_ERROR_TIMEOUT,
                of_limiter ? "the time limit of 300 ms passed while waiting for the rate limiter"
                           : "the time limit of 300 ms passed while ",
                mmx_error_is_ambiguous(error));
            if (took < 300 || took > 1000) FAIL("call %d: 300 ms took %d ms", call, (int)took);
            CHECK(count_of(name, "count") >= 1);
            mmx_client_free(client);
            free(name);
        }
    }
    CHECK_INT(entries_in(folder()), 0);
}

int main(void) {
    connect_timeout();
    silence();
    no_silence();
    one_limit_over_all();
    remove_folder();
    return 0;
}
