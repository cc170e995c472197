/* What every contestant written in C and those who run them have. */
#ifndef COMMON_H
#define COMMON_H

/* Prints why and ends the process. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A setting from the environment, which must be there. */
const char *setting(const char *name);
/* A line of /proc/self/status, as "VmHWM:", in KiB: of this program alone, where getrusage may tell of who started it. */
long memory(const char *name);

#endif
