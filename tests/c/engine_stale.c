/* A keep-alive connection that the server closed in the meantime never costs a call: each delete succeeds, and the
 * server has seen each exactly once. Over HTTP and TLS, closed by FIN and by RST. */
#include "check.h"

static void run(const char *name, bool https, const char *how, long count) {
    account(name, count);
    char *fault = format("{\"times\": -1, \"close_after_answer\": \"%s\"}", how);
    script(name, fault);
    free(fault);
    mmx_client *client = client_for(name, https);
    for (int64_t id = 1; id <= count; id++) {
        assert_deletes(client, id);
        /* On a busy machine the server may take longer to close than the pause is: a request that is on its way by then
         * is lost to anyone. */
        CHECK_INT(count_of(name, "wait?open=0"), 0);
        struct timespec apart = {0, 10000000};
        nanosleep(&apart, NULL);
    }
    CHECK_INT(count_of(name, "count"), count);
    CHECK_INT(count_of(name, "count?performed=1"), count);
    mmx_client_free(client);
}

int main(void) {
    const char *more = getenv("MMX_TEST_DELETES");
    long count = more ? atol(more) : 200;
    run("stale-http-fin", false, "fin", count);
    run("stale-http-rst", false, "rst", count);
    run("stale-tls-fin", true, "fin", count);
    run("stale-tls-rst", true, "rst", count);
    return 0;
}
