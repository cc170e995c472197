/* Each system call fails once: the n-th socket(), connect(), openat(), write(), flock(), mmap() and so on of a call of the
 * library fails with each errno that its manual names; n grows until the call ends without that failure. Each of the five
 * calls, a bulk delete, a take, a sweep, and an upload and a take with a ledger; over HTTP and TLS. No crash, no hang, no
 * descriptor left, the client usable; and what is reported agrees with the server, the local files and the ledger. Where
 * there is no memory, the process may abort (mmx.h says so); then, too, nothing is lost.
 *
 * MMX_TEST_ONE_IN: one failure in so many, chosen by MMX_TEST_SEED; 1 = each. MMX_TEST_ONLY: those whose description
 * contains this text. */
#include "calls.h"
#include "failures.h"
#include "trace.h"
#include "workers.h"

enum { UPLOADED = 6000, LONGEST_S = 60 };

static struct shared {
    struct report report;
    struct place place;
} *shared;
static const struct call *call;
static char here[200];
static char *urls[2];

static const struct scenario {
    struct call call;
    bool has_ledger;
    /* A process that is gone left a temporary file. */
    bool has_remains;
} more_calls[] = {
    {{"delete_files", make_bulk, check_bulk}, false, false},
    {{"take", make_take, check_take}, false, false},
    {{"take with a ledger", make_take, check_take}, true, false},
    {{"upload with a ledger", make_upload, check_upload}, true, false},
    {{"sweep", make_sweep, check_sweep}, true, true},
};

static void child(void) {
    char *log = format("%s/log", own_folder);
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
    alarm(LONGEST_S);
    work(call, &shared->place, &shared->report, switch_over, switch_over);
    alarm(0);
}

static void leave_a_temporary_file(void) {
    mmx_error *error = NULL;
    IN_KILLED_PROCESS({
        mmx_client *client = client_at(&shared->place, &shared->report, &error);
        if (!client) FAIL("%s", mmx_error_message(error));
        uploads(client, "left.mp3", 3, 100, MMX_CALL_TEMPORARY, 0);
    });
}

/* The ledger doesn't know its process: where /proc is not there or may not be read, it stays for a person to look at. */
static bool is_untold(const struct place *place) {
    char *text = text_of(place->ledger);
    bool is_unknown = strstr(text, "\"started\":0") || strstr(text, "\"namespace\":0");
    free(text);
    return is_unknown && *shared->report.untold;
}

static void check_child(const struct scenario *scenario, const struct failing_call *failing, int status) {
    const struct place *place = &shared->place;
    const struct report *report = &shared->report;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        char *log = format("%s/log", own_folder), *said = text_of(log);
        fputs(said, stderr);
        free(said);
        free(log);
        check_report(call, place, report);
        /* Nothing can be waited for; or the standard library gives up, which doesn't get further than this status. */
        static const char *const internal[] = {"poll", "ppoll", "eventfd", "getrandom", "close"};
        bool is_internal = report->status != MMX_ERROR_INTERNAL;
        for (size_t i = 0; i < LENGTH_OF(internal); i++) is_internal |= strcmp(failing->name, internal[i]) == 0;
        if (!is_internal) WRONG(report, "no bug of the library");
    } else if (failing->is_memory && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
        /* The header says so. */
    } else {
        char *log = format("%s/log", own_folder), *said = text_of(log);
        FAIL("%s: the child ended with %#x: %s", here, (unsigned)status, said);
    }
    if (!scenario->has_ledger) return;
    settle(place, report);
    long files = files_of(place->account) - place->files;
    if (scenario->call.check == check_take) {
        if (files == -1 && !target_is_whole(place, report)) WRONG(report, "lost, after a sweep");
    } else if (files != 0 && !is_untold(place)) {
        WRONG(report, "%ld files too many after a sweep", files);
    }
}

static void describe(
    const struct scenario *scenario, bool https, const struct failing_call *failing, long nth, int error) {
    snprintf(here, sizeof here, "%s over %s: %s number %ld: %s", scenario->call.name, https ? "TLS" : "HTTP",
        failing->name, nth, strerror(error));
    now_at = here;
}

/* Whether this failure is one of those that are tried, and by this worker. */
static bool is_mine(
    const struct scenario *scenario, bool https, const struct failing_call *failing, long nth, int error) {
    const char *only = getenv("MMX_TEST_ONLY");
    describe(scenario, https, failing, nth, error);
    /* In every run: a ledger for which there is no descriptor more. */
    bool is_certain = scenario->has_ledger && !https && error == EMFILE;
    return is_next_mine(is_certain) && (!only || strstr(here, only));
}

/* One run. Says whether the failure came about. */
static bool run(const struct scenario *scenario, bool https, const struct failing_call *failing, long nth, int error,
    long *counts) {
    static long accounts;
    struct injection injection = {failing->number, nth, error, failing->is_after, false};
    struct place *place = &shared->place;
    char name[48];
    snprintf(name, sizeof name, "system-%d-%06ld", worker, accounts++);
    describe(scenario, https, failing, nth, error);
    call = &scenario->call;
    place->url = urls[https];
    place->https = https;
    place->has_ledger = scenario->has_ledger;
    place->size = UPLOADED;
    place_at(place, name, own_folder);
    memset(&shared->report, 0, sizeof shared->report);
    unlink(place->ledger);
    if (scenario->has_remains) leave_a_temporary_file();
    int status = run_disturbed(child, &injection, counts);
    if (error == ENOENT || error == EACCES || error == EPERM) strcpy(shared->report.untold, "process");
    /* By a process of its own: this one never uses the library, so that each child begins as any program does. */
    pid_t checker = fork();
    int checked;
    if (checker == 0) {
        check_child(scenario, failing, status);
        _exit(0);
    }
    CHECK(waitpid(checker, &checked, 0) == checker);
    if (checked != 0 && !getenv("MMX_TEST_GO_ON")) exit(1);
    counted[1] += WIFSIGNALED(status);
    if (getenv("MMX_TEST_VERBOSE") && injection.is_done)
        printf("%s: %s%s: %s\n", here, mmx_status_name(shared->report.status), shared->report.ambiguous ? " ?" : "",
            shared->report.message);
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
            bool is_done = true;
            /* As many as there were, and on until it ends without the failure: after one, there may be more calls. */
            for (long nth = 1; nth <= counts[failing->number] || (one_in == 1 && is_done && nth < 2000); nth++) {
                if (!is_mine(scenario, https, failing, nth, failing->errors[at])) continue;
                is_done = run(scenario, https, failing, nth, failing->errors[at], ignored);
            }
        }
    }
}

static void works(void) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    char *source = format("%s/torture.mp3", own_folder);
    uint8_t *content = made_whole(7, UPLOADED);
    write_file(source, content, UPLOADED);
    for (int https = 0; https < 2; https++) {
        for (size_t i = 0; i < LENGTH_OF(five_calls); i++)
            every_failure(&(struct scenario){five_calls[i], false, false}, https);
        for (size_t i = 0; i < LENGTH_OF(more_calls); i++) every_failure(&more_calls[i], https);
    }
    free(content);
    free(source);
}

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
