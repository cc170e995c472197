/* A library to be preloaded. It counts what the process allocates, and writes the number of allocations and their bytes
 * to the file named by BENCH_ALLOCATIONS when the process ends. A realloc() counts as an allocation of its new size.
 *
 * It stands on the names under which glibc exports its own allocator. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_ullong allocations, bytes;

static void count_one(size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&bytes, size, memory_order_relaxed);
}

void *malloc(size_t size) {
    count_one(size);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    count_one(count * size);
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    count_one(size);
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    count_one(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **out, size_t alignment, size_t size) {
    void *made = memalign(alignment, size);
    if (made == NULL) return ENOMEM;
    *out = made;
    return 0;
}

__attribute__((destructor)) static void write_down(void) {
    unsigned long long count = atomic_load(&allocations), size = atomic_load(&bytes);
    const char *path = getenv("BENCH_ALLOCATIONS");
    FILE *file = path == NULL ? NULL : fopen(path, "w");
    if (file == NULL) return;
    fprintf(file, "%llu %llu\n", count, size);
    fclose(file);
}
