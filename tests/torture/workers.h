/* The points of a program, shared out among processes; of each, one in so many is visited, chosen by a seed. */
#ifndef WORKERS_H
#define WORKERS_H
#include "files.h"
#include <sys/wait.h>

/* Most of their time they wait. */
enum { WORKERS = 8 };

/* MMX_TEST_ONE_IN, 1 = every point; MMX_TEST_SEED. */
static long one_in, number;
static uint64_t seed;
static int worker;
static char own_folder[80];
/* What is counted. */
static long counted[3];

/* Whether the next point is visited, by this process. */
static inline bool is_next_mine(bool is_certain) {
    long at = number++;
    bool is_chosen = is_certain || mixed(seed + (uint64_t)at) % (uint64_t)one_in == 0;
    return is_chosen && at % WORKERS == worker;
}

/* Whether the point of this name is visited, by this process: whatever the others find, each point is one process's. */
static inline bool is_point_mine(const char *name, bool is_certain) {
    uint64_t at = 0;
    for (const char *c = name; *c; c++) at = mixed(at ^ (uint8_t)*c);
    return (is_certain || mixed(seed + at) % (uint64_t)one_in == 0) && at % WORKERS == (uint64_t)worker;
}

/* Whether the points beyond the known ones are. */
static inline bool is_rest_mine(const char *name) { return one_in == 1 && is_point_mine(name, false); }

/* MMX_TEST_ONLY: points whose name contains this text. */
static inline bool is_wanted(const char *name) {
    const char *only = getenv("MMX_TEST_ONLY");
    return !only || strstr(name, only);
}

static inline void remove_own_folder(void) {
    DIR *directory = opendir(own_folder);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory) closedir(directory);
    rmdir(own_folder);
}

/* Runs them all, each with a folder of its own, and sums up what they count. */
static inline void run_workers(void (*works)(void), long without_setting) {
    one_in = getenv("MMX_TEST_ONE_IN") ? atol(getenv("MMX_TEST_ONE_IN")) : without_setting;
    seed = getenv("MMX_TEST_SEED") ? strtoull(getenv("MMX_TEST_SEED"), NULL, 10) : (uint64_t)time(NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    setenv("TMPDIR", "/dev/shm", 1);
    const char *all = folder();
    int results[2];
    CHECK_INT(pipe2(results, O_CLOEXEC), 0);
    for (worker = 0; worker < WORKERS; worker++) {
        if (fork() != 0) continue;
        snprintf(own_folder, sizeof own_folder, "%s/%d", all, worker);
        CHECK_INT(mkdir(own_folder, 0700), 0);
        works();
        remove_own_folder();
        _exit(write(results[1], counted, sizeof counted) == sizeof counted ? 0 : 1);
    }
    for (worker = 0; worker < WORKERS; worker++) {
        int status;
        long more[LENGTH_OF(counted)];
        CHECK(wait(&status) > 0);
        if (status != 0)
            FAIL("a worker ended with %#x: MMX_TEST_SEED=%" PRIu64 " MMX_TEST_ONE_IN=%ld shows it again",
                (unsigned)status, seed, one_in);
        CHECK(read(results[0], more, sizeof more) == sizeof more);
        for (size_t i = 0; i < LENGTH_OF(counted); i++) counted[i] += more[i];
    }
    remove_folder();
}

#endif
