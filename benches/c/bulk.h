/* What a contestant provides that deletes many files at once; bulk.c runs it. All of these end the process when something
 * goes wrong. */
#ifndef BULK_H
#define BULK_H

#include <stddef.h>
#include <stdint.h>

/* Once, before all else; for runs of at most so many requests at once. */
void contestant_begin(size_t width);
/* Deletes files that are there, `count` of them from `first_id` on, at most `width` at once, and makes sure of each that
 * the service says so. */
void contestant_delete_all(int64_t first_id, size_t count, size_t width);
/* Its name and version. */
const char *contestant_about(void);

/* Prints why and ends the process. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A setting from the environment, which must be there. */
const char *setting(const char *name);

#endif
