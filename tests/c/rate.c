/* Requests a minute: one limiter for all clients of a key in a process, retries and looks included; what the service
 * refuses for its rate slows it down. Bounds from below only: nothing here fails because a machine is slow. */
#include "contract.h"
#include <pthread.h>
#include <sys/wait.h>

static mmx_client *limited(const char *name, int32_t requests) {
    mmx_config *config = config_for(name, false);
    CHECK_INT(mmx_config_set_requests_per_minute(config, requests, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 0, NULL), MMX_OK);
    return client_of(config);
}

/* Two clients of one key: 12 requests at ten a second, whoever sends them. */
static void shared_by_clients(void) {
    account("rate-shared", 20);
    mmx_client *first = limited("rate-shared", 600), *second = limited("rate-shared", 600);
    int64_t began = now_ms();
    for (int id = 1; id <= 12; id += 2) {
        deletes(first, id);
        deletes(second, id + 1);
    }
    int64_t took = now_ms() - began;
    if (took < 1100) FAIL("12 requests at ten a second took %" PRId64 " ms", took);
    mmx_client_free(first);
    mmx_client_free(second);
}

/* A child begins with a limiter of its own: its first request doesn't wait for the parent's. */
static void a_child_has_its_own(void) {
    account("rate-fork", 3);
    mmx_client *client = limited("rate-fork", 1);
    deletes(client, 1);
    pid_t child = fork();
    if (child == 0) {
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        options.timeout_ms = 20000;
        _exit(mmx_delete_file(client, 2, "voice_clone", &options, NULL, NULL) == MMX_OK ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    mmx_client_free(client);
}

struct waiting {
    mmx_client *client;
    mmx_cancel *cancel;
};

static void *cancels(void *data) {
    mmx_cancel_trigger(((struct waiting *)data)->cancel);
    return NULL;
}

/* The wait counts towards the call's time, and ends on cancel; nothing was sent. */
static void the_wait_ends(void) {
    account("rate-wait", 3);
    mmx_client *client = limited("rate-wait", 1);
    deletes(client, 1);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 200;
    mmx_error *error = NULL;
    CHECK_INT(mmx_delete_file(client, 2, "voice_clone", &options, NULL, &error), MMX_ERROR_TIMEOUT);
    CHECK_HAS(mmx_error_message(error), "waiting for the rate limiter");
    CHECK(!mmx_error_is_ambiguous(error));
    CHECK_INT(mmx_error_attempts(error), 0);
    mmx_error_free(error);
    struct waiting waiting = {client, NULL};
    CHECK_INT(mmx_cancel_new(&waiting.cancel, NULL), MMX_OK);
    pthread_t thread;
    options.timeout_ms = 0;
    options.cancel = waiting.cancel;
    CHECK(pthread_create(&thread, NULL, cancels, &waiting) == 0);
    CHECK_INT(mmx_delete_file(client, 2, "voice_clone", &options, NULL, &error), MMX_ERROR_CANCELLED);
    CHECK_INT(mmx_error_attempts(error), 0);
    mmx_error_free(error);
    pthread_join(thread, NULL);
    CHECK_INT(number("rate-wait", "count?file_id=2"), 0);
    mmx_cancel_free(waiting.cancel);
    mmx_client_free(client);
}

/* A refusal for the rate holds the next call back, too, of whichever client. */
static void a_refusal_pauses_all(void) {
    account("rate-pause", 3);
    mmx_client *first = limited("rate-pause", 0), *second = limited("rate-pause", 0);
    script("rate-pause", "{\"code\": 1002, \"headers\": {\"Retry-After\": \"1\"}}");
    mmx_call_options once = MMX_CALL_OPTIONS_INIT;
    once.max_attempts = 1;
    CHECK_INT(mmx_delete_file(first, 1, "voice_clone", &once, NULL, NULL), MMX_ERROR_RATE_LIMITED);
    int64_t began = now_ms();
    deletes(second, 2);
    int64_t took = now_ms() - began;
    if (took < 900) FAIL("a call went out %" PRId64 " ms after a refusal that asks for a second", took);
    mmx_client_free(first);
    mmx_client_free(second);
}

static void bad_values(void) {
    mmx_config *config = config_for("rate-bad", false);
    mmx_error *error = FILLED;
    REFUSES(mmx_config_set_requests_per_minute(config, -1, &error), error, "requests", "not -1");
    REFUSES(mmx_config_set_requests_per_minute(config, INT32_MIN, &error), error, "requests", "1 or more");
    CHECK_INT(mmx_config_set_requests_per_minute(config, INT32_MAX, NULL), MMX_OK);
    mmx_config_free(config);
}

int main(void) {
    shared_by_clients();
    a_child_has_its_own();
    the_wait_ends();
    a_refusal_pauses_all();
    bad_values();
    return 0;
}
