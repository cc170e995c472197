/* A library for LD_PRELOAD whose functions of libc fail when a test program wants it: once, at the n-th call. Without that
 * each is libc's. A lookup of "localhost" asks for 127.0.0.1, so that it needs no file of the system's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "faults.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* glibc's own names: dlsym(), which finds the others, may need memory itself. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static struct faults *_Atomic faults;

set_faults_function mmx_test_set_faults;
void mmx_test_set_faults(struct faults *wanted) { atomic_store(&faults, wanted); }

/* Counts a call; the error with which it is to fail, or 0. */
static int fault_of(enum function function, const void *caller) {
    struct faults *now = atomic_load(&faults);
    uintptr_t at = (uintptr_t)caller;
    if (!now || (at >= now->program_begins && at < now->program_ends)) return 0;
    long number = atomic_fetch_add(&now->counts[function], 1) + 1;
    if ((int)function != now->wanted || number != now->nth) return 0;
    atomic_store(&now->is_done, true);
    return now->error;
}

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

#define FAULT(name) fault_of(F_##name, __builtin_return_address(0))

/* A function of libc: it fails before it does anything. */
#define FUNCTION(type, failed, name, parameters, arguments)                                                            \
    type name parameters {                                                                                             \
        static type(*_Atomic real) parameters;                                                                         \
        int error = FAULT(name);                                                                                       \
        if (error) return errno = error, failed;                                                                       \
        if (!real) real = (type(*) parameters)(uintptr_t)next(#name);                                                  \
        return real arguments;                                                                                         \
    }

void *malloc(size_t size) { return FAULT(malloc) ? (errno = ENOMEM, NULL) : __libc_malloc(size); }

void *calloc(size_t count, size_t size) { return FAULT(calloc) ? (errno = ENOMEM, NULL) : __libc_calloc(count, size); }

void *realloc(void *old, size_t size) { return FAULT(realloc) ? (errno = ENOMEM, NULL) : __libc_realloc(old, size); }

int posix_memalign(void **out, size_t alignment, size_t size) {
    if (FAULT(posix_memalign)) return ENOMEM;
    void *memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *out = memory;
    return 0;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    static int (*_Atomic real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    int error = FAULT(getaddrinfo);
    if (error > 0) errno = error;
    if (error) return error < 0 ? error : EAI_SYSTEM;
    if (!real)
        real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))(uintptr_t)next(
            "getaddrinfo");
    return real(node && strcmp(node, "localhost") == 0 ? "127.0.0.1" : node, service, hints, found);
}

/* It reports its error as its result. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    static int (*_Atomic real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    int error = FAULT(pthread_create);
    if (error) return error;
    if (!real)
        real =
            (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))(uintptr_t)next("pthread_create");
    return real(thread, attributes, start, argument);
}

/* EINTR and EINPROGRESS: it was begun all the same. */
int connect(int socket, __CONST_SOCKADDR_ARG address, socklen_t length) {
    static int (*_Atomic real)(int, __CONST_SOCKADDR_ARG, socklen_t);
    int error = FAULT(connect);
    bool is_begun = error == EINTR || error == EINPROGRESS;
    if (error && !is_begun) return errno = error, -1;
    if (!real) real = (int (*)(int, __CONST_SOCKADDR_ARG, socklen_t))(uintptr_t)next("connect");
    int result = real(socket, address, length);
    return is_begun ? (errno = error, -1) : result;
}

/* The mode, which a call without O_CREAT doesn't give. */
#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        static int (*_Atomic real)(const char *, int, ...);                                                            \
        int error = FAULT(name);                                                                                       \
        mode_t mode = 0;                                                                                               \
        if (error) return errno = error, -1;                                                                           \
        if (__OPEN_NEEDS_MODE(flags)) {                                                                                \
            va_list more;                                                                                              \
            va_start(more, flags);                                                                                     \
            mode = va_arg(more, mode_t);                                                                               \
            va_end(more);                                                                                              \
        }                                                                                                              \
        if (!real) real = (int (*)(const char *, int, ...))(uintptr_t)next(#name);                                     \
        return real(path, flags, mode);                                                                                \
    }

/* Descriptors of eventfd(): a write to one has none of a file's errors. */
static atomic_bool is_event[1024];

int eventfd(unsigned count, int flags) {
    static int (*_Atomic real)(unsigned, int);
    int error = FAULT(eventfd);
    if (error) return errno = error, -1;
    if (!real) real = (int (*)(unsigned, int))(uintptr_t)next("eventfd");
    int fd = real(count, flags);
    if (fd >= 0 && fd < 1024) is_event[fd] = true;
    return fd;
}

ssize_t write(int fd, const void *buffer, size_t length) {
    static ssize_t (*_Atomic real)(int, const void *, size_t);
    int error = FAULT(write);
    bool is_possible = error == EINTR || fd < 0 || fd >= 1024 || !is_event[fd];
    if (error && is_possible) return errno = error, -1;
    if (!real) real = (ssize_t(*)(int, const void *, size_t))(uintptr_t)next("write");
    return real(fd, buffer, length);
}

/* It closes before it fails. */
int close(int fd) {
    static int (*_Atomic real)(int);
    int error = FAULT(close);
    if (fd >= 0 && fd < 1024) is_event[fd] = false;
    if (!real) real = (int (*)(int))(uintptr_t)next("close");
    int result = real(fd);
    return error ? (errno = error, -1) : result;
}

OPEN(open)
OPEN(open64)

FUNCTION(int, -1, socket, (int domain, int type, int protocol), (domain, type, protocol))
FUNCTION(int, -1, setsockopt, (int socket, int level, int name, const void *value, socklen_t length),
    (socket, level, name, value, length))
FUNCTION(int, -1, getsockopt, (int socket, int level, int name, void *restrict value, socklen_t *restrict length),
    (socket, level, name, value, length))
FUNCTION(ssize_t, -1, sendmsg, (int socket, const struct msghdr *message, int flags), (socket, message, flags))
FUNCTION(ssize_t, -1, recv, (int socket, void *buffer, size_t length, int flags), (socket, buffer, length, flags))
FUNCTION(int, -1, poll, (struct pollfd * descriptors, nfds_t count, int timeout), (descriptors, count, timeout))
FUNCTION(int, -1, ppoll,
    (struct pollfd * descriptors, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
    (descriptors, count, timeout, mask))
FUNCTION(DIR *, NULL, opendir, (const char *path), (path))
FUNCTION(struct dirent64 *, NULL, readdir64, (DIR * directory), (directory))
FUNCTION(ssize_t, -1, read, (int fd, void *buffer, size_t length), (fd, buffer, length))
FUNCTION(ssize_t, -1, pread64, (int fd, void *buffer, size_t length, off64_t at), (fd, buffer, length, at))
FUNCTION(ssize_t, -1, writev, (int fd, const struct iovec *buffers, int count), (fd, buffers, count))
FUNCTION(ssize_t, -1, pwrite64, (int fd, const void *buffer, size_t length, off64_t at), (fd, buffer, length, at))
FUNCTION(off64_t, -1, lseek64, (int fd, off64_t to, int from), (fd, to, from))
FUNCTION(int, -1, ftruncate64, (int fd, off64_t length), (fd, length))
FUNCTION(int, -1, fchmod, (int fd, mode_t mode), (fd, mode))
FUNCTION(int, -1, fsync, (int fd), (fd))
FUNCTION(int, -1, fdatasync, (int fd), (fd))
FUNCTION(int, -1, unlink, (const char *path), (path))
FUNCTION(
    ssize_t, -1, readlink, (const char *restrict path, char *restrict buffer, size_t length), (path, buffer, length))
FUNCTION(char *, NULL, realpath, (const char *restrict path, char *restrict resolved), (path, resolved))
FUNCTION(int, -1, stat64, (const char *restrict path, struct stat64 *restrict found), (path, found))
FUNCTION(int, -1, lstat64, (const char *restrict path, struct stat64 *restrict found), (path, found))
FUNCTION(int, -1, fstat64, (int fd, struct stat64 *found), (fd, found))
FUNCTION(int, -1, statx,
    (int directory, const char *restrict path, int flags, unsigned mask, struct statx *restrict found),
    (directory, path, flags, mask, found))
FUNCTION(char *, NULL, getcwd, (char *buffer, size_t length), (buffer, length))
FUNCTION(ssize_t, -1, getrandom, (void *buffer, size_t length, unsigned flags), (buffer, length, flags))
FUNCTION(void *, MAP_FAILED, mmap, (void *at, size_t length, int protection, int flags, int fd, off_t from),
    (at, length, protection, flags, fd, from))
FUNCTION(void *, MAP_FAILED, mmap64, (void *at, size_t length, int protection, int flags, int fd, off64_t from),
    (at, length, protection, flags, fd, from))
FUNCTION(int, -1, madvise, (void *at, size_t length, int advice), (at, length, advice))

/* It unmaps before it fails. */
int munmap(void *at, size_t length) {
    static int (*_Atomic real)(void *, size_t);
    int error = FAULT(munmap);
    if (!real) real = (int (*)(void *, size_t))(uintptr_t)next("munmap");
    int result = real(at, length);
    return error ? (errno = error, -1) : result;
}
