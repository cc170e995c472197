/* mmx_cancel_is_triggered(): from any thread and from a signal handler, which it leaves errno to. */
#include "contract.h"
#include "files.h"
#include <errno.h>
#include <signal.h>

static mmx_cancel *token;
static volatile sig_atomic_t before, after, errno_kept;

static void on_signal(int number) {
    (void)number;
    errno = 7;
    before = mmx_cancel_is_triggered(token);
    mmx_cancel_trigger(token);
    after = mmx_cancel_is_triggered(token);
    errno_kept = errno == 7;
}

int main(void) {
    CHECK(!mmx_cancel_is_triggered(NULL));
    CHECK_INT(mmx_cancel_new(&token, NULL), MMX_OK);
    CHECK(!mmx_cancel_is_triggered(token));
    struct sigaction action = {0};
    action.sa_handler = on_signal;
    CHECK_INT(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_INT(raise(SIGUSR1), 0);
    CHECK(!before && after && errno_kept);
    CHECK(mmx_cancel_is_triggered(token));

    /* A call that it ends, and one that it prevents, leave it triggered. */
    account("cancel_is_triggered", 1);
    mmx_client *client = client_for("cancel_is_triggered", false);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.cancel = token;
    mmx_error *error = NULL;
    CHECK_INT(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error), MMX_ERROR_CANCELLED);
    CHECK_TEXT(mmx_error_call(error), "delete_file");
    mmx_error_free(error);
    CHECK(mmx_cancel_is_triggered(token));
    mmx_cancel_reset(token);
    CHECK(!mmx_cancel_is_triggered(token));
    CHECK_INT(mmx_delete_file(client, 0, MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error), MMX_ERROR_INVALID_ARGUMENT);
    CHECK_TEXT(mmx_error_call(error), "delete_file");
    CHECK_TEXT(mmx_error_parameter(error), "file_id");
    CHECK_TEXT(mmx_error_api_message(error), "");
    mmx_error_free(error);
    SUCCEEDS(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error), error);
    mmx_client_free(client);
    mmx_cancel_free(token);
    return 0;
}
