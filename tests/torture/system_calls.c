/* Each system call fails once: the n-th socket(), connect(), openat(), write(), flock(), mmap() and so on of a call of the
 * library fails with each errno that its manual names; n grows until the call ends without that failure. Each of the five
 * calls, a bulk delete, a take, a sweep, and an upload and a take with a ledger; over HTTP and TLS. No crash, no hang, no
 * descriptor left, the client usable; and what is reported agrees with the server, the local files and the ledger. Where
 * there is no memory, the process may abort (mmx.h says so); then, too, nothing is lost.
 *
 * MMX_TEST_ONE_IN: one failure in so many, chosen by MMX_TEST_SEED; 1 = each. MMX_TEST_ONLY: those whose description
 * contains this text. */
#include "failures.h"
#include "scenarios.h"
#include "trace.h"

static void child(void) { work_in_child(switch_over, switch_over); }

static void describe(
    const struct scenario *scenario, bool https, const struct failing_call *failing, long nth, int error) {
    snprintf(here, sizeof here, "%s over %s: %s number %ld: %s", scenario->call.name, https ? "TLS" : "HTTP",
        failing->name, nth, strerror(error));
    now_at = here;
}

/* Whether this failure is one of those that are tried, and by this worker. */
static bool is_mine(
    const struct scenario *scenario, bool https, const struct failing_call *failing, long nth, int error) {
    describe(scenario, https, failing, nth, error);
    /* In every run: a ledger for which there is no descriptor more. */
    bool is_certain = scenario->has_ledger && !https && error == EMFILE;
    return is_point_mine(here, is_certain) && is_wanted(here);
}

/* One run. Says whether the failure came about. */
static bool run(const struct scenario *scenario, bool https, const struct failing_call *failing, long nth, int error,
    long *counts) {
    static long accounts;
    struct injection injection = {failing->number, nth, error, failing->is_after, false};
    char name[48];
    snprintf(name, sizeof name, "system-%d-%06ld", worker, accounts++);
    describe(scenario, https, failing, nth, error);
    prepare(scenario, https, name);
    struct end end = {.may_abort = failing->is_memory, .may_be_internal = may_be_internal(failing->name, error)};
    end.status = run_disturbed(child, &injection, counts);
    if (error == ENOENT || error == EACCES || error == EPERM) strcpy(shared->report.untold, "process");
    check_apart(scenario, &end);
    counted[1] += WIFSIGNALED(end.status);
    if (getenv("MMX_TEST_VERBOSE") && injection.is_done) print_report();
    counted[0] += injection.is_done;
    return injection.is_done;
}

static void every_failure(const struct scenario *scenario, bool https) {
    static const struct failing_call none = {-1, "nothing", false, false, {0}};
    long counts[CALL_NUMBERS], ignored[CALL_NUMBERS];
    run(scenario, https, &none, 1, 0, counts);
    if (shared->report.status != MMX_OK) WRONG(&shared->report, "undisturbed, it fails");
    if (getenv("MMX_TEST_VERBOSE"))
        for (long i = 0; i < CALL_NUMBERS; i++)
            if (counts[i]) printf("%s: system call %ld: %ld times\n", here, i, counts[i]);
    for (size_t i = 0; i < LENGTH_OF(failing_calls); i++) {
        const struct failing_call *failing = &failing_calls[i];
        for (int at = 0; at < MOST_ERRORS && failing->errors[at]; at++) {
            const int error = failing->errors[at];
            long nth = 1;
            for (; nth <= counts[failing->number]; nth++)
                if (is_mine(scenario, https, failing, nth, error)) run(scenario, https, failing, nth, error, ignored);
            /* On until it ends without the failure: after one, there may be more calls than there were. */
            describe(scenario, https, failing, 0, error);
            bool is_done = counts[failing->number] > 0 && is_rest_mine(here);
            for (; is_done && nth < 2000; nth++) {
                describe(scenario, https, failing, nth, error);
                is_done = is_wanted(here) && run(scenario, https, failing, nth, error, ignored);
            }
        }
    }
}

static void works(void) { for_each_scenario(every_failure); }

int main(void) {
    urls[0] = format("%s", setting("MMX_TEST_HTTP"));
    urls[1] = format("https://localhost%s", strrchr(setting("MMX_TEST_HTTPS"), ':'));
    /* Not the system's hundred certificates. */
    setenv("SSL_CERT_FILE", setting("MMX_TEST_CA"), 1);
    setenv("SSL_CERT_DIR", "/proc/self/no-such-folder", 1);
    run_workers(works, 400);
    printf("%ld system calls failed, one in %ld (seed %" PRIu64 "); %ld aborts for want of memory\n", counted[0],
        one_in, seed, counted[1]);
    return 0;
}
