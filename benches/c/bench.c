/* Runs a contestant: CONTESTANT FIRST_ID THREADS WARM_UP CALLS deletes files from many threads, and CONTESTANT FIRST_ID
 * deletes one, the client's making included in its time. The last two numbers are for each thread.
 * CONTESTANT upload SMALL LARGE uploads two files, and CONTESTANT download SMALL_ID LARGE_ID PATH downloads two to a path,
 * the small one to warm up.
 *
 * Server, key and roots are in MINIMAX_BASE_URL, MINIMAX_API_KEY and SSL_CERT_FILE. Prints one line of JSON. */
#define _GNU_SOURCE
#include "bench.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct worker {
    pthread_t thread;
    int64_t first_id;
    uint64_t *nanoseconds; /* One a call. */
};

static size_t threads, warm_up, calls;
/* All workers and the main thread meet three times: warm, clock started, done. */
static pthread_barrier_t barrier;

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t nanoseconds_of(struct timeval time) {
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

static uint64_t cpu_time(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return nanoseconds_of(usage.ru_utime) + nanoseconds_of(usage.ru_stime);
}

static long peak_memory(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void *work(void *argument) {
    struct worker *worker = argument;
    void *opened = contestant_open();
    int64_t id = worker->first_id;
    for (size_t i = 0; i < warm_up; i++) contestant_delete(opened, id++);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < calls; i++) {
        uint64_t began = now();
        contestant_delete(opened, id++);
        worker->nanoseconds[i] = now() - began;
    }
    pthread_barrier_wait(&barrier);
    contestant_close(opened);
    return NULL;
}

static void many(int64_t first_id) {
    struct worker *workers = calloc(threads, sizeof(*workers));
    uint64_t *all = calloc(threads * calls, sizeof(*all));
    if (workers == NULL || all == NULL) fail("out of memory");
    pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
    contestant_begin();
    for (size_t i = 0; i < threads; i++) {
        workers[i].first_id = first_id + (int64_t)(i * (warm_up + calls));
        workers[i].nanoseconds = all + i * calls;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) fail("a thread could not be started");
    }
    pthread_barrier_wait(&barrier);
    uint64_t cpu = cpu_time(), began = now();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    uint64_t wall = now() - began;
    cpu = cpu_time() - cpu;
    for (size_t i = 0; i < threads; i++) pthread_join(workers[i].thread, NULL);

    printf("{\"about\":\"%s\",\"wall_ns\":%llu,\"cpu_ns\":%llu,\"peak_rss_kib\":%ld,\"call_ns\":[", contestant_about(),
        (unsigned long long)wall, (unsigned long long)cpu, peak_memory());
    for (size_t i = 0; i < threads * calls; i++) printf("%s%llu", i == 0 ? "" : ",", (unsigned long long)all[i]);
    printf("]}\n");
}

static void first(int64_t id) {
    uint64_t began = now();
    contestant_begin();
    void *opened = contestant_open();
    contestant_delete(opened, id);
    uint64_t wall = now() - began;
    contestant_close(opened);
    printf("{\"about\":\"%s\",\"wall_ns\":%llu,\"cpu_ns\":%llu,\"peak_rss_kib\":%ld,\"call_ns\":[%llu]}\n",
        contestant_about(), (unsigned long long)wall, (unsigned long long)cpu_time(), peak_memory(),
        (unsigned long long)wall);
}

/* From here on the peak counts anew. */
static void forget_the_peak(void) {
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file == NULL || fputs("5", file) < 0 || fclose(file) != 0) fail("/proc/self/clear_refs can't be written");
}

static void transfer(char **arguments, int uploads) {
    contestant_begin();
    void *opened = contestant_open();
    uint64_t cpu = 0, began = 0;
    long resident = 0;
    for (int large = 0; large < 2; large++) {
        forget_the_peak();
        resident = memory("VmRSS:");
        cpu = cpu_time();
        began = now();
        if (uploads) contestant_upload(opened, arguments[large]);
        else contestant_download(opened, strtoll(arguments[large], NULL, 10), arguments[2]);
    }
    uint64_t wall = now() - began;
    cpu = cpu_time() - cpu;
    long growth = memory("VmHWM:") - resident;
    contestant_close(opened);
    printf("{\"about\":\"%s\",\"wall_ns\":%llu,\"cpu_ns\":%llu,\"peak_rss_kib\":%ld,\"growth_kib\":%ld,\"call_ns\":[%"
           "llu]}\n",
        contestant_about(), (unsigned long long)wall, (unsigned long long)cpu, memory("VmHWM:"), growth,
        (unsigned long long)wall);
}

static size_t number(const char *text) { return (size_t)strtoull(text, NULL, 10); }

int main(int argc, char **argv) {
    if (argc == 2) {
        first(strtoll(argv[1], NULL, 10));
    } else if (argc == 5 && strcmp(argv[1], "download") != 0) {
        threads = number(argv[2]);
        warm_up = number(argv[3]);
        calls = number(argv[4]);
        many(strtoll(argv[1], NULL, 10));
    } else if (argc == 4 && strcmp(argv[1], "upload") == 0) {
        transfer(argv + 2, 1);
    } else if (argc == 5) {
        transfer(argv + 2, 0);
    } else {
        fail("usage: %s FIRST_ID [THREADS WARM_UP CALLS] | upload SMALL LARGE | download SMALL_ID LARGE_ID PATH",
            argv[0]);
    }
    return 0;
}
