/* Each function of libc fails once: the n-th malloc(), getaddrinfo(), pthread_create(), socket(), recv(), fsync() and so on
 * of a call of the library, of any of its threads, fails with each error that its manual names; n grows until the call ends
 * without that failure. The calls and what must be so afterwards are those of system_calls.c. Where an allocation fails, the
 * process may abort (mmx.h says so), and nothing else: no fault of memory, no hang; then, too, nothing is lost.
 *
 * It runs with preload.c before libc. MMX_TEST_ONE_IN, MMX_TEST_SEED and MMX_TEST_ONLY are as in system_calls.c. */
#include "failures.h"
#include "inject.h"
#include "scenarios.h"
#include <netdb.h>
#include <sys/resource.h>

/* Errors of `errors`, or of the system call of this name in failures.h. */
static const struct failing_function {
    const char *name, *system_call;
    bool is_memory;
    int errors[MOST_ERRORS];
} failing_functions[FUNCTION_COUNT] = {
    [F_malloc] = {"malloc", NULL, true, {ENOMEM}},
    [F_calloc] = {"calloc", NULL, true, {ENOMEM}},
    [F_realloc] = {"realloc", NULL, true, {ENOMEM}},
    [F_posix_memalign] = {"posix_memalign", NULL, true, {ENOMEM}},
    /* Above 0: the errno of EAI_SYSTEM. */
    [F_getaddrinfo] = {"getaddrinfo", NULL, false,
        {EAI_ADDRFAMILY, EAI_AGAIN, EAI_BADFLAGS, EAI_FAIL, EAI_FAMILY, EAI_MEMORY, EAI_NODATA, EAI_NONAME, EAI_SERVICE,
            EAI_SOCKTYPE, EAI_OVERFLOW, EMFILE, ENFILE, ENOMEM, EACCES, ECONNREFUSED, EIO}},
    [F_pthread_create] = {"pthread_create", NULL, false, {EAGAIN, EINVAL, EPERM}},
    [F_socket] = {"socket", "socket", false, {0}},
    [F_connect] = {"connect", "connect", false, {0}},
    [F_setsockopt] = {"setsockopt", "setsockopt", false, {0}},
    [F_getsockopt] = {"getsockopt", "getsockopt", false, {0}},
    [F_sendmsg] = {"sendmsg", "sendmsg", false, {0}},
    [F_recv] = {"recv", "recv", false, {0}},
    [F_poll] = {"poll", "ppoll", false, {0}},
    [F_ppoll] = {"ppoll", "ppoll", false, {0}},
    [F_eventfd] = {"eventfd", "eventfd", false, {0}},
    [F_open] = {"open", "openat", false, {0}},
    [F_open64] = {"open64", "openat", false, {0}},
    [F_opendir] = {"opendir", NULL, false, {EACCES, EMFILE, ENFILE, ENOENT, ENOMEM, ENOTDIR}},
    [F_readdir64] = {"readdir64", "getdents", false, {0}},
    [F_read] = {"read", "read", false, {0}},
    [F_pread64] = {"pread64", "pread", false, {0}},
    [F_write] = {"write", "write", false, {0}},
    [F_writev] = {"writev", "write", false, {0}},
    [F_pwrite64] = {"pwrite64", "pwrite", false, {0}},
    [F_lseek64] = {"lseek64", "lseek", false, {0}},
    [F_ftruncate64] = {"ftruncate64", "ftruncate", false, {0}},
    [F_fchmod] = {"fchmod", "fchmod", false, {0}},
    [F_fsync] = {"fsync", "fsync", false, {0}},
    [F_fdatasync] = {"fdatasync", "fdatasync", false, {0}},
    [F_unlink] = {"unlink", "unlinkat", false, {0}},
    [F_readlink] = {"readlink", "readlinkat", false, {0}},
    [F_realpath] = {"realpath", NULL, false, {EACCES, EINVAL, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR}},
    [F_stat64] = {"stat64", "fstatat", false, {0}},
    [F_lstat64] = {"lstat64", "fstatat", false, {0}},
    [F_fstat64] = {"fstat64", "fstat", false, {0}},
    [F_statx] = {"statx", "statx", false, {0}},
    [F_getcwd] = {"getcwd", "getcwd", false, {0}},
    [F_getrandom] = {"getrandom", "getrandom", false, {0}},
    [F_close] = {"close", "close", false, {0}},
    [F_mmap] = {"mmap", "mmap", true, {0}},
    [F_mmap64] = {"mmap64", "mmap", true, {0}},
    [F_munmap] = {"munmap", "munmap", false, {0}},
    [F_madvise] = {"madvise", "madvise", false, {0}},
};

/* Begun all the same. */
static const int more_of_connect[] = {EINTR, EINPROGRESS};

static const char *words(enum function function, int error) {
    return function == F_getaddrinfo && error < 0 ? gai_strerror(error) : strerror(error);
}

static void describe(const struct scenario *scenario, bool https, enum function function, long nth, int error) {
    snprintf(here, sizeof here, "%s over %s: %s() number %ld: %s", scenario->call.name, https ? "TLS" : "HTTP",
        failing_functions[function].name, nth, words(function, error));
    now_at = here;
}

/* Those of a function, in one list that ends with 0. */
static void errors_of(enum function function, int errors[MOST_ERRORS + LENGTH_OF(more_of_connect)]) {
    const struct failing_function *failing = &failing_functions[function];
    const int *known = failing->errors;
    int count = 0;
    for (size_t i = 0; failing->system_call && i < LENGTH_OF(failing_calls); i++)
        if (strcmp(failing_calls[i].name, failing->system_call) == 0) known = failing_calls[i].errors;
    while (count < MOST_ERRORS && known[count]) errors[count] = known[count], count++;
    for (size_t i = 0; function == F_connect && i < LENGTH_OF(more_of_connect); i++)
        errors[count++] = more_of_connect[i];
    errors[count] = 0;
    if (count == 0) FAIL("%s: no errors", failing->name);
}

static void child(void) {
    work_in_child(arm, disarm);
    _exit(0);
}

/* A lookup that fails is no connection to this host, and nothing was sent. */
static void check_lookup(const struct report *report) {
    if (report->status == MMX_OK) WRONG(report, "no address, and a success");
    if (report->status != MMX_ERROR_CONNECT && report->status != MMX_ERROR_PARTIAL) WRONG(report, "a lookup failed");
    if (report->status == MMX_ERROR_CONNECT && !strstr(report->message, "localhost")) WRONG(report, "of which host?");
}

/* One run. Says whether the failure came about. */
static bool run(const struct scenario *scenario, bool https, enum function function, long nth, int error) {
    static long accounts;
    const struct failing_function *failing = &failing_functions[function];
    char name[48];
    snprintf(name, sizeof name, "function-%d-%06ld", worker, accounts++);
    describe(scenario, https, function, nth, error);
    prepare(scenario, https, name);
    inject(function, nth, error);
    struct end end = {.may_abort = failing->is_memory, .may_be_internal = may_be_internal(failing->name, error)};
    pid_t process = fork();
    if (process == 0) child();
    CHECK(waitpid(process, &end.status, 0) == process);
    if (error == ENOENT || error == EACCES || error == EPERM) strcpy(shared->report.untold, "process");
    bool is_done = atomic_load(&injected->is_done), is_aborted = WIFSIGNALED(end.status);
    check_apart(scenario, &end);
    if (is_done && (function == F_getaddrinfo || function == F_pthread_create)) check_lookup(&shared->report);
    if (getenv("MMX_TEST_VERBOSE") && is_done) is_aborted ? (void)printf("%s: aborted\n", here) : print_report();
    counted[0] += is_done;
    counted[1] += is_done && failing->is_memory && !is_aborted;
    counted[2] += is_aborted;
    return is_done;
}

/* Whether this failure is one of those that are tried, and by this worker. */
static bool is_mine(const struct scenario *scenario, bool https, enum function function, long nth, int error) {
    describe(scenario, https, function, nth, error);
    /* In every run: each way in which a lookup fails. */
    bool is_lookup = function == F_getaddrinfo || function == F_pthread_create;
    bool is_certain = is_lookup && nth == 1 && !https && scenario->call.make == make_delete;
    return is_point_mine(here, is_certain) && is_wanted(here);
}

static void every_failure(const struct scenario *scenario, bool https) {
    long counts[FUNCTION_COUNT];
    run(scenario, https, F_malloc, 0, 0);
    if (shared->report.status != MMX_OK) WRONG(&shared->report, "undisturbed, it fails");
    for (int i = 0; i < FUNCTION_COUNT; i++) {
        counts[i] = atomic_load(&injected->counts[i]);
        if (getenv("MMX_TEST_VERBOSE") && worker == 0)
            printf("%s: %s(): %ld times\n", here, failing_functions[i].name, counts[i]);
    }
    for (int function = 0; function < FUNCTION_COUNT; function++) {
        int errors[MOST_ERRORS + LENGTH_OF(more_of_connect)];
        errors_of((enum function)function, errors);
        for (int at = 0; errors[at]; at++) {
            const enum function failing = (enum function)function;
            long nth = 1;
            for (; nth <= counts[function]; nth++)
                if (is_mine(scenario, https, failing, nth, errors[at])) run(scenario, https, failing, nth, errors[at]);
            /* On until it ends without the failure: after one, there may be more calls than there were. */
            describe(scenario, https, failing, 0, errors[at]);
            bool is_done = counts[function] > 0 && is_rest_mine(here);
            for (; is_done && nth < 20000; nth++) {
                describe(scenario, https, failing, nth, errors[at]);
                is_done = is_wanted(here) && run(scenario, https, failing, nth, errors[at]);
            }
        }
    }
}

static void works(void) {
    share_faults();
    for_each_scenario(every_failure);
}

int main(void) {
    /* An abort is no crash here. */
    CHECK_INT(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}), 0);
    urls[0] = format("http://localhost%s", strrchr(setting("MMX_TEST_HTTP"), ':'));
    urls[1] = format("https://localhost%s", strrchr(setting("MMX_TEST_HTTPS"), ':'));
    /* Not the system's hundred certificates. */
    setenv("SSL_CERT_FILE", setting("MMX_TEST_CA"), 1);
    setenv("SSL_CERT_DIR", "/proc/self/no-such-folder", 1);
    run_workers(works, 200);
    printf("%ld functions failed, one in %ld (seed %" PRIu64
           "); of the allocations among them %ld were survived, %ld ended "
           "in an abort\n",
        counted[0], one_in, seed, counted[1], counted[2]);
    return 0;
}
