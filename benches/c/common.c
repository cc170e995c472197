#include "common.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

const char *setting(const char *name) {
    const char *value = getenv(name);
    if (value == NULL) fail("%s is not set", name);
    return value;
}

long memory(const char *name) {
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) kib = atol(line + strlen(name));
    }
    if (status == NULL || kib < 0) fail("/proc/self/status does not say %s", name);
    fclose(status);
    return kib;
}
