/* What a contestant provides that deletes many files at once; bulk.c runs it. All of these end the process when something
 * goes wrong. */
#ifndef BULK_H
#define BULK_H

#include "common.h"
#include <stddef.h>
#include <stdint.h>

/* Once, before all else; for runs of at most so many requests at once. */
void contestant_begin(size_t width);
/* Deletes files that are there, `count` of them from `first_id` on, at most `width` at once, and makes sure of each that
 * the service says so. */
void contestant_delete_all(int64_t first_id, size_t count, size_t width);
/* Its name and version. */
const char *contestant_about(void);

#endif
