/* What a contestant written in C provides; bench.c runs it. All of these end the process when something goes wrong. */
#ifndef BENCH_H
#define BENCH_H

#include "common.h"
#include <stdint.h>

/* Once, before all else. */
void contestant_begin(void);
/* Of one thread; what it returns is handed to the two below. */
void *contestant_open(void);
/* Deletes a file that is there and makes sure that the service says so. */
void contestant_delete(void *opened, int64_t file_id);
/* Uploads a file and makes sure that the service has taken it. */
void contestant_upload(void *opened, const char *path);
/* Downloads a file that is there to a path. */
void contestant_download(void *opened, int64_t file_id, const char *path);
void contestant_close(void *opened);
/* Its name and version. */
const char *contestant_about(void);

#endif
