/* What the tests of the rate limiter share. */
#ifndef RATE_H
#define RATE_H
#include "check.h"

/* A client with so many requests a minute, 0 for no ceiling, that sends again as it does by default. */
static inline mmx_client *limited(const char *name, int32_t requests) {
    mmx_config *config = config_for(name, false);
    CHECK_INT(mmx_config_set_requests_per_minute(config, requests, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 0, NULL), MMX_OK);
    return client_of(config);
}

/* What the server allows the account, written with ' for ". */
static inline void assert_rate_allows(const char *name, const char *given) {
    char *path = format("/control/%s/settings", name), *settings = format("{%s}", given);
    for (char *at = settings; (at = strchr(at, '\'')); at++) *at = '"';
    free(control("POST", path, settings));
    free(settings);
    free(path);
}

#endif
