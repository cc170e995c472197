/* `kill -9` at 50 seeded moments of a download over an existing target, some in the rename: the target holds what it held
 * or the whole new file. The temporary file's bytes are on the disk before it is renamed. */
#include "files.h"
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char NAME[] = "download-kill";
enum { MOMENTS = 50, SIZE = 4 << 20 };
static uint8_t *contents[2];
static char *target;
static bool traced = true;

/* Which of the two the target holds, whole. */
static int held(void) {
    static uint8_t found[SIZE + 1];
    int fd = open(target, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    if (fd < 0) FAIL("%s: %s", target, strerror(errno));
    for (ssize_t got; (got = read(fd, found + length, sizeof found - length)) > 0;) length += (size_t)got;
    close(fd);
    for (int i = 0; i < 2; i++)
        if (length == SIZE && memcmp(found, contents[i], SIZE) == 0) return i;
    FAIL("the target holds neither the old nor the new file, but %zu bytes", length);
}

static _Noreturn void downloads(bool https, int64_t id, bool is_traced) {
    if (is_traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(2);
    if (is_traced) raise(SIGSTOP);
    mmx_client *client = retrying_client_for(NAME, https);
    _exit(mmx_download_file(client, id, target, NULL, NULL, NULL) == MMX_OK ? 0 : 1);
}

static bool renames(uint64_t number_of_call) {
    return
#ifdef SYS_rename
        number_of_call == SYS_rename ||
#endif
#ifdef SYS_renameat
        number_of_call == SYS_renameat ||
#endif
        number_of_call == SYS_renameat2;
}

/* Lets the child run into its rename, or out of it. Returns false where nothing may be traced. */
static bool into_the_rename(pid_t child, bool out_of_it) {
    int status;
    bool flushed = false, in_it = false;
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFSTOPPED(status)) return false;
    if (ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0) return false;
    for (int stops = 0; stops < 100000; stops++) {
        struct __ptrace_syscall_info call;
        if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) != 0) return false;
        CHECK(waitpid(child, &status, 0) == child);
        if (!WIFSTOPPED(status)) FAIL("the child ended with %#x before its rename", (unsigned)status);
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) continue;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof call, &call) <= 0) return false;
        if (call.op == PTRACE_SYSCALL_INFO_EXIT && in_it) return true;
        if (call.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
        if (call.entry.nr == SYS_fsync || call.entry.nr == SYS_fdatasync) flushed = true;
        if (!renames(call.entry.nr)) continue;
        CHECK(flushed);
        if (!out_of_it) return true;
        in_it = true;
    }
    FAIL("no rename was seen");
}

int main(void) {
    int outcomes[2] = {0, 0}, in_renames = 0;
    int64_t took_us = 0;
    account(NAME, 0);
    for (int i = 0; i < 2; i++) {
        store_file(NAME, i + 1, SIZE, 10 + i);
        contents[i] = made_whole(10 + (uint64_t)i, SIZE);
    }
    target = in_folder("target");
    write_file(target, contents[0], SIZE);
    for (int moment = 0; moment < MOMENTS; moment++) {
        bool https = moment % 2, in_rename = traced && moment % 5 < 2;
        int before = held(), status;
        struct timespec started, now;
        fflush(NULL);
        clock_gettime(CLOCK_MONOTONIC, &started);
        pid_t child = fork();
        if (child == 0) downloads(https, 2 - before, in_rename);
        CHECK(child > 0);
        if (in_rename) {
            traced = into_the_rename(child, moment % 5 == 1);
            in_renames += traced;
        } else if (took_us > 0) {
            /* Anywhere in the time that a whole download takes. */
            usleep((useconds_t)(mixed((uint64_t)moment + 12) % (uint64_t)took_us));
        }
        /* The first that is not traced goes to its end, to see how long that is. */
        bool whole = !in_rename && took_us == 0;
        if (!whole) kill(child, SIGKILL);
        CHECK(waitpid(child, &status, 0) == child);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (whole) {
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            took_us = (now.tv_sec - started.tv_sec) * 1000000 + (now.tv_nsec - started.tv_nsec) / 1000;
        }
        int after = held();
        if (whole) CHECK(after != before);
        if (in_rename && traced) CHECK_INT(after != before, moment % 5 == 1);
        outcomes[after != before]++;
    }
    if (getenv("MMX_TEST_VERBOSE"))
        printf("old: %d, new: %d, at a rename: %d, a download takes %d us\n", outcomes[0], outcomes[1], in_renames,
            (int)took_us);
    CHECK_INT(outcomes[0] + outcomes[1], MOMENTS);
    CHECK(outcomes[0] > 0);
    /* The next download doesn't mind what the killed ones left behind. */
    mmx_client *client = retrying_client_for(NAME, false);
    CHECK_INT(mmx_download_file(client, 1, target, NULL, NULL, NULL), MMX_OK);
    CHECK_INT(held(), 0);
    mmx_client_free(client);
    free(target);
    remove_folder();
    return 0;
}
