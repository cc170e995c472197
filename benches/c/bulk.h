/* What a contestant provides that deletes many files at once; bulk.c runs it, over what bench.h asks for. */
#ifndef BULK_H
#define BULK_H

#include <stddef.h>
#include <stdint.h>

/* Deletes files that are there, `count` of them from `first_id` on, at most `width` at once, and makes sure of each that
 * the service says so. Ends the process when something goes wrong. */
void contestant_delete_all(int64_t first_id, size_t count, size_t width);

#endif
