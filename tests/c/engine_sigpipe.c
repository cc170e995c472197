/* SIGPIPE never reaches the host, whose disposition is the default; disposition, mask and a pending SIGPIPE of the
 * host's own are afterwards as they were. */
#include "files.h"
#include "relay.h"
#include <signal.h>

static void check_signals(const sigset_t *wanted) {
    sigset_t mask;
    struct sigaction action;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sigaction(SIGPIPE, NULL, &action);
    CHECK(action.sa_handler == SIG_DFL);
    for (int number_of_signal = 1; number_of_signal < 64; number_of_signal++)
        CHECK_INT(sigismember(&mask, number_of_signal), sigismember(wanted, number_of_signal));
}

/* Connections that break while a body is sent: what is written next meets a reset. */
static void broken_uploads(bool https, const sigset_t *mask) {
    enum { COUNT = 20, SIZE = 4 << 20 };
    const char *name = https ? "sigpipe-upload-tls" : "sigpipe-upload-http";
    account(name, 0);
    struct relay *relay = relay_to(https, COUNT, 100000, -1, true);
    mmx_config *config = config_behind(relay, name, https);
    CHECK_INT(mmx_config_set_max_attempts(config, 1, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    for (int i = 0; i < COUNT; i++) {
        struct giver giver = {.seed = 1, .gives = SIZE, .piece = 1 << 20};
        mmx_source source = source_of(&giver, SIZE);
        mmx_error *error = NULL;
        mmx_status status = mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error);
        CHECK_INT(status, MMX_ERROR_NETWORK);
        mmx_error_free(error);
        check_signals(mask);
    }
    mmx_client_free(client);
    relay_ends(relay);
}

int main(void) {
    enum { COUNT = 200 };
    sigset_t mask, sigpipe, pending;
    signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    for (int https = 0; https < 2; https++) {
        const char *name = https ? "sigpipe-tls" : "sigpipe-http";
        account(name, COUNT);
        script(name, "{\"times\": -1, \"close_after_answer\": \"rst\"}");
        mmx_client *client = client_for(name, https);
        for (int64_t id = 1; id <= COUNT; id++) {
            assert_deletes(client, id);
            CHECK_INT(count_of(name, "wait?open=0"), 0);
            check_signals(&mask);
        }
        mmx_client_free(client);
        broken_uploads(https, &mask);
    }

    /* One that the host blocked and has not looked at yet stays where it is. */
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &mask);
    raise(SIGPIPE);
    sigaddset(&mask, SIGPIPE);
    account("sigpipe-pending", 1);
    mmx_client *client = client_for("sigpipe-pending", false);
    assert_deletes(client, 1);
    check_signals(&mask);
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGPIPE));
    mmx_client_free(client);
    return 0;
}
