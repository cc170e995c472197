/* `kill -9` at every system call of an upload, a delete, a take and a sweep, on its way in and out: after one sweep the
 * service holds what is to be kept and nothing else, and the ledger knows all of it. */
#include "ledger.h"
#include <sys/ptrace.h>

enum { WORKERS = 4, SIZE = 3000, FILE_ID = 900 };
static char account_name[32], *ledger, *target;
static mmx_error *error;

static void reset(void) {
    empty_account(account_name);
    unlink(ledger);
    unlink(target);
}

/* A process leaves a temporary file behind. */
static void leave_a_temporary_file(void) {
    IN_KILLED_PROCESS(uploads(client_with_ledger(account_name, ledger), "left.mp3", 3, SIZE, MMX_CALL_TEMPORARY, 0));
}

static int64_t known_id(void) {
    char *text = text_of(ledger), *at = strstr(text, "\"file_id\":");
    CHECK(at != NULL);
    int64_t id = strtoll(at + strlen("\"file_id\":"), NULL, 10);
    free(text);
    return id;
}

static void upload_temporary(mmx_client *client) { uploads(client, "a.mp3", 1, SIZE, MMX_CALL_TEMPORARY, 0); }

static void upload_lasting(mmx_client *client) { uploads(client, "a.mp3", 1, SIZE, 0, 0); }

static void upload_and_delete(mmx_client *client) {
    assert_deletes(client, uploads(client, "a.mp3", 1, SIZE, MMX_CALL_TEMPORARY, 0));
}

static void delete_known(mmx_client *client) { assert_deletes(client, known_id()); }

static void take(mmx_client *client) {
    SUCCEEDS(mmx_take_file(client, FILE_ID, MMX_PURPOSE_VOICE_CLONE, target, NULL, NULL, &error), error);
}

static void sweep(mmx_client *client) { free(sweeps(client, 0, MMX_OK, 1, 0)); }

static void before_upload(void) {}

static void before_delete(void) {
    IN_KILLED_PROCESS(uploads(client_with_ledger(account_name, ledger), "left.mp3", 3, SIZE, 0, 0));
}

static void before_take(void) { store_file(account_name, FILE_ID, SIZE, 1); }

/* What must be after the sweep, which came to so many deleted files and found so many. */
static void nothing_is_left(bool has_ended) {
    (void)has_ended;
    CHECK_INT(files_of(account_name), 0);
}

static void known_if_stored(bool has_ended) {
    long there = files_of(account_name);
    char *text = text_of(ledger);
    CHECK(!has_ended || there == 1);
    CHECK_INT(there, times_in(text, "\"fact\":\"id\""));
    free(text);
}

/* A delete that was not sent is its caller's to send again; what it had sent is done. */
static void deleted_if_sent(bool has_ended) {
    long there = files_of(account_name);
    CHECK(!has_ended || there == 0);
    CHECK_INT(there, count_of(account_name, "count?call=delete&performed=1") == 0);
    assert_ledger_holds(ledger, "\"fact\":\"id\"", 1);
}

static void deleted_once_it_is_whole(bool has_ended) {
    long there = files_of(account_name);
    char *text = text_of(ledger);
    bool is_taken = strstr(text, "\"fact\":\"taken\"") != NULL;
    CHECK(!has_ended || is_taken);
    CHECK_INT(there, is_taken ? 0 : 1);
    if (is_taken) {
        uint8_t *bytes = made_whole(1, SIZE);
        assert_file_holds(target, bytes, SIZE);
        free(bytes);
    }
    free(text);
}

static const struct scenario {
    const char *name;
    void (*before)(void);
    void (*work)(mmx_client *client);
    void (*assert_after)(bool has_ended);
} scenarios[] = {
    {"upload of a temporary file", before_upload, upload_temporary, nothing_is_left},
    {"upload of a lasting file", before_upload, upload_lasting, known_if_stored},
    {"upload and delete", before_upload, upload_and_delete, nothing_is_left},
    {"delete", before_delete, delete_known, deleted_if_sent},
    {"take", before_take, take, deleted_once_it_is_whole},
    {"sweep", leave_a_temporary_file, sweep, nothing_is_left},
};

/* Runs the work until so many stops at system calls, and kills it there. Says whether it ended before. */
static bool kill_at(const struct scenario *scenario, long stops) {
    pid_t child = fork();
    if (child == 0) {
        mmx_client *client = client_with_ledger(account_name, ledger);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) FAIL("this process may not be traced: %s", strerror(errno));
        raise(SIGSTOP);
        scenario->work(client);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    CHECK_INT(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
    for (long stop = 0; stop < stops;) {
        CHECK_INT(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
        CHECK(waitpid(child, &status, 0) == child);
        if (WIFEXITED(status)) {
            if (WEXITSTATUS(status) != 0) FAIL("%s: the work failed", scenario->name);
            return true;
        }
        if (!WIFSTOPPED(status)) FAIL("%s: the child ended with %#x", scenario->name, (unsigned)status);
        stop += WSTOPSIG(status) == (SIGTRAP | 0x80);
    }
    kill(child, SIGKILL);
    CHECK(waitpid(child, &status, 0) == child);
    return false;
}

/* Each file that a sweep deletes is told of once. */
static void sweep_afterwards(const struct scenario *scenario, long stop) {
    mmx_client *client = client_with_ledger(account_name, ledger);
    char *json = NULL;
    long sent = count_of(account_name, "count?call=delete&performed=1");
    if (mmx_sweep(client, NULL, &json, &error) != MMX_OK)
        FAIL("%s, stop %ld: the sweep: %s, %s", scenario->name, stop, mmx_error_message(error), json);
    sent = count_of(account_name, "count?call=delete&performed=1") - sent;
    if (times_in(json, "\"outcome\":\"deleted\"") != sent)
        FAIL("%s, stop %ld: %ld deletes, and told of: %s", scenario->name, stop, sent, json);
    mmx_string_free(json);
    mmx_client_free(client);
}

static int works(int worker) {
    int points = 0;
    snprintf(account_name, sizeof account_name, "ledger-kill-%d", worker);
    ledger = format("%s/ledger-%d", folder(), worker);
    target = format("%s/target-%d", folder(), worker);
    for (size_t i = 0; i < LENGTH_OF(scenarios); i++) {
        bool has_ended = false;
        for (long stop = 1 + worker; !has_ended; stop += WORKERS, points++) {
            if (stop > 5000) FAIL("%s: it has no end", scenarios[i].name);
            reset();
            scenarios[i].before();
            has_ended = kill_at(&scenarios[i], stop);
            sweep_afterwards(&scenarios[i], stop);
            scenarios[i].assert_after(has_ended);
        }
    }
    free(ledger);
    free(target);
    return points;
}

int main(void) {
    in_memory();
    const char *const made = folder();
    int points[2];
    CHECK_INT(pipe(points), 0);
    for (int worker = 0; worker < WORKERS; worker++) {
        if (fork() != 0) continue;
        int done = works(worker);
        _exit(write(points[1], &done, sizeof done) == sizeof done ? 0 : 1);
    }
    int total = 0;
    for (int worker = 0; worker < WORKERS; worker++) {
        int status, done;
        CHECK(wait(&status) > 0);
        if (status != 0) exit(1);
        CHECK(read(points[0], &done, sizeof done) == sizeof done);
        total += done;
    }
    if (total < 300) FAIL("only %d points", total);
    printf("killed at %d points\n", total);
    remove_folder();
    CHECK(access(made, F_OK) != 0);
    return 0;
}
