/* Runs a contestant: CONTESTANT FIRST_ID WIDTH WARM_UP FILES deletes files, so many at once, from one thread; the first
 * WARM_UP of them before the clock starts.
 *
 * Server, key and roots are in MINIMAX_BASE_URL, MINIMAX_API_KEY and SSL_CERT_FILE. Prints one line of JSON. */
#include "bulk.h"
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    if (argc != 5) fail("usage: %s FIRST_ID WIDTH WARM_UP FILES", argv[0]);
    int64_t first_id = strtoll(argv[1], NULL, 10);
    size_t width = number(argv[2]), warm_up = number(argv[3]), files = number(argv[4]);
    contestant_begin();
    contestant_delete_all(first_id, warm_up, width);
    uint64_t cpu = cpu_time(), began = now();
    contestant_delete_all(first_id + (int64_t)warm_up, files, width);
    uint64_t wall = now() - began;
    cpu = cpu_time() - cpu;
    printf("{\"about\":\"%s\",\"wall_ns\":%llu,\"cpu_ns\":%llu,\"peak_rss_kib\":%ld}\n", contestant_about(),
           (unsigned long long)wall, (unsigned long long)cpu, peak_memory());
    return 0;
}
