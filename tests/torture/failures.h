/* Which errors a system call can fail with: those that its manual names and that can come of how it is used here. */
#ifndef FAILURES_H
#define FAILURES_H
#include "check.h"
#include <errno.h>
#include <sys/syscall.h>

enum { MOST_ERRORS = 18 };

struct failing_call {
    long number;
    const char *name;
    /* The memory of malloc() comes from it: where it fails, the process may abort. */
    bool is_memory;
    /* It is carried out all the same. */
    bool is_after;
    int errors[MOST_ERRORS];
};

static const struct failing_call failing_calls[] = {
    {SYS_socket, "socket", false, false,
        {EACCES, EAFNOSUPPORT, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT}},
    {SYS_connect, "connect", false, false,
        {EACCES, EPERM, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EALREADY, ECONNREFUSED, ENETUNREACH,
            EHOSTUNREACH, EPROTOTYPE, ETIMEDOUT}},
    {SYS_connect, "connect (begun)", false, true, {EINTR, EINPROGRESS}},
    {SYS_setsockopt, "setsockopt", false, false, {EBADF, EINVAL, ENOPROTOOPT, ENOBUFS, ENOMEM}},
    {SYS_getsockopt, "getsockopt", false, false, {EBADF, EINVAL, ENOPROTOOPT}},
    {SYS_sendmsg, "sendmsg", false, false,
        {EACCES, EAGAIN, ECONNRESET, EDESTADDRREQ, EINTR, EINVAL, EMSGSIZE, ENOBUFS, ENOMEM, ENOTCONN, EPIPE,
            ETIMEDOUT}},
    {SYS_sendto, "sendto", false, false,
        {EACCES, EAGAIN, ECONNRESET, EINTR, EINVAL, EMSGSIZE, ENOBUFS, ENOMEM, ENOTCONN, EPIPE}},
    {SYS_recvfrom, "recv", false, false,
        {EAGAIN, ECONNREFUSED, ECONNRESET, EINTR, EINVAL, ENOMEM, ENOTCONN, ETIMEDOUT}},
    {SYS_recvmsg, "recvmsg", false, false, {EAGAIN, ECONNREFUSED, ECONNRESET, EINTR, EINVAL, ENOMEM, ENOTCONN}},
    {SYS_ppoll, "ppoll", false, false, {EFAULT, EINTR, EINVAL, ENOMEM}},
#ifdef SYS_poll
    {SYS_poll, "poll", false, false, {EFAULT, EINTR, EINVAL, ENOMEM}},
    {SYS_open, "open", false, false, {EACCES, EMFILE, ENFILE, ENOENT, ENOMEM}},
    {SYS_rename, "rename", false, false,
        {EACCES, EBUSY, EDQUOT, EIO, EISDIR, ELOOP, EMLINK, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS, EXDEV}},
    {SYS_unlink, "unlink", false, false, {EACCES, EBUSY, EIO, ELOOP, ENOENT, ENOMEM, EPERM, EROFS}},
    {SYS_readlink, "readlink", false, false, {EACCES, EINVAL, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR}},
    {SYS_stat, "stat", false, false, {EACCES, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW}},
    {SYS_lstat, "lstat", false, false, {EACCES, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW}},
#endif
    {SYS_eventfd2, "eventfd", false, false, {EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM}},
    {SYS_openat, "openat", false, false,
        {EACCES, EDQUOT, EEXIST, EINTR, EIO, EISDIR, ELOOP, EMFILE, ENFILE, ENODEV, ENOENT, ENOMEM, ENOSPC, ENOTDIR,
            ENXIO, EOVERFLOW, EPERM, EROFS}},
    {SYS_read, "read", false, false, {EAGAIN, EBADF, EINTR, EINVAL, EIO, EISDIR}},
    {SYS_pread64, "pread", false, false, {EAGAIN, EBADF, EINTR, EINVAL, EIO, EISDIR, ENXIO, EOVERFLOW, ESPIPE}},
    {SYS_write, "write", false, false, {EAGAIN, EBADF, EDQUOT, EFBIG, EINTR, EINVAL, EIO, ENOSPC, EPERM, EPIPE}},
    {SYS_pwrite64, "pwrite", false, false,
        {EAGAIN, EBADF, EDQUOT, EFBIG, EINTR, EINVAL, EIO, ENOSPC, ENXIO, EOVERFLOW, EPERM, EPIPE, ESPIPE}},
    {SYS_lseek, "lseek", false, false, {EINVAL, ENXIO, EOVERFLOW, ESPIPE}},
    {SYS_ftruncate, "ftruncate", false, false, {EBADF, EFBIG, EINTR, EINVAL, EIO, EPERM, EROFS}},
    {SYS_fchmod, "fchmod", false, false, {EIO, ENOMEM, EPERM, EROFS}},
    {SYS_fchown, "fchown", false, false, {EIO, ENOMEM, EPERM, EROFS}},
    {SYS_fsync, "fsync", false, false, {EBADF, EDQUOT, EINTR, EINVAL, EIO, ENOSPC, EROFS}},
    {SYS_fdatasync, "fdatasync", false, false, {EBADF, EDQUOT, EINTR, EINVAL, EIO, ENOSPC, EROFS}},
    {SYS_renameat, "renameat", false, false,
        {EACCES, EBUSY, EDQUOT, EIO, EISDIR, ELOOP, EMLINK, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS, EXDEV}},
    {SYS_renameat2, "renameat2", false, false,
        {EACCES, EBUSY, EDQUOT, EEXIST, EINVAL, EIO, EISDIR, ENOENT, ENOMEM, ENOSPC, ENOSYS, EPERM, EROFS, EXDEV}},
    {SYS_unlinkat, "unlinkat", false, false, {EACCES, EBUSY, EIO, ELOOP, ENOENT, ENOMEM, EPERM, EROFS}},
    {SYS_linkat, "linkat", false, false, {EACCES, EDQUOT, EEXIST, EIO, EMLINK, ENOENT, ENOSPC, EPERM, EROFS}},
    {SYS_readlinkat, "readlinkat", false, false, {EACCES, EINVAL, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR}},
    {SYS_newfstatat, "fstatat", false, false, {EACCES, EBADF, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW}},
    {SYS_fstat, "fstat", false, false, {EACCES, EBADF, EIO, ENOMEM, EOVERFLOW}},
    {SYS_statx, "statx", false, false, {EACCES, EBADF, EINVAL, EIO, ELOOP, ENOENT, ENOMEM, ENOSYS, ENOTDIR}},
    {SYS_getdents64, "getdents", false, false, {EBADF, EINVAL, EIO, ENOENT, ENOTDIR}},
    {SYS_getcwd, "getcwd", false, false, {EACCES, ENOENT, ENOMEM, ERANGE}},
    {SYS_flock, "flock", false, false, {EBADF, EINTR, EINVAL, ENOLCK, EWOULDBLOCK}},
    {SYS_fcntl, "fcntl", false, false, {EACCES, EAGAIN, EBADF, EINTR, EINVAL, EMFILE, ENOLCK}},
    {SYS_getrandom, "getrandom", false, false, {EAGAIN, EINTR, EINVAL, ENOSYS}},
    {SYS_close, "close", false, true, {EBADF, EDQUOT, EINTR, EIO, ENOSPC}},
    {SYS_mmap, "mmap", true, false, {EACCES, EAGAIN, EINVAL, ENFILE, ENODEV, ENOMEM, EOVERFLOW, EPERM}},
    {SYS_mremap, "mremap", true, false, {EAGAIN, EFAULT, EINVAL, ENOMEM}},
    {SYS_mprotect, "mprotect", true, false, {EACCES, EINVAL, ENOMEM}},
    {SYS_brk, "brk", true, false, {ENOMEM}},
    {SYS_madvise, "madvise", false, false, {EACCES, EAGAIN, EBADF, EINVAL, EIO, ENOMEM, EPERM}},
    {SYS_munmap, "munmap", false, true, {EINVAL, ENOMEM}},
    {SYS_clone3, "clone3", false, false, {EAGAIN, EINVAL, ENOMEM, ENOSPC, ENOSYS, EPERM, EUSERS}},
    {SYS_clone, "clone", false, false, {EAGAIN, EINVAL, ENOMEM, ENOSPC, EPERM, EUSERS}},
    {SYS_rt_sigprocmask, "rt_sigprocmask", false, false, {EFAULT, EINVAL}},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait", false, false, {EAGAIN, EINTR, EINVAL}},
    {SYS_rt_sigpending, "rt_sigpending", false, false, {EFAULT}},
};

#endif
