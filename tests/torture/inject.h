/* Lets a function of libc fail in this process, by the preloaded library. */
#ifndef INJECT_H
#define INJECT_H
#include "check.h"
#include "faults.h"
#include <dlfcn.h>
#include <sys/mman.h>

static struct faults *injected;
static set_faults_function *set_faults;
extern char __executable_start, etext;

static inline void arm(void) { set_faults(injected); }
static inline void disarm(void) { set_faults(NULL); }

/* What is counted in a child is seen by its parent. */
static inline void share_faults(void) {
    set_faults = (set_faults_function *)(uintptr_t)dlsym(RTLD_DEFAULT, SET_FAULTS);
    if (!set_faults) FAIL("LD_PRELOAD doesn't name the library of tests/torture/preload.c");
    injected = mmap(NULL, sizeof *injected, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(injected != MAP_FAILED);
}

/* From arm() on the n-th call of a function fails; 0: none. */
static inline void inject(enum function function, long nth, int error) {
    memset(injected, 0, sizeof *injected);
    *injected = (struct faults){.wanted = (int)function, .error = error, .nth = nth};
    injected->program_begins = (uintptr_t)&__executable_start;
    injected->program_ends = (uintptr_t)&etext;
}

#endif
