/* A limit of the system that keeps a socket from being made is no connection, and nothing was sent: the message names what
 * it is. */
#include "contract.h"
#include "files.h"
#include <dlfcn.h>
#include <sys/resource.h>

static const char NAME[] = "open-files";
static int refuse_with;

/* Stands in front of libc's. */
int socket(int domain, int type, int protocol) {
    if (refuse_with) return errno = refuse_with, -1;
    int (*real)(int, int, int);
    *(void **)&real = dlsym(RTLD_NEXT, "socket");
    return real(domain, type, protocol);
}

static void fails_with(const mmx_client *client, const char *part) {
    mmx_error *error = NULL;
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error), MMX_ERROR_CONNECT);
    CHECK_HAS(mmx_error_message(error), part);
    CHECK(!mmx_error_is_ambiguous(error));
    mmx_error_free(error);
}

static void a_refused_socket(void) {
    static const struct {
        int code;
        const char *part;
    } table[] = {
        {EMFILE, "ulimit -n"},
        {ENFILE, "limit of open files"},
        {EPERM, "a sandbox or firewall of this machine forbids it"},
        {EACCES, "a sandbox or firewall of this machine forbids it"},
        {ENOMEM, "this machine is out of memory"},
        {ENOBUFS, "this machine is out of memory"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        mmx_client *client = client_for(NAME, false);
        refuse_with = table[i].code;
        fails_with(client, table[i].part);
        refuse_with = 0;
        mmx_client_free(client);
    }
}

/* None is left: of each number of descriptors that may be made still, the calls end so or well; also those that wait for the
 * rate limiter or a lookup, which want an event. */
static void none_left(void) {
    for (int spare = 0; spare <= 3; spare++) {
        mmx_config *config = config_for(NAME, false);
        char *url = format("http://localhost:%s/t/%s", strrchr(setting("MMX_TEST_HTTP"), ':') + 1, NAME);
        account(NAME, 9);
        if (spare % 2) CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
        CHECK_INT(mmx_config_set_connect_timeout_ms(config, 5000 + spare, NULL), MMX_OK);
        CHECK_INT(mmx_config_set_requests_per_minute(config, 6000, NULL), MMX_OK);
        mmx_client *client = client_of(config);
        struct rlimit before, low;
        CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
        int fds[64], count = 0;
        low = before;
        low.rlim_cur = 40;
        CHECK_INT(setrlimit(RLIMIT_NOFILE, &low), 0);
        while (count < 64 && (fds[count] = dup(0)) >= 0) count++;
        for (int i = 0; i < spare && count > 0; i++) close(fds[--count]);
        for (int i = 0; i < 3; i++) {
            mmx_error *error = NULL;
            mmx_status status = mmx_delete_file(client, 1 + i, "voice_clone", NULL, NULL, &error);
            if (status != MMX_OK) {
                if (status != MMX_ERROR_CONNECT) FAIL("%d spare: %s", spare, mmx_error_message(error));
                CHECK(!mmx_error_is_ambiguous(error));
                if (spare % 2 == 0) CHECK_HAS(mmx_error_message(error), "ulimit -n");
            }
            mmx_error_free(error);
        }
        while (count > 0) close(fds[--count]);
        CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_deletes(client, 9);
        mmx_client_free(client);
        free(url);
    }
}

int main(void) {
    account(NAME, 9);
    a_refused_socket();
    none_left();
    return 0;
}
