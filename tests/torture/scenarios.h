/* Calls with what stands around them, and what must be so after each was disturbed in a process of its own. */
#ifndef SCENARIOS_H
#define SCENARIOS_H
#include "calls.h"
#include "workers.h"

enum { UPLOADED = 6000, LONGEST_S = 60 };

/* Shared with the children. */
static struct shared {
    struct report report;
    struct place place;
} *shared;
static const struct call *call;
/* Describes the failure that is tried. */
static char here[200];
/* Over HTTP and TLS. */
static char *urls[2];

struct scenario {
    struct call call;
    bool has_ledger;
    /* A process that is gone left a temporary file. */
    bool has_remains;
};

static const struct scenario more_calls[] = {
    {{"delete_files", make_bulk, check_bulk}, false, false},
    {{"take", make_take, check_take}, false, false},
    {{"take with a ledger", make_take, check_take}, true, false},
    {{"upload with a ledger", make_upload, check_upload}, true, false},
    {{"sweep", make_sweep, check_sweep}, true, true},
};

/* How a child ended, and which ends are right. */
struct end {
    int status;
    /* Memory was refused: the process may abort, as the header says. */
    bool may_abort;
    /* MMX_ERROR_INTERNAL is no bug of the library. */
    bool may_be_internal;
};

/* An error that only a wrong wait would get; or the standard library gives up, as the kernel has no random bytes. */
static inline bool may_be_internal(const char *name, int error) {
    bool is_wait = strcmp(name, "poll") == 0 || strcmp(name, "ppoll") == 0 || strcmp(name, "eventfd") == 0;
    return (strcmp(name, "getrandom") == 0 && error == EAGAIN) || (is_wait && (error == EFAULT || error == EINVAL));
}

/* What a child prints is shown if it fails. */
static inline char *log_path(void) { return format("%s/log", own_folder); }

/* Makes the call in a child, disturbed from `arm` to `disarm`. */
static inline void work_in_child(void (*arm)(void), void (*disarm)(void)) {
    char *log = log_path();
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
    alarm(LONGEST_S);
    work(call, &shared->place, &shared->report, arm, disarm);
    alarm(0);
}

static inline void leave_a_temporary_file(void) {
    mmx_error *error = NULL;
    IN_KILLED_PROCESS({
        mmx_client *client = client_at(&shared->place, &shared->report, &error);
        if (!client) FAIL("%s", mmx_error_message(error));
        uploads(client, "left.mp3", 3, 100, MMX_CALL_TEMPORARY, 0);
    });
}

/* An account, a folder and a ledger for the next child. */
static inline void prepare(const struct scenario *scenario, bool https, const char *account_name) {
    struct place *place = &shared->place;
    call = &scenario->call;
    place->url = urls[https];
    place->https = https;
    place->has_ledger = scenario->has_ledger;
    place->size = UPLOADED;
    place_at(place, account_name, own_folder);
    memset(&shared->report, 0, sizeof shared->report);
    unlink(place->ledger);
    if (scenario->has_remains) leave_a_temporary_file();
}

/* The ledger doesn't know its process: where /proc is not there or may not be read, it stays for a person to look at. */
static inline bool is_untold(const struct place *place) {
    char *text = text_of(place->ledger);
    bool is_unknown = strstr(text, "\"started\":0") || strstr(text, "\"namespace\":0");
    free(text);
    return is_unknown && *shared->report.untold;
}

/* A process that aborted says nothing: no other file is gone, and none is half there. */
static inline void check_aborted(const struct place *place, const struct report *report) {
    bool is_take = call->check == check_take, is_bulk = call->check == check_bulk;
    /* What it sent last may be carried out still: the server is done, and asked once. */
    count_of(place->account, "wait?open=0");
    char *path = format("/control/%s/files", place->account), *files = control("GET", path, NULL);
    char *first = format("\"file_id\":%" PRId64 ",", FILE_ID), *second = format("\"file_id\":%" PRId64 ",", OTHER_ID);
    long gone = !strstr(files, first) + (is_bulk && !strstr(files, second));
    long stored = times_in(files, "\"file_id\"") - place->files + gone;
    bool is_whole = holds_whole(place, report);
    if (gone && call->check != check_delete && !is_bulk && !is_take) WRONG(report, "deleted, and not asked to");
    if (is_take && gone && !is_whole) WRONG(report, "the file is lost: neither here nor there");
    if (stored != 0 && !(stored == 1 && (call->check == check_upload || call->check == check_sweep)))
        WRONG(report, "%ld files more than there may be", stored);
    free(second);
    free(first);
    free(files);
    free(path);
}

static inline void check_child(const struct scenario *scenario, const struct end *end) {
    const struct place *place = &shared->place;
    const struct report *report = &shared->report;
    char *log = log_path(), *said = text_of(log);
    if (WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0) {
        fputs(said, stderr);
        check_report(call, place, report);
        if (report->status == MMX_ERROR_INTERNAL && !end->may_be_internal) WRONG(report, "no bug of the library");
    } else if (end->may_abort && WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGABRT) {
        check_aborted(place, report);
    } else {
        FAIL("%s: the child ended with %#x: %s", here, (unsigned)end->status, said);
    }
    free(said);
    free(log);
    if (!scenario->has_ledger) return;
    settle(place, report);
    long files = files_of(place->account) - place->files;
    if (scenario->call.check == check_take) {
        if (files == -1 && !holds_whole(place, report)) WRONG(report, "lost, after a sweep");
    } else if (files != 0 && !is_untold(place)) {
        WRONG(report, "%ld files too many after a sweep", files);
    }
}

/* Looks at what a child left, in a process of its own: this one never uses the library, so that each child begins as any
 * program does. */
static inline void check_apart(const struct scenario *scenario, const struct end *end) {
    pid_t checker = fork();
    int checked;
    if (checker == 0) {
        check_child(scenario, end);
        _exit(0);
    }
    CHECK(waitpid(checker, &checked, 0) == checker);
    if (checked != 0 && !getenv("MMX_TEST_GO_ON")) exit(1);
}

static inline void print_report(void) {
    const struct report *report = &shared->report;
    printf("%s: %s%s: %s\n", here, mmx_status_name(report->status), report->ambiguous ? " ?" : "", report->message);
}

/* Calls `every` for each scenario, over HTTP and TLS. */
static inline void for_each_scenario(void (*every)(const struct scenario *scenario, bool https)) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    char *source = format("%s/torture.mp3", own_folder);
    uint8_t *content = made_whole(7, UPLOADED);
    write_file(source, content, UPLOADED);
    for (int https = 0; https < 2; https++) {
        for (size_t i = 0; i < LENGTH_OF(five_calls); i++)
            every(&(struct scenario){five_calls[i], false, false}, https);
        for (size_t i = 0; i < LENGTH_OF(more_calls); i++) every(&more_calls[i], https);
    }
    free(content);
    free(source);
}

#endif
