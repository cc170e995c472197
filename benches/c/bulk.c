/* Runs a contestant: CONTESTANT FIRST_ID WIDTH WARM_UP FILES deletes files, at most WIDTH at once, from one thread; the
 * first WARM_UP of them before the clock starts.
 *
 * Server, key and roots are in MINIMAX_BASE_URL, MINIMAX_API_KEY and SSL_CERT_FILE. Prints one line of JSON. */
#define _GNU_SOURCE
#include "bulk.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 5) fail("usage: %s FIRST_ID WIDTH WARM_UP FILES", argv[0]);
    int64_t first_id = strtoll(argv[1], NULL, 10);
    size_t width = strtoull(argv[2], NULL, 10), warm_up = strtoull(argv[3], NULL, 10),
           files = strtoull(argv[4], NULL, 10);
    contestant_begin(width);
    contestant_delete_all(first_id, warm_up, width);
    double cpu = cpu_time(), began = now();
    contestant_delete_all(first_id + (int64_t)warm_up, files, width);
    double seconds = now() - began;
    cpu = cpu_time() - cpu;
    printf("{\"about\":\"%s\",\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"peak_kib\":%ld}\n", contestant_about(), seconds,
        cpu, memory("VmHWM:"));
    return 0;
}
