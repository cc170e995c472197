/* One deadline over the whole call, and the cancel token from another thread and from a signal handler: heard wherever
 * a call waits. Goals 50 ms and 100 ms, asserted at ten times that. Afterwards the connection is closed at once, and the
 * client works on. */
#include "ports.h"
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum way { DEADLINE, FROM_A_THREAD, FROM_A_HANDLER };
static const char *const ways[] = {"deadline", "thread", "handler"};
static const int LIMIT = 300;
static mmx_cancel *token;
static int64_t triggered_at;
static atomic_bool looked_up;

/* Stands in front of libc's: a look-up that stalls. Threads of the library let only faults and profilers through. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    (void)node, (void)service, (void)hints, (void)found;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    CHECK(sigismember(&mask, SIGTERM) && sigismember(&mask, SIGINT) && sigismember(&mask, SIGPIPE));
    CHECK(!sigismember(&mask, SIGSEGV) && !sigismember(&mask, SIGPROF) && !sigismember(&mask, SIGABRT));
    atomic_store(&looked_up, true);
    sleep(5);
    return EAI_AGAIN;
}

static void on_signal(int number_of_signal) {
    (void)number_of_signal;
    mmx_cancel_trigger(token);
}

/* What the other thread waits for before it triggers. */
struct trigger {
    enum way way;
    const char *account; /* until its server has the request */
    pthread_t caller;
};

static void *trigger(void *given) {
    const struct trigger *when = given;
    if (when->account) count_of(when->account, "wait?count=1");
    /* A little later, so that the caller sleeps by then; it would be as right if it didn't. */
    struct timespec later = {0, 50000000};
    nanosleep(&later, NULL);
    triggered_at = now_ms();
    if (when->way == FROM_A_THREAD) mmx_cancel_trigger(token);
    else pthread_kill(when->caller, SIGUSR1);
    return NULL;
}

/* A call that would wait for ever, ended each way. */
static void interrupt(const char *what, const mmx_client *client, const char *account_name, const char *fault,
    bool ambiguous, const char *phase) {
    for (int way = DEADLINE; way <= FROM_A_HANDLER; way++) {
        if (account_name) {
            account(account_name, 2);
            script(account_name, fault);
        }
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        struct trigger when = {(enum way)way, account_name, pthread_self()};
        pthread_t thread;
        mmx_cancel_reset(token);
        if (way == DEADLINE) options.timeout_ms = LIMIT;
        else {
            options.cancel = token;
            CHECK_INT(pthread_create(&thread, NULL, trigger, &when), 0);
        }
        mmx_error *error = NULL;
        int64_t started = now_ms();
        mmx_status status = mmx_delete_file(client, 1, "voice_clone", &options, NULL, &error);
        int64_t ended = now_ms();
        if (way == DEADLINE) {
            CHECK_INT(status, MMX_ERROR_TIMEOUT);
            if (ended - started < LIMIT || ended - started > LIMIT + 500)
                FAIL("%s, deadline: after %d ms", what, (int)(ended - started));
        } else {
            pthread_join(thread, NULL);
            CHECK_INT(status, MMX_ERROR_CANCELLED);
            if (ended - triggered_at > 1000)
                FAIL("%s, %s: heard after %d ms", what, ways[way], (int)(ended - triggered_at));
        }
        CHECK_HAS(mmx_error_message(error), phase);
        CHECK_INT(mmx_error_is_ambiguous(error), ambiguous);
        CHECK_INT(mmx_error_attempts(error), 1);
        mmx_error_free(error);
        if (account_name) {
            CHECK_INT(count_of(account_name, "wait?open=0&timeout_ms=2000"), 0);
            assert_deletes(client, 2);
        }
        if (getenv("MMX_TEST_VERBOSE"))
            printf("%-12s %-8s %d ms\n", what, ways[way],
                (int)(ended - (way == DEADLINE ? started + LIMIT : triggered_at)));
    }
}

static mmx_client *client_at(const char *url) {
    mmx_config *config = config_for("interrupt", true);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_allow_insecure(config, true, NULL), MMX_OK);
    return client_of(config);
}

int main(void) {
    struct sigaction action = {0};
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, NULL);
    CHECK_INT(mmx_cancel_new(&token, NULL), MMX_OK);

    mmx_client *stalled_name = client_at("http://stalled.invalid");
    interrupt("name", stalled_name, NULL, NULL, false, "connecting to stalled.invalid:80");
    CHECK(atomic_load(&looked_up));

    char *url = format("http://127.0.0.1:%d", full_port());
    mmx_client *full = client_at(url);
    interrupt("connect", full, NULL, NULL, false, "connecting to 127.0.0.1:");

    free(url);
    url = format("https://127.0.0.1:%d", silent_port());
    mmx_client *silent = client_at(url);
    interrupt("tls", silent, NULL, NULL, false, "connecting to 127.0.0.1:");
    free(url);

    for (int https = 0; https < 2; https++) {
        mmx_client *client = client_for("interrupt", https);
        interrupt("waiting", client, "interrupt", "{\"hang\": true}", true, "waiting for the answer");
        interrupt("head", client, "interrupt", "{\"hang_after\": 40}", true, "waiting for the answer");
        interrupt("trickle", client, "interrupt", "{\"trickle_ms\": 40}", true, "the answer of");
        interrupt("body", client, "interrupt", "{\"shape\": \"endless_length\", \"hang_after\": 2000}", true,
            "reading the answer");
        mmx_client_free(client);
    }
    /* A token that is triggered before the call: nothing is sent. */
    account("interrupt", 1);
    mmx_client *client = client_for("interrupt", false);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    mmx_error *error = NULL;
    options.cancel = token;
    mmx_cancel_trigger(token);
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", &options, NULL, &error), MMX_ERROR_CANCELLED);
    CHECK_INT(mmx_error_attempts(error), 0);
    CHECK_INT(mmx_error_is_ambiguous(error), false);
    CHECK_INT(count_of("interrupt", "count"), 0);
    mmx_cancel_reset(token);
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", &options, NULL, NULL), MMX_OK);

    mmx_error_free(error);
    mmx_client_free(client);
    mmx_client_free(stalled_name);
    mmx_client_free(full);
    mmx_client_free(silent);
    mmx_cancel_free(token);
    return 0;
}
