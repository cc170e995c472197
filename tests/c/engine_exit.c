/* The process exits at once, whatever its calls wait for and with clients that were never freed. */
#include "files.h"
#include "ports.h"
#include <netdb.h>
#include <pthread.h>
#include <sys/wait.h>

/* Stands in front of libc's: the look-up of a name stalls. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    (void)node, (void)service, (void)hints, (void)found;
    sleep(60);
    return EAI_AGAIN;
}

static void *deletes_for_ever(void *client) {
    mmx_delete_file(client, 1, "voice_clone", NULL, NULL, NULL);
    FAIL("the call returned");
}

static void *uploads_for_ever(void *client) {
    struct giver giver = {.gives = INT64_C(1) << 40, .piece = SIZE_MAX};
    mmx_source source = source_of(&giver, -1);
    mmx_upload_stream(client, &source, "a.mp3", "voice_clone", NULL, NULL, NULL);
    FAIL("the call returned");
}

static void *deletes_many_for_ever(void *client) {
    static const mmx_file_ref files[] = {{1, "voice_clone"}, {2, "voice_clone"}, {3, "voice_clone"}};
    mmx_delete_files(client, files, 3, NULL, NULL, NULL);
    FAIL("the call returned");
}

/* A child that exits while a call of its does that. */
static void exits(const char *what, mmx_config *config, void *(*call)(void *client)) {
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        CHECK_INT(pthread_create(&thread, NULL, call, client_of(config)), 0);
        /* So that it is under way by then; it would be as right if it weren't. */
        usleep(150000);
        exit(7);
    }
    int64_t started = now_ms();
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    int64_t took = now_ms() - started;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7 || took > 5000)
        FAIL("%s: %x after %d ms", what, status, (int)took);
    mmx_config_free(config);
}

static mmx_config *config_at(const char *url) {
    mmx_config *config = config_for("exit", true);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_allow_insecure(config, true, NULL), MMX_OK);
    return config;
}

static mmx_config *config_with(bool https, const char *fault) {
    mmx_config *config = config_for("exit", https);
    account("exit", 3);
    script("exit", fault);
    CHECK_INT(mmx_config_set_max_attempts(config, 0, NULL), MMX_OK);
    return config;
}

int main(void) {
    char *full = format("http://127.0.0.1:%d", full_port()), *silent = format("https://127.0.0.1:%d", silent_port());
    exits("a look-up", config_at("http://stalled.invalid"), deletes_for_ever);
    exits("a connect", config_at(full), deletes_for_ever);
    exits("a handshake", config_at(silent), deletes_for_ever);
    for (int https = 0; https < 2; https++) {
        exits("an answer", config_with(https, "{\"times\": -1, \"hang\": true}"), deletes_for_ever);
        CHECK_INT(count_of("exit", "wait?count=1"), 1);
        exits("half an answer", config_with(https, "{\"shape\": \"endless_length\", \"hang_after\": 2000}"),
            deletes_for_ever);
        exits("a pause", config_with(https, "{\"times\": -1, \"code\": 1013, \"headers\": {\"Retry-After\": \"40\"}}"),
            deletes_for_ever);
        exits("many answers", config_with(https, "{\"times\": -1, \"hang\": true}"), deletes_many_for_ever);
        exits("a server that reads no more", config_with(https, "{\"stop_reading_after\": 1000}"), uploads_for_ever);
    }
    mmx_config *config = config_with(false, "{}");
    CHECK_INT(mmx_config_set_requests_per_minute(config, 1, NULL), MMX_OK);
    exits("the rate limiter", config, deletes_many_for_ever);
    free(silent);
    free(full);
    return 0;
}
