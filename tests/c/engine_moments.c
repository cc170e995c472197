/* An end that comes at any moment is told as what it is: a cancel is CANCELLED and a passed limit is TIMEOUT, whatever
 * the call is at just then; never anything else. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

enum { CALLS = 1500, THREADS = 100, EACH = 20 };
static mmx_client *client;
static atomic_int moment;

static void *trigger(void *token) {
    /* Not a wait that has to be right: it spreads the cancels over the whole of a call. */
    for (volatile int i = 0, end = atomic_fetch_add(&moment, 1) * 7919 % 300000; i < end; i++) continue;
    mmx_cancel_trigger(token);
    return NULL;
}

static void *cancelled(void *given) {
    (void)given;
    for (int i = 0; i < CALLS; i++) {
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        mmx_error *error = NULL;
        pthread_t other;
        CHECK_INT(mmx_cancel_new(&options.cancel, NULL), MMX_OK);
        CHECK_INT(pthread_create(&other, NULL, trigger, options.cancel), 0);
        mmx_status status = mmx_delete_file(client, 1, "voice_clone", &options, NULL, &error);
        if (status != MMX_OK && status != MMX_ERROR_CANCELLED) FAIL("%s", mmx_error_message(error));
        pthread_join(other, NULL);
        mmx_error_free(error);
        mmx_cancel_free(options.cancel);
    }
    return NULL;
}

static void *limited(void *given) {
    (void)given;
    for (int i = 0; i < EACH; i++) {
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        mmx_error *error = NULL;
        options.timeout_ms = 1;
        if (mmx_delete_file(client, 1, "voice_clone", &options, NULL, &error) != MMX_ERROR_TIMEOUT)
            FAIL("%s", error ? mmx_error_message(error) : "a call that nobody answers succeeded");
        mmx_error_free(error);
    }
    return NULL;
}

static void run(void *(*work)(void *), int count) {
    pthread_t threads[THREADS];
    for (int i = 0; i < count; i++) CHECK_INT(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

int main(void) {
    for (int https = 0; https < 2; https++) {
        const char *name = https ? "moments-tls" : "moments-http";
        client = client_for(name, https);
        account(name, 0);
        script(name, "{\"times\": -1, \"body\": \"{\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}");
        run(cancelled, 3);
        account(name, 0);
        script(name, "{\"times\": -1, \"hang\": true}");
        run(limited, THREADS);
        mmx_client_free(client);
    }
    return 0;
}
