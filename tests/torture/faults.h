/* Which function of libc fails, and how: what a test program and the preloaded library share. */
#ifndef FAULTS_H
#define FAULTS_H
#include <stdatomic.h>
#include <stdint.h>

/* X(function) for each that the library or the standard library of Rust calls by its name, and that can fail. */
#define FUNCTIONS(X)                                                                                                   \
    X(malloc)                                                                                                          \
    X(calloc)                                                                                                          \
    X(realloc)                                                                                                         \
    X(posix_memalign)                                                                                                  \
    X(getaddrinfo)                                                                                                     \
    X(pthread_create)                                                                                                  \
    X(socket)                                                                                                          \
    X(connect)                                                                                                         \
    X(setsockopt)                                                                                                      \
    X(getsockopt)                                                                                                      \
    X(sendmsg)                                                                                                         \
    X(recv)                                                                                                            \
    X(poll)                                                                                                            \
    X(ppoll)                                                                                                           \
    X(eventfd)                                                                                                         \
    X(open)                                                                                                            \
    X(open64)                                                                                                          \
    X(opendir)                                                                                                         \
    X(readdir64)                                                                                                       \
    X(read)                                                                                                            \
    X(pread64)                                                                                                         \
    X(write)                                                                                                           \
    X(writev)                                                                                                          \
    X(pwrite64)                                                                                                        \
    X(lseek64)                                                                                                         \
    X(ftruncate64)                                                                                                     \
    X(fchmod)                                                                                                          \
    X(fsync)                                                                                                           \
    X(fdatasync)                                                                                                       \
    X(unlink)                                                                                                          \
    X(readlink)                                                                                                        \
    X(realpath)                                                                                                        \
    X(stat64)                                                                                                          \
    X(lstat64)                                                                                                         \
    X(fstat64)                                                                                                         \
    X(statx)                                                                                                           \
    X(getcwd)                                                                                                          \
    X(getrandom)                                                                                                       \
    X(close)                                                                                                           \
    X(mmap)                                                                                                            \
    X(mmap64)                                                                                                          \
    X(munmap)                                                                                                          \
    X(madvise)

#define NUMBER_OF(function) F_##function,
enum function { FUNCTIONS(NUMBER_OF) FUNCTION_COUNT };
#undef NUMBER_OF

/* The n-th call of a function fails. Of getaddrinfo() an error below 0 is its result, and one above it the errno of
 * EAI_SYSTEM. */
struct faults {
    int wanted, error;
    long nth;
    /* The program itself, whose own calls don't count: those of the libraries do. */
    uintptr_t program_begins, program_ends;
    atomic_long counts[FUNCTION_COUNT];
    atomic_bool is_done;
};

/* In the preloaded library: from now on what `faults` says; NULL ends it. */
typedef void set_faults_function(struct faults *faults);
#define SET_FAULTS "mmx_test_set_faults"

#endif
