/* Runs a child in which the n-th call of one system call fails: with ptrace, so also where a library makes the call
 * itself, without libc. */
#ifndef TRACE_H
#define TRACE_H
#include "check.h"
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#ifdef __aarch64__
#include <elf.h>
#endif

enum { CALL_NUMBERS = 512 };

/* Which call fails, and how: before it does anything, or, as with close(), after it was done. */
struct injection {
    long number, nth;
    int error;
    bool is_after, is_done;
};

static inline void trace(enum __ptrace_request request, pid_t task, void *address, void *data) {
    /* A task that was killed meanwhile is reported by waitpid(). */
    if (ptrace(request, task, address, data) != 0 && errno != ESRCH)
        FAIL("ptrace %d: %s", (int)request, strerror(errno));
}

static inline void skip_call(pid_t task) {
#if defined __x86_64__
    trace(PTRACE_POKEUSER, task, (void *)offsetof(struct user_regs_struct, orig_rax), (void *)-1L);
#elif defined __aarch64__
    int none = -1;
    struct iovec number = {&none, sizeof none};
    trace(PTRACE_SETREGSET, task, (void *)NT_ARM_SYSTEM_CALL, &number);
#else
#error "tests/torture/trace.h knows x86_64 and aarch64"
#endif
}

static inline void set_result(pid_t task, long result) {
#if defined __x86_64__
    trace(PTRACE_POKEUSER, task, (void *)offsetof(struct user_regs_struct, rax), (void *)result);
#elif defined __aarch64__
    struct user_regs_struct registers;
    struct iovec all = {&registers, sizeof registers};
    trace(PTRACE_GETREGSET, task, (void *)NT_PRSTATUS, &all);
    registers.regs[0] = (unsigned long)result;
    trace(PTRACE_SETREGSET, task, (void *)NT_PRSTATUS, &all);
#endif
}

/* A system call of the child begins or returns. */
static inline void at_system_call(pid_t task, struct injection *wanted, long *counts, bool *is_failing) {
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, task, (void *)sizeof info, &info) < 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        long number = (long)info.entry.nr;
        if (number < 0 || number >= CALL_NUMBERS) return;
        counts[number]++;
        if (wanted->is_done || number != wanted->number || counts[number] != wanted->nth) return;
        wanted->is_done = *is_failing = true;
        if (!wanted->is_after) skip_call(task);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && *is_failing) {
        /* brk() reports where the break is. */
        set_result(task, wanted->number == SYS_brk ? 0 : -(long)wanted->error);
        *is_failing = false;
    }
}

/* Begins or ends the disturbance, in the child. */
static inline void switch_over(void) { raise(SIGSTOP); }

/* Runs `child` to its end, disturbed so from one switch_over() to the next. Only its first thread is
 * disturbed: the others are those of libc's name lookup. Returns its wait status; counts[] says which calls it made. */
static inline int run_disturbed(void (*child)(void), struct injection *wanted, long *counts) {
    int status;
    bool is_armed = false, is_failing = false;
    pid_t first = fork();
    if (first == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) FAIL("this process may not be traced: %s", strerror(errno));
        raise(SIGSTOP);
        child();
        _exit(0);
    }
    memset(counts, 0, CALL_NUMBERS * sizeof *counts);
    CHECK(waitpid(first, &status, 0) == first && WIFSTOPPED(status));
    trace(PTRACE_SETOPTIONS, first, NULL,
        (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL));
    trace(PTRACE_CONT, first, NULL, NULL);
    for (;;) {
        pid_t task = waitpid(-1, &status, __WALL);
        CHECK(task > 0);
        if (!WIFSTOPPED(status)) {
            if (task == first) return status;
            continue;
        }
        int signal = WSTOPSIG(status);
        long delivered = 0;
        if (signal == (SIGTRAP | 0x80)) {
            if (is_armed && task == first) at_system_call(task, wanted, counts, &is_failing);
        } else if (signal == SIGSTOP) {
            if (task == first) is_armed = !is_armed;
        } else if (status >> 16 == 0) {
            delivered = signal;
        }
        bool is_watched = is_armed && task == first;
        trace(is_watched ? PTRACE_SYSCALL : PTRACE_CONT, task, NULL, (void *)delivered);
    }
}

#endif
