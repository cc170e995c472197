/* A key of the other region is the commonest mistake there is: 1004 and 2049 say so and name the other host. All names
 * lead to the stand-in server here. */
#include "contract.h"
#include <dlfcn.h>
#include <netdb.h>

static int looked_up;

/* Stands before the C library's: the library under test asks this one. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    (void)node;
    __atomic_add_fetch(&looked_up, 1, __ATOMIC_SEQ_CST);
    return real("127.0.0.1", service, hints, result);
}

/* What a call to `host` says about a fault. The caller frees it. */
static char *message_of(const char *host, const char *fault, mmx_status status) {
    script("region", fault);
    mmx_config *config = config_for("region", false);
    char *url = format("http://%s:%s/t/region", host, strrchr(setting("MMX_TEST_HTTP"), ':') + 1);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_allow_insecure(config, true, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    mmx_error *error = NULL;
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error), status);
    char *message = format("%s", mmx_error_message(error));
    mmx_error_free(error);
    mmx_client_free(client);
    free(url);
    return message;
}

int main(void) {
    static const struct {
        const char *host, *also, *other;
    } hosts[] = {
        {"api.minimaxi.com", "this call went to api.minimaxi.com", "the other host is https://api.minimax.io"},
        {"api.minimax.cn", "this call went to api.minimax.cn", "the other host is https://api.minimax.io"},
        {"API.MINIMAX.CN", "this call went to api.minimax.cn", "the other host is https://api.minimax.io"},
        {"api.minimax.io", "this call went to api.minimax.io", "the other host is https://api.minimaxi.com"},
        {"proxy.example", "api.minimaxi.com (China)", "api.minimax.io (global)"},
        {"127.0.0.1", "api.minimaxi.com (China)", "api.minimax.io (global)"},
    };
    static const char *const faults[] = {
        "{\"code\": 1004}", "{\"code\": 2049}", "{\"shape\": \"new_error\"}", "{\"http_status\": 401}"};
    account("region", 1);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        for (size_t j = 0; j < sizeof faults / sizeof *faults; j++) {
            char *message = message_of(hosts[i].host, faults[j], MMX_ERROR_AUTHENTICATION);
            CHECK_HAS(message, "it may belong to");
            CHECK_HAS(message, hosts[i].also);
            CHECK_HAS(message, hosts[i].other);
            free(message);
        }
        /* Where the key isn't the matter, regions aren't either. */
        char *message = message_of(hosts[i].host, "{\"code\": 1008}", MMX_ERROR_QUOTA);
        CHECK(!strstr(message, "belong") && !strstr(message, "https://"));
        free(message);
    }
    CHECK(looked_up > 0);
    CHECK_INT(count_of("region", "count"), 30);
    return 0;
}
